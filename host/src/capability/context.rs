//! `palisade:core/context`: facts about the running call.

use std::time::Instant;

use super::{About, CallState};
use crate::bindings::{context, core_types};

/// The attribute of a hook call that names the language of the person behind it.
const LOCALE: &str = "locale";

impl context::Host for CallState {
    fn extension_id(&mut self) -> wasmtime::Result<String> {
        let id = self.extension().id.to_string();
        self.called(id.len())?;
        Ok(id)
    }

    fn extension_version(&mut self) -> wasmtime::Result<String> {
        let version = self.extension().version.to_string();
        self.called(version.len())?;
        Ok(version)
    }

    fn locale(&mut self) -> wasmtime::Result<String> {
        let told = match &self.about {
            About::Event { event, .. } => event.call.attributes.get(LOCALE).map(String::as_str),
            About::Page { request, .. } => Some(request.locale.tag()),
            About::Overlay { page, .. } => Some(page.locale.tag()),
            About::Provider { .. } => None,
        };
        let locale = told.unwrap_or(&self.services.locale).to_owned();
        self.called(locale.len())?;
        Ok(locale)
    }

    fn attribute(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.called(name.len())?;
        let attribute = self.services.attributes.get(&name).cloned();
        self.handed_out(attribute.as_ref().map_or(0, String::len));
        Ok(attribute)
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        self.called(0)?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        Ok(u32::try_from(left.as_millis()).unwrap_or(u32::MAX))
    }

    fn remaining_fuel(&mut self) -> wasmtime::Result<u64> {
        self.called(0)?;
        Ok(self.fuel_left)
    }
}

impl core_types::Host for CallState {}
