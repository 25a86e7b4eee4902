//! HestiaCP's hook scripts: `palisade-hook hestia <script> [argument]...`, or a link in the directory of hooks.
//!
//! The values are arguments. The panel heeds neither what a script prints nor how it ends, so that handlers observe.

use super::{BridgeError, Said, Translated, fields};
use crate::hook::catalogue::catalogue;
use crate::hook::{Phase, Value};

/// The arguments of the scripts around a certificate of Let's Encrypt, by the fields that they are.
const CERTIFICATE: &[&str] = &["owner", "domain", "aliases", "mail"];
/// The arguments of the scripts about domains of mail.
const MAIL_DOMAIN: &[&str] = &["owner", "name"];

/// Translates one call.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let script = said.argument(0).ok_or(BridgeError::MissingArgument("<script>"))?;
    let script = script.strip_suffix(".sh").unwrap_or(&script);
    let phase = phase(script).ok_or_else(|| BridgeError::UnknownArgument(script.to_owned()))?;
    let dialect = said.call.dialect;
    let action = catalogue().by_native(dialect.name(), script, None);
    let name = fields::action_name(dialect, action, script)?;
    let arguments = |place: usize| said.call.arguments.get(place).map(|raw| raw.text());
    let sent = keys(script).iter().zip(1..).filter_map(|(key, place)| {
        let text = arguments(place)?.into_owned();
        let value = match *key {
            // It is empty for a domain of the web.
            "mail" => Value::Boolean(!matches!(text.as_str(), "" | "no")),
            _ => Value::Text(text),
        };
        Some(((*key).to_owned(), value))
    });
    let params = fields::named_values(dialect, action, sent.collect());
    Ok(Translated { params, ..Translated::new(phase, name, script) })
}

/// When a script runs, by its name without `.sh`; nothing for a command that has to be wrapped.
pub(super) fn phase(script: &str) -> Option<Phase> {
    match script {
        "le_pre" | "pre_install" => Some(Phase::Before),
        "le_post" | "post_install" | "add-mail-domain" | "delete-mail-domain" => Some(Phase::After),
        _ => None,
    }
}

/// What the arguments of a script are.
fn keys(script: &str) -> &'static [&'static str] {
    match script {
        "le_pre" | "le_post" => CERTIFICATE,
        "add-mail-domain" | "delete-mail-domain" => MAIL_DOMAIN,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, denied, hooks, one};
    use crate::bridge::{Dialect, Printed, answer, powers};
    use crate::hook::Phase;

    fn hestia(arguments: &[&str]) -> (Phase, String, String) {
        let hook = one(&call(Dialect::Hestia, arguments, &[], ""));
        (hook.phase, hook.action.clone(), serde_json::to_string(&hook.params).unwrap())
    }

    #[test]
    fn v13_a_certificate_is_about_to_be_issued() {
        let (phase, action, params) =
            hestia(&["le_pre", "admin", "example.com", "www.example.com", ""]);
        assert_eq!((phase, action.as_str()), (Phase::Before, "ssl.issue"));
        assert_eq!(
            params,
            r#"{"owner":"admin","domain":"example.com","aliases":["www.example.com"],"mail":false}"#
        );
    }

    #[test]
    fn v13_no_verdict_prints_anything() {
        let call = call(Dialect::Hestia, &["le_pre", "admin", "example.com", "", ""], &[], "");
        assert_eq!(answer(&call, &[denied("No")]), Printed::nothing());
        assert!(powers(&call).is_empty());
    }

    #[test]
    fn the_name_of_the_script_says_the_phase() {
        let (phase, action, params) = hestia(&["le_post", "admin", "a.example", "", "yes"]);
        assert_eq!((phase, action.as_str()), (Phase::After, "ssl.issue"));
        assert!(params.ends_with(r#""aliases":[],"mail":true}"#), "{params}");
        assert_eq!(hestia(&["pre_install"]).1, "panel.update");
        assert_eq!(hestia(&["post_install.sh"]).0, Phase::After);
    }

    #[test]
    fn domains_of_mail_are_observed() {
        let (phase, action, params) = hestia(&["add-mail-domain", "admin", "example.com"]);
        assert_eq!((phase, action.as_str()), (Phase::After, "mail.domain.enable"));
        assert_eq!(params, r#"{"owner":"admin","name":"example.com"}"#);
        assert_eq!(hestia(&["delete-mail-domain", "admin"]).1, "mail.domain.disable");
    }

    #[test]
    fn a_script_that_is_none_is_refused() {
        let error = |arguments: &[&str]| {
            hooks(&call(Dialect::Hestia, arguments, &[], "")).unwrap_err().to_string()
        };
        assert_eq!(error(&[]), "the call has no argument `<script>`");
        assert_eq!(
            error(&["v-add-user", "x"]),
            "the call has an argument that the dialect does not know: `v-add-user`"
        );
    }
}
