//! The orders that the host keeps: what was ordered of whom, and what came of it.
//!
//! An order is on disk before its provider is called, and what the provider answers before the panel is told. Tokens
//! and secrets are sealed. Nothing here calls a provider.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hook::{Params, Value};
use crate::order::{Completed, Order, OrderState, Pending, Token};
use crate::seal::{SealError, Sealer};
use crate::storage::{Direction, Storage, StorageError, Transaction};

/// What keys of orders begin with; the installation and the task follow.
const PREFIX: &[u8] = b"order/";
/// What the keys of the lists of open orders begin with; the installation follows.
const OPEN: &[u8] = b"order-open/";
/// Orders that are read at one time.
const PAGE: usize = 500;
/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// How many orders are kept: `[orders]` in `palisade.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OrderLimits {
    /// Orders of one extension that are not finished.
    pub open: u32,
    /// Days that an order is kept after it last changed.
    pub keep_days: u32,
}

impl Default for OrderLimits {
    fn default() -> Self {
        Self { open: 100, keep_days: 30 }
    }
}

/// The orders.
pub struct Orders {
    storage: Storage,
    sealer: Arc<Sealer>,
    limits: OrderLimits,
    /// The tasks whose provider is being asked. Held for a look-up, never while anything waits.
    asked: Mutex<HashSet<Arc<str>>>,
}

/// Leave to ask the provider of one order, until it is dropped.
pub struct Claim<'a> {
    orders: &'a Orders,
    task: Arc<str>,
}

