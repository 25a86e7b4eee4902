//! Numbers, sizes, times and values as the console writes them. Times are in the machine's time zone. No I/O.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

pub(super) use crate::gui::draw::prose;
use crate::hook::SECRET_KEY;

/// Characters of a value in a line.
const MAX_SHORT: usize = 120;

/// A number with its thousands apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number, short.
pub(super) fn short(number: u64) -> String {
    let scaled = |by: f64, unit: &str| {
        let scaled = number as f64 / by;
        let decimals = usize::from(scaled < 100.0);
        format!("{scaled:.decimals$}\u{202f}{unit}")
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => scaled(1e3, "k"),
        1_000_000..1_000_000_000 => scaled(1e6, "M"),
        1_000_000_000..1_000_000_000_000 => scaled(1e9, "G"),
        _ => scaled(1e12, "T"),
    }
}

/// A size in bytes.
pub(super) fn bytes(bytes: u64) -> String {
    let scaled = |shift: u32, unit: &str| {
        let scaled = bytes as f64 / f64::from(1_u32 << shift);
        let decimals = usize::from(scaled < 100.0 && scaled.fract() > 0.05);
        format!("{scaled:.decimals$}\u{202f}{unit}")
    };
    match bytes {
        0..1_024 => format!("{bytes}\u{202f}B"),
        1_024..1_048_576 => scaled(10, "KiB"),
        1_048_576..1_073_741_824 => scaled(20, "MiB"),
        _ => scaled(30, "GiB"),
    }
}

/// A duration in microseconds.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}\u{202f}µs"),
        1_000..1_000_000 => {
            let ms = us as f64 / 1e3;
            let decimals = usize::from(ms < 100.0);
            format!("{ms:.decimals$}\u{202f}ms")
        }
        _ => format!("{:.1}\u{202f}s", us as f64 / 1e6),
    }
}

/// A count with the word for what is counted.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", self::number(number as u64))
}

fn moment(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

/// A moment written out by a pattern, in the machine's time zone.
pub(super) fn written(ms: u64, pattern: &str) -> String {
    let zoned = moment(ms).map(|moment| moment.to_zoned(TimeZone::system()));
    zoned.map_or_else(|| ms.to_string(), |zoned| zoned.strftime(pattern).to_string())
}

/// A moment, moved so that what is written as of UTC is the machine's time.
pub(super) fn local_ms(ms: u64) -> f64 {
    let zoned = moment(ms).map(|moment| moment.to_zoned(TimeZone::system()));
    let offset = zoned.map_or(0, |zoned| zoned.offset().seconds());
    ms as f64 + f64::from(offset) * 1e3
}

/// A moment: its day and time.
pub(super) fn time(ms: u64) -> Markup {
    let exact = moment(ms).map(|moment| moment.to_string()).unwrap_or_default();
    html! { time datetime=(exact) { (written(ms, "%Y-%m-%d %H:%M:%S")) } }
}

/// How long ago a moment was, with the moment itself as its title.
pub(super) fn ago(ms: u64, now: u64) -> Markup {
    let exact = moment(ms).map(|moment| moment.to_string()).unwrap_or_default();
    let passed = span(now.saturating_sub(ms));
    html! { time datetime=(exact) title=(written(ms, "%Y-%m-%d %H:%M:%S")) { (passed) " ago" } }
}

/// A stretch of time in milliseconds, in its largest unit.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds}\u{202f}s"),
        60..3_600 => format!("{}\u{202f}min", seconds / 60),
        3_600..172_800 => format!("{}\u{202f}h", seconds / 3_600),
        _ => format!("{}\u{202f}days", seconds / 86_400),
    }
}

/// Whether a value stands for a secret.
pub(super) fn is_secret(value: &serde_json::Value) -> bool {
    value.as_object().is_some_and(|members| members.len() == 1 && members.contains_key(SECRET_KEY))
}

/// A value as a person writes it, whole.
pub(super) fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(serde_json::Value::as_str).collect();
            items.join("\n")
        }
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        plain => plain.to_string(),
    }
}

/// A value in a line, cut if it is long.
pub(super) fn value(value: &serde_json::Value) -> Markup {
    if is_secret(value) {
        return html! { span.secret title="a secret, which nobody is shown" { "secret" } };
    }
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_SHORT) {
        None if text.is_empty() => html! { span.faint { "empty" } },
        None => html! { code { (text) } },
        Some((end, _)) => html! { code title=(text) { (text.get(..end).unwrap_or_default()) "…" } },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_short_and_have_their_thousands_apart() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number(999), "999");
        assert_eq!(short(999), "999");
        assert_eq!(short(12_345), "12.3\u{202f}k");
        assert_eq!(short(250_000_000), "250\u{202f}M");
    }

    #[test]
    fn sizes_and_durations_have_the_unit_that_fits() {
        assert_eq!(bytes(512), "512\u{202f}B");
        assert_eq!(bytes(16 << 20), "16\u{202f}MiB");
        assert_eq!(bytes(1_536), "1.5\u{202f}KiB");
        assert_eq!(duration(850), "850\u{202f}µs");
        assert_eq!(duration(12_340), "12.3\u{202f}ms");
        assert_eq!(span(59_999), "59\u{202f}s");
        assert_eq!(span(7_200_000), "2\u{202f}h");
    }

    #[test]
    fn a_secret_is_shown_as_one() {
        let shown = value(&json!({ SECRET_KEY: null })).into_string();
        assert!(shown.contains(">secret<"), "{shown}");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let shown = value(&json!("ä".repeat(200))).into_string();
        assert!(shown.ends_with("ä…</code>"), "{shown}");
    }

    #[test]
    fn a_list_of_texts_is_written_in_lines() {
        assert_eq!(plain(&json!(["a", "b"])), "a\nb");
        assert_eq!(plain(&json!(5)), "5");
    }
}
