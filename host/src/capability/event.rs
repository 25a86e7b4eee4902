//! `palisade:events/types`: the hook call, read field by field.

use wasmtime::component::Resource;

use super::{CallState, value};
use crate::bindings::core_types::{ObjectRef, Value as WitValue};
use crate::bindings::events::{self, ActorKind, Phase, Powers, Role, Status};
use crate::extension::Access;
use crate::hook::{self, Event, Params, Power, Rehearsal, Value};
use crate::package::Fields;

/// What stands behind a guest's handle to the event. A call has one event, which is in its state.
pub struct EventHandle;

impl events::Host for CallState {}

impl CallState {
    /// A value of the event, if the handler sees the field.
    fn seen(
        &self,
        params: impl FnOnce(&Event) -> &Params,
        name: &str,
    ) -> wasmtime::Result<Option<&Value>> {
        let (handler, event) = self.event()?;
        Ok(params(event).get(name).filter(|_| handler.access.sees(name)))
    }
}

/// The values that a handler sees.
struct Seen<'a>(&'a Params, &'a Access);

impl serde::Serialize for Seen<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(params, access) = self;
        serializer.collect_map(params.iter().filter(|(name, _)| access.sees(name)))
    }
}

/// A result as a handler sees it: of a JSON object the members that it was granted, anything else as a whole or not.
fn shown(result: &serde_json::Value, access: &Access) -> serde_json::Value {
    let mut shown = hook::redacted(result);
    match &mut shown {
        serde_json::Value::Object(members) => members.retain(|name, _| access.sees(name)),
        // What has no members is seen by whoever sees all of them.
        _ if access.read == Fields::All => {}
        other => *other = serde_json::Value::Null,
    }
    shown
}

