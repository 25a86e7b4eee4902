//! Pages from a guest, checked.

mod form;
mod label;

use std::collections::BTreeSet;
use std::time::Instant;

use super::value::{take_in, take_name};
use super::{About, CallState, Known};
use crate::bindings::{core_types, gui as wit, panel_page};
use crate::hook::Value;
use crate::messages::Reading;
use crate::overlay::Edit;
use crate::suggest::shown;
use crate::view::{
    Button, Chart, ChartKind, Choice, Column, ColumnKind, Dashboard, Download, FieldProblem,
    Layout, Listing, Node, Note, Reply, Row, Scope, Series, Stat, Target, Tone, View, Widget,
    WidgetBody,
};

/// Bytes of all texts and values of a page together.
const MAX_BYTES: usize = 1 << 20;
/// Bytes of a file to download.
const MAX_DOWNLOAD_BYTES: usize = 8 << 20;
/// Rows, columns and cells of a list.
const MAX_ROWS: usize = 1_000;
const MAX_COLUMNS: usize = 50;
/// Fields of a section, and problems of a form.
const MAX_FIELDS: usize = 200;
/// Buttons of a page, values to choose from, messages, widgets.
const MAX_BUTTONS: usize = 50;
const MAX_CHOICES: usize = 1_000;
const MAX_NOTES: usize = 50;
const MAX_WIDGETS: usize = 50;
/// Lines of a chart and points of a line.
const MAX_SERIES: usize = 20;
const MAX_POINTS: usize = 5_000;
/// Parts of a layout, and how deep they nest.
const MAX_NODES: usize = 200;
const MAX_DEPTH: usize = 12;
/// Changes to a page of the panel.
const MAX_EDITS: usize = 200;
/// The least time between two refreshes of a widget.
const MIN_REFRESH: u32 = 5;

type Taken<T> = Result<T, String>;

/// Takes the parts of a page in.
struct Taker<'a> {
    known: &'a Known,
    /// The extension's messages.
    messages: &'a Reading,
    /// When the call must have ended.
    deadline: Instant,
    left: usize,
    /// Messages that are in no language, the first ones.
    missing: Vec<String>,
}

/// Checks a page.
pub fn view(call: &CallState, answer: wit::View) -> Taken<View> {
    taken(call, |taker| taker.view(answer))
}

/// Checks what happens after a button.
pub fn reply(call: &CallState, answer: wit::Reply) -> Taken<Reply> {
    taken(call, |taker| {
        Ok(match answer {
            wit::Reply::Show(view) => Reply::Show(Box::new(taker.view(view)?)),
            wit::Reply::Refresh => Reply::Refresh,
            wit::Reply::Go(page) => Reply::Go(taker.name("the page to go to", page)?),
            wit::Reply::Done(label) => Reply::Done(taker.label(label)?),
            wit::Reply::Invalid(problems) => {
                Reply::Invalid(taker.all("problems", problems, MAX_FIELDS, Taker::problem)?)
            }
            wit::Reply::Download(download) => Reply::Download(taker.download(download)?),
        })
    })
}

/// Checks values to choose from; of more than asked for, the first are taken.
pub fn choices(call: &CallState, mut answer: Vec<wit::Choice>, limit: usize) -> Taken<Vec<Choice>> {
    answer.truncate(limit);
    taken(call, |taker| taker.all("choices", answer, MAX_CHOICES, Taker::choice))
}

/// Checks changes to a page of the panel. Whether the page has what they change is not asked here.
pub fn edits(call: &CallState, answer: Vec<panel_page::Edit>) -> Taken<Vec<Edit>> {
    taken(call, |taker| taker.all("changes", answer, MAX_EDITS, Taker::edit))
}

/// Takes an answer in, and logs the messages that it names and that are not there.
fn taken<T>(call: &CallState, take: impl FnOnce(&mut Taker<'_>) -> Taken<T>) -> Taken<T> {
    let mut taker = Taker::of(call)?;
    let taken = take(&mut taker)?;
    taker.log_missing(&call.about.extension().id);
    Ok(taken)
}

/// Refuses to take what stands twice.
fn unique<'a>(what: &str, names: impl IntoIterator<Item = &'a String>) -> Taken<()> {
    let mut seen = BTreeSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!("{what} `{}` is there twice", shown(name))),
        None => Ok(()),
    }
}

