//! Texts that try to be more than texts, in every place where a text can be.

use super::allowed::check;
use super::dom::Page;
use super::pages::{all_pages, drawn, words};
use crate::gui::draw::{Failure, Frame, Level, Pen, document, failure, markdown};
use crate::gui::session::Mode;
use crate::view::{Tone, View};

/// What extensions could try.
const TEXTS: [&str; 40] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "` onclick=alert(1) `",
    "x onclick=alert(1) y",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</select></form></table></svg><iframe src=//x.test>",
    "</style><style>*{display:none}</style>",
    "<!--><script>alert(1)</script>-->",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><x/>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//x.test/",
    "\\\\x.test\\",
    "../../../x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "&quot; onclick=&quot;alert(1)",
    "&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\0<script>\0alert(1)</script>",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "\u{202e}gnp.exe\u{2066}\u{2069}\u{200f}",
    "\u{feff}\u{fffe}\u{1}\u{8}\u{7f}\u{9f}",
    "{{constructor.constructor('alert(1)')()}}${alert(1)}",
    "x\" style=\"position:fixed;inset:0\" x=\"",
    "x\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>",
    "\"]}</script><math><mi//xlink:href=\"javascript:alert(1)\">",
];

/// What extensions could try in texts in CommonMark.
const MARKDOWN: [&str; 22] = [
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java\\script:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](//x.test/)",
    "[x](/s/1/other/page)",
    "[x](https://x.test/\"onmouseover=\"alert(1))",
    "[x](https://x.test/ \"title\\\" onclick=alert(1)\")",
    "<javascript:alert(1)>",
    "<https://x.test/<script>>",
    "![x](javascript:alert(1))",
    "![x](https://x.test/pixel.png)",
    "![x](../../../admin)",
    "![a \"onerror=alert(1)](a.png \"t\\\" onerror=alert(1)\")",
    "[x]: javascript:alert(1)\n\n[x]",
    "```html\" onclick=\"alert(1)\n<script>alert(1)</script>\n```",
    "<div onclick=alert(1)>\n\n*x*\n\n</div>",
    "a <b onclick=alert(1)>b</b> <script>alert(1)</script>",
    "# <script>alert(1)</script>\n\n> <iframe src=x>\n\n- <object data=x>\n\n`<x>`",
];

#[test]
fn no_text_is_markup_wherever_it_stands() {
    for text in TEXTS {
        for (view, mut given) in all_pages(text, text) {
            given.message = Some((Tone::Info, text));
            check(&drawn(&view, &given), text);
        }
    }
}

#[test]
fn a_page_has_the_same_parts_whatever_its_texts_are() {
    let names = |its: &str| -> Vec<Vec<String>> {
        let pages = all_pages(its, "text");
        let html = pages.iter().map(|(view, given)| drawn(view, given));
        html.map(|html| Page::parse(&html).0.into_iter().map(|element| element.name).collect())
            .collect()
    };
    let harmless = names("x.y/z z");
    // An address is left out if it leads nowhere, and a text may happen to be one: those have other parts.
    for text in TEXTS.iter().filter(|text| !text.contains("://")) {
        assert!(names(text) == harmless, "{text:?}");
    }
}

#[test]
fn a_hostile_text_is_still_shown() {
    for text in TEXTS.iter().filter(|text| !text.contains(['\0', '\r', '\n'])) {
        for (view, given) in all_pages(text, "") {
            let page = Page::parse(&drawn(&view, &given));
            let body = page.all("main").next().unwrap();
            assert!(body.text.contains(text), "{text:?}");
        }
    }
}

#[test]
fn texts_in_commonmark_are_no_markup_of_their_own() {
    for markdown in MARKDOWN {
        let pages = all_pages("x", markdown);
        for (view, given) in pages.iter().filter(|(view, _)| matches!(view, View::Dashboard(_))) {
            let page = check(&drawn(view, given), markdown);
            for image in page.all("img") {
                assert!(image.get("src").unwrap().starts_with("/s/1/notes/.assets/"), "{image:?}");
            }
        }
    }
}

#[test]
fn nothing_hostile_is_in_the_frame_or_in_a_failure() {
    let words = words();
    for text in TEXTS {
        let styles = ["/s/1/notes/x.css".to_owned()];
        let frame = Frame { title: text, words: &words, mode: Mode::Dark, styles: &styles };
        let html = failure(
            &frame,
            &Failure {
                status: 424,
                title: text,
                message: text,
                hint: Some(text),
                request: Some(text),
            },
        );
        check(&html.into_string(), text);
        check(&document(&frame, &maud::html! { p { (text) } }).into_string(), text);
    }
}

#[test]
fn every_word_of_the_host_is_in_its_catalogue() {
    for (page, given) in all_pages("X", "X") {
        let page = Page::parse(&drawn(&page, &given));
        let said = page.0.iter().flat_map(|element| {
            let texts = ["aria-label", "placeholder", "title", "data-none", "data-failed"];
            let own = (element.name != "main").then_some(element.text.as_str());
            own.into_iter().chain(texts.into_iter().filter_map(|name| element.get(name)))
        });
        for text in said {
            let like_an_id = text.contains('-')
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(!like_an_id, "{text}");
        }
    }
}

#[test]
fn deep_and_long_texts_are_drawn_flat() {
    let words = words();
    let deep = format!("{}x", "> ".repeat(50_000));
    let lists =
        (0..2_000).map(|depth| format!("{}- x\n", " ".repeat(depth * 2))).collect::<String>();
    for text in [deep, lists, "[".repeat(50_000), "*a".repeat(20_000), "![".repeat(20_000)] {
        let drawn = markdown(&Pen::new(&words), &text, Level::PART);
        let page = Page::parse(&drawn.into_string());
        let deepest = page
            .0
            .iter()
            .map(|element| std::iter::successors(element.parent, |at| page.0[*at].parent).count());
        assert!(deepest.max().unwrap() < 40);
    }
}
