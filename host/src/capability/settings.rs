//! `palisade:core/settings`: the operator's settings for the extension.

use super::{CallState, value};
use crate::bindings::core_types::Value;
use crate::bindings::settings;
use crate::package::is_secret_setting;

impl settings::Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<Value>> {
        self.called(name.len())?;
        let extension = self.extension();
        let found = extension.settings.get(&name).cloned().map(crate::hook::Value::from);
        let secret = is_secret_setting(&extension.manifest.settings_schema, &name);
        let found = found.map(|setting| if secret { setting.sealed() } else { setting });
        let (found, bytes) = found.map_or((None, 0), value::hand_out_own);
        self.handed_out(bytes);
        Ok(found)
    }

    fn to_json(&mut self) -> wasmtime::Result<String> {
        let json = serde_json::to_string(&self.extension().shown_settings())?;
        self.called(json.len())?;
        Ok(json)
    }
}
