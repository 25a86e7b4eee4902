//! Charts as SVG inside the page, with a table of the same numbers for those who do not see them. Lengths are shares
//! of what there is to draw on, so texts and lines keep their size however wide a chart is.

mod scale;
mod shape;
mod table;

use std::collections::BTreeMap;

use maud::{Markup, html};

use self::scale::{Axis, time_ticks};
use self::shape::{HEIGHT, WIDTH, bands, bars, lines};
use super::Pen;
use crate::gui::words::{Argument, Words};
use crate::view::{Chart, ChartKind, Series};

/// Positions that are drawn of a chart of bars; of more, neighbours are put together.
const MAX_BARS: usize = 60;
/// Points that are drawn of a line.
const MAX_POINTS: usize = 400;
/// The largest value: beyond it, distances are no numbers any more.
const MAX_VALUE: f64 = 1e300;
/// Colours of lines; after them they come again, dashed.
const COLOURS: usize = 8;

/// A chart with its points in order, and its scales.
struct Drawn<'a> {
    kind: ChartKind,
    over_time: bool,
    unit: Option<&'a str>,
    /// The lines, each with its points by position.
    series: Vec<(&'a str, Vec<(f64, f64)>)>,
    /// All positions.
    positions: Vec<f64>,
    /// How many positions each drawn one stands for.
    merged: usize,
    across: Axis,
    up: Axis,
}

/// Draws a chart. `title` is what it is called where it cannot be seen.
pub fn chart(pen: &Pen<'_>, title: &str, chart: &Chart) -> Markup {
    let Some(drawn) = Drawn::of(chart) else {
        return html! { p.empty { (pen.say("chart-empty")) } };
    };
    let id = pen.id("chart", title);
    let (name, summary) = (format!("{id}_name"), format!("{id}_summary"));
    html! {
        figure.chart {
            (drawn.legend(pen))
            div.plot {
                div.up aria-hidden="true" {
                    @for tick in drawn.up.ticks.iter().rev() { span { (pen.words.number(*tick)) } }
                }
                svg.area role="img" aria-labelledby=(format!("{name} {summary}")) {
                    title id=(name) { (if title.is_empty() { drawn.names() } else { title.to_owned() }) }
                    desc id=(summary) { (drawn.summary(pen.words)) }
                    (drawn.grid())
                    svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" width="100%" height="100%" {
                        @match drawn.kind {
                            ChartKind::Line => (lines(&drawn)),
                            ChartKind::Bars | ChartKind::Stacked => (bars(&drawn)),
                        }
                        (bands(pen, &drawn))
                    }
                }
                (drawn.across(pen.words))
            }
            @if drawn.merged > 1 { p.hint { (pen.say_count("chart-merged", "count", drawn.merged)) } }
            (table::table(pen, &drawn))
        }
    }
}

/// The class of a line, by its number.
fn colour(index: usize) -> String {
    let dashed = if index >= COLOURS { " dashed" } else { "" };
    format!("series-{}{dashed}", index % COLOURS + 1)
}

/// The points of a line in order, one at a position, all finite.
fn in_order(series: &Series) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = series
        .points
        .iter()
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .map(|(x, y)| (x.clamp(-MAX_VALUE, MAX_VALUE), y.clamp(-MAX_VALUE, MAX_VALUE)))
        .collect();
    points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    points.dedup_by(|(later, _), (earlier, _)| later == earlier);
    points
}

