//! Pages and their parts, as data: what an extension shows, checked and in the reader's language.
//!
//! Every text here is plain: whoever draws it escapes it. Written as JSON, these types are what a panel gets that
//! draws natively; the drawing of the host makes HTML of the very same ones. No I/O.

use serde::Serialize;
use utoipa::ToSchema;

use crate::hook::Value;

/// The mood of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// None.
    #[default]
    Neutral,
    /// Something to know.
    Info,
    /// Something went well.
    Success,
    /// Something to look after.
    Warning,
    /// Something is wrong, or cannot be undone.
    Danger,
}

/// A short message in a box.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Note {
    /// Its mood.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// What is wrong with what a person entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The name of the entry field; nothing if it is the form as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// What a button acts on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The page as a whole.
    #[default]
    Page,
    /// One row of a list.
    Row,
    /// The chosen rows of a list.
    Rows,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Target {
    /// Has the extension act.
    Act,
    /// Opens a page of the extension.
    Page {
        /// Its identifier in the manifest.
        page: String,
    },
    /// Opens a page of the panel.
    PanelPage {
        /// The panel's name for it.
        name: String,
    },
    /// Opens a web address outside the panel: `https`, `http` or `mailto`.
    Url {
        /// The address.
        url: String,
    },
}

/// A button.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Button {
    /// Unique within the page.
    pub id: String,
    /// What stands on it.
    pub label: String,
    /// One of the panel's icons, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Its mood.
    pub tone: Tone,
    /// What it acts on.
    pub scope: Scope,
    /// What it does.
    pub target: Target,
    /// A question to answer before it acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

/// One of the values to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// What is shown for it.
    pub label: String,
    /// Whether it cannot be chosen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// Where the values to choose from come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Choices {
    /// These.
    Fixed {
        /// The values.
        values: Vec<Choice>,
    },
    /// Found by the extension as the person types.
    Lookup {
        /// The name of the lookup.
        name: String,
    },
}

/// Limits of a number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Range {
    /// The least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The distance between two values, counted from the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// What is counted, such as `MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Limits of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TextLimits {
    /// Characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// A regular expression that the whole text must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// An example that is shown while nothing is entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
}

/// A part that a panel draws by a name and properties of its own.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Custom {
    /// The panel's name for it.
    pub name: String,
    /// Its properties.
    pub props: serde_json::Value,
    /// What is shown by who does not know it.
    pub fallback: String,
}

/// How a value is entered.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Control {
    /// One line.
    Text(TextLimits),
    /// Several lines.
    Textarea(TextLimits),
    /// One line that is not shown and whose value never reaches a browser.
    Password(TextLimits),
    /// Source text.
    Code {
        /// Its language.
        language: String,
    },
    /// A whole number.
    Integer(Range),
    /// A number.
    Number(Range),
    /// Yes or no.
    Toggle,
    /// One of several values.
    Select {
        /// The values.
        choices: Choices,
    },
    /// Any of several values.
    MultiSelect {
        /// The values.
        choices: Choices,
    },
    /// A day, as `2026-11-24`.
    Date,
    /// A moment in RFC 3339 form, in UTC.
    DateTime,
    /// A file.
    File {
        /// Of these media types; none for any.
        media_types: Vec<String>,
    },
    /// Not entered at all: the value is only shown.
    Shown,
    /// By a part of the panel.
    Custom(Custom),
}

/// When a part of a form is shown: when the value of another field is one of these.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Condition {
    /// The other field.
    pub field: String,
    /// The values.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub values: Vec<Value>,
}

/// An entry field.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FormField {
    /// Unique within the form.
    pub name: String,
    /// What stands beside it.
    pub label: String,
    /// What helps to fill it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How the value is entered.
    pub control: Control,
    /// The value to start from.
    #[schema(value_type = serde_json::Value)]
    pub value: Value,
    /// Whether something must be entered.
    pub required: bool,
    /// Whether nothing can be entered.
    pub read_only: bool,
    /// All of these must hold for the field to be shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown_when: Vec<Condition>,
}

/// A group of entry fields.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Section {
    /// Unique within the form.
    pub id: String,
    /// Its heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The fields.
    pub fields: Vec<FormField>,
    /// Whether it is closed until the person opens it.
    pub collapsed: bool,
    /// All of these must hold for the section to be shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown_when: Vec<Condition>,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Form {
    /// Its heading.
    pub title: String,
    /// Messages above it.
    pub notes: Vec<Note>,
    /// Its groups of fields.
    pub sections: Vec<Section>,
    /// Its buttons.
    pub buttons: Vec<Button>,
    /// What the extension keeps in the page. Once sealed, it is signed, and goes back as it is with the entered
    /// values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// How the cells of a column are shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ColumnKind {
    /// As text.
    Text,
    /// A number, as the reader's language writes it.
    Number,
    /// A size in bytes.
    Bytes,
    /// A share of 1, in percent.
    Ratio,
    /// A moment: text in RFC 3339 form, or an integer in milliseconds since the epoch.
    DateTime,
    /// Yes or no.
    Toggle,
    /// A word with a tone.
    Badge {
        /// The tones, by value.
        tones: Vec<(String, Tone)>,
    },
    /// Opens a page of the extension, with the row chosen.
    Link {
        /// The page.
        page: String,
    },
    /// By a part of the panel.
    Custom(Custom),
}

