//! What a condition is given of an event: what it mentions, the handler may see and is no secret.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Context;
use cel::Value as Cel;
use cel::objects::Key;

use super::{MAX_TEXT, MAX_VALUES, Mentioned, Needs, Root};
use crate::hook::{HookCall, Params, Rehearsal, Value, looks_secret};

/// An event, as a handler may see it.
pub struct Given<'a> {
    /// The call.
    pub call: &'a HookCall,
    /// The parameters as they are now.
    pub params: &'a Params,
    /// Whether the handler sees a field.
    pub sees: &'a dyn Fn(&str) -> bool,
}

impl Given<'_> {
    /// Puts everything that a condition needs where it is evaluated.
    pub(super) fn put(&self, needs: &Needs, context: &mut Context<'_, '_>) -> Result<(), String> {
        let mut room = Room { values: MAX_VALUES, text: MAX_TEXT };
        for root in &needs.roots {
            let value = self.value(*root, needs, &mut room)?;
            context.add_variable_from_value(root.name(), value);
        }
        Ok(())
    }

    fn value(&self, root: Root, needs: &Needs, room: &mut Room) -> Result<Cel, String> {
        let call = self.call;
        match root {
            Root::Action => room.text(&call.action),
            Root::Phase => room.text(&call.phase().to_string()),
            Root::Params => self.fields(&needs.params, self.params, room),
            Root::Old => self.fields(&needs.old, &call.old, room),
            Root::Actor => {
                let actor = call.actor.as_ref();
                let role = actor.and_then(|actor| actor.role.as_ref());
                let name = actor.and_then(|actor| actor.name.as_deref());
                room.texts_by_name([
                    ("kind", actor.map_or("", |actor| actor.kind.name())),
                    ("role", role.map_or("", |role| role.name())),
                    ("id", actor.map_or("", |actor| &actor.id)),
                    ("name", name.unwrap_or_default()),
                ])
            }
            Root::Object => {
                let object = call.object.as_ref();
                room.texts_by_name([
                    ("kind", object.map_or("", |object| &object.kind)),
                    ("id", object.map_or("", |object| &object.id)),
                ])
            }
            Root::Attributes => match &needs.attributes {
                Mentioned::All => room.texts_by_name(
                    call.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())),
                ),
                Mentioned::Named(names) => {
                    room.texts_by_name(names.iter().filter_map(|name| {
                        Some((name.as_str(), call.attributes.get(name)?.as_str()))
                    }))
                }
            },
            Root::DryRun => Ok(Cel::Bool(call.rehearsal == Rehearsal::DryRun)),
            Root::Depth => Ok(Cel::Int(call.depth.into())),
            Root::Status => {
                room.text(&call.ended.as_ref().map_or(String::new(), |end| end.status.to_string()))
            }
        }
    }

    fn fields(
        &self,
        mentioned: &Mentioned,
        params: &Params,
        room: &mut Room,
    ) -> Result<Cel, String> {
        let mut fields = HashMap::new();
        let mut put = |name: &str, value: &Value| -> Result<(), String> {
            if (self.sees)(name)
                && let Some(value) = room.value(value)?
            {
                fields.insert(Key::from(name), value);
            }
            Ok(())
        };
        match mentioned {
            Mentioned::All => params.iter().try_for_each(|(name, value)| put(name, value))?,
            Mentioned::Named(names) => names
                .iter()
                .filter_map(|name| Some((name, params.get(name)?)))
                .try_for_each(|(name, value)| put(name, value))?,
        }
        Ok(Cel::from(fields))
    }
}

/// How much more a condition can be given.
struct Room {
    values: usize,
    text: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), String> {
        let Some(values) = self.values.checked_sub(1) else {
            return Err(format!("what it mentions has more than {MAX_VALUES} values"));
        };
        let Some(text) = self.text.checked_sub(bytes) else {
            return Err(format!("what it mentions has more than {MAX_TEXT} bytes of text"));
        };
        *self = Self { values, text };
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<Cel, String> {
        self.take(text.len())?;
        Ok(Cel::from(text))
    }

    fn texts_by_name<'a>(
        &mut self,
        members: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Cel, String> {
        let member = |(name, text): (&str, &str)| {
            self.take(name.len())?;
            Ok((Key::from(name), self.text(text)?))
        };
        let members: Result<HashMap<Key, Cel>, String> = members.into_iter().map(member).collect();
        Ok(Cel::from(members?))
    }

    /// A value, or nothing for a secret: it is as if it were not there.
    fn value(&mut self, value: &Value) -> Result<Option<Cel>, String> {
        Ok(Some(match value {
            Value::Secret(_) => return Ok(None),
            Value::Json(json) => self.json(json)?,
            Value::Text(text) => self.text(text)?,
            Value::Texts(texts) => {
                let texts: Result<Vec<Cel>, String> =
                    texts.iter().map(|text| self.text(text)).collect();
                Cel::from(texts?)
            }
            Value::Bytes(bytes) => {
                self.take(bytes.len())?;
                Cel::Bytes(Arc::new(bytes.clone()))
            }
            Value::Null => self.plain(Cel::Null)?,
            Value::Boolean(value) => self.plain(Cel::Bool(*value))?,
            Value::Integer(value) => self.plain(Cel::Int(*value))?,
            Value::Number(value) => self.plain(Cel::Float(*value))?,
        }))
    }

    fn plain(&mut self, value: Cel) -> Result<Cel, String> {
        self.take(0)?;
        Ok(value)
    }

    /// A nested document, without the members whose name says that they are secret.
    fn json(&mut self, json: &serde_json::Value) -> Result<Cel, String> {
        use serde_json::Value as Json;
        match json {
            Json::Null => self.plain(Cel::Null),
            Json::Bool(value) => self.plain(Cel::Bool(*value)),
            Json::Number(number) => {
                let whole = number.as_i64().map(Cel::Int).or(number.as_u64().map(Cel::UInt));
                self.plain(whole.or(number.as_f64().map(Cel::Float)).unwrap_or(Cel::Null))
            }
            Json::String(text) => self.text(text),
            Json::Array(items) => {
                self.take(0)?;
                let items: Result<Vec<Cel>, String> =
                    items.iter().map(|item| self.json(item)).collect();
                Ok(Cel::from(items?))
            }
            Json::Object(members) => {
                self.take(0)?;
                let mut shown = HashMap::new();
                for (name, value) in members.iter().filter(|(name, _)| !looks_secret(name)) {
                    self.take(name.len())?;
                    shown.insert(Key::from(name.as_str()), self.json(value)?);
                }
                Ok(Cel::from(shown))
            }
        }
    }
}
