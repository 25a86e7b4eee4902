//! Virtualmin's commands before and after a change: `palisade-hook virtualmin pre|post [alias|reseller]`.
//!
//! The values stand in variables. `VIRTUALSERVER_` begins those of the domain as it is: before a change the wanted
//! ones begin with `VIRTUALSERVER_NEWSERVER_`, after it those that it had with `VIRTUALSERVER_OLDSERVER_`. Some
//! changes have neither, so that only the argument says the phase. The commands for aliases of mail and for resellers
//! have variables of their own; the panel never clears those, so that the argument says which command it is, too.
//! Nor does it clear those of the domain that is an alias of another one (`ALIAS_VIRTUALSERVER_`), which are not read.

use super::refusal::refusal;
use super::{Answer, BridgeError, Printed, Said, Translated, fields};
use crate::hook::catalogue::{Action, catalogue};
use crate::hook::{ObjectRef, Params, Phase, Power, Value};

/// What the variables of a domain begin with, and within them those of its wanted and of its former values.
const DOMAIN: &str = "VIRTUALSERVER_";
const NEW: &str = "NEWSERVER_";
const OLD: &str = "OLDSERVER_";
/// Variables of a reseller, with what the same is called of a domain.
const RESELLER: [(&str, &str); 3] =
    [("RESELLER_NAME", "USER"), ("RESELLER_EMAIL", "EMAILTO"), ("RESELLER_DESC", "OWNER")];

/// Which of the panel's commands it is.
enum Command {
    Domain,
    Alias,
    Reseller,
}

/// Translates one call.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let phase = phase(said)?;
    let named = |native: &str| catalogue().by_native(said.call.dialect.name(), native, None);
    let new = |native: &str| {
        let name = fields::action_name(said.call.dialect, named(native), native)?;
        Ok::<_, BridgeError>(Translated::new(phase, name, native))
    };
    let native = |variable| said.variable(variable).ok_or(BridgeError::MissingVariable(variable));
    let native = match command(said)? {
        Command::Alias => {
            let native = native("ALIAS_ACTION")?;
            return Ok(Translated { params: alias(said, named(native)), ..new(native)? });
        }
        Command::Reseller => {
            let native = native("RESELLER_ACTION")?;
            return Ok(Translated { params: reseller(said, named(native)), ..new(native)? });
        }
        Command::Domain => native("VIRTUALSERVER_ACTION")?,
    };
    let action = named(native);
    let mut translated = new(native)?;
    let current = domain(said, action);
    let other = said.with_prefix(match phase {
        Phase::Before => "VIRTUALSERVER_NEWSERVER_",
        Phase::After => "VIRTUALSERVER_OLDSERVER_",
    });
    let other = (!other.is_empty()).then(|| fields::named(said.call.dialect, action, &other));
    (translated.params, translated.old) = match (phase, other) {
        (Phase::Before, Some(wanted)) => (wanted, current),
        (Phase::After, Some(former)) => (current, former),
        (_, None) => (current, Params::new()),
    };
    if let Some(parent) = said.variable("PARENT_VIRTUALSERVER_DOM").filter(|dom| dom.len() < 512) {
        translated.attributes.insert("parent.domain".to_owned(), parent.to_owned());
    }
    translated.object = object(said, phase, action);
    Ok(translated)
}

/// Returns what the panel shows, and whether it goes on.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let is_before = phase(said).is_ok_and(|phase| phase == Phase::Before);
    match refusal(said.call.dialect, answers).filter(|_| is_before) {
        Some(line) => Printed::failure(format!("{line}\n")),
        None => Printed::nothing(),
    }
}

/// Returns the powers that the panel heeds: before a change the command can refuse it.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    match phase(said) {
        Ok(Phase::Before) => &[Power::Deny],
        Ok(Phase::After) | Err(_) => &[],
    }
}

fn phase(said: &Said<'_>) -> Result<Phase, BridgeError> {
    match said.argument(0).as_deref() {
        Some("pre") => Ok(Phase::Before),
        Some("post") => Ok(Phase::After),
        Some(word) => Err(BridgeError::UnknownArgument(word.to_owned())),
        None => Err(BridgeError::MissingArgument("pre|post")),
    }
}

fn command(said: &Said<'_>) -> Result<Command, BridgeError> {
    match said.argument(1).as_deref() {
        Some("alias") => Ok(Command::Alias),
        Some("reseller") => Ok(Command::Reseller),
        Some(word) => Err(BridgeError::UnknownArgument(word.to_owned())),
        // Outside of a change of a domain there is no doubt.
        None if said.variable("VIRTUALSERVER_ACTION").is_some() => Ok(Command::Domain),
        None if said.variable("ALIAS_ACTION").is_some() => Ok(Command::Alias),
        None if said.variable("RESELLER_ACTION").is_some() => Ok(Command::Reseller),
        None => Ok(Command::Domain),
    }
}

/// The domain as it is, with the name of the reseller that it belongs to.
fn domain(said: &Said<'_>, action: Option<&Action>) -> Params {
    let mut current = said.with_prefix(DOMAIN);
    current.retain(|(key, _)| *key != "ACTION" && !key.starts_with(NEW) && !key.starts_with(OLD));
    if let Some(name) = said.variable("RESELLER_NAME") {
        current.push(("RESELLER_NAME", name));
    }
    fields::named(said.call.dialect, action, &current)
}

/// An alias of mail.
fn alias(said: &Said<'_>, action: Option<&Action>) -> Params {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut sent = Vec::new();
    if let Some(from) = said.variable("ALIAS_FROM") {
        sent.push(("ALIAS_FROM".to_owned(), text(from)));
        if let Some((_, domain)) = from.rsplit_once('@') {
            sent.push(("DOM".to_owned(), text(domain)));
        }
    }
    if let Some(to) = said.variable("ALIAS_TO") {
        // Programs with arguments are among them: only the comma separates.
        let to = to.split(',').map(str::trim).filter(|to| !to.is_empty());
        sent.push(("ALIAS_TO".to_owned(), Value::Texts(to.map(str::to_owned).collect())));
    }
    if let Some(comment) = said.variable("ALIAS_CMT") {
        sent.push(("comment".to_owned(), text(comment)));
    }
    fields::named_values(said.call.dialect, action, sent)
}

/// A reseller.
fn reseller(said: &Said<'_>, action: Option<&Action>) -> Params {
    let named =
        RESELLER.iter().filter_map(|(variable, key)| Some((*key, said.variable(variable)?)));
    let rest = said.with_prefix("RESELLER_").into_iter().filter(|(key, _)| {
        *key != "ACTION"
            && !RESELLER.iter().any(|(variable, _)| variable.strip_prefix("RESELLER_") == Some(key))
    });
    fields::named(said.call.dialect, action, &named.chain(rest).collect::<Vec<_>>())
}

/// The domain by its number, if it exists.
fn object(said: &Said<'_>, phase: Phase, action: Option<&Action>) -> Option<ObjectRef> {
    let action = action?;
    let creates = action.name.ends_with(".create") && phase == Phase::Before;
    let kind = action.name.split('.').next().filter(|_| !creates)?;
    Some(ObjectRef { kind: kind.to_owned(), id: said.variable("VIRTUALSERVER_ID")?.to_owned() })
}

#[cfg(test)]
mod tests;
