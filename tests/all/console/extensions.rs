//! What is installed, seen and changed in the console.

use hyper::StatusCode;
use palisade_tests::guest;
use serde_json::json;

use super::{has, host, operator, send, shown, taken};
use crate::guests::{ByHand, PROCEED, manifest, misbehaving_manifest, packed};

fn component(name: &str) -> Vec<u8> {
    std::fs::read(guest(name)).unwrap()
}

#[tokio::test]
async fn an_extension_is_found_and_shown_with_its_handlers() {
    let host = host().await;
    host.install("reserved-names").await;
    host.install("domain-defaults").await;
    let visitor = operator(&host).await;
    let list = shown(&visitor, "/extensions").await;
    has(&list, &["Reserved names", "Domain defaults", "before:mailbox.create", "2 extensions"]);
    let list = shown(&visitor, "/extensions?search=subscription").await;
    has(&list, &["Domain defaults", "1 extension"]);
    assert!(!list.text.contains("Reserved names"));
    has(&shown(&visitor, "/extensions?state=failing").await, &["No extension is like that"]);
    let page = shown(&visitor, "/extensions/domain-defaults").await;
    has(&page, &["caps quotas", "before:site.create", "changes disk, domain, name, quota"]);
}

#[tokio::test]
async fn pages_are_named_by_what_leads_to_them() {
    let host = host().await;
    host.install("mailbox-insights").await;
    let page = shown(&operator(&host).await, "/extensions/mailbox-insights").await;
    has(&page, &["Mailboxes of late", "dashboard.block"]);
}

