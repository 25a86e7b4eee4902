//! The timer of a connection: many deadlines, one entry in the runtime's wheel.
//!
//! A connection sets a deadline for every request, and mostly meets it long before. To enter each into the wheel and to
//! take it out again costs locks that all connections share. So one sleep stays in the wheel; when it goes off for a
//! deadline that was met, it is set to the one that counts now.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The timer of one connection, whose deadlines come one after another.
pub(super) struct ConnectionTimer {
    // A std lock, held while the sleep is asked.
    sleep: Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>,
}

/// Ends at its deadline.
struct Until {
    deadline: Instant,
    sleep: Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>,
}

impl ConnectionTimer {
    /// Makes a timer. Must be called on a tokio runtime.
    pub(super) fn new() -> Self {
        Self { sleep: Arc::new(Mutex::new(Box::pin(tokio::time::sleep(Duration::ZERO)))) }
    }
}

impl hyper::rt::Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Until { deadline, sleep: self.sleep.clone() })
    }
}

impl hyper::rt::Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.into();
        let mut sleep = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;

    use super::*;

    #[tokio::test]
    async fn a_deadline_ends_at_its_time() {
        let begun = Instant::now();
        ConnectionTimer::new().sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[tokio::test]
    async fn a_deadline_that_follows_one_that_was_met_ends_at_its_own_time() {
        let timer = ConnectionTimer::new();
        let begun = Instant::now();
        let mut met = timer.sleep(Duration::from_millis(10));
        assert!(futures_util::poll!(&mut met).is_pending());
        drop(met);
        timer.sleep(Duration::from_millis(40)).await;
        assert!(begun.elapsed() >= Duration::from_millis(40));
    }

    #[tokio::test]
    async fn a_deadline_before_the_last_one_is_not_late() {
        let timer = ConnectionTimer::new();
        let mut late = timer.sleep(Duration::from_secs(3_600));
        assert!(futures_util::poll!(&mut late).is_pending());
        let sooner = timer.sleep(Duration::from_millis(10));
        assert!(tokio::time::timeout(Duration::from_secs(60), sooner).await.is_ok());
    }
}
