//! What the figures say of calls that were added.

use super::*;
use crate::hook::Params;

/// A time at which a minute and an hour begin.
const NOW: u64 = 1_764_288_000_000;

fn call(time_ms: u64) -> HookCall {
    HookCall {
        id: "1".into(),
        action: "mailbox.create".into(),
        actor: None,
        object: None,
        params: Arc::default(),
        old: Params::new(),
        attributes: indexmap::IndexMap::new(),
        rehearsal: Rehearsal::No,
        depth: 0,
        caused_by: Vec::new(),
        time_ms,
        ended: None,
    }
}

fn verdict(decision: Decision, trace: Vec<HandlerTrace>) -> Verdict {
    Verdict {
        decision,
        params: Arc::default(),
        alterations: Vec::new(),
        result: None,
        problems: Vec::new(),
        trace,
    }
}

fn trace(extension: &str, outcome: Result<&'static str, Fault>) -> HandlerTrace {
    HandlerTrace {
        extension: extension.into(),
        version: "1.0.0".into(),
        outcome,
        reason: None,
        fuel: 100,
        memory: 0,
        duration: Duration::from_micros(10),
        log: Vec::new(),
        uses: Vec::new(),
    }
}

fn add(history: &History, time_ms: u64, verdict: &Verdict) {
    history.add(&call(time_ms), verdict, Duration::from_micros(1_000));
}

fn proceeds() -> Verdict {
    verdict(Decision::Proceed, vec![trace("quota-guard", Ok("proceed"))])
}

fn failure() -> Fault {
    Fault::Failure { kind: "failed", message: "no".into() }
}

#[test]
fn calls_are_counted_by_their_verdict() {
    let history = History::default();
    add(&history, NOW, &proceeds());
    add(&history, NOW, &verdict(Decision::Deny, vec![trace("a", Ok("deny"))]));
    add(&history, NOW, &verdict(Decision::Skip, Vec::new()));
    let figures = history.last(NOW, 1);
    assert_eq!((figures.proceeded, figures.skipped, figures.denied), (1, 1, 1));
    assert_eq!((figures.calls(), figures.fuel, figures.faults), (3, 200, 0));
}

#[test]
fn a_rehearsal_counts_for_nothing() {
    let history = History::default();
    let rehearsal = HookCall { rehearsal: Rehearsal::DryRun, ..call(NOW) };
    history.add(&rehearsal, &proceeds(), Duration::ZERO);
    assert_eq!(history.last(NOW, 60).calls(), 0);
    assert!(history.usage(NOW).is_empty());
}

#[test]
fn parts_of_time_have_the_calls_of_their_minutes() {
    let history = History::default();
    add(&history, NOW - 20 * MINUTE_MS, &proceeds());
    add(&history, NOW - 6 * MINUTE_MS, &proceeds());
    add(&history, NOW, &proceeds());
    add(&history, NOW + 59_999, &proceeds());
    let parts = history.parts(NOW, 3, 5);
    let calls: Vec<u64> = parts.iter().map(|part| part.figures.calls()).collect();
    assert_eq!(calls, [1, 0, 2]);
    assert_eq!(parts[2].begin_ms, NOW);
}

#[test]
fn what_is_older_than_a_day_is_forgotten() {
    let history = History::default();
    add(&history, NOW, &proceeds());
    add(&history, NOW + MINUTES * MINUTE_MS, &proceeds());
    assert_eq!(history.last(NOW, MINUTES * 2).calls(), 1);
    assert_eq!(history.lock().minutes.len(), 1);
}

#[test]
fn a_call_that_took_long_counts_for_the_minute_in_which_it_began() {
    let history = History::default();
    add(&history, NOW + MINUTE_MS, &proceeds());
    add(&history, NOW, &proceeds());
    let calls: Vec<u64> =
        history.parts(NOW + MINUTE_MS, 2, 1).iter().map(|part| part.figures.calls()).collect();
    assert_eq!(calls, [1, 1]);
}

#[test]
fn a_call_from_before_the_day_does_not_bring_a_minute_back() {
    let history = History::default();
    add(&history, NOW, &proceeds());
    add(&history, NOW - 2 * MINUTES * MINUTE_MS, &proceeds());
    let minutes: Vec<u64> = history.lock().minutes.iter().map(|minute| minute.number).collect();
    assert_eq!(minutes, [NOW / MINUTE_MS + 1 - MINUTES, NOW / MINUTE_MS]);
}

#[test]
fn a_quantile_is_right_within_a_tenth() {
    let history = History::default();
    for us in 1..=1_000 {
        history.add(&call(NOW), &proceeds(), Duration::from_micros(us));
    }
    let figures = history.last(NOW, 1);
    let near = |share, exact: f64| {
        let found = figures.quantile_us(share).unwrap();
        assert!((found - exact).abs() <= exact * 0.125, "{found} instead of {exact}");
    };
    near(0.5, 500.0);
    near(0.99, 990.0);
}

#[test]
fn there_is_no_quantile_of_nothing() {
    assert_eq!(Figures::default().quantile_us(0.5), None);
}

#[test]
fn the_longest_time_falls_into_the_last_step() {
    assert_eq!(step(u64::MAX), STEPS - 1);
    assert_eq!((step(0), step(1), step(2), step(3), step(4)), (0, 0, 4, 6, 8));
}

#[test]
fn an_extension_has_its_calls_and_faults() {
    let history = History::default();
    add(&history, NOW, &proceeds());
    let failed = verdict(Decision::Proceed, vec![trace("quota-guard", Err(failure()))]);
    add(&history, NOW + 5, &failed);
    let usage = history.usage_of("quota-guard", NOW);
    assert_eq!(usage, Usage { calls: 2, faults: 1, last_ms: NOW + 5 });
    assert_eq!(history.usage(NOW).len(), 1);
}

#[test]
fn the_usage_of_an_extension_is_that_of_a_day() {
    let history = History::default();
    add(&history, NOW, &proceeds());
    let tomorrow = NOW + 24 * HOUR_MS;
    assert_eq!(history.usage_of("quota-guard", tomorrow).calls, 0);
    add(&history, tomorrow, &proceeds());
    assert_eq!(history.usage_of("quota-guard", tomorrow).calls, 1);
}

#[test]
fn the_last_faults_are_kept_newest_first() {
    let history = History::default();
    for number in 0..MAX_FAULTS as u64 + 2 {
        add(&history, NOW + number, &verdict(Decision::Proceed, vec![trace("a", Err(failure()))]));
    }
    let faults = history.faults();
    assert_eq!(faults.len(), MAX_FAULTS);
    assert_eq!(faults[0].time_ms, NOW + MAX_FAULTS as u64 + 1);
    assert_eq!((faults[0].code, &*faults[0].extension), ("failure", "a"));
}

#[test]
fn what_was_not_called_at_all_did_not_fail() {
    let history = History::default();
    let bypassed = Fault::Bypassed { reason: "it failed".into() };
    add(&history, NOW, &verdict(Decision::Proceed, vec![trace("a", Err(bypassed))]));
    assert!(history.faults().is_empty());
    assert_eq!(history.last(NOW, 1).faults, 0);
}

#[test]
fn a_removed_extension_is_forgotten() {
    let history = History::default();
    add(&history, NOW, &proceeds());
    history.forget("quota-guard");
    assert!(history.usage(NOW).is_empty());
}