/// Why an order was not kept or found.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The extension has as many open orders as it may.
    #[error("it has {limit} orders that are not finished, and may have no more")]
    Full {
        /// Open orders of an extension.
        limit: u32,
    },
    /// The order is not there any more.
    #[error("the order is gone")]
    Gone,
    /// What is kept does not open.
    #[error("what is kept of the order cannot be opened: {0}")]
    Seal(#[from] SealError),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// An order as the storage keeps it.
#[derive(Serialize, Deserialize)]
struct Record {
    extension: String,
    offer: String,
    created_ms: u64,
    changed_ms: u64,
    attempts: u32,
    state: StateRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateRecord {
    Starting,
    Pending { token: String, retry_after_ms: u64, percent: Option<u8>, status: Option<String> },
    Done { shown: Params, secrets: BTreeMap<String, String> },
    Refused(String),
    Failed(String),
}

impl StateRecord {
    /// The state without what is sealed.
    fn without_secrets(self) -> OrderState {
        match self {
            Self::Starting => OrderState::Starting,
            Self::Pending { retry_after_ms, percent, status, .. } => OrderState::Pending(Pending {
                token: Token(String::new()),
                retry_after: Duration::from_millis(retry_after_ms),
                percent,
                status,
            }),
            Self::Done { shown, .. } => OrderState::Done(Completed(shown)),
            Self::Refused(reason) => OrderState::Refused(reason),
            Self::Failed(reason) => OrderState::Failed(reason),
        }
    }
}

impl Orders {
    /// The orders in this storage.
    pub fn new(storage: Storage, sealer: Arc<Sealer>, limits: OrderLimits) -> Self {
        Self { storage, sealer, limits, asked: Mutex::default() }
    }

    /// Keeps a new order, if its extension may have one more.
    pub async fn add(&self, order: &Order) -> Result<(), OrdersError> {
        let (key, value) = (key(order.installation, &order.task), self.record(order)?);
        let (installation, task, limit) =
            (order.installation, order.task.clone(), self.limits.open);
        let added = self.storage.update(move |transaction| {
            let mut open = open_orders(transaction, installation)?;
            if open.len() >= limit as usize {
                return Err(OrdersError::Full { limit });
            }
            open.insert(task.to_string());
            put_open_orders(transaction, installation, &open)?;
            Ok(transaction.put(key, value)?)
        });
        added.await
    }

    /// Keeps what became of an order that is there.
    pub async fn put(&self, order: &Order) -> Result<(), OrdersError> {
        let (key, value) = (key(order.installation, &order.task), self.record(order)?);
        let (installation, task) = (order.installation, order.task.clone());
        let is_open = order.state.is_open();
        let put = self.storage.update(move |transaction| {
            // Its extension may have been removed meanwhile.
            if transaction.get(&key)?.is_none() {
                return Err(OrdersError::Gone);
            }
            if !is_open {
                let mut open = open_orders(transaction, installation)?;
                if open.remove(&*task) {
                    put_open_orders(transaction, installation, &open)?;
                }
            }
            Ok(transaction.put(key, value)?)
        });
        put.await
    }

    /// The order of this task, with its secrets.
    pub fn get(&self, installation: u64, task: &str) -> Result<Option<Order>, OrdersError> {
        let key = key(installation, task);
        match self.storage.get(&key)? {
            None => Ok(None),
            Some(value) => {
                let (record, sealed) = (read(&key, &value)?, read(&key, &value)?);
                let order = order(task, installation, record);
                let state = self.opened(&order, sealed.state)?;
                Ok(Some(Order { state, ..order }))
            }
        }
    }

    /// All orders, without their secrets, the newest first.
    pub fn list(&self) -> Result<Vec<Order>, StorageError> {
        let mut orders = Vec::new();
        self.each(|_, order| orders.push(order))?;
        orders.sort_by(|one, other| {
            other.created_ms.cmp(&one.created_ms).then_with(|| other.task.cmp(&one.task))
        });
        Ok(orders)
    }

    /// Lets the caller ask the provider of an order, unless that is being done.
    pub fn claim(&self, task: &Arc<str>) -> Option<Claim<'_>> {
        let new = self.lock().insert(task.clone());
        new.then(|| Claim { orders: self, task: task.clone() })
    }

    /// Removes the orders of installations that are gone, and those that have been kept long enough.
    pub async fn sweep(
        &self,
        is_installed: impl Fn(u64) -> bool,
        now_ms: u64,
    ) -> Result<(), StorageError> {
        let keep_ms = u64::from(self.limits.keep_days).saturating_mul(DAY_MS);
        let mut old = Vec::new();
        let all = self.each(|key, order| {
            let age_ms = now_ms.saturating_sub(order.changed_ms);
            if !is_installed(order.installation) || age_ms > keep_ms {
                old.push((key, order.installation, order.task));
            }
        });
        all?;
        for (key, installation, task) in old {
            let removed = self.storage.update(move |transaction| {
                let mut open = open_orders(transaction, installation)?;
                open.remove(&*task);
                put_open_orders(transaction, installation, &open)?;
                transaction.remove(key);
                Ok::<_, StorageError>(())
            });
            removed.await?;
        }
        Ok(())
    }

    /// Visits every order with its key, without secrets.
    fn each(&self, mut visit: impl FnMut(Vec<u8>, Order)) -> Result<(), StorageError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let pairs = self.storage.scan(PREFIX, after.as_deref(), Direction::Forward, PAGE)?;
            let Some((last, _)) = pairs.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, value) in pairs {
                let (installation, task) = parse_key(&key)?;
                let found = order(&task, installation, read(&key, &value)?);
                visit(key, found);
            }
        }
    }

    fn record(&self, order: &Order) -> Result<Vec<u8>, OrdersError> {
        let seal = |name: &str, value: &[u8]| self.sealer.seal(&order.extension, name, value);
        let state = match &order.state {
            OrderState::Starting => StateRecord::Starting,
            OrderState::Pending(Pending { token, retry_after, percent, status }) => {
                StateRecord::Pending {
                    token: seal(&token_name(&order.task), token.0.as_bytes())?,
                    retry_after_ms: u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX),
                    percent: *percent,
                    status: status.clone(),
                }
            }
            OrderState::Done(completed) => {
                let shown = completed.shown().map(|(name, value)| (name.clone(), value.clone()));
                let mut secrets = BTreeMap::new();
                for (name, value) in completed.secrets() {
                    let Value::Secret(secret) = value else { continue };
                    let json = secret.expose().to_json().to_string();
                    let sealed = seal(&secret_name(&order.task, name), json.as_bytes())?;
                    secrets.insert(name.clone(), sealed);
                }
                StateRecord::Done { shown: shown.collect(), secrets }
            }
            OrderState::Refused(reason) => StateRecord::Refused(reason.clone()),
            OrderState::Failed(reason) => StateRecord::Failed(reason.clone()),
        };
        let record = Record {
            extension: order.extension.to_string(),
            offer: order.offer.clone(),
            created_ms: order.created_ms,
            changed_ms: order.changed_ms,
            attempts: order.attempts,
            state,
        };
        let json = serde_json::to_vec(&record);
        Ok(json.map_err(|error| StorageError::Failed(error.to_string()))?)
    }

    /// The state with what is sealed.
    fn opened(&self, order: &Order, state: StateRecord) -> Result<OrderState, OrdersError> {
        let open =
            |name: &str, sealed: &str| self.sealer.open_value(&order.extension, name, sealed);
        let corrupt =
            |reason: String| StorageError::Corrupt { key: format!("order/{}", order.task), reason };
        Ok(match state {
            StateRecord::Pending { token, retry_after_ms, percent, status } => {
                let token = open(&token_name(&order.task), &token)?;
                let token = String::from_utf8(token).map_err(|error| corrupt(error.to_string()))?;
                let retry_after = Duration::from_millis(retry_after_ms);
                OrderState::Pending(Pending { token: Token(token), retry_after, percent, status })
            }
            StateRecord::Done { shown, secrets } => {
                let mut fields = shown;
                for (name, sealed) in secrets {
                    let json = open(&secret_name(&order.task, &name), &sealed)?;
                    let value: Value = serde_json::from_slice(&json)
                        .map_err(|error| corrupt(error.to_string()))?;
                    fields.insert(name, value.sealed());
                }
                OrderState::Done(Completed(fields))
            }
            other => other.without_secrets(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.orders.lock().remove(&self.task);
    }
}

fn order(task: &str, installation: u64, record: Record) -> Order {
    Order {
        task: task.into(),
        extension: record.extension.into(),
        installation,
        offer: record.offer,
        created_ms: record.created_ms,
        changed_ms: record.changed_ms,
        attempts: record.attempts,
        state: record.state.without_secrets(),
    }
}

/// What the token of an order is sealed as.
fn token_name(task: &str) -> String {
    format!("order-token/{task}")
}

/// What a secret of an order is sealed as.
fn secret_name(task: &str, name: &str) -> String {
    format!("order-secret/{task}/{name}")
}

fn key(installation: u64, task: &str) -> Vec<u8> {
    [PREFIX, &installation.to_be_bytes(), task.as_bytes()].concat()
}

fn parse_key(key: &[u8]) -> Result<(u64, String), StorageError> {
    let parsed = key.strip_prefix(PREFIX).and_then(|rest| {
        let (installation, task) = rest.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*installation), String::from_utf8(task.to_vec()).ok()?))
    });
    parsed.ok_or_else(|| corrupt(key, "its key is none of an order"))
}

