//! What pages are made of.

use super::allowed::check;
use super::dom::Page;
use super::pages::{Given, all_pages, button, drawn, field, form, links, listing, words};
use crate::gui::draw::{Drawing, Frame, document, view};
use crate::gui::session::Mode;
use crate::gui::words::Words;
use crate::hook::{Params, Value};
use crate::locale::Locale;
use crate::view::*;

fn page(view: &View) -> Page {
    page_with(view, &Given::default())
}

fn page_with(view: &View, given: &Given<'_>) -> Page {
    check(&drawn(view, given), "structure")
}

fn one_field(field: FormField) -> View {
    View::Form(form(vec![field], vec![button("save", Scope::Page, Target::Act)]))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn problem(field: Option<&str>, message: &str) -> FieldProblem {
    FieldProblem { field: field.map(str::to_owned), message: message.into() }
}

#[test]
fn everything_together_is_a_page() {
    for (view, given) in all_pages("x", "# x\n\n*x* [x](https://x.test/) ![x](a/b.png)") {
        page_with(&view, &given);
    }
}

#[test]
fn a_form_is_sent_to_its_page_with_the_token_and_its_state() {
    let page = page(&one_field(field("name", Control::Text(Default::default()), text("a"))));
    let form = page.all("form").next().unwrap();
    assert_eq!(form.get("method"), Some("post"));
    assert_eq!(form.get("action"), Some("/s/1/notes/all?object=domain%3Aexample.com"));
    assert!(!form.has("enctype"));
    assert_eq!(page.with("name", ".token").unwrap().get("value"), Some("TOKEN"));
    assert_eq!(page.with("name", ".state").unwrap().get("value"), Some("STATE"));
    assert_eq!(page.with("name", "in.name").unwrap().get("value"), Some("a"));
    assert_eq!(page.with("name", ".button").unwrap().get("value"), Some("save"));
}

#[test]
fn a_form_with_a_file_is_sent_in_parts() {
    let control = Control::File { media_types: vec!["text/csv".into()] };
    let page = page(&one_field(field("file", control, Value::Null)));
    assert_eq!(page.all("form").next().unwrap().get("enctype"), Some("multipart/form-data"));
    assert_eq!(page.with("type", "file").unwrap().get("accept"), Some("text/csv"));
}

#[test]
fn a_password_is_never_in_a_page() {
    let control = Control::Password(Default::default());
    let given = Given {
        entered: Some(Params::from_iter([("password".to_owned(), text("hunter2"))])),
        problems: vec![problem(Some("password"), "is too short")],
        ..Given::default()
    };
    let html = drawn(&one_field(field("password", control, text("hunter1"))), &given);
    assert!(!html.contains("hunter"), "{html}");
}

#[test]
fn a_secret_is_never_in_a_page() {
    let secret = text("hunter2").sealed();
    let cells = vec![secret.clone()];
    for view in [
        one_field(field("a", Control::Text(Default::default()), secret)),
        View::Listing(listing(ColumnKind::Text, cells, Vec::new())),
    ] {
        assert!(!drawn(&view, &Given::default()).contains("hunter"));
    }
}

#[test]
fn what_cannot_be_entered_is_not_sent() {
    for control in [
        Control::Text(Default::default()),
        Control::Toggle,
        Control::Select { choices: Choices::Fixed { values: Vec::new() } },
        Control::MultiSelect { choices: Choices::Lookup { name: "x".into() } },
        Control::Shown,
    ] {
        let mut its = field("fixed", control, text("a"));
        its.read_only = true;
        assert!(page(&one_field(its)).with("name", "in.fixed").is_none());
    }
}

#[test]
fn a_problem_stands_at_its_field_and_above_the_form() {
    let mut its = field("days", Control::Integer(Default::default()), Value::Integer(1));
    its.hint = Some("a hint".into());
    let given = Given { problems: vec![problem(Some("days"), "too few")], ..Given::default() };
    let page = page_with(&one_field(its), &given);
    let entry = page.with("name", "in.days").unwrap();
    assert_eq!(entry.get("aria-invalid"), Some("true"));
    assert_eq!(entry.get("aria-describedby"), Some("in-days_hint in-days_problem"));
    assert_eq!(page.with("id", "in-days_problem").unwrap().text, "too few");
    let summary = page.with("role", "alert").unwrap();
    assert!(summary.text.contains("Field days") && summary.text.contains("too few"));
    assert!(page.with("href", "#in-days").is_some());
}

#[test]
fn what_was_entered_stands_in_place_of_what_the_form_began_with() {
    let entered = Params::from_iter([("name".to_owned(), text("mine"))]);
    let given = Given { entered: Some(entered), ..Given::default() };
    let its = field("name", Control::Text(Default::default()), text("first"));
    let page = page_with(&one_field(its), &given);
    assert_eq!(page.with("name", "in.name").unwrap().get("value"), Some("mine"));
}

#[test]
fn of_two_forms_the_one_that_was_sent_has_the_problems_and_its_tab_is_shown() {
    let of = |name: &str| {
        Node::Form(form(
            vec![field(name, Control::Text(Default::default()), Value::Null)],
            vec![button("save", Scope::Page, Target::Act)],
        ))
    };
    let root = Node::Tabs {
        titles: vec!["One".into(), "Two".into()],
        children: vec![of("first"), of("second")],
    };
    let view = View::Layout(Layout { title: "x".into(), root });
    let given = Given {
        entered: Some(Params::from_iter([("second".to_owned(), text("a"))])),
        problems: vec![problem(None, "no")],
        ..Given::default()
    };
    let page = page_with(&view, &given);
    assert_eq!(page.all("div").filter(|its| its.get("role") == Some("alert")).count(), 1);
    let checked: Vec<bool> = page
        .all("input")
        .filter(|its| its.get("type") == Some("radio"))
        .map(|its| its.has("checked"))
        .collect();
    assert_eq!(checked, [false, true]);
    assert!(page.with("name", "in.second").unwrap().has("value"));
}

#[test]
fn a_toggle_that_is_off_is_sent_too() {
    let page = page(&one_field(field("on", Control::Toggle, Value::Boolean(true))));
    let sent: Vec<(&str, &str)> = page
        .all("input")
        .filter(|its| its.get("name") == Some("in.on"))
        .map(|its| (its.get("type").unwrap(), its.get("value").unwrap()))
        .collect();
    assert_eq!(sent, [("hidden", "false"), ("checkbox", "true")]);
}

#[test]
fn several_values_are_boxes_of_one_name_and_none_is_sent_too() {
    let choice = |value: &str| Choice { value: value.into(), label: value.into(), disabled: false };
    let control =
        Control::MultiSelect { choices: Choices::Fixed { values: vec![choice("a"), choice("b")] } };
    let page = page(&one_field(field("some", control, Value::Texts(vec!["b".into()]))));
    let sent: Vec<(&str, bool)> = page
        .all("input")
        .filter(|its| its.get("name") == Some("in.some"))
        .map(|its| (its.get("value").unwrap(), its.has("checked")))
        .collect();
    assert_eq!(sent, [("", false), ("a", false), ("b", true)]);
    assert_eq!(page.all("legend").last().unwrap().text.trim(), "Field some");
}

#[test]
fn a_moment_is_entered_in_utc() {
    let value = text("2026-11-24T10:00:00+02:00");
    let page = page(&one_field(field("at", Control::DateTime, value)));
    let entry = page.with("name", "in.at").unwrap();
    assert_eq!(entry.get("value"), Some("2026-11-24T08:00:00"));
    assert_eq!(page.with("id", "in-at_unit").unwrap().text, "UTC");
}

#[test]
fn a_text_keeps_its_first_line_break() {
    let page = page(&one_field(field("a", Control::Textarea(Default::default()), text("\na"))));
    assert_eq!(page.all("textarea").next().unwrap().text, "\na");
}

#[test]
fn what_a_condition_hides_need_not_be_filled_in() {
    let mut its = field("more", Control::Text(Default::default()), Value::Null);
    its.required = true;
    its.shown_when = vec![Condition { field: "on".into(), values: vec![Value::Boolean(true)] }];
    let on = field("on", Control::Toggle, Value::Boolean(false));
    let page = page(&View::Form(form(vec![on, its], Vec::new())));
    let entry = page.with("name", "in.more").unwrap();
    assert!(!entry.has("required") && entry.has("data-required"));
    let around = page.with("data-field", "more").unwrap();
    assert!(around.has("data-off"));
    assert_eq!(around.get("data-shown-when"), Some("[{\"field\":\"on\",\"values\":[true]}]"));
}

#[test]
fn a_question_is_answered_before_a_button_is_sent() {
    let mut its = button("drop", Scope::Page, Target::Act);
    its.confirm = Some("Really?".into());
    let page = page(&View::Form(form(Vec::new(), vec![its])));
    let asking = page.all("button").find(|its| its.has("popovertarget")).unwrap();
    assert_eq!(asking.get("type"), Some("button"));
    let dialog = page.with("id", asking.get("popovertarget").unwrap()).unwrap();
    assert_eq!(dialog.get("role"), Some("dialog"));
    assert!(dialog.has("popover") && dialog.text.contains("Really?"));
    let sending = page.with("name", ".button").unwrap();
    assert!(page.is_in(sending, "form"));
    let first = page.all("button").find(|its| its.get("type") == Some("submit")).unwrap();
    assert!(first.has("disabled"), "the return key must not answer the question");
}

#[test]
fn the_return_key_sends_the_first_button_that_asks_nothing() {
    let mut drop = button("drop", Scope::Page, Target::Act);
    drop.confirm = Some("Really?".into());
    let save = button("save", Scope::Page, Target::Act);
    let page = page(&View::Form(form(Vec::new(), vec![drop, save])));
    let first = page.all("button").find(|its| its.get("type") == Some("submit")).unwrap();
    assert_eq!(first.get("value"), Some("save"));
}

#[test]
fn buttons_lead_where_they_may() {
    let to = |target: Target| {
        let view = View::Listing(listing(
            ColumnKind::Text,
            vec![text("a")],
            vec![button("go", Scope::Page, target)],
        ));
        page(&view)
            .0
            .into_iter()
            .find(|its| its.text == "Button go" || its.text.starts_with("Button go"))
    };
    let link = |target: Target| {
        let view = View::Listing(listing(
            ColumnKind::Text,
            vec![text("a")],
            vec![button("go", Scope::Page, target)],
        ));
        page(&view).all("a").find(|its| its.text.starts_with("Button go")).cloned()
    };
    let own = link(Target::Page { page: "new".into() }).unwrap();
    assert_eq!(own.get("href"), Some("/s/1/notes/new?object=domain%3Aexample.com"));
    let panel = link(Target::PanelPage { name: "home".into() }).unwrap();
    assert_eq!((panel.get("href"), panel.get("target")), (Some("/panel"), Some("_top")));
    let out = link(Target::Url { url: "https://x.test/".into() }).unwrap();
    assert_eq!(out.get("rel"), Some("noopener noreferrer"));
    assert_eq!(out.get("target"), Some("_blank"));
    for target in [
        Target::PanelPage { name: "unknown".into() },
        Target::Url { url: "javascript:alert(1)".into() },
        Target::Page { page: "..".into() },
    ] {
        assert!(to(target.clone()).is_none(), "{target:?}");
    }
}

#[test]
fn a_widget_that_asks_anew_is_found_again_by_its_identifier() {
    let widget = Widget {
        id: "traffic".into(),
        title: "Traffic".into(),
        body: WidgetBody::Notes { notes: Vec::new() },
        buttons: Vec::new(),
        span: 6,
        refresh_seconds: Some(30),
    };
    let view = View::Dashboard(Dashboard { title: "x".into(), widgets: vec![widget] });
    let page = page(&view);
    let its = page.with("id", "widget-traffic").unwrap();
    assert_eq!(its.get("data-refresh"), Some("30"));
    assert_eq!(page.0[its.parent.unwrap()].get("class"), Some("span-6"));
}

#[test]
fn a_part_of_the_panel_is_shown_as_its_makers_fallback() {
    let custom =
        Custom { name: "map".into(), props: serde_json::json!({}), fallback: "A map".into() };
    let view = View::Layout(Layout { title: "x".into(), root: Node::Custom(custom) });
    assert_eq!(page(&view).with("class", "custom").unwrap().text, "A map");
}

#[test]
fn a_document_is_in_the_language_and_the_mode_of_the_reader() {
    let words = Words::of(&Locale::parse("ar").unwrap());
    let of = |mode: Mode| {
        let frame = Frame { title: "x", words: &words, mode, styles: &[] };
        let page = Page::parse(&document(&frame, &maud::html! {}).into_string());
        let html = page.all("html").next().unwrap().clone();
        assert_eq!((html.get("lang"), html.get("dir")), (Some("ar"), Some("rtl")));
        html.get("data-theme").map(str::to_owned)
    };
    assert_eq!(of(Mode::Auto), None);
    assert_eq!(of(Mode::Dark).as_deref(), Some("dark"));
}

#[test]
fn a_message_is_read_aloud() {
    let view = View::Listing(listing(ColumnKind::Text, Vec::new(), Vec::new()));
    let given = Given { message: Some((Tone::Success, "Saved")), ..Given::default() };
    let page = page_with(&view, &given);
    assert!(page.with("role", "status").unwrap().text.contains("Saved"));
}

#[test]
fn nothing_is_drawn_twice_in_another_way() {
    let (words, links) = (words(), links());
    for (its, given) in all_pages("x", "x") {
        let draw = || {
            view(&Drawing {
                view: &its,
                words: &words,
                links: &links,
                window: &given.window,
                token: "TOKEN",
                entered: None,
                problems: &[],
                message: None,
            })
            .into_string()
        };
        assert_eq!(draw(), draw());
    }
}
