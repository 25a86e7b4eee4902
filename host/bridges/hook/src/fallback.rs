//! What a panel is told when there is no answer of the host.

use serde::{Deserialize, Serialize};

use crate::{Dialect, PanelCall, Printed, Raw, write};

/// Characters of a line that a person reads in a panel.
pub(crate) const LINE: usize = 200;

/// What becomes of an action when the host gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It goes on.
    #[default]
    Proceed,
    /// It is refused, where the panel lets a script refuse.
    Deny,
}

/// Returns what the panel is to read of a call that the host did not answer. It is always valid for the panel: what
/// only looks, or has happened already, goes on; what `on_failure` denies gets `message`.
pub fn fallback(call: &PanelCall, on_failure: OnFailure, message: &str) -> Printed {
    let denies = on_failure == OnFailure::Deny && call.is_before();
    match call.dialect {
        Dialect::Plesk | Dialect::Hestia => Printed::nothing(),
        Dialect::Coremanager | Dialect::Billmanager => coremanager(call, denies, message),
        Dialect::Cpanel if call.arguments.first().is_some_and(|first| first.0 == b"--describe") => {
            Printed::failure("[]\n")
        }
        Dialect::Cpanel if denies => {
            Printed::text(format!("0 BAILOUT {}\n", write::one_line(message, LINE)))
        }
        Dialect::Cpanel => Printed::text("1 ok\n"),
        Dialect::Directadmin | Dialect::Virtualmin if denies => {
            Printed::failure(format!("{}\n", write::one_line(message, LINE)))
        }
        Dialect::Directadmin | Dialect::Virtualmin => Printed::nothing(),
        // A provider that cannot be asked has no answer, whatever the operator chose.
        Dialect::Bitrix => json(&serde_json::json!({ "error": 1, "error_message": message })),
        Dialect::Whmcs | Dialect::Ispconfig | Dialect::Generic if denies => {
            json(&serde_json::json!({
                "verdict": "deny",
                "problems": [{ "code": "host.failed", "field": null, "message": message }],
            }))
        }
        Dialect::Whmcs | Dialect::Ispconfig | Dialect::Generic => {
            json(&serde_json::json!({ "verdict": "proceed" }))
        }
    }
}

fn json(document: &serde_json::Value) -> Printed {
    Printed::text(format!("{document}\n"))
}

fn coremanager(call: &PanelCall, denies: bool, message: &str) -> Printed {
    if call.arguments.first().is_none_or(|phase| phase.0 != b"before") {
        return Printed::text(echo(&call.stdin));
    }
    // Without `sok` a form is only shown.
    let shows = call.variable("PARAM_sok").is_none()
        && call
            .variable("PARAM_func")
            .is_some_and(|function| function.ends_with(".edit") || function.ends_with(".add"));
    match denies && !shows {
        true => Printed::text(write::xml_error("policy", message)),
        false => Printed::text(write::xml_document("")),
    }
}

/// The document as it came, for an empty one would blank the page; an empty one if what came is none.
pub(crate) fn echo(document: &Raw) -> Raw {
    match is_whole(&document.0) {
        true => document.clone(),
        false => write::xml_document("").into(),
    }
}

