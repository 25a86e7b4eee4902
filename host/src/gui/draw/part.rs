//! The small parts of a page: notes, badges, numbers to look at, and the messages above a page.

use maud::{Markup, html};

use super::Pen;
use super::cell::cell;
use super::icon::icon;
use crate::view::{Note, Stat, Tone};

/// The class of a tone.
pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "tone-neutral",
        Tone::Info => "tone-info",
        Tone::Success => "tone-success",
        Tone::Warning => "tone-warning",
        Tone::Danger => "tone-danger",
    }
}

/// The icon of a tone.
fn tone_icon(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral | Tone::Info => "info",
        Tone::Success => "success",
        Tone::Warning => "warning",
        Tone::Danger => "danger",
    }
}

/// A tone in words, for those who do not see it.
pub(super) fn tone_word(pen: &Pen<'_>, tone: Tone) -> Markup {
    html! { span.unseen { (pen.say(tone_class(tone))) ": " } }
}

/// A text that is only read aloud.
pub fn unseen(text: &str) -> Markup {
    html! { span.unseen { (text) } }
}

/// A short message in a box.
pub fn note(pen: &Pen<'_>, note: &Note) -> Markup {
    html! {
        div class={ "note " (tone_class(note.tone)) } role="note" {
            (icon(tone_icon(note.tone)))
            p { (tone_word(pen, note.tone)) (note.text) }
        }
    }
}

/// Short messages, one below the other.
pub fn notes(pen: &Pen<'_>, notes: &[Note]) -> Markup {
    html! { @for its in notes { (note(pen, its)) } }
}

/// What happened with a button, above the page. The script lets the reader put it away.
pub fn message(pen: &Pen<'_>, tone: Tone, text: &str) -> Markup {
    let role = if tone == Tone::Danger { "alert" } else { "status" };
    html! {
        div class={ "note message " (tone_class(tone)) } role=(role) data-message {
            (icon(tone_icon(tone)))
            p { (tone_word(pen, tone)) (text) }
            button.plain type="button" data-dismiss aria-label=(pen.say("dismiss")) { (icon("close")) }
        }
    }
}

/// A text in which names stand in backticks, with those names as code.
pub fn prose(text: &str) -> Markup {
    // Without a last backtick the last one is none of a pair.
    let paired = text.matches('`').count() / 2 * 2;
    html! {
        @for (number, part) in text.splitn(paired + 1, '`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A word with a tone.
pub fn badge(text: &str, tone: Tone) -> Markup {
    html! { span class={ "badge " (tone_class(tone)) } { (text) } }
}

/// A number to look at.
pub fn stat(pen: &Pen<'_>, stat: &Stat) -> Markup {
    html! {
        p class={ "stat " (tone_class(stat.tone)) } { (cell(pen, &stat.kind, &stat.value)) }
        @if let Some(change) = stat.change { (self::change(pen, change)) }
    }
}

/// A change against the time before.
fn change(pen: &Pen<'_>, change: f64) -> Markup {
    let percent = pen.words.percent(change.abs());
    let (sign, word) = match change {
        more if more > 0.0 => ("▲", "change-up"),
        less if less < 0.0 => ("▼", "change-down"),
        _ => ("=", "change-none"),
    };
    html! {
        p.change {
            span aria-hidden="true" { (sign) " " (percent) }
            (unseen(&pen.say_with(word, "percent", &percent)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_backticks_are_code() {
        assert_eq!(prose("`a` is <b>").into_string(), "<code>a</code> is &lt;b&gt;");
        assert_eq!(prose("a `b").into_string(), "a `b");
        assert_eq!(prose("`a` b `c").into_string(), "<code>a</code> b `c");
    }
}
