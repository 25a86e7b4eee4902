//! What a panel can do, before it has called: for which hooks it calls out, whether it waits, what it heeds.
//!
//! It answers for a subscription what [`super::powers`] answers for a live call, and by the same word: what a panel
//! heeds at a hook is what it would heed in the call that it makes for it.

use std::collections::BTreeSet;
use std::fmt;

use super::{Dialect, NativeHook, Simulation, natives, powers};
use crate::hook::catalogue::{Action, Native, NativePhase, catalogue};
use crate::hook::{HookPattern, Pattern, Phase, Power};

/// Hooks that a sentence names before it only counts them.
const NAMED: usize = 4;

/// One hook of a panel, and what the panel does with the answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelHook {
    /// The hook, in the panel's words.
    pub native: NativeHook,
    /// What the panel heeds.
    pub powers: &'static [Power],
    /// Whether the panel waits for the answer before it goes on.
    pub waits: bool,
}

/// Something that a handler asks for and does not get on a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    dialect: Dialect,
    hook: HookPattern,
    lack: Lack,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lack {
    /// The panel calls out in the other phase alone.
    OtherPhase { powers: Vec<Power> },
    /// Commands would have to be wrapped.
    Wrapped { names: Vec<String> },
    /// The panel calls out for several actions under one name, which stands for another.
    Shared { name: String, action: Option<String> },
    /// Nothing is known of it.
    Unknown,
    /// The panel calls out and heeds the power at none of the hooks.
    Unheeded { power: Power },
    /// The panel heeds the power at some of the hooks, and not at these.
    PartlyUnheeded { power: Power, of: usize, names: Vec<String> },
}

/// A power that an extension cannot do without, and that the panel does not heed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the handler of `{}` cannot do without `{power}`, and {why}", .why.hook)]
pub struct Unmet {
    power: Power,
    why: Box<Shortfall>,
}

/// The panel's name, as its vendor writes it.
pub fn title(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Plesk => "Plesk",
        Dialect::Coremanager => "COREmanager",
        Dialect::Billmanager => "BILLmanager",
        Dialect::Cpanel => "cPanel",
        Dialect::Directadmin => "DirectAdmin",
        Dialect::Virtualmin => "Virtualmin",
        Dialect::Bitrix => "a Bitrix environment",
        Dialect::Hestia => "HestiaCP",
        Dialect::Whmcs => "WHMCS",
        Dialect::Ispconfig => "ISPConfig",
        Dialect::Generic => "a panel of the dialect `generic`",
    }
}

/// The hooks of the panel that these patterns match and that come to a script.
pub fn panel_hooks<'a>(
    dialect: Dialect,
    hooks: impl IntoIterator<Item = &'a HookPattern>,
) -> Vec<PanelHook> {
    let natives = natives(dialect, hooks).into_iter();
    let heeded = |native: NativeHook| PanelHook {
        powers: powers(&Simulation::bare(dialect, native.clone()).panel_call()),
        waits: waits(dialect, native.phase),
        native,
    };
    natives.filter(|native| comes_to_a_script(dialect, &native.native)).map(heeded).collect()
}

/// Returns what of a subscription with these powers does not work on the panel; nothing if all of it does.
pub fn shortfalls(dialect: Dialect, hook: &HookPattern, wanted: &[Power]) -> Vec<Shortfall> {
    if dialect == Dialect::Generic {
        return Vec::new();
    }
    let shortfall = |lack| Shortfall { dialect, hook: hook.clone(), lack };
    let hooks = panel_hooks(dialect, [hook]);
    if hooks.is_empty() {
        return vec![shortfall(unreached(dialect, hook, wanted))];
    }
    let unheeded = |&power: &Power| {
        let names: BTreeSet<&str> = hooks
            .iter()
            .filter(|hook| !hook.powers.contains(&power))
            .map(|hook| hook.native.native.as_str())
            .collect();
        let all: BTreeSet<&str> = hooks.iter().map(|hook| hook.native.native.as_str()).collect();
        match names.len() {
            0 => None,
            none if none == all.len() => Some(Lack::Unheeded { power }),
            _ => Some(Lack::PartlyUnheeded {
                power,
                of: all.len(),
                names: names.into_iter().map(str::to_owned).collect(),
            }),
        }
    };
    wanted.iter().filter_map(unheeded).map(shortfall).collect()
}

