//! Tests of the dialect, among them the conformance vectors V3 to V6.

use super::super::tests;
use super::*;
use crate::bridge::{Dialect, PanelCall};
use crate::hook::Change;

const BEFORE: [&str; 2] = ["before", "cgi"];
const AFTER: [&str; 2] = ["after", "xml"];
const DONE: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc lang=\"en\" func=\"user.edit\"><ok/></doc>\n";

fn call(arguments: &[&str], env: &[(&str, &str)], stdin: &str) -> PanelCall {
    tests::call(Dialect::Coremanager, arguments, env, stdin)
}

fn before(env: &[(&str, &str)]) -> PanelCall {
    call(&BEFORE, env, "")
}

fn translated(call: &PanelCall) -> Vec<Translated> {
    tests::hooks(call).unwrap()
}

fn one(call: &PanelCall) -> Translated {
    let mut all = translated(call);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn printed(call: &PanelCall, answers: &[Answer]) -> String {
    let printed = crate::bridge::answer(call, answers);
    assert_eq!((printed.status, printed.note.as_str()), (0, ""));
    printed.stdout.text().into_owned()
}

fn json(params: &Params) -> String {
    serde_json::to_string(params).unwrap()
}

fn deny(field: Option<&str>, message: &str) -> Answer {
    let problem =
        Problem { code: "denied".into(), field: field.map(Into::into), message: message.into() };
    Answer { decision: Decision::Deny, problems: vec![problem], ..Answer::PROCEED }
}

fn skip() -> Answer {
    Answer { decision: Decision::Skip, ..Answer::PROCEED }
}

fn show(name: &str, value: Value) -> Answer {
    Answer { changes: vec![Change { name: name.into(), value: Some(value) }], ..Answer::PROCEED }
}

fn v3() -> PanelCall {
    before(&[
        ("PARAM_func", "user.edit"),
        ("PARAM_sok", "ok"),
        ("PARAM_elid", ""),
        ("PARAM_name", "admin"),
        ("AUTH_USER", "root"),
        ("AUTH_LEVEL", "30"),
        ("REQUEST_METHOD", "GET"),
        ("QUERY_STRING", "func=user.edit&sok=ok&name=admin"),
    ])
}

#[test]
fn v3_a_form_without_an_object_creates_one() {
    let create = one(&v3());
    assert_eq!(
        (create.phase, create.action.as_str(), create.native.as_str()),
        (Phase::Before, "customer.create", "user.edit")
    );
    assert_eq!(json(&create.params), r#"{"login":"admin"}"#);
    let actor = Actor {
        kind: ActorKind::Person,
        role: Some(Role::Superuser),
        id: "root".into(),
        name: None,
    };
    assert_eq!((create.actor, create.object), (Some(actor), None));
}

#[test]
fn what_adds_creates_whatever_object_it_is_given() {
    let env = [("PARAM_func", "user.add"), ("PARAM_sok", "ok"), ("PARAM_elid", "u1")];
    assert_eq!(one(&before(&env)).action, "customer.create");
}

#[test]
fn v3_a_denial_is_an_error_at_the_panels_field() {
    let denial = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <doc><error type=\"palisade\" object=\"name\" lang=\"en\"><msg>Name is reserved</msg></error></doc>";
    assert_eq!(printed(&v3(), &[deny(Some("login"), "Name is reserved")]), denial);
}

#[test]
fn v3_what_a_denial_says_is_escaped() {
    let printed = printed(&v3(), &[deny(Some("x\">"), "a\0 & <b> \"c\" 'd'\u{8}")]);
    let error = "object=\"x&quot;&gt;\" lang=\"en\"><msg>a &amp; &lt;b&gt; &quot;c&quot; &apos;d&apos;</msg>";
    assert!(printed.contains(error), "{printed}");
}

#[test]
fn v4_a_value_is_added_to_the_form_that_is_shown() {
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><doc lang=\"en\" func=\"site.edit\" binary=\"/manager/ispmgr\"><name>x</name>";
    let call = call(&AFTER, &[("PARAM_func", "site.edit")], &format!("{start}</doc>"));
    let shown = one(&call);
    assert_eq!(
        (shown.phase, shown.action.as_str(), json(&shown.params).as_str()),
        (Phase::After, "form.render", r#"{"name":"site.edit"}"#)
    );
    assert_eq!(
        printed(&call, &[show("site_rate", Value::Text("10".into()))]),
        format!("{start}<site_rate>10</site_rate></doc>")
    );
    assert_eq!(printed(&call, &[]), format!("{start}</doc>"));
}

#[test]
fn v5_a_group_operation_is_a_call_for_each_object() {
    let env = [("PARAM_func", "user.delete"), ("PARAM_sok", "ok"), ("PARAM_elid", "u1, u2,u3,")];
    let all = translated(&before(&env));
    let objects: Vec<_> = all
        .iter()
        .map(|one| {
            one.object.as_ref().map(|object| (object.kind.as_str(), object.id.as_str())).unwrap()
        })
        .collect();
    assert_eq!(objects, [("customer", "u1"), ("customer", "u2"), ("customer", "u3")]);
    assert!(all.iter().all(|one| one.action == "customer.delete" && one.params.is_empty()));
}

#[test]
fn v5_one_denial_refuses_the_group() {
    let group =
        before(&[("PARAM_func", "user.delete"), ("PARAM_sok", "ok"), ("PARAM_elid", "u1, u2, u3")]);
    let printed = printed(&group, &[Answer::PROCEED, deny(None, "not now"), deny(None, "not now")]);
    assert!(printed.ends_with("<doc><error type=\"palisade\" object=\"policy\" lang=\"en\"><msg>not now</msg></error></doc>"));
}

#[test]
fn v5_a_group_that_is_skipped_in_part_is_refused() {
    let group =
        before(&[("PARAM_func", "user.delete"), ("PARAM_sok", "ok"), ("PARAM_elid", "u1, u2")]);
    assert!(printed(&group, &[Answer::PROCEED, skip()]).contains("Select one at a time."));
    assert!(printed(&group, &[skip(), skip()]).ends_with("<doc><skipaction/></doc>"));
}

#[test]
fn v6_a_skipped_action_is_skipped() {
    let call = before(&[("PARAM_func", "register.activationsend")]);
    assert_eq!(one(&call).action, "register.activationsend");
    assert_eq!(
        printed(&call, &[skip()]),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc><skipaction/></doc>"
    );
}

#[test]
fn without_an_answer_the_panel_goes_on() {
    assert_eq!(printed(&v3(), &[]), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc/>");
    assert_eq!(printed(&call(&AFTER, &[("PARAM_func", "user.edit")], DONE), &[]), DONE);
}

#[test]
fn a_wrong_call_gets_a_document_all_the_same() {
    let wrong = call(&[], &[], DONE);
    assert_eq!(printed(&wrong, &[]), DONE);
    assert_eq!(printed(&call(&[], &[], "func=user.edit"), &[skip()]), xml_document(""));
    assert!(crate::bridge::powers(&wrong).is_empty());
}

#[test]
fn each_phase_heeds_its_own_powers() {
    assert_eq!(crate::bridge::powers(&v3()), [Power::Skip, Power::Deny]);
    let after = call(&AFTER, &[("PARAM_func", "user.edit")], DONE);
    assert_eq!(crate::bridge::powers(&after), [Power::Alter]);
}

#[test]
fn after_the_action_nothing_can_be_refused() {
    let after = call(&AFTER, &[("PARAM_func", "user.edit")], DONE);
    assert_eq!(printed(&after, &[deny(None, "too late")]), DONE);
}

#[test]
fn an_error_in_the_document_is_a_failed_action() {
    let env = [("PARAM_func", "user.edit"), ("PARAM_sok", "ok"), ("PARAM_elid", "u1")];
    let failed = one(&call(&AFTER, &env, "<doc><error type=\"exists\"/></doc>"));
    assert_eq!((failed.action.as_str(), failed.status), ("customer.update", Status::Failed));
    assert_eq!(one(&call(&AFTER, &env, DONE)).status, Status::Succeeded);
}

#[test]
fn values_are_shown_as_the_panel_writes_them() {
    let after = call(&AFTER, &[("PARAM_func", "user.edit")], "<doc></doc>");
    let values = [
        (Value::Null, "<a></a>"),
        (Value::Boolean(true), "<a>on</a>"),
        (Value::Integer(-1), "<a>-1</a>"),
        (Value::Texts(vec!["x".into(), "<".into()]), "<a>x, &lt;</a>"),
        (Value::Text("x".into()).sealed(), ""),
        (Value::Bytes(vec![0]), ""),
    ];
    for (value, element) in values {
        assert_eq!(printed(&after, &[show("a", value)]), format!("<doc>{element}</doc>"));
    }
}

#[test]
fn a_field_that_cannot_be_an_element_is_left_out() {
    let after = call(&AFTER, &[("PARAM_func", "user.edit")], DONE);
    assert_eq!(printed(&after, &[show("a><script>", Value::Null)]), DONE);
}

#[test]
fn a_mailbox_has_one_address() {
    let env = [
        ("PARAM_func", "email.edit"),
        ("PARAM_sok", "ok"),
        ("PARAM_name", "info"),
        ("PARAM_domain", "example.com"),
        ("PARAM_passwd", "canary"),
        ("PARAM_confirm", "canary"),
        ("PARAM_auth", "canary"),
    ];
    let create = one(&before(&env));
    assert_eq!(
        json(&create.params),
        r#"{"address":"info@example.com","domain":"example.com","password":{"$secret":null}}"#
    );
    assert!(!format!("{create:?}").contains("canary"));
    let denial = printed(&before(&env), &[deny(Some("address"), "reserved")]);
    assert!(denial.contains("object=\"name\""), "{denial}");
}

#[test]
fn an_identifier_can_be_a_field() {
    let delete = translated(&before(&[
        ("PARAM_func", "domain.delete.one"),
        ("PARAM_elid", "a.example, b.example"),
    ]));
    assert_eq!(json(&delete[1].params), r#"{"zone":"b.example"}"#);
}

#[test]
fn an_unknown_function_keeps_its_name() {
    let unknown =
        one(&before(&[("PARAM_func", "backup2.run"), ("PARAM_elid", "7"), ("PARAM_mode", "full")]));
    assert_eq!(
        (unknown.action.as_str(), json(&unknown.params).as_str()),
        ("coremanager.backup2.run", r#"{"mode":"full"}"#)
    );
    assert_eq!(unknown.object, Some(ObjectRef { kind: "backup2".into(), id: "7".into() }));
}

#[test]
fn the_object_of_a_password_is_whose_it_is() {
    let env = [
        ("PARAM_func", "db.users.edit"),
        ("PARAM_sok", "ok"),
        ("PARAM_elid", "9"),
        ("PARAM_password", "canary"),
    ];
    let change = one(&before(&env));
    assert_eq!(
        (change.action.as_str(), change.object.unwrap().kind.as_str()),
        ("database.user.password.change", "database.user")
    );
}

#[test]
fn levels_are_roles() {
    let role = |level| {
        one(&before(&[("PARAM_func", "x"), ("AUTH_USER", "u"), ("AUTH_LEVEL", level)]))
            .actor
            .unwrap()
            .role
    };
    let roles =
        ["30", "29", "24", "16", "9", "7"].map(|level| role(level).unwrap().name().to_owned());
    assert_eq!(roles, ["superuser", "administrator", "reseller", "customer", "mailbox-user", "7"]);
    assert_eq!(role(""), None);
}

#[test]
fn billmanager_has_functions_of_its_own() {
    let env =
        [("PARAM_func", "service.suspend"), ("PARAM_elid", "12"), ("REMOTE_ADDR", "192.0.2.1")];
    let open = one(&tests::call(Dialect::Billmanager, &BEFORE, &env, ""));
    assert_eq!(open.action, "subscription.suspend");
    assert_eq!(open.attributes["remote.address"], "192.0.2.1");
}

#[test]
fn wrong_arguments_are_named() {
    let error =
        |arguments: &[&str]| tests::hooks(&call(arguments, &[], "")).unwrap_err().to_string();
    assert_eq!(error(&[]), "the call has no argument `before|after`");
    assert_eq!(error(&["after"]), "the call has no argument `cgi|xml`");
    let unknown = "the call has an argument that the dialect does not know: ";
    assert_eq!(error(&["final"]), format!("{unknown}`final`"));
    assert_eq!(error(&["after", "json"]), format!("{unknown}`json`"));
    assert_eq!(error(&["after", "xml", "x"]), format!("{unknown}`x`"));
    assert_eq!(error(&BEFORE), "the call has no variable `PARAM_func`");
}

#[test]
fn huge_and_odd_values_are_kept() {
    let huge = "é\0".repeat(1 << 19);
    let env = [("PARAM_func", "user.edit"), ("PARAM_sok", "ok"), ("PARAM_name", huge.as_str())];
    let create = one(&before(&env));
    assert_eq!(create.params["login"], Value::Text(huge.clone()));
    let after = call(&AFTER, &env, &format!("<doc>{huge}</doc>"));
    assert_eq!(printed(&after, &[show("a", Value::Null)]), format!("<doc>{huge}<a></a></doc>"));
}

#[test]
fn a_group_that_is_too_large_is_refused() {
    let ids: String = (0..=MAX_OBJECTS).map(|n| format!("u{n},")).collect();
    let group = before(&[("PARAM_func", "user.delete"), ("PARAM_elid", &ids)]);
    assert_eq!(
        tests::hooks(&group).unwrap_err().to_string(),
        "the call names more than 1000 objects"
    );
    let error = tests::hooks(&group).unwrap_err();
    let read = crate::bridge::unreadable(&group, &error).unwrap().stdout;
    assert!(read.text().contains("the call names more than 1000 objects"), "{}", read.text());
    assert!(read.text().contains("<error type=\"palisade\""), "{}", read.text());
}

#[test]
fn an_object_that_is_named_twice_is_one_and_none_is_hidden_by_another() {
    let about = |env: &[(&str, &str)]| -> Vec<String> {
        let hooks = translated(&before(env));
        hooks.into_iter().filter_map(|hook| hook.object).map(|object| object.id).collect()
    };
    let delete = ("PARAM_func", "user.delete");
    assert_eq!(about(&[delete, ("PARAM_elid", "7, 7,7")]), ["7"]);
    assert_eq!(about(&[delete, ("PARAM_elid", "7"), ("PARAM_elids", "8, 9")]), ["7", "8", "9"]);
    let form = [("PARAM_func", "user.edit"), ("PARAM_sok", "ok"), ("PARAM_elids", "x")];
    assert_eq!(one(&before(&form)).action, "customer.create");
}
