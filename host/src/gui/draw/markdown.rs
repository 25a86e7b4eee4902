//! Texts in CommonMark. HTML in them is shown as the text that it is; links lead to the web alone, and images are files
//! of the extension.

use maud::{Markup, PreEscaped, Render as _, html};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

use super::button::is_web;
use super::{Level, Pen, unseen};

/// How deep parts nest; what is deeper stands where its parent does.
const MAX_DEPTH: usize = 16;

/// A part that is not closed yet, with what is in it so far.
struct Open<'a> {
    /// What it is; nothing for what is drawn as its parent.
    tag: Option<Tag<'a>>,
    inner: String,
    /// The texts alone, for an image.
    plain: String,
}

impl<'a> Open<'a> {
    fn new(tag: Option<Tag<'a>>) -> Self {
        Self { tag, inner: String::new(), plain: String::new() }
    }
}

/// Draws a text.
pub fn markdown(pen: &Pen<'_>, text: &str, level: Level) -> Markup {
    let mut open = vec![Open::new(None)];
    for event in Parser::new_ext(text, Options::empty()) {
        match event {
            Event::Start(tag) => {
                // The last level is for the items of a list, which are nothing without it.
                let deepest = if matches!(tag, Tag::List(_)) { MAX_DEPTH - 1 } else { MAX_DEPTH };
                let is_drawn = open.len() <= deepest;
                open.push(Open::new(is_drawn.then_some(tag)));
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { break };
                let plain = done.plain.clone();
                let markup = close(pen, level, done);
                add(&mut open, &markup, &plain);
            }
            Event::Code(text) => add(&mut open, &html! { code { (*text) } }, &text),
            Event::SoftBreak => add(&mut open, &html! { "\n" }, " "),
            Event::HardBreak => add(&mut open, &html! { br; }, " "),
            Event::Rule => add(&mut open, &html! { hr; }, ""),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => add(&mut open, &(*text).render(), &text),
            Event::TaskListMarker(_) => {}
        }
    }
    let drawn: String = open.into_iter().map(|open| open.inner).collect();
    html! { div.text { (PreEscaped(drawn)) } }
}

fn add(open: &mut [Open<'_>], markup: &Markup, plain: &str) {
    let is_in_image = open.iter().any(|open| matches!(open.tag, Some(Tag::Image { .. })));
    if let Some(last) = open.last_mut() {
        last.inner.push_str(&markup.0);
        if is_in_image {
            last.plain.push_str(plain);
        }
    }
}

/// A part with what is in it, which was drawn before.
fn close(pen: &Pen<'_>, level: Level, done: Open<'_>) -> Markup {
    let inner = PreEscaped(done.inner);
    let Some(tag) = done.tag else { return inner };
    match tag {
        Tag::Paragraph => html! { p { (inner) } },
        Tag::Heading { level: its, .. } => level.below_by(depth(its)).heading(None, &inner),
        Tag::BlockQuote(_) => html! { blockquote { (inner) } },
        Tag::CodeBlock(kind) => {
            let language = match &kind {
                CodeBlockKind::Fenced(language) if !language.is_empty() => Some(&**language),
                _ => None,
            };
            html! { pre tabindex="0" { code data-language=[language] { (inner) } } }
        }
        // HTML stands as the text that it is.
        Tag::HtmlBlock => html! { p { (inner) } },
        Tag::List(Some(start)) => html! { ol start=[(start != 1).then_some(start)] { (inner) } },
        Tag::List(None) => html! { ul { (inner) } },
        Tag::Item => html! { li { (inner) } },
        Tag::Emphasis => html! { em { (inner) } },
        Tag::Strong => html! { strong { (inner) } },
        Tag::Link { dest_url, .. } => link(pen, &dest_url, &inner),
        Tag::Image { dest_url, title, .. } => image(pen, &dest_url, &title, &inner, &done.plain),
        _ => inner,
    }
}

/// How many levels below the first a heading is.
fn depth(level: HeadingLevel) -> u8 {
    (level as u8).saturating_sub(1)
}

fn link(pen: &Pen<'_>, address: &str, inner: &Markup) -> Markup {
    if !is_web(address) {
        return html! { (inner) };
    }
    if address.to_ascii_lowercase().starts_with("mailto:") {
        return html! { a href=(address) rel="noreferrer" { (inner) } };
    }
    html! {
        a href=(address) target="_blank" rel="noopener noreferrer" {
            (inner) (unseen(&format!(" ({})", pen.say("opens-new-window"))))
        }
    }
}

/// A file of the extension as an image, or what was written in its place.
fn image(pen: &Pen<'_>, path: &str, title: &str, inner: &Markup, text: &str) -> Markup {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    let address = plain.then(|| pen.links.and_then(|links| links.asset(path))).flatten();
    let Some(address) = address else { return html! { (inner) } };
    let title = (!title.is_empty()).then_some(title);
    html! { img src=(address) alt=(text) title=[title] loading="lazy"; }
}
