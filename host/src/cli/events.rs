//! `palisade events`: the catalogue of actions, for those who write handlers.

use clap::Args;
use serde_json::{Value, json};

use super::Context;
use super::output::{self, Failure, Format};
use crate::hook::catalogue::{Action, catalogue};

/// Shows the catalogue.
#[derive(Args)]
pub struct Show {
    /// An action, or what its name begins with
    name: Option<String>,
    /// Only actions that this panel has
    #[arg(long)]
    panel: Option<String>,
    /// Only actions that nearly every panel has
    #[arg(long)]
    core: bool,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        if let Some(action) = self.name.as_deref().and_then(|name| catalogue().action(name)) {
            return show_one(context, action);
        }
        let begins =
            |action: &Action| self.name.as_deref().is_none_or(|name| action.name.starts_with(name));
        let has = |action: &Action| {
            self.panel.as_ref().is_none_or(|panel| action.panels.contains_key(panel))
        };
        let found: Vec<&Action> = catalogue()
            .actions()
            .filter(|action| begins(action) && has(action) && (action.core || !self.core))
            .collect();
        if found.is_empty() {
            return Err(self.nothing());
        }
        if context.format == Format::Json {
            return output::print_json(&Value::Array(found.into_iter().map(to_json).collect()));
        }
        let mut table = output::table(&["action", "core", "panels", "description"]);
        for action in found {
            let panels: Vec<&str> = action.panels.keys().map(String::as_str).collect();
            table.add_row([
                action.name.as_str(),
                if action.core { "yes" } else { "" },
                &panels.join(" "),
                &action.description,
            ]);
        }
        output::print_table(&table)
    }

    fn nothing(&self) -> Failure {
        match &self.name {
            Some(name) => {
                let failure = Failure::new(format!("the catalogue has no action `{name}` that you ask for"));
                match catalogue().near(name).first() {
                    Some(near) => failure.with_hint(format!("did you mean `{near}`?")),
                    None => failure.with_hint("a panel may have actions of its own: hooks on them work all the same"),
                }
            }
            None => Failure::new(format!("no action is known of the panel `{}`", self.panel.as_deref().unwrap_or_default()))
                .with_hint("the panels are: plesk, coremanager, billmanager, cpanel, directadmin, whmcs, virtualmin, ispconfig, hestia, cyberpanel, fossbilling, blesta"),
        }
    }
}

fn to_json(action: &Action) -> Value {
    json!({
        "name": action.name,
        "description": action.description,
        "core": action.core,
        "fields": action.fields.iter().map(|field| json!({
            "name": field.short(), "type": field.kind, "secret": field.secret, "description": field.description,
        })).collect::<Vec<_>>(),
        "panels": action.panels.iter().map(|(panel, native)| (panel.clone(), json!({
            "phases": native.phases, "names": native.names, "unverified": native.unverified, "shared": native.shared,
        }))).collect::<serde_json::Map<_, _>>(),
    })
}

fn show_one(context: &Context, action: &Action) -> Result<(), Failure> {
    if context.format == Format::Json {
        return output::print_json(&to_json(action));
    }
    output::print(&format!("{}\n{}", action.name, action.description))?;
    output::print("")?;
    let mut table = output::table(&["parameter", "type", "", "description"]);
    for field in &action.fields {
        table.add_row([
            field.short(),
            &field.kind.to_string(),
            if field.secret { "secret" } else { "" },
            &field.description,
        ]);
    }
    output::print_table(&table)?;
    let mut table = output::table(&["panel", "phases", "its own name"]);
    for (panel, native) in &action.panels {
        let phases: Vec<String> =
            native.phases.iter().map(|phase| format!("{phase:?}").to_lowercase()).collect();
        let unverified = native.unverified.iter().map(|name| format!("{name} (unverified)"));
        let shared = native.shared.iter().map(|name| format!("{name} (among others)"));
        let names: Vec<String> =
            native.names.iter().cloned().chain(unverified).chain(shared).collect();
        table.add_row([panel.as_str(), &phases.join(", "), &names.join(", ")]);
    }
    output::print("")?;
    output::print_table(&table)
}
