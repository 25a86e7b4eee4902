//! `palisade:provider/types`: the operation, read by the provider; and what providers answer, checked.

use std::collections::BTreeSet;
use std::time::Duration;

use wasmtime::component::Resource;

use super::value::{MAX_NAME_BYTES, take_in, take_message, take_name, take_text};
use super::{About, CallState, value};
use crate::bindings::core_types::Value as WitValue;
use crate::bindings::{catalogue, provider_types as wit};
use crate::hook::Value;
use crate::order::{
    Completed, OFFER, ORDER, Offer, Operation, Pending, Provides, Step, Stock, Token, check_id,
};

/// Offers that a provider may have.
const MAX_OFFERS: usize = 1_000;
/// Bytes of a token.
const MAX_TOKEN_BYTES: usize = 8 << 10;
/// The longest time that an order waits before its provider is asked again.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Fields and secrets that a finished operation leaves behind.
const MAX_SHOWN: usize = 64;
const MAX_SECRETS: usize = 16;
/// Bytes of both as they are kept: they are one value of the storage, the secrets sealed.
const MAX_SHOWN_BYTES: usize = 24 << 10;
const MAX_SECRET_BYTES: usize = 16 << 10;

/// What stands behind a guest's handle to the operation. A call has one at most, which is in its state.
pub struct OperationHandle;

impl wit::Host for CallState {}

impl CallState {
    /// The operation. A handler gets no handle to one, so it cannot ask.
    fn operation(&self) -> wasmtime::Result<&Operation> {
        match &self.about {
            About::Provider { operation: Some(operation), .. } => Ok(operation),
            _ => Err(wasmtime::format_err!("this call is about no operation")),
        }
    }
}

impl wit::HostOperation for CallState {
    fn id(&mut self, _: Resource<OperationHandle>) -> wasmtime::Result<String> {
        let id = self.operation()?.id.to_string();
        self.called(id.len())?;
        Ok(id)
    }

    fn name(&mut self, _: Resource<OperationHandle>) -> wasmtime::Result<String> {
        self.called(ORDER.len())?;
        Ok(ORDER.to_owned())
    }

    fn get(
        &mut self,
        _: Resource<OperationHandle>,
        name: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(name.len())?;
        let offer = &self.operation()?.offer;
        let found = (name == OFFER).then(|| Value::Text(offer.clone()));
        let (found, bytes) = value::hand_out(found.as_ref());
        self.handed_out(bytes);
        Ok(found)
    }

    fn time(&mut self, _: Resource<OperationHandle>) -> wasmtime::Result<u64> {
        self.called(0)?;
        Ok(self.operation()?.time_ms)
    }

    fn attempt(&mut self, _: Resource<OperationHandle>) -> wasmtime::Result<u32> {
        self.called(0)?;
        Ok(self.operation()?.attempt)
    }

    fn drop(&mut self, _: Resource<OperationHandle>) -> wasmtime::Result<()> {
        // The guest only borrows the operation.
        Ok(())
    }
}

/// Checks what a provider has on offer.
pub fn offers(answer: Vec<catalogue::Offer>) -> Result<Vec<Offer>, String> {
    if answer.len() > MAX_OFFERS {
        return Err(format!("it has {} offers, the limit is {MAX_OFFERS}", answer.len()));
    }
    let mut seen = BTreeSet::new();
    let take = |offer: catalogue::Offer| {
        check_id(&offer.id)?;
        if !seen.insert(offer.id.clone()) {
            return Err(format!("it offers `{}` twice", offer.id));
        }
        Ok(Offer {
            title: take_message("the title of an offer", offer.title)?,
            stock: if offer.available { Stock::Available } else { Stock::SoldOut },
            id: offer.id,
        })
    };
    answer.into_iter().map(take).collect()
}

/// Checks how far an operation has come.
pub fn step(answer: wit::Step, kind: Provides) -> Result<Step, String> {
    Ok(match answer {
        wit::Step::Done(completed) => Step::Done(take_completed(completed, kind)?),
        wit::Step::Pending(pending) => Step::Pending(take_pending(pending)?),
        wit::Step::Refused(reason) => Step::Refused(take_message("the reason", reason)?),
    })
}

fn take_pending(pending: wit::Pending) -> Result<Pending, String> {
    let percent = match pending.percent {
        Some(percent) if percent > 100 => return Err(format!("{percent} is no part of 100")),
        percent => percent,
    };
    let status = pending.status.map(|status| take_message("the status", status)).transpose()?;
    Ok(Pending {
        token: Token(take_text("the token", pending.token, MAX_TOKEN_BYTES)?),
        retry_after: Duration::from_millis(pending.retry_after_ms.into()).min(MAX_RETRY_AFTER),
        percent,
        status,
    })
}

