//! A panel that did not hear the answer asks again, with the same `id`: it gets the same answer, and no handler runs
//! twice.
//!
//! Answers are kept for [`KEPT`], at most [`MOST`] of them, in memory: a restart forgets them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytes::Bytes;
use lru::LruCache;
use tokio::sync::OnceCell;

use super::error::ApiError;
use crate::hook::Phase;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(600);
/// Answers that are kept.
const MOST: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The answers of calls that had an `id`.
pub(super) struct Idempotency {
    // A std lock, held for a look-up.
    answers: Mutex<LruCache<Key, Arc<Slot>>>,
}

type Key = (Phase, String);

struct Slot {
    request: u64,
    begun: Instant,
    answer: OnceCell<Bytes>,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self { answers: Mutex::new(LruCache::new(MOST)) }
    }
}

impl Idempotency {
    /// The answer to the request of this `id`: a kept one, or the one that `answer` makes. A second request that comes
    /// while the first one runs waits for it, and takes over if its panel goes away.
    pub(super) async fn once(
        &self,
        phase: Phase,
        id: &str,
        action: &str,
        body: &[u8],
        answer: impl Future<Output = Bytes>,
    ) -> Result<Bytes, ApiError> {
        let mut hasher = DefaultHasher::new();
        (action, body).hash(&mut hasher);
        let slot = self.slot((phase, id.to_owned()), hasher.finish());
        if slot.request != hasher.finish() {
            let message = format!("the id `{}` was used for another request", id.escape_default());
            return Err(ApiError::new(StatusCode::CONFLICT, "id.reused", message)
                .with_hint(Some("give every action an id of its own")));
        }
        Ok(slot.answer.get_or_init(|| answer).await.clone())
    }

    fn slot(&self, key: Key, request: u64) -> Arc<Slot> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = answers.get(&key).filter(|slot| slot.begun.elapsed() < KEPT) {
            return slot.clone();
        }
        let slot = Arc::new(Slot { request, begun: Instant::now(), answer: OnceCell::new() });
        answers.put(key, slot.clone());
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_request_gets_the_same_answer_and_another_is_refused() {
        let kept = Idempotency::default();
        let first = kept
            .once(Phase::Before, "1", "a.b", b"{}", async { Bytes::from_static(b"first") })
            .await
            .unwrap();
        let again = kept
            .once(Phase::Before, "1", "a.b", b"{}", async { Bytes::from_static(b"second") })
            .await
            .unwrap();
        assert_eq!((first.as_ref(), again.as_ref()), (b"first".as_slice(), b"first".as_slice()));
        assert!(
            kept.once(Phase::Before, "1", "a.b", b"{ }", async { Bytes::new() }).await.is_err()
        );
        assert!(kept.once(Phase::Before, "1", "a.c", b"{}", async { Bytes::new() }).await.is_err());
        assert_eq!(
            kept.once(Phase::After, "1", "a.b", b"{}", async { Bytes::from_static(b"after") })
                .await
                .unwrap()
                .as_ref(),
            b"after"
        );
    }

    #[tokio::test]
    async fn a_waiting_request_takes_over_when_the_first_goes_away() {
        let kept = Arc::new(Idempotency::default());
        let mut first =
            Box::pin(kept.once(Phase::Before, "1", "a.b", b"{}", std::future::pending()));
        assert!(futures_util::poll!(&mut first).is_pending());
        let second =
            kept.once(Phase::Before, "1", "a.b", b"{}", async { Bytes::from_static(b"second") });
        let mut second = Box::pin(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await.unwrap().as_ref(), b"second");
    }
}
