//! Texts that would be markup or script: an extension puts each of them into every place of every view, and a browser
//! must show it as text. So the page has the elements of one with a plain text, and no others.

use palisade_tests::browser::Page;

use super::{browser, desk, host, open};

/// How many texts `hostile-pages` has; the first is a plain one.
const PAYLOADS: usize = 41;

/// Shows a view of `hostile-pages` with a text in every place.
async fn tell(page: &Page, base: &str, view: &str, number: usize) {
    page.open(&format!("{base}?search={view}:{number}")).await;
    assert!(page.noted().refused.is_empty(), "{view}:{number}: {:?}", page.noted().refused);
}

/// Whether something on a page would run a script, or lead where a text wanted to.
const DANGER: &str = "
    [...document.querySelectorAll('*')].flatMap(element => [
        ...element.getAttributeNames().filter(name => name.startsWith('on') || name === 'style' || name === 'srcdoc'),
        ...['href', 'src', 'action', 'formaction', 'data', 'xlink:href']
            .map(name => element.getAttribute(name) ?? '')
            .filter(address => /^[\\u0000-\\u0020]*(javascript|data|vbscript):/i.test(address)),
    ].map(found => `${element.outerHTML.slice(0, 200)}: ${found}`))";

async fn shown_as_texts(view: &str) {
    let browser = browser!();
    let host = host(&["hostile-pages"], "").await;
    let page = desk(&browser).await;
    open(&host, &page, "hostile-pages", "told").await;
    let base = page.url().await;
    tell(&page, &base, view, 0).await;
    let plain = page.skeleton().await;
    assert!(plain.len() > 20, "{view} is a page with little on it: {plain:?}");
    for number in 1..PAYLOADS {
        tell(&page, &base, view, number).await;
        // The title of the window is text whatever it is, so it says what must be seen.
        let seen =
            "document.title !== '' && document.querySelector('h1').textContent === document.title";
        assert_eq!(page.eval(seen).await, true, "{view}:{number}: {}", page.text("main").await);
        let danger = page.eval(DANGER).await;
        assert_eq!(danger.as_array().map(Vec::len), Some(0), "{view}:{number}: {danger}");
        let found = page.skeleton().await;
        let other = found.iter().zip(&plain).position(|(found, plain)| found != plain);
        assert!(
            found.len() == plain.len() && other.is_none(),
            "{view}:{number}: {} elements in place of {}, the first other at {other:?}: {:?}",
            found.len(),
            plain.len(),
            other.map(|index| (&found[index], &plain[index]))
        );
        page.check().await;
    }
}

#[tokio::test]
async fn a_form_shows_markup_as_text() {
    shown_as_texts("form").await;
}

#[tokio::test]
async fn a_list_shows_markup_as_text() {
    shown_as_texts("listing").await;
}

#[tokio::test]
async fn an_empty_list_shows_markup_as_text() {
    shown_as_texts("empty").await;
}

#[tokio::test]
async fn a_dashboard_shows_markup_as_text() {
    shown_as_texts("dashboard").await;
}

#[tokio::test]
async fn a_layout_shows_markup_as_text() {
    shown_as_texts("layout").await;
}

#[tokio::test]
async fn what_a_button_says_is_text() {
    let browser = browser!();
    let host = host(&["hostile-pages"], "").await;
    let page = desk(&browser).await;
    open(&host, &page, "hostile-pages", "told").await;
    let base = page.url().await;
    // What is said stands in one place each: some of the texts are enough.
    for number in (1..PAYLOADS).step_by(4) {
        for button in ["done", "invalid", "show"] {
            tell(&page, &base, "form", number).await;
            page.follow(&format!("button[value={button}]")).await;
            if button == "invalid" {
                page.refused_once(422).await;
            }
            let danger = page.eval(DANGER).await;
            assert_eq!(danger.as_array().map(Vec::len), Some(0), "{button}:{number}: {danger}");
            page.check().await;
        }
    }
}
