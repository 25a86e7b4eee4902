//! Pages that a guest should not make, and what the host says of each.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::locale::Locale;
use crate::messages::{Catalogue, Messages};

fn text(text: &str) -> wit::Label {
    wit::Label::Literal(text.into())
}

fn refusal(view: wit::View) -> String {
    taken(view).unwrap_err()
}

fn taken(view: wit::View) -> Taken<View> {
    taker(&Known::default(), &Reading::default()).view(view)
}

fn taker<'a>(known: &'a Known, messages: &'a Reading) -> Taker<'a> {
    let deadline = Instant::now() + Duration::from_secs(60);
    Taker { known, messages, deadline, left: MAX_BYTES, missing: Vec::new() }
}

/// German messages, read by somebody who reads German.
fn german(text: &str) -> Reading {
    let german = Locale::parse("de").unwrap();
    let messages = Messages::parse(german.clone(), text).unwrap();
    Arc::new(Catalogue::new(vec![messages], None)).read_in(&german)
}

fn message(id: &str, arguments: Vec<(&str, wit::Argument)>) -> wit::Label {
    let arguments = arguments.into_iter().map(|(name, its)| (name.to_owned(), its)).collect();
    wit::Label::Message(wit::Message { id: id.into(), arguments })
}

fn listing(columns: usize, rows: Vec<Vec<core_types::Value>>) -> wit::View {
    let column = |number: usize| wit::Column {
        name: format!("c{number}"),
        label: text("C"),
        kind: wit::ColumnKind::Text,
        sortable: false,
    };
    let row = |(number, cells): (usize, Vec<core_types::Value>)| wit::Row {
        id: number.to_string(),
        cells,
        tone: wit::Tone::Neutral,
    };
    wit::View::Listing(wit::Listing {
        title: text("L"),
        notes: Vec::new(),
        columns: (0..columns).map(column).collect(),
        rows: rows.into_iter().enumerate().map(row).collect(),
        total: None,
        next: None,
        searchable: false,
        buttons: Vec::new(),
        empty: None,
    })
}

fn layout(nodes: Vec<(wit::NodeBody, Vec<u32>)>) -> wit::View {
    let nodes = nodes.into_iter().map(|(body, children)| wit::Node { body, children }).collect();
    wit::View::Layout(wit::Tree { title: text("T"), nodes })
}

fn button(id: &str, target: wit::Target) -> wit::Button {
    wit::Button {
        id: id.into(),
        label: text("B"),
        icon: None,
        tone: wit::Tone::Neutral,
        scope: wit::Scope::Page,
        target,
        confirm: None,
    }
}

fn form(buttons: Vec<wit::Button>, state: Option<&str>) -> wit::View {
    wit::View::Form(wit::Form {
        title: text("F"),
        notes: Vec::new(),
        sections: Vec::new(),
        buttons,
        state: state.map(str::to_owned),
    })
}

#[test]
fn a_million_rows_are_refused() {
    assert_eq!(
        refusal(listing(0, vec![Vec::new(); 1_000_000])),
        "it has 1000000 rows, the limit is 1000"
    );
}

#[test]
fn ten_mebibytes_of_text_are_refused() {
    let cell = core_types::Value::Text("x".repeat(10 << 20));
    assert_eq!(
        refusal(listing(1, vec![vec![cell]])),
        "the page has more than 1048576 bytes of text"
    );
}

#[test]
fn a_row_has_a_cell_for_each_column() {
    assert_eq!(
        refusal(listing(2, vec![vec![core_types::Value::Null]])),
        "the row `0` has 1 cells, and there are 2 columns"
    );
}

#[test]
fn a_layout_has_no_cycle() {
    assert_eq!(
        refusal(layout(vec![(wit::NodeBody::Stack, vec![0])])),
        "node 0 has the child 0, which is not after it"
    );
    let back = vec![(wit::NodeBody::Stack, vec![1]), (wit::NodeBody::Stack, vec![0])];
    assert_eq!(refusal(layout(back)), "node 1 has the child 0, which is not after it");
}

#[test]
fn a_part_of_a_layout_stands_in_one_place() {
    let leaf = || (wit::NodeBody::Markdown(text("x")), Vec::new());
    assert_eq!(
        refusal(layout(vec![(wit::NodeBody::Stack, vec![1, 1]), leaf()])),
        "node 1 is not there, or is there twice"
    );
    assert_eq!(
        refusal(layout(vec![(wit::NodeBody::Stack, vec![1]), leaf(), leaf()])),
        "node 2 belongs to no other"
    );
    assert!(taken(layout(vec![(wit::NodeBody::Stack, vec![1, 2]), leaf(), leaf()])).is_ok());
}

#[test]
fn a_layout_nests_so_deep_and_no_deeper() {
    let chain = |length: u32| {
        let mut nodes: Vec<_> =
            (1..length).map(|next| (wit::NodeBody::Stack, vec![next])).collect();
        nodes.push((wit::NodeBody::Stack, Vec::new()));
        layout(nodes)
    };
    assert!(taken(chain(12)).is_ok());
    assert_eq!(refusal(chain(13)), "its nodes nest more than 12 deep");
    assert_eq!(refusal(layout(Vec::new())), "node 0 is not there, or is there twice");
}

