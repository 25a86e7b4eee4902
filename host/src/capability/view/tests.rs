//! Pages that a guest should not make, and what the host says of each.

use super::*;

fn text(text: &str) -> wit::Label {
    wit::Label::Literal(text.into())
}

fn refusal(view: wit::View) -> String {
    taken(view).unwrap_err()
}

fn taken(view: wit::View) -> Taken<View> {
    Taker { known: &Known::default(), left: MAX_BYTES }.view(view)
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
    let mut taker = Taker { known: &known, left: MAX_BYTES };
    let shown = taker.label(text("it is hunter2hunter2")).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let error = taker.button(button("hunter2hunter2", wit::Target::Act)).unwrap_err();
    assert_eq!(error, "it put a secret into a button");
}
