//! Compiling a stranger's component: in a child process of the same binary, with limits on CPU, memory and time.
//!
//! The engine does not promise that compiling is cheap: a component of a few hundred kilobytes can ask for minutes
//! and gigabytes. So the child takes the bytes on its standard input, limits itself before it reads them, and gives
//! the compiled code on its standard output.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

use super::engine;

/// The hidden verb of the binary that compiles.
pub const VERB: &str = "compile-worker";
/// Threads that the child compiles with. Each takes 64 MiB of the child's address space for its heap: as many as a
/// large machine has cores would leave nothing to compile in.
const THREADS: &str = "4";
/// Bytes of compiled code that are taken from the child.
const MAX_COMPILED_BYTES: u64 = 1 << 30;
/// Bytes of what the child says about a failure.
const MAX_MESSAGE_BYTES: u64 = 4 << 10;

/// What bounds compiling: `[compile]` in `palisade.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CompileLimits {
    /// Seconds of CPU time.
    pub cpu_seconds: u32,
    /// Bytes of address space.
    pub memory_bytes: u64,
    /// Milliseconds of wall time.
    pub wall_ms: u32,
    /// Compilations at one time.
    pub parallel: u32,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu_seconds: 20, memory_bytes: 2 << 30, wall_ms: 60_000, parallel: 2 }
    }
}

/// Why a component was not compiled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CompileError {
    /// It took too long.
    #[error("compiling took longer than {limit_ms} ms")]
    Wall {
        /// Milliseconds.
        limit_ms: u32,
    },
    /// It used too much CPU time or memory.
    #[error("compiling used more than {cpu_seconds} s of CPU or {memory_bytes} bytes of memory")]
    Resources {
        /// Seconds.
        cpu_seconds: u32,
        /// Bytes.
        memory_bytes: u64,
    },
    /// The engine refuses it.
    #[error("the engine refuses it: {0}")]
    Refused(String),
    /// The child could not be run.
    #[error("the compiler could not be run: {0}")]
    Failed(String),
}

/// Compiles a component in a child process.
pub(super) async fn compile(
    program: &Path,
    component: &[u8],
    limits: &CompileLimits,
) -> Result<Vec<u8>, CompileError> {
    let mut child = start(program, limits).map_err(failed)?;
    let work = converse(&mut child, component, limits);
    match tokio::time::timeout(Duration::from_millis(limits.wall_ms.into()), work).await {
        Ok(result) => result,
        Err(_) => {
            // Waited for, too: of a child that is only dropped a zombie can stay.
            let _ = child.kill().await;
            Err(CompileError::Wall { limit_ms: limits.wall_ms })
        }
    }
}

fn failed(error: std::io::Error) -> CompileError {
    CompileError::Failed(error.to_string())
}

fn start(program: &Path, limits: &CompileLimits) -> std::io::Result<Child> {
    tokio::process::Command::new(program)
        .arg(VERB)
        .arg(limits.cpu_seconds.to_string())
        .arg(limits.memory_bytes.to_string())
        .env_clear()
        .env("RAYON_NUM_THREADS", THREADS)
        // The allocator takes address space as it needs it: what it reserved beforehand would count as used.
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// Gives the component to the child and takes what it makes of it.
async fn converse(
    child: &mut Child,
    component: &[u8],
    limits: &CompileLimits,
) -> Result<Vec<u8>, CompileError> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(CompileError::Failed("no pipes to the child".into()));
    };
    let (mut compiled, mut message) = (Vec::new(), Vec::new());
    let write = async {
        // A child that died early does not read to the end; how it died says why.
        let _ = stdin.write_all(component).await;
        drop(stdin);
    };
    let (_, read, said) = tokio::join!(
        write,
        async { stdout.take(MAX_COMPILED_BYTES).read_to_end(&mut compiled).await },
        async { stderr.take(MAX_MESSAGE_BYTES).read_to_end(&mut message).await },
    );
    read.and(said).map_err(failed)?;
    let status = child.wait().await.map_err(failed)?;
    judge(status, compiled, &message, limits)
}

/// Exit status of the child when the engine refuses the component.
const REFUSED: u8 = 3;

fn judge(
    status: ExitStatus,
    compiled: Vec<u8>,
    message: &[u8],
    limits: &CompileLimits,
) -> Result<Vec<u8>, CompileError> {
    let message = String::from_utf8_lossy(message).trim().to_owned();
    match status.code() {
        Some(0) if !compiled.is_empty() => Ok(compiled),
        Some(code) if code == i32::from(REFUSED) => Err(CompileError::Refused(message)),
        // Killed by a limit, or by an allocation that a limit refused.
        None => Err(CompileError::Resources {
            cpu_seconds: limits.cpu_seconds,
            memory_bytes: limits.memory_bytes,
        }),
        Some(_) if message.contains("memory allocation of") => Err(CompileError::Resources {
            cpu_seconds: limits.cpu_seconds,
            memory_bytes: limits.memory_bytes,
        }),
        Some(_) => Err(CompileError::Failed(format!("it ended with {status}: {message}"))),
    }
}

/// The child: limits itself, compiles its standard input to its standard output, and ends.
pub fn worker(cpu_seconds: u64, memory_bytes: u64) -> ExitCode {
    match compile_stdin(cpu_seconds, memory_bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(REFUSED)
        }
    }
}

fn compile_stdin(cpu_seconds: u64, memory_bytes: u64) -> anyhow::Result<()> {
    // Nobody waits for what a compiler makes whose host is gone.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let limit = |resource, value| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
    };
    limit(Resource::As, memory_bytes)?;
    limit(Resource::Cpu, cpu_seconds)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, 16)?;
    let mut component = Vec::new();
    std::io::stdin().lock().read_to_end(&mut component)?;
    let compiled = engine::compiling()?.precompile_component(&component)?;
    std::io::stdout().lock().write_all(&compiled)?;
    Ok(())
}