fn take_completed(completed: wit::Completed, kind: Provides) -> Result<Completed, String> {
    let (shown, secrets) = (completed.shown.len(), completed.secrets.len());
    if shown > MAX_SHOWN || secrets > MAX_SECRETS {
        return Err(format!(
            "it leaves {shown} fields and {secrets} secrets behind, the limits are {MAX_SHOWN} and {MAX_SECRETS}"
        ));
    }
    let mut taken = Completed::default();
    for field in completed.shown {
        let name = take_name("the name of a field", field.name)?;
        let value = take_in(field.value)?;
        if let Some(_twice) = taken.0.insert(name.clone(), value) {
            return Err(format!("it leaves the field `{name}` behind twice"));
        }
    }
    check_bytes(
        "fields",
        serde_json::to_vec(&taken.0).map_or(usize::MAX, |json| json.len()),
        MAX_SHOWN_BYTES,
    )?;
    let bytes: usize =
        completed.secrets.iter().map(|(_, secret)| secret.len() + MAX_NAME_BYTES).sum();
    check_bytes("secrets", bytes, MAX_SECRET_BYTES)?;
    for (name, secret) in completed.secrets {
        let name = take_name("the name of a secret", name)?;
        let value = match String::from_utf8(secret) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Bytes(error.into_bytes()),
        };
        if let Some(_twice) = taken.0.insert(name.clone(), value.sealed()) {
            return Err(format!("it leaves the field `{name}` behind twice"));
        }
    }
    match kind.missing(&taken) {
        Some(field) => Err(format!("it finished without the field `{field}`")),
        None => Ok(taken),
    }
}

fn check_bytes(what: &str, bytes: usize, limit: usize) -> Result<(), String> {
    match bytes > limit {
        true => Err(format!("its {what} have {bytes} bytes together, the limit is {limit}")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> wit::Field {
        wit::Field { name: name.into(), value: WitValue::Text(text.into()) }
    }

    fn done(shown: Vec<wit::Field>, secrets: Vec<(&str, Vec<u8>)>) -> Result<Step, String> {
        let secrets = secrets.into_iter().map(|(name, secret)| (name.to_owned(), secret)).collect();
        step(wit::Step::Done(wit::Completed { shown, secrets }), Provides::Server)
    }

    fn pending(token: String, retry_after_ms: u32, percent: Option<u8>) -> Result<Step, String> {
        let pending = wit::Pending { token, retry_after_ms, percent, status: None };
        step(wit::Step::Pending(pending), Provides::Server)
    }

    #[test]
    fn a_finished_order_has_its_server_and_keeps_its_password_secret() {
        let server = || text("server", "192.0.2.1");
        let Ok(Step::Done(completed)) =
            done(vec![server()], vec![("password", b"canary".to_vec())])
        else {
            panic!("it is done");
        };
        assert_eq!(completed.shown().count(), 1);
        assert_eq!(
            completed.secrets().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["password"]
        );
        assert!(!format!("{completed:?}").contains("canary"));
        let binary = done(vec![server()], vec![("key", vec![0xff])]).unwrap();
        assert!(matches!(binary, Step::Done(completed) if completed.secrets().count() == 1));
    }

    #[test]
    fn what_a_finished_order_leaves_behind_is_checked() {
        let server = || text("server", "192.0.2.1");
        let error = |shown, secrets| done(shown, secrets).unwrap_err();
        assert_eq!(error(vec![], vec![]), "it finished without the field `server`");
        assert_eq!(
            error(vec![server(), server()], vec![]),
            "it leaves the field `server` behind twice"
        );
        assert_eq!(
            error(vec![server()], vec![("server", vec![])]),
            "it leaves the field `server` behind twice"
        );
        let many = (0..65).map(|n| text(&n.to_string(), "")).collect();
        assert!(error(many, vec![]).starts_with("it leaves 65 fields and 0 secrets behind"));
        let secrets = (0..17).map(|_| ("a", vec![])).collect();
        assert!(error(vec![server()], secrets).starts_with("it leaves 1 fields and 17 secrets"));
        let long = "\u{1}".repeat(8 << 10);
        assert!(error(vec![server(), text("long", &long)], vec![]).starts_with("its fields have"));
        let error = error(vec![server()], vec![("long", vec![b'x'; 17 << 10])]);
        assert!(error.starts_with("its secrets have"), "{error}");
        let secret = wit::Field { name: "a".into(), value: WitValue::Secret };
        assert!(done(vec![server(), secret], vec![]).unwrap_err().contains("never valid"));
    }

    #[test]
    fn numbers_of_a_pending_order_are_checked() {
        let Ok(Step::Pending(kept)) = pending("t".into(), u32::MAX, Some(100)) else { panic!() };
        assert_eq!(kept.retry_after, MAX_RETRY_AFTER);
        assert_eq!(pending("t".into(), 0, Some(101)), Err("101 is no part of 100".into()));
        let error = pending("x".repeat(8_193), 0, None).unwrap_err();
        assert_eq!(error, "the token has 8193 bytes, the limit is 8192");
    }

    #[test]
    fn what_is_on_offer_is_checked() {
        let offer = |id: &str| catalogue::Offer {
            id: id.into(),
            title: "Small\u{1b}".into(),
            available: true,
        };
        let taken = offers(vec![offer("7")]).unwrap();
        assert_eq!((taken[0].title.as_str(), taken[0].stock), ("Small\\u{1b}", Stock::Available));
        assert_eq!(offers(vec![offer("7"), offer("7")]), Err("it offers `7` twice".into()));
        assert!(offers(vec![offer("7;id")]).unwrap_err().starts_with("an identifier is"));
        assert_eq!(
            offers((0..1_001).map(|n| offer(&n.to_string())).collect()),
            Err("it has 1001 offers, the limit is 1000".into())
        );
    }
}