/// All positions of all lines, in order.
fn positions(series: &[(&str, Vec<(f64, f64)>)]) -> Vec<f64> {
    let mut all: Vec<f64> = series.iter().flat_map(|(_, points)| points).map(|(x, _)| *x).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// Puts neighbours together: groups of positions, each at the first of them with the mean of its values.
fn merge(series: &mut [(&str, Vec<(f64, f64)>)], positions: &mut Vec<f64>, size: usize) {
    let group =
        |x: f64| positions.partition_point(|position| *position <= x).saturating_sub(1) / size;
    let firsts: Vec<f64> = positions.iter().copied().step_by(size).collect();
    for (_, points) in series.iter_mut() {
        let mut groups: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (x, y) in points.iter() {
            let (sum, count) = groups.entry(group(*x)).or_insert((0.0, 0.0));
            *sum += y / size as f64;
            *count += 1.0 / size as f64;
        }
        *points = groups
            .into_iter()
            .filter_map(|(group, (sum, count))| Some((*firsts.get(group)?, sum / count)))
            .collect();
    }
    *positions = firsts;
}

impl<'a> Drawn<'a> {
    /// A chart with its scales; nothing if it has no points.
    fn of(chart: &'a Chart) -> Option<Self> {
        let mut series: Vec<(&str, Vec<(f64, f64)>)> =
            chart.series.iter().map(|its| (its.label.as_str(), in_order(its))).collect();
        let mut positions = positions(&series);
        let merged = match chart.kind {
            ChartKind::Line => 1,
            ChartKind::Bars | ChartKind::Stacked => positions.len().div_ceil(MAX_BARS).max(1),
        };
        if merged > 1 {
            merge(&mut series, &mut positions, merged);
        }
        let (first, last) = (*positions.first()?, *positions.last()?);
        let across = match chart.over_time {
            true => Axis { from: first, to: last, ticks: time_ticks(first, last) },
            false => Axis::within(first, last),
        };
        let (least, most) = match chart.kind {
            ChartKind::Line => shape::extent(&series),
            ChartKind::Bars => shape::extent(&series),
            ChartKind::Stacked => shape::stacked_extent(&series),
        };
        let up = match chart.kind {
            // A line that never comes near to nothing would be flat if it were drawn from there.
            ChartKind::Line if least > 0.0 && least > most * 0.6 => Axis::around(least, most),
            _ => Axis::around(least.min(0.0), most.max(0.0)),
        };
        let unit = chart.unit.as_deref().filter(|unit| !unit.is_empty());
        let (kind, over_time) = (chart.kind, chart.over_time);
        Some(Self { kind, over_time, unit, series, positions, merged, across, up })
    }

    /// Where the middle of a position is, as a share of the width. Bars have room on both sides.
    fn share(&self, x: f64) -> f64 {
        match self.kind {
            ChartKind::Line => self.across.share(x),
            ChartKind::Bars | ChartKind::Stacked => {
                let index = self.positions.partition_point(|position| *position < x);
                (index as f64 + 0.5) / self.positions.len() as f64
            }
        }
    }

    /// A position in words.
    fn position(&self, words: &Words, x: f64) -> String {
        match self.over_time {
            true => words.date_time(x as i64),
            false => words.number(x),
        }
    }

    /// A position in as few words as an axis has room for.
    fn short_position(&self, words: &Words, x: f64) -> String {
        const DAY: f64 = 86_400_000.0;
        match self.over_time {
            false => words.number(x),
            true if self.across.to - self.across.from <= DAY * 1.5 && x % DAY != 0.0 => {
                words.time(x as i64)
            }
            true => words.date(x as i64),
        }
    }

    fn names(&self) -> String {
        self.series.iter().map(|(label, _)| *label).collect::<Vec<_>>().join(", ")
    }

    fn summary(&self, words: &Words) -> String {
        let (least, most) = shape::extent(&self.series);
        let text = [
            self.position(words, self.across.from),
            self.position(words, self.across.to),
            words.number(least),
            words.number(most),
        ];
        let [from, to, least, most] = &text;
        words.with(
            "chart-summary",
            &[
                ("series", Argument::Number(self.series.len() as f64)),
                ("from", Argument::Text(from)),
                ("to", Argument::Text(to)),
                ("least", Argument::Text(least)),
                ("most", Argument::Text(most)),
            ],
        )
    }

    fn legend(&self, pen: &Pen<'_>) -> Markup {
        let named = self.series.len() > 1 || self.unit.is_some();
        html! {
            @if named {
                figcaption.legend {
                    ul {
                        @for (index, (label, _)) in self.series.iter().enumerate() {
                            li {
                                svg.key viewBox="0 0 20 10" width="20" height="10" aria-hidden="true" {
                                    line class=(colour(index)) x1="0" y1="5" x2="20" y2="5" {}
                                }
                                bdi { (label) }
                            }
                        }
                    }
                    @if let Some(unit) = self.unit { span.unit { (pen.say_with("chart-unit", "unit", unit)) } }
                }
            }
        }
    }

    /// Lines at the values that the axis names.
    fn grid(&self) -> Markup {
        html! {
            @for tick in &self.up.ticks {
                @let y = format!("{:.2}%", 100.0 - 100.0 * self.up.share(*tick));
                line.grid.zero[*tick == 0.0] x1="0" x2="100%" y1=(y) y2=(y) {}
            }
        }
    }

    /// The names of positions.
    fn across(&self, words: &Words) -> Markup {
        let ticks: Vec<f64> = match self.kind {
            ChartKind::Line => self.across.ticks.clone(),
            ChartKind::Bars | ChartKind::Stacked => {
                let step = self.positions.len().div_ceil(6).max(1);
                self.positions.iter().copied().step_by(step).collect()
            }
        };
        html! {
            svg.across aria-hidden="true" {
                @for tick in &ticks {
                    @let share = self.share(*tick);
                    @let anchor = if share > 0.96 { "end" } else { "middle" };
                    text x=(format!("{:.2}%", 100.0 * share)) y="14" text-anchor=(anchor) {
                        (self.short_position(words, *tick))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
