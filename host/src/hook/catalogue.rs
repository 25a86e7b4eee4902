//! The catalogue of actions: their names, their fields, and what each panel calls them.
//!
//! The data stand in `catalogue.toml`, which is part of the program; its head explains the words.
//! They describe, they do not restrict: a panel may also fire actions of its own that are not here.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// Returns the catalogue, which is read at the first call.
#[expect(clippy::panic, reason = "the text is part of the program, and the tests below read it")]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        Catalogue::parse(include_str!("catalogue.toml"))
            .unwrap_or_else(|error| panic!("the built-in catalogue is wrong: {error}"))
    });
    &CATALOGUE
}

/// All actions, found by their own name or a panel's.
#[derive(Debug)]
pub struct Catalogue {
    actions: Vec<Action>,
    by_name: HashMap<String, usize>,
    /// By panel, then by the panel's name for the action.
    by_native: HashMap<String, HashMap<String, Vec<usize>>>,
    /// By panel, the keys under which it delivers secret fields.
    secret_keys: HashMap<String, HashSet<String>>,
}

/// One action: something that a panel does to an object.
#[derive(Debug)]
pub struct Action {
    /// The name, such as `mailbox.create`.
    pub name: String,
    /// What happens, in one sentence.
    pub description: String,
    /// Whether nearly every panel has it, so that an extension that uses it can run anywhere.
    pub core: bool,
    /// What the action's parameters can be; the short names differ.
    pub fields: Vec<&'static Field>,
    /// What the panels call it, by the panel's name.
    pub panels: BTreeMap<String, Native>,
    by_short: HashMap<String, usize>,
}

/// One field: a parameter that an action can have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The canonical name, such as `mailbox.address`.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether the value is withheld from extensions, logs and the journal.
    #[serde(default)]
    pub secret: bool,
    /// Whether the values are domain names, or addresses in one, whose domains are written as A-labels.
    #[serde(default)]
    pub domain: bool,
    /// What the field says, in one sentence.
    pub description: String,
    /// The keys that panels deliver it under, by the panel's name; the first present one counts.
    #[serde(default)]
    pub native: BTreeMap<String, Vec<String>>,
}

/// What one panel calls an action, and when it calls out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    /// When the panel calls out, seen over all the names; empty where a command has to be wrapped.
    #[serde(default)]
    pub phases: Vec<NativePhase>,
    /// Which use of a form that serves two actions is meant; `None` means any.
    #[serde(default)]
    pub when: Option<When>,
    /// The panel's names for the action.
    #[serde(default)]
    pub names: Vec<String>,
    /// Further names, which nobody has checked on a live panel.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// Events that do this among other things, so that the name alone does not say it. They
    /// arrive as the action that has the name in `names` or `unverified`, if there is one.
    #[serde(default)]
    pub shared: Vec<String>,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A list of texts.
    List,
    /// Anything that JSON can say.
    Json,
}

/// When a panel calls out for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NativePhase {
    /// Before it is done.
    Before,
    /// After it was done.
    After,
    /// After it could not be done.
    Failed,
}

/// Which use of a name is meant where one serves both: a form of COREmanager such as `user.edit`, or a check of WHMCS
/// such as `ClientDetailsValidation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// A new object is made: `sok` is set and `elid` empty, or the panel names no object.
    Create,
    /// An object that exists is changed: both are set, or the panel names it.
    Change,
}

impl Catalogue {
    /// Returns the action of this name.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(*self.by_name.get(name)?)
    }

    /// All actions, grouped by what they are about.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter()
    }

    /// Returns the field that the parameter `short` of an action is.
    pub fn field(&self, action: &str, short: &str) -> Option<&'static Field> {
        self.action(action)?.field(short)
    }

    /// Returns the action that a panel calls `name`. Where a form serves several actions, `when`
    /// tells them apart; without it the first one counts.
    pub fn by_native(&self, panel: &str, name: &str, when: Option<When>) -> Option<&Action> {
        let own = |action: &Action| action.panels.get(panel).and_then(|native| native.when);
        let candidates = self.by_native.get(panel)?.get(name)?.iter();
        candidates
            .filter_map(|&index| self.actions.get(index))
            .find(|action| when.is_none() || own(action).is_none() || own(action) == when)
    }

    /// Whether a panel delivers a secret field of any action under `key`.
    pub fn is_secret_key(&self, panel: &str, key: &str) -> bool {
        self.secret_keys.get(panel).is_some_and(|keys| keys.contains(key))
    }

    /// Returns up to three names of actions that `name` may be meant to be, the most similar first.
    pub fn near(&self, name: &str) -> Vec<&str> {
        let similarity = |action: &Action| strsim::jaro_winkler(name, &action.name);
        let mut near: Vec<(f64, &str)> = self
            .actions()
            .map(|action| (similarity(action), action.name.as_str()))
            .filter(|(similarity, _)| *similarity > 0.8)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.into_iter().take(3).map(|(_, name)| name).collect()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let raw: RawCatalogue = toml::from_str(text).map_err(|error| error.to_string())?;
        // The catalogue lives as long as the program, and so may its fields.
        let known: &'static [Field] = Box::leak(raw.field.into_boxed_slice());
        let mut fields = HashMap::new();
        for field in known {
            if fields.insert(field.name.as_str(), field).is_some() {
                return Err(format!("there are two fields `{}`", field.name));
            }
        }
        let mut secret_keys: HashMap<String, HashSet<String>> = HashMap::new();
        for (panel, keys) in
            known.iter().filter(|field| field.secret).flat_map(|field| &field.native)
        {
            secret_keys.entry(panel.clone()).or_default().extend(keys.iter().cloned());
        }
        let mut catalogue = Self {
            actions: Vec::new(),
            by_name: HashMap::new(),
            by_native: HashMap::new(),
            secret_keys,
        };
        for action in raw.action {
            catalogue.add(Action::resolve(action, &fields)?)?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, action: Action) -> Result<(), String> {
        let index = self.actions.len();
        if self.by_name.insert(action.name.clone(), index).is_some() {
            return Err(format!("there are two actions `{}`", action.name));
        }
        for (panel, native) in &action.panels {
            let names = self.by_native.entry(panel.clone()).or_default();
            for name in native.names.iter().chain(&native.unverified) {
                names.entry(name.clone()).or_default().push(index);
            }
        }
        self.actions.push(action);
        Ok(())
    }
}

