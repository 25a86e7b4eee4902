//! The dialects: which there are, how a call says which it is, and what of it has to be gathered.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{PanelCall, Raw, fallback};

/// The name of the program under which it takes the dialect as its first argument.
const PROGRAM: &str = "palisade-hook";
/// What a link's name begins with when the dialect and its arguments follow: `palisade-coremanager-before-xml`.
const LINK: &str = "palisade-";

/// How one kind of panel calls a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Plesk's event handlers: they observe what was done.
    Plesk,
    /// ISPsystem's COREmanager with ISPmanager, VMmanager or DCImanager on it: its handlers can also refuse, skip
    /// and change what is shown.
    Coremanager,
    /// COREmanager with BILLmanager on it, whose functions are others.
    Billmanager,
    /// cPanel's standardized hooks.
    Cpanel,
    /// DirectAdmin's custom scripts.
    Directadmin,
    /// Virtualmin's commands before and after a change.
    Virtualmin,
    /// The provider programs of Bitrix environments.
    Bitrix,
    /// HestiaCP's hook scripts.
    Hestia,
    /// WHMCS's action hooks, by way of a PHP file.
    Whmcs,
    /// ISPConfig's events, by way of a PHP file.
    Ispconfig,
    /// Any other panel: JSON in, JSON out.
    Generic,
}

/// What a dialect hands over on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing that is to be read.
    Nothing,
    /// An XML document.
    Xml,
    /// A JSON document.
    Json,
}

/// Why it is not known which dialect a call is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no dialect is called `{0}`; there are {list}", list = Dialect::list())]
pub struct UnknownDialect(pub String);

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 11] = [
        Dialect::Plesk,
        Dialect::Coremanager,
        Dialect::Billmanager,
        Dialect::Cpanel,
        Dialect::Directadmin,
        Dialect::Virtualmin,
        Dialect::Bitrix,
        Dialect::Hestia,
        Dialect::Whmcs,
        Dialect::Ispconfig,
        Dialect::Generic,
    ];

    /// The dialect of this name.
    pub fn from_name(name: &str) -> Result<Self, UnknownDialect> {
        let mut all = Self::ALL.into_iter();
        all.find(|dialect| dialect.name() == name).ok_or_else(|| UnknownDialect(name.to_owned()))
    }

    /// The name of the dialect, which is the panel's name in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plesk => "plesk",
            Self::Coremanager => "coremanager",
            Self::Billmanager => "billmanager",
            Self::Cpanel => "cpanel",
            Self::Directadmin => "directadmin",
            Self::Virtualmin => "virtualmin",
            Self::Bitrix => "bitrix",
            Self::Hestia => "hestia",
            Self::Whmcs => "whmcs",
            Self::Ispconfig => "ispconfig",
            Self::Generic => "generic",
        }
    }

    /// All names, for a person.
    pub fn list() -> String {
        Self::ALL.map(|dialect| format!("`{dialect}`")).join(", ")
    }

    /// Whether the dialect says something in the variable of this name. Everything else stays where it is: sessions
    /// and keys are among it.
    pub fn wants(self, variable: &str) -> bool {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| variable.starts_with(prefix));
        match self {
            Self::Plesk => starts(&["OLD_", "NEW_"]),
            Self::Coremanager | Self::Billmanager => {
                starts(&["PARAM_"])
                    || matches!(variable, "AUTH_USER" | "AUTH_LEVEL" | "REMOTE_ADDR")
            }
            // Fields have lower-case names, records of a zone upper-case ones; the rest is the process's own.
            Self::Directadmin => {
                variable.starts_with(|c: char| c.is_ascii_lowercase())
                    && !variable.ends_with("_proxy")
                    || matches!(
                        variable,
                        "DOMAIN" | "A" | "AAAA" | "CNAME" | "MX" | "MX_FULL" | "NS" | "TXT" | "SRV"
                    )
            }
            Self::Virtualmin => {
                starts(&["VIRTUALSERVER_", "RESELLER_", "PARENT_VIRTUALSERVER_", "ALIAS_"])
            }
            Self::Cpanel
            | Self::Bitrix
            | Self::Hestia
            | Self::Whmcs
            | Self::Ispconfig
            | Self::Generic => false,
        }
    }

    /// What stands on standard input of a call with these arguments.
    pub fn stdin(self, arguments: &[Raw]) -> Stdin {
        let is = |place: usize, word: &str| {
            arguments.get(place).is_some_and(|argument| argument.0 == word.as_bytes())
        };
        match self {
            Self::Coremanager | Self::Billmanager if is(1, "xml") => Stdin::Xml,
            Self::Cpanel if !is(0, "--describe") => Stdin::Json,
            Self::Whmcs | Self::Ispconfig | Self::Generic => Stdin::Json,
            Self::Plesk
            | Self::Coremanager
            | Self::Billmanager
            | Self::Cpanel
            | Self::Directadmin
            | Self::Virtualmin
            | Self::Bitrix
            | Self::Hestia => Stdin::Nothing,
        }
    }
}

