//! Printing within a time, whether the panel reads or not.

use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Instant;

use palisade_hook::{Printed, write::one_line};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::time::left;

/// Bytes that a pipe takes at once when it says that it takes any (`PIPE_BUF` of pipe(7)).
const PIECE: usize = 4 << 10;
/// Characters of a note.
const NOTE: usize = 1_000;

/// Prints, and returns the status to exit with.
pub fn print(printed: &Printed, end: Instant) -> ExitCode {
    write_all(&std::io::stdout(), &printed.stdout.0, end);
    if !printed.note.is_empty() {
        let note = format!("palisade-hook: {}\n", one_line(&printed.note, NOTE));
        write_all(&std::io::stderr(), note.as_bytes(), end);
    }
    ExitCode::from(printed.status)
}

/// Writes what the other end takes in time. There is nobody to tell of what it does not take.
fn write_all(to: &impl AsFd, bytes: &[u8], end: Instant) {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::event::poll(&mut [PollFd::new(to, PollFlags::OUT)], Some(&left(end))) {
            Ok(0) => return,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        match rustix::io::write(to, rest.get(..PIECE).unwrap_or(rest)) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}
