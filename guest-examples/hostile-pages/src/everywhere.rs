//! One text in every place of every view where a text can be.

use crate::palisade::core::types::Value;
use crate::palisade::gui::types::{
    Button, Chart, ChartKind, Choice, Choices, Column, ColumnKind, Control, Custom, Dashboard,
    Form, FormField, Label, Listing, Node, NodeBody, Note, Range, Row, Scope, Section, Series,
    Stat, Target, TextLimits, Tone, Tree, View, Widget, WidgetBody,
};
use crate::payloads;

const TONES: [Tone; 5] = [Tone::Neutral, Tone::Info, Tone::Success, Tone::Warning, Tone::Danger];

/// The view of a command, with the text of this number.
pub fn view(verb: &str, number: &str) -> Option<View> {
    let page = Page { text: payloads::of(number), state: format!("\"{verb}:{number}\"") };
    Some(match verb {
        "form" => View::Form(page.form()),
        "listing" => View::Listing(page.listing()),
        "empty" => View::Listing(Listing { rows: Vec::new(), total: Some(0), ..page.listing() }),
        "dashboard" => View::Dashboard(page.dashboard()),
        "layout" => View::Layout(page.layout()),
        _ => return None,
    })
}

struct Page {
    text: &'static str,
    state: String,
}

impl Page {
    fn label(&self) -> Label {
        Label::Literal(self.text.into())
    }

    fn value(&self) -> Value {
        Value::Text(self.text.into())
    }

    /// A name that is like no other of its kind.
    fn name(&self, number: usize) -> String {
        format!("{}{number}", self.text)
    }

    fn custom(&self) -> Custom {
        let quoted = self.text.replace('\\', "\\\\").replace('"', "\\\"");
        Custom {
            name: self.text.into(),
            props: format!("{{\"{quoted}\":\"{quoted}\"}}"),
            fallback: self.label(),
        }
    }

    fn notes(&self) -> Vec<Note> {
        TONES.map(|tone| Note { tone, text: self.label() }).into()
    }

    fn button(&self, id: String, scope: Scope, target: Target) -> Button {
        let (icon, confirm) = (Some(self.text.into()), Some(self.label()));
        Button { id, label: self.label(), icon, tone: Tone::Danger, scope, target, confirm }
    }

    fn buttons(&self) -> Vec<Button> {
        let url = "https://panel.example/?q=\"><script>pwned(0)</script>".into();
        let targets = [
            Target::Act,
            Target::Page(self.text.into()),
            Target::PanelPage(self.text.into()),
            Target::Url(url),
        ];
        let odd = targets.into_iter().enumerate();
        let odd = odd.map(|(number, target)| self.button(self.name(number), Scope::Page, target));
        let told = ["done", "invalid", "show", "write"]
            .map(|id| Button { confirm: None, ..self.button(id.into(), Scope::Page, Target::Act) });
        odd.chain(told).collect()
    }

    fn choices(&self) -> Choices {
        let choice = |number| Choice {
            value: self.name(number),
            label: self.label(),
            disabled: number == 2,
        };
        Choices::Fixed((0..3).map(choice).collect())
    }

    fn controls(&self) -> Vec<(Control, Value)> {
        let limits =
            || TextLimits { max_length: None, pattern: None, placeholder: Some(self.label()) };
        let range = || Range { min: None, max: None, step: None, unit: Some(self.label()) };
        let chosen = Value::Texts(vec![self.name(0)]);
        vec![
            (Control::Text(limits()), self.value()),
            (Control::Textarea(limits()), self.value()),
            (Control::Password(limits()), self.value()),
            (Control::Code(self.text.into()), self.value()),
            (Control::Integer(range()), Value::Integer(7)),
            (Control::Number(range()), self.value()),
            (Control::Toggle, Value::Boolean(true)),
            (Control::Select(self.choices()), Value::Text(self.name(1))),
            (Control::Select(Choices::Lookup(self.text.into())), self.value()),
            (Control::MultiSelect(self.choices()), chosen),
            (Control::MultiSelect(Choices::Lookup(self.text.into())), Value::Texts(Vec::new())),
            (Control::Date, self.value()),
            (Control::DateTime, self.value()),
            (Control::File(vec![self.text.into()]), Value::Null),
            (Control::Shown, self.value()),
            (Control::Shown, Value::Texts(vec![self.text.into(), self.text.into()])),
            (Control::Shown, Value::Json(self.custom().props)),
            (Control::Custom(self.custom()), self.value()),
        ]
    }

    fn field(&self, name: String, control: Control, value: Value) -> FormField {
        FormField {
            name,
            label: self.label(),
            hint: Some(self.label()),
            control,
            value,
            required: false,
            read_only: false,
            shown_when: Vec::new(),
        }
    }

