//! What becomes of a fault, and how long handlers may take.

use super::*;

#[tokio::test]
async fn a_fault_lets_the_action_go_on_unless_told_otherwise() {
    let verdict = Scene::before(json!({})).handler("a", DENY, fail()).verdict().await;
    assert_eq!(line(&verdict), "proceed | a:fuel");
}

#[tokio::test]
async fn a_fault_denies_the_action_if_told_so() {
    let scene = Scene::before(json!({}));
    let verdict = scene.handler("a", "on-failure = 'deny'", fail()).verdict().await;
    assert_eq!(
        line(&verdict),
        "deny | a objects: the extension `a` failed, and this action needs its consent | a:fuel"
    );
}

#[tokio::test]
async fn the_problem_of_a_fault_has_a_code_of_its_own() {
    let scene = Scene::before(json!({}));
    let verdict = scene.handler("a", "on-failure = 'deny'", fail()).verdict().await;
    assert_eq!(verdict.problems[0].problem.code, "extension.failed");
    assert_eq!(verdict.problems[0].problem.field, None);
}

#[tokio::test]
async fn the_problem_of_a_fault_does_not_tell_the_panel_what_happened_inside() {
    let fault = Fault::Failure { kind: "failed", message: "canary".into() };
    let scene = Scene::before(json!({}));
    let verdict = scene.handler("a", "on-failure = 'deny'", Err(fault)).verdict().await;
    assert!(!verdict.problems[0].problem.message.contains("canary"));
}

#[tokio::test]
async fn every_fault_is_in_the_trace_as_it_is() {
    let faults = every_fault();
    let add = |scene: Scene, (number, fault): (usize, &Fault)| {
        scene.handler(&format!("f{number:02}"), WATCH, Err(fault.clone()))
    };
    let scene = faults.iter().enumerate().fold(Scene::before(json!({})), add);
    let trace = scene.verdict().await.trace;
    let traced: Vec<Fault> = trace.into_iter().filter_map(|trace| trace.outcome.err()).collect();
    assert_eq!(traced, faults);
}

fn every_fault() -> Vec<Fault> {
    let (limit, asked, time) = (1, 2, Duration::from_millis(3));
    vec![
        Fault::Fuel { limit },
        Fault::Deadline { limit: time },
        Fault::ChainDeadline { limit: time },
        Fault::Memory { asked, limit },
        Fault::Table { asked, limit },
        Fault::Stack { limit },
        Fault::HostCallBytes { limit },
        Fault::HostCalls { limit },
        Fault::Handles { limit },
        Fault::Trap { message: "unreachable".into(), backtrace: vec!["handle".into()] },
        Fault::Exit { status: 1 },
        Fault::Failure { kind: "unavailable", message: "later".into() },
        Fault::BadAnswer { reason: "nonsense".into() },
        Fault::Busy { limit },
        Fault::NotReady { reason: "not compiled".into() },
    ]
}

#[tokio::test]
async fn a_handler_has_its_own_deadline_if_that_is_nearer() {
    let scene = Scene::before(json!({})).chain(Duration::from_secs(60));
    let played = scene.handler("a", "deadline-ms = 20", proceed()).play().await;
    let expected = Fault::Deadline { limit: Duration::from_millis(20) };
    assert_eq!(played.call_of("a").deadline.fault, expected);
}

#[tokio::test]
async fn a_handler_has_the_deadline_of_the_chain_if_that_is_nearer() {
    let chain = Duration::from_secs(5);
    let scene = Scene::before(json!({})).chain(chain);
    let played = scene.handler("a", "deadline-ms = 60_000", proceed()).play().await;
    let Deadline { at, fault } = &played.call_of("a").deadline;
    assert_eq!(*fault, Fault::ChainDeadline { limit: chain });
    assert!(*at <= Instant::now() + chain);
}

#[tokio::test]
async fn all_handlers_share_the_deadline_of_the_chain() {
    let scene = Scene::before(json!({})).chain(Duration::from_secs(5));
    let played = scene
        .handler("a", "deadline-ms = 60_000", proceed())
        .handler("b", "deadline-ms = 50_000", proceed())
        .play()
        .await;
    assert_eq!(played.call_of("a").deadline.at, played.call_of("b").deadline.at);
}

#[tokio::test]
async fn the_deadline_of_a_handler_counts_from_its_own_call() {
    let played = Scene::before(json!({}))
        .answering("a", "deadline-ms = 20", |_, deadline| use_up(deadline))
        .handler("b", "deadline-ms = 20", proceed())
        .play()
        .await;
    let apart = played.call_of("b").deadline.at - played.call_of("a").deadline.at;
    assert!(apart >= Duration::from_millis(20), "{apart:?}");
}

