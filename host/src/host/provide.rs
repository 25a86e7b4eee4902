//! Providers: what is on offer, orders, and how far they have come.
//!
//! An order is kept before its provider is called, and its answer before anybody is told. Whoever calls this lets it
//! end: an order that was begun elsewhere and not kept here would be lost.

use std::sync::Arc;
use std::time::Instant;

use super::{Host, new_id, now_ms};
use crate::extension::{Extension, Provider, State};
use crate::grant::Grant;
use crate::hook::{
    Decision, Ended, Fault, HandlerTrace, HookCall, ObjectRef, Params, Rehearsal, Status, Value,
    Verdict,
};
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
        let asked = Asked { action: OFFERS, id: call.clone(), order: None, begun: Instant::now() };
        let deadline = deadline(&provider);
        let ran = match self.conduct.admit_provider(&provider.extension.id, &deadline).await {
            Ok(_slot) => self.sandbox.offers(&provider, call.clone(), deadline).await,
            Err(fault) => Ran::not_begun(fault),
        };
        self.note(&provider, &asked, &ran, |_| "offers");
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
        let asked = Asked {
            action: if token.is_some() { ADVANCE } else { START },
            id: order.task.clone(),
            order: Some(order),
            begun: Instant::now(),
        };
        let deadline = deadline(provider);
        let operation = order.operation();
        let ran = match self.conduct.admit_provider(&provider.extension.id, &deadline).await {
            Err(fault) => Ran::not_begun(fault),
            Ok(_slot) => self.sandbox.operate(provider, operation, token, deadline).await,
        };
        self.note(provider, &asked, &ran, |step| match step {
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

    /// Notes a call of a provider in the journal.
    fn note<T>(
        &self,
        provider: &Provider,
        asked: &Asked<'_>,
        ran: &Ran<T>,
        word: impl FnOnce(&T) -> &'static str,
    ) {
        let outcome = match &ran.outcome {
            Ok(answer) => Ok(word(answer)),
            Err(fault) => Err(fault.clone()),
        };
        let offer = asked.order.map(|order| (OFFER.to_owned(), Value::Text(order.offer.clone())));
        let params = Arc::new(Params::from_iter(offer));
        let status = if outcome.is_ok() { Status::Succeeded } else { Status::Failed };
        let duration = asked.begun.elapsed();
        let elapsed_ms = u64::try_from(duration.as_millis()).unwrap_or(0);
        let call = HookCall {
            id: asked.id.to_string(),
            action: asked.action.to_owned(),
            actor: None,
            object: asked
                .order
                .map(|order| ObjectRef { kind: "order".to_owned(), id: order.task.to_string() }),
            params: params.clone(),
            old: Params::new(),
            attributes: indexmap::IndexMap::new(),
            rehearsal: Rehearsal::No,
            depth: 0,
            caused_by: Vec::new(),
            time_ms: now_ms().saturating_sub(elapsed_ms),
            ended: Some(Ended { status, result: None }),
        };
        let trace = HandlerTrace {
            extension: provider.extension.id.clone(),
            version: provider.extension.version.clone(),
            outcome,
            reason: None,
            fuel: ran.fuel,
            memory: ran.memory,
            duration,
            log: ran.log.clone(),
            uses: ran.uses.clone(),
        };
        let verdict = Verdict {
            decision: Decision::Proceed,
            params,
            alterations: Vec::new(),
            result: None,
            problems: Vec::new(),
            trace: vec![trace],
        };
        self.journal.record(&call, &verdict, duration);
    }
}

/// One call of a provider, as the journal keeps it.
struct Asked<'a> {
    action: &'static str,
    id: Arc<str>,
    order: Option<&'a Order>,
    begun: Instant,
}

fn deadline(provider: &Provider) -> Deadline {
    let limit = provider.limits.deadline;
    Deadline { at: Instant::now() + limit, fault: Fault::Deadline { limit } }
}

fn failed(extension: &Extension, id: Arc<str>, fault: Fault) -> ProvideError {
    ProvideError::Fault { extension: extension.id.clone(), id, fault }
}

fn kept(extension: &Extension, error: OrdersError) -> ProvideError {
    ProvideError::Orders { extension: extension.id.clone(), error }
}
