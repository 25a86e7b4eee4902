//! Texts that would be markup or script: an extension puts each of them into every place of every view, and a browser
//! must show it as text.

use palisade_tests::browser::Page;

use super::{browser, desk, host, open};

/// How many texts `hostile-pages` has; the first is a plain one.
const PAYLOADS: usize = 41;
/// Texts of the same length have the same marks in a chart or a list, but CommonMark makes of some what it may:
/// emphasis, lists, code. Beside those elements nothing may be there that is not there with the plain text.
const OF_MARKDOWN: [&str; 3] = ["code", "em", "p"];

/// Shows a view of `hostile-pages` with a text in every place.
async fn tell(page: &Page, base: &str, view: &str, number: usize) {
    page.open(&format!("{base}?search={view}:{number}")).await;
    // A link to a page of the panel that there is not, and the like, is nothing that went wrong here.
    assert!(page.noted().refused.is_empty(), "{view}:{number}: {:?}", page.noted().refused);
}

/// The elements of a page that CommonMark does not make.
async fn elements(page: &Page) -> Vec<String> {
    let mut elements = page.skeleton().await;
    elements.retain(|element| !OF_MARKDOWN.contains(&element.as_str()));
    elements
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
    let plain = elements(&page).await;
    assert!(plain.len() > 20, "{view} is a page with little on it: {plain:?}");
    for number in 1..PAYLOADS {
        tell(&page, &base, view, number).await;
        let danger = page.eval(DANGER).await;
        assert_eq!(danger.as_array().map(Vec::len), Some(0), "{view}:{number}: {danger}");
        let found = elements(&page).await;
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
    for number in 1..PAYLOADS {
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
