//! What the host was started with and did not open itself: no program that it starts gets it.
//!
//! The host opens everything so that programs do not get it. Whoever started it, such as a shell or a supervisor,
//! may have been less careful.

use std::os::fd::BorrowedFd;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Keeps every open descriptor but the standard three from programs that are started later. To be called before
/// there are other threads.
pub fn keep_from_programs() -> std::io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if number > 2 {
            keep_from_program(number)?;
        }
    }
    Ok(())
}

#[expect(
    unsafe_code,
    reason = "a number of a descriptor is no more than a number to the type system"
)]
fn keep_from_program(number: i32) -> std::io::Result<()> {
    // SAFETY: the number was just listed as open and is not -1, and nobody closes it meanwhile: there is one thread,
    // and the list itself is open until its end. The borrow ends with this function.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfd(descriptor)?;
    Ok(fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC)?)
}
