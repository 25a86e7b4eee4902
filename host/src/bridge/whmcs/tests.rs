use super::*;
use crate::bridge::tests::{call, denied, hooks, one, skipped};
use crate::bridge::{Dialect, PanelCall};
use crate::hook::catalogue::NativePhase;

/// A call of a point before something is done.
fn before(point: &str, vars: Json) -> PanelCall {
    let document = json!({ "phase": "before", "vars": vars }).to_string();
    call(Dialect::Whmcs, &[point], &[], &document)
}

fn after(point: &str, vars: Json) -> PanelCall {
    let document = json!({ "phase": "after", "vars": vars }).to_string();
    call(Dialect::Whmcs, &[point], &[], &document)
}

/// What the hook returns for these answers.
fn returned(call: &PanelCall, answers: &[Answer]) -> Json {
    let printed = crate::bridge::answer(call, answers);
    assert_eq!(printed.status, 0);
    serde_json::from_slice(&printed.stdout.0).unwrap()
}

fn altered(name: &str, value: Json) -> Answer {
    let value = Some(value.into());
    Answer { changes: vec![Change { name: name.to_owned(), value }], ..Answer::PROCEED }
}

fn params(call: &PanelCall) -> Json {
    serde_json::to_value(&one(call).params).unwrap()
}

/// The vector of the module's parameters.
fn create() -> PanelCall {
    let vars = json!({ "params": {
        "serviceid": 5, "domain": "example.com", "username": "exa", "password": { "$secret": "h1" },
        "configoption1": "gold",
    } });
    let document = json!({ "phase": "before", "point": "PreModuleCreate", "vars": vars });
    call(Dialect::Whmcs, &["PreModuleCreate"], &[], &document.to_string())
}

#[test]
fn v11_a_module_is_about_its_service() {
    let hook = one(&create());
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::Before, "subscription.create"));
    assert_eq!(hook.object, Some(ObjectRef { kind: "subscription".into(), id: "5".into() }));
    assert_eq!(
        params(&create()),
        json!({
            "id": 5, "domain": "example.com", "login": "exa", "password": { "$secret": null },
            "configoption1": "gold",
        })
    );
}

#[test]
fn v11_an_altered_parameter_goes_by_the_panels_name() {
    assert_eq!(
        returned(&create(), &[altered("login", json!("exa1"))]),
        json!({ "username": "exa1" })
    );
    assert_eq!(
        returned(&create(), &[altered("configoption1", json!("silver"))]),
        json!({ "configoption1": "silver" })
    );
}

#[test]
fn v11_a_denied_module_is_aborted_and_the_log_says_why() {
    let printed = crate::bridge::answer(&create(), &[denied("Name is\nreserved")]);
    assert_eq!(printed.stdout.text(), "{\"abortcmd\":true}\n");
    assert_eq!(printed.note, "PreModuleCreate is refused: Name is reserved");
}

#[test]
fn what_is_taken_out_is_null() {
    let out = Change { name: "login".into(), value: None };
    let answer = Answer { changes: vec![out], ..Answer::PROCEED };
    assert_eq!(returned(&create(), &[answer]), json!({ "username": null }));
}

#[test]
fn a_secret_that_was_replaced_goes_back_to_the_panel() {
    let secret = Value::Text("new".into()).sealed();
    let change = Change { name: "password".into(), value: Some(secret) };
    let answer = Answer { changes: vec![change], ..Answer::PROCEED };
    assert_eq!(returned(&create(), &[answer]), json!({ "password": "new" }));
}

#[test]
fn a_registrar_is_told_why_or_that_it_is_done() {
    let call =
        before("PreRegistrarRegisterDomain", json!({ "params": { "sld": "ex", "tld": ".com" } }));
    assert_eq!(params(&call)["name"], "ex.com");
    assert_eq!(one(&call).action, "domain.register");
    assert_eq!(returned(&call, &[denied("No <b>")]), json!({ "abortWithError": "No &lt;b&gt;" }));
    assert_eq!(returned(&call, &[skipped()]), json!({ "abortWithSuccess": true }));
    assert_eq!(returned(&call, &[skipped(), denied("No")]), json!({ "abortWithError": "No" }));
    assert_eq!(returned(&call, &[altered("name", json!("x"))]), Json::Null);
}

#[test]
fn a_validation_has_all_messages() {
    let call = before("ShoppingCartValidateCheckout", json!({}));
    let two = [denied("One"), denied("Two"), denied("Two")];
    assert_eq!(returned(&call, &two), json!(["One", "Two"]));
    assert_eq!(returned(&call, &[Answer::PROCEED]), Json::Null);
    let ticket = before("TicketOpenValidation", json!({ "clientId": 4 }));
    assert_eq!(returned(&ticket, &two), json!("One; Two"));
}

