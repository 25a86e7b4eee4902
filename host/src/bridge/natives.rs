//! What a panel calls the hooks that extensions subscribe to, so that it is registered for those and no others.

use palisade_hook::Dialect;

use super::{hestia, ispconfig, whmcs};
use crate::hook::catalogue::{Native, NativePhase, When, catalogue};
use crate::hook::{HookPattern, Pattern, Phase};

/// A hook in a panel's own words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NativeHook {
    /// When the panel calls out.
    pub phase: Phase,
    /// The panel's own name, as the catalogue writes it: without `_pre`, and with all of `Whostmgr::Accounts::Create`.
    pub native: String,
    /// The action that a call of it is, unless the panel does several things under the name.
    pub action: String,
    /// Which use of a form is meant, where one function serves two actions.
    pub when: Option<When>,
    /// Whether the name is known from the vendor's documents.
    pub verified: bool,
}

/// Returns the hooks of the panel that these patterns match, in the catalogue's order and then those that a pattern
/// names in the panel's own words (`cpanel.Cpanel::UAPI::Tokens::create`). What a pattern with a `*` matches beyond
/// the catalogue cannot be listed and is left out, and so is what the panel never calls out for.
pub fn natives<'a>(
    dialect: Dialect,
    hooks: impl IntoIterator<Item = &'a HookPattern>,
) -> Vec<NativeHook> {
    let hooks: Vec<&HookPattern> = hooks.into_iter().collect();
    let mut natives = Vec::new();
    for action in catalogue().actions() {
        let Some(native) = action.panels.get(dialect.name()) else { continue };
        for phase in [Phase::Before, Phase::After] {
            if calls_out(native, phase)
                && hooks.iter().any(|hook| matches(hook, phase, &action.name))
            {
                natives.extend(named(dialect, native, phase, &action.name));
            }
        }
    }
    for hook in hooks {
        let own = own_name(dialect, hook).filter(|own| can_be(dialect, own, hook.phase));
        let Some(own) = own else { continue };
        let hook = NativeHook {
            phase: hook.phase,
            native: own.to_owned(),
            action: format!("{dialect}.{own}"),
            when: None,
            verified: false,
        };
        if !natives.contains(&hook) {
            natives.push(hook);
        }
    }
    natives
}

/// The panel's names for one action. Shared ones arrive as another action and would bring nothing.
fn named(
    dialect: Dialect,
    native: &Native,
    phase: Phase,
    action: &str,
) -> impl Iterator<Item = NativeHook> {
    let verified = native.names.iter().map(|name| (name, true));
    let unverified = native.unverified.iter().map(|name| (name, false));
    verified.chain(unverified).filter(move |(name, _)| can_be(dialect, name, phase)).map(
        move |(name, verified)| NativeHook {
            phase,
            native: name.clone(),
            action: action.to_owned(),
            when: native.when,
            verified,
        },
    )
}

/// The panel's own name of an action that the catalogue does not know, if the pattern is about exactly one.
fn own_name(dialect: Dialect, hook: &HookPattern) -> Option<&str> {
    match &hook.pattern {
        Pattern::Exact(action) => action.strip_prefix(dialect.name())?.strip_prefix('.'),
        Pattern::Under(_) => None,
    }
}

