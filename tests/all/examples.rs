//! The example extensions do what they say.

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost, redacted};
use serde_json::{Value, json};

async fn host_with(names: &[&str]) -> Running {
    let host = TestHost::new().start().await;
    for name in names {
        host.install(name).await;
    }
    host
}

async fn set(host: &Running, id: &str, settings: Value) -> Answer {
    let path = format!("/v1/extensions/{id}/settings");
    host.request(Method::PUT, &path, settings.to_string()).await
}

/// What a customer who does this is told.
async fn customer(host: &Running, action: &str, params: Value) -> Value {
    let actor = json!({ "id": "u1", "role": "customer" });
    host.before(action, json!({ "params": params, "actor": actor })).await
}

#[tokio::test]
async fn a_reserved_name_is_denied() {
    let host = host_with(&["reserved-names"]).await;
    let verdict =
        customer(&host, "mailbox.create", json!({ "address": "Root@customer.example" })).await;
    assert_eq!(verdict["verdict"], "deny");
    let problem = json!({
        "code": "name.reserved",
        "field": "address",
        "message": "the name `root` is reserved by the provider",
        "extension": "reserved-names",
    });
    assert_eq!(verdict["problems"], json!([problem]));
}

#[tokio::test]
async fn a_reserved_name_is_free_to_whoever_runs_the_panel() {
    let host = host_with(&["reserved-names"]).await;
    let request = |role: &str| json!({ "params": { "login": "admin" }, "actor": { "id": "1", "role": role } });
    let verdict = host.before("customer.create", request("administrator")).await;
    assert_eq!(verdict["verdict"], "proceed");
    let verdict = host.before("customer.create", request("reseller")).await;
    assert_eq!(verdict["verdict"], "deny");
}

#[tokio::test]
async fn a_domain_below_a_reserved_one_is_denied() {
    let host = host_with(&["reserved-names"]).await;
    let verdict = customer(&host, "site.create", json!({ "name": "shop.localhost" })).await;
    assert_eq!(
        verdict["problems"][0]["message"],
        "the domain `shop.localhost` is reserved by the provider"
    );
    let verdict = customer(&host, "site.create", json!({ "name": "notlocalhost.net" })).await;
    assert_eq!(verdict["verdict"], "proceed");
}

#[tokio::test]
async fn changed_settings_take_effect_with_the_next_call() {
    let host = host_with(&["reserved-names"]).await;
    let verdict = async |name: &str| {
        let address = format!("{name}@customer.example");
        customer(&host, "mailbox.create", json!({ "address": address })).await["verdict"].clone()
    };
    assert_eq!((verdict("root").await, verdict("sales").await), ("deny".into(), "proceed".into()));

    let changed = set(&host, "reserved-names", json!({ "names": ["sales"] })).await;
    assert_eq!(changed.json()["settings"]["names"], json!(["sales"]));
    assert_eq!((verdict("root").await, verdict("sales").await), ("proceed".into(), "deny".into()));

    set(&host, "reserved-names", json!({})).await;
    assert_eq!((verdict("root").await, verdict("sales").await), ("deny".into(), "proceed".into()));
}

#[tokio::test]
async fn settings_that_do_not_fit_the_schema_are_refused_and_the_old_ones_stay() {
    let host = host_with(&["reserved-names"]).await;
    set(&host, "reserved-names", json!({ "names": ["sales"] })).await;

    let refused = set(&host, "reserved-names", json!({ "names": [7], "domain": [] })).await;

    assert_eq!((refused.status.as_u16(), refused.code()), (422, "settings.invalid".into()));
    assert!(
        refused.message().contains("`names/0`: 7 is not of type \"string\""),
        "{}",
        refused.text
    );
    assert!(refused.message().contains("'domain' was unexpected"), "{}", refused.text);
    let given = host.get("/v1/extensions/reserved-names/settings").await;
    assert_eq!(given, json!({ "names": ["sales"] }));
}

#[tokio::test]
async fn a_domain_is_written_in_one_form_and_the_verdict_says_by_whom() {
    let host = host_with(&["domain-defaults"]).await;
    let verdict =
        customer(&host, "site.create", json!({ "name": "BÜCHER.Example.", "ip": "192.0.2.1" }))
            .await;
    assert_eq!(verdict["verdict"], "proceed");
    assert_eq!(verdict["params"], json!({ "name": "xn--bcher-kva.example", "ip": "192.0.2.1" }));
    let alteration = json!({
        "field": "name",
        "from": "BÜCHER.Example.",
        "to": "xn--bcher-kva.example",
        "extension": "domain-defaults",
    });
    assert_eq!(verdict["alterations"], json!([alteration]));
}

#[tokio::test]
async fn what_is_no_domain_stays_as_it_is_and_is_logged() {
    let host = host_with(&["domain-defaults"]).await;
    let verdict = customer(&host, "site.create", json!({ "name": "no domain" })).await;
    assert_eq!(verdict["alterations"], json!([]));
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    let log = host.get(&path).await["entries"][0]["trace"][0]["log"].clone();
    assert_eq!(
        log,
        json!([{ "level": "warn", "message": "not a domain name name=\"no domain\"" }])
    );
}

#[tokio::test]
async fn a_quota_is_capped_once_a_limit_is_set() {
    let host = host_with(&["domain-defaults"]).await;
    let quota = async |quota: i64| {
        let params = json!({ "domain": "shop.example", "quota": quota });
        customer(&host, "subscription.create", params).await["params"]["quota"].clone()
    };
    assert_eq!(quota(50_000).await, 50_000);
    set(&host, "domain-defaults", json!({ "max-quota": 1_000 })).await;
    assert_eq!(quota(50_000).await, 1_000);
    assert_eq!(quota(-1).await, 1_000, "no quota at all is over any limit");
    assert_eq!(quota(500).await, 500);
}

