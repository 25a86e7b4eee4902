//! Forms of schemas, and the settings that come of them.

use super::*;

fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["from"],
        "properties": {
            "from": { "type": "string", "default": "root", "description": "the sender", "maxLength": 20 },
            "note": { "type": "string" },
            "max-quota": { "type": "integer", "minimum": 1, "default": 5 },
            "share": { "type": "number" },
            "strict": { "type": "boolean", "default": true },
            "colour": { "enum": ["red", "blue", 3] },
            "names": { "type": "array", "items": { "type": "string" }, "default": ["a"] },
            "api-key": { "type": "string", "writeOnly": true },
            "limits": {
                "type": "object", "additionalProperties": false,
                "properties": { "day": { "type": "integer" }, "deep": { "type": "object" } },
            },
            "other": { "type": "object" },
        },
    })
}

fn settings(json: Value) -> Settings {
    json.as_object().unwrap().clone()
}

fn sent(pairs: &[(&str, &str)]) -> Fields {
    Fields::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn taken(pairs: &[(&str, &str)], given: Value) -> Value {
    let (taken, wrong) = read(&fields(&schema()), &sent(pairs), &settings(given));
    assert_eq!(wrong, []);
    Value::Object(taken)
}

fn drawn(given: Value, entered: Option<&Fields>, wrong: &[Wrong]) -> String {
    let given = settings(given);
    draw(&fields(&schema()), &Shown { given: &given, entered, wrong }).into_string()
}

#[test]
fn each_type_has_its_field() {
    let drawn = drawn(json!({}), None, &[]);
    for part in [
        "type=\"text\" id=\"in-from\" name=\"in.from\" value=\"root\" maxlength=\"20\"",
        "type=\"number\" id=\"in-max-quota\" name=\"in.max-quota\" value=\"5\" step=\"1\" min=\"1\"",
        "type=\"checkbox\" id=\"in-strict\" name=\"in.strict\" value=\"true\" checked",
        "<option value=\"3\">3</option>",
        "type=\"password\" id=\"in-api-key\"",
        "<legend>Limits</legend>",
        "name=\"in.limits/day\"",
        "<textarea class=\"code\" id=\"in-other\"",
        "Max quota",
        "the sender",
    ] {
        assert!(drawn.contains(part), "{part} in {drawn}");
    }
}

#[test]
fn a_secret_is_never_in_the_form() {
    let drawn = drawn(json!({ "api-key": { "$secret": null } }), None, &[]);
    assert!(drawn.contains("kept as it is") && !drawn.contains("$secret"), "{drawn}");
    let entered = sent(&[("in.api-key", "canary")]);
    assert!(!self::drawn(json!({}), Some(&entered), &[]).contains("canary"));
}

#[test]
fn what_is_entered_becomes_settings_of_their_types() {
    let taken = taken(
        &[
            ("in.from", "me"),
            ("in.max-quota", " 7 "),
            ("in.share", "0.5"),
            ("in.strict", "false"),
            ("in.colour", "3"),
            ("in.names", "x\r\n\r\n y "),
            ("in.limits/day", "2"),
            ("in.other", "{\"a\":[1]}"),
        ],
        json!({}),
    );
    assert_eq!(
        taken,
        json!({
            "from": "me", "max-quota": 7, "share": 0.5, "strict": false, "colour": 3,
            "names": ["x", "y"], "limits": { "day": 2 }, "other": { "a": [1] },
        })
    );
}

#[test]
fn a_value_that_is_the_default_is_not_kept() {
    let defaults =
        [("in.from", "root"), ("in.max-quota", "5"), ("in.strict", "true"), ("in.names", "a")];
    assert_eq!(taken(&defaults, json!({ "from": "me" })), json!({}));
}

#[test]
fn an_empty_field_is_no_setting() {
    let empty = [("in.note", ""), ("in.share", ""), ("in.colour", ""), ("in.other", " ")];
    assert_eq!(taken(&empty, json!({ "note": "x", "share": 1.5 })), json!({}));
}

#[test]
fn a_secret_that_is_not_entered_stays() {
    let given = json!({ "api-key": { "$secret": null } });
    assert_eq!(taken(&[("in.api-key", "")], given.clone()), given);
    assert_eq!(taken(&[("in.api-key", "new")], given.clone()), json!({ "api-key": "new" }));
    let forgotten = [("in.api-key", ""), ("forget.api-key", "true")];
    assert_eq!(taken(&forgotten, given), json!({}));
    assert_eq!(taken(&[("in.api-key", "")], json!({})), json!({}));
}

#[test]
fn what_is_no_value_is_a_problem_at_its_field() {
    let entered = sent(&[
        ("in.max-quota", "five"),
        ("in.share", "NaN"),
        ("in.colour", "green"),
        ("in.limits/day", "1.5"),
        ("in.other", "{"),
    ]);
    let (_, wrong) = read(&fields(&schema()), &entered, &Settings::new());
    let at: Vec<&str> = wrong.iter().map(|wrong| wrong.at.as_str()).collect();
    assert_eq!(at, ["max-quota", "share", "colour", "limits/day", "other"]);
    let drawn = drawn(json!({}), Some(&entered), &wrong);
    assert!(drawn.contains("value=\"five\"") && drawn.contains("must be a whole number"));
    assert_eq!(drawn.matches("aria-invalid=\"true\"").count(), 5);
}

#[test]
fn a_problem_within_a_list_stands_at_the_list() {
    let wrong = [Wrong { at: "names/1".into(), message: "too long".into() }];
    let drawn = drawn(json!({}), None, &wrong);
    assert!(drawn.contains("id=\"in-names-wrong\">too long"), "{drawn}");
}

#[test]
fn what_concerns_all_settings_stands_above_them() {
    let wrong = [Wrong { at: String::new(), message: "too many".into() }];
    assert!(drawn(json!({}), None, &wrong).contains("too many"));
}

#[test]
fn an_object_with_members_of_any_name_is_entered_as_json() {
    let open = json!({ "properties": { "map": { "type": "object", "properties": { "a": {} } } } });
    assert_eq!(fields(&open)[0].kind, Kind::Json);
}
