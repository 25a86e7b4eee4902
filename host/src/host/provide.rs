//! Providers: what is on offer, orders, and how far they have come.
//!
//! An order is kept before its provider is called, and its answer before anybody is told. Whoever calls this lets it
//! end: an order that was begun elsewhere and not kept here would be lost.

use std::sync::Arc;
use std::time::Instant;

use super::noted::Noted;
use super::{Host, new_id, now_ms};
use crate::extension::{Extension, Provider, State};
use crate::grant::Grant;
use crate::hook::{Fault, ObjectRef, Params, Value};
use crate::order::{OFFER, Offer, Order, OrderState, Readiness, Step, check_id};
use crate::orders::OrdersError;
use crate::registry::RegistryError;
use crate::sandbox::{Deadline, Ran};

/// The action under which the journal keeps calls about no order.
const OFFERS: &str = "provider.offers";
/// The same of calls that begin an order and that go on with one: the functions of the contract.
const START: &str = "provider.start";
const ADVANCE: &str = "provider.advance";

/// Why a provider has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProvideError {
    /// No such extension.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The extension is no provider.
    #[error("`{0}` provides nothing")]
    ProvidesNothing(Arc<str>),
    /// The extension is disabled.
    #[error("`{0}` is disabled")]
    Disabled(Arc<str>),
    /// It was not granted to provide.
    #[error("{0}")]
    NotGranted(String),
    /// An identifier is none.
    #[error("{0}")]
    Id(String),
    /// It has no such order.
    #[error("`{extension}` has no order `{task}`")]
    NoOrder {
        /// The extension.
        extension: Arc<str>,
        /// The task.
        task: String,
    },
    /// The provider will not do it.
    #[error("{reason}")]
    Refused {
        /// The order, which is kept all the same.
        task: Arc<str>,
        /// Why, in its own words.
        reason: String,
    },
    /// The provider failed.
    #[error("`{extension}` failed: {fault}")]
    Fault {
        /// The extension.
        extension: Arc<str>,
        /// The order or the call, as the journal knows it.
        id: Arc<str>,
        /// How.
        fault: Fault,
    },
    /// The order could not be kept or read.
    #[error("`{extension}`: {error}")]
    Orders {
        /// The extension.
        extension: Arc<str>,
        /// Why.
        error: OrdersError,
    },
}

impl ProvideError {
    /// What the journal knows of it by this identifier, if anything.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Refused { task: id, .. } | Self::Fault { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl Host {
    /// Whether an extension takes orders now: one that is disabled, or was not granted to provide, does not.
    pub fn readiness(&self, id: &str) -> Result<Readiness, ProvideError> {
        match self.provider(&self.registry.get(id)?) {
            Ok(_) => Ok(Readiness::Enabled),
            Err(ProvideError::Disabled(_) | ProvideError::NotGranted(_)) => Ok(Readiness::Disabled),
            Err(error) => Err(error),
        }
    }

    /// What an extension has on offer.
    pub async fn offers(&self, id: &str) -> Result<Vec<Offer>, ProvideError> {
        let provider = self.provider(&self.registry.get(id)?)?;
        let call: Arc<str> = new_id().into();
        let noted = Noted {
            extension: provider.extension.clone(),
            action: OFFERS,
            id: call.clone(),
            object: None,
            params: Params::new(),
            begun: Instant::now(),
        };
        let deadline = Deadline::own(provider.limits.deadline);
        let offers = self.sandbox.offers(&provider, call.clone(), deadline.clone());
        let ran = self.admitted(&provider.extension, &deadline, offers).await;
        self.note(noted, &ran, |_| "offers");
        ran.outcome.map_err(|fault| failed(&provider.extension, call, fault))
    }

    /// Orders something of an extension. What comes back has been begun, and perhaps finished.
    pub async fn order(&self, id: &str, offer: &str) -> Result<Order, ProvideError> {
        check_id(offer).map_err(ProvideError::Id)?;
        let extension = self.registry.get(id)?;
        let provider = self.provider(&extension)?;
        let now = now_ms();
        let mut order = Order {
            task: new_id().into(),
            extension: extension.id.clone(),
            installation: extension.installation,
            offer: offer.to_owned(),
            created_ms: now,
            changed_ms: now,
            // Counted before it is called: a crash in the middle must not make the next one look like the first.
            attempts: 1,
            state: OrderState::Starting,
        };
        self.orders.add(&order).await.map_err(|error| kept(&extension, error))?;
        // Nobody else knows of it yet.
        let _claim = self.orders.claim(&order.task);
        let ran = self.ask(&provider, &order).await;
        order.changed_ms = now_ms();
        let answer = match ran.outcome {
            Ok(step) => {
                order.state = step.into();
                Ok(())
            }
            Err(fault) => {
                order.state = OrderState::Failed(fault.to_string());
                Err(failed(&extension, order.task.clone(), fault))
            }
        };
        self.keep(&extension, &order).await?;
        match (answer, &order.state) {
            (Err(error), _) => Err(error),
            (Ok(()), OrderState::Refused(reason)) => {
                Err(ProvideError::Refused { task: order.task.clone(), reason: reason.clone() })
            }
            (Ok(()), _) => Ok(order),
        }
    }