fn matches(hook: &HookPattern, phase: Phase, action: &str) -> bool {
    hook.phase == phase
        && match &hook.pattern {
            Pattern::Exact(name) => name == action,
            Pattern::Under(prefix) if prefix.is_empty() => true,
            Pattern::Under(prefix) => {
                action.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
        }
}

/// Whether the panel calls out in this phase; what failed is told after it.
fn calls_out(native: &Native, phase: Phase) -> bool {
    native.phases.iter().any(|native| match native {
        NativePhase::Before => phase == Phase::Before,
        NativePhase::After | NativePhase::Failed => phase == Phase::After,
    })
}

/// Whether the name can be one of this phase: these panels say the phase in their own names.
fn can_be(dialect: Dialect, native: &str, phase: Phase) -> bool {
    match dialect {
        Dialect::Plesk => phase == Phase::After,
        Dialect::Hestia => hestia::phase(native) == Some(phase),
        Dialect::Whmcs => whmcs::phase(native) == phase,
        Dialect::Ispconfig => ispconfig::phase(native) == phase,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dialect: Dialect, hooks: &[&str]) -> Vec<String> {
        let hooks: Vec<HookPattern> =
            hooks.iter().map(|hook| HookPattern::parse(hook).unwrap()).collect();
        let natives = natives(dialect, &hooks);
        natives.iter().map(|hook| format!("{}:{}", hook.phase, hook.native)).collect()
    }

    #[test]
    fn a_hook_has_the_names_that_the_panel_gives_it() {
        let hooks = ["before:customer.create", "after:mailbox.create"];
        assert_eq!(
            names(Dialect::Cpanel, &hooks),
            [
                "before:Whostmgr::Accounts::Create",
                "after:Cpanel::UAPI::Email::add_pop",
                "after:scripts::addpop"
            ]
        );
        assert_eq!(
            names(Dialect::Directadmin, &hooks),
            ["before:user_create", "after:email_create"]
        );
        assert_eq!(names(Dialect::Plesk, &hooks), ["after:mailname_create"]);
    }

    #[test]
    fn a_form_says_which_use_of_it_is_meant() {
        let hook = HookPattern::parse("before:customer.create").unwrap();
        let natives = natives(Dialect::Coremanager, [&hook]);
        assert_eq!((natives[0].native.as_str(), natives[0].when), ("user.add", Some(When::Create)));
        assert!(natives.iter().all(|native| native.action == "customer.create"));
    }

    #[test]
    fn a_pattern_brings_all_that_it_matches() {
        let all = names(Dialect::Virtualmin, &["before:*"]);
        assert!(all.contains(&"before:CREATE_DOMAIN".to_owned()) && all.len() > 8, "{all:?}");
        let sites = names(Dialect::Directadmin, &["after:site.*"]);
        assert!(sites.contains(&"after:domain_pointer_create".to_owned()), "{sites:?}");
        assert!(!sites.iter().any(|name| name.contains("subdomain")), "{sites:?}");
        assert!(names(Dialect::Directadmin, &["after:sit.*"]).is_empty());
    }

    #[test]
    fn what_the_panel_never_calls_out_for_is_left_out() {
        assert!(names(Dialect::Plesk, &["before:mailbox.create"]).is_empty());
        assert!(names(Dialect::Directadmin, &["before:dns.zone.write"]).is_empty());
        assert!(names(Dialect::Hestia, &["before:customer.create"]).is_empty());
    }

    #[test]
    fn a_shared_name_is_left_to_the_action_that_it_arrives_as() {
        assert!(names(Dialect::Cpanel, &["before:customer.limits.change"]).is_empty());
    }

    #[test]
    fn the_scripts_of_hestia_say_their_phase_themselves() {
        let hooks = ["before:ssl.issue", "after:ssl.issue", "after:mail.domain.enable"];
        assert_eq!(
            names(Dialect::Hestia, &hooks),
            ["after:add-mail-domain", "before:le_pre", "after:le_post"]
        );
    }

    #[test]
    fn the_panels_own_names_can_be_subscribed_to() {
        let hooks = [
            "before:cpanel.Cpanel::UAPI::Tokens::create",
            "before:cpanel.Cpanel::UAPI::Tokens::create",
            "before:cpanel.*",
            "before:plesk.x",
        ];
        assert_eq!(names(Dialect::Cpanel, &hooks), ["before:Cpanel::UAPI::Tokens::create"]);
        assert!(names(Dialect::Plesk, &hooks).is_empty());
    }

    #[test]
    fn every_hook_of_every_panel_arrives_as_the_action_that_it_was_asked_for() {
        let all = [Phase::Before, Phase::After]
            .map(|phase| HookPattern { phase, pattern: Pattern::Under(String::new()) });
        for dialect in Dialect::ALL {
            for hook in natives(dialect, &all) {
                let found = catalogue().by_native(dialect.name(), &hook.native, hook.when);
                assert_eq!(found.map(|action| &action.name), Some(&hook.action), "{hook:?}");
            }
        }
    }
}
