//! What a guest can be asked: one call of one of its exports, and its answer, checked.

use wasmtime::Store;
use wasmtime::component::Resource;

use super::{Prepared, RunState, fault};
use crate::bindings::core_types::Failure;
use crate::capability::{self, Answer};
use crate::hook::{Fault, Outcome};
use crate::order::{Offer, Provides, Step, Token};

/// One call of an export.
pub(super) trait Ask: Send {
    /// What is answered.
    type Answer: Answer;

    /// Makes an instance and calls it.
    fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> impl Future<Output = wasmtime::Result<Result<Self::Answer, Fault>>> + Send;
}

/// To handle the event.
pub(super) struct Handle;
/// What is on offer.
pub(super) struct Offers;
/// To begin the operation, or with a token to go on with it.
pub(super) struct Operate {
    pub provides: Provides,
    pub token: Option<Token>,
}

impl Ask for Handle {
    type Answer = Outcome;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Outcome, Fault>> {
        let Some(indices) = &prepared.handler else { return Ok(Err(lacks("handler"))) };
        let instance = prepared.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        let answer = guest.call_handle(&mut *store, Resource::new_borrow(0)).await?;
        Ok(checked(answer, capability::outcome))
    }
}

impl Ask for Offers {
    type Answer = Vec<Offer>;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Vec<Offer>, Fault>> {
        let Some(indices) = &prepared.catalogue else { return Ok(Err(lacks("catalogue"))) };
        let instance = prepared.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        Ok(checked(guest.call_offers(&mut *store).await?, capability::offers))
    }
}

impl Ask for Operate {
    type Answer = Step;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Step, Fault>> {
        let Some(indices) = &prepared.provider else { return Ok(Err(lacks("provider"))) };
        let instance = prepared.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        let operation = Resource::new_borrow(0);
        let answer = match &self.token {
            None => guest.call_start(&mut *store, operation).await?,
            Some(token) => guest.call_advance(&mut *store, operation, &token.0).await?,
        };
        Ok(checked(answer, |step| capability::step(step, self.provides)))
    }
}

fn checked<A, T>(
    answer: Result<A, Failure>,
    check: impl FnOnce(A) -> Result<T, String>,
) -> Result<T, Fault> {
    match answer {
        Ok(answer) => check(answer).map_err(|reason| Fault::BadAnswer { reason }),
        Err(failure) => Err(fault::of_failure(failure)),
    }
}

/// What was checked at the installation; only a component that was changed since can lack it.
fn lacks(what: &str) -> Fault {
    Fault::NotReady { reason: format!("its component exports no {what}") }
}
