//! The numbers of a chart as a table, for those who do not see it and those who want to know exactly.

use maud::{Markup, html};

use super::Drawn;
use crate::gui::draw::Pen;
use crate::gui::words::Argument;

/// Positions of the table; of more, some are left out, and the table says so.
const MAX_ROWS: usize = 100;

/// Draws the table, closed until somebody opens it.
pub(super) fn table(pen: &Pen<'_>, drawn: &Drawn<'_>) -> Markup {
    let step = drawn.positions.len().div_ceil(MAX_ROWS).max(1);
    let shown: Vec<f64> = drawn.positions.iter().copied().step_by(step).collect();
    let head = pen.say(if drawn.over_time { "chart-time" } else { "chart-position" });
    html! {
        details.numbers {
            summary { (pen.say("chart-as-table")) }
            @if step > 1 {
                p.hint {
                    (pen.words.with("chart-shortened", &[
                        ("shown", Argument::Number(shown.len() as f64)),
                        ("total", Argument::Number(drawn.positions.len() as f64)),
                    ]))
                }
            }
            div.table.wide tabindex="0" role="group" aria-label=(pen.say("chart-as-table")) {
                table {
                    thead {
                        tr {
                            th scope="col" { (head) }
                            @for (label, _) in &drawn.series { th.number scope="col" { (label) } }
                        }
                    }
                    tbody {
                        @for x in &shown {
                            tr {
                                th scope="row" { (drawn.position(pen.words, *x)) }
                                @for (label, points) in &drawn.series {
                                    @let found = points.binary_search_by(|(its, _)| its.total_cmp(x));
                                    td.number data-label=(label) {
                                        @match found.ok().and_then(|at| points.get(at)) {
                                            Some((_, y)) => (pen.words.number(*y)),
                                            None => "–",
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
