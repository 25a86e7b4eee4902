//! The document that describes the API describes what there is.

use std::collections::BTreeSet;

use hyper::Method;
use palisade_tests::TestHost;
use serde_json::{Value, json};

use crate::guests;

async fn document() -> Value {
    TestHost::new().start().await.get("/v1/openapi.json").await
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, operation)| {
            (method.to_uppercase().parse().unwrap(), path.clone(), operation.clone())
        })
    });
    operations.collect()
}

#[tokio::test]
async fn it_is_openapi_3_1_of_this_version() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let info = json!({ "title": document["info"]["title"], "version": document["info"]["version"], "license": document["info"]["license"]["identifier"] });
    assert_eq!(
        info,
        json!({ "title": "Palisade", "version": env!("CARGO_PKG_VERSION"), "license": "Apache-2.0" })
    );
}

#[tokio::test]
async fn every_operation_is_described_and_has_a_name_of_its_own() {
    let document = document().await;
    let operations = operations(&document);
    let mut names = BTreeSet::new();
    for (method, path, operation) in &operations {
        let described = operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.'));
        assert!(described, "{method} {path} has no description");
        assert!(
            operation["tags"].as_array().is_some_and(|tags| tags.len() == 1),
            "{method} {path} has no tag"
        );
        assert!(
            names.insert(operation["operationId"].as_str().unwrap()),
            "{method} {path} has the name of another"
        );
        assert!(operation["responses"]["200"].is_object(), "{method} {path} has no answer");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["description"].is_string(),
                "{method} {path}: `{}` is not described",
                parameter["name"]
            );
        }
    }
    assert!(operations.len() >= 22, "{}", operations.len());
}

#[tokio::test]
async fn every_operation_is_there() {
    let host = TestHost::new().start().await;
    for (method, path, _) in operations(&host.get("/v1/openapi.json").await) {
        let real = path
            .replace("{action}", "custom.test")
            .replace("{id}", "nothing")
            .replace("{action_id}", "nothing")
            .replace("{extension}", "nothing")
            .replace("{page}", "nothing")
            .replace("{name}", "nothing")
            .replace("{place}", "menu.main");
        let answer = host.request(method.clone(), &real, "").await;
        let missing = answer.status == 405 || answer.text.contains("\"route.unknown\"");
        assert!(!missing, "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn every_reference_leads_to_a_schema_whose_members_are_described() {
    let document = document().await;
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.contains("/components/schemas/HookResponse"), "{references:?}");
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            // Of a member that may be absent, the description stands one level below.
            let described = property.to_string().contains("\"description\":");
            assert!(described, "`{member}` of `{name}` is not described: {property}");
        }
    }
}

/// The names of the members of an object.
fn members(json: &Value) -> BTreeSet<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The names of the members that a schema describes.
fn described<'a>(document: &'a Value, schema: &str) -> BTreeSet<&'a str> {
    members(&document["components"]["schemas"][schema]["properties"])
}

#[tokio::test]
async fn answers_have_the_members_that_are_described() {
    let host = guests::host("").await;
    let document = host.get("/v1/openapi.json").await;
    let params = json!({ "do": "alter:name=x", "address": "root@a.example" });
    let verdict = host.before("mailbox.create", json!({ "params": params })).await;
    assert_eq!(members(&verdict), described(&document, "HookResponse"));
    assert_eq!(members(&verdict["alterations"][0]), described(&document, "WireAlteration"));
    assert_eq!(members(&verdict["problems"][0]), described(&document, "WireProblem"));
    assert_eq!(members(&verdict["trace"][0]), described(&document, "WireTrace"));
    assert_eq!(members(&host.get("/v1/status").await), described(&document, "StatusResponse"));
    assert_eq!(members(&host.get("/v1/actions").await[0]), described(&document, "CatalogueAction"));
    assert_eq!(
        members(&host.get("/v1/extensions").await[0]),
        described(&document, "ExtensionSummary")
    );
    let extension = host.get("/v1/extensions/misbehaving").await;
    assert_eq!(members(&extension["handlers"][0]), described(&document, "HandlerDetail"));
    let refused = host.request(Method::GET, "/v1/extensions/misbehavin", "").await;
    assert_eq!(members(&refused.json()["error"]), described(&document, "ErrorDetail"));
}

#[tokio::test]
async fn requests_may_have_the_members_that_are_described_and_no_others() {
    let host = TestHost::new().start().await;
    let document = host.get("/v1/openapi.json").await;
    for (schema, path) in [
        ("BeforeRequest", "/v1/actions/custom.test/before"),
        ("AfterRequest", "/v1/actions/custom.test/after"),
        ("BatchRequest", "/v1/actions/custom.test/before/batch"),
    ] {
        let refused = host.request(Method::POST, path, "{\"nonsense\":1}").await;
        let message = refused.message();
        let known: BTreeSet<&str> =
            message.split('`').skip(1).step_by(2).filter(|name| *name != "nonsense").collect();
        assert_eq!(known, described(&document, schema), "{message}");
    }
}

#[tokio::test]
async fn the_security_of_tcp_is_described() {
    let document = document().await;
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document["security"], json!([{ "token": [] }]));
    assert_eq!(document["paths"]["/healthz"]["get"]["security"], json!([{}]));
}
