//! The pages of the examples, as people use them.

use palisade_tests::browser::{Look, Page, Scheme, Scripts};
use serde_json::json;

use super::{address, browser, desk, host, look_at, mailboxes, open};

const SAVE: &str = "button[value=save]";
const TEXT: &str = "textarea[name='in.text']";
const FIRST_ROW: &str = "tbody tr:first-child";

/// The first cells of a list.
async fn rows(page: &Page) -> Vec<String> {
    let cells =
        page.eval("[...document.querySelectorAll('tbody th')].map(cell => cell.innerText.trim())");
    serde_json::from_value(cells.await).unwrap()
}

/// What is said above a page about a button, behind the word for its tone that is not seen.
async fn said(page: &Page) -> String {
    let text = page.text("[data-message] p").await;
    text.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_page_of_the_examples_works_on_desk_and_telephone_in_light_and_dark() {
    let browser = browser!();
    let host = host(&["site-notes", "mailbox-insights"], "").await;
    mailboxes(&host, 40).await;
    for look in Look::all() {
        let page = browser.page(look).await;
        open(&host, &page, "site-notes", "notes").await;
        look_at(&page, "site-notes").await;
        page.fill(TEXT, "  ").await;
        page.follow(SAVE).await;
        page.refused_once(422).await;
        look_at(&page, "site-notes-problem").await;

        open(&host, &page, "mailbox-insights", "overview").await;
        look_at(&page, "mailbox-overview").await;
        open(&host, &page, "mailbox-insights", "mailboxes").await;
        look_at(&page, "mailbox-list").await;
        page.follow(&format!("{FIRST_ROW} th a")).await;
        look_at(&page, "mailbox").await;
    }
}

#[tokio::test]
async fn a_form_is_filled_in_and_says_what_is_wrong_and_what_is_done() {
    let browser = browser!();
    let host = host(&["site-notes"], "").await;
    let page = desk(&browser).await;
    open(&host, &page, "site-notes", "notes").await;
    assert_eq!(page.text("h1").await, "Notes about shop.example");

    page.fill(TEXT, " ").await;
    page.follow(SAVE).await;
    page.refused_once(422).await;
    assert_eq!(
        page.text("[data-field=text] .problem").await,
        "Write something, or remove the note."
    );
    assert_eq!(page.count(&format!("{TEXT}[aria-invalid=true]")).await, 1);
    // What is wrong is what is read next.
    page.until("document.activeElement.matches('[data-problems]')").await;

    page.fill(TEXT, "call <back>\n& soon").await;
    page.eval("document.querySelector(\"select[name='in.colour']\").value = 'red'").await;
    page.follow(SAVE).await;
    assert_eq!(said(&page).await, "The note is kept.");
    let kept = page.eval(&format!("document.querySelector({TEXT:?}).value")).await;
    assert_eq!(kept, "call <back>\n& soon");
    page.open(&page.url().await).await;
    assert_eq!(page.count("[data-message]").await, 0);
    page.check().await;
}

#[tokio::test]
async fn a_question_is_asked_before_something_is_gone() {
    let browser = browser!();
    let host = host(&["site-notes"], "").await;
    let page = desk(&browser).await;
    open(&host, &page, "site-notes", "notes").await;
    page.fill(TEXT, "soon gone").await;
    page.follow(SAVE).await;

    page.click(".button[popovertarget]:not([popovertargetaction])").await;
    page.until("document.querySelector(':popover-open')").await;
    assert!(page.text(":popover-open").await.starts_with("Remove the note?"));
    page.press("Escape").await;
    page.until("!document.querySelector(':popover-open')").await;
    assert_eq!(page.eval(&format!("document.querySelector({TEXT:?}).value")).await, "soon gone");

    page.click(".button[popovertarget]:not([popovertargetaction])").await;
    page.until("document.querySelector(':popover-open')").await;
    page.follow(":popover-open button[value=remove]").await;
    assert_eq!(said(&page).await, "The note is gone.");
    page.check().await;
}

#[tokio::test]
async fn a_list_is_searched_sorted_and_read_part_by_part() {
    let browser = browser!();
    let host = host(&["mailbox-insights"], "").await;
    mailboxes(&host, 30).await;
    let page = desk(&browser).await;
    open(&host, &page, "mailbox-insights", "mailboxes").await;
    assert_eq!(rows(&page).await.len(), 25);

    page.follow("a[rel=next]").await;
    assert_eq!(rows(&page).await.first().unwrap(), "box-25@shop.example");
    assert_eq!(rows(&page).await.len(), 5);

    let before = page.noted().loads;
    page.fill("input[type=search]", "box-1").await;
    page.press("Enter").await;
    palisade_tests::wait_until("the search", async || page.noted().loads > before).await;
    assert_eq!(rows(&page).await.len(), 10);

    page.follow("thead th:nth-of-type(4) a").await;
    page.follow("thead th:nth-of-type(4) a").await;
    let sorted =
        page.eval("document.querySelector('th[aria-sort]').getAttribute('aria-sort')").await;
    assert_eq!(sorted, "descending");
    assert_eq!(rows(&page).await.len(), 10);

    page.fill("input[type=search]", "nobody").await;
    let before = page.noted().loads;
    page.press("Enter").await;
    palisade_tests::wait_until("the search", async || page.noted().loads > before).await;
    assert!(rows(&page).await.is_empty());
    page.check().await;
}

#[tokio::test]
async fn one_row_and_several_rows_have_buttons() {
    let browser = browser!();
    let host = host(&["mailbox-insights"], "").await;
    mailboxes(&host, 5).await;
    let page = desk(&browser).await;
    open(&host, &page, "mailbox-insights", "mailboxes").await;
    page.click(&format!("{FIRST_ROW} td.actions button")).await;
    page.until("document.querySelector(':popover-open')").await;
    page.follow(":popover-open button[type=submit]").await;
    assert_eq!(said(&page).await, "box-00@shop.example is forgotten.");

    page.click("tbody tr:nth-child(1) input[data-choose]").await;
    page.click("tbody tr:nth-child(3) input[data-choose]").await;
    page.click(".chosen button").await;
    page.until("document.querySelector(':popover-open')").await;
    page.follow(":popover-open button[type=submit]").await;
    assert_eq!(said(&page).await, "2 mailboxes are forgotten.");
    assert_eq!(rows(&page).await, ["box-02@shop.example", "box-04@shop.example"]);

    page.click("input[data-choose-all]").await;
    assert_eq!(page.count("input[data-choose]:checked").await, 2);
    page.check().await;
}

#[tokio::test]
async fn without_scripts_the_same_works() {
    let browser = browser!();
    let host = host(&["site-notes", "mailbox-insights"], "").await;
    mailboxes(&host, 30).await;
    let look = Look { scripts: Scripts::Off, ..Look::default() };
    let page = browser.page(look).await;
    open(&host, &page, "site-notes", "notes").await;
    page.fill(TEXT, " ").await;
    page.follow(SAVE).await;
    page.refused_once(422).await;
    assert_eq!(
        page.text("[data-field=text] .problem").await,
        "Write something, or remove the note."
    );
    page.fill(TEXT, "plain").await;
    page.follow(SAVE).await;
    assert_eq!(said(&page).await, "The note is kept.");
    page.click(".button[popovertarget]:not([popovertargetaction])").await;
    page.until("document.querySelector(':popover-open')").await;
    page.follow(":popover-open button[value=remove]").await;
    assert_eq!(said(&page).await, "The note is gone.");

    open(&host, &page, "mailbox-insights", "mailboxes").await;
    page.follow("a[rel=next]").await;
    assert_eq!(rows(&page).await.len(), 5);
    page.click(&format!("{FIRST_ROW} td.actions button")).await;
    page.until("document.querySelector(':popover-open')").await;
    page.follow(":popover-open button[type=submit]").await;
    assert_eq!(said(&page).await, "box-25@shop.example is forgotten.");
    page.check().await;
}

#[tokio::test]
async fn a_page_is_written_from_right_to_left_for_those_who_read_so() {
    let browser = browser!();
    let host = host(&["site-notes", "mailbox-insights"], "").await;
    mailboxes(&host, 30).await;
    for width in [1440, 390] {
        let page = browser.page(Look { width, scheme: Scheme::Light, scripts: Scripts::On }).await;
        for (extension, name) in [("site-notes", "notes"), ("mailbox-insights", "mailboxes")] {
            let address = address(&host, extension, name, json!({ "locale": "ar" })).await;
            page.open(&address).await;
            assert_eq!(page.eval("document.documentElement.dir").await, "rtl");
            assert_eq!(page.eval("document.documentElement.lang").await, "ar");
            look_at(&page, &format!("{extension}-arabic")).await;
        }
    }
}

#[tokio::test]
async fn the_colours_of_the_panel_are_those_of_a_page() {
    let browser = browser!();
    let host = host(&["site-notes"], "").await;
    let page = desk(&browser).await;
    let theme = json!({ "theme": { "mode": "light", "variables": { "accent": "#7a1fa2" } } });
    page.open(&address(&host, "site-notes", "notes", theme).await).await;
    let accent =
        "getComputedStyle(document.documentElement).getPropertyValue('--palisade-accent').trim()";
    assert_eq!(page.eval(accent).await, "#7a1fa2");
    look_at(&page, "site-notes-themed").await;
}

#[tokio::test]
async fn the_first_view_of_a_page_is_small() {
    let browser = browser!();
    let host = host(&["mailbox-insights"], "").await;
    mailboxes(&host, 30).await;
    let page = desk(&browser).await;
    open(&host, &page, "mailbox-insights", "mailboxes").await;
    let bytes = page.noted().bytes;
    assert!((1..=150 * 1024).contains(&bytes), "{bytes} bytes");
    page.check().await;
}

#[tokio::test]
async fn what_went_wrong_is_a_page_that_everybody_can_read() {
    let browser = browser!();
    let host = host(&["hostile-pages"], "").await;
    for look in Look::all() {
        let page = browser.page(look).await;
        open(&host, &page, "hostile-pages", "told").await;
        let base = page.url().await;
        page.open(&format!("{base}?search=cycle")).await;
        page.refused_once(424).await;
        assert!(page.text("main").await.contains("which is not after it"));
        look_at(&page, "failure").await;
    }
}