impl events::HostEvent for CallState {
    fn id(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<String> {
        let id = self.event()?.1.call.id.clone();
        self.called(id.len())?;
        Ok(id)
    }

    fn action(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<String> {
        let action = self.event()?.1.call.action.clone();
        self.called(action.len())?;
        Ok(action)
    }

    fn phase(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Phase> {
        self.called(0)?;
        Ok(match self.event()?.1.call.phase() {
            hook::Phase::Before => Phase::Before,
            hook::Phase::After => Phase::After,
        })
    }

    fn object(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<ObjectRef>> {
        self.called(0)?;
        let object = self.event()?.1.call.object.clone();
        Ok(self.hand_out_object(object))
    }

    fn actor(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<events::Actor>> {
        self.called(0)?;
        let actor = self.event()?.1.call.actor.as_ref().map(|actor| events::Actor {
            kind: match &actor.kind {
                hook::ActorKind::Person => ActorKind::Person,
                hook::ActorKind::Token => ActorKind::Token,
                hook::ActorKind::System => ActorKind::System,
                hook::ActorKind::Extension => ActorKind::Extension,
                hook::ActorKind::Other(name) => ActorKind::Other(name.clone()),
            },
            role: actor.role.as_ref().map(|role| match role {
                hook::Role::Superuser => Role::Superuser,
                hook::Role::Administrator => Role::Administrator,
                hook::Role::Reseller => Role::Reseller,
                hook::Role::Customer => Role::Customer,
                hook::Role::MailboxUser => Role::MailboxUser,
                hook::Role::Other(name) => Role::Other(name.clone()),
            }),
            id: actor.id.clone(),
            name: actor.name.clone(),
        });
        self.handed_out(
            actor
                .as_ref()
                .map_or(0, |actor| actor.id.len() + actor.name.as_ref().map_or(0, String::len)),
        );
        Ok(actor)
    }

    fn powers(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Powers> {
        self.called(0)?;
        Ok(self.event()?.0.access.powers.iter().fold(Powers::empty(), |powers, power| {
            powers
                | match power {
                    Power::Alter => Powers::ALTER,
                    Power::Skip => Powers::SKIP,
                    Power::Deny => Powers::DENY,
                }
        }))
    }

    fn time(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<u64> {
        self.called(0)?;
        Ok(self.event()?.1.call.time_ms)
    }

    fn get(
        &mut self,
        _: Resource<EventHandle>,
        name: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(name.len())?;
        let (found, bytes) = value::hand_out(self.seen(|event| &event.params, &name)?);
        self.handed_out(bytes);
        Ok(found)
    }

    fn get_old(
        &mut self,
        _: Resource<EventHandle>,
        name: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(name.len())?;
        let (found, bytes) = value::hand_out(self.seen(|event| &event.call.old, &name)?);
        self.handed_out(bytes);
        Ok(found)
    }

    fn changes(&mut self, _: Resource<EventHandle>, name: String) -> wasmtime::Result<bool> {
        self.called(name.len())?;
        let new = self.seen(|event| &event.params, &name)?;
        Ok(new.is_some() && new != self.event()?.1.call.old.get(&name))
    }

    fn names(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Vec<String>> {
        let (handler, event) = self.event()?;
        let seen = event.params.keys().filter(|name| handler.access.sees(name));
        let names: Vec<String> = seen.cloned().collect();
        self.called(names.iter().map(|name| name.len() + 8).sum())?;
        Ok(names)
    }

    fn to_json(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<String> {
        let (handler, event) = self.event()?;
        let json = serde_json::to_string(&Json(event, &handler.access))?;
        self.called(json.len())?;
        Ok(json)
    }

    fn status(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<Status>> {
        self.called(0)?;
        Ok(self.event()?.1.call.ended.as_ref().map(|ended| match ended.status {
            hook::Status::Succeeded => Status::Succeeded,
            hook::Status::Skipped => Status::Skipped,
            hook::Status::Denied => Status::Denied,
            hook::Status::Failed => Status::Failed,
        }))
    }

    fn result(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<String>> {
        let (handler, event) = self.event()?;
        let shown = |result| shown(result, &handler.access).to_string();
        let result = event.result.as_deref().map(shown);
        self.called(result.as_ref().map_or(0, String::len))?;
        Ok(result)
    }

    fn attribute(
        &mut self,
        _: Resource<EventHandle>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        self.called(name.len())?;
        let attribute = self.event()?.1.call.attributes.get(&name).cloned();
        self.handed_out(attribute.as_ref().map_or(0, String::len));
        Ok(attribute)
    }

    fn dry_run(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<bool> {
        self.called(0)?;
        Ok(self.event()?.1.call.rehearsal == Rehearsal::DryRun)
    }

    fn depth(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<u32> {
        self.called(0)?;
        Ok(self.event()?.1.call.depth)
    }

    fn drop(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<()> {
        // The guest only borrows the event.
        Ok(())
    }
}

/// The event as `to-json` shows it.
struct Json<'a>(&'a Event, &'a Access);

impl serde::Serialize for Json<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let Self(event, access) = self;
        let call = &event.call;
        let actor = call.actor.as_ref().map(|actor| {
            serde_json::json!({
                "kind": actor.kind.name(), "role": actor.role.as_ref().map(hook::Role::name), "id": actor.id, "name": actor.name,
            })
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &call.id)?;
        map.serialize_entry("action", &call.action)?;
        map.serialize_entry("phase", &call.phase())?;
        map.serialize_entry("object", &call.object)?;
        map.serialize_entry("actor", &actor)?;
        map.serialize_entry("params", &Seen(&event.params, access))?;
        map.serialize_entry("old", &Seen(&call.old, access))?;
        map.serialize_entry("attributes", &call.attributes)?;
        map.serialize_entry("dry_run", &(call.rehearsal == Rehearsal::DryRun))?;
        map.serialize_entry("depth", &call.depth)?;
        if let Some(ended) = &call.ended {
            map.serialize_entry("status", &ended.status)?;
            map.serialize_entry(
                "result",
                &event.result.as_deref().map(|result| shown(result, access)),
            )?;
        }
        map.end()
    }
}