fn open_key(installation: u64) -> Vec<u8> {
    [OPEN, &installation.to_be_bytes()].concat()
}

/// The open orders of an installation.
fn open_orders(
    transaction: &Transaction<'_>,
    installation: u64,
) -> Result<BTreeSet<String>, StorageError> {
    let key = open_key(installation);
    match transaction.get(&key)? {
        None => Ok(BTreeSet::new()),
        Some(value) => {
            serde_json::from_slice(&value).map_err(|error| corrupt(&key, &error.to_string()))
        }
    }
}

fn put_open_orders(
    transaction: &mut Transaction<'_>,
    installation: u64,
    open: &BTreeSet<String>,
) -> Result<(), StorageError> {
    let key = open_key(installation);
    if open.is_empty() {
        transaction.remove(key);
        return Ok(());
    }
    let value =
        serde_json::to_vec(open).map_err(|error| StorageError::Failed(error.to_string()))?;
    transaction.put(key, value)
}

fn read(key: &[u8], value: &[u8]) -> Result<Record, StorageError> {
    serde_json::from_slice(value).map_err(|error| corrupt(key, &error.to_string()))
}

fn corrupt(key: &[u8], reason: &str) -> StorageError {
    StorageError::Corrupt {
        key: String::from_utf8_lossy(key).into_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
