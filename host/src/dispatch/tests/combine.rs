//! How the outcomes of several handlers become one verdict, as a table.
//!
//! A handler is written `id:powers=answer`. Without an answer it answers what its power says; `watch` is no power.
//! `alter` sets the field `note` to the handler's identifier, `skip` gives it as the result, and `deny` names it.
//! `fault` is out of fuel, and `fault!` has `on-failure = "deny"`.

use super::*;

const TABLE: &[[&str; 3]] = &[
    ["no handlers", "", "proceed"],
    ["an observer", "a:watch", "proceed | a:proceed"],
    [
        "no power is used",
        "a:alter=proceed b:skip=proceed c:deny=proceed",
        "proceed | a:proceed b:proceed c:proceed",
    ],
    [
        "alter beats proceed",
        "a:alter b:alter=proceed",
        "proceed | note=\"a\" | a changed note -→\"a\" | a:alter b:proceed",
    ],
    [
        "alterations follow one another",
        "a:alter b:alter",
        "proceed | note=\"b\" | a changed note -→\"a\" | b changed note \"a\"→\"b\" | a:alter b:alter",
    ],
    [
        "skip beats alter",
        "a:alter b:skip",
        "skip | note=\"a\" | a changed note -→\"a\" | result \"b\" | a:alter b:skip",
    ],
    ["skip ends the first round", "a:skip b:skip c:alter", "skip | result \"a\" | a:skip"],
    [
        "skip does not end the second round",
        "a:skip b:alter c:deny=proceed d:watch",
        "skip | result \"a\" | a:skip c:proceed d:proceed",
    ],
    ["deny beats skip", "a:skip b:deny", "deny | b objects: b | a:skip b:deny"],
    [
        "deny beats alter",
        "a:alter b:deny",
        "deny | note=\"a\" | a changed note -→\"a\" | b objects: b | a:alter b:deny",
    ],
    ["deny ends the call", "a:deny b:deny c:watch", "deny | a objects: a | a:deny"],
    [
        "a deny of the first round counts there",
        "a:alter,deny=deny b:alter c:deny d:watch",
        "deny | a objects: a | a:deny",
    ],
    [
        "who can skip and deny denies in the first round",
        "b:deny c:skip,deny=deny",
        "deny | c objects: c | c:deny",
    ],
    [
        "who can deny and alter does not run after a skip",
        "a:skip b:alter,deny=deny",
        "skip | result \"a\" | a:skip",
    ],
    ["a fault goes on", "a:alter=fault b:deny=proceed", "proceed | a:fuel b:proceed"],
    [
        "a fault does not take a skip back",
        "a:skip b:deny=fault",
        "skip | result \"a\" | a:skip b:fuel",
    ],
    [
        "a fault that denies ends the call",
        "a:alter=fault! b:alter c:deny",
        "deny | a objects: the extension `a` failed, and this action needs its consent | a:fuel",
    ],
    [
        "a fault that denies beats a skip",
        "a:skip b:deny=fault!",
        "deny | b objects: the extension `b` failed, and this action needs its consent | a:skip b:fuel",
    ],
    [
        "a power that is not held is a fault",
        "a:alter=skip b:skip=deny c:deny=alter d:watch=deny",
        "proceed | a:bad-answer b:bad-answer c:bad-answer d:bad-answer",
    ],
    [
        "a power that is not held denies if a fault does",
        "a:alter=skip! b:deny",
        "deny | a objects: the extension `a` failed, and this action needs its consent | a:bad-answer",
    ],
];

#[tokio::test]
async fn outcomes_combine_as_the_table_says() {
    let mut played = Vec::new();
    for [fact, handlers, _] in TABLE {
        let scene = handlers.split_whitespace().fold(Scene::before(json!({})), add);
        played.push([fact.to_string(), handlers.to_string(), line(&scene.verdict().await)]);
    }
    assert_eq!(played, TABLE);
}

/// Adds a handler as it is written in the table.
fn add(scene: Scene, handler: &str) -> Scene {
    let (id, rest) = handler.split_once(':').unwrap();
    let (powers, answer) = rest.split_once('=').unwrap_or((rest, rest));
    let mut on = match powers {
        "watch" => WATCH.to_owned(),
        powers if powers.contains("alter") => {
            format!("powers = ['{}'], alter = ['*']", powers.replace(',', "', '"))
        }
        powers => format!("powers = ['{}']", powers.replace(',', "', '")),
    };
    if answer.ends_with('!') {
        on.push_str(", on-failure = 'deny'");
    }
    let answer = match answer.trim_end_matches('!') {
        "watch" | "proceed" => proceed(),
        "alter" => alter([set("note", id)]),
        "skip" => skip(Some(id.into())),
        "deny" => deny(id),
        "fault" => fail(),
        answer => panic!("no answer of a handler: `{answer}`"),
    };
    scene.handler(id, &on, answer)
}

#[tokio::test]
async fn without_handlers_the_parameters_are_those_of_the_panel() {
    let scene = Scene::before(json!({ "address": "info", "quota": 5, "password": "secret" }));
    let params = scene.call.params.clone();
    let verdict = scene.verdict().await;
    assert_eq!(line(&verdict), "proceed | address=\"info\" | quota=5 | password=secret");
    assert_eq!(verdict.params, params);
}

#[tokio::test]
async fn a_skip_need_not_have_a_result() {
    let verdict = Scene::before(json!({})).handler("a", SKIP, skip(None)).verdict().await;
    assert_eq!(line(&verdict), "skip | a:skip");
}

#[tokio::test]
async fn the_reason_of_a_skip_is_in_the_trace() {
    let verdict = Scene::before(json!({})).handler("a", SKIP, skip(None)).verdict().await;
    assert_eq!(verdict.trace[0].reason.as_deref(), Some("done elsewhere"));
}

#[tokio::test]
async fn the_reason_of_a_skip_without_the_power_is_not_in_the_trace() {
    let verdict = Scene::before(json!({})).handler("a", DENY, skip(None)).verdict().await;
    assert_eq!(verdict.trace[0].reason, None);
}

#[tokio::test]
async fn every_problem_of_a_denial_is_told() {
    let problem = |code: &str, field: Option<&str>, message: &str| Problem {
        code: code.into(),
        field: field.map(str::to_owned),
        message: message.into(),
    };
    let problems =
        vec![problem("short", Some("address"), "too short"), problem("late", None, "no")];
    let scene = Scene::before(json!({})).handler("a", DENY, Ok(Outcome::Deny(problems.clone())));
    let told: Vec<_> =
        scene.verdict().await.problems.into_iter().map(|told| told.problem).collect();
    assert_eq!(told, problems);
}
