//! The `palisade` binary.

use std::process::ExitCode;

/// An allocator made for many threads: what one thread allocates for a hook call another often frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    palisade::cli::run()
}
