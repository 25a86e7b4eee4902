//! What a panel needs to call `palisade-hook`: files, links, commands and settings. Only said here, not done.
//!
//! All of it can be told from what others put there, so that it is taken away again without a record of it: links
//! lead to a program `palisade-hook`, and files say who wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use palisade_hook::write::{PROLOG, xml_escaped};
use serde_json::{Value as Json, json};

use super::{Dialect, PanelHook};
use crate::hook::Phase;

/// The name of the program that all links lead to.
pub const PROGRAM: &str = "palisade-hook";
/// The PHP files that come with the program.
const CLIENT: &str = "palisade-client.php";
const CLIENT_PHP: &str = include_str!("../../bridges/php/palisade-client.php");
const WHMCS: &str = "palisade.php";
const WHMCS_PHP: &str = include_str!("../../bridges/whmcs/palisade.php");
const ISPCONFIG: &str = "palisade.inc.php";
const ISPCONFIG_PHP: &str = include_str!("../../bridges/ispconfig/palisade.inc.php");
/// What files of a registration say of themselves, where the panel lets them.
const MARK: &str = "Written by `palisade bridge register";
/// Files that nobody else has by these names.
const OWN_NAMES: [&str; 4] = [LIST, CLIENT, WHMCS, ISPCONFIG];
/// The file beside a PHP file that says what to hook.
const LIST: &str = "palisade-hooks.json";
/// The priority of Plesk's handlers and the weight of cPanel's, in the middle of both.
const PRIORITY: &str = "50";

/// What to register.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The panel.
    pub dialect: Dialect,
    /// The hooks that installed extensions subscribe to.
    pub hooks: &'a [PanelHook],
    /// The program that the panel is to start.
    pub program: &'a Path,
    /// The user that Plesk starts it as.
    pub user: &'a str,
    /// The host's socket, for PHP files.
    pub socket: &'a Path,
    /// Which panel on COREmanager it is: `ispmgr`, `billmgr`, `vmmgr`, `dcimgr`.
    pub manager: Option<&'a str>,
    /// The panel's directory, where it is not always the same.
    pub into: Option<&'a Path>,
    /// The extensions that provide something.
    pub providers: &'a [String],
}

/// What stands on a machine whose panel calls `palisade-hook`. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registration {
    /// The panel's own directory. Without it the panel is not on this machine.
    pub base: PathBuf,
    /// Files.
    pub files: Vec<OwnFile>,
    /// Links to the program, by their paths.
    pub links: BTreeMap<PathBuf, PathBuf>,
    /// What the panel's own program is told.
    pub told: Option<Told>,
    /// Lines of the panel's configuration.
    pub settings: Vec<Setting>,
    /// Where else things of an earlier registration can stand, as patterns with `*`.
    pub places: Vec<String>,
    /// What to do then.
    pub hints: Vec<String>,
}

/// A file with its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it stands.
    pub path: PathBuf,
    /// What is in it.
    pub contents: String,
    /// Its permissions.
    pub mode: u32,
}

/// A line `key=value` of a configuration that others write, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub file: PathBuf,
    /// The key.
    pub key: &'static str,
    /// The value; empty to have none.
    pub value: String,
}

/// What a panel's own program keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Plesk's event handlers, by the identifier of the event.
    Plesk {
        /// The command of each event.
        events: BTreeMap<String, String>,
        /// The user that they run as.
        user: String,
    },
    /// cPanel's hooks, which it asks the program for.
    Cpanel {
        /// The program, where cPanel wants it.
        program: PathBuf,
        /// Event and stage of each.
        hooks: BTreeSet<(String, String)>,
    },
}

/// A program of a panel with arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The places where the program can be, the likeliest first.
    pub program: &'static [&'static str],
    /// The arguments.
    pub arguments: Vec<String>,
}

/// Why nothing can be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The program's name decides how it is found again.
    #[error("the program must be called `{PROGRAM}` and have an absolute path: `{0}`")]
    Program(String),
    /// A path would not be one.
    #[error("`{0}` cannot be a part of a path")]
    Name(String),
    /// The panel can be anywhere.
    #[error("{0} can be anywhere; name its directory by --into")]
    Into(&'static str),
    /// There is nothing that could be written.
    #[error(
        "there is nothing to register for the dialect `{0}`: the panel's author calls `palisade-hook {0}`"
    )]
    Nothing(Dialect),
}

