//! What keeps a handler from being called: conditions, what it did before, load, and what it caused itself.

use super::*;
use crate::conduct::{Conduct, ConductConfig, Watched};
use crate::hook::{Actor, ActorKind, Cause};

impl Scene {
    /// Plays the scene under a conduct, which remembers it for the next.
    async fn play_under(self, conduct: &Conduct) -> Played {
        let Scene { call, extensions, answers, chain } = self;
        let snapshot = Snapshot::new(extensions, &Policy::default());
        let cast = Cast { answers, calls: Mutex::default() };
        let watched = Watched::new(conduct, &cast);
        let handlers = snapshot.handlers(call.phase(), &call.action);
        let verdict = dispatch(&watched, handlers, Arc::new(call.clone()), chain, drop).await;
        drop(watched);
        Played { verdict, calls: cast.calls.into_inner().unwrap() }
    }
}

fn conduct(config: ConductConfig) -> Conduct {
    Conduct::new(config, BTreeMap::new())
}

/// The verdicts of the same call, one after another, under one conduct.
async fn lines(times: usize, scene: impl Fn() -> Scene) -> Vec<String> {
    let conduct = conduct(ConductConfig::default());
    let mut lines = Vec::new();
    for _ in 0..times {
        lines.push(line(&scene().play_under(&conduct).await.verdict));
    }
    lines
}

#[tokio::test]
async fn a_handler_whose_condition_does_not_hold_is_not_called_and_not_in_the_trace() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", "powers = ['deny'], when = 'params.quota > 5'", deny("no"))
        .handler("b", WATCH, proceed())
        .play()
        .await;
    assert_eq!(played.called(), ["b"]);
    assert_eq!(line(&played.verdict), "proceed | quota=1 | b:proceed");
}

#[tokio::test]
async fn a_handler_whose_condition_holds_is_called() {
    let played = Scene::before(json!({ "quota": 9 }))
        .handler("a", "when = 'params.quota > 5'", proceed())
        .play()
        .await;
    assert_eq!(played.called(), ["a"]);
}

#[tokio::test]
async fn a_condition_sees_what_the_handlers_before_left() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", ALTER, alter([set("quota", 9)]))
        .handler("b", "when = 'params.quota == 9'", proceed())
        .play()
        .await;
    assert_eq!(played.called(), ["a", "b"]);
}

#[tokio::test]
async fn a_condition_sees_only_what_the_handler_may_read() {
    let on = "read = ['name'], when = 'has(params.quota)'";
    let played = Scene::before(json!({ "quota": 1 })).handler("a", on, proceed()).play().await;
    assert!(played.called().is_empty());
}

#[tokio::test]
async fn a_condition_sees_no_secret() {
    let on = "secrets = ['password'], when = 'has(params.password)'";
    let params = json!({ "password": { "$secret": "canary" } });
    let played = Scene::before(params).handler("a", on, proceed()).play().await;
    assert!(played.called().is_empty());
}

#[tokio::test]
async fn a_condition_that_fails_is_a_fault() {
    let on = "when = 'params.quota > 5'";
    let played = Scene::before(json!({})).handler("a", on, proceed()).play().await;
    assert!(played.called().is_empty());
    assert_eq!(line(&played.verdict), "proceed | a:condition");
}

#[tokio::test]
async fn a_condition_that_fails_denies_where_the_handler_is_needed() {
    let on = "on-failure = 'deny', when = 'params.quota > 5'";
    let verdict = Scene::before(json!({})).handler("a", on, proceed()).verdict().await;
    assert_eq!(verdict.decision, Decision::Deny);
}

#[tokio::test]
async fn a_handler_that_failed_too_often_is_bypassed() {
    let lines = lines(6, || Scene::before(json!({})).handler("a", WATCH, fail())).await;
    assert_eq!(lines[4], "proceed | a:fuel");
    assert_eq!(lines[5], "proceed | a:bypassed");
}

#[tokio::test]
async fn a_needed_handler_that_is_bypassed_denies() {
    let scene = || Scene::before(json!({})).handler("a", "on-failure = 'deny'", fail());
    let lines = lines(6, scene).await;
    assert_eq!(
        lines[5],
        "deny | a objects: the extension `a` failed, and this action needs its consent | a:bypassed"
    );
}

#[tokio::test]
async fn answers_that_break_a_rule_count_as_faults() {
    let lines = lines(6, || Scene::before(json!({})).handler("a", WATCH, deny("no"))).await;
    assert_eq!(lines[5], "proceed | a:bypassed");
}

#[tokio::test]
async fn one_handler_that_is_bypassed_leaves_the_others_alone() {
    let scene =
        || Scene::before(json!({})).handler("a", WATCH, fail()).handler("b", WATCH, proceed());
    assert_eq!(lines(6, scene).await[5], "proceed | a:bypassed b:proceed");
}

#[tokio::test]
async fn without_room_no_handler_is_called_and_each_has_its_fault() {
    let conduct = conduct(ConductConfig { in_flight: 1, ..ConductConfig::default() });
    let _other = conduct.begin(Instant::now());
    let played = Scene::before(json!({}))
        .handler("a", WATCH, proceed())
        .handler("b", WATCH, proceed())
        .play_under(&conduct)
        .await;
    assert!(played.called().is_empty());
    assert_eq!(line(&played.verdict), "proceed | a:overloaded b:overloaded");
}

#[tokio::test]
async fn without_room_a_needed_handler_denies() {
    let conduct = conduct(ConductConfig { in_flight: 1, ..ConductConfig::default() });
    let _other = conduct.begin(Instant::now());
    let scene = Scene::before(json!({})).handler("a", "on-failure = 'deny'", proceed());
    let verdict = scene.play_under(&conduct).await.verdict;
    assert_eq!(verdict.decision, Decision::Deny);
}

/// `mailbox.create`, caused by an action in which `a` did something.
fn caused_by_a() -> Scene {
    let mut scene = Scene::before(json!({}));
    scene.call.caused_by = vec![Cause { extension: "a".into(), action_id: "0".into() }];
    scene
}

#[tokio::test]
async fn an_extension_does_not_run_on_what_it_caused() {
    let scene = caused_by_a().handler("a", WATCH, proceed()).handler("b", WATCH, proceed());
    assert_eq!(scene.play().await.called(), ["b"]);
}

#[tokio::test]
async fn an_extension_does_not_run_on_what_it_does_itself() {
    let mut scene = Scene::before(json!({})).handler("a", WATCH, proceed());
    let kind = ActorKind::Extension;
    scene.call.actor = Some(Actor { kind, role: None, id: "a".into(), name: None });
    assert!(scene.play().await.called().is_empty());
}

#[tokio::test]
async fn an_extension_that_asks_for_its_own_actions_runs_on_them() {
    let scene = caused_by_a().handler("a", "own-actions = 'run'", proceed());
    assert_eq!(scene.play().await.called(), ["a"]);
}
