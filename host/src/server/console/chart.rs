//! Charts of the console: those of extension pages, in English, with times in the machine's time zone.

use std::sync::LazyLock;

use maud::Markup;

use crate::gui::draw::{self, Pen};
use crate::gui::words::Words;
use crate::locale::Locale;
use crate::view::Chart;

/// English with a clock of 24 hours, as all times of the console have.
static WORDS: LazyLock<Words> =
    LazyLock::new(|| Words::of(&Locale::parse("en-GB").unwrap_or_else(|_| Locale::fallback())));

/// Draws a chart.
pub(super) fn draw(title: &str, chart: &Chart) -> Markup {
    draw::chart(&Pen::new(&WORDS), title, chart)
}
