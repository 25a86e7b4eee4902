//! Grants: what an extension asks for, one thing at a time, and an operator grants or does not.
//!
//! A grant has one spelling, which the manifest's readers, the command line, files and the API share, and one
//! sentence for people. Data, without I/O: whether something may be done, [`Extension::standing`] says.
//!
//! [`Extension::standing`]: crate::extension::Extension::standing

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hook::{HookPattern, Pattern, Phase};
use crate::order::Provides;
use crate::place::{Kind, Place};
use crate::suggest;

/// Everything that an operator granted an extension.
pub type Grants = BTreeSet<Grant>;

/// Every field that is not secret, in the list of a subscription and in a grant.
pub const ALL_FIELDS: &str = "*";
/// Bytes of the name of a field.
const MAX_FIELD_BYTES: usize = 256;

/// One thing that an extension asks for and an operator grants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    /// `deny before:mailbox.create`: refuse the action.
    Deny(HookPattern),
    /// `skip before:mailbox.create`: take the action over.
    Skip(HookPattern),
    /// `alter before:mailbox.create quota`: change a field; `*` for every field that is not secret.
    Alter(HookPattern, String),
    /// `read before:mailbox.create quota`: see a field; `*` for every field.
    Read(HookPattern, String),
    /// `use before:customer.create password`: hand a secret field on, to a command or in a request, without reading
    /// it.
    Use(HookPattern, String),
    /// `reveal before:customer.create password`: read a secret field.
    Reveal(HookPattern, String),
    /// `reveal setting api-key`: read a secret setting.
    RevealSetting(String),
    /// `kv`: keep data.
    Kv,
    /// `http https://crm.example.com`: reach an origin.
    Http(Origin),
    /// `command smbpasswd`: run a command that the operator defined.
    Command(String),
    /// `provide server`: take orders.
    Provide(Provides),
    /// `show object.tab domain`: show pages at a place, of objects of this kind if it is about one.
    Show(Place, Option<String>),
    /// `change list.column domain.list`: change a page of the panel.
    Change(Place, String),
    /// `see domain.list name`: see a field or a column of a page of the panel; `*` for each.
    See(String, String),
}

/// A scheme, a host and a port, in the one form in which they are compared: `https://crm.example.com`, with the port
/// only where it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

