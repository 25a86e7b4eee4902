//! `palisade:core/log`, and standard output and error, which go to the same log.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::CallState;
use crate::bindings::log;
use crate::hook::{LogLevel, LogRecord};

/// Bytes of one record; what is over it is cut.
const MAX_RECORD_BYTES: usize = 4 << 10;
/// What is put at the end of a record that was cut.
const CUT: &str = " [cut]";

/// What one call writes, up to its limits. Cloning is shallow: the guest's streams write to the same log.
#[derive(Clone)]
pub struct Log {
    // A std lock, held for a few instructions: the guest and its streams run one after the other.
    inner: Arc<Mutex<Records>>,
}

struct Records {
    records: Vec<LogRecord>,
    lines_left: u32,
    bytes_left: usize,
    dropped: u64,
    /// The unfinished lines of standard output and standard error.
    partial: [Vec<u8>; 2],
}

/// Standard output or standard error of a guest.
#[derive(Clone)]
struct Stream {
    log: Log,
    channel: usize,
}

const LEVELS: [LogLevel; 2] = [LogLevel::Info, LogLevel::Warn];

impl Log {
    /// An empty log with these limits.
    pub(super) fn new(lines: u32, bytes: u32) -> Self {
        let records = Records {
            records: Vec::new(),
            lines_left: lines,
            bytes_left: bytes as usize,
            dropped: 0,
            partial: Default::default(),
        };
        Self { inner: Arc::new(Mutex::new(records)) }
    }

    /// The guest's standard output.
    pub(super) fn stdout(&self) -> impl StdoutStream + use<> {
        Stream { log: self.clone(), channel: 0 }
    }

    /// The guest's standard error.
    pub(super) fn stderr(&self) -> impl StdoutStream + use<> {
        Stream { log: self.clone(), channel: 1 }
    }

    /// Takes the records, with a last one that says how many were dropped.
    pub(crate) fn take(&self) -> Vec<LogRecord> {
        let mut inner = self.lock();
        for channel in 0..LEVELS.len() {
            inner.finish_line(channel);
        }
        let mut records = std::mem::take(&mut inner.records);
        if inner.dropped > 0 {
            records.push(LogRecord {
                level: LogLevel::Warn,
                message: format!(
                    "{} more records were dropped: the log is at its limit",
                    inner.dropped
                ),
            });
        }
        records
    }

    /// The last line that was written to standard error: mostly what a guest said when it panicked.
    pub(crate) fn last_error(&self) -> Option<String> {
        let mut inner = self.lock();
        inner.finish_line(1);
        let panic =
            inner.records.iter().rev().filter(|record| record.level == LogLevel::Warn).take(4);
        let lines: Vec<&str> = panic.map(|record| record.message.as_str()).collect();
        (!lines.is_empty()).then(|| lines.into_iter().rev().collect::<Vec<_>>().join(" "))
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// Keeps a record if there is room for it, without control characters and not longer than a record may be.
    fn push(&mut self, level: LogLevel, text: &str) {
        if self.lines_left == 0 || self.bytes_left == 0 {
            self.dropped += 1;
            return;
        }
        let mut message = String::with_capacity(text.len().min(MAX_RECORD_BYTES));
        let most = MAX_RECORD_BYTES.min(self.bytes_left);
        for c in text.chars() {
            if message.len() + 8 > most {
                message.push_str(CUT);
                break;
            }
            match c {
                '\t' => message.push('\t'),
                c if c.is_control() => message.extend(c.escape_default()),
                c => message.push(c),
            }
        }
        self.lines_left -= 1;
        self.bytes_left = self.bytes_left.saturating_sub(message.len());
        self.records.push(LogRecord { level, message });
    }

    fn print(&mut self, channel: usize, bytes: &[u8]) {
        for byte in bytes {
            let Some(line) = self.partial.get_mut(channel) else { return };
            match byte {
                b'\n' => self.finish_line(channel),
                byte if line.len() <= MAX_RECORD_BYTES => line.push(*byte),
                // The rest of a line that is cut anyway.
                _ => {}
            }
        }
    }

    fn finish_line(&mut self, channel: usize) {
        let Some((line, level)) = self.partial.get_mut(channel).zip(LEVELS.get(channel)) else {
            return;
        };
        if !line.is_empty() {
            let line = std::mem::take(line);
            self.push(*level, &String::from_utf8_lossy(&line));
        }
    }
}

impl log::Host for CallState {
    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        self.called(0)?;
        Ok(take_level(level) >= LogLevel::Debug)
    }

    fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let bytes = message.len()
            + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        self.called(bytes)?;
        let level = take_level(level);
        if level < LogLevel::Debug {
            return Ok(());
        }
        let mut text = message;
        for (name, mut value) in fields {
            if text.len() > MAX_RECORD_BYTES {
                break;
            }
            // Here, since what was escaped once by the guest is escaped again below.
            self.known.take_out(&mut value);
            text.push_str(&format!(" {name}={value:?}"));
        }
        self.log.lock().push(level, &text);
        Ok(())
    }
}

fn take_level(level: log::Level) -> LogLevel {
    match level {
        log::Level::Trace => LogLevel::Trace,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Info => LogLevel::Info,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Error => LogLevel::Error,
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.log.lock().print(self.channel, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.lock().print(self.channel, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_RECORD_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(log: &Log) -> Vec<String> {
        log.take().into_iter().map(|record| record.message).collect()
    }

    #[test]
    fn what_is_printed_comes_line_by_line() {
        let log = Log::new(10, 1_000);
        log.lock().print(0, b"one\ntw");
        log.lock().print(0, b"o\n\nthree");
        assert_eq!(messages(&log), ["one", "two", "three"]);
    }

    #[test]
    fn a_forged_line_stays_one_record() {
        let log = Log::new(10, 1_000);
        log.lock().push(LogLevel::Info, "a\nb\u{1b}[31m");
        assert_eq!(messages(&log), ["a\\nb\\u{1b}[31m"]);
    }

    #[test]
    fn records_over_the_limit_are_counted() {
        let log = Log::new(2, 1_000);
        for _ in 0..5 {
            log.lock().push(LogLevel::Info, "x");
        }
        assert_eq!(
            messages(&log),
            ["x", "x", "3 more records were dropped: the log is at its limit"]
        );
    }

    #[test]
    fn a_long_record_is_cut_and_says_so() {
        let log = Log::new(10, 100_000);
        log.lock().push(LogLevel::Info, &"ä".repeat(10_000));
        log.lock().print(0, &[b'x'; 100_000]);
        for message in messages(&log) {
            assert!(
                message.len() <= MAX_RECORD_BYTES && message.ends_with(CUT),
                "{}",
                message.len()
            );
        }
    }

    #[test]
    fn the_bytes_of_all_records_are_limited() {
        let log = Log::new(1_000, 100);
        for _ in 0..50 {
            log.lock().push(LogLevel::Info, "0123456789");
        }
        let kept: usize = log
            .take()
            .iter()
            .filter(|record| record.level == LogLevel::Info)
            .map(|record| record.message.len())
            .sum();
        assert!(kept <= 110, "{kept}");
    }
}