/// Says what there has to be for the panel to call `palisade-hook` at these hooks.
pub fn registration(wanted: &Wanted<'_>) -> Result<Registration, RegistrationError> {
    let named = wanted.program.file_name().is_some_and(|name| name == PROGRAM);
    if !named || !wanted.program.is_absolute() || wanted.program.to_str().is_none() {
        return Err(RegistrationError::Program(wanted.program.display().to_string()));
    }
    match wanted.dialect {
        Dialect::Plesk => plesk(wanted),
        Dialect::Coremanager | Dialect::Billmanager => coremanager(wanted),
        Dialect::Cpanel => Ok(cpanel(wanted)),
        Dialect::Directadmin => directadmin(wanted),
        Dialect::Virtualmin => Ok(virtualmin(wanted)),
        Dialect::Hestia => hestia(wanted),
        Dialect::Bitrix => bitrix(wanted),
        Dialect::Whmcs => {
            let into = wanted.into.ok_or(RegistrationError::Into("WHMCS"))?;
            Ok(php(wanted, into, &["includes/hooks"]))
        }
        Dialect::Ispconfig => {
            let into = wanted.into.unwrap_or(Path::new("/usr/local/ispconfig"));
            // One for the server's events, and one for the interface's.
            let mut own = php(wanted, into, &["server/plugins-available", "interface/lib/plugins"]);
            let enabled = into.join("server/plugins-enabled").join(ISPCONFIG);
            if !own.files.is_empty() {
                let target = into.join("server/plugins-available").join(ISPCONFIG);
                own.links.insert(enabled.clone(), target);
            }
            own.places.push(enabled.display().to_string());
            Ok(own)
        }
        Dialect::Generic => Err(RegistrationError::Nothing(Dialect::Generic)),
    }
}

fn plesk(wanted: &Wanted<'_>) -> Result<Registration, RegistrationError> {
    let mut events = BTreeMap::new();
    for hook in wanted.hooks {
        // Plesk gives the command to a shell.
        let event = check_name(&hook.native.native)?;
        let program = quoted(&wanted.program.display().to_string())?;
        events.insert(event.to_owned(), format!("{program} plesk {event}"));
    }
    Ok(Registration {
        base: "/usr/local/psa".into(),
        told: Some(Told::Plesk { events, user: wanted.user.to_owned() }),
        hints: vec![format!(
            "Plesk starts it as the user `{}`, which must be able to open the host's socket",
            wanted.user
        )],
        ..Registration::default()
    })
}

fn coremanager(wanted: &Wanted<'_>) -> Result<Registration, RegistrationError> {
    let dialect = wanted.dialect;
    let usual = if dialect == Dialect::Billmanager { "billmgr" } else { "ispmgr" };
    let manager = check_name(wanted.manager.unwrap_or(usual))?;
    let base = wanted.into.unwrap_or(Path::new("/usr/local/mgr5"));
    let (mut links, mut handlers) = (BTreeMap::new(), String::new());
    // Only a handler of type `xml` can change what is shown; before an action there is nothing to show.
    for (phase, kind, attributes) in [
        (Phase::Before, "cgi", "before=\"yes\""),
        (Phase::After, "xml", "after=\"yes\" proirity=\"after\" base=\"project\""),
    ] {
        let functions: BTreeSet<&str> = wanted
            .hooks
            .iter()
            .filter(|hook| hook.native.phase == phase)
            .map(|hook| hook.native.native.as_str())
            .collect();
        if functions.is_empty() {
            continue;
        }
        let name = format!("palisade-{dialect}-{phase}-{kind}");
        handlers.push_str(&format!("  <handler name=\"{name}\" type=\"{kind}\">\n"));
        for function in functions {
            let function = xml_escaped(function);
            handlers.push_str(&format!("    <event name=\"{function}\" {attributes}/>\n"));
        }
        handlers.push_str("  </handler>\n");
        links.insert(base.join("addon").join(name), wanted.program.to_owned());
    }
    let mut files = Vec::new();
    if !handlers.is_empty() {
        let note = format!(
            "<!-- Written by `palisade bridge register {dialect}`; `unregister` takes it away. -->"
        );
        files.push(OwnFile {
            path: base.join("etc/xml").join(format!("{manager}_mod_palisade.xml")),
            contents: format!("{PROLOG}{note}\n<mgrdata>\n{handlers}</mgrdata>\n"),
            mode: 0o644,
        });
    }
    Ok(Registration {
        files,
        links,
        places: patterns(
            base,
            &[
                &format!("etc/xml/{manager}_mod_palisade.xml"),
                &format!("addon/palisade-{dialect}-*"),
            ],
        ),
        hints: vec![
            format!(
                "restart the core, or it goes on as before: {}/sbin/mgrctl -m {manager} exit",
                base.display()
            ),
            "the core starts a handler only if the program is root's and others cannot write it"
                .to_owned(),
        ],
        base: base.to_owned(),
        ..Registration::default()
    })
}

