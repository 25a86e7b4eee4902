//! The lines, the bars, and what is said where the pointer is.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{Drawn, MAX_POINTS, colour};
use crate::gui::draw::Pen;
use crate::view::ChartKind;

/// What is drawn on, in its own units; it is stretched to the room that there is.
pub(super) const WIDTH: f64 = 1000.0;
pub(super) const HEIGHT: f64 = 400.0;
/// How much of its room a position's bars take.
const BAR_SHARE: f64 = 0.72;
/// Positions that say what they are when the pointer is there.
const MAX_BANDS: usize = 120;

type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// The least and the most of all values.
pub(super) fn extent(series: &[Line<'_>]) -> (f64, f64) {
    bounds(series.iter().flat_map(|(_, points)| points).map(|(_, y)| *y))
}

/// The least and the most when values stand one upon another: those above nothing upwards, the others downwards.
pub(super) fn stacked_extent(series: &[Line<'_>]) -> (f64, f64) {
    let mut sums: std::collections::BTreeMap<u64, (f64, f64)> = Default::default();
    for (x, y) in series.iter().flat_map(|(_, points)| points) {
        let (below, above) = sums.entry(x.to_bits()).or_default();
        *below += y.min(0.0);
        *above += y.max(0.0);
    }
    bounds(sums.into_values().flat_map(|(below, above)| [below, above]))
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (least, most) = values.fold(none, |(least, most), y| (least.min(y), most.max(y)));
    if least > most { (0.0, 0.0) } else { (least, most) }
}

/// Of many points those that give a line its form: of each piece the least and the most.
pub(super) fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MAX_POINTS {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(MAX_POINTS);
    for piece in points.chunks(points.len().div_ceil(MAX_POINTS / 2)) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (least, most) = (piece.iter().min_by(by_value), piece.iter().max_by(by_value));
        let (Some(least), Some(most)) = (least, most) else { continue };
        match least.0.total_cmp(&most.0) {
            std::cmp::Ordering::Less => kept.extend([*least, *most]),
            std::cmp::Ordering::Greater => kept.extend([*most, *least]),
            std::cmp::Ordering::Equal => kept.push(*least),
        }
    }
    kept
}

/// The lines of a chart. A single point is a line without length, whose round ends are a dot.
pub(super) fn lines(drawn: &Drawn<'_>) -> Markup {
    let single = drawn.series.len() == 1;
    html! {
        @for (index, (_, points)) in drawn.series.iter().enumerate() {
            @let path = path(drawn, points);
            @if single && points.len() > 1 {
                path.under.series-1 d=(under(drawn, points, &path)) {}
            }
            @let point = if points.len() == 1 { " point" } else { "" };
            path class={ "line " (colour(index)) (point) } d=(path) vector-effect="non-scaling-stroke" {}
        }
    }
}

fn path(drawn: &Drawn<'_>, points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in thin(points).into_iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let (x, y) = (WIDTH * drawn.share(x), HEIGHT * (1.0 - drawn.up.share(y)));
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    if points.len() == 1 {
        path.push_str("h0.1");
    }
    path
}

/// What is between a line and nothing, or the lower end of the axis.
fn under(drawn: &Drawn<'_>, points: &[(f64, f64)], path: &str) -> String {
    let ends = points.first().zip(points.last());
    let Some(((first, _), (last, _))) = ends else { return String::new() };
    let base = HEIGHT * (1.0 - drawn.up.share(0.0));
    let (first, last) = (WIDTH * drawn.share(*first), WIDTH * drawn.share(*last));
    format!("{path}L{last:.1} {base:.1}L{first:.1} {base:.1}Z")
}

/// The bars of a chart, side by side or one upon another.
pub(super) fn bars(drawn: &Drawn<'_>) -> Markup {
    let room = WIDTH * BAR_SHARE / drawn.positions.len().max(1) as f64;
    let width = match drawn.kind {
        ChartKind::Bars => room / drawn.series.len().max(1) as f64,
        ChartKind::Line | ChartKind::Stacked => room,
    };
    let mut sums: std::collections::BTreeMap<u64, (f64, f64)> = Default::default();
    html! {
        @for (index, (_, points)) in drawn.series.iter().enumerate() {
            @let mut outline = String::new();
            @for (x, y) in points {
                @let left = WIDTH * drawn.share(*x) - room / 2.0;
                @let (left, from, to) = match drawn.kind {
                    ChartKind::Stacked => {
                        let (below, above) = sums.entry(x.to_bits()).or_default();
                        let sum = if *y < 0.0 { below } else { above };
                        let from = *sum;
                        *sum += y;
                        (left, from, *sum)
                    }
                    ChartKind::Bars | ChartKind::Line => (left + width * index as f64, 0.0, *y),
                };
                @let (low, high) = (drawn.up.share(from.min(to)), drawn.up.share(from.max(to)));
                @let _ = write!(
                    outline,
                    "M{left:.2} {:.1}h{:.2}v{:.1}h-{:.2}z",
                    HEIGHT * (1.0 - high),
                    width * 0.94,
                    HEIGHT * (high - low),
                    width * 0.94,
                );
            }
            path class={ "bar " (colour(index)) } d=(outline) {}
        }
    }
}

/// Says what the values are where the pointer is: the browser shows the title of what it is over.
pub(super) fn bands(pen: &Pen<'_>, drawn: &Drawn<'_>) -> Markup {
    let step = drawn.positions.len().div_ceil(MAX_BANDS).max(1);
    let shown: Vec<f64> = drawn.positions.iter().copied().step_by(step).collect();
    let middles: Vec<f64> = shown.iter().map(|x| WIDTH * drawn.share(*x)).collect();
    let edge = |index: usize| match (
        index.checked_sub(1).and_then(|at| middles.get(at)),
        middles.get(index),
    ) {
        (Some(before), Some(here)) => (before + here) / 2.0,
        (None, _) => 0.0,
        (_, None) => WIDTH,
    };
    html! {
        @for (index, x) in shown.iter().enumerate() {
            @let (left, right) = (edge(index), edge(index + 1));
            rect.band x=(format!("{left:.1}")) y="0" width=(format!("{:.1}", right - left)) height=(HEIGHT) {
                title { (drawn.said(pen, *x)) }
            }
        }
    }
}

impl Drawn<'_> {
    /// The values at a position, in words.
    fn said(&self, pen: &Pen<'_>, x: f64) -> String {
        let mut said = self.position(pen.words, x);
        for (label, points) in &self.series {
            let found = points.binary_search_by(|(its, _)| its.total_cmp(&x));
            if let Some((_, y)) = found.ok().and_then(|at| points.get(at)) {
                let unit = self.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
                let _ = write!(said, "\n{label}: {}{unit}", pen.words.number(*y));
            }
        }
        said
    }
}
