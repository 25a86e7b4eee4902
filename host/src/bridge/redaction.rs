//! Calls of panels without what is secret, so that they can be kept and shown.
//!
//! What has a name that says so is secret: a variable, a member of a JSON document, an element or attribute of an XML
//! one, a key of a form. Its value is taken out of everything else, too. What cannot be read is not kept.

use std::collections::HashSet;

use indexmap::IndexMap;
use palisade_hook::Stdin;
use quick_xml::events::{BytesStart, BytesText, Event};
use serde_json::Value as Json;

use super::{Dialect, PRIVATE_KEY, PanelCall, Raw, fields};
use crate::capability::{Cut, Known};
use crate::hook::catalogue::catalogue;
use crate::hook::looks_secret;

/// What stands in place of a secret.
pub const REDACTED: &str = "<redacted>";
/// Bytes of a secret below which it is not looked for elsewhere: it would be found in everything.
const LEAST: usize = 4;
/// Names of panels that say by themselves that their value is secret, beyond those that always do. The first is a
/// repeated password.
const NAMES: [&str; 12] = [
    "confirm",
    "auth",
    "authinfo",
    "pass",
    "pwd",
    "pw",
    "session",
    "session_id",
    "sessid",
    "sid",
    "key",
    "hash",
];

/// A call as it can be kept.
pub fn redacted(call: &PanelCall) -> PanelCall {
    let mut redaction = Redaction { names: secret_names(call.dialect), found: Vec::new() };
    // What the dialect does not read is none of its business: sessions are among it.
    let env = call.env.iter().filter(|(name, _)| call.dialect.wants(name));
    let env: IndexMap<String, Raw> =
        env.map(|(name, value)| (name.clone(), redaction.variable(name, value))).collect();
    let stdin = redaction.document(call.dialect.stdin(&call.arguments), &call.stdin);
    let kept = PanelCall { dialect: call.dialect, arguments: call.arguments.clone(), env, stdin };
    without(kept, &redaction.found)
}

/// Takes what was found to be secret out of everything that is left.
fn without(mut call: PanelCall, found: &[Vec<u8>]) -> PanelCall {
    let mut known = Known::default();
    let secrets = found.iter().map(Vec::as_slice).filter(|secret| secret.len() >= LEAST);
    if known.add(secrets).is_err() {
        // More than can be looked for: only the names are left.
        call.arguments.truncate(1);
        call.env.values_mut().for_each(|value| *value = REDACTED.into());
        call.stdin = REDACTED.into();
        return call;
    }
    let left = call.arguments.iter_mut().chain(call.env.values_mut()).chain([&mut call.stdin]);
    left.for_each(|raw| known.take_out_of_output(&mut raw.0, Cut::No));
    call
}

/// The panel's names, in lower case, of what the catalogue calls secret.
fn secret_names(dialect: Dialect) -> HashSet<String> {
    let panel = fields::panel(dialect);
    let fields = catalogue().actions().flat_map(|action| &action.fields);
    let names = fields.filter(|field| field.secret).flat_map(|field| {
        let own = field.native.get(panel).into_iter().flatten().map(String::as_str);
        own.chain([field.short()])
    });
    names.chain(NAMES).map(str::to_lowercase).collect()
}

struct Redaction {
    names: HashSet<String>,
    /// The values that were taken out.
    found: Vec<Vec<u8>>,
}

impl Redaction {
    /// Whether a name says that its value is secret: all of it, or what stands behind its last separator.
    fn is_secret(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let last = name.rsplit(['_', '.', ':', '-']).next().unwrap_or(&name);
        let without_prefix = name.split_once('_').map_or(name.as_str(), |(_, rest)| rest);
        looks_secret(&name)
            || [name.as_str(), last, without_prefix].iter().any(|part| self.names.contains(*part))
    }

    fn take(&mut self, value: &[u8]) {
        if !value.is_empty() {
            self.found.push(value.to_vec());
        }
    }

    fn variable(&mut self, name: &str, value: &Raw) -> Raw {
        if value.is_empty() {
            return value.clone();
        }
        if self.is_secret(name) {
            self.take(&value.0);
            return REDACTED.into();
        }
        match self.text(&value.text()) {
            Some(text) => text.into(),
            None => value.clone(),
        }
    }