fn cpanel(wanted: &Wanted<'_>) -> Registration {
    let base = Path::new("/usr/local/cpanel");
    let program = base.join("3rdparty/bin").join(PROGRAM);
    let stage = |phase| if phase == Phase::Before { "pre" } else { "post" };
    let hooks: BTreeSet<(String, String)> = wanted
        .hooks
        .iter()
        .filter_map(|hook| {
            let (_, event) = hook.native.native.split_once("::")?;
            Some((event.to_owned(), stage(hook.native.phase).to_owned()))
        })
        .collect();
    let links = match hooks.is_empty() {
        true => BTreeMap::new(),
        false => BTreeMap::from([
            (program.clone(), wanted.program.to_owned()),
            // What `--describe` names for handlers that want to know of what failed.
            (base.join("3rdparty/bin/palisade-cpanel-rollback"), wanted.program.to_owned()),
        ]),
    };
    Registration {
        links,
        told: Some(Told::Cpanel { program, hooks }),
        places: patterns(
            base,
            &["3rdparty/bin/palisade-hook", "3rdparty/bin/palisade-cpanel-rollback"],
        ),
        base: base.to_owned(),
        ..Registration::default()
    }
}

fn directadmin(wanted: &Wanted<'_>) -> Result<Registration, RegistrationError> {
    let base = Path::new("/usr/local/directadmin");
    let custom = base.join("scripts/custom");
    let mut links = BTreeMap::new();
    for hook in wanted.hooks {
        let suffix = if hook.native.phase == Phase::Before { "pre" } else { "post" };
        let name = format!("{}_{suffix}", check_name(&hook.native.native)?);
        // First in its directory, so that scripts after it find what it said in `error`.
        links.insert(custom.join(name).join("00-palisade.sh"), wanted.program.to_owned());
    }
    Ok(Registration {
        links,
        places: patterns(base, &["scripts/custom/*/00-palisade.sh"]),
        hints: vec![
            "DirectAdmin runs every script of a hook, also when Palisade's refuses".to_owned(),
        ],
        base: base.to_owned(),
        ..Registration::default()
    })
}

fn virtualmin(wanted: &Wanted<'_>) -> Registration {
    let base = Path::new("/etc/webmin/virtual-server");
    let program = wanted.program.display();
    let setting = |phase: Phase, key: &'static str, word: &str| {
        let is_wanted = wanted.hooks.iter().any(|hook| hook.native.phase == phase);
        let value = if is_wanted { format!("{program} virtualmin {word}") } else { String::new() };
        Setting { file: base.join("config"), key, value }
    };
    Registration {
        settings: vec![
            setting(Phase::Before, "pre_command", "pre"),
            setting(Phase::After, "post_command", "post"),
        ],
        base: base.to_owned(),
        ..Registration::default()
    }
}

fn hestia(wanted: &Wanted<'_>) -> Result<Registration, RegistrationError> {
    let base = Path::new("/etc/hestiacp");
    let mut links = BTreeMap::new();
    for hook in wanted.hooks {
        let script = format!("{}.sh", check_name(&hook.native.native)?);
        let directory = match script.ends_with("-mail-domain.sh") {
            true => Path::new("/usr/local/hestia/data/extensions"),
            false => Path::new("/etc/hestiacp/hooks"),
        };
        links.insert(directory.join(script), wanted.program.to_owned());
    }
    Ok(Registration {
        links,
        places: vec![
            "/etc/hestiacp/hooks/*.sh".to_owned(),
            "/usr/local/hestia/data/extensions/*.sh".to_owned(),
        ],
        base: base.to_owned(),
        ..Registration::default()
    })
}

