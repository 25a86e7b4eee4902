//! The pages, from what was counted. No calls of the host.

use crate::counts::{Count, DAY_MS, DAYS, Kind, Mailbox};
use crate::palisade::core::types::Value;
use crate::palisade::gui::types::{
    Argument, Button, Chart, ChartKind, Column, ColumnKind, Dashboard, Label, Listing, Message,
    Node, NodeBody, Row, Scope, Series, Stat, Target, Tone, Tree, Widget, WidgetBody,
};
use crate::select::Part;

/// The widget for the home page.
pub fn overview(today: u64, days: &[Count], mailboxes: &[Mailbox]) -> Dashboard {
    let there = mailboxes.iter().filter(|mailbox| mailbox.last != Kind::Deleted).count();
    let (late, before) = (sum(days, late(today)), sum(days, earlier(today)));
    let change = (before > 0).then(|| (late as f64 - before as f64) / before as f64);
    let of_late = message_with("events-of-late", ("days", Argument::Number(DAYS as f64)));
    let all = Button {
        id: "all".into(),
        label: message("all-mailboxes"),
        icon: Some("mail".into()),
        tone: Tone::Neutral,
        scope: Scope::Page,
        target: Target::Page("mailboxes".into()),
        confirm: None,
    };
    let chart = widget("days", message("day-by-day"), 12, WidgetBody::Chart(chart(today, days)));
    Dashboard {
        title: message("mailboxes-of-late"),
        widgets: vec![
            number("there", message("there"), there as u64, None),
            number("late", of_late, late, change),
            Widget { buttons: vec![all], ..chart },
        ],
    }
}

/// The list.
pub fn list(part: &Part) -> Listing {
    let column = |name: &str, label: &str, kind, sortable| Column {
        name: name.into(),
        label: message(label),
        kind,
        sortable,
    };
    let forget = |id: &str, scope| Button {
        id: id.into(),
        label: message(id),
        icon: Some("delete".into()),
        tone: Tone::Danger,
        scope,
        target: Target::Act,
        confirm: Some(message(&format!("{id}-question"))),
    };
    Listing {
        title: message("mailboxes"),
        notes: Vec::new(),
        columns: vec![
            column("address", "address", ColumnKind::Link("mailbox".into()), true),
            column("there", "is-there", ColumnKind::Toggle, false),
            column("events", "events", ColumnKind::Number, true),
            column("last", "last-event", ColumnKind::DateTime, true),
        ],
        rows: part.mailboxes.iter().map(row).collect(),
        total: Some(part.total as u64),
        next: part.next.map(|next| next.to_string()),
        searchable: true,
        buttons: vec![forget("forget", Scope::Row), forget("forget-chosen", Scope::Rows)],
        empty: Some(message("nothing-yet")),
    }
}

fn row(mailbox: &Mailbox) -> Row {
    let there = mailbox.last != Kind::Deleted;
    Row {
        id: mailbox.address.clone(),
        cells: vec![
            Value::Text(mailbox.address.clone()),
            Value::Boolean(there),
            Value::Integer(mailbox.events as i64),
            Value::Integer(mailbox.last_ms as i64),
        ],
        tone: if there { Tone::Neutral } else { Tone::Warning },
    }
}

/// The page of a mailbox: two numbers beside each other, and below them what happened in its domain.
pub fn mailbox(today: u64, mailbox: &Mailbox, days: &[Count]) -> Tree {
    let last = Stat {
        value: Value::Integer(mailbox.last_ms as i64),
        kind: ColumnKind::DateTime,
        change: None,
        tone: Tone::Neutral,
    };
    let said = message(&format!("last-{}", mailbox.last.name()));
    let node = |body, children: &[u32]| Node { body, children: children.into() };
    let leaf = |body| node(body, &[]);
    let domain = message_with("in-domain", ("domain", Argument::Text(mailbox.domain().into())));
    Tree {
        title: Label::Literal(mailbox.address.clone()),
        nodes: vec![
            node(NodeBody::Stack, &[1, 5]),
            node(NodeBody::Columns(vec![4, 4, 4]), &[2, 3, 4]),
            leaf(NodeBody::Widget(number("events", message("events"), mailbox.events, None))),
            leaf(NodeBody::Widget(widget(
                "last",
                message("last-event"),
                12,
                WidgetBody::Stat(last),
            ))),
            leaf(NodeBody::Markdown(said)),
            node(NodeBody::Card(domain), &[6]),
            leaf(NodeBody::Widget(widget(
                "days",
                message("day-by-day"),
                12,
                WidgetBody::Chart(chart(today, days)),
            ))),
        ],
    }
}

/// The days that the pages look back, from the first to this one.
fn late(today: u64) -> std::ops::RangeInclusive<u64> {
    (today + 1).saturating_sub(DAYS)..=today
}

/// As many days before those.
fn earlier(today: u64) -> std::ops::RangeInclusive<u64> {
    (today + 1).saturating_sub(2 * DAYS)..=today.saturating_sub(DAYS)
}

fn sum(days: &[Count], of: std::ops::RangeInclusive<u64>) -> u64 {
    days.iter().filter(|count| of.contains(&count.day)).map(|count| count.number).sum()
}

/// One line for each kind, with a point for each day, also for those on which nothing happened.
pub fn chart(today: u64, days: &[Count]) -> Chart {
    let point = |kind: Kind, day: u64| {
        let its = days.iter().filter(|count| count.day == day && count.kind == kind);
        let number: u64 = its.map(|count| count.number).sum();
        ((day * DAY_MS) as f64, number as f64)
    };
    let series = Kind::ALL.map(|kind| Series {
        label: message(kind.name()),
        points: late(today).map(|day| point(kind, day)).collect(),
    });
    Chart { kind: ChartKind::Stacked, over_time: true, unit: None, series: series.into() }
}

fn number(id: &str, title: Label, number: u64, change: Option<f64>) -> Widget {
    let stat = Stat {
        value: Value::Integer(number as i64),
        kind: ColumnKind::Number,
        change,
        tone: Tone::Neutral,
    };
    widget(id, title, 6, WidgetBody::Stat(stat))
}

fn widget(id: &str, title: Label, span: u8, body: WidgetBody) -> Widget {
    Widget { id: id.into(), title, body, buttons: Vec::new(), span, refresh_seconds: None }
}

fn message(id: &str) -> Label {
    Label::Message(Message { id: id.into(), arguments: Vec::new() })
}

/// A message with what stands in it.
pub fn message_with(id: &str, (name, argument): (&str, Argument)) -> Label {
    Label::Message(Message { id: id.into(), arguments: vec![(name.into(), argument)] })
}