/// Checks that the panel heeds each of these powers at every hook that the pattern matches.
pub fn check_required(
    dialect: Dialect,
    hook: &HookPattern,
    required: &[Power],
) -> Result<(), Unmet> {
    for &power in required {
        if let Some(why) = shortfalls(dialect, hook, &[power]).into_iter().next() {
            return Err(Unmet { power, why: Box::new(why) });
        }
    }
    Ok(())
}

/// Whether the panel waits for the answer of a script before it goes on.
fn waits(dialect: Dialect, phase: Phase) -> bool {
    match dialect {
        // It runs handlers in the background.
        Dialect::Plesk => false,
        // Its forms wait before they are saved; afterwards it works off a queue.
        Dialect::Ispconfig => phase == Phase::Before,
        _ => true,
    }
}

/// Whether the panel's name is that of something which calls a script: the catalogue has names of other things, too.
fn comes_to_a_script(dialect: Dialect, native: &str) -> bool {
    match dialect {
        Dialect::Plesk => !native.starts_with("pm_Hook_"),
        // `pm:` and `paymethod:` are commands of modules.
        Dialect::Coremanager | Dialect::Billmanager => !native.contains(':'),
        Dialect::Cpanel => native.contains("::"),
        Dialect::Virtualmin => !native.bytes().any(|byte| byte.is_ascii_lowercase()),
        Dialect::Directadmin
        | Dialect::Bitrix
        | Dialect::Hestia
        | Dialect::Whmcs
        | Dialect::Ispconfig
        | Dialect::Generic => true,
    }
}

/// Why the panel never calls out for the hook.
fn unreached(dialect: Dialect, hook: &HookPattern, wanted: &[Power]) -> Lack {
    let other = HookPattern { phase: other(hook.phase), pattern: hook.pattern.clone() };
    if !panel_hooks(dialect, [&other]).is_empty() {
        return Lack::OtherPhase { powers: wanted.to_vec() };
    }
    let Some(native) = known(dialect, hook) else { return Lack::Unknown };
    if native.phases.is_empty() && !native.names.is_empty() {
        return Lack::Wrapped { names: native.names.clone() };
    }
    let calls_out = native.phases.iter().any(|phase| match phase {
        NativePhase::Before => hook.phase == Phase::Before,
        NativePhase::After | NativePhase::Failed => hook.phase == Phase::After,
    });
    match native.shared.first().filter(|_| calls_out) {
        Some(name) => Lack::Shared {
            name: name.clone(),
            action: catalogue()
                .by_native(dialect.name(), name, None)
                .map(|action: &Action| action.name.clone()),
        },
        None => Lack::Unknown,
    }
}

/// What the catalogue says of the panel and the one action that the pattern is about.
fn known(dialect: Dialect, hook: &HookPattern) -> Option<&'static Native> {
    match &hook.pattern {
        Pattern::Exact(action) => catalogue().action(action)?.panels.get(dialect.name()),
        Pattern::Under(_) => None,
    }
}

fn other(phase: Phase) -> Phase {
    match phase {
        Phase::Before => Phase::After,
        Phase::After => Phase::Before,
    }
}