    /// A text without secrets, if it is itself a document or a form with some in it.
    fn text(&mut self, text: &str) -> Option<String> {
        // A certificate and its key often share a field.
        if text.contains(PRIVATE_KEY) {
            self.take(text.as_bytes());
            return Some(REDACTED.to_owned());
        }
        if text.starts_with(['{', '['])
            && let Ok(mut json) = serde_json::from_str::<Json>(text)
        {
            let before = self.found.len();
            self.json(&mut json);
            return (self.found.len() > before).then(|| json.to_string());
        }
        let mut secret = Vec::new();
        for (key, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if !value.is_empty() && self.is_secret(&key) {
                secret.push(value.into_owned());
            }
        }
        let has_secret = !secret.is_empty();
        secret.iter().for_each(|value| self.take(value.as_bytes()));
        has_secret.then(|| REDACTED.to_owned())
    }

    fn document(&mut self, kind: Stdin, document: &Raw) -> Raw {
        if document.is_empty() {
            return document.clone();
        }
        let kept = match kind {
            Stdin::Nothing => None,
            Stdin::Json => serde_json::from_slice(&document.0).ok().map(|mut json| {
                self.json(&mut json);
                json.to_string().into_bytes()
            }),
            Stdin::Xml => self.xml(&document.0),
        };
        // What cannot be read may have anything in it.
        kept.map_or(REDACTED.into(), Raw)
    }