fn bitrix(wanted: &Wanted<'_>) -> Result<Registration, RegistrationError> {
    let base = Path::new("/opt/webdir");
    let mut links = BTreeMap::new();
    for provider in wanted.providers {
        let provider = check_name(provider)?;
        let path = base.join("providers").join(provider).join("bin").join(provider);
        links.insert(path, wanted.program.to_owned());
    }
    Ok(Registration {
        links,
        places: patterns(base, &["providers/*/bin/*"]),
        base: base.to_owned(),
        ..Registration::default()
    })
}

/// PHP files in directories of the panel, with what they are to hook beside them.
fn php(wanted: &Wanted<'_>, into: &Path, directories: &[&str]) -> Registration {
    let hooks: BTreeSet<&str> =
        wanted.hooks.iter().map(|hook| hook.native.native.as_str()).collect();
    let list = format!("{}\n", json!({ "hooks": hooks, "socket": wanted.socket }));
    let own_name = if wanted.dialect == Dialect::Whmcs { WHMCS } else { ISPCONFIG };
    let own_file = if wanted.dialect == Dialect::Whmcs { WHMCS_PHP } else { ISPCONFIG_PHP };
    let mut own = Registration { base: into.to_owned(), ..Registration::default() };
    for directory in directories.iter().map(|directory| into.join(directory)) {
        for (name, contents) in [(LIST, list.as_str()), (CLIENT, CLIENT_PHP), (own_name, own_file)]
        {
            let path = directory.join(name);
            own.places.push(path.display().to_string());
            if !hooks.is_empty() {
                own.files.push(OwnFile { path, contents: contents.to_owned(), mode: 0o644 });
            }
        }
    }
    own
}

/// A name that comes from an extension and goes into a path or a command line.
fn check_name(name: &str) -> Result<&str, RegistrationError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let is_good = !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_good
        .then_some(name)
        .ok_or_else(|| RegistrationError::Name(name.escape_default().to_string()))
}

fn quoted(text: &str) -> Result<String, RegistrationError> {
    let quoted = shlex::try_quote(text).map(std::borrow::Cow::into_owned);
    quoted.map_err(|_| RegistrationError::Name(text.escape_default().to_string()))
}

fn patterns(base: &Path, below: &[&str]) -> Vec<String> {
    below.iter().map(|below| base.join(below).display().to_string()).collect()
}

impl OwnFile {
    /// Whether what stands there was written by a registration.
    pub fn is_own(path: &Path, contents: &[u8]) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        OWN_NAMES.contains(&name)
            || contents.windows(MARK.len()).any(|window| window == MARK.as_bytes())
    }
}

/// Whether a link to this was made by a registration: to the program, or to a file of its own.
pub fn is_own_target(target: &Path) -> bool {
    let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == PROGRAM || name.starts_with("palisade.")
}

impl Setting {
    /// Whether a value was set by a registration.
    pub fn is_own(value: &str) -> bool {
        let mut words = value.split_whitespace();
        let program = words.next().and_then(|program| Path::new(program).file_name());
        program.is_some_and(|name| name == PROGRAM) && words.next() == Some("virtualmin")
    }

    /// What the file says for the key; nothing if it does not.
    pub fn found(&self, file: &[u8]) -> Option<String> {
        let line = file.split(|&byte| byte == b'\n').find_map(|line| self.value_of(line))?;
        Some(String::from_utf8_lossy(line).trim().to_owned())
    }

    /// The file with the value in place of what it says for the key, and nothing else changed.
    pub fn set_in(&self, file: &[u8]) -> Vec<u8> {
        let own = format!("{}={}", self.key, self.value).into_bytes();
        let mut lines: Vec<&[u8]> = file.split(|&byte| byte == b'\n').collect();
        match lines.iter_mut().find(|line| self.value_of(line).is_some()) {
            Some(line) => *line = &own,
            // The last part is what stands after the last end of a line, mostly nothing.
            None => {
                let at = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
                lines.insert(at, &own);
                if at + 1 == lines.len() {
                    lines.push(b"");
                }
            }
        }
        lines.join(&b'\n')
    }

    fn value_of<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        line.strip_prefix(self.key.as_bytes())?.strip_prefix(b"=")
    }
}

impl Told {
    /// How the panel is asked for what it has.
    pub fn list(&self) -> Invocation {
        match self {
            Told::Plesk { .. } => Invocation::plesk(&["--list"]),
            Told::Cpanel { .. } => Invocation::cpanel(&["list", "--output", "JSON"]),
        }
    }

