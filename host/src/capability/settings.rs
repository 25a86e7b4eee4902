//! `palisade:core/settings`: the operator's settings for the extension.

use super::{CallState, value};
use crate::bindings::core_types::Value;
use crate::bindings::settings;

impl settings::Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<Value>> {
        self.called(name.len())?;
        let found = self.handler.extension.settings.get(&name).cloned();
        let (found, bytes) = found.map_or((None, 0), |setting| value::hand_out_own(setting.into()));
        self.handed_out(bytes);
        Ok(found)
    }

    fn to_json(&mut self) -> wasmtime::Result<String> {
        let json = serde_json::to_string(&self.handler.extension.settings)?;
        self.called(json.len())?;
        Ok(json)
    }
}
