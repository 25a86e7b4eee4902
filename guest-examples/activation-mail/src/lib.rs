//! Takes the sending of activation mails over from the panel.
//!
//! It skips the panel's own action and says what became of it. A real one would hand the mail to
//! a delivery service here; this one logs what it would send.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::log::{self, Level};
use palisade::core::{settings, types::Value};
use palisade::events::types::Skip;

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct ActivationMail;

impl Guest for ActivationMail {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let is_enabled = matches!(settings::get("enabled"), Some(Value::Boolean(true)));
        let Some(Value::Text(recipient)) = event.get("email").filter(|_| is_enabled) else {
            return Ok(Outcome::Proceed);
        };
        let Some(mail) = compose(&recipient, &text("sender")?) else {
            log::write(Level::Warn, "`email` is not an address; leaving it to the panel", &[]);
            return Ok(Outcome::Proceed);
        };
        let message = match event.dry_run() {
            true => "a rehearsal; would not send",
            false => "would send",
        };
        log::write(Level::Info, message, &mail);
        let reason = "the activation mail is sent by `activation-mail`".into();
        Ok(Outcome::Skip(Skip { reason, result: Some(r#"{"sent":true}"#.into()) }))
    }
}

export!(ActivationMail);

/// Reads a setting that is a text.
fn text(name: &str) -> Result<String, Failure> {
    match settings::get(name) {
        Some(Value::Text(text)) => Ok(text),
        other => Err(Failure::Misconfigured(format!("`{name}` is not a text but {other:?}"))),
    }
}

/// The mail, as fields for the log; `None` if the recipient is not an address.
///
/// The address itself is personal and stays out of the log but for its domain.
fn compose(recipient: &str, sender: &str) -> Option<Vec<(String, String)>> {
    let (name, domain) = recipient.rsplit_once('@')?;
    if name.is_empty() || domain.is_empty() {
        return None;
    }
    Some(vec![
        ("from".into(), sender.into()),
        ("to.domain".into(), domain.to_lowercase()),
        ("subject".into(), "Activate your account".into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_names_the_domain_but_not_the_person() {
        let mail = compose("ada@Shop.example", "panel@provider.example").unwrap();

        assert_eq!(mail[1], ("to.domain".into(), "shop.example".into()));
        assert!(!format!("{mail:?}").contains("ada"));
    }

    #[test]
    fn recipient_without_a_domain_is_no_address() {
        assert_eq!(compose("ada@", "panel@provider.example"), None);
    }

    #[test]
    fn recipient_without_an_at_sign_is_no_address() {
        assert_eq!(compose("ada", "panel@provider.example"), None);
    }
}