#[tokio::test]
async fn an_extension_is_switched_and_removed_after_a_question() {
    let host = host().await;
    host.install("reserved-names").await;
    let visitor = operator(&host).await;
    let page = "/extensions/reserved-names";
    taken(&visitor, page, &format!("{page}/state"), &[("state", "disabled")]).await;
    assert_eq!(host.get("/v1/extensions/reserved-names").await["state"], "disabled");
    taken(&visitor, page, &format!("{page}/state"), &[("state", "enabled")]).await;
    assert_eq!(host.get("/v1/extensions/reserved-names").await["state"], "enabled");
    let wrong = send(&visitor, page, &format!("{page}/state"), &[("state", "gone")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let question = format!("{page}/remove");
    has(&shown(&visitor, &question).await, &["cannot be undone"]);
    assert_eq!(host.get("/v1/extensions").await.as_array().unwrap().len(), 1);
    has(&taken(&visitor, &question, &question, &[]).await, &["reserved-names is removed"]);
    assert_eq!(host.get("/v1/extensions").await, json!([]));
}

#[tokio::test]
async fn grants_are_shown_in_words_and_changed() {
    let host = host().await;
    host.install("reserved-names").await;
    let visitor = operator(&host).await;
    let page = "/extensions/reserved-names/grants";
    let asked = shown(&visitor, page).await;
    has(&asked, &["deny mailbox.create", "Refuses names that a customer may not take."]);
    let granted = |json: &serde_json::Value| {
        let asks = json["asks"].as_array().unwrap().iter();
        asks.filter(|ask| ask["granted"] == true).count()
    };
    let before = granted(&host.get("/v1/extensions/reserved-names/grants").await);
    let deny = "deny before:mailbox.create";
    // Only what differs from what the form showed is changed.
    has(&taken(&visitor, page, page, &[("had", deny)]).await, &["Saved."]);
    let after = host.get("/v1/extensions/reserved-names/grants").await;
    assert_eq!(granted(&after), before - 1);
    let request = json!({ "params": { "address": "root@customer.example" } });
    assert_eq!(host.before("mailbox.create", request.clone()).await["verdict"], "proceed");
    taken(&visitor, page, page, &[("all", "true")]).await;
    assert_eq!(host.before("mailbox.create", request).await["verdict"], "deny");
}

#[tokio::test]
async fn what_is_not_asked_for_cannot_be_granted() {
    let host = host().await;
    host.install("reserved-names").await;
    let visitor = operator(&host).await;
    let page = "/extensions/reserved-names/grants";
    for (grant, code) in [("kv", "grants.not-asked"), ("everything", "request.invalid")] {
        let answer = send(&visitor, page, page, &[("grant", grant)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{grant}");
        has(&answer, &[code]);
    }
}

#[tokio::test]
async fn settings_are_a_form_of_their_schema() {
    let host = host().await;
    host.install("reserved-names").await;
    host.install("domain-defaults").await;
    let visitor = operator(&host).await;
    let page = "/extensions/reserved-names/settings";
    has(&shown(&visitor, page).await, &["name=\"in.names\"", "postmaster", "One in each line"]);
    taken(&visitor, page, page, &[("in.names", "boss\r\nroot")]).await;
    let given = host.get("/v1/extensions/reserved-names/settings").await;
    assert_eq!(given, json!({ "names": ["boss", "root"] }));
    let page = "/extensions/domain-defaults/settings";
    taken(&visitor, page, page, &[("in.max-quota", "500")]).await;
    let given = host.get("/v1/extensions/domain-defaults/settings").await;
    assert_eq!(given, json!({ "max-quota": 500 }));
    taken(&visitor, page, page, &[("in.max-quota", "")]).await;
    assert_eq!(host.get("/v1/extensions/domain-defaults/settings").await, json!({}));
}

#[tokio::test]
async fn what_is_wrong_with_a_setting_stands_at_its_field() {
    let host = host().await;
    host.install("domain-defaults").await;
    let visitor = operator(&host).await;
    let page = "/extensions/domain-defaults/settings";
    for (entered, problem) in
        [("five", "must be a whole number"), ("-1", "-1 is less than the minimum of 0")]
    {
        let answer = send(&visitor, page, page, &[("in.max-quota", entered)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let at_field = format!("id=\"in-max-quota-wrong\">{problem}");
        has(&answer, &[&at_field, &format!("value=\"{entered}\""), "aria-invalid=\"true\""]);
    }
    assert_eq!(host.get("/v1/extensions/domain-defaults/settings").await, json!({}));
}

#[tokio::test]
async fn a_secret_setting_is_kept_and_never_shown() {
    let host = host().await;
    host.install("crm-webhook").await;
    let visitor = operator(&host).await;
    let page = "/extensions/crm-webhook/settings";
    has(&shown(&visitor, page).await, &["not given"]);
    taken(&visitor, page, page, &[("in.token", "canary-1")]).await;
    let after = shown(&visitor, page).await;
    has(&after, &["kept as it is"]);
    assert!(!after.text.contains("canary-1"));
    taken(&visitor, page, page, &[("in.token", ""), ("in.url", "https://crm.example.com/x")]).await;
    let given = host.get("/v1/extensions/crm-webhook/settings").await;
    assert_eq!(given, json!({ "url": "https://crm.example.com/x", "token": { "$secret": null } }));
    // A text that is emptied is not given any more.
    let again = taken(&visitor, page, page, &[("in.token", "canary-2"), ("in.url", "")]).await;
    has(&again, &["value=\"https://crm.example.com/hooks/customers\""]);
    assert!(!again.text.contains("canary-2"));
    taken(&visitor, page, page, &[("in.token", ""), ("forget.token", "true")]).await;
    assert_eq!(host.get("/v1/extensions/crm-webhook/settings").await, json!({}));
}

#[tokio::test]
async fn a_file_is_looked_at_then_installed_with_what_is_ticked() {
    let host = host().await;
    let visitor = operator(&host).await;
    let token = shown(&visitor, "/install").await.value_of(".token");
    let file = component("reserved-names");
    let answer = visitor.upload("/install", &[(".token", &token)], &file).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let review = answer.header("location").to_owned();
    let page = shown(&visitor, &review).await;
    has(&page, &["Install Reserved names", "Keeps customers", "deny mailbox.create"]);
    assert_eq!(host.get("/v1/extensions").await, json!([]));
    let other = operator(&host).await;
    assert_eq!(other.get(&review).await.status, StatusCode::NOT_FOUND);
    let grants =
        [("grant", "deny before:mailbox.create"), ("grant", "read before:mailbox.create *")];
    has(&taken(&visitor, &review, &review, &grants).await, &["reserved-names 1.0.0 is installed"]);
    let asks = host.get("/v1/extensions/reserved-names/grants").await;
    let granted = asks["asks"].as_array().unwrap().iter().filter(|ask| ask["granted"] == true);
    assert!(granted.clone().any(|ask| ask["grant"] == "deny before:mailbox.create"));
    assert!(granted.into_iter().all(|ask| ask["grant"] != "deny before:site.create"));
    assert_eq!(visitor.get(&review).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_upgrade_says_what_is_new_and_one_that_is_not_higher_must_be_meant() {
    let host = host().await;
    host.install("misbehaving").await;
    let visitor = operator(&host).await;
    let upload = async |bytes: &[u8]| {
        let token = shown(&visitor, "/install").await.value_of(".token");
        let answer = visitor.upload("/install", &[(".token", &token)], bytes).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.header("location").to_owned()
    };
    let manifest = misbehaving_manifest().replace("version = \"1.0.0\"", "version = \"1.1.0\"");
    let newer = packed(&component("misbehaving"), &manifest);
    let review = upload(&newer).await;
    has(
        &shown(&visitor, &review).await,
        &["Upgrade Misbehaving", "takes the place of version 1.0.0"],
    );
    has(
        &taken(&visitor, &review, &review, &[("all", "true")]).await,
        &["takes the place of version 1.0.0"],
    );
    let review = upload(&component("misbehaving")).await;
    has(&shown(&visitor, &review).await, &["this one is not higher", "name=\"replace\""]);
    let refused = send(&visitor, &review, &review, &[("all", "true")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    has(&refused, &["It was not installed."]);
    taken(&visitor, &review, &review, &[("all", "true"), ("replace", "true")]).await;
    assert_eq!(host.get("/v1/extensions/misbehaving").await["version"], "1.0.0");
}

#[tokio::test]
async fn a_version_that_asks_for_more_waits_in_the_overview() {
    let host = host().await;
    host.install("misbehaving").await;
    let manifest = misbehaving_manifest().replace("version = \"1.0.0\"", "version = \"1.1.0\"");
    let more =
        format!("{manifest}\n[[needs.commands]]\nname = \"restart\"\nreason = \"to restart\"\n");
    let answer = host
        .request(hyper::Method::POST, "/v1/extensions", packed(&component("misbehaving"), &more))
        .await;
    assert_eq!(answer.json()["change"], "waiting", "{}", answer.text);
    let visitor = operator(&host).await;
    has(&shown(&visitor, "/").await, &["asks for more", "version 1.1.0 waits"]);
    has(&shown(&visitor, "/extensions?state=open").await, &["Misbehaving"]);
    let page = "/extensions/misbehaving/grants";
    has(
        &shown(&visitor, page).await,
        &["Version 1.1.0 waits", "run the command <code>restart</code>"],
    );
    has(&taken(&visitor, page, page, &[("all", "true")]).await, &["Version 1.1.0 runs now."]);
}

#[tokio::test]
async fn a_file_that_is_no_extension_is_refused_with_the_reason() {
    let host = host().await;
    let visitor = operator(&host).await;
    let token = shown(&visitor, "/install").await.value_of(".token");
    for (file, reason) in
        [(&b""[..], "there is no file"), (&b"no component"[..], "It was not installed.")]
    {
        let answer = visitor.upload("/install", &[(".token", &token)], file).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        has(&answer, &[reason]);
    }
}

#[tokio::test]
async fn many_extensions_come_in_parts_and_are_sorted() {
    let host = host().await;
    let component = ByHand { core: PROCEED, ..ByHand::default() }.component();
    for number in 0..52 {
        let answer =
            host.install_bytes(packed(&component, &manifest(&format!("e{number:02}")))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    host.post("/v1/extensions/e51/disable", json!({})).await;
    host.before("mailbox.create", json!({})).await;
    let visitor = operator(&host).await;
    let first = shown(&visitor, "/extensions").await;
    has(&first, &["52 extensions", "Part 1 of 2", "/extensions?part=1", "/extensions/e49\""]);
    assert!(!first.text.contains("/extensions/e50\""));
    has(&shown(&visitor, "/extensions?part=1").await, &["/extensions/e50\"", "/extensions/e51\""]);
    has(
        &shown(&visitor, "/extensions?state=disabled").await,
        &["1 extension", "/extensions/e51\""],
    );
    let sorted = shown(&visitor, "/extensions?sort=calls&part=1").await;
    has(&sorted, &["/extensions/e51\"", "aria-sort=\"descending\""]);
    has(&shown(&visitor, "/hooks/before/mailbox.create").await, &["/extensions/e50\""]);
    has(&shown(&visitor, "/hooks").await, &["before:*", "and 43 more"]);
    has(&shown(&visitor, "/extensions?part=99999999999").await, &["52 extensions"]);
}
