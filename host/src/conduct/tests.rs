//! How conduct is watched, with the moment handed in: nothing here waits for time to pass.

use super::*;
use crate::extension::{Extension, Settings, State};
use crate::package::Manifest;
use crate::registry::{Policy, Snapshot};
use crate::storage::Digest;

type Outcome = Result<&'static str, Fault>;

const SECOND: Duration = Duration::from_secs(1);

/// A conduct, one handler, and a clock that goes when it is told.
struct Scene {
    conduct: Conduct,
    handler: Arc<Handler>,
    now: Instant,
}

impl Scene {
    fn new(config: ConductConfig) -> Self {
        Self::with(config, ConductOverrides::default())
    }

    fn with(config: ConductConfig, set: ConductOverrides) -> Self {
        let conduct = Conduct::new(config, BTreeMap::from([("a".to_owned(), set)]));
        Self { conduct, handler: handler("a"), now: Instant::now() }
    }

    fn pass(&mut self) -> Result<Pass, Fault> {
        self.pass_in(Rehearsal::No)
    }

    fn pass_in(&mut self, rehearsal: Rehearsal) -> Result<Pass, Fault> {
        let record = self.conduct.record(&self.handler.extension.id);
        let slot = record.slots.clone().try_acquire_owned().unwrap();
        self.conduct.pass(record, slot, &self.handler, rehearsal, self.now)
    }

    fn end(&mut self, pass: Pass, outcome: &Outcome) {
        self.conduct.ended(&self.handler, pass, outcome, self.now);
    }

    /// Calls the handler if it is let in; each call takes a millisecond.
    fn call(&mut self, outcome: Outcome) -> Result<(), Fault> {
        let pass = self.pass()?;
        self.now += Duration::from_millis(1);
        self.end(pass, &outcome);
        Ok(())
    }

    fn calls(&mut self, times: u32, outcome: Outcome) {
        (0..times).for_each(|_| self.call(outcome.clone()).unwrap());
    }

    /// The code of the fault with which the handler is kept from running, if it is.
    fn kept_out(&mut self) -> Option<&'static str> {
        self.pass().err().map(|fault| fault.code())
    }

    fn report(&self) -> Report {
        self.conduct.report("a", self.now)
    }
}

fn handler(id: &str) -> Arc<Handler> {
    let text = format!(
        "manifest = 1\non = [{{ hook = 'before:mailbox.create' }}]\n\
         [extension]\nid = '{id}'\nname = 'Test'\nversion = '1.2.3'\ncontract = '1.0'\n"
    );
    let manifest = Manifest::parse(&text).unwrap();
    let extension = Extension {
        id: manifest.id.clone(),
        version: manifest.version.to_string().into(),
        digest: Digest::of(b""),
        granted: Default::default(),
        waiting: None,
        manifest: Arc::new(manifest),
        settings: Settings::new(),
        state: State::Enabled,
        installation: 1,
        installed_ms: 0,
    };
    let snapshot = Snapshot::new(vec![Arc::new(extension)], &Policy::default());
    snapshot.handlers(crate::hook::Phase::Before, "mailbox.create")[0].clone()
}

fn fuel() -> Outcome {
    Err(Fault::Fuel { limit: 7 })
}

fn busy() -> Outcome {
    Err(Fault::Busy { limit: 7 })
}

#[test]
fn five_faults_within_the_window_open_the_breaker() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(4, fuel());
    assert_eq!(scene.kept_out(), None);
    scene.calls(1, fuel());
    let reason = "it failed 5 times within 10000 ms, the last time with `fuel`".to_owned();
    assert_eq!(scene.pass().err(), Some(Fault::Bypassed { reason }));
}

#[test]
fn faults_that_lie_further_apart_than_the_window_do_not() {
    let mut scene = Scene::new(ConductConfig::default());
    for _ in 0..20 {
        scene.calls(1, fuel());
        scene.now += 3 * SECOND;
    }
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn outcomes_between_faults_do_not_hide_them() {
    let mut scene = Scene::new(ConductConfig::default());
    for _ in 0..5 {
        scene.calls(1, fuel());
        scene.call(Ok("proceed")).ok();
    }
    assert_eq!(scene.kept_out(), Some("bypassed"));
}

#[test]
fn faults_that_are_not_its_own_do_not_count() {
    let (limit, reason) = (1, String::new());
    for fault in [
        Fault::Busy { limit },
        Fault::ChainDeadline { limit: SECOND },
        Fault::Concurrency { limit },
        Fault::Overloaded { limit },
        Fault::Condition { reason: reason.clone() },
        Fault::Bypassed { reason },
    ] {
        let mut scene = Scene::new(ConductConfig::default());
        scene.calls(20, Err(fault.clone()));
        assert_eq!(scene.kept_out(), None, "{fault}");
    }
}

#[test]
fn after_the_back_off_one_call_is_let_in() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.now += 5 * SECOND;
    let probe = scene.pass();
    assert!(probe.is_ok());
    assert_eq!(scene.kept_out(), Some("bypassed"));
}

