//! What an extension may do, in words, with its reasons; and granting and revoking.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::extension::{Tab, page};
use super::form::{Fields, Form};
use super::format;
use super::gate::{Failure, Signed};
use super::layout::{self, segment};
use crate::extension::Extension;
use crate::grant::{Ask, Grant, Grants};
use crate::registry::GrantChange;
use crate::server::error::ApiError;
use crate::server::extract::Path;
use crate::server::{AppState, changes};
use crate::view::Tone;

/// The name of the boxes of what is granted.
const GRANT: &str = "grant";
/// The name of what was granted when the form was drawn.
const HAD: &str = "had";

/// Things that are asked for with one reason.
struct Group<'a> {
    reason: &'a str,
    asks: Vec<&'a Ask>,
}

/// Puts those together that have one reason, in the order in which they are asked for.
fn grouped<'a>(asks: impl Iterator<Item = &'a Ask>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for ask in asks {
        match groups.iter_mut().find(|group| group.reason == ask.reason) {
            Some(group) => group.asks.push(ask),
            None => groups.push(Group { reason: &ask.reason, asks: vec![ask] }),
        }
    }
    groups
}

/// Boxes for what is asked for: ticked if `ticked` says so, with a mark if `marked` says so.
pub(super) fn boxes<'a>(
    asks: impl Iterator<Item = &'a Ask>,
    ticked: impl Fn(&Grant) -> bool,
    marked: impl Fn(&Grant) -> bool,
) -> Markup {
    html! {
        @for group in grouped(asks) {
            fieldset.grants {
                legend {
                    @if group.reason.is_empty() { "Without a reason, since it only looks" } @else { "“" (group.reason) "”" }
                }
                @for ask in group.asks {
                    label.grant {
                        input type="checkbox" name=(GRANT) value=(ask.grant) checked[ticked(&ask.grant)];
                        span {
                            (format::prose(&ask.grant.in_words()))
                            @if marked(&ask.grant) { " " (layout::badge(Tone::Warning, "new")) }
                            code.sub { (ask.grant) }
                        }
                    }
                }
            }
        }
    }
}

/// The grants that were ticked.
pub(super) fn ticked(fields: &Fields) -> Result<Grants, ApiError> {
    parsed(fields, GRANT)
}

fn parsed(fields: &Fields, name: &str) -> Result<Grants, ApiError> {
    let parsed: Result<BTreeSet<Grant>, _> = fields.all(name).map(Grant::parse).collect();
    parsed.map_err(|error| ApiError::invalid(error.to_string()))
}

/// Everything that an extension and its version that waits ask for, each once.
fn asks_of(extension: &Extension) -> impl Iterator<Item = &Ask> {
    let own = &extension.manifest.asks;
    let more = extension.waiting.iter().flat_map(|waiting| &waiting.manifest.asks);
    own.iter().chain(more.filter(|ask| own.iter().all(|its| its.grant != ask.grant)))
}

/// Shows what an extension may do.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let extension = app.host.registry.get(&id)?;
    let body = draw(&session, &extension);
    Ok(page(&app, &session, &extension, Tab::Grants, &body))
}

fn draw(session: &super::sessions::Session, extension: &Arc<Extension>) -> Markup {
    let action = format!("/extensions/{}/grants", segment(&extension.id));
    let asks: Vec<&Ask> = asks_of(extension).collect();
    if asks.is_empty() {
        return layout::empty(
            "It asks for nothing",
            &html! { p { "It can see nothing and change nothing but what every extension can." } },
        );
    }
    let is_new = |grant: &Grant| extension.manifest.asks.iter().all(|ask| ask.grant != *grant);
    let had = asks.iter().filter(|ask| extension.granted.contains(&ask.grant));
    let granted = had.clone().count();
    html! {
        @if let Some(waiting) = &extension.waiting {
            (layout::note(Tone::Warning, None, &html! {
                "Version " (waiting.version) " waits. It begins when everything marked as new is granted. "
                "To run it with less, install it once more and choose there."
            }))
        }
        p { (granted) " of " (asks.len()) " things that it asks for are granted. A change counts from the next call." }
        (layout::form(session, &action, Some("grants"), &html! {
            @for ask in had { input type="hidden" name=(HAD) value=(ask.grant); }
            (boxes(asks.iter().copied(), |grant| extension.granted.contains(grant), is_new))
            div.actions.sticky {
                button.primary type="submit" { "Save what is ticked" }
                button type="submit" name="all" value="true" { "Grant everything" }
            }
        }))
    }
}

/// Grants and revokes: only what was changed in the form, so that what somebody else changed meanwhile stays.
pub(super) async fn change(
    State(app): AppState,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let change = match form.fields.get("all") {
        Some(_) => GrantChange::All,
        None => {
            let (had, wanted) = (parsed(&form.fields, HAD)?, ticked(&form.fields)?);
            GrantChange::Change {
                add: wanted.difference(&had).cloned().collect(),
                revoke: had.difference(&wanted).cloned().collect(),
            }
        }
    };
    let old = app.host.registry.get(&id)?;
    let extension = changes::grants(&app, &id, change).await?;
    let message = match old.waiting.is_some() && extension.waiting.is_none() {
        true => format!("Saved. Version {} runs now.", extension.version),
        false => "Saved. The next call goes by it.".to_owned(),
    };
    app.console.say(&form.session, Tone::Success, &message);
    Ok(Redirect::to(&format!("/extensions/{}/grants", segment(&extension.id))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(grant: &str, reason: &str) -> Ask {
        Ask { grant: Grant::parse(grant).unwrap(), reason: reason.to_owned() }
    }

    #[test]
    fn things_with_one_reason_stand_together() {
        let asks =
            [ask("kv", "to count"), ask("deny before:a.b", "no"), ask("command x", "to count")];
        let groups = grouped(asks.iter());
        let shape: Vec<(&str, usize)> =
            groups.iter().map(|group| (group.reason, group.asks.len())).collect();
        assert_eq!(shape, [("to count", 2), ("no", 1)]);
    }

    #[test]
    fn what_is_granted_is_ticked() {
        let asks = [ask("kv", ""), ask("command x", "")];
        let drawn = boxes(asks.iter(), |grant| *grant == Grant::Kv, |_| false).into_string();
        assert_eq!(drawn.matches(" checked").count(), 1);
    }
}
