//! Runs one program in a process group of its own, and leaves nothing of the group behind.
//!
//! The group is killed when the program ends, and when whoever waits for it leaves: at its time limit, at the
//! deadline of the call, or because the call is dropped. The program is not waited for before that: as long as it
//! is not, its number belongs to the group, and no stranger can be hit.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::CommandError;

/// Bytes that are read at one time.
const CHUNK: usize = 16 << 10;
/// Bytes that a pipe holds at most, where its size was not raised by root.
const MAX_PIPE_BYTES: usize = 1 << 20;

/// What is run.
pub(super) struct Invocation {
    /// The program and its arguments.
    pub(super) words: Vec<Vec<u8>>,
    /// What it reads, if it reads anything.
    pub(super) stdin: Option<Vec<u8>>,
    /// Its whole environment.
    pub(super) environment: Vec<(String, Vec<u8>)>,
    /// Where it runs.
    pub(super) directory: PathBuf,
    /// Bytes that are kept of each of its outputs.
    pub(super) output_bytes: usize,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// How it ended.
    pub(crate) ending: Ending,
    /// What it wrote to its standard output.
    pub(crate) stdout: Kept,
    /// What it wrote to its standard error.
    pub(crate) stderr: Kept,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this code.
    Exited(u32),
    /// By a signal of this number.
    Killed(u32),
}

/// The beginning of an output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The bytes that are kept.
    pub(crate) bytes: Vec<u8>,
    /// How many more there were.
    pub(crate) dropped: u64,
    most: usize,
}

/// A process group. Dropping it kills it; what is left of the program the runtime waits for.
struct Group {
    leader: Child,
    pid: Pid,
}

/// Runs a program to its end.
pub(super) async fn run(invocation: &Invocation) -> Result<Output, CommandError> {
    let failed = |error: std::io::Error| CommandError::Failed(error.to_string());
    // From before the start, so that no end is missed.
    let mut ends = signal(SignalKind::child()).map_err(failed)?;
    let mut group = Group::start(invocation)?;
    let (stdin, stdout, stderr) =
        (group.leader.stdin.take(), group.leader.stdout.take(), group.leader.stderr.take());
    let (Some(mut stdout), Some(mut stderr)) = (stdout, stderr) else {
        return Err(CommandError::Failed("it has no outputs".into()));
    };
    let mut out = Kept::new(invocation.output_bytes);
    let mut err = Kept::new(invocation.output_bytes);
    let ended = async {
        while !group.has_ended()? {
            ends.recv().await;
        }
        Ok::<_, Errno>(())
    };
    let talk = async {
        let text = invocation.stdin.as_deref().unwrap_or_default();
        tokio::join!(feed(stdin, text), out.read(&mut stdout), err.read(&mut stderr));
        // It may go on when it has closed everything.
        std::future::pending::<std::convert::Infallible>().await
    };
    tokio::select! {
        ended = ended => ended.map_err(|error| failed(error.into()))?,
        never = talk => match never {},
    }
    // What it started must not outlive it. After this nobody writes, but whoever left the group.
    group.kill();
    out.read_rest(stdout.as_fd());
    err.read_rest(stderr.as_fd());
    let status = group.leader.wait().await.map_err(failed)?;
    Ok(Output { ending: Ending::of(status), stdout: out, stderr: err })
}

/// Writes the standard input and closes it. A program need not read it.
async fn feed(stdin: Option<ChildStdin>, text: &[u8]) {
    if let Some(mut stdin) = stdin {
        // It is gone, or does not want more: how it ended says what is to be said.
        let _ = stdin.write_all(text).await;
    }
}

impl Group {
    fn start(invocation: &Invocation) -> Result<Self, CommandError> {
        let word = |bytes: &Vec<u8>| OsString::from_vec(bytes.clone());
        let Some((program, arguments)) = invocation.words.split_first() else {
            return Err(CommandError::Failed("it has no program".into()));
        };
        let stdin = if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        let leader = Command::new(word(program))
            .args(arguments.iter().map(word))
            .env_clear()
            .envs(invocation.environment.iter().map(|(name, value)| (name, word(value))))
            .current_dir(&invocation.directory)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let program = String::from_utf8_lossy(program);
                CommandError::NotStarted(format!("`{program}` could not be started: {error}"))
            })?;
        let pid = leader.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.ok_or_else(|| CommandError::Failed("it has no number".into()))?;
        Ok(Self { leader, pid })
    }

    /// Whether the program has ended. It stays to be waited for.
    fn has_ended(&self) -> Result<bool, Errno> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.pid), options)?.is_some())
    }

    /// Kills everything in the group, unless the program was waited for.
    fn kill(&self) {
        if self.leader.id().is_none() {
            return;
        }
        match kill_process_group(self.pid, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            // A launcher made it another user's.
            Err(error) => {
                tracing::warn!(%error, "a command could not be killed: {error}");
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Ending {
    fn of(status: std::process::ExitStatus) -> Self {
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        match (number(status.code()), number(status.signal())) {
            (Some(code), _) => Self::Exited(code),
            (None, signal) => Self::Killed(signal.unwrap_or_default()),
        }
    }
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), dropped: 0, most }
    }

    /// Reads until the end, and keeps the beginning: a program that writes on must not be held up by a full pipe.
    async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            self.add(chunk.get(..read).unwrap_or_default());
        }
    }

    /// Reads what a program that has ended left in its pipe, without waiting for more.
    fn read_rest(&mut self, from: BorrowedFd<'_>) {
        let mut chunk = vec![0; CHUNK];
        // Not for longer than a pipe is: one that left the group may write on and on.
        for _ in 0..MAX_PIPE_BYTES / CHUNK {
            match rustix::io::read(from, &mut chunk) {
                Ok(read @ 1..) => self.add(chunk.get(..read).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn add(&mut self, read: &[u8]) {
        let kept = read.len().min(self.most.saturating_sub(self.bytes.len()));
        self.bytes.extend_from_slice(read.get(..kept).unwrap_or_default());
        self.dropped += (read.len() - kept) as u64;
    }
}