impl Stdin {
    /// Whether what was read so far is a whole document of this kind.
    pub fn is_whole(self, read: &[u8]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Xml => fallback::is_whole(read),
            Self::Json => serde_json::from_slice::<serde::de::IgnoredAny>(read).is_ok(),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PanelCall {
    /// Whether the panel waits for an answer that can still keep it from acting.
    pub fn is_before(&self) -> bool {
        let first = || self.arguments.first().map(|argument| argument.0.as_slice());
        match self.dialect {
            // A provider is asked, not told: it may take its time.
            Dialect::Plesk | Dialect::Bitrix => false,
            Dialect::Coremanager | Dialect::Billmanager => first() == Some(b"before"),
            // A rollback comes after the action, with what came before it; a check only asks whether to call.
            Dialect::Cpanel if first().is_some() => false,
            // What does not say that it comes after counts as before: a refusal that comes too late is not heeded.
            Dialect::Cpanel => self.json_text("/context/stage").is_none_or(|stage| stage != "post"),
            Dialect::Directadmin => first().is_some_and(|hook| hook.ends_with(b"_pre")),
            Dialect::Virtualmin => first() == Some(b"pre"),
            Dialect::Hestia => first().is_some_and(|hook| hook.starts_with(b"le_pre")),
            // The PHP file says so: only it knows the families of points.
            Dialect::Whmcs | Dialect::Ispconfig | Dialect::Generic => {
                self.json_text("/phase").is_none_or(|phase| phase != "after")
            }
        }
    }

    fn json_text(&self, pointer: &str) -> Option<String> {
        let document: serde_json::Value = serde_json::from_slice(&self.stdin.0).ok()?;
        document.pointer(pointer)?.as_str().map(str::to_owned)
    }
}

/// Finds out in which dialect a program was called, and with which arguments in it, from its name and its arguments.
///
/// 1. A program `palisade-hook` whose first argument is a dialect's name has the others as arguments.
/// 2. A link `palisade-<dialect>[-<argument>…]` has what its name says, and then its own arguments.
/// 3. A link in a directory where one panel looks for scripts is in that panel's dialect.
pub fn resolve(program: &Path, arguments: Vec<Raw>) -> Result<(Dialect, Vec<Raw>), UnknownDialect> {
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or(PROGRAM);
    if let Some((dialect, own)) = by_directory(program, name, &arguments) {
        return Ok((dialect, own.into_iter().chain(arguments).collect()));
    }
    match name.strip_prefix(LINK).filter(|_| name != PROGRAM) {
        Some(rest) => {
            let mut words = rest.split('-');
            let dialect = Dialect::from_name(words.next().unwrap_or_default())?;
            Ok((dialect, words.map(Raw::from).chain(arguments).collect()))
        }
        None => {
            let mut arguments = arguments.into_iter();
            let first = arguments.next().unwrap_or_default();
            Ok((Dialect::from_name(&first.text())?, arguments.collect()))
        }
    }
}

/// The dialect of the directory that the program was started from, and the arguments that the path stands for.
fn by_directory(program: &Path, name: &str, arguments: &[Raw]) -> Option<(Dialect, Vec<Raw>)> {
    let directories: Vec<&str> =
        program.parent()?.iter().filter_map(|part| part.to_str()).collect();
    let stem = name.strip_suffix(".sh").unwrap_or(name);
    match directories.as_slice() {
        // DirectAdmin: custom/<HOOK>.sh, custom/<HOOK>/<any>.sh, plugins/<NAME>/hooks/<HOOK>.sh.
        [.., "directadmin", "scripts", "custom"] | [.., "directadmin", "plugins", _, "hooks"] => {
            Some((Dialect::Directadmin, vec![stem.into()]))
        }
        [.., "directadmin", "scripts", "custom", hook]
        | [.., "directadmin", "plugins", _, "hooks", hook] => {
            Some((Dialect::Directadmin, vec![(*hook).into()]))
        }
        [.., "hestiacp", "hooks"] | [.., "hestia", "data", "extensions"] => {
            Some((Dialect::Hestia, vec![stem.into()]))
        }
        // Bitrix: providers/<NAME>/bin/<NAME>; the provider is called by the name of its directory.
        [.., "providers", provider, "bin"] => Some((Dialect::Bitrix, vec![(*provider).into()])),
        // cPanel starts the program by its own name, with `--describe` or without arguments.
        [.., "cpanel", "3rdparty", "bin"] if name == PROGRAM => {
            let describes = arguments.first().is_none_or(|first| first.0 == b"--describe");
            describes.then(|| (Dialect::Cpanel, Vec::new()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(line: &str) -> String {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        match resolve(Path::new(program), words.map(Raw::from).collect()) {
            Ok((dialect, arguments)) => {
                let arguments: Vec<_> = arguments.iter().map(Raw::text).collect();
                format!("{dialect} {}", arguments.join(" ")).trim_end().to_owned()
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_first_argument_is_the_dialect() {
        assert_eq!(resolved("/usr/bin/palisade-hook plesk client_create"), "plesk client_create");
        assert_eq!(resolved("palisade-hook virtualmin pre"), "virtualmin pre");
    }

    #[test]
    fn the_name_of_a_link_is_the_dialect_and_its_arguments() {
        let link = "/usr/local/mgr5/addon/palisade-coremanager-before-xml";
        assert_eq!(resolved(link), "coremanager before xml");
        assert_eq!(resolved("palisade-virtualmin-post x"), "virtualmin post x");
    }

    #[test]
    fn v9_the_directory_names_the_hook_of_directadmin() {
        let custom = "/usr/local/directadmin/scripts/custom";
        assert_eq!(
            resolved(&format!("{custom}/email_create_pre/00-palisade.sh")),
            "directadmin email_create_pre"
        );
        assert_eq!(
            resolved(&format!("{custom}/user_create_post.sh")),
            "directadmin user_create_post"
        );
        assert_eq!(
            resolved("/usr/local/directadmin/plugins/palisade/hooks/dns_write_post.sh"),
            "directadmin dns_write_post"
        );
    }

    #[test]
    fn other_panels_are_known_by_their_directories() {
        assert_eq!(
            resolved("/usr/local/cpanel/3rdparty/bin/palisade-hook --describe"),
            "cpanel --describe"
        );
        assert_eq!(resolved("/usr/local/cpanel/3rdparty/bin/palisade-hook"), "cpanel");
        assert_eq!(resolved("/usr/local/cpanel/3rdparty/bin/palisade-hook plesk x"), "plesk x");
        assert_eq!(
            resolved("/etc/hestiacp/hooks/le_pre.sh admin a.example"),
            "hestia le_pre admin a.example"
        );
        assert_eq!(
            resolved("/usr/local/hestia/data/extensions/add-mail-domain.sh admin a.example"),
            "hestia add-mail-domain admin a.example"
        );
        assert_eq!(
            resolved("/opt/webdir/providers/mock-cloud/bin/mock-cloud order 7"),
            "bitrix mock-cloud order 7"
        );
    }

    #[test]
    fn a_dialect_that_is_none_is_named_with_those_that_are() {
        let error = resolved("palisade-hook plesc x");
        assert!(error.starts_with("no dialect is called `plesc`; there are `plesk`, "), "{error}");
        assert!(resolved("palisade-hook").starts_with("no dialect is called ``"));
        assert!(resolved("/x/palisade-nothing-pre").starts_with("no dialect is called `nothing`"));
    }

    #[test]
    fn names_of_dialects_are_found() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.name()), Ok(dialect));
            assert_eq!(serde_json::to_string(&dialect).unwrap(), format!("\"{dialect}\""));
        }
        assert!(Dialect::from_name("Plesk").is_err());
    }

    #[test]
    fn sessions_and_keys_are_left_alone() {
        for dialect in Dialect::ALL {
            for name in [
                "PATH",
                "HTTP_COOKIE",
                "QUERY_STRING",
                "LD_PRELOAD",
                "SESSION_ID",
                "HOME",
                "https_proxy",
            ] {
                assert!(!dialect.wants(name), "{dialect} {name}");
            }
        }
    }

    #[test]
    fn what_comes_before_is_told_from_what_comes_after() {
        let call = |dialect: Dialect, arguments: &[&str], stdin: &str| PanelCall {
            dialect,
            arguments: arguments.iter().map(|&argument| argument.into()).collect(),
            env: indexmap::IndexMap::new(),
            stdin: stdin.into(),
        };
        let before = [
            call(Dialect::Coremanager, &["before", "xml"], ""),
            call(Dialect::Cpanel, &[], r#"{"context":{"stage":"pre"}}"#),
            call(Dialect::Directadmin, &["user_create_pre"], ""),
            call(Dialect::Virtualmin, &["pre"], ""),
            // What cannot be read may come before.
            call(Dialect::Cpanel, &[], "{"),
            call(Dialect::Whmcs, &["PreModuleCreate"], "\u{0}"),
            call(Dialect::Hestia, &["le_pre"], ""),
            call(Dialect::Generic, &[], r#"{"phase":"before"}"#),
            call(Dialect::Whmcs, &["PreModuleCreate"], r#"{"phase":"before"}"#),
            call(Dialect::Ispconfig, &["mail:mail_user:on_before_insert"], r#"{"phase":"before"}"#),
        ];
        assert!(before.iter().all(PanelCall::is_before));
        let after = [
            call(Dialect::Plesk, &["client_create"], ""),
            call(Dialect::Billmanager, &["after", "cgi"], ""),
            call(Dialect::Cpanel, &[], r#"{"context":{"stage":"post"}}"#),
            call(Dialect::Cpanel, &["rollback"], r#"{"context":{"stage":"pre"}}"#),
            call(Dialect::Cpanel, &["check"], r#"{"context":{"stage":"pre"}}"#),
            call(Dialect::Directadmin, &["user_create_post"], ""),
            call(Dialect::Generic, &[], r#"{"phase":"after"}"#),
            call(Dialect::Ispconfig, &["client_insert"], r#"{"phase":"after"}"#),
        ];
        assert!(!after.iter().any(PanelCall::is_before));
    }
}