    /// What to tell the panel, given what it answered when it was asked what it has.
    pub fn missing(&self, listed: &str) -> Vec<Invocation> {
        match self {
            Told::Plesk { events, user } => {
                let there = own_of_plesk(listed);
                let is_there = |command: &str| there.iter().any(|(_, known)| known == command);
                let stale =
                    there.iter().filter(|(_, command)| !events.values().any(|own| own == command));
                let gone = stale.map(|(id, _)| Invocation::plesk(&["--delete", id]));
                let new = events.iter().filter(|(_, command)| !is_there(command));
                gone.chain(new.map(|(event, command)| {
                    Invocation::plesk(&[
                        "--create",
                        "-event",
                        event,
                        "-priority",
                        PRIORITY,
                        "-user",
                        user,
                        "-command",
                        command,
                    ])
                }))
                .collect()
            }
            Told::Cpanel { program, hooks } => {
                let there = own_of_cpanel(listed, program);
                let script = program.display().to_string();
                if there == *hooks {
                    return Vec::new();
                }
                let gone =
                    (!there.is_empty()).then(|| Invocation::cpanel(&["delete", "script", &script]));
                let new =
                    (!hooks.is_empty()).then(|| Invocation::cpanel(&["add", "script", &script]));
                gone.into_iter().chain(new).collect()
            }
        }
    }
}

impl Invocation {
    fn plesk(arguments: &[&str]) -> Self {
        let arguments = ["bin", "event_handler"].iter().chain(arguments);
        Self {
            program: &["/usr/sbin/plesk", "/usr/bin/plesk", "/usr/local/sbin/plesk"],
            arguments: arguments.map(|&word| word.to_owned()).collect(),
        }
    }

    fn cpanel(arguments: &[&str]) -> Self {
        Self {
            program: &["/usr/local/cpanel/bin/manage_hooks"],
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        }
    }
}

impl fmt::Display for Invocation {
    /// As it would be typed in a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = match self.program {
            // It is on everybody's path.
            [_, _, ..] => self.program.first().and_then(|path| path.rsplit('/').next()),
            [only] => Some(*only),
            [] => None,
        };
        f.write_str(program.unwrap_or_default())?;
        for argument in &self.arguments {
            write!(f, " {}", shlex::try_quote(argument).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The identifiers and commands of Palisade's own handlers in what Plesk lists. A handler is told on several lines, of
/// which one begins with `Id` and one with `Command`.
fn own_of_plesk(listed: &str) -> Vec<(String, String)> {
    let (mut id, mut found) = (None, Vec::new());
    for line in listed.lines() {
        let Some((key, value)) = line.trim().split_once([' ', '\t', ':']) else { continue };
        let value = value.trim_start_matches([' ', '\t', ':']).trim_end();
        if key.eq_ignore_ascii_case("id") {
            id = Some(value.to_owned()).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        } else if key.eq_ignore_ascii_case("command") && is_own_command(value) {
            found.extend(id.clone().map(|id| (id, value.to_owned())));
        }
    }
    found
}

fn is_own_command(command: &str) -> bool {
    let words = shlex::split(command).unwrap_or_default();
    match words.as_slice() {
        [program, dialect, _] => {
            Path::new(program).file_name().is_some_and(|name| name == PROGRAM) && dialect == "plesk"
        }
        _ => false,
    }
}

/// Event and stage of each hook in what cPanel lists that starts this program.
fn own_of_cpanel(listed: &str, program: &Path) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let listed: Json = serde_json::from_str(listed).unwrap_or_default();
    collect(&listed, "", &program.to_string_lossy(), &mut found);
    found
}

/// Hooks stand in lists by category and event, however deep. `event` is the last key of a list on the way.
fn collect(listed: &Json, event: &str, program: &str, found: &mut BTreeSet<(String, String)>) {
    match listed {
        Json::Array(items) => items.iter().for_each(|item| collect(item, event, program, found)),
        Json::Object(members) => {
            let text = |key: &str| members.get(key).and_then(Json::as_str);
            match text("hook") {
                Some(hook) if hook == program => {
                    let event = text("event").unwrap_or(event).to_owned();
                    found.insert((event, text("stage").unwrap_or_default().to_owned()));
                }
                Some(_) => {}
                None => {
                    for (key, member) in members {
                        collect(member, key, program, found);
                    }
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