    /// How far an order has come. Its provider is asked if its time has come and nobody else is asking it.
    pub async fn order_status(&self, id: &str, task: &str) -> Result<Order, ProvideError> {
        check_id(task).map_err(ProvideError::Id)?;
        let extension = self.registry.get(id)?;
        let stored = self.stored_order(&extension, task)?;
        if !stored.is_due(now_ms()) {
            return Ok(stored);
        }
        let provider = self.provider(&extension)?;
        let Some(_claim) = self.orders.claim(&stored.task) else { return Ok(stored) };
        // Whoever asked before may have brought it further.
        let mut order = self.stored_order(&extension, task)?;
        if !order.is_due(now_ms()) {
            return Ok(order);
        }
        order.attempts = order.attempts.saturating_add(1);
        self.keep(&extension, &order).await?;
        let ran = self.ask(&provider, &order).await;
        let answer = match ran.outcome {
            Ok(step) => {
                (order.state, order.changed_ms) = (step.into(), now_ms());
                Ok(())
            }
            // It is as it was, and can be asked for again.
            Err(fault) => Err(failed(&extension, order.task.clone(), fault)),
        };
        self.keep(&extension, &order).await?;
        answer.map(|()| order)
    }

    /// The provider that an extension is, if it may be called.
    fn provider(&self, extension: &Arc<Extension>) -> Result<Arc<Provider>, ProvideError> {
        let provider = self.registry.provider(extension);
        let provider =
            provider.ok_or_else(|| ProvideError::ProvidesNothing(extension.id.clone()))?;
        if extension.state == State::Disabled {
            return Err(ProvideError::Disabled(extension.id.clone()));
        }
        let granted = extension.check(&Grant::Provide(provider.provides));
        granted.map(|()| provider).map_err(ProvideError::NotGranted)
    }

    fn stored_order(&self, extension: &Extension, task: &str) -> Result<Order, ProvideError> {
        let found = self.orders.get(extension.installation, task);
        found.map_err(|error| kept(extension, error))?.ok_or_else(|| ProvideError::NoOrder {
            extension: extension.id.clone(),
            task: task.to_owned(),
        })
    }

    /// Calls the provider about an order.
    async fn ask(&self, provider: &Arc<Provider>, order: &Order) -> Ran<Step> {
        let token = match &order.state {
            OrderState::Pending(pending) => Some(pending.token.clone()),
            _ => None,
        };
        let noted = Noted {
            extension: provider.extension.clone(),
            action: if token.is_some() { ADVANCE } else { START },
            id: order.task.clone(),
            object: Some(ObjectRef { kind: "order".to_owned(), id: order.task.to_string() }),
            params: Params::from_iter([(OFFER.to_owned(), Value::Text(order.offer.clone()))]),
            begun: Instant::now(),
        };
        let deadline = Deadline::own(provider.limits.deadline);
        let step = self.sandbox.operate(provider, order.operation(), token, deadline.clone());
        let ran = self.admitted(&provider.extension, &deadline, step).await;
        self.note(noted, &ran, |step| match step {
            Step::Done(_) => "done",
            Step::Pending(_) => "pending",
            Step::Refused(_) => "refused",
        });
        ran
    }

    /// Keeps what became of an order, and says so.
    async fn keep(&self, extension: &Extension, order: &Order) -> Result<(), ProvideError> {
        self.orders.put(order).await.map_err(|error| kept(extension, error))?;
        let (id, task, state) = (&extension.id, &order.task, order.state.word());
        tracing::info!(extension.id = %id, order.task = %task, order.state = state, "order `{task}` of `{id}` is {state}");
        Ok(())
    }
}

fn failed(extension: &Extension, id: Arc<str>, fault: Fault) -> ProvideError {
    ProvideError::Fault { extension: extension.id.clone(), id, fault }
}

fn kept(extension: &Extension, error: OrdersError) -> ProvideError {
    ProvideError::Orders { extension: extension.id.clone(), error }
}