#[test]
fn a_probe_that_works_closes_the_breaker() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.now += 5 * SECOND;
    scene.calls(1, Ok("proceed"));
    scene.calls(4, fuel());
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn a_probe_that_fails_doubles_the_back_off_up_to_its_bound() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    let mut waited = Vec::new();
    for _ in 0..8 {
        let remaining = scene.report().bypassed[0].remaining;
        waited.push(remaining.as_secs());
        scene.now += remaining;
        scene.calls(1, fuel());
    }
    assert_eq!(waited, [5, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn a_probe_that_tells_nothing_is_followed_by_another() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.now += 5 * SECOND;
    scene.calls(2, busy());
    scene.calls(1, Ok("proceed"));
    assert_eq!(scene.report().bypassed, []);
}

#[test]
fn a_probe_that_is_given_up_is_followed_by_another() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.now += 5 * SECOND;
    drop(scene.pass().unwrap());
    assert!(scene.pass().is_ok());
}

#[test]
fn the_end_of_a_call_that_began_before_does_not_close_the_breaker() {
    let mut scene = Scene::new(ConductConfig::default());
    let early = scene.pass().unwrap();
    scene.calls(5, fuel());
    scene.end(early, &Ok("proceed"));
    assert_eq!(scene.kept_out(), Some("bypassed"));
}

#[test]
fn the_end_of_a_call_that_began_before_does_not_count_for_the_probe() {
    let mut scene = Scene::new(ConductConfig::default());
    let early = scene.pass().unwrap();
    scene.calls(5, fuel());
    scene.now += 5 * SECOND;
    let probe = scene.pass().unwrap();
    scene.end(early, &Ok("proceed"));
    assert_eq!(scene.kept_out(), Some("bypassed"));
    scene.end(probe, &Ok("proceed"));
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn a_rehearsal_does_not_count() {
    let mut scene = Scene::new(ConductConfig::default());
    for _ in 0..20 {
        let pass = scene.pass_in(Rehearsal::DryRun).unwrap();
        scene.end(pass, &fuel());
    }
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn a_rehearsal_is_no_probe() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.now += 5 * SECOND;
    assert!(scene.pass_in(Rehearsal::DryRun).is_err());
    assert!(scene.pass().is_ok());
}

#[test]
fn what_is_forgiven_is_called_again() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.conduct.forgive("a");
    scene.calls(4, fuel());
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn the_end_of_a_call_that_began_before_it_was_forgiven_does_not_count() {
    let mut scene = Scene::new(ConductConfig::default());
    let early: Vec<Pass> = (0..5).map(|_| scene.pass().unwrap()).collect();
    scene.conduct.forgive("a");
    early.into_iter().for_each(|pass| scene.end(pass, &fuel()));
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn what_is_forgotten_has_no_record() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(5, fuel());
    scene.conduct.forget("a");
    assert!(locked(&scene.conduct.records).is_empty());
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn a_handler_keeps_no_more_than_the_faults_that_open_its_breaker() {
    let mut scene = Scene::new(ConductConfig::default());
    for _ in 0..1_000 {
        scene.now += 20 * SECOND;
        scene.calls(1, fuel());
    }
    let record = scene.conduct.record(&scene.handler.extension.id);
    let behaviour = locked(&record.behaviour);
    assert_eq!(behaviour.breakers.values().map(|b| b.remembered()).sum::<usize>(), 5);
}

#[test]
fn one_that_denies_more_than_its_share_raises_an_alarm_once_in_a_window() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(49, Ok("proceed"));
    scene.calls(50, Ok("deny"));
    assert!(!scene.report().veto_alarm);
    scene.calls(50, Ok("deny"));
    assert_eq!((scene.report().veto_alarm, scene.report().veto_alarms), (true, 1));
}

#[test]
fn half_of_the_calls_is_not_more_than_half() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(100, Ok("proceed"));
    scene.calls(100, Ok("deny"));
    assert!(!scene.report().veto_alarm);
}

