//! Charts of the console: those of extension pages, in English.

use std::sync::LazyLock;

use maud::{Markup, html};

use crate::gui::words::Words;
use crate::locale::Locale;
use crate::view::Chart;

/// Draws a chart.
pub(super) fn draw(title: &str, chart: &Chart) -> Markup {
    let _ = chart;
    html! { p.faint { (title) } }
}
