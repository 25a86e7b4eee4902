//! `palisade:events/types`: the hook call, read field by field.

use wasmtime::component::Resource;

use super::{CallState, value};
use crate::bindings::core_types::{ObjectRef, Value as WitValue};
use crate::bindings::events::{self, ActorKind, Phase, Powers, Role, Status};
use crate::hook::{self, Power, Rehearsal};

/// What stands behind a guest's handle to the event. A call has one event, which is in its state.
pub struct EventHandle;

impl events::Host for CallState {}

impl events::HostEvent for CallState {
    fn id(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<String> {
        let id = self.event.call.id.clone();
        self.called(id.len())?;
        Ok(id)
    }

    fn action(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<String> {
        let action = self.event.call.action.clone();
        self.called(action.len())?;
        Ok(action)
    }

    fn phase(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Phase> {
        self.called(0)?;
        Ok(match self.event.call.phase() {
            hook::Phase::Before => Phase::Before,
            hook::Phase::After => Phase::After,
        })
    }

    fn object(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<ObjectRef>> {
        self.called(0)?;
        let object = self
            .event
            .call
            .object
            .as_ref()
            .map(|object| ObjectRef { kind: object.kind.clone(), id: object.id.clone() });
        self.handed_out(object.as_ref().map_or(0, |object| object.kind.len() + object.id.len()));
        Ok(object)
    }

    fn actor(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<events::Actor>> {
        self.called(0)?;
        let actor = self.event.call.actor.as_ref().map(|actor| events::Actor {
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
        Ok(self.handler.subscription.powers.iter().fold(Powers::empty(), |powers, power| {
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
        Ok(self.event.call.time_ms)
    }

    fn get(
        &mut self,
        _: Resource<EventHandle>,
        name: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(name.len())?;
        let (found, bytes) = value::hand_out(self.event.params.get(&name));
        self.handed_out(bytes);
        Ok(found)
    }

    fn get_old(
        &mut self,
        _: Resource<EventHandle>,
        name: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(name.len())?;
        let (found, bytes) = value::hand_out(self.event.call.old.get(&name));
        self.handed_out(bytes);
        Ok(found)
    }

    fn changes(&mut self, _: Resource<EventHandle>, name: String) -> wasmtime::Result<bool> {
        self.called(name.len())?;
        let new = self.event.params.get(&name);
        Ok(new.is_some() && new != self.event.call.old.get(&name))
    }

    fn names(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Vec<String>> {
        let names: Vec<String> = self.event.params.keys().cloned().collect();
        self.called(names.iter().map(|name| name.len() + 8).sum())?;
        Ok(names)
    }

    fn to_json(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<String> {
        let json = serde_json::to_string(&Json(&self.event))?;
        self.called(json.len())?;
        Ok(json)
    }

    fn status(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<Status>> {
        self.called(0)?;
        Ok(self.event.call.ended.as_ref().map(|ended| match ended.status {
            hook::Status::Succeeded => Status::Succeeded,
            hook::Status::Skipped => Status::Skipped,
            hook::Status::Denied => Status::Denied,
            hook::Status::Failed => Status::Failed,
        }))
    }

    fn result(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<Option<String>> {
        let result = self.event.result.as_ref().map(|result| hook::redacted(result).to_string());
        self.called(result.as_ref().map_or(0, String::len))?;
        Ok(result)
    }

    fn attribute(
        &mut self,
        _: Resource<EventHandle>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        self.called(name.len())?;
        let attribute = self.event.call.attributes.get(&name).cloned();
        self.handed_out(attribute.as_ref().map_or(0, String::len));
        Ok(attribute)
    }

    fn dry_run(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<bool> {
        self.called(0)?;
        Ok(self.event.call.rehearsal == Rehearsal::DryRun)
    }

    fn depth(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<u32> {
        self.called(0)?;
        Ok(self.event.call.depth)
    }

    fn drop(&mut self, _: Resource<EventHandle>) -> wasmtime::Result<()> {
        // The guest only borrows the event.
        Ok(())
    }
}

/// The event as `to-json` shows it.
struct Json<'a>(&'a hook::Event);

impl serde::Serialize for Json<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let call = &self.0.call;
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
        map.serialize_entry("params", &*self.0.params)?;
        map.serialize_entry("old", &call.old)?;
        map.serialize_entry("attributes", &call.attributes)?;
        map.serialize_entry("dry_run", &(call.rehearsal == Rehearsal::DryRun))?;
        map.serialize_entry("depth", &call.depth)?;
        if let Some(ended) = &call.ended {
            map.serialize_entry("status", &ended.status)?;
            map.serialize_entry("result", &self.0.result.as_deref().map(hook::redacted))?;
        }
        map.end()
    }
}