#[tokio::test]
async fn a_policy_sees_the_domain_as_it_was_rewritten() {
    let host = host_with(&["reserved-names", "domain-defaults"]).await;
    let verdict = customer(&host, "site.create", json!({ "name": "ＬＯＣＡＬＨＯＳＴ" })).await;
    assert_eq!(verdict["verdict"], "deny");
    assert_eq!(
        verdict["problems"][0]["message"],
        "the domain `localhost` is reserved by the provider"
    );
    assert_eq!(verdict["alterations"][0]["extension"], "domain-defaults");
}

#[tokio::test]
async fn the_sending_of_activation_mails_is_taken_over() {
    let host = host_with(&["activation-mail"]).await;
    let request = json!({ "params": { "email": "ada@shop.example" } });
    let verdict = host.before("register.activationsend", request).await;
    assert_eq!(verdict["verdict"], "skip");
    assert_eq!(verdict["result"], json!({ "sent": true }));

    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    let trace = redacted(&host.get(&path).await)["entries"][0]["trace"][0].clone();
    insta::assert_json_snapshot!(trace, @r#"
    {
      "extension": "activation-mail",
      "version": "1.0.0",
      "outcome": "skip",
      "reason": "the activation mail is sent by `activation-mail`",
      "fuel": "[fuel]",
      "memory_bytes": "[memory_bytes]",
      "duration_us": "[duration_us]",
      "log": [
        {
          "level": "info",
          "message": "would send from=\"no-reply@localhost\" to.domain=\"shop.example\" subject=\"Activate your account\""
        }
      ]
    }
    "#);
    assert!(!host.log().contains("ada@"), "the address of a person is in the log: {}", host.log());
}

#[tokio::test]
async fn activation_mails_stay_with_the_panel_when_the_setting_says_so() {
    let host = host_with(&["activation-mail"]).await;
    set(&host, "activation-mail", json!({ "enabled": false })).await;
    let request = json!({ "params": { "email": "ada@shop.example" } });
    let verdict = host.before("register.activationsend", request).await;
    assert_eq!(verdict["verdict"], "proceed");
}

/// Tells `audit-trail` that an actor did something, and returns how often it says that this happened.
async fn counted(host: &Running, actor: &str, more: Value) -> Option<String> {
    let mut request = json!({ "actor": { "id": actor } });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let verdict = host.after("site.create", request).await;
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    let entries = host.get(&path).await;
    let message = entries["entries"][0]["trace"][0]["log"][0]["message"].as_str()?.to_owned();
    Some(message.split_once("count=")?.1.to_owned())
}

#[tokio::test]
async fn counts_of_each_actor_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut host = TestHost::new().data(&data).start().await;
    host.install("audit-trail").await;
    assert_eq!(counted(&host, "u1", json!({})).await.unwrap(), "\"1\"");
    assert_eq!(counted(&host, "u1", json!({ "status": "failed" })).await.unwrap(), "\"2\"");
    assert_eq!(counted(&host, "u2", json!({})).await.unwrap(), "\"1\"");
    assert!(host.stop().await.success());

    let host = TestHost::new().data(&data).start().await;
    assert_eq!(counted(&host, "u1", json!({})).await.unwrap(), "\"3\"");
}

#[tokio::test]
async fn a_rehearsal_is_not_counted() {
    let host = host_with(&["audit-trail"]).await;
    assert_eq!(counted(&host, "u1", json!({ "dry_run": true })).await, None);
    assert_eq!(counted(&host, "u1", json!({})).await.unwrap(), "\"1\"");
}

/// What `quota-guard` says to a mailbox of this reseller.
async fn reseller(host: &Running, id: &str) -> Value {
    let actor = json!({ "id": id, "role": "reseller" });
    host.before("mailbox.create", json!({ "actor": actor })).await["verdict"].clone()
}

#[tokio::test]
async fn a_reseller_gets_as_many_mailboxes_as_are_set() {
    let host = host_with(&["quota-guard"]).await;
    assert!(set(&host, "quota-guard", json!({ "mailboxes": 2 })).await.status.is_success());
    let mut verdicts = Vec::new();
    for id in ["7", "7", "7", "8"] {
        verdicts.push(reseller(&host, id).await);
    }
    assert_eq!(verdicts, ["proceed", "proceed", "deny", "proceed"]);
}

#[tokio::test]
async fn a_mailbox_that_is_deleted_makes_room_for_another() {
    let host = host_with(&["quota-guard"]).await;
    assert!(set(&host, "quota-guard", json!({ "mailboxes": 1 })).await.status.is_success());
    assert_eq!(reseller(&host, "7").await, "proceed");
    let actor = json!({ "id": "7", "role": "reseller" });
    host.after("mailbox.delete", json!({ "actor": actor })).await;
    assert_eq!(reseller(&host, "7").await, "proceed");
}

#[tokio::test]
async fn of_many_mailboxes_at_one_time_as_many_as_are_set_are_created() {
    let host = host_with(&["quota-guard"]).await;
    assert!(set(&host, "quota-guard", json!({ "mailboxes": 5 })).await.status.is_success());
    let verdicts = crate::guests::all((0..20).map(|_| reseller(&host, "7"))).await;
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == "proceed").count(), 5);
}

#[tokio::test]
async fn the_guard_is_not_called_for_a_customer() {
    let host = host_with(&["quota-guard"]).await;
    let verdict = customer(&host, "mailbox.create", json!({})).await;
    assert_eq!(verdict["trace"], json!([]));
}
