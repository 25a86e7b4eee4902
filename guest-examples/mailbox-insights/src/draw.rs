//! The pages, from what was counted. No calls of the host.

use crate::counts::{Count, DAY_MS, DAYS, Kind, Mailbox};
use crate::palisade::core::types::Value;
use crate::palisade::gui::types::{
    Button, Chart, ChartKind, Column, ColumnKind, Dashboard, Label, Listing, Node, NodeBody, Row,
    Scope, Series, Stat, Target, Tone, Tree, Widget, WidgetBody,
};
use crate::select::Part;

/// The widget for the home page.
pub fn overview(today: u64, days: &[Count], mailboxes: &[Mailbox]) -> Dashboard {
    let there = mailboxes.iter().filter(|mailbox| mailbox.last != Kind::Deleted).count();
    let (late, before) = (sum(days, late(today)), sum(days, earlier(today)));
    let change = (before > 0).then(|| (late as f64 - before as f64) / before as f64);
    let all = Button {
        id: "all".into(),
        label: literal("All mailboxes"),
        icon: Some("mail".into()),
        tone: Tone::Neutral,
        scope: Scope::Page,
        target: Target::Page("mailboxes".into()),
        confirm: None,
    };
    let chart = widget("days", "Day by day", 12, WidgetBody::Chart(chart(today, days)));
    Dashboard {
        title: literal("Mailboxes of late"),
        widgets: vec![
            number("there", "Mailboxes", there as u64, None),
            number("late", "Events in 14 days", late, change),
            Widget { buttons: vec![all], ..chart },
        ],
    }
}

/// The list.
pub fn list(part: &Part) -> Listing {
    let tones = vec![("there".into(), Tone::Success), ("deleted".into(), Tone::Neutral)];
    let column = |name: &str, label: &str, kind, sortable| Column {
        name: name.into(),
        label: literal(label),
        kind,
        sortable,
    };
    let forget = |id: &str, label: &str, scope, question: &str| Button {
        id: id.into(),
        label: literal(label),
        icon: Some("trash".into()),
        tone: Tone::Danger,
        scope,
        target: Target::Act,
        confirm: Some(literal(question)),
    };
    let empty = match part.searched {
        true => "No mailbox has this in its address.",
        false => "Nothing happened to any mailbox yet.",
    };
    Listing {
        title: literal("Mailboxes"),
        notes: Vec::new(),
        columns: vec![
            column("address", "Address", ColumnKind::Link("mailbox".into()), true),
            column("state", "State", ColumnKind::Badge(tones), false),
            column("events", "Events", ColumnKind::Number, true),
            column("last", "Last event", ColumnKind::DateTime, true),
        ],
        rows: part.mailboxes.iter().map(row).collect(),
        total: Some(part.total as u64),
        next: part.next.map(|next| next.to_string()),
        searchable: true,
        buttons: vec![
            forget("forget", "Forget", Scope::Row, "Forget what happened to this mailbox?"),
            forget(
                "forget-chosen",
                "Forget chosen",
                Scope::Rows,
                "Forget what happened to the chosen mailboxes?",
            ),
        ],
        empty: Some(literal(empty)),
    }
}

fn row(mailbox: &Mailbox) -> Row {
    let (state, tone) = match mailbox.last {
        Kind::Deleted => ("deleted", Tone::Warning),
        _ => ("there", Tone::Neutral),
    };
    Row {
        id: mailbox.address.clone(),
        cells: vec![
            Value::Text(mailbox.address.clone()),
            Value::Text(state.into()),
            Value::Integer(mailbox.events as i64),
            Value::Integer(mailbox.last_ms as i64),
        ],
        tone,
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
    let said = format!("Last it was **{}**.", mailbox.last.name());
    let node = |body, children: &[u32]| Node { body, children: children.into() };
    let leaf = |body| node(body, &[]);
    let domain = format!("What happened in {}", mailbox.domain());
    Tree {
        title: literal(&mailbox.address),
        nodes: vec![
            node(NodeBody::Stack, &[1, 5]),
            node(NodeBody::Columns(vec![4, 4, 4]), &[2, 3, 4]),
            leaf(NodeBody::Widget(number("events", "Events", mailbox.events, None))),
            leaf(NodeBody::Widget(widget("last", "Last event", 12, WidgetBody::Stat(last)))),
            leaf(NodeBody::Markdown(literal(&said))),
            node(NodeBody::Card(literal(&domain)), &[6]),
            leaf(NodeBody::Widget(widget(
                "days",
                "Day by day",
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
    let labels =
        [(Kind::Created, "Created"), (Kind::Changed, "Changed"), (Kind::Deleted, "Deleted")];
    let point = |kind: Kind, day: u64| {
        let its = days.iter().filter(|count| count.day == day && count.kind == kind);
        let number: u64 = its.map(|count| count.number).sum();
        ((day * DAY_MS) as f64, number as f64)
    };
    let series = labels.map(|(kind, label)| Series {
        label: literal(label),
        points: late(today).map(|day| point(kind, day)).collect(),
    });
    Chart {
        kind: ChartKind::Stacked,
        over_time: true,
        unit: Some(literal("events")),
        series: series.into(),
    }
}

fn number(id: &str, title: &str, number: u64, change: Option<f64>) -> Widget {
    let stat = Stat {
        value: Value::Integer(number as i64),
        kind: ColumnKind::Number,
        change,
        tone: Tone::Neutral,
    };
    widget(id, title, 6, WidgetBody::Stat(stat))
}

fn widget(id: &str, title: &str, span: u8, body: WidgetBody) -> Widget {
    Widget {
        id: id.into(),
        title: literal(title),
        body,
        buttons: Vec::new(),
        span,
        refresh_seconds: None,
    }
}

fn literal(text: &str) -> Label {
    Label::Literal(text.into())
}