    fn form(&self) -> Form {
        let fields = self.controls().into_iter().enumerate();
        let fields =
            fields.map(|(number, (control, value))| self.field(self.name(number), control, value));
        let read_only =
            self.controls().into_iter().enumerate().map(|(number, (control, value))| FormField {
                read_only: true,
                ..self.field(self.name(100 + number), control, value)
            });
        let plain = self.field("plain".into(), Control::Toggle, Value::Boolean(false));
        let section = |number, fields| Section {
            id: self.name(number),
            title: Some(self.label()),
            fields,
            collapsed: number == 1,
            shown_when: Vec::new(),
        };
        Form {
            title: self.label(),
            notes: self.notes(),
            sections: vec![
                section(0, fields.chain([plain]).collect()),
                section(1, read_only.collect()),
            ],
            buttons: self.buttons(),
            state: Some(self.state.clone()),
        }
    }

    fn kinds(&self) -> Vec<ColumnKind> {
        vec![
            ColumnKind::Text,
            ColumnKind::Number,
            ColumnKind::Bytes,
            ColumnKind::Ratio,
            ColumnKind::DateTime,
            ColumnKind::Toggle,
            ColumnKind::Badge(vec![(self.text.into(), Tone::Danger)]),
            ColumnKind::Link("told".into()),
            ColumnKind::Custom(self.custom()),
        ]
    }

    fn listing(&self) -> Listing {
        let columns = self.kinds().into_iter().enumerate().map(|(number, kind)| Column {
            name: self.name(number),
            label: self.label(),
            kind,
            sortable: true,
        });
        let row = |(number, tone)| Row {
            id: self.name(number),
            cells: self.kinds().iter().map(|_| self.value()).collect(),
            tone,
        };
        let rows = TONES.into_iter().enumerate().map(row);
        let mut buttons = self.buttons();
        buttons.push(self.button(self.name(10), Scope::Row, Target::Act));
        buttons.push(self.button(self.name(11), Scope::Row, Target::Page(self.text.into())));
        buttons.push(self.button(self.name(12), Scope::Rows, Target::Act));
        Listing {
            title: self.label(),
            notes: self.notes(),
            columns: columns.collect(),
            rows: rows.collect(),
            total: Some(7),
            next: Some(self.text.into()),
            searchable: true,
            buttons,
            empty: Some(self.label()),
        }
    }

    fn chart(&self, kind: ChartKind) -> WidgetBody {
        let series = |number: u32| Series {
            label: self.label(),
            points: (0..5).map(|x| (f64::from(x), f64::from(x * number))).collect(),
        };
        let series = (1..4).map(series).collect();
        WidgetBody::Chart(Chart { kind, over_time: false, unit: Some(self.label()), series })
    }

    fn widget(&self, number: usize, body: WidgetBody) -> Widget {
        let buttons = match number {
            0 => self.buttons(),
            _ => Vec::new(),
        };
        Widget {
            id: self.name(number),
            title: self.label(),
            body,
            buttons,
            span: 6,
            refresh_seconds: None,
        }
    }

    fn dashboard(&self) -> Dashboard {
        let stat = |kind| {
            WidgetBody::Stat(Stat { value: self.value(), kind, change: None, tone: Tone::Info })
        };
        let charts = [ChartKind::Line, ChartKind::Bars, ChartKind::Stacked];
        let bodies = charts.map(|kind| self.chart(kind)).into_iter();
        let bodies = bodies.chain(self.kinds().into_iter().map(stat)).chain([
            WidgetBody::Listing(self.listing()),
            WidgetBody::Notes(self.notes()),
            WidgetBody::Markdown(self.label()),
            WidgetBody::Custom(self.custom()),
        ]);
        let widgets = bodies.enumerate().map(|(number, body)| self.widget(number, body));
        Dashboard { title: self.label(), widgets: widgets.collect() }
    }

    fn layout(&self) -> Tree {
        let node = |body, children: &[u32]| Node { body, children: children.into() };
        let leaf = |body| node(body, &[]);
        Tree {
            title: self.label(),
            nodes: vec![
                node(NodeBody::Stack, &[1, 4, 8]),
                node(NodeBody::Columns(vec![6, 6]), &[2, 3]),
                leaf(NodeBody::Markdown(self.label())),
                leaf(NodeBody::Custom(self.custom())),
                node(NodeBody::Tabs(vec![self.label(), self.label()]), &[5, 6]),
                leaf(NodeBody::Form(self.form())),
                node(NodeBody::Card(self.label()), &[7]),
                leaf(NodeBody::Listing(self.listing())),
                leaf(NodeBody::Widget(self.widget(20, self.chart(ChartKind::Line)))),
            ],
        }
    }
}
