//! What a guest can be asked: one call of one of its exports, and its answer, checked.

use wasmtime::Store;
use wasmtime::component::Resource;

use super::{Prepared, RunState, fault};
use crate::bindings::core_types::Failure;
use crate::capability::{self, Answer};
use crate::hook::{Fault, Outcome};
use crate::order::{Offer, Provides, Step, Token};
use crate::overlay::Edit;
use crate::view::{Choice, Reply, View};

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

/// An instance's export of this name, or the fault that there is none.
macro_rules! guest {
    ($prepared:ident, $store:ident, $export:ident) => {{
        let Some(indices) = &$prepared.$export else {
            return Ok(Err(lacks(stringify!($export))));
        };
        let instance = $prepared.pre.instantiate_async(&mut *$store).await?;
        indices.load(&mut *$store, &instance)?
    }};
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

/// To describe a page.
pub(super) struct Render;
/// To carry out a button.
pub(super) struct Act {
    pub button: String,
}
/// To find values to choose from.
pub(super) struct Lookup {
    pub name: String,
    pub typed: String,
    pub limit: u32,
}
/// To say what to change of a page of the panel.
pub(super) struct Apply;

impl Ask for Handle {
    type Answer = Outcome;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Outcome, Fault>> {
        let guest = guest!(prepared, store, handler);
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
        let guest = guest!(prepared, store, catalogue);
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
        let guest = guest!(prepared, store, provider);
        let operation = Resource::new_borrow(0);
        let answer = match &self.token {
            None => guest.call_start(&mut *store, operation).await?,
            Some(token) => guest.call_advance(&mut *store, operation, &token.0).await?,
        };
        Ok(checked(answer, |step| capability::step(step, self.provides)))
    }
}

impl Ask for Render {
    type Answer = View;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<View, Fault>> {
        let guest = guest!(prepared, store, pages);
        let answer = guest.call_render(&mut *store, Resource::new_borrow(0)).await?;
        Ok(checked(answer, |view| capability::view(&store.data().call, view)))
    }
}

impl Ask for Act {
    type Answer = Reply;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Reply, Fault>> {
        let guest = guest!(prepared, store, pages);
        let answer = guest.call_act(&mut *store, Resource::new_borrow(0), &self.button).await?;
        Ok(checked(answer, |reply| capability::reply(&store.data().call, reply)))
    }
}

impl Ask for Lookup {
    type Answer = Vec<Choice>;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Vec<Choice>, Fault>> {
        let guest = guest!(prepared, store, pages);
        let Self { name, typed, limit } = self;
        let request = Resource::new_borrow(0);
        let answer = guest.call_lookup(&mut *store, request, &name, &typed, limit).await?;
        let limit = limit as usize;
        Ok(checked(answer, |found| capability::choices(&store.data().call, found, limit)))
    }
}

impl Ask for Apply {
    type Answer = Vec<Edit>;

    async fn ask(
        self,
        prepared: &Prepared,
        store: &mut Store<RunState>,
    ) -> wasmtime::Result<Result<Vec<Edit>, Fault>> {
        let guest = guest!(prepared, store, overlay);
        let answer = guest.call_apply(&mut *store, Resource::new_borrow(0)).await?;
        Ok(checked(answer, |edits| capability::edits(&store.data().call, edits)))
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