impl Action {
    /// Returns the field that the parameter `short` is.
    pub fn field(&self, short: &str) -> Option<&'static Field> {
        self.fields.get(*self.by_short.get(short)?).copied()
    }

    /// Returns the field that a panel delivers under `key`.
    pub fn native_field(&self, panel: &str, key: &str) -> Option<&'static Field> {
        let has_key = |field: &&&Field| {
            field.native.get(panel).is_some_and(|keys| keys.iter().any(|known| known == key))
        };
        self.fields.iter().find(has_key).copied()
    }

    fn resolve(raw: RawAction, known: &HashMap<&str, &'static Field>) -> Result<Self, String> {
        let mut fields = Vec::new();
        let mut by_short = HashMap::new();
        for (index, name) in raw.fields.iter().enumerate() {
            let field = *known
                .get(name.as_str())
                .ok_or_else(|| format!("`{}` has an unknown field `{name}`", raw.name))?;
            let short = field.short();
            if by_short.insert(short.to_owned(), index).is_some() {
                return Err(format!("`{}` has two fields with the short name `{short}`", raw.name));
            }
            fields.push(field);
        }
        let RawAction { name, description, core, panels, .. } = raw;
        Ok(Self { name, description, core, fields, panels, by_short })
    }
}

impl Field {
    /// The name that a call's parameter carries: the last segment of the canonical name.
    pub fn short(&self) -> &str {
        self.name.rsplit_once('.').map_or(self.name.as_str(), |(_, short)| short)
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FieldKind::Text => "text",
            FieldKind::Integer => "integer",
            FieldKind::Number => "number",
            FieldKind::Boolean => "boolean",
            FieldKind::List => "list",
            FieldKind::Json => "json",
        })
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    field: Vec<Field>,
    action: Vec<RawAction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAction {
    name: String,
    description: String,
    #[serde(default)]
    core: bool,
    fields: Vec<String>,
    #[serde(default)]
    panels: BTreeMap<String, Native>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nearly all panels have.
    const CORE: &str = "customer.create customer.update customer.delete customer.suspend \
        customer.resume customer.password.change subscription.create subscription.suspend \
        subscription.resume subscription.plan.change site.create site.update site.delete \
        site.alias.add site.alias.remove subdomain.create subdomain.delete mailbox.create \
        mailbox.delete mailbox.password.change mail.forward.set mail.forward.delete \
        database.create database.delete dns.zone.create dns.zone.delete dns.zone.write \
        dns.record.create dns.record.update dns.record.delete ssl.install ssl.issue ftp.create \
        ftp.delete cron.set backup.create backup.restore session.login session.logout ip.create \
        ip.update ip.delete plan.create plan.update";

    const PANELS: &str = "plesk coremanager billmanager cpanel directadmin whmcs virtualmin \
        ispconfig hestia cyberpanel fossbilling blesta";

    fn native(panel: &str, name: &str, when: Option<When>) -> Option<&'static str> {
        catalogue().by_native(panel, name, when).map(|action| action.name.as_str())
    }

    fn error_of(text: &str) -> String {
        let field = "[[field]]\nname = 'a.x'\ntype = 'text'\ndescription = ''\n";
        Catalogue::parse(&format!("{field}{text}")).unwrap_err()
    }

    #[test]
    fn the_catalogue_holds_every_action() {
        assert!(catalogue().actions().count() >= 144);
        assert_eq!(catalogue().actions().next().unwrap().name, "customer.create");
        let action = catalogue().action("mailbox.create").unwrap();
        assert_eq!(action.description, "A mailbox is created.");
    }

    #[test]
    fn exactly_the_portable_core_is_marked_as_core() {
        let core: Vec<&str> =
            catalogue().actions().filter(|a| a.core).map(|a| a.name.as_str()).collect();
        let mut wanted: Vec<&str> = CORE.split_whitespace().collect();
        wanted.sort_by_key(|name| catalogue().by_name[*name]);
        assert_eq!(core, wanted);
        assert!(core.iter().all(|name| !catalogue().action(name).unwrap().fields.is_empty()));
    }

    #[test]
    fn fields_that_hold_passwords_and_keys_are_secret() {
        let tells = |field: &Field| {
            matches!(field.short(), "password" | "key" | "epp_code") || field.name == "session.id"
        };
        let mut fields = catalogue().actions().flat_map(|action| &action.fields);
        assert!(fields.all(|field| field.secret == tells(field)));
    }

    #[test]
    fn a_field_is_found_by_its_short_name() {
        let password = catalogue().field("mailbox.create", "password").unwrap();
        assert_eq!((password.name.as_str(), password.secret), ("mailbox.password", true));
        assert_eq!(password.kind, FieldKind::Text);
        assert!(catalogue().field("mailbox.create", "mailbox.password").is_none());
        assert!(catalogue().field("mailbox.crate", "password").is_none());
    }

    #[test]
    fn a_key_of_a_panel_means_one_field_of_an_action() {
        let unambiguous = |action: &Action, field: &Field| {
            let found = |panel, key| action.native_field(panel, key).map(|found| &found.name);
            let mut keys =
                field.native.iter().flat_map(|(p, keys)| keys.iter().map(move |k| (p, k)));
            keys.all(|(panel, key)| found(panel, key) == Some(&field.name))
        };
        let mut actions = catalogue().actions();
        assert!(actions.all(|action| action.fields.iter().all(|field| unambiguous(action, field))));
    }

    #[test]
    fn a_name_of_a_panel_means_one_action() {
        let unambiguous = |action: &Action, panel: &str, native: &Native| {
            let when = native.when.unwrap_or(When::Change);
            let found = |name| catalogue().by_native(panel, name, Some(when)).map(|a| &a.name);
            let mut names = native.names.iter().chain(&native.unverified);
            names.all(|name| found(name) == Some(&action.name))
        };
        for action in catalogue().actions() {
            assert!(action.panels.iter().all(|(panel, native)| unambiguous(action, panel, native)));
        }
    }

    #[test]
    fn only_known_panels_are_named() {
        let actions = catalogue().actions();
        let named = actions.flat_map(|action| {
            let fields = action.fields.iter().flat_map(|field| field.native.keys());
            action.panels.keys().chain(fields)
        });
        let unknown: Vec<&String> = named.filter(|name| !PANELS.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn forms_are_told_apart_by_their_use() {
        assert_eq!(native("plesk", "mailname_create", None), Some("mailbox.create"));
        assert_eq!(native("coremanager", "user.edit", Some(When::Create)), Some("customer.create"));
        assert_eq!(native("coremanager", "user.edit", Some(When::Change)), Some("customer.update"));
        assert_eq!(native("coremanager", "user.edit", None), Some("customer.create"));
        assert_eq!(native("coremanager", "db.edit", Some(When::Change)), None);
        assert_eq!(native("plesk", "user.edit", None), None);
    }

    #[test]
    fn keys_of_secret_fields_are_known_for_each_panel() {
        let is_secret = |panel, key| catalogue().is_secret_key(panel, key);
        assert!(is_secret("virtualmin", "PASS") && is_secret("directadmin", "session_id"));
        assert!(is_secret("cpanel", "key_pem") && is_secret("cpanel", "new_password"));
        assert!(!is_secret("directadmin", "username") && !is_secret("plesk", "PASS"));
    }

    #[test]
    fn only_texts_and_lists_are_domain_names() {
        let mut fields = catalogue().actions().flat_map(|action| &action.fields);
        assert!(fields.all(|field| {
            !field.domain
                || !field.secret && matches!(field.kind, FieldKind::Text | FieldKind::List)
        }));
        let field = |action, short| catalogue().field(action, short).unwrap();
        assert!(field("site.create", "name").domain && field("mailbox.create", "domain").domain);
        assert!(!field("site.create", "unicode").domain);
    }

    #[test]
    fn near_misses_are_found() {
        assert_eq!(catalogue().near("mailbox.crate").first(), Some(&"mailbox.create"));
        assert!(catalogue().near("mailbox.crate").len() <= 3);
        assert!(catalogue().near("zzzz").is_empty());
    }

    #[test]
    fn a_wrong_catalogue_is_refused() {
        let action = "[[action]]\nname = 'a.b'\ndescription = ''\nfields = ['a.x']\n";
        assert_eq!(error_of(&action.replace("a.x", "a.y")), "`a.b` has an unknown field `a.y`");
        assert_eq!(error_of(&format!("{action}{action}")), "there are two actions `a.b`");
        assert_eq!(
            error_of(&action.replace("'a.x'", "'a.x', 'a.x'")),
            "`a.b` has two fields with the short name `x`"
        );
        assert!(error_of(&format!("{action}cores = true")).contains("unknown field `cores`"));
    }
}