#[test]
fn a_skip_that_cannot_be_is_a_denial_that_says_so() {
    let call = before("ClientDetailsValidation", json!({}));
    assert_eq!(returned(&call, &[skipped()]), json!([TAKEN_OVER]));
    assert_eq!(returned(&create(), &[skipped()]), json!({ "abortcmd": true }));
}

#[test]
fn what_can_be_left_out_is_left_out_by_a_denial_and_by_a_skip() {
    for (point, key) in [
        ("EmailPreSend", "abortsend"),
        ("EmailPreLog", "abortLogging"),
        ("PreInvoiceAutomaticCancellation", "abortCancel"),
        ("TicketPiping", "skipProcessing"),
    ] {
        let call = before(point, json!({ "messagename": "Welcome" }));
        assert_eq!(returned(&call, &[denied("No")]), json!({ key: true }), "{point}");
        assert_eq!(returned(&call, &[skipped()]), json!({ key: true }), "{point}");
    }
}

#[test]
fn merge_fields_prices_and_variables_are_set() {
    let mail =
        before("EmailPreSend", json!({ "messagename": "Welcome", "mergefields": { "a": 1 } }));
    assert_eq!(returned(&mail, &[altered("promo", json!("x"))]), json!({ "promo": "x" }));
    let price = before("OrderProductPricingOverride", json!({ "pid": 1 }));
    assert_eq!(returned(&price, &[altered("setup", json!(0.5))]), json!({ "setup": 0.5 }));
    let page = before("ClientAreaPageHome", json!({ "pagetitle": "Home" }));
    assert_eq!(returned(&page, &[altered("note", json!("<i>"))]), json!({ "note": "&lt;i&gt;" }));
    let fields = before("AdminClientServicesTabFields", json!({ "id": 3 }));
    assert_eq!(returned(&fields, &[altered("Use", json!("a&b"))]), json!({ "Use": "a&amp;b" }));
}

#[test]
fn only_what_may_be_markup_goes_into_a_page_as_it_is() {
    let call = before("ClientAreaFooterOutput", json!({ "filename": "index" }));
    assert_eq!(one(&call).action, "page.render");
    assert_eq!(returned(&call, &[altered("html", json!("<p>x</p>"))]), json!("<p>x</p>"));
    assert_eq!(returned(&call, &[altered("name", json!("<p>x</p>"))]), Json::Null);
}

#[test]
fn an_offer_is_taken_back_and_a_fraud_check_skipped() {
    let offer =
        before("PremiumPriceOverride", json!({ "domainName": "ex.com", "register": 100.0 }));
    assert_eq!(returned(&offer, &[denied("No")]), json!({ "noSale": true }));
    assert_eq!(returned(&offer, &[altered("register", json!(50))]), json!({ "register": 50 }));
    let fraud = before("RunFraudCheck", json!({ "orderid": 3 }));
    assert_eq!(returned(&fraud, &[skipped()]), Json::Bool(true));
    assert_eq!(returned(&fraud, &[denied("No")]), Json::Null);
}

#[test]
fn nothing_is_returned_after_the_action() {
    let call = after("AfterModuleCreate", json!({ "params": { "serviceid": 5 } }));
    assert_eq!(one(&call).status, Status::Succeeded);
    for answer in [denied("No"), skipped(), altered("id", json!(1))] {
        assert_eq!(returned(&call, &[answer]), Json::Null);
    }
    assert!(crate::bridge::powers(&call).is_empty());
}

#[test]
fn what_failed_says_so() {
    let call = after(
        "AfterModuleCreateFailed",
        json!({ "params": { "serviceid": 5 }, "failureResponseMessage": "full" }),
    );
    assert_eq!(one(&call).status, Status::Failed);
    let call = after("AfterRegistrarRenew", json!({ "params": {}, "functionSuccessful": false }));
    assert_eq!(one(&call).status, Status::Failed);
    let call = after("AfterRegistrarRenew", json!({ "params": {}, "functionSuccessful": true }));
    assert_eq!(one(&call).status, Status::Succeeded);
}

#[test]
fn a_check_of_a_client_is_about_a_new_one_or_one_that_exists() {
    let action = |vars| one(&before("ClientDetailsValidation", vars)).action;
    assert_eq!(action(json!({ "firstname": "A" })), "customer.create");
    assert_eq!(action(json!({ "userid": 5 })), "customer.update");
    let own = json!({ "phase": "before", "vars": {}, "actor": { "role": "customer", "id": "5" } });
    let call = call(Dialect::Whmcs, &["ClientDetailsValidation"], &[], &own.to_string());
    assert_eq!(one(&call).action, "customer.update");
    assert_eq!(one(&call).actor.unwrap().id, "5");
    let action = |vars| one(&before("ContactDetailsValidation", vars)).action;
    assert_eq!(action(json!({ "userid": 5 })), "contact.create");
    assert_eq!(action(json!({ "contactid": 7 })), "contact.update");
}

