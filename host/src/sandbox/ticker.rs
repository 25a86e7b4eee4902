//! The ticker: moves the epoch on, so that running guests yield and look at their deadline.
//!
//! It is a thread of the operating system, since a ticker on the executor stops when guests keep the executor busy.
//! It sleeps while nothing runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The time between two ticks.
const TICK: Duration = Duration::from_millis(1);
/// Ticks without a running guest after which the ticker sleeps.
const IDLE_TICKS: u32 = 100;

/// A running ticker; it ends when this is dropped.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    /// Guests that run now.
    running: AtomicUsize,
    /// Whether the thread sleeps, or is about to.
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// Keeps the ticker ticking while it lives.
pub(super) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(super) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, its) = (engine.weak(), shared.clone());
        let handle = thread::Builder::new().name("palisade-ticker".into()).spawn(move || {
            let mut idle = 0;
            while !its.stopped.load(Ordering::Acquire) {
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                idle = if its.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
                if idle >= IDLE_TICKS {
                    its.sleep();
                    idle = 0;
                }
            }
        })?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Says that a guest runs until the returned value is dropped.
    pub(super) fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Shared {
    /// Sleeps until a guest runs. A guest that begins meanwhile either sees that the thread is asleep and wakes it,
    /// or is seen here.
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::Acquire) {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