    fn json(&mut self, json: &mut Json) {
        match json {
            Json::Object(members) => {
                for (name, member) in members {
                    match self.is_secret(name) && !member.is_null() {
                        true => {
                            self.take_all(member);
                            *member = REDACTED.into();
                        }
                        false => self.json(member),
                    }
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::String(text) => {
                if let Some(kept) = self.text(text) {
                    *text = kept;
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    fn take_all(&mut self, json: &Json) {
        match json {
            Json::Object(members) => members.values().for_each(|member| self.take_all(member)),
            Json::Array(items) => items.iter().for_each(|item| self.take_all(item)),
            Json::String(text) => self.take(text.as_bytes()),
            Json::Number(number) => self.take(number.to_string().as_bytes()),
            Json::Null | Json::Bool(_) => {}
        }
    }

    /// A document with everything below secret elements taken out; `None` if it is no XML.
    fn xml(&mut self, document: &[u8]) -> Option<Vec<u8>> {
        let mut reader = quick_xml::Reader::from_reader(document);
        let mut writer = quick_xml::Writer::new(Vec::with_capacity(document.len()));
        // Elements that are open, and how many of them are secret or within one that is.
        let (mut open, mut secret) = (0_usize, 0_usize);
        let mut redacted_here = false;
        loop {
            match reader.read_event().ok()? {
                Event::Eof => break,
                Event::Start(start) => {
                    open += 1;
                    let is_secret = secret > 0 || self.is_secret_element(&start)?;
                    let kept = self.attributes(&start, is_secret)?;
                    writer.write_event(Event::Start(kept)).ok()?;
                    if is_secret {
                        secret += 1;
                        redacted_here = false;
                    }
                }
                Event::Empty(start) => {
                    let is_secret = secret > 0 || self.is_secret_element(&start)?;
                    let kept = self.attributes(&start, is_secret)?;
                    writer.write_event(Event::Empty(kept)).ok()?;
                }
                Event::End(end) => {
                    open = open.checked_sub(1)?;
                    secret = secret.saturating_sub(1);
                    writer.write_event(Event::End(end)).ok()?;
                }
                Event::Text(text) if secret > 0 => {
                    let text: &str = &text;
                    self.take(quick_xml::escape::unescape(text).ok()?.trim().as_bytes());
                    if !text.trim().is_empty() && !redacted_here {
                        redacted_here = true;
                        writer.write_event(Event::Text(BytesText::new(REDACTED))).ok()?;
                    }
                }
                Event::CData(data) if secret > 0 => {
                    self.take(data.trim().as_bytes());
                    writer.write_event(Event::Text(BytesText::new(REDACTED))).ok()?;
                }
                // A reference is a part of the text around it, of which nothing is left.
                Event::GeneralRef(_) if secret > 0 => {}
                // Beside the root there is no text.
                Event::Text(text) if open == 0 && !text.trim().is_empty() => return None,
                Event::Text(text) if text.contains(PRIVATE_KEY) => {
                    self.take(text.as_bytes());
                    writer.write_event(Event::Text(BytesText::new(REDACTED))).ok()?;
                }
                // Nobody needs what is written for people alone, and anything can be in it.
                Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
                other => writer.write_event(other).ok()?,
            }
        }
        (open == 0).then(|| writer.into_inner())
    }

    /// Whether an element is secret by its own name or by its attribute `name`, as fields of forms are.
    fn is_secret_element(&self, start: &BytesStart<'_>) -> Option<bool> {
        if self.is_secret(start.local_name().as_ref()) {
            return Some(true);
        }
        let named = start.try_get_attribute("name").ok()?;
        Some(named.is_some_and(|name| self.is_secret(&name.value)))
    }

    fn attributes(
        &mut self,
        start: &BytesStart<'_>,
        is_secret: bool,
    ) -> Option<BytesStart<'static>> {
        let mut kept = BytesStart::new(start.name().as_ref().to_owned());
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let name = attribute.key.as_ref();
            let value = quick_xml::escape::unescape(&attribute.value).ok()?.into_owned();
            let hides = self.is_secret(name) || (is_secret && name != "name" && name != "type");
            let value = match hides && !value.is_empty() {
                true => {
                    self.take(value.as_bytes());
                    REDACTED.to_owned()
                }
                false => self.text(&value).unwrap_or(value),
            };
            kept.push_attribute((name, value.as_str()));
        }
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::recorded_calls;
    use crate::bridge::tests::call;

    const CANARY: &str = "canary-7f3a&<\"'>é";

    fn shown(call: &PanelCall) -> String {
        let call = redacted(call);
        let all = [serde_json::to_string(&call).unwrap(), call.stdin.text().into_owned()].concat();
        assert!(!all.contains("canary") && !all.contains("7f3a"), "{all}");
        serde_json::to_string(&call).unwrap()
    }

    #[test]
    fn variables_with_passwords_are_taken_out_in_every_dialect() {
        let secret = [
            (Dialect::Plesk, "NEW_PASSWORD"),
            (Dialect::Plesk, "OLD_SYSTEM_USER_PASSWORD"),
            (Dialect::Coremanager, "PARAM_passwd"),
            (Dialect::Coremanager, "PARAM_confirm"),
            (Dialect::Coremanager, "PARAM_auth"),
            (Dialect::Billmanager, "PARAM_password"),
            (Dialect::Directadmin, "passwd"),
            (Dialect::Directadmin, "system_password"),
            (Dialect::Directadmin, "session_id"),
            (Dialect::Virtualmin, "VIRTUALSERVER_PASS"),
            (Dialect::Virtualmin, "VIRTUALSERVER_OLDSERVER_PASS"),
            (Dialect::Virtualmin, "VIRTUALSERVER_MYSQL_PASS"),
            (Dialect::Virtualmin, "RESELLER_PASS"),
        ];
        for (dialect, name) in secret {
            let shown = shown(&call(dialect, &["x"], &[(name, CANARY)], ""));
            assert!(shown.contains(&format!(r#""{name}":"<redacted>""#)), "{shown}");
        }
    }

    #[test]
    fn what_is_not_secret_stays_byte_for_byte() {
        let mut plain =
            call(Dialect::Plesk, &["client_update"], &[("NEW_EMAIL", "a=b&c"), ("OLD_X", "")], "");
        plain.env.insert("NEW_Y".into(), Raw(b"\xff".to_vec()));
        assert_eq!(redacted(&plain), plain);
        let json = r#"{"context":{"stage":"pre"},"data":{"user":"u","n":1.50,"list":["a",null]}}"#;
        let plain = call(Dialect::Cpanel, &[], &[], json);
        assert_eq!(redacted(&plain).stdin.text(), json.replace("1.50", "1.5"));
        let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc lang=\"en\"><a b=\"&amp;c\">x &lt; y</a><ok/></doc>\n";
        let plain = call(Dialect::Coremanager, &["after", "xml"], &[("PARAM_func", "a")], xml);
        assert_eq!(redacted(&plain).stdin.text(), xml);
    }

    #[test]
    fn variables_that_the_dialect_does_not_read_are_not_kept() {
        let env = [("HTTP_COOKIE", "canary"), ("QUERY_STRING", "canary"), ("PARAM_func", "a")];
        let kept = redacted(&call(Dialect::Coremanager, &["before", "cgi"], &env, ""));
        assert_eq!(kept.env.keys().collect::<Vec<_>>(), ["PARAM_func"]);
    }

    #[test]
    fn a_secret_is_taken_out_of_everything_else_too() {
        let env = [("PARAM_passwd", "canary/m1"), ("PARAM_note", "the password is canary/m1!")];
        let stdin = "<doc><text>Y2FuYXJ5L20x canary%2Fm1</text></doc>";
        let mut call = call(Dialect::Coremanager, &["after", "xml"], &env, stdin);
        call.arguments.push("--canary/m1".into());
        let kept = shown(&call);
        assert!(!kept.contains("Y2FuYXJ5L20x") && !kept.contains("%2Fm1"), "{kept}");
        assert!(kept.contains("the password is [secret]!"), "{kept}");
    }

    #[test]
    fn forms_in_variables_are_looked_through() {
        let env =
            [("A", "passwd=canary-7f3a&x=1"), ("value", r#"{"a":{"api_token":"canary-7f3a"}}"#)];
        let kept = shown(&call(Dialect::Directadmin, &["dns_write_post"], &env, ""));
        assert!(kept.contains(r#""A":"<redacted>""#), "{kept}");
        assert!(kept.contains(r#"api_token\":\"<redacted>"#), "{kept}");
    }

    #[test]
    fn members_of_json_are_taken_out_however_deep() {
        let json = serde_json::json!({
            "context": { "event": "Accounts::Create" },
            "data": {
                "pass": CANARY, "user": "u", "args": [{ "password": { "a": [CANARY] } }],
                "session_key": 73_737_373, "key_pem": CANARY, "Authinfo": CANARY, "new_password": null,
            },
        });
        for dialect in [Dialect::Cpanel, Dialect::Whmcs, Dialect::Ispconfig, Dialect::Generic] {
            let kept = shown(&call(dialect, &[], &[], &json.to_string()));
            assert!(kept.contains("Accounts::Create") && !kept.contains("73737373"), "{kept}");
            assert!(kept.contains(r#"\"new_password\":null"#), "{kept}");
        }
    }

    #[test]
    fn elements_and_attributes_of_xml_are_taken_out() {
        let escaped = palisade_hook::write::xml_escaped(CANARY);
        let places = [
            format!("<doc><passwd>{escaped}</passwd><a/></doc>"),
            format!(
                "<doc><list><elem><my_password><b x=\"{escaped}\">{escaped}</b> {escaped}</my_password></elem></list></doc>"
            ),
            format!("<doc password=\"{escaped}\"><ok/></doc>"),
            format!("<doc><param name=\"password\">{escaped}</param></doc>"),
            format!("<doc><field name=\"passwd\" value=\"{escaped}\"/></doc>"),
            format!("<doc><passwd><![CDATA[{CANARY}]]></passwd></doc>"),
            format!("<doc><!-- {CANARY} --><?x {CANARY}?><ok/></doc>"),
            format!("<doc><auth id=\"{escaped}\">{escaped}</auth></doc>"),
            format!("<doc><passwd>{escaped}</passwd><other>{escaped}</other></doc>"),
        ];
        for place in places {
            let kept = redacted(&call(Dialect::Coremanager, &["after", "xml"], &[], &place));
            shown(&kept);
            assert!(kept.stdin.text().starts_with("<doc"), "{}", kept.stdin.text());
        }
    }

    #[test]
    fn private_keys_are_taken_out_whatever_their_field_is_called() {
        let key = format!("-----BEGIN EC {PRIVATE_KEY}\ncanary\n-----END");
        let env = [("PARAM_certificate", &*key), ("PARAM_func", "sslcert.edit")];
        let stdin = format!("<doc><text>{key}</text></doc>");
        let form = redacted(&call(Dialect::Coremanager, &["after", "xml"], &env, &stdin));
        assert_eq!(form.env["PARAM_certificate"].text(), REDACTED);
        assert!(!form.stdin.text().contains("canary"), "{}", form.stdin.text());
    }

    #[test]
    fn what_cannot_be_read_is_not_kept() {
        for stdin in
            ["{\"pass\":\"canary", "canary", "<doc><passwd>canary", "<doc>canary</a></doc>"]
        {
            for (dialect, arguments) in
                [(Dialect::Cpanel, &[][..]), (Dialect::Coremanager, &["after", "xml"][..])]
            {
                let kept = redacted(&call(dialect, arguments, &[], stdin));
                assert_eq!(kept.stdin.text(), REDACTED, "{stdin}");
            }
        }
        // A dialect that reads no standard input has nothing there to keep.
        assert_eq!(redacted(&call(Dialect::Plesk, &["x"], &[], "canary")).stdin.text(), REDACTED);
    }

    #[test]
    fn with_more_secrets_than_can_be_looked_for_only_names_are_left() {
        let env: Vec<(String, String)> =
            (0..3_000).map(|n| (format!("NEW_PASSWORD_{n}"), format!("canary-{n:06}"))).collect();
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let mut many = call(Dialect::Plesk, &["x", "canary"], &env, "");
        many.env.insert("NEW_PLAIN".into(), "canary".into());
        let kept = redacted(&many);
        assert_eq!(kept.env.len(), 3_001);
        assert!(!serde_json::to_string(&kept).unwrap().contains("canary"));
    }

    #[test]
    fn the_recorded_day_keeps_no_password_and_can_still_be_read() {
        let day = recorded_calls(include_bytes!("../../../tests/fixtures/day.jsonl")).unwrap();
        for recorded in &day {
            let kept = redacted(&recorded.call);
            shown(&kept);
            assert!(crate::bridge::read(&kept).is_ok(), "{}", recorded.at);
        }
    }
}
