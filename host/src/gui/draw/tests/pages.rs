//! Pages with everything that pages can have, and one text wherever a text can be.

use std::collections::BTreeMap;

use crate::gui::draw::{Drawing, Frame, Links, document, view};
use crate::gui::session::Mode;
use crate::gui::words::Words;
use crate::hook::{ObjectRef, Params, Value};
use crate::locale::Locale;
use crate::view::*;

pub fn words() -> Words {
    Words::of(&Locale::parse("en").unwrap())
}

pub fn links() -> Links {
    Links {
        base: "/s/1".into(),
        extension: "notes".into(),
        page: "all".into(),
        object: Some(ObjectRef { kind: "domain".into(), id: "example.com".into() }),
        rows: Vec::new(),
        panel_pages: BTreeMap::from([("home".to_owned(), "/panel".to_owned())]),
    }
}

/// What a page is drawn with, beside itself.
#[derive(Default)]
pub struct Given<'a> {
    pub window: Window,
    pub entered: Option<Params>,
    pub problems: Vec<FieldProblem>,
    pub message: Option<(Tone, &'a str)>,
}

/// A whole document with a page.
pub fn drawn(page: &View, given: &Given<'_>) -> String {
    let (words, links) = (words(), links());
    let body = view(&Drawing {
        view: page,
        words: &words,
        links: &links,
        window: &given.window,
        token: "TOKEN",
        entered: given.entered.as_ref(),
        problems: &given.problems,
        message: given.message,
    });
    let frame = Frame { title: "Title", words: &words, mode: Mode::Auto, styles: &[] };
    document(&frame, &body).into_string()
}

pub fn button(id: &str, scope: Scope, target: Target) -> Button {
    Button {
        id: id.into(),
        label: format!("Button {id}"),
        icon: None,
        tone: Tone::Neutral,
        scope,
        target,
        confirm: None,
    }
}

pub fn field(name: &str, control: Control, value: Value) -> FormField {
    FormField {
        name: name.into(),
        label: format!("Field {name}"),
        hint: None,
        control,
        value,
        required: false,
        read_only: false,
        shown_when: Vec::new(),
    }
}

pub fn form(fields: Vec<FormField>, buttons: Vec<Button>) -> Form {
    let section = Section {
        id: "s".into(),
        title: Some("Section".into()),
        fields,
        collapsed: false,
        shown_when: Vec::new(),
    };
    Form {
        title: "Form".into(),
        notes: Vec::new(),
        sections: vec![section],
        buttons,
        state: Some("STATE".into()),
    }
}

