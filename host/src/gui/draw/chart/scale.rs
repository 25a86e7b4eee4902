//! Axes: from where to where, and at which round numbers and times they have names.

/// Names on an axis, about.
const TICKS: f64 = 5.0;

/// From where to where something is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<f64>,
}

impl Axis {
    /// From one value to another, with round numbers between them.
    pub(super) fn within(from: f64, to: f64) -> Self {
        let step = round_step((to - from) / TICKS);
        let ticks = multiples(from, to, step);
        Self { from, to, ticks }
    }

    /// From a round number to a round number around the values.
    pub(super) fn around(least: f64, most: f64) -> Self {
        let (least, most) = match most > least {
            true => (least, most),
            // All values are the same: room on both sides, down to nothing if it is near.
            false if most == 0.0 => (0.0, 1.0),
            false => (least.min(0.0), most.max(0.0)),
        };
        let step = round_step((most - least) / TICKS);
        let (from, to) = ((least / step).floor() * step, (most / step).ceil() * step);
        Self { from, to, ticks: multiples(from, to, step) }
    }

    /// Where a value is, as a share of the axis.
    pub(super) fn share(&self, value: f64) -> f64 {
        let length = self.to - self.from;
        match length > 0.0 {
            true => ((value - self.from) / length).clamp(0.0, 1.0),
            false => 0.5,
        }
    }
}

/// The next larger of 1, 2 and 5, times a power of ten.
fn round_step(wanted: f64) -> f64 {
    if !wanted.is_finite() || wanted <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power).find(|step| *step >= wanted);
    step.unwrap_or(10.0 * power)
}

/// The multiples of a step from one value to another. Never more than a few, whatever the numbers.
fn multiples(from: f64, to: f64, step: f64) -> Vec<f64> {
    let first = (from / step - 1e-9).ceil();
    let ticks = (0..=2 * TICKS as u32).map(|number| (first + f64::from(number)) * step);
    // Rounded to the step: else the sum of a few tenths has fifteen digits behind the point.
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as i32;
    let factor = 10_f64.powi(digits);
    ticks
        .take_while(|tick| *tick <= to + step * 1e-9)
        .map(|tick| if digits > 0 { (tick * factor).round() / factor } else { tick })
        .map(|tick| if tick == 0.0 { 0.0 } else { tick })
        .collect()
}

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Distances between times that have a name.
const TIME_STEPS: [f64; 18] = [
    SECOND,
    5.0 * SECOND,
    15.0 * SECOND,
    30.0 * SECOND,
    MINUTE,
    5.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    7.0 * DAY,
    14.0 * DAY,
    28.0 * DAY,
    91.0 * DAY,
];

/// The times that have a name on an axis, in milliseconds since the epoch.
pub(super) fn time_ticks(from: f64, to: f64) -> Vec<f64> {
    if to <= from {
        return vec![from];
    }
    let wanted = (to - from) / TICKS;
    let step = TIME_STEPS.into_iter().find(|step| *step >= wanted);
    let step = step.unwrap_or_else(|| round_step(wanted / (365.0 * DAY)) * 365.0 * DAY);
    multiples(from, to, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_and_ends_at_round_numbers() {
        let axis = Axis::around(0.0, 97.0);
        assert_eq!((axis.from, axis.to), (0.0, 100.0));
        assert_eq!(axis.ticks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Axis::around(-3.0, 8.0).ticks, [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(Axis::around(0.0, 0.31).ticks, [0.0, 0.1, 0.2, 0.3, 0.4]);
    }

    #[test]
    fn values_that_are_all_the_same_have_an_axis() {
        assert_eq!(Axis::around(0.0, 0.0).ticks, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(Axis::around(7.0, 7.0).from, 0.0);
        assert_eq!(Axis::within(3.0, 3.0).share(3.0), 0.5);
    }

    #[test]
    fn no_numbers_make_an_axis_that_is_none() {
        for (least, most) in [(-1e300, 1e300), (0.0, 1e-300), (1e15, 1e15 + 1.0), (0.0, 5e-324)] {
            let axis = Axis::around(least, most);
            assert!(axis.ticks.len() <= 11, "{axis:?}");
            assert!((0.0..=1.0).contains(&axis.share(most)), "{axis:?}");
        }
    }

    #[test]
    fn times_are_named_at_whole_hours_and_days() {
        let day = time_ticks(0.0, DAY);
        assert_eq!(day, [0.0, 6.0 * HOUR, 12.0 * HOUR, 18.0 * HOUR, DAY]);
        let ticks = time_ticks(1.0, 30.0 * DAY);
        assert!(ticks.iter().all(|tick| tick % DAY == 0.0) && ticks.len() <= 6, "{ticks:?}");
        assert!(time_ticks(0.0, 4e12).len() <= 11);
    }
}