#[test]
fn the_alarm_ends_with_its_window_and_the_next_counts_anew() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(100, Ok("deny"));
    scene.now += 60 * SECOND;
    assert!(!scene.report().veto_alarm);
    scene.calls(99, Ok("deny"));
    assert!(!scene.report().veto_alarm);
    scene.calls(1, Ok("deny"));
    assert_eq!(scene.report().veto_alarms, 2);
}

#[test]
fn an_alarm_alone_bypasses_nobody() {
    let mut scene = Scene::new(ConductConfig::default());
    scene.calls(200, Ok("deny"));
    assert_eq!(scene.kept_out(), None);
}

#[test]
fn with_the_action_bypass_it_is_bypassed_until_the_window_is_over() {
    let set = ConductOverrides { veto_action: Some(VetoAction::Bypass), concurrent: None };
    let mut scene = Scene::with(ConductConfig::default(), set);
    scene.calls(100, Ok("deny"));
    let reason = "denied 100 of 100 calls".to_owned();
    assert_eq!(scene.pass().err(), Some(Fault::Bypassed { reason }));
    scene.now += 60 * SECOND;
    assert_eq!(scene.kept_out(), None);
}

#[tokio::test]
async fn beyond_its_ceiling_a_call_waits_for_its_deadline() {
    let config = ConductConfig { concurrent: 1, ..ConductConfig::default() };
    let mut scene = Scene::new(config);
    let _first = scene.pass().unwrap();
    let deadline = Deadline { at: scene.now, fault: Fault::Deadline { limit: SECOND } };
    let second = scene.conduct.admit(&scene.handler, Rehearsal::No, &deadline).await;
    assert_eq!(second.err(), Some(Fault::Concurrency { limit: 1 }));
}

#[tokio::test]
async fn a_call_that_waits_gets_the_place_of_one_that_ends() {
    let config = ConductConfig { concurrent: 1, ..ConductConfig::default() };
    let mut scene = Scene::new(config);
    let first = scene.pass().unwrap();
    let deadline =
        Deadline { at: scene.now + 60 * SECOND, fault: Fault::Deadline { limit: 60 * SECOND } };
    let waiting = scene.conduct.admit(&scene.handler, Rehearsal::No, &deadline);
    let (second, ()) = tokio::join!(waiting, async { drop(first) });
    assert!(second.is_ok());
}

#[tokio::test]
async fn one_that_is_bypassed_does_not_wait_for_its_turn() {
    let config = ConductConfig { concurrent: 2, ..ConductConfig::default() };
    let mut scene = Scene::new(config);
    let _long: Pass = scene.pass().unwrap();
    scene.calls(5, fuel());
    let record = scene.conduct.record(&scene.handler.extension.id);
    let _other = record.slots.clone().try_acquire_owned().unwrap();
    let deadline = Deadline {
        at: scene.now + 3_600 * SECOND,
        fault: Fault::Deadline { limit: 3_600 * SECOND },
    };
    let called = scene.conduct.admit(&scene.handler, Rehearsal::No, &deadline).await;
    assert_eq!(called.err().map(|fault| fault.code()), Some("bypassed"));
}

#[test]
fn the_operator_gives_one_extension_a_ceiling_of_its_own() {
    let set = ConductOverrides { concurrent: Some(3), veto_action: None };
    let mut scene = Scene::with(ConductConfig::default(), set);
    let passes: Vec<Pass> = (0..3).map(|_| scene.pass().unwrap()).collect();
    let record = scene.conduct.record(&scene.handler.extension.id);
    assert_eq!((scene.report().running, record.slots.available_permits()), (3, 0));
    drop(passes);
    assert_eq!(scene.report().running, 0);
}

#[test]
fn there_is_room_again_when_a_hook_call_is_decided() {
    let config = ConductConfig { in_flight: 1, ..ConductConfig::default() };
    let scene = Scene::new(config);
    let first = scene.conduct.begin(scene.now);
    assert_eq!(first.room, Room::Enough);
    assert_eq!(scene.conduct.begin(scene.now).room, Room::None);
    drop(first);
    assert_eq!(scene.conduct.begin(scene.now).room, Room::Enough);
    assert_eq!(scene.conduct.overloaded(), 1);
}

#[test]
fn numbers_that_make_no_sense_are_refused_by_name() {
    let mut config = ConductConfig::default();
    assert_eq!(config.check(), Ok(()));
    config.breaker.backoff_max_ms = 1;
    assert_eq!(
        config.check(),
        Err("`conduct.breaker.backoff-max-ms` must be 5000 to 86400000: 1".into())
    );
}
