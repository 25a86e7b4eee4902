//! Pages that no page may be: too many of something, or what does not fit together.

use crate::palisade::core::types::Value;
use crate::palisade::gui::types::{
    Button, Chart, ChartKind, Choice, Choices, Column, ColumnKind, Control, Custom, Dashboard,
    Form, FormField, Label, Listing, Node, NodeBody, Note, Row, Scope, Section, Series, Target,
    TextLimits, Tone, Tree, View, Widget, WidgetBody,
};

/// The view of a command.
pub fn view(verb: &str, argument: &str) -> Option<View> {
    let number: usize = argument.parse().unwrap_or(2);
    Some(match verb {
        "text" => View::Form(form(&"x".repeat(number), Vec::new(), Vec::new())),
        "rows" => listing(Vec::new(), vec![row("", 0); number]),
        "columns" => listing(vec![column("c"); number], Vec::new()),
        "cells" => listing(vec![column("c")], vec![row("r", number)]),
        "row-twice" => listing(vec![column("c")], vec![row("r", 1); 2]),
        "column-twice" => listing(vec![column("c"); 2], vec![row("r", 2)]),
        "secret-cell" => {
            let cells = vec![Value::Secret];
            listing(vec![column("c")], vec![Row { cells, ..row("r", 1) }])
        }
        "buttons" => View::Form(form("F", Vec::new(), vec![button("b"); number])),
        "control-name" => View::Form(form("F", Vec::new(), vec![button("b\u{1}")])),
        "empty-name" => View::Form(form("F", Vec::new(), vec![button("")])),
        "url" => {
            let target = Target::Url(argument.into());
            View::Form(form("F", Vec::new(), vec![Button { target, ..button("b") }]))
        }
        "notes" => {
            let note = Note { tone: Tone::Info, text: literal("N") };
            View::Form(Form { notes: vec![note; number], ..form("F", Vec::new(), Vec::new()) })
        }
        "sections" => View::Form(form("F", vec![section("s", Vec::new()); number], Vec::new())),
        "fields" => fields(vec![field("f", Control::Toggle); number]),
        "choices" => {
            let choice = Choice { value: "v".into(), label: literal("V"), disabled: false };
            fields(vec![field("f", Control::Select(Choices::Fixed(vec![choice; number])))])
        }
        "pattern" => {
            let limits =
                TextLimits { max_length: None, pattern: Some(argument.into()), placeholder: None };
            fields(vec![field("f", Control::Text(limits))])
        }
        "props" => {
            let custom =
                Custom { name: "c".into(), props: argument.into(), fallback: literal("C") };
            fields(vec![field("f", Control::Custom(custom))])
        }
        "state" => {
            let form = form("F", Vec::new(), Vec::new());
            View::Form(Form { state: Some(argument.into()), ..form })
        }
        "widgets" => dashboard(vec![widget(1, notes()); number]),
        "span" => dashboard(vec![widget(number.try_into().unwrap_or(u8::MAX), notes())]),
        "series" => dashboard(vec![widget(1, chart(number, 1, 1.0))]),
        "points" => dashboard(vec![widget(1, chart(1, number, 1.0))]),
        "point" => dashboard(vec![widget(1, chart(1, 1, argument.parse().unwrap_or(f64::NAN)))]),
        "nodes" => {
            let mut nodes = vec![stack((1..number as u32).collect())];
            nodes.resize(number, stack(Vec::new()));
            layout(nodes)
        }
        "no-nodes" => layout(Vec::new()),
        "cycle" => layout(vec![stack(vec![1]), stack(vec![2]), stack(vec![1])]),
        "to-root" => layout(vec![stack(vec![1]), stack(vec![0])]),
        "to-itself" => layout(vec![stack(vec![0])]),
        "two-parents" => {
            layout(vec![stack(vec![1, 2]), stack(vec![3]), stack(vec![3]), stack(vec![])])
        }
        "orphan" => layout(vec![stack(Vec::new()), stack(Vec::new())]),
        "missing-child" => layout(vec![stack(vec![u32::MAX])]),
        "deep" => layout(
            (1..=number as u32)
                .map(|next| stack((next < number as u32).then_some(next).into_iter().collect()))
                .collect(),
        ),
        "shares" => {
            let columns = NodeBody::Columns(vec![u8::MAX, 0]);
            let root = Node { body: columns, children: vec![1, 2] };
            layout(vec![root, stack(Vec::new()), stack(Vec::new())])
        }
        "titles" => {
            layout(vec![Node { body: NodeBody::Tabs(vec![literal("T")]), children: Vec::new() }])
        }
        "leaf-parent" => {
            let body = NodeBody::Markdown(literal("M"));
            layout(vec![Node { body, children: vec![1] }, stack(Vec::new())])
        }
        _ => return None,
    })
}

fn literal(text: &str) -> Label {
    Label::Literal(text.into())
}

fn form(title: &str, sections: Vec<Section>, buttons: Vec<Button>) -> Form {
    Form { title: literal(title), notes: Vec::new(), sections, buttons, state: None }
}

fn section(id: &str, fields: Vec<FormField>) -> Section {
    Section { id: id.into(), title: None, fields, collapsed: false, shown_when: Vec::new() }
}

fn fields(fields: Vec<FormField>) -> View {
    View::Form(form("F", vec![section("s", fields)], Vec::new()))
}

fn field(name: &str, control: Control) -> FormField {
    FormField {
        name: name.into(),
        label: literal("F"),
        hint: None,
        control,
        value: Value::Null,
        required: false,
        read_only: false,
        shown_when: Vec::new(),
    }
}

fn button(id: &str) -> Button {
    Button {
        id: id.into(),
        label: literal("B"),
        icon: None,
        tone: Tone::Neutral,
        scope: Scope::Page,
        target: Target::Act,
        confirm: None,
    }
}

fn column(name: &str) -> Column {
    Column { name: name.into(), label: literal("C"), kind: ColumnKind::Text, sortable: false }
}

fn row(id: &str, cells: usize) -> Row {
    Row { id: id.into(), cells: vec![Value::Null; cells], tone: Tone::Neutral }
}

fn listing(columns: Vec<Column>, rows: Vec<Row>) -> View {
    View::Listing(Listing {
        title: literal("L"),
        notes: Vec::new(),
        columns,
        rows,
        total: None,
        next: None,
        searchable: false,
        buttons: Vec::new(),
        empty: None,
    })
}

fn notes() -> WidgetBody {
    WidgetBody::Notes(Vec::new())
}

fn chart(series: usize, points: usize, value: f64) -> WidgetBody {
    let series = vec![Series { label: literal("S"), points: vec![(0.0, value); points] }; series];
    WidgetBody::Chart(Chart { kind: ChartKind::Line, over_time: false, unit: None, series })
}

fn widget(span: u8, body: WidgetBody) -> Widget {
    Widget {
        id: "w".into(),
        title: literal("W"),
        body,
        buttons: Vec::new(),
        span,
        refresh_seconds: None,
    }
}

fn dashboard(widgets: Vec<Widget>) -> View {
    View::Dashboard(Dashboard { title: literal("D"), widgets })
}

fn stack(children: Vec<u32>) -> Node {
    Node { body: NodeBody::Stack, children }
}

fn layout(nodes: Vec<Node>) -> View {
    View::Layout(Tree { title: literal("T"), nodes })
}
