use super::*;
use crate::locale::Locale;

fn chart_of(kind: ChartKind, series: &[&[(f64, f64)]]) -> Chart {
    let series = series
        .iter()
        .enumerate()
        .map(|(index, points)| Series { label: format!("s{index}"), points: points.to_vec() })
        .collect();
    Chart { kind, over_time: false, unit: None, series }
}

fn drawn(chart: &Chart) -> String {
    let words = Words::of(&Locale::parse("en").unwrap());
    super::chart(&Pen::new(&words), "title", chart).into_string()
}

#[test]
fn a_chart_without_points_says_so() {
    assert!(drawn(&chart_of(ChartKind::Line, &[&[]])).starts_with("<p class=\"empty\">"));
    assert!(drawn(&chart_of(ChartKind::Bars, &[])).starts_with("<p class=\"empty\">"));
}

#[test]
fn a_line_goes_from_left_to_right_in_the_order_of_positions() {
    let html = drawn(&chart_of(ChartKind::Line, &[&[(10.0, 0.0), (0.0, 10.0)]]));
    assert!(html.contains("d=\"M0.0 0.0L1000.0 400.0\""), "{html}");
}

#[test]
fn of_many_points_the_extremes_are_drawn() {
    let mut points: Vec<(f64, f64)> = (0..5_000).map(|x| (f64::from(x), 1.0)).collect();
    points[2_345].1 = 900.0;
    let kept = shape::thin(&points);
    assert!(kept.len() <= MAX_POINTS && kept.contains(&(2_345.0, 900.0)));
    let html = drawn(&chart_of(ChartKind::Line, &[&points]));
    assert!(html.len() < 60_000, "{}", html.len());
}

#[test]
fn many_bars_are_put_together_by_their_mean_and_the_chart_says_so() {
    let points: Vec<(f64, f64)> = (0..120).map(|x| (f64::from(x), f64::from(x % 2))).collect();
    let chart = chart_of(ChartKind::Bars, &[&points]);
    let drawn = Drawn::of(&chart).unwrap();
    assert_eq!((drawn.merged, drawn.positions.len()), (2, 60));
    assert!(drawn.series[0].1.iter().all(|(_, y)| *y == 0.5));
}

#[test]
fn bars_upon_another_reach_as_far_as_their_sum() {
    let chart = chart_of(ChartKind::Stacked, &[&[(0.0, 60.0)], &[(0.0, 40.0)], &[(0.0, -20.0)]]);
    let drawn = Drawn::of(&chart).unwrap();
    assert_eq!((drawn.up.from, drawn.up.to), (-50.0, 100.0));
}

#[test]
fn no_numbers_of_a_chart_make_a_drawing_that_is_none() {
    let points =
        [(f64::MAX, f64::MAX), (f64::MIN, f64::MIN), (0.0, f64::NAN), (f64::INFINITY, 1.0)];
    for kind in [ChartKind::Line, ChartKind::Bars, ChartKind::Stacked] {
        let mut chart = chart_of(kind, &[&points, &points]);
        for over_time in [false, true] {
            chart.over_time = over_time;
            let html = drawn(&chart);
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }
}

#[test]
fn the_largest_chart_stays_small() {
    let points: Vec<(f64, f64)> = (0..5_000).map(|x| (f64::from(x), f64::from(x % 97))).collect();
    let html = drawn(&chart_of(ChartKind::Line, &[points.as_slice(); 20]));
    assert!(html.len() < 400_000, "{}", html.len());
}