#[tokio::test]
async fn who_comes_after_the_end_of_the_chain_is_not_called() {
    let played = Scene::before(json!({}))
        .chain(Duration::from_millis(100))
        .answering("a", "deadline-ms = 60_000", |_, deadline| use_up(deadline))
        .handler("b", DENY, deny("no"))
        .handler("c", WATCH, proceed())
        .play()
        .await;
    assert_eq!(played.called(), ["a"]);
    assert_eq!(line(&played.verdict), "proceed | a:proceed b:chain-deadline c:chain-deadline");
}

#[tokio::test]
async fn who_is_not_called_for_lack_of_time_used_nothing() {
    let chain = Duration::ZERO;
    let scene = Scene::before(json!({})).chain(chain).handler("a", WATCH, proceed());
    let verdict = scene.verdict().await;
    let trace = &verdict.trace[0];
    assert_eq!(trace.outcome, Err(Fault::ChainDeadline { limit: chain }));
    assert_eq!((trace.fuel, trace.memory, trace.log.len()), (0, 0, 0));
}

#[tokio::test]
async fn a_needed_handler_that_is_not_called_for_lack_of_time_denies() {
    let scene = Scene::before(json!({})).chain(Duration::ZERO);
    let played = scene.handler("a", "on-failure = 'deny'", proceed()).play().await;
    assert!(played.called().is_empty());
    assert_eq!(
        line(&played.verdict),
        "deny | a objects: the extension `a` failed, and this action needs its consent \
         | a:chain-deadline"
    );
}

/// Answers when the time that the handler has is over.
fn use_up(deadline: &Deadline) -> Result<Outcome, Fault> {
    while Instant::now() < deadline.at {
        std::hint::spin_loop();
    }
    proceed()
}

/// Runs the handler `first` to its end, and any other until nobody waits for it. Remembers what it is told.
struct Endless(Cast, Mutex<Vec<String>>);

impl Run for Endless {
    type Pass = ();

    async fn admit(&self, _: &Arc<Handler>, _: Rehearsal, _: &Deadline) -> Result<(), Fault> {
        Ok(())
    }

    async fn run(
        &self,
        handler: &Arc<Handler>,
        event: Event,
        deadline: Deadline,
        left: &Left,
    ) -> Ran {
        if &*handler.extension.id != "first" {
            left.set(Ran { fuel: 7, ..Ran::not_begun(Fault::Abandoned) }).unwrap();
            std::future::pending::<()>().await;
        }
        self.0.run(handler, event, deadline, left).await
    }

    fn ended(&self, handler: &Handler, _: (), outcome: &Result<&'static str, Fault>) {
        let word = outcome.as_ref().copied().unwrap_or_else(|fault| fault.code());
        self.1.lock().unwrap().push(format!("{}:{word}", handler.extension.id));
    }
}

#[test]
fn what_was_decided_is_told_when_nobody_waits_for_the_rest() {
    let scene = Scene::before(json!({ "quota": 1 }))
        .handler("first", ALTER, alter([set("quota", 2)]))
        .handler("second", "powers = ['deny'], on-failure = 'deny'", proceed())
        .handler("third", WATCH, proceed());
    let Scene { call, extensions, answers, chain } = scene;
    let snapshot = Snapshot::new(extensions, &Policy::default());
    let runner = Endless(Cast { answers, calls: Mutex::default() }, Mutex::default());
    let handlers = snapshot.handlers(call.phase(), &call.action);
    let told = Mutex::new(Vec::new());
    let mut deciding = Box::pin(dispatch(&runner, handlers, Arc::new(call), chain, |verdict| {
        told.lock().unwrap().push(verdict);
    }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(deciding.as_mut().poll(&mut context).is_pending());
    drop(deciding);
    let told = told.into_inner().unwrap();
    let [verdict] = &*told else { panic!("{told:?}") };
    // The second has the last word as if it had failed: its `on-failure` denies.
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(verdict.alterations.len(), 1);
    let trace: Vec<_> =
        verdict.trace.iter().map(|trace| (&*trace.extension, &trace.outcome, trace.fuel)).collect();
    assert_eq!(trace, [("first", &Ok("alter"), 11), ("second", &Err(Fault::Abandoned), 7)]);
    assert_eq!(runner.1.into_inner().unwrap(), ["first:alter", "second:abandoned"]);
}