impl Shortfall {
    /// Whether the handler never runs on the panel.
    pub fn never_runs(&self) -> bool {
        !matches!(self.lack, Lack::Unheeded { .. } | Lack::PartlyUnheeded { .. })
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (panel, hook) = (title(self.dialect), &self.hook);
        let action = &hook.pattern;
        match &self.lack {
            Lack::OtherPhase { powers } => {
                match hook.phase {
                    Phase::Before => write!(f, "{panel} tells only afterwards: ")?,
                    Phase::After => write!(f, "{panel} calls only before it: ")?,
                }
                match powers.is_empty() {
                    true => write!(f, "nothing is called for {hook}"),
                    false => {
                        let have = if powers.len() > 1 { "have" } else { "has" };
                        write!(f, "{} {have} no effect on {action}", list(powers, "and"))
                    }
                }
            }
            Lack::Wrapped { names } => write!(
                f,
                "{panel} never calls {} {action}: {} would have to be wrapped",
                hook.phase,
                list(&ticked(names), "or")
            ),
            Lack::Shared { name, action: Some(other) } => {
                write!(f, "{panel} does not tell {action} apart: its `{name}` arrives as {other}")
            }
            Lack::Shared { name, action: None } => {
                write!(f, "{panel} does not tell {action} apart from what else its `{name}` is")
            }
            Lack::Unknown => write!(f, "{panel} never calls {} {action}", hook.phase),
            Lack::Unheeded { power } => {
                write!(f, "{panel} does not heed {power} {} {action}", hook.phase)
            }
            Lack::PartlyUnheeded { power, of, names } => {
                write!(
                    f,
                    "{panel} does not heed {power} at {} of the {of} hooks of {hook}: {}",
                    names.len(),
                    list(&ticked(names.iter().take(NAMED)), "and")
                )?;
                match names.len().checked_sub(NAMED) {
                    None | Some(0) => Ok(()),
                    Some(more) => write!(f, " and {more} more"),
                }
            }
        }
    }
}

fn ticked<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    names.into_iter().map(|name| format!("`{name}`")).collect()
}