fn tone(tone: wit::Tone) -> Tone {
    match tone {
        wit::Tone::Neutral => Tone::Neutral,
        wit::Tone::Info => Tone::Info,
        wit::Tone::Success => Tone::Success,
        wit::Tone::Warning => Tone::Warning,
        wit::Tone::Danger => Tone::Danger,
    }
}

fn finite(what: &str, number: f64) -> Taken<f64> {
    match number.is_finite() {
        true => Ok(number),
        false => Err(format!("{what} is {number}, which is no number to show")),
    }
}

impl<'a> Taker<'a> {
    fn of(call: &'a CallState) -> Taken<Self> {
        match &call.about {
            About::Page { drawer, .. } | About::Overlay { drawer, .. } => Ok(Self {
                known: &call.known,
                messages: &drawer.messages,
                deadline: call.deadline,
                left: MAX_BYTES,
                missing: Vec::new(),
            }),
            About::Event { .. } | About::Provider { .. } => {
                Err("it drew where there was nothing to draw".into())
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Taken<()> {
        let left = self.left.checked_sub(bytes);
        self.left =
            left.ok_or_else(|| format!("the page has more than {MAX_BYTES} bytes of text"))?;
        Ok(())
    }

    fn all<T, U>(
        &mut self,
        what: &str,
        list: Vec<T>,
        limit: usize,
        take: impl Fn(&mut Self, T) -> Taken<U>,
    ) -> Taken<Vec<U>> {
        if list.len() > limit {
            return Err(format!("it has {} {what}, the limit is {limit}", list.len()));
        }
        list.into_iter().map(|item| take(self, item)).collect()
    }

    /// A name, which only programs read: a secret in it is refused.
    fn name(&mut self, what: &str, name: String) -> Taken<String> {
        self.count(name.len())?;
        let name = take_name(what, name)?;
        self.no_secret(what, &name)?;
        Ok(name)
    }

    fn no_secret(&self, what: &str, text: &str) -> Taken<()> {
        match self.known.is_in(text) {
            true => Err(format!("it put a secret into {what}")),
            false => Ok(()),
        }
    }

    fn value(&mut self, value: core_types::Value) -> Taken<Value> {
        Ok(match take_in(value)? {
            Value::Text(text) => Value::Text(self.text(text)?),
            Value::Texts(texts) => {
                let texts: Taken<_> = texts.into_iter().map(|text| self.text(text)).collect();
                Value::Texts(texts?)
            }
            value => {
                self.count(value.payload_len())?;
                // Writing it as JSON is for nothing where there is no secret.
                if !self.known.is_empty() {
                    self.no_secret("a value", &value.to_json().to_string())?;
                }
                value
            }
        })
    }

    fn note(&mut self, note: wit::Note) -> Taken<Note> {
        Ok(Note { tone: tone(note.tone), text: self.label(note.text)? })
    }

    fn notes(&mut self, notes: Vec<wit::Note>) -> Taken<Vec<Note>> {
        self.all("notes", notes, MAX_NOTES, Self::note)
    }

    fn problem(&mut self, problem: wit::FieldProblem) -> Taken<FieldProblem> {
        Ok(FieldProblem {
            field: problem
                .field
                .map(|field| self.name("the field of a problem", field))
                .transpose()?,
            message: self.label(problem.message)?,
        })
    }

    fn button(&mut self, button: wit::Button) -> Taken<Button> {
        let target = match button.target {
            wit::Target::Act => Target::Act,
            wit::Target::Page(page) => {
                Target::Page { page: self.name("the page of a button", page)? }
            }
            wit::Target::PanelPage(name) => {
                Target::PanelPage { name: self.name("the panel's page of a button", name)? }
            }
            wit::Target::Url(url) => Target::Url { url: self.url(url)? },
        };
        Ok(Button {
            id: self.name("a button", button.id)?,
            label: self.label(button.label)?,
            icon: button.icon.map(|icon| self.name("an icon", icon)).transpose()?,
            tone: tone(button.tone),
            scope: match button.scope {
                wit::Scope::Page => Scope::Page,
                wit::Scope::Row => Scope::Row,
                wit::Scope::Rows => Scope::Rows,
            },
            target,
            confirm: self.label_if(button.confirm)?,
        })
    }

    fn buttons(&mut self, buttons: Vec<wit::Button>) -> Taken<Vec<Button>> {
        let buttons = self.all("buttons", buttons, MAX_BUTTONS, Self::button)?;
        unique("the button", buttons.iter().map(|button| &button.id))?;
        Ok(buttons)
    }

    fn url(&mut self, text: String) -> Taken<String> {
        self.count(text.len())?;
        self.no_secret("an address", &text)?;
        let url = url::Url::parse(&text)
            .map_err(|error| format!("not an address: {error}: `{}`", shown(&text)))?;
        match url.scheme() {
            "https" | "http" | "mailto" => Ok(url.into()),
            scheme => Err(format!("an address is https, http or mailto, not `{}`", shown(scheme))),
        }
    }

    fn kind(&mut self, kind: wit::ColumnKind) -> Taken<ColumnKind> {
        Ok(match kind {
            wit::ColumnKind::Text => ColumnKind::Text,
            wit::ColumnKind::Number => ColumnKind::Number,
            wit::ColumnKind::Bytes => ColumnKind::Bytes,
            wit::ColumnKind::Ratio => ColumnKind::Ratio,
            wit::ColumnKind::DateTime => ColumnKind::DateTime,
            wit::ColumnKind::Toggle => ColumnKind::Toggle,
            wit::ColumnKind::Badge(tones) => ColumnKind::Badge {
                tones: self.all("badges", tones, 50, |taker, (value, its)| {
                    Ok((taker.text(value)?, tone(its)))
                })?,
            },
            wit::ColumnKind::Link(page) => {
                ColumnKind::Link { page: self.name("the page of a column", page)? }
            }
            wit::ColumnKind::Custom(custom) => ColumnKind::Custom(self.custom(custom)?),
        })
    }

    fn column(&mut self, column: wit::Column) -> Taken<Column> {
        Ok(Column {
            name: self.name("a column", column.name)?,
            label: self.label(column.label)?,
            kind: self.kind(column.kind)?,
            sortable: column.sortable,
        })
    }

    fn row(&mut self, row: wit::Row) -> Taken<Row> {
        Ok(Row {
            id: self.name("a row", row.id)?,
            cells: self.all("cells", row.cells, MAX_COLUMNS, Self::value)?,
            tone: tone(row.tone),
        })
    }

    fn listing(&mut self, listing: wit::Listing) -> Taken<Listing> {
        let columns = self.all("columns", listing.columns, MAX_COLUMNS, Self::column)?;
        unique("the column", columns.iter().map(|column| &column.name))?;
        let rows = self.all("rows", listing.rows, MAX_ROWS, Self::row)?;
        unique("the row", rows.iter().map(|row| &row.id))?;
        if let Some(row) = rows.iter().find(|row| row.cells.len() != columns.len()) {
            let (id, cells, columns) = (shown(&row.id), row.cells.len(), columns.len());
            return Err(format!(
                "the row `{id}` has {cells} cells, and there are {columns} columns"
            ));
        }
        Ok(Listing {
            title: self.label(listing.title)?,
            notes: self.notes(listing.notes)?,
            columns,
            rows,
            total: listing.total,
            next: listing
                .next
                .map(|next| self.name("where the next rows begin", next))
                .transpose()?,
            searchable: listing.searchable,
            buttons: self.buttons(listing.buttons)?,
            empty: self.label_if(listing.empty)?,
        })
    }

    fn series(&mut self, series: wit::Series) -> Taken<Series> {
        let points = self.all("points", series.points, MAX_POINTS, |taker, (x, y)| {
            taker.count(16)?;
            Ok((finite("the position of a point", x)?, finite("the value of a point", y)?))
        })?;
        Ok(Series { label: self.label(series.label)?, points })
    }

    fn chart(&mut self, chart: wit::Chart) -> Taken<Chart> {
        Ok(Chart {
            kind: match chart.kind {
                wit::ChartKind::Line => ChartKind::Line,
                wit::ChartKind::Bars => ChartKind::Bars,
                wit::ChartKind::Stacked => ChartKind::Stacked,
            },
            over_time: chart.over_time,
            unit: self.label_if(chart.unit)?,
            series: self.all("series", chart.series, MAX_SERIES, Self::series)?,
        })
    }

    fn widget(&mut self, widget: wit::Widget) -> Taken<Widget> {
        let body = match widget.body {
            wit::WidgetBody::Stat(stat) => WidgetBody::Stat(Stat {
                value: self.value(stat.value)?,
                kind: self.kind(stat.kind)?,
                change: stat.change.map(|change| finite("a change", change)).transpose()?,
                tone: tone(stat.tone),
            }),
            wit::WidgetBody::Chart(chart) => WidgetBody::Chart(self.chart(chart)?),
            wit::WidgetBody::Listing(listing) => WidgetBody::Listing(self.listing(listing)?),
            wit::WidgetBody::Notes(notes) => WidgetBody::Notes { notes: self.notes(notes)? },
            wit::WidgetBody::Markdown(text) => WidgetBody::Markdown { text: self.label(text)? },
            wit::WidgetBody::Custom(custom) => WidgetBody::Custom(self.custom(custom)?),
        };
        if !(1..=12).contains(&widget.span) {
            return Err(format!("a widget takes 1 to 12 columns, not {}", widget.span));
        }
        Ok(Widget {
            id: self.name("a widget", widget.id)?,
            title: self.label(widget.title)?,
            body,
            buttons: self.buttons(widget.buttons)?,
            span: widget.span,
            refresh_seconds: widget.refresh_seconds.map(|seconds| seconds.max(MIN_REFRESH)),
        })
    }

    fn view(&mut self, view: wit::View) -> Taken<View> {
        Ok(match view {
            wit::View::Form(form) => View::Form(self.form(form)?),
            wit::View::Listing(listing) => View::Listing(self.listing(listing)?),
            wit::View::Dashboard(dashboard) => {
                let widgets = self.all("widgets", dashboard.widgets, MAX_WIDGETS, Self::widget)?;
                unique("the widget", widgets.iter().map(|widget| &widget.id))?;
                View::Dashboard(Dashboard { title: self.label(dashboard.title)?, widgets })
            }
            wit::View::Layout(tree) => View::Layout(self.layout(tree)?),
        })
    }

    /// Makes a tree of the flat list. A part is taken out of the list when its parent is made, so none can stand in
    /// two places.
    fn layout(&mut self, tree: wit::Tree) -> Taken<Layout> {
        if tree.nodes.len() > MAX_NODES {
            return Err(format!("it has {} nodes, the limit is {MAX_NODES}", tree.nodes.len()));
        }
        let title = self.label(tree.title)?;
        let mut nodes: Vec<_> = tree.nodes.into_iter().map(Some).collect();
        let root = self.node(&mut nodes, 0, 1)?;
        match nodes.iter().position(Option::is_some) {
            Some(index) => Err(format!("node {index} belongs to no other")),
            None => Ok(Layout { title, root }),
        }
    }

    fn node(
        &mut self,
        nodes: &mut Vec<Option<wit::Node>>,
        index: usize,
        depth: usize,
    ) -> Taken<Node> {
        if depth > MAX_DEPTH {
            return Err(format!("its nodes nest more than {MAX_DEPTH} deep"));
        }
        let node = nodes.get_mut(index).and_then(Option::take);
        let node = node.ok_or_else(|| format!("node {index} is not there, or is there twice"))?;
        let mut children = Vec::with_capacity(node.children.len().min(MAX_NODES));
        for child in node.children {
            let child = child as usize;
            if child <= index {
                return Err(format!("node {index} has the child {child}, which is not after it"));
            }
            children.push(self.node(nodes, child, depth + 1)?);
        }
        let parts = children.len();
        let one_each = |what: &str, number: usize| match number == parts {
            true => Ok(()),
            false => Err(format!("node {index} has {number} {what} and {parts} children")),
        };
        let leaf = |node: Node| match parts {
            0 => Ok(node),
            _ => Err(format!("node {index} is of a kind that has no children, and has {parts}")),
        };
        match node.body {
            wit::NodeBody::Stack => Ok(Node::Stack { children }),
            wit::NodeBody::Columns(shares) => {
                one_each("shares", shares.len())?;
                let sum: u32 = shares.iter().copied().map(u32::from).sum();
                if shares.contains(&0) || sum > 12 {
                    return Err(format!("node {index} shares {sum} of 12 columns"));
                }
                Ok(Node::Columns { shares, children })
            }
            wit::NodeBody::Tabs(titles) => {
                one_each("titles", titles.len())?;
                let titles = self.all("titles", titles, MAX_NODES, Self::label)?;
                Ok(Node::Tabs { titles, children })
            }
            wit::NodeBody::Card(title) => Ok(Node::Card { title: self.label(title)?, children }),
            wit::NodeBody::Markdown(text) => leaf(Node::Markdown { text: self.label(text)? }),
            wit::NodeBody::Form(form) => leaf(Node::Form(self.form(form)?)),
            wit::NodeBody::Listing(listing) => leaf(Node::Listing(self.listing(listing)?)),
            wit::NodeBody::Widget(widget) => leaf(Node::Widget(self.widget(widget)?)),
            wit::NodeBody::Custom(custom) => leaf(Node::Custom(self.custom(custom)?)),
        }
    }

    fn download(&mut self, download: wit::Download) -> Taken<Download> {
        let name = self.name("the name of a file", download.name)?;
        if name.contains(['/', '\\', '"']) || name.starts_with('.') {
            return Err(format!("not the name of a file: `{}`", shown(&name)));
        }
        let media_type = self.name("a media type", download.media_type)?;
        let token = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+._".contains(&b))
        };
        if !media_type.split_once('/').is_some_and(|(kind, rest)| token(kind) && token(rest)) {
            return Err(format!("not a media type such as `text/csv`: `{}`", shown(&media_type)));
        }
        if download.content.len() > MAX_DOWNLOAD_BYTES {
            let bytes = download.content.len();
            return Err(format!("the file has {bytes} bytes, the limit is {MAX_DOWNLOAD_BYTES}"));
        }
        let mut content = download.content;
        self.known.take_out_of_output(&mut content, super::Cut::No);
        Ok(Download { name, media_type, content })
    }

    fn edit(&mut self, edit: panel_page::Edit) -> Taken<Edit> {
        use panel_page::Edit as Wit;
        let mut named = |name: String| self.name("what is changed", name);
        Ok(match edit {
            Wit::HideField(name) => Edit::HideField { field: named(name)? },
            Wit::HideColumn(name) => Edit::HideColumn { column: named(name)? },
            Wit::HideButton(name) => Edit::HideButton { button: named(name)? },
            Wit::SetReadOnly((name, read_only)) => {
                Edit::SetReadOnly { field: named(name)?, read_only }
            }
            Wit::SetRequired((name, required)) => {
                Edit::SetRequired { field: named(name)?, required }
            }
            Wit::SetValue((name, value)) => {
                Edit::SetValue { field: named(name)?, value: self.value(value)? }
            }
            Wit::SetLabel((name, label)) => {
                Edit::SetLabel { field: named(name)?, label: self.label(label)? }
            }
            Wit::SetChoices((name, choices)) => {
                Edit::SetChoices { field: named(name)?, choices: self.choices(choices)? }
            }
            Wit::AddNote(note) => Edit::AddNote(self.note(note)?),
            Wit::AddButton(button) => Edit::AddButton(self.button(button)?),
            Wit::AddProblem(problem) => Edit::AddProblem(self.problem(problem)?),
            Wit::AddSection(insert) => Edit::AddSection {
                after: self.after(insert.after)?,
                section: self.section(insert.section)?,
            },
            Wit::AddField(insert) => Edit::AddField {
                section: self.after(insert.section)?,
                after: self.after(insert.after)?,
                field: self.field(insert.field)?,
            },
            Wit::AddColumn(insert) => Edit::AddColumn {
                after: self.after(insert.after)?,
                column: self.column(insert.column)?,
                cells: self.all("cells", insert.cells, MAX_ROWS, Self::value)?,
            },
        })
    }

    fn after(&mut self, name: Option<String>) -> Taken<Option<String>> {
        name.map(|name| self.name("the place of an insertion", name)).transpose()
    }
}

#[cfg(test)]
mod tests;