#[test]
fn an_address_is_one_that_a_browser_may_open() {
    let to = |url: &str| form(vec![button("b", wit::Target::Url(url.into()))], None);
    assert!(taken(to("https://example.com/a?b=c")).is_ok());
    for url in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc"] {
        assert!(refusal(to(url)).starts_with("an address is https, http or mailto"), "{url}");
    }
    assert!(refusal(to("//example.com")).starts_with("not an address"));
}

#[test]
fn what_must_be_unique_is() {
    let twice = vec![button("b", wit::Target::Act), button("b", wit::Target::Act)];
    assert_eq!(refusal(form(twice, None)), "the button `b` is there twice");
}

#[test]
fn the_state_of_a_form_is_json() {
    assert!(taken(form(Vec::new(), Some("{\"a\":1}"))).is_ok());
    assert!(refusal(form(Vec::new(), Some("{"))).starts_with("the state of a form is not JSON"));
}

#[test]
fn a_number_that_is_none_is_refused() {
    let series = wit::Series { label: text("S"), points: vec![(0.0, f64::NAN)] };
    let widget = |span, body| wit::Widget {
        id: "w".into(),
        title: text("W"),
        body,
        buttons: Vec::new(),
        span,
        refresh_seconds: Some(0),
    };
    let chart = |series| {
        wit::WidgetBody::Chart(wit::Chart {
            kind: wit::ChartKind::Line,
            over_time: false,
            unit: None,
            series,
        })
    };
    let dashboard =
        |widget| wit::View::Dashboard(wit::Dashboard { title: text("D"), widgets: vec![widget] });
    assert_eq!(
        refusal(dashboard(widget(6, chart(vec![series])))),
        "the value of a point is NaN, which is no number to show"
    );
    assert_eq!(
        refusal(dashboard(widget(13, chart(Vec::new())))),
        "a widget takes 1 to 12 columns, not 13"
    );
    let View::Dashboard(dashboard) = taken(dashboard(widget(6, chart(Vec::new())))).unwrap() else {
        panic!("no dashboard")
    };
    assert_eq!(dashboard.widgets[0].refresh_seconds, Some(MIN_REFRESH));
}

#[test]
fn a_secret_is_taken_out_of_what_a_person_reads_and_refused_elsewhere() {
    let mut known = Known::default();
    assert!(known.add([b"hunter2hunter2".as_slice()]).is_ok());
    let messages = Reading::default();
    let mut taker = taker(&known, &messages);
    let shown = taker.label(text("it is hunter2hunter2")).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let error = taker.button(button("hunter2hunter2", wit::Target::Act)).unwrap_err();
    assert_eq!(error, "it put a secret into a button");
}

#[test]
fn a_message_is_in_the_readers_language_and_one_that_there_is_not_is_its_identifier() {
    let (known, messages) = (Known::default(), german("used = { $n } von { $of } belegt\n"));
    let mut taker = taker(&known, &messages);
    let of = ("of", wit::Argument::Text("5 GB".into()));
    let used = taker.label(message("used", vec![("n", wit::Argument::Number(1234.5)), of]));
    assert_eq!(used.unwrap(), "1.234,5 von 5 GB belegt");
    assert_eq!(taker.label(message("other", Vec::new())).unwrap(), "other");
    assert_eq!(taker.missing, ["other"]);
}

#[test]
fn a_message_has_names_and_arguments_within_limits() {
    let (known, messages) = (Known::default(), german("a = A\n"));
    let mut taker = taker(&known, &messages);
    let number = || ("n", wit::Argument::Number(1.0));
    let error = taker.label(message("a", vec![number(); 51])).unwrap_err();
    assert_eq!(error, "the message `a` has 51 arguments, the limit is 50");
    assert!(taker.label(message("", Vec::new())).is_err());
    assert!(taker.label(message("a", vec![("", wit::Argument::Number(1.0))])).is_err());
    let long = ("n", wit::Argument::Text("x".repeat(MAX_BYTES)));
    let error = taker.label(message("a", vec![long])).unwrap_err();
    assert_eq!(error, "the page has more than 1048576 bytes of text");
}

#[test]
fn a_message_that_grows_without_end_or_takes_too_long_is_refused() {
    let long = "x".repeat(40_000);
    let (known, messages) =
        (Known::default(), german(&format!("a = {long}\nb = {{ a }}{{ a }}\n")));
    let mut taker = taker(&known, &messages);
    let error = taker.label(message("b", Vec::new())).unwrap_err();
    assert_eq!(error, "the message `b` has more than 65536 bytes");
    taker.deadline = Instant::now();
    let error = taker.label(message("a", Vec::new())).unwrap_err();
    assert_eq!(error, "its messages take longer than the call may");
}

#[test]
fn a_secret_is_taken_out_of_a_message_also_in_parts() {
    let mut known = Known::default();
    assert!(known.add([b"hunter2hunter2".as_slice(), b"12345678"]).is_ok());
    let messages = german("a = { $one }{ $two }\n");
    let mut taker = taker(&known, &messages);
    let text = |text: &str| wit::Argument::Text(text.into());
    let parts = vec![("one", text("hunter2")), ("two", text("hunter2"))];
    let shown = taker.label(message("a", parts)).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let marked = vec![("one", text("hunter\u{202e}2")), ("two", text("hunter2"))];
    let shown = taker.label(message("a", marked)).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let number = vec![("one", wit::Argument::Number(12_345_678.0))];
    let error = taker.label(message("a", number)).unwrap_err();
    assert_eq!(error, "it put a secret into a number in a message");
}