/// Whether this is an XML document with a root `doc` that ends.
pub(crate) fn is_whole(document: &[u8]) -> bool {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document).trim_ascii();
    let last = document.iter().rposition(|&byte| byte == b'<').map(|at| document.split_at(at).1);
    document.starts_with(b"<")
        && last.is_some_and(|tag| {
            tag.starts_with(b"</doc") && tag.ends_with(b">")
                || tag.starts_with(b"<doc") && tag.ends_with(b"/>")
        })
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;

    fn call(dialect: Dialect, arguments: &[&str], env: &[(&str, &str)], stdin: &str) -> PanelCall {
        PanelCall {
            dialect,
            arguments: arguments.iter().map(|&argument| argument.into()).collect(),
            env: env.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect(),
            stdin: stdin.into(),
        }
    }

    /// What is printed, and the exit status, when the host is away: with `proceed`, and with `deny`.
    fn both(call: &PanelCall) -> [(String, u8); 2] {
        [OnFailure::Proceed, OnFailure::Deny].map(|on_failure| {
            let printed = fallback(call, on_failure, "The host is\naway <1>");
            (printed.stdout.text().into_owned(), printed.status)
        })
    }

    fn same(text: &str) -> [(String, u8); 2] {
        [(text.to_owned(), 0), (text.to_owned(), 0)]
    }

    #[test]
    fn who_only_observes_prints_nothing() {
        assert_eq!(both(&call(Dialect::Plesk, &["client_create"], &[], "")), same(""));
        assert_eq!(both(&call(Dialect::Hestia, &["le_pre", "a"], &[], "")), same(""));
        assert_eq!(both(&call(Dialect::Directadmin, &["user_create_post"], &[], "")), same(""));
        assert_eq!(both(&call(Dialect::Virtualmin, &["post"], &[], "")), same(""));
    }

    #[test]
    fn coremanager_gets_a_document() {
        let doc = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc/>";
        let change = [("PARAM_func", "user.edit"), ("PARAM_sok", "ok")];
        let denied = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc><error type=\"palisade\" \
            object=\"policy\" lang=\"en\"><msg>The host is\naway &lt;1&gt;</msg></error></doc>";
        assert_eq!(
            both(&call(Dialect::Coremanager, &["before", "cgi"], &change, "")),
            [(doc.to_owned(), 0), (denied.to_owned(), 0)]
        );
        let view = [("PARAM_func", "user.edit"), ("PARAM_sok", "")];
        assert_eq!(both(&call(Dialect::Coremanager, &["before", "xml"], &view, "")), same(doc));
        assert_eq!(both(&call(Dialect::Billmanager, &["after", "cgi"], &change, "")), same(doc));
        assert_eq!(both(&call(Dialect::Billmanager, &["after", "xml"], &change, "")), same(doc));
    }

    #[test]
    fn coremanager_gets_its_document_back_byte_for_byte() {
        for whole in [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><doc lang=\"en\"><ok/></doc>\n",
            "\u{feff}<doc/>",
            " <doc>\r\n</doc > ",
        ] {
            assert_eq!(
                both(&call(Dialect::Coremanager, &["after", "xml"], &[], whole)),
                same(whole)
            );
        }
        let doc = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc/>";
        for part in ["<doc><ok/>", "text", "", "<", "<doc><a></do", "<doc>x"] {
            assert_eq!(both(&call(Dialect::Coremanager, &["after", "xml"], &[], part)), same(doc));
        }
    }

    #[test]
    fn bytes_that_are_no_text_come_back_too() {
        let mut after = call(Dialect::Coremanager, &["after", "xml"], &[], "");
        after.stdin = Raw(b"<doc>\xff\xfe</doc>".to_vec());
        assert_eq!(fallback(&after, OnFailure::Deny, "x").stdout, after.stdin);
    }

    #[test]
    fn cpanel_gets_a_line() {
        let pre = call(Dialect::Cpanel, &[], &[], r#"{"context":{"stage":"pre"}}"#);
        let denied = ("0 BAILOUT The host is away <1>\n".to_owned(), 0);
        assert_eq!(both(&pre), [("1 ok\n".to_owned(), 0), denied]);
        let post = call(Dialect::Cpanel, &[], &[], r#"{"context":{"stage":"post"}}"#);
        assert_eq!(both(&post), same("1 ok\n"));
        let describe = call(Dialect::Cpanel, &["--describe"], &[], "");
        assert_eq!(both(&describe).map(|(_, status)| status), [1, 1]);
    }

    #[test]
    fn a_script_that_can_refuse_says_why_and_fails() {
        let denied = ("The host is away <1>\n".to_owned(), 1);
        for call in [
            call(Dialect::Directadmin, &["user_create_pre"], &[], ""),
            call(Dialect::Virtualmin, &["pre"], &[], ""),
        ] {
            assert_eq!(both(&call), [(String::new(), 0), denied.clone()]);
        }
    }

    #[test]
    fn a_provider_never_says_that_nothing_went_wrong() {
        let error = "{\"error\":1,\"error_message\":\"The host is\\naway <1>\"}\n";
        assert_eq!(both(&call(Dialect::Bitrix, &["x", "order", "7"], &[], "")), same(error));
    }

    #[test]
    fn others_get_json() {
        let before = call(Dialect::Generic, &[], &[], r#"{"phase":"before"}"#);
        let [proceed, deny] = both(&before);
        assert_eq!(proceed, ("{\"verdict\":\"proceed\"}\n".to_owned(), 0));
        assert!(deny.0.starts_with(r#"{"verdict":"deny","problems":[{"code":"host.failed""#));
        let _: IndexMap<String, serde_json::Value> = serde_json::from_str(&deny.0).unwrap();
    }
}
