//! Reading standard input within a time, whatever the panel does with the other end.

use std::time::Instant;

use palisade_hook::Stdin;
use rustix::event::{PollFd, PollFlags};

use crate::time::left;

/// Bytes that are read. A document beyond that is cut off and none.
const MAX_BYTES: usize = 64 << 20;

/// Reads to the end. What has no end by `end` is taken as it is if it is a whole document, so that a panel which
/// forgets to close is served as well. Otherwise what was read comes back with what is wrong.
pub fn read(expected: Stdin, end: Instant) -> (Vec<u8>, Result<(), String>) {
    let mut read = Vec::new();
    if expected == Stdin::Nothing {
        return (read, Ok(()));
    }
    let stdin = std::io::stdin();
    let mut buffer = vec![0; 64 << 10];
    loop {
        if !is_ready(&stdin, end) {
            let result = match expected.is_whole(&read) {
                true => Ok(()),
                false => Err("standard input did not end in time".to_owned()),
            };
            return (read, result);
        }
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(0) => return (read, Ok(())),
            Ok(bytes) => read.extend_from_slice(buffer.get(..bytes).unwrap_or_default()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return (read, Err(format!("standard input cannot be read: {error}"))),
        }
        if read.len() > MAX_BYTES {
            return (read, Err(format!("standard input has more than {MAX_BYTES} bytes")));
        }
    }
}

/// Whether something can be read before `end`.
fn is_ready(stdin: &impl std::os::fd::AsFd, end: Instant) -> bool {
    loop {
        let mut fds = [PollFd::new(stdin, PollFlags::IN)];
        match rustix::event::poll(&mut fds, Some(&left(end))) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            // What cannot be waited for can be read: reading says what is wrong.
            Err(_) => return true,
        }
    }
}