/// A column of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Column {
    /// Unique within the list.
    pub name: String,
    /// Its heading.
    pub label: String,
    /// How its cells are shown.
    pub kind: ColumnKind,
    /// Whether the list can be sorted by it.
    pub sortable: bool,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Row {
    /// Unique within the list. Once sealed, it is signed, and goes back as it is when the row is chosen.
    pub id: String,
    /// One for each column.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub cells: Vec<Value>,
    /// Its mood.
    pub tone: Tone,
}

/// A list, or the part of it that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Listing {
    /// Its heading.
    pub title: String,
    /// Messages above it.
    pub notes: Vec<Note>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many rows there are in all, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Where the next rows begin; nothing if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether it can be searched.
    pub searchable: bool,
    /// Its buttons.
    pub buttons: Vec<Button>,
    /// Shown if there are no rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<String>,
}

/// A number to look at.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stat {
    /// The number, or a text in its place.
    #[schema(value_type = serde_json::Value)]
    pub value: Value,
    /// How it is shown.
    pub kind: ColumnKind,
    /// The change against the time before, as a share of 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// Its mood.
    pub tone: Tone,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Series {
    /// What it shows.
    pub label: String,
    /// Pairs of a position and a value.
    pub points: Vec<(f64, f64)>,
}

/// How the values of a chart are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChartKind {
    /// As lines.
    Line,
    /// Side by side, for each position.
    Bars,
    /// One upon another, for each position.
    Stacked,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Chart {
    /// How it is drawn.
    pub kind: ChartKind,
    /// Whether positions are times, in milliseconds since the epoch.
    pub over_time: bool,
    /// What is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its lines.
    pub series: Vec<Series>,
}

/// What is in a widget.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum WidgetBody {
    /// A number.
    Stat(Stat),
    /// A chart.
    Chart(Chart),
    /// A list.
    Listing(Listing),
    /// Messages.
    Notes {
        /// The messages.
        notes: Vec<Note>,
    },
    /// Text in CommonMark without HTML.
    Markdown {
        /// The text.
        text: String,
    },
    /// A part of the panel.
    Custom(Custom),
}

/// A part of a dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Widget {
    /// Unique within the dashboard.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What is in it.
    pub body: WidgetBody,
    /// Its buttons.
    pub buttons: Vec<Button>,
    /// How many of twelve columns it takes.
    pub span: u8,
    /// How often to ask for it again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_seconds: Option<u32>,
}

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Dashboard {
    /// Its heading.
    pub title: String,
    /// Its parts.
    pub widgets: Vec<Widget>,
}

/// A part of a layout.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Node {
    /// The children, one below the other.
    Stack {
        /// The children.
        #[schema(no_recursion)]
        children: Vec<Node>,
    },
    /// The children, side by side.
    Columns {
        /// How many of twelve columns each takes.
        shares: Vec<u8>,
        /// The children.
        #[schema(no_recursion)]
        children: Vec<Node>,
    },
    /// The children, one at a time.
    Tabs {
        /// The title of each.
        titles: Vec<String>,
        /// The children.
        #[schema(no_recursion)]
        children: Vec<Node>,
    },
    /// The children in a box.
    Card {
        /// Its heading.
        title: String,
        /// The children.
        #[schema(no_recursion)]
        children: Vec<Node>,
    },
    /// Text in CommonMark without HTML.
    Markdown {
        /// The text.
        text: String,
    },
    /// A form.
    Form(Form),
    /// A list.
    Listing(Listing),
    /// A widget.
    Widget(Widget),
    /// A part of the panel.
    Custom(Custom),
}

/// A page of free layout.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Layout {
    /// Its heading.
    pub title: String,
    /// What is on it.
    pub root: Node,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum View {
    /// A form.
    Form(Form),
    /// A list.
    Listing(Listing),
    /// A dashboard.
    Dashboard(Dashboard),
    /// A free layout.
    Layout(Layout),
}

impl View {
    /// Its heading.
    pub fn title(&self) -> &str {
        match self {
            Self::Form(form) => &form.title,
            Self::Listing(listing) => &listing.title,
            Self::Dashboard(dashboard) => &dashboard.title,
            Self::Layout(layout) => &layout.title,
        }
    }
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Its name, without a path.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// What happens after a button.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Show this page.
    Show(Box<View>),
    /// Show the same page anew.
    Refresh,
    /// Go to a page of the extension.
    Go(String),
    /// Say that it is done, and show the same page anew.
    Done(String),
    /// Show these problems, with what was entered.
    Invalid(Vec<FieldProblem>),
    /// Send a file.
    Download(Download),
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Where to begin: what the part before gave as `next`.
    pub after: Option<String>,
    /// How many rows at most, 25 if not given and never more than 200.
    pub limit: Option<u32>,
    /// The column to sort by.
    pub sort: Option<String>,
    /// Whether downwards.
    pub descending: bool,
    /// What to search for.
    pub search: Option<String>,
}
