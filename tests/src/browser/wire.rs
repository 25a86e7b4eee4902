//! The DevTools protocol over two pipes: JSON messages, each ended by a zero byte. Commands are answered by their
//! number, events go to whoever listens to their session.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::PATIENCE;

/// A connection to a browser, which ends with it.
pub struct Wire {
    input: tokio::sync::Mutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
    _child: Child,
}

type Waiting = Arc<Mutex<Table>>;

#[derive(Default)]
struct Table {
    answers: HashMap<u64, oneshot::Sender<Value>>,
    listeners: HashMap<String, mpsc::UnboundedSender<Value>>,
}

impl Wire {
    /// Speaks to a browser over its standard input and output.
    pub fn open(mut child: Child) -> Arc<Self> {
        let input = child.stdin.take().expect("its input");
        let output = child.stdout.take().expect("its output");
        let waiting = Waiting::default();
        // Ends with the browser.
        tokio::spawn(read(output, waiting.clone()));
        let input = tokio::sync::Mutex::new(input);
        Arc::new(Self { input, waiting, next: AtomicU64::new(1), _child: child })
    }

    /// Carries out a command of the browser.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let message = json!({ "method": method, "params": params });
        let answer = self.send(message).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Carries out a command of a session.
    pub async fn call_in(
        &self,
        session: &str,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        self.send(json!({ "method": method, "params": params, "sessionId": session })).await
    }

    /// The events of a session from now on.
    pub fn listen(&self, session: &str) -> mpsc::UnboundedReceiver<Value> {
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.waiting).listeners.insert(session.to_owned(), sender);
        receiver
    }

    async fn send(&self, mut message: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        message["id"] = id.into();
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).answers.insert(id, sender);
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // Held until the message is written: half of one would be read as a part of the next.
        self.input.lock().await.write_all(&bytes).await.map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, receiver).await.map_err(|_| "no answer".to_owned())?;
        let answer = answer.map_err(|_| "the browser ended".to_owned())?;
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].clone()),
        }
    }
}

async fn read(output: ChildStdout, waiting: Waiting) {
    let mut output = BufReader::new(output);
    let mut bytes = Vec::new();
    while output.read_until(0, &mut bytes).await.is_ok_and(|read| read > 0) {
        bytes.pop();
        let message = serde_json::from_slice::<Value>(&bytes);
        bytes.clear();
        let Ok(message) = message else { continue };
        let mut table = lock(&waiting);
        if let Some(id) = message["id"].as_u64() {
            if let Some(sender) = table.answers.remove(&id) {
                // Who asked may have given up.
                let _ = sender.send(message);
            }
            continue;
        }
        let session = message["sessionId"].as_str().unwrap_or_default();
        if let Some(listener) = table.listeners.get(session) {
            let _ = listener.send(message);
        }
    }
    // Nobody waits for an answer that cannot come.
    *lock(&waiting) = Table::default();
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, Table> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