pub fn listing(kind: ColumnKind, cells: Vec<Value>, buttons: Vec<Button>) -> Listing {
    let rows = cells.into_iter().enumerate();
    Listing {
        title: "List".into(),
        notes: Vec::new(),
        columns: vec![Column { name: "name".into(), label: "Name".into(), kind, sortable: true }],
        rows: rows
            .map(|(index, cell)| Row {
                id: format!("SEALED{index}"),
                cells: vec![cell],
                tone: Tone::Neutral,
            })
            .collect(),
        total: None,
        next: None,
        searchable: false,
        buttons,
        empty: None,
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn notes(its: &str) -> Vec<Note> {
    let tones = [Tone::Neutral, Tone::Info, Tone::Success, Tone::Warning, Tone::Danger];
    tones.map(|tone| Note { tone, text: text(its) }).into()
}

fn custom(its: &str) -> Custom {
    Custom { name: text(its), props: serde_json::json!({ its: its }), fallback: text(its) }
}

/// Buttons of each kind in each scope.
fn all_buttons(its: &str) -> Vec<Button> {
    let mut buttons = Vec::new();
    for scope in [Scope::Page, Scope::Row, Scope::Rows] {
        for confirm in [None, Some(text(its))] {
            let targets = [
                Target::Act,
                Target::Page { page: text(its) },
                Target::PanelPage { name: "home".into() },
                Target::PanelPage { name: text(its) },
                Target::Url { url: "https://example.com/".into() },
                Target::Url { url: text(its) },
            ];
            buttons.extend(targets.into_iter().enumerate().map(|(index, target)| Button {
                id: format!("{its}{scope:?}{index}{}", confirm.is_some()),
                label: text(its),
                icon: Some(if index == 0 { "add".into() } else { text(its) }),
                tone: Tone::Danger,
                scope,
                target,
                confirm: confirm.clone(),
            }));
        }
    }
    buttons
}

/// A button that sends, and a link that asks before.
fn some_buttons(its: &str) -> Vec<Button> {
    let all = all_buttons(its).into_iter();
    all.enumerate().filter(|(index, _)| [0, 7].contains(index)).map(|(_, button)| button).collect()
}

fn all_controls(its: &str) -> Vec<Control> {
    let limits = || TextLimits {
        max_length: Some(10),
        pattern: Some(text(its)),
        placeholder: Some(text(its)),
    };
    let range = || Range { min: Some(1.0), max: Some(9.5), step: Some(0.5), unit: Some(text(its)) };
    let fixed = || Choices::Fixed {
        values: vec![
            Choice { value: text(its), label: text(its), disabled: false },
            Choice { value: "other".into(), label: text(its), disabled: true },
        ],
    };
    let lookup = || Choices::Lookup { name: text(its) };
    vec![
        Control::Text(limits()),
        Control::Textarea(limits()),
        Control::Password(limits()),
        Control::Code { language: text(its) },
        Control::Integer(range()),
        Control::Number(range()),
        Control::Toggle,
        Control::Select { choices: fixed() },
        Control::Select { choices: lookup() },
        Control::MultiSelect { choices: fixed() },
        Control::MultiSelect { choices: lookup() },
        Control::Date,
        Control::DateTime,
        Control::File { media_types: vec![text(its)] },
        Control::Shown,
        Control::Custom(custom(its)),
    ]
}

fn all_values(its: &str) -> Vec<Value> {
    vec![
        Value::Text(text(its)),
        Value::Null,
        Value::Boolean(true),
        Value::Integer(-5),
        Value::Number(1.5),
        Value::Texts(vec![text(its), text(its)]),
        Value::Bytes(its.as_bytes().to_vec()),
        Value::Json(serde_json::json!({ its: [its, 1, null] })),
        Value::Text(text(its)).sealed(),
    ]
}

/// A form with each control, by itself and with each kind of value.
pub fn full_form(its: &str) -> Form {
    let mut fields = Vec::new();
    for (index, control) in all_controls(its).into_iter().enumerate() {
        // Each control with a text and with nothing, and some with each kind of value.
        let values = match control {
            Control::Text(_)
            | Control::Select { .. }
            | Control::MultiSelect { .. }
            | Control::Shown => usize::MAX,
            _ => 2,
        };
        for (number, value) in all_values(its).into_iter().enumerate().take(values) {
            fields.push(FormField {
                name: format!("{its}{index}-{number}"),
                label: text(its),
                hint: Some(text(its)),
                control: control.clone(),
                value,
                required: number % 2 == 0,
                read_only: number == 1,
                shown_when: vec![Condition { field: format!("{its}0-0"), values: all_values(its) }],
            });
        }
    }
    let section = |id: &str, collapsed| Section {
        id: format!("{its}{id}"),
        title: Some(text(its)),
        fields: Vec::new(),
        collapsed,
        shown_when: vec![Condition { field: text(its), values: all_values(its) }],
    };
    Form {
        title: text(its),
        notes: notes(its),
        sections: vec![Section { fields, ..section("a", true) }, section("b", false)],
        buttons: all_buttons(its),
        state: Some(text(its)),
    }
}

/// A form with each control and a text as its value.
fn form_of_texts(its: &str) -> Form {
    let mut form = full_form(its);
    for section in &mut form.sections {
        section.fields.retain(|field| field.name.ends_with("-0"));
    }
    form
}

/// A list with each kind of column and each kind of value in it.
pub fn full_listing(its: &str) -> Listing {
    let kinds = [
        ColumnKind::Text,
        ColumnKind::Number,
        ColumnKind::Bytes,
        ColumnKind::Ratio,
        ColumnKind::DateTime,
        ColumnKind::Toggle,
        ColumnKind::Badge { tones: vec![(text(its), Tone::Info)] },
        ColumnKind::Link { page: text(its) },
        ColumnKind::Custom(custom(its)),
    ];
    let columns: Vec<Column> = kinds
        .into_iter()
        .enumerate()
        .map(|(index, kind)| Column {
            name: format!("{its}{index}"),
            label: text(its),
            kind,
            sortable: index % 2 == 0,
        })
        .collect();
    let row = |(number, value): (usize, Value)| Row {
        id: format!("{its}{number}"),
        cells: columns.iter().map(|_| value.clone()).collect(),
        tone: Tone::Warning,
    };
    Listing {
        title: text(its),
        notes: notes(its),
        rows: all_values(its).into_iter().enumerate().map(row).collect(),
        columns,
        total: Some(1_234),
        next: Some(text(its)),
        searchable: true,
        buttons: all_buttons(its),
        empty: Some(text(its)),
    }
}

fn charts(its: &str) -> Vec<Chart> {
    let series = |number: u32| Series {
        label: text(its),
        points: (0..5).map(|x| (f64::from(x) * 1e7, f64::from(x * number))).collect(),
    };
    [ChartKind::Line, ChartKind::Bars, ChartKind::Stacked]
        .map(|kind| Chart {
            kind,
            over_time: kind == ChartKind::Line,
            unit: Some(text(its)),
            series: (1..=10).map(series).collect(),
        })
        .into()
}

/// A dashboard with each kind of widget. Texts in CommonMark are `markdown`.
pub fn full_dashboard(its: &str, markdown: &str) -> Dashboard {
    let mut bodies: Vec<WidgetBody> = charts(its).into_iter().map(WidgetBody::Chart).collect();
    bodies.extend(full_listing(its).columns.into_iter().map(|column| {
        WidgetBody::Stat(Stat {
            value: Value::Text(text(its)),
            kind: column.kind,
            change: Some(-0.25),
            tone: Tone::Danger,
        })
    }));
    bodies.push(WidgetBody::Listing(full_listing(its)));
    bodies.push(WidgetBody::Notes { notes: notes(its) });
    bodies.push(WidgetBody::Markdown { text: text(markdown) });
    bodies.push(WidgetBody::Custom(custom(its)));
    let widgets = bodies.into_iter().enumerate().map(|(index, body)| Widget {
        id: format!("{its}{index}"),
        title: text(its),
        body,
        buttons: some_buttons(its),
        span: 4,
        refresh_seconds: Some(30),
    });
    Dashboard { title: text(its), widgets: widgets.collect() }
}

/// A layout with each kind of node.
pub fn full_layout(its: &str, markdown: &str) -> Layout {
    let dashboard = full_dashboard(its, markdown);
    let mut leaves: Vec<Node> = dashboard.widgets.into_iter().map(Node::Widget).collect();
    leaves.push(Node::Markdown { text: text(markdown) });
    leaves.push(Node::Form(form_of_texts(its)));
    leaves.push(Node::Custom(custom(its)));
    let tabs = Node::Tabs {
        titles: vec![text(its), text(its)],
        children: vec![
            Node::Card { title: text(its), children: leaves },
            Node::Stack { children: vec![Node::Form(form_of_texts(its))] },
        ],
    };
    let root =
        Node::Columns { shares: vec![6, 6], children: vec![tabs, Node::Custom(custom(its))] };
    Layout { title: text(its), root }
}

/// A page of each kind, with a text wherever there can be one.
pub fn all_pages(its: &str, markdown: &str) -> Vec<(View, Given<'static>)> {
    let problems = vec![
        FieldProblem { field: Some(format!("{its}0-0")), message: text(its) },
        FieldProblem { field: None, message: text(its) },
    ];
    let entered = Params::from_iter([(format!("{its}0-0"), Value::Text(text(its)))]);
    let window = Window {
        after: Some(text(its)),
        limit: Some(50),
        sort: Some(format!("{its}0")),
        descending: true,
        search: Some(text(its)),
    };
    let given = || Given { window: window.clone(), ..Given::default() };
    let wrong = Given { problems, entered: Some(entered), ..given() };
    let empty = Listing { rows: Vec::new(), ..full_listing(its) };
    vec![
        (View::Form(full_form(its)), Given::default()),
        (View::Form(full_form(its)), wrong),
        (View::Listing(full_listing(its)), given()),
        (View::Listing(empty), Given::default()),
        (View::Dashboard(full_dashboard(its, markdown)), given()),
        (View::Layout(full_layout(its, markdown)), given()),
    ]
}