/// A list in words: `a, b and c`.
fn list<T: ToString>(items: &[T], word: &str) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {word} {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::tests::hooks;
    use crate::bridge::{find, recorded_calls};

    fn pattern(text: &str) -> HookPattern {
        HookPattern::parse(text).unwrap()
    }

    fn lacks(dialect: Dialect, hook: &str, powers: &[Power]) -> Vec<String> {
        let found = shortfalls(dialect, &pattern(hook), powers);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_works_is_not_spoken_of() {
        assert!(
            lacks(Dialect::Coremanager, "before:mailbox.create", &[Power::Deny, Power::Skip])
                .is_empty()
        );
        assert!(lacks(Dialect::Coremanager, "after:customer.create", &[Power::Alter]).is_empty());
        assert!(lacks(Dialect::Plesk, "after:mailbox.create", &[]).is_empty());
        assert!(lacks(Dialect::Generic, "before:a.b", &[Power::Alter, Power::Deny]).is_empty());
    }

    #[test]
    fn a_panel_that_tells_only_afterwards_is_said_to() {
        assert_eq!(
            lacks(Dialect::Plesk, "before:mailbox.create", &[Power::Deny]),
            ["Plesk tells only afterwards: deny has no effect on mailbox.create"]
        );
        assert_eq!(
            lacks(Dialect::Plesk, "before:*", &[Power::Alter, Power::Deny]),
            ["Plesk tells only afterwards: alter and deny have no effect on *"]
        );
        assert_eq!(
            lacks(Dialect::Plesk, "before:mailbox.create", &[]),
            ["Plesk tells only afterwards: nothing is called for before:mailbox.create"]
        );
    }

    #[test]
    fn a_panel_that_never_calls_is_said_to() {
        assert_eq!(
            lacks(Dialect::Hestia, "before:mailbox.create", &[Power::Deny]),
            [
                "HestiaCP never calls before mailbox.create: `v-add-mail-account` would have to be wrapped"
            ]
        );
        assert_eq!(
            lacks(Dialect::Cpanel, "after:shop.order", &[]),
            ["cPanel never calls after shop.order"]
        );
        assert!(shortfalls(Dialect::Bitrix, &pattern("before:*"), &[])[0].never_runs());
    }

    #[test]
    fn what_arrives_as_another_action_is_said_with_it() {
        assert_eq!(
            lacks(Dialect::Virtualmin, "before:customer.create", &[Power::Deny]),
            [
                "Virtualmin does not tell customer.create apart: its `CREATE_DOMAIN` arrives as subscription.create"
            ]
        );
    }

    #[test]
    fn a_power_that_has_no_effect_is_named() {
        assert_eq!(
            lacks(Dialect::Coremanager, "before:customer.create", &[Power::Alter, Power::Deny]),
            ["COREmanager does not heed alter before customer.create"]
        );
        assert_eq!(
            lacks(Dialect::Plesk, "after:customer.create", &[Power::Alter]),
            ["Plesk does not heed alter after customer.create"]
        );
    }

    #[test]
    fn what_an_extension_cannot_do_without_is_checked() {
        let hook = pattern("before:mailbox.create");
        assert_eq!(check_required(Dialect::Coremanager, &hook, &[Power::Deny]), Ok(()));
        assert_eq!(check_required(Dialect::Plesk, &hook, &[]), Ok(()));
        assert_eq!(
            check_required(Dialect::Plesk, &hook, &[Power::Deny]).unwrap_err().to_string(),
            "the handler of `before:mailbox.create` cannot do without `deny`, and Plesk tells only \
             afterwards: deny has no effect on mailbox.create"
        );
    }

    #[test]
    fn what_is_said_before_a_call_holds_for_the_recorded_day() {
        let day = recorded_calls(include_bytes!("../../../tests/fixtures/day.jsonl")).unwrap();
        let mut compared = 0;
        for call in day.iter().map(|recorded| &recorded.call) {
            // A handler after an action is registered as `xml`, which alone can alter.
            let is_other_kind = call.argument(0).as_deref() == Some("after")
                && call.argument(1).as_deref() == Some("cgi");
            let translated = &hooks(call).unwrap()[0];
            if is_other_kind || translated.action == "form.render" {
                continue;
            }
            let hook =
                find(call.dialect, &translated.native, Some(translated.phase), None).unwrap();
            let call_of_it = Simulation::bare(call.dialect, hook).panel_call();
            assert_eq!(powers(&call_of_it), powers(call), "{}", translated.native);
            compared += 1;
        }
        assert!(compared > 40, "{compared}");
    }

    #[test]
    fn what_the_panels_documents_say_is_what_is_heeded() {
        let heeded = |dialect, hook: &str| {
            let mut found: Vec<&[Power]> =
                panel_hooks(dialect, [&pattern(hook)]).iter().map(|hook| hook.powers).collect();
            found.dedup();
            found
        };
        let (skip_or_deny, alter): (&[Power], &[Power]) =
            (&[Power::Skip, Power::Deny], &[Power::Alter]);
        assert_eq!(heeded(Dialect::Plesk, "after:*"), [&[] as &[Power]]);
        for dialect in [Dialect::Coremanager, Dialect::Billmanager] {
            assert_eq!(heeded(dialect, "before:*"), [skip_or_deny], "{dialect}");
            assert_eq!(heeded(dialect, "after:*"), [alter], "{dialect}");
        }
        assert!(panel_hooks(Dialect::Plesk, [&pattern("before:*")]).is_empty());
        assert!(panel_hooks(Dialect::Bitrix, [&pattern("after:*")]).is_empty());
    }

    #[test]
    fn what_is_no_script_is_no_hook() {
        let names = |dialect| {
            let all = [pattern("before:*"), pattern("after:*")];
            let hooks = panel_hooks(dialect, &all);
            hooks.into_iter().map(|hook| hook.native.native).collect::<Vec<_>>()
        };
        assert!(!names(Dialect::Plesk).iter().any(|name| name.starts_with("pm_Hook")));
        assert!(!names(Dialect::Billmanager).iter().any(|name| name.contains(':')));
        assert!(names(Dialect::Virtualmin).iter().all(|name| name == &name.to_uppercase()));
        assert!(names(Dialect::Cpanel).iter().all(|name| name.contains("::")));
    }
}