#[test]
fn the_two_halves_of_a_name_are_put_together() {
    let call =
        after("ClientAdd", json!({ "client_id": 9, "firstname": "Ada", "lastname": "Example" }));
    let params = params(&call);
    assert_eq!(params["contact"], "Ada Example");
    assert_eq!((&params["firstname"], &params["lastname"]), (&json!("Ada"), &json!("Example")));
    assert_eq!(one(&call).object, Some(ObjectRef { kind: "customer".into(), id: "9".into() }));
}

#[test]
fn old_values_stand_apart() {
    let call = after(
        "ClientEdit",
        json!({ "userid": 5, "email": "b@x.example", "olddata": { "email": "a@x.example" } }),
    );
    let hook = one(&call);
    assert_eq!(hook.old.get("email"), Some(&Value::Text("a@x.example".into())));
    assert_eq!(hook.params.get("email"), Some(&Value::Text("b@x.example".into())));
    assert!(hook.params.get("olddata").is_none());
}

#[test]
fn bytes_that_are_no_text_are_kept_beside_it() {
    let hook = one(&before(
        "PreModuleCreate",
        json!({ "params": { "username": { "$bytes": "Q2Fm6Q==" } } }),
    ));
    assert_eq!(hook.params.get("login"), Some(&Value::Text("Caf\u{fffd}".into())));
    assert_eq!(hook.attributes.get("bytes.username").map(String::as_str), Some("Q2Fm6Q=="));
}

#[test]
fn a_secret_shows_nowhere() {
    let call = before(
        "PreModuleCreate",
        json!({
            "params": {
                "password": { "$secret": "canary" }, "serverpassword": "canary", "serveraccesshash": { "$secret": "canary" },
                "clientsdetails": { "password": "canary", "security": { "$secret": "canary" } },
            },
            "token": "canary",
        }),
    );
    let hooks = hooks(&call).unwrap();
    assert!(!format!("{hooks:?}").contains("canary"), "{hooks:?}");
}

#[test]
fn what_is_no_document_is_said_without_a_word_of_it() {
    for document in
        ["", "canary", "{\"phase\":\"canary\"}", "{\"phase\":\"before\",\"canary\":1}", "[]"]
    {
        let error = hooks(&call(Dialect::Whmcs, &["PreModuleCreate"], &[], document))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("standard input is not what it must be"), "{error}");
        assert!(!error.contains("canary"), "{error}");
        let call = call(Dialect::Whmcs, &["PreModuleCreate"], &[], document);
        assert_eq!(returned(&call, &[denied("No")]), Json::Null);
    }
    let other = "{\"phase\":\"before\",\"point\":\"EmailPreSend\"}";
    let other = hooks(&call(Dialect::Whmcs, &["PreModuleCreate"], &[], other)).unwrap_err();
    assert!(other.to_string().ends_with("it is about something else than the argument"));
    let missing = call(Dialect::Whmcs, &[], &[], "{\"phase\":\"before\"}");
    assert_eq!(hooks(&missing).unwrap_err().to_string(), "the call has no argument `<point>`");
}

#[test]
fn every_point_of_the_catalogue_is_in_a_phase_of_its_action() {
    for action in catalogue().actions() {
        let Some(native) = action.panels.get("whmcs") else { continue };
        let phases: Vec<Phase> = native
            .phases
            .iter()
            .map(|native| if *native == NativePhase::Before { Phase::Before } else { Phase::After })
            .collect();
        let names: Vec<&String> = native.names.iter().chain(&native.unverified).collect();
        for name in &names {
            assert!(phases.contains(&phase(name)), "{name} of {}", action.name);
        }
        for phase in phases {
            let has = names.iter().any(|name| super::phase(name) == phase);
            assert!(has || names.is_empty(), "{} has nothing {phase}", action.name);
        }
    }
}

#[test]
fn the_answer_uses_no_power_that_the_panel_does_not_heed() {
    let points = FAMILIES.iter().map(|(points, _)| match points {
        Is(name) | Begins(name) | Ends(name) => *name,
    });
    for point in points {
        let call = before(point, json!({ "a": 1 }));
        let powers = crate::bridge::powers(&call);
        for (power, answer) in
            [(Power::Deny, denied("No")), (Power::Alter, altered("html", json!("x")))]
        {
            let heeded = returned(&call, &[answer]) != Json::Null;
            assert_eq!(heeded, powers.contains(&power), "{point} {power}");
        }
    }
}