/// Why a text is not a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a grant: {reason}: `{text}`")]
pub struct GrantError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Origin {
    /// Parses an origin. Only `http` and `https` are, with nothing after the host and port.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = url::Url::parse(text).map_err(|error| error.to_string())?;
        let bare = url.path() == "/"
            && !text.ends_with('/')
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err("an origin is a scheme, a host and a port, and nothing after them".into());
        }
        Self::of(&url)
    }

    /// The origin of a URL.
    pub fn of(url: &url::Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{}` is neither http nor https", url.scheme()));
        }
        match url.host_str() {
            Some(host) if host.ends_with('.') => Err("the name of the host ends with a dot".into()),
            Some(host) if host.contains('*') => Err("the name of the host has a `*`".into()),
            Some(_) => Ok(Self(url.origin().ascii_serialization())),
            None => Err("it has no host".into()),
        }
    }

    /// Whether it names this machine itself, by an address or as `localhost`.
    pub fn is_here(&self) -> bool {
        let url = url::Url::parse(&self.0);
        match url.as_ref().ok().and_then(url::Url::host) {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(url::Host::Ipv6(address)) => {
                let address = address.to_canonical();
                address.is_loopback() || address.is_unspecified()
            }
            None => false,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Grant {
    /// Parses the spelling of a grant.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let fail = |reason: String| {
            let text = text.chars().take(200).flat_map(char::escape_default).collect();
            Err(GrantError { text, reason })
        };
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let hook = || HookPattern::parse(rest).map_err(|error| error.to_string());
        let field = || {
            let (hook, field) = rest.split_once(' ').ok_or("the field is missing")?;
            let hook = HookPattern::parse(hook).map_err(|error| error.to_string())?;
            check_field(field)?;
            Ok::<_, String>((hook, field.to_owned()))
        };
        let parsed = match (word, rest.strip_prefix("setting ")) {
            ("reveal", Some(name)) => check_field(name).map(|()| Self::RevealSetting(name.into())),
            ("deny", _) => hook().map(Self::Deny),
            ("skip", _) => hook().map(Self::Skip),
            ("alter", _) => field().map(|(hook, field)| Self::Alter(hook, field)),
            ("read", _) => field().map(|(hook, field)| Self::Read(hook, field)),
            ("use", _) => field().map(|(hook, field)| Self::Use(hook, field)),
            ("reveal", None) => field().map(|(hook, field)| Self::Reveal(hook, field)),
            ("kv", _) if rest.is_empty() => Ok(Self::Kv),
            ("http", _) => Origin::parse(rest).map(Self::Http),
            ("command", _) => check_command_name(rest).map(|()| Self::Command(rest.into())),
            ("provide", _) => provides(rest).map(Self::Provide),
            ("show", _) => show(rest),
            ("change", _) => change(rest),
            ("see", _) => see(rest),
            _ => {
                const WORDS: [&str; 13] = [
                    "deny", "skip", "alter", "read", "use", "reveal", "kv", "http", "command",
                    "provide", "show", "change", "see",
                ];
                let near = suggest::nearest(word, WORDS)
                    .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                Err(format!("it begins with none of {}{near}", WORDS.join(", ")))
            }
        };
        parsed.or_else(fail)
    }

    /// Whether it comes with the installation: an extension that sees nothing decides nothing. It can be revoked.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, Self::Read(..) | Self::See(..))
    }

    /// The grant in words, as what the extension wants: `refuse mailbox.create before it is done`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Deny(hook) => format!("deny {}", actions(hook)),
            Self::Skip(hook) => format!("take {} over from the panel", actions(hook)),
            Self::Alter(hook, field) => {
                let what = match (hook.phase, field.as_str()) {
                    (Phase::Before, ALL_FIELDS) => "every field that is not secret".to_owned(),
                    (Phase::Before, field) => format!("`{field}`"),
                    (Phase::After, ALL_FIELDS) => {
                        "everything that is not secret in the result".to_owned()
                    }
                    (Phase::After, field) => format!("`{field}` in the result"),
                };
                format!("alter {what} of {}", actions(hook))
            }
            Self::Read(hook, field) if field == ALL_FIELDS => {
                format!("read every field that is not secret of {}", moment(hook))
            }
            Self::Read(hook, field) => format!("read `{field}` of {}", moment(hook)),
            Self::Use(hook, field) => {
                format!("hand on, unread, the secret `{field}` of {}", moment(hook))
            }
            Self::Reveal(hook, field) => format!("read the secret `{field}` of {}", moment(hook)),
            Self::RevealSetting(name) => format!("read its secret setting `{name}`"),
            Self::Kv => "keep data on this host".to_owned(),
            Self::Http(origin) if origin.is_here() => format!("reach {origin}, on this machine"),
            Self::Http(origin) => format!("reach {origin}"),
            Self::Command(name) => format!("run the command `{name}`"),
            Self::Provide(Provides::Server) => "provide servers to order".to_owned(),
            Self::Show(place, None) => place.in_words().to_owned(),
            Self::Show(place, Some(kind)) => format!("{} about each `{kind}`", place.in_words()),
            Self::Change(place, page) => format!("{} `{page}` of the panel", place.in_words()),
            Self::See(page, field) if field == ALL_FIELDS => {
                format!("see everything that is not secret on the page `{page}` of the panel")
            }
            Self::See(page, field) => format!("see `{field}` on the page `{page}` of the panel"),
        }
    }
}

/// What a word says is provided.
fn provides(word: &str) -> Result<Provides, String> {
    let all = Provides::ALL;
    all.into_iter().find(|provides| provides.word() == word).ok_or_else(|| {
        let words = all.map(|provides| format!("`{provides}`")).join(", ");
        format!("what can be provided is {words}")
    })
}

/// A place of this kind.
fn place(name: &str, kind: Kind) -> Result<Place, String> {
    Place::from_name(name).filter(|place| place.kind() == kind).ok_or_else(|| {
        let what = match kind {
            Kind::Page => "where pages are shown",
            Kind::Overlay => "that can be changed",
        };
        format!("`{name}` is no place {what}")
    })
}

fn show(rest: &str) -> Result<Grant, String> {
    match rest.split_once(' ') {
        None => Ok(Grant::Show(place(rest, Kind::Page)?, None)),
        Some((name, kind)) => {
            check_panel_name(kind)?;
            Ok(Grant::Show(place(name, Kind::Page)?, Some(kind.to_owned())))
        }
    }
}

fn change(rest: &str) -> Result<Grant, String> {
    let (name, page) = rest.split_once(' ').ok_or("the page of the panel is missing")?;
    check_panel_name(page)?;
    Ok(Grant::Change(place(name, Kind::Overlay)?, page.to_owned()))
}

fn see(rest: &str) -> Result<Grant, String> {
    let (page, field) = rest.split_once(' ').ok_or("the field is missing")?;
    check_panel_name(page)?;
    check_field(field)?;
    Ok(Grant::See(page.to_owned(), field.to_owned()))
}

/// The actions of a hook, in words.
fn actions(hook: &HookPattern) -> String {
    match &hook.pattern {
        Pattern::Exact(action) => action.clone(),
        Pattern::Under(prefix) if prefix.is_empty() => "every action".to_owned(),
        Pattern::Under(prefix) => format!("every action {prefix}.*"),
    }
}

/// The actions of a hook and their phase, in words.
fn moment(hook: &HookPattern) -> String {
    let before = match hook.phase {
        Phase::Before => "before it is done",
        Phase::After => "after it",
    };
    format!("{}, {before}", actions(hook))
}

/// Checks the name of a field or a setting in a grant.
pub(crate) fn check_field(name: &str) -> Result<(), String> {
    let fine = !name.is_empty()
        && name.len() <= MAX_FIELD_BYTES
        && !name.chars().any(char::is_control)
        && name.trim() == name;
    match fine {
        true => Ok(()),
        false => Err(format!(
            "a field is 1 to {MAX_FIELD_BYTES} bytes without control characters and without spaces at its ends"
        )),
    }
}

/// Checks a name of the panel, such as of a page or a kind of object.
pub(crate) fn check_panel_name(name: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b);
    match (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        true => Ok(()),
        false => Err("a name of the panel is 1 to 64 of a-z, A-Z, 0-9 and `-_.:/`".into()),
    }
}

/// Whether a name is words of `a-z` and `0-9` joined by `-`, at most 64 characters.
pub(crate) fn is_words(name: &str) -> bool {
    name.len() <= 64 && name.split('-').all(is_word)
}

/// Whether a text is a word of `a-z` and `0-9`.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Checks the name of a command: words of `a-z` and `0-9` joined by `-`.
pub(crate) fn check_command_name(name: &str) -> Result<(), String> {
    match is_words(name) {
        true => Ok(()),
        false => Err(
            "the name of a command is words of a-z and 0-9 joined by `-`, at most 64 characters"
                .into(),
        ),
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny(hook) => write!(f, "deny {hook}"),
            Self::Skip(hook) => write!(f, "skip {hook}"),
            Self::Alter(hook, field) => write!(f, "alter {hook} {field}"),
            Self::Read(hook, field) => write!(f, "read {hook} {field}"),
            Self::Use(hook, field) => write!(f, "use {hook} {field}"),
            Self::Reveal(hook, field) => write!(f, "reveal {hook} {field}"),
            Self::RevealSetting(name) => write!(f, "reveal setting {name}"),
            Self::Kv => f.write_str("kv"),
            Self::Http(origin) => write!(f, "http {origin}"),
            Self::Command(name) => write!(f, "command {name}"),
            Self::Provide(provides) => write!(f, "provide {provides}"),
            Self::Show(place, None) => write!(f, "show {place}"),
            Self::Show(place, Some(kind)) => write!(f, "show {place} {kind}"),
            Self::Change(place, page) => write!(f, "change {place} {page}"),
            Self::See(page, field) => write!(f, "see {page} {field}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|reason| {
            serde::de::Error::custom(format!(
                "not an origin: {reason}: `{}`",
                text.escape_default()
            ))
        })
    }
}

impl Serialize for Grant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One thing that a manifest asks for, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What it asks for.
    pub grant: Grant,
    /// Why, in the words of whoever made the extension; empty where none is owed.
    pub reason: String,
}

/// Whether an extension may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Its manifest asks for it and the operator granted it.
    Granted,
    /// Its manifest asks for it, and the operator did not grant it.
    NotGranted,
    /// Its manifest does not ask for it, so it cannot be granted.
    NotAsked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_written_as_it_is_read() {
        for text in [
            "deny before:mailbox.create",
            "skip before:register.activationsend",
            "alter before:site.* quota",
            "alter after:* *",
            "read before:mailbox.create a field with spaces",
            "use after:customer.create password",
            "reveal after:customer.create password",
            "reveal setting api-key",
            "kv",
            "http https://crm.example.com",
            "http http://127.0.0.1:8080",
            "command smbpasswd",
            "provide server",
            "show menu.main",
            "show object.tab domain",
            "change list.column domain.list",
            "see domain.list name",
        ] {
            assert_eq!(Grant::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_origin_has_one_form() {
        for (text, form) in [
            ("https://CRM.example.com:443", "https://crm.example.com"),
            ("http://2130706433", "http://127.0.0.1"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
            ("http://[::ffff:127.0.0.1]:8080", "http://[::ffff:7f00:1]:8080"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), form);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "crm.example.com",
            "https://crm.example.com/",
            "https://crm.example.com/path",
            "https://crm.example.com?q",
            "https://user@crm.example.com",
            "https://crm.example.com.",
            "ftp://crm.example.com",
            "file:///etc/passwd",
            "https://*",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_grant_is_refused_with_what_is_wrong() {
        let reason = |text: &str| Grant::parse(text).unwrap_err().to_string();
        assert_eq!(
            reason("dennny before:mailbox.create"),
            "not a grant: it begins with none of deny, skip, alter, read, use, reveal, kv, http, command, provide, show, change, see; did you mean `deny`?: `dennny before:mailbox.create`"
        );
        assert_eq!(
            reason("read before:mailbox.create"),
            "not a grant: the field is missing: `read before:mailbox.create`"
        );
        assert!(reason("kv more").contains("none of"));
        assert!(reason("command ../sh").contains("words of a-z"));
        assert_eq!(
            reason("provide servers"),
            "not a grant: what can be provided is `server`: `provide servers`"
        );
        assert!(reason("deny mailbox.create").contains("`before:` or `after:`"));
        assert!(reason("show menu").contains("`menu` is no place where pages are shown"));
        assert!(reason("show list.column").contains("no place where"));
        assert!(reason("change menu.main domain.list").contains("no place that can be changed"));
        assert!(reason("see domain.list").contains("the field is missing"));
        assert!(reason("show object.tab <b>").contains("a name of the panel"));
    }

    #[test]
    fn a_grant_has_a_sentence_for_people() {
        let words = |text: &str| Grant::parse(text).unwrap().in_words();
        assert_eq!(words("deny before:mailbox.create"), "deny mailbox.create");
        assert_eq!(
            words("reveal before:customer.create password"),
            "read the secret `password` of customer.create, before it is done"
        );
        assert_eq!(words("provide server"), "provide servers to order");
        assert_eq!(words("show object.tab domain"), "show a tab about each `domain`");
        assert_eq!(
            words("change list.column domain.list"),
            "add and hide columns of the list `domain.list` of the panel"
        );
        assert_eq!(words("http https://crm.example.com"), "reach https://crm.example.com");
        for origin in ["http://127.0.0.1:8080", "http://localhost", "http://[::ffff:7f00:1]"] {
            let here = format!("reach {origin}, on this machine");
            assert_eq!(words(&format!("http {origin}")), here);
        }
        assert_eq!(
            words("read before:* *"),
            "read every field that is not secret of every action, before it is done"
        );
    }
}
