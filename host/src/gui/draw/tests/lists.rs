//! What lists are made of.

use super::allowed::check;
use super::dom::{Element, Page};
use super::pages::{Given, button, drawn, form, links, listing, words};
use crate::gui::draw::{Drawing, view};
use crate::hook::Value;
use crate::view::*;

fn page(view: &View) -> Page {
    page_with(view, &Given::default())
}

fn page_with(view: &View, given: &Given<'_>) -> Page {
    check(&drawn(view, given), "structure")
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn a_button_of_a_row_names_its_row() {
    let buttons = vec![
        button("drop", Scope::Row, Target::Act),
        button("open", Scope::Row, Target::Page { page: "one".into() }),
    ];
    let page = page(&View::Listing(listing(ColumnKind::Text, vec![text("a")], buttons)));
    assert_eq!(page.with("name", ".on").unwrap().get("value"), Some("drop:SEALED0"));
    let link = page.all("a").find(|its| its.text == "Button open").unwrap();
    assert_eq!(link.get("href"), Some("/s/1/notes/one?object=domain%3Aexample.com&row=SEALED0"));
    assert!(page.with("name", "row").is_none());
}

#[test]
fn chosen_rows_are_sent_with_the_buttons_that_are_about_them() {
    let buttons = vec![button("lock", Scope::Rows, Target::Act)];
    let cells = vec![text("anna"), text("bert")];
    let page = page(&View::Listing(listing(ColumnKind::Text, cells, buttons)));
    let rows: Vec<&Element> =
        page.all("input").filter(|its| its.get("name") == Some("row")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].get("value"), Some("SEALED1"));
    assert_eq!(rows[1].get("aria-label"), Some("Choose row bert"));
    assert!(page.is_in(page.with("value", "lock").unwrap(), "form"));
}

#[test]
fn a_button_about_a_list_as_a_whole_sends_no_rows() {
    let buttons =
        vec![button("count", Scope::Page, Target::Act), button("lock", Scope::Rows, Target::Act)];
    let page = page(&View::Listing(listing(ColumnKind::Text, vec![text("a")], buttons)));
    let its = page.with("value", "count").unwrap();
    let form = page.with("id", its.get("form").unwrap()).unwrap();
    assert_eq!(form.name, "form");
    assert!(!page.is_in(its, "form"));
}

#[test]
fn chosen_rows_lead_to_a_page_without_the_token() {
    let buttons = vec![button("edit", Scope::Rows, Target::Page { page: "edit".into() })];
    let page = page(&View::Listing(listing(ColumnKind::Text, vec![text("a")], buttons)));
    let its = page.all("button").find(|its| its.has("formaction")).unwrap();
    assert_eq!(its.get("formmethod"), Some("get"));
    assert!(page.with("name", ".token").is_none());
    assert_eq!(page.with("name", "object").unwrap().get("value"), Some("domain:example.com"));
}

#[test]
fn a_page_about_several_rows_keeps_all_of_them() {
    let (words, mut links) = (words(), links());
    links.rows = vec!["A".into(), "B".into()];
    let its = View::Form(form(Vec::new(), vec![button("save", Scope::Page, Target::Act)]));
    let body = view(&Drawing {
        view: &its,
        words: &words,
        links: &links,
        window: &Window::default(),
        token: "TOKEN",
        entered: None,
        problems: &[],
        message: None,
    });
    let page = Page::parse(&body.into_string());
    let action = page.all("form").next().unwrap().get("action").unwrap().to_owned();
    assert_eq!(action, "/s/1/notes/all?object=domain%3Aexample.com&row=A&row=B");
}

#[test]
fn a_list_says_how_it_is_sorted_and_keeps_it_on_every_way() {
    let window = Window {
        after: Some("25".into()),
        limit: Some(50),
        sort: Some("name".into()),
        descending: false,
        search: Some("a".into()),
    };
    let mut its = listing(ColumnKind::Text, vec![text("a")], Vec::new());
    its.next = Some("75".into());
    its.total = Some(200);
    its.searchable = true;
    let page = page_with(&View::Listing(its), &Given { window, ..Given::default() });
    let heading = page.all("th").next().unwrap();
    assert_eq!(heading.get("aria-sort"), Some("ascending"));
    let base = "/s/1/notes/all?object=domain%3Aexample.com";
    for way in [
        format!("{base}&limit=50&sort=name&descending=true&search=a"),
        format!("{base}&limit=50&sort=name&search=a"),
        format!("{base}&after=75&limit=50&sort=name&search=a"),
        format!("{base}&limit=100&sort=name&search=a"),
    ] {
        assert!(page.with("href", &way).is_some(), "{way}");
    }
    let search = page.all("form").next().unwrap();
    assert_eq!(search.get("method"), Some("get"));
    let sent: Vec<&str> = page
        .all("input")
        .filter(|its| page.is_in(its, "search"))
        .filter_map(|its| its.get("name"))
        .collect();
    assert_eq!(sent, ["object", "limit", "sort", "search"]);
    assert!(page.all("p").any(|its| its.text == "1 of 200 rows"));
}

#[test]
fn an_empty_list_says_so() {
    let mut its = listing(ColumnKind::Text, Vec::new(), Vec::new());
    let says = |its: &Listing, search: Option<&str>| {
        let window = Window { search: search.map(str::to_owned), ..Window::default() };
        let given = Given { window, ..Given::default() };
        let page = page_with(&View::Listing(its.clone()), &given);
        page.with("class", "empty").unwrap().text.clone()
    };
    assert_eq!(says(&its, None), "There is nothing here yet");
    assert_eq!(says(&its, Some("x")), "Nothing found");
    its.empty = Some("No notes yet".into());
    assert_eq!(says(&its, None), "No notes yet");
}

#[test]
fn cells_are_shown_by_the_kind_of_their_column() {
    let shown = |kind: ColumnKind, value: Value| {
        let page = page(&View::Listing(listing(kind, vec![value], Vec::new())));
        page.all("th").last().unwrap().text.clone()
    };
    assert_eq!(shown(ColumnKind::Ratio, Value::Number(0.5)), words().percent(0.5));
    assert_eq!(shown(ColumnKind::Bytes, Value::Integer(2048)), words().bytes(2048.0));
    assert_eq!(shown(ColumnKind::Number, text("many")), "many");
    assert_eq!(shown(ColumnKind::Toggle, Value::Boolean(false)), "No");
    let moment = Value::Integer(1_764_000_000_000);
    assert_eq!(shown(ColumnKind::DateTime, moment), words().date_time(1_764_000_000_000));
    assert_eq!(shown(ColumnKind::DateTime, text("soon")), "soon");
}

#[test]
fn a_badge_has_the_tone_of_its_value() {
    let kind = ColumnKind::Badge { tones: vec![("full".into(), Tone::Danger)] };
    let page = page(&View::Listing(listing(kind, vec![text("full"), text("x")], Vec::new())));
    assert_eq!(page.with("class", "badge tone-danger").unwrap().text, "full");
    assert_eq!(page.with("class", "badge tone-neutral").unwrap().text, "x");
}

#[test]
fn a_link_of_a_column_has_its_row() {
    let kind = ColumnKind::Link { page: "one".into() };
    let page = page(&View::Listing(listing(kind, vec![text("a")], Vec::new())));
    assert!(page.with("href", "/s/1/notes/one?object=domain%3Aexample.com&row=SEALED0").is_some());
}
