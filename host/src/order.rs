//! Orders: what a panel orders of an extension that provides it, and how far that has come. Data, without I/O.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hook::{Params, Value};
use crate::suggest::shown;

/// Bytes of the identifier of an offer or of a task.
const MAX_ID_BYTES: usize = 64;
/// The parameter of an order that says what is ordered.
pub const OFFER: &str = "offer";
/// The name of the operation.
pub const ORDER: &str = "order";

/// What can be provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provides {
    /// Servers, each with an address and perhaps a first password.
    Server,
}

/// A configuration on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The identifier.
    pub id: String,
    /// What it is, for a person.
    pub title: String,
    /// Whether it can be ordered now.
    pub stock: Stock,
}

/// Whether an offer can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stock {
    /// It can.
    Available,
    /// Not now.
    SoldOut,
}

/// Whether orders are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// They are.
    Enabled,
    /// Not now.
    Disabled,
}

/// One operation as a provider is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The identifier, the same for all calls of one order.
    pub id: Arc<str>,
    /// What is ordered.
    pub offer: String,
    /// When it was asked for, in milliseconds since the epoch.
    pub time_ms: u64,
    /// How often the provider was called for it before.
    pub attempt: u32,
}

/// How far an operation has come, as the provider says.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is done.
    Done(Completed),
    /// It goes on elsewhere.
    Pending(Pending),
    /// It will not be done: why, for a person.
    Refused(String),
}

/// An operation that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What the provider needs to go on.
    pub token: Token,
    /// How long to wait before it is asked again.
    pub retry_after: Duration,
    /// How much is done, out of 100.
    pub percent: Option<u8>,
    /// What is being done, for a person.
    pub status: Option<String>,
}

/// What a provider needs to go on. It is the provider's own, and may be a key to what is being made.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What a finished operation leaves behind. Secret values are [`Value::Secret`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completed(pub Params);

impl Completed {
    /// What may be shown.
    pub fn shown(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().filter(|(_, value)| !matches!(value, Value::Secret(_)))
    }

    /// What may not.
    pub fn secrets(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().filter(|(_, value)| matches!(value, Value::Secret(_)))
    }
}

/// One order, as the host keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its identifier, which the panel asks by.
    pub task: Arc<str>,
    /// The extension that provides.
    pub extension: Arc<str>,
    /// The installation of the extension: what removed ones left is not the next one's.
    pub installation: u64,
    /// What is ordered.
    pub offer: String,
    /// When it was ordered, in milliseconds since the epoch.
    pub created_ms: u64,
    /// When it last changed.
    pub changed_ms: u64,
    /// How often the provider was called for it.
    pub attempts: u32,
    /// How far it has come.
    pub state: OrderState,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderState {
    /// The provider was called, and has not answered yet.
    Starting,
    /// It goes on elsewhere.
    Pending(Pending),
    /// It is done.
    Done(Completed),
    /// The provider will not do it: why.
    Refused(String),
    /// The provider failed: how.
    Failed(String),
}

impl OrderState {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Pending(_) => "pending",
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether it can still change.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Starting | Self::Pending(_))
    }
}

impl From<Step> for OrderState {
    fn from(step: Step) -> Self {
        match step {
            Step::Done(completed) => Self::Done(completed),
            Step::Pending(pending) => Self::Pending(pending),
            Step::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl Order {
    /// The operation as the provider is told of it.
    pub fn operation(&self) -> Operation {
        Operation {
            id: self.task.clone(),
            offer: self.offer.clone(),
            time_ms: self.created_ms,
            attempt: self.attempts.saturating_sub(1),
        }
    }

    /// Whether its provider is to be asked at this moment: its time has come, and it is not finished.
    pub fn is_due(&self, now_ms: u64) -> bool {
        match &self.state {
            OrderState::Starting => true,
            OrderState::Pending(pending) => {
                let wait = u64::try_from(pending.retry_after.as_millis()).unwrap_or(u64::MAX);
                // A clock that went back must not keep it waiting.
                now_ms >= self.changed_ms.saturating_add(wait) || now_ms < self.changed_ms
            }
            OrderState::Done(_) | OrderState::Refused(_) | OrderState::Failed(_) => false,
        }
    }
}

impl Provides {
    /// Everything that can be provided.
    pub const ALL: [Provides; 1] = [Provides::Server];

    /// The word for it, in manifests and grants.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
        }
    }

    /// What is missing of what a finished order must leave behind.
    pub fn missing(self, completed: &Completed) -> Option<&'static str> {
        const SERVER: &str = "server";
        match self {
            Self::Server => match completed.0.get(SERVER) {
                Some(Value::Text(server)) if !server.is_empty() => None,
                _ => Some(SERVER),
            },
        }
    }
}

impl fmt::Display for Provides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Checks the identifier of an offer or of a task: panels hand them through shells.
pub fn check_id(id: &str) -> Result<(), String> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    match !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(letter) {
        true => Ok(()),
        false => {
            let shown = shown(id);
            Err(format!("an identifier is 1 to {MAX_ID_BYTES} of A-Z a-z 0-9 _ . -: `{shown}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(retry_after_ms: u64) -> Order {
        Order {
            task: "24".into(),
            extension: "cloud".into(),
            installation: 1,
            offer: "7".into(),
            created_ms: 1_000,
            changed_ms: 2_000,
            attempts: 1,
            state: OrderState::Pending(Pending {
                token: Token("canary".into()),
                retry_after: Duration::from_millis(retry_after_ms),
                percent: None,
                status: None,
            }),
        }
    }

    #[test]
    fn an_order_is_due_when_its_time_has_come() {
        let order = pending(500);
        let due = [2_000, 2_499, 2_500, 1_999].map(|now_ms| order.is_due(now_ms));
        assert_eq!(due, [false, false, true, true]);
        let started = Order { state: OrderState::Starting, ..pending(0) };
        let done = Order { state: OrderState::Done(Completed::default()), ..pending(0) };
        assert_eq!((started.is_due(0), done.is_due(u64::MAX)), (true, false));
    }

    #[test]
    fn what_is_handed_through_shells_is_checked() {
        for id in ["24", "small.v2_eu-1", &"x".repeat(64)] {
            assert_eq!(check_id(id), Ok(()));
        }
        for id in ["", "a b", "$(id)", "a/b", "é", "a\n", &"x".repeat(65)] {
            assert!(check_id(id).is_err(), "{id}");
        }
    }

    #[test]
    fn tokens_and_secrets_are_not_printed() {
        let mut order = pending(0);
        assert!(!format!("{order:?}").contains("canary"));
        let password = Value::Text("canary".into()).sealed();
        order.state = OrderState::Done(Completed([("password".to_owned(), password)].into()));
        assert!(!format!("{order:?}").contains("canary"));
    }

    #[test]
    fn a_server_has_an_address() {
        let completed = |server: Value| Completed([("server".to_owned(), server)].into());
        assert_eq!(Provides::Server.missing(&completed(Value::Text("192.0.2.1".into()))), None);
        for value in [Value::Null, Value::Text(String::new()), Value::Integer(1)] {
            assert_eq!(Provides::Server.missing(&completed(value)), Some("server"));
        }
        assert_eq!(Provides::Server.missing(&Completed::default()), Some("server"));
    }
}
