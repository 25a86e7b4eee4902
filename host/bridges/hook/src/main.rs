//! `palisade-hook`: poses as the script that a panel runs, and asks the host what to answer.
//!
//! One straight line: find out the dialect, give up root, read what the panel gives, ask, print. It prints what the
//! panel can read and nothing else, and it ends in time, whatever the panel or the host do.

mod ask;
mod check;
mod config;
mod print;
mod privileges;
mod stdin;
mod time;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use palisade_hook::{Dialect, PanelCall, Printed, Raw, fallback, resolve};

use crate::ask::Asking;
use crate::config::Config;

/// What a person reads in the panel when there is no answer and the operator wants a denial then.
const DENIED: &str =
    "This needs the consent of an extension that cannot be asked now. Try again in a moment.";
/// The status of a probe that the host did not answer. No dialect has an answer with it.
const UNANSWERED: u8 = 70;
/// How long a panel may take to read the answer, after the deadline.
const READING: Duration = Duration::from_millis(40);

/// What the program says of itself.
const HELP: &str = "\
Poses as the script that a hosting panel runs, and prints what the Palisade host answers.

Usage: palisade-hook <DIALECT> [ARGUMENT]...
       palisade-<DIALECT>[-<ARGUMENT>]...   as a link to this program
       .../scripts/custom/<HOOK>.sh         as a link in a directory that says which panel it is
       palisade-hook --probe <DIALECT> [ARGUMENT]...   rehearse: change nothing, fail without an answer
       palisade-hook --check                say whether it could do its work

A dialect is how one panel calls scripts:
  plesk <event>                    event handlers; values in OLD_* and NEW_*
  coremanager before|after cgi|xml handlers of ISPmanager, VMmanager and DCImanager
  billmanager before|after cgi|xml the same of BILLmanager
  cpanel [--describe]              standardized hooks; JSON on standard input
  cpanel rollback|check            the same after an action that failed, and for a check
  directadmin <hook>               custom scripts; values in variables
  virtualmin pre|post [alias|reseller]
                                   commands before and after a change
  bitrix <provider> help|configs|order <id>|order_status <task>
  hestia <script> [argument]...    hook scripts
  generic                          JSON on standard input, JSON on standard output
  whmcs, ispconfig                 JSON, from the PHP files that come with Palisade

Configuration: palisade-hook.toml beside the program, or /etc/palisade/hook.toml:
  socket = \"/run/palisade/palisade.sock\"  the host's socket
  user = \"palisade\"                           the user to become when started as root
  before-deadline-ms = 2000                   how long a call before an action may take
  after-deadline-ms = 10000                   and one after it
  stdin-ms = 1000                             how long standard input may take
  on-failure = \"proceed\"                      what to do without an answer: proceed or deny
  [dialect.cpanel]                            the same for one dialect
  on-failure = \"deny\"

`palisade bridge register <panel>` writes what a panel needs to call this program.
";

fn main() -> ExitCode {
    let begun = Instant::now();
    let mut arguments = std::env::args_os();
    let program = PathBuf::from(arguments.next().unwrap_or_default());
    let mut arguments: Vec<Raw> = arguments.map(OsString::into_vec).map(Raw).collect();
    let is_itself = program.file_name().is_some_and(|name| name == "palisade-hook");
    if is_itself && let [word] = arguments.as_slice() {
        match word.0.as_slice() {
            b"--check" => return print::print(&check::check(far(begun)), far(begun)),
            b"--help" | b"-h" | b"help" => return print::print(&Printed::text(HELP), far(begun)),
            b"--version" | b"-V" => {
                let version = format!("palisade-hook {}\n", env!("CARGO_PKG_VERSION"));
                return print::print(&Printed::text(version), far(begun));
            }
            _ => {}
        }
    }
    let probes = is_itself && arguments.first().is_some_and(|word| word.0 == b"--probe");
    let asking = if probes { Asking::Probe } else { Asking::Real };
    if probes {
        arguments.remove(0);
    }
    match resolve(&program, arguments) {
        Ok((dialect, arguments)) => answer(dialect, arguments, asking, begun),
        Err(error) => {
            let note = format!("{error}; `palisade-hook --help` says more");
            print::print(&Printed { status: 2, ..Printed::nothing().with_note(note) }, far(begun))
        }
    }
}

/// A moment for what nobody waits for in a panel.
fn far(begun: Instant) -> Instant {
    begun + Duration::from_secs(10)
}

/// Answers one call of a panel.
fn answer(dialect: Dialect, arguments: Vec<Raw>, asking: Asking, begun: Instant) -> ExitCode {
    let (config, trouble) = match Config::load() {
        Ok(config) => (config, Ok(())),
        Err((config, error)) => (config, Err(format!("the configuration {error}"))),
    };
    let ready = trouble.and_then(|()| privileges::drop(&config.user));
    let shortest = config.before_deadline_ms.min(config.after_deadline_ms);
    let end_of_stdin = time::earlier(
        begun,
        Duration::from_millis(config.stdin_ms.into()),
        Duration::from_millis(shortest.into()),
    );
    // Also when it is not ready: a document has to be given back.
    let (stdin, complete) = stdin::read(dialect.stdin(&arguments), end_of_stdin);
    let call = PanelCall { dialect, arguments, env: variables(dialect), stdin: Raw(stdin) };
    let end = begun + config.deadline(&call);
    let asked = ready.and(complete).and_then(|()| ask::ask(&config.socket, &call, asking, end));
    let printed = match (asked, asking) {
        (Ok(printed), _) => printed,
        (Err(error), Asking::Real) => {
            fallback(&call, config.on_failure(dialect), DENIED).with_note(error)
        }
        (Err(error), Asking::Probe) => {
            Printed { status: UNANSWERED, ..Printed::nothing() }.with_note(error)
        }
    };
    print::print(&printed, end.max(Instant::now()) + READING)
}

/// The variables that the dialect reads. A name that is no text is none of a panel's.
fn variables(dialect: Dialect) -> indexmap::IndexMap<String, Raw> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, Raw(value.into_vec()))))
        .filter(|(name, _)| dialect.wants(name))
        .collect()
}
