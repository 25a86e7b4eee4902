//! What a component is made of, read without compiling it: its manifest, its assets, its imports and its exports.
//!
//! This is the first thing that touches bytes of a stranger, so it does little: it walks over the sections once,
//! bounded in depth and number, and refuses early what would only fail late or cost much.

use std::ops::Range;

use wasmparser::{Encoding, Parser, Payload};

/// The name of the custom section that holds the manifest as TOML text.
pub const MANIFEST_SECTION: &str = "palisade:manifest";
/// The name of the custom section that holds the assets as a tar archive.
pub const ASSETS_SECTION: &str = "palisade:assets";
/// The interface that a handler exports.
const HANDLER: &str = "palisade:events/handler";
/// The interfaces that a provider exports.
const PROVIDER: &str = "palisade:provider/provider";
const CATALOGUE: &str = "palisade:provider/catalogue";
/// The interfaces of whoever shows pages and changes those of the panel.
const PAGES: &str = "palisade:gui/pages";
const OVERLAY: &str = "palisade:gui/overlay";
/// How deeply components may nest; toolchains make two levels.
const MAX_DEPTH: usize = 4;
/// Core modules and components in one file; toolchains make about ten.
const MAX_PARTS: usize = 200;
/// Functions in all core modules together.
const MAX_FUNCTIONS: u64 = 200_000;

/// The interfaces that this host offers to guests, with the version that it implements.
static OFFERED: [(&str, semver::Version); 18] = [
    ("palisade:core/types", semver::Version::new(1, 0, 0)),
    ("palisade:core/context", semver::Version::new(1, 0, 0)),
    ("palisade:core/log", semver::Version::new(1, 0, 0)),
    ("palisade:core/settings", semver::Version::new(1, 0, 0)),
    ("palisade:core/secrets", semver::Version::new(1, 0, 0)),
    ("palisade:core/reveal", semver::Version::new(1, 0, 0)),
    ("palisade:events/types", semver::Version::new(1, 0, 0)),
    (HANDLER, semver::Version::new(1, 0, 0)),
    ("palisade:kv/store", semver::Version::new(1, 0, 0)),
    ("palisade:commands/runner", semver::Version::new(1, 0, 0)),
    ("palisade:http/client", semver::Version::new(1, 0, 0)),
    ("palisade:provider/types", semver::Version::new(1, 0, 0)),
    (PROVIDER, semver::Version::new(1, 0, 0)),
    (CATALOGUE, semver::Version::new(1, 0, 0)),
    ("palisade:gui/types", semver::Version::new(1, 0, 0)),
    ("palisade:gui/panel", semver::Version::new(1, 0, 0)),
    (PAGES, semver::Version::new(1, 0, 0)),
    (OVERLAY, semver::Version::new(1, 0, 0)),
];
/// The packages of WASI 0.2 that are linked with nothing behind them.
const WASI: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Whether a manifest has the tables that make use of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// It has.
    Asked,
    /// It has not.
    #[default]
    Absent,
}

impl Part {
    /// Asked for if the manifest has the tables.
    pub(super) fn asked(has_tables: bool) -> Self {
        match has_tables {
            true => Self::Asked,
            false => Self::Absent,
        }
    }
}

/// Which exports a manifest makes use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) handler: Part,
    pub(super) provider: Part,
    pub(super) pages: Part,
    pub(super) overlay: Part,
}

/// What was read of a component.
#[derive(Debug, Default)]
pub struct Component {
    /// The text of the custom section `palisade:manifest`.
    pub manifest_text: Option<String>,
    /// The custom section `palisade:assets`.
    pub assets: Option<Vec<u8>>,
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
}

/// Why bytes are not a component that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// Not WebAssembly at all.
    #[error("not WebAssembly: the file begins with {found}, not with `\\0asm`")]
    NotWasm {
        /// The first bytes.
        found: String,
    },
    /// A core module.
    #[error("a core WebAssembly module, not a component")]
    NotComponent,
    /// Broken or unusual WebAssembly.
    #[error("not a valid component: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
    /// It exports no interface that the host knows.
    #[error("exports no `{HANDLER}`; it exports {found}")]
    NoHandler {
        /// What it exports instead.
        found: String,
    },
    /// Its manifest makes it a provider, and it exports none.
    #[error("exports no `{missing}`, and its manifest has `[provider]`; it exports {found}")]
    NoProvider {
        /// The interface.
        missing: &'static str,
        /// What it exports instead.
        found: String,
    },
    /// Its manifest has it draw, and it does not.
    #[error("exports no `{missing}`, and its manifest has `{table}`; it exports {found}")]
    NoDrawing {
        /// The interface.
        missing: &'static str,
        /// The table of the manifest.
        table: &'static str,
        /// What it exports instead.
        found: String,
    },
    /// It exports what its manifest does not speak of, so that it would never be called.
    #[error("exports `{name}`, and its manifest has no `{table}`")]
    NotInManifest {
        /// The export.
        name: String,
        /// The table of the manifest.
        table: &'static str,
    },
    /// It imports something that the host does not have.
    #[error("imports `{name}`, which this host does not offer")]
    UnknownImport {
        /// The import.
        name: String,
    },
    /// It is built against another version of the contract.
    #[error("is built for `{wanted}`, and this host offers `{offered}`")]
    ContractVersion {
        /// What the component names.
        wanted: String,
        /// What there is.
        offered: String,
    },
}

impl ComponentError {
    /// The stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            ComponentError::NotWasm { .. } => "component.not-wasm",
            ComponentError::NotComponent => "component.not-component",
            ComponentError::Invalid { .. } => "component.invalid",
            ComponentError::NoHandler { .. } => "component.no-handler",
            ComponentError::NoProvider { .. } => "component.no-provider",
            ComponentError::NoDrawing { .. } => "component.no-drawing",
            ComponentError::NotInManifest { .. } => "component.not-in-manifest",
            ComponentError::UnknownImport { .. } => "component.unknown-import",
            ComponentError::ContractVersion { .. } => "component.contract-version",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ComponentError::NotWasm { .. } => Some("give the file that cargo writes to target/wasm32-wasip2/release".into()),
            ComponentError::NotComponent => Some("build for the target wasm32-wasip2, which makes components".into()),
            ComponentError::Invalid { .. } => None,
            ComponentError::NoHandler { .. } => Some("build against the world palisade:extension/event-handler".into()),
            ComponentError::NoProvider { .. } => Some("build against the world palisade:extension/provider".into()),
            ComponentError::NoDrawing { .. } => Some("build against the world palisade:extension/gui-pages or gui-overlay".into()),
            ComponentError::NotInManifest { table, .. } => Some(format!("add the table `{table}`, or leave the export out")),
            ComponentError::UnknownImport { .. } => {
                Some("an extension can import palisade:core, palisade:events, palisade:kv, palisade:http, palisade:commands, palisade:provider, palisade:gui and WASI 0.2 without wasi:http".into())
            }
            ComponentError::ContractVersion { .. } => Some("build the extension against the contract of this host, or upgrade the host".into()),
        }
    }
}

impl Component {
    /// Reads the sections of a component.
    pub fn read(bytes: &[u8]) -> Result<Self, ComponentError> {
        check_header(bytes)?;
        let mut component = Self::default();
        let (mut manifests, mut archives) = (0, 0);
        walk(bytes, |depth, payload| {
            match payload {
                Payload::CustomSection(section)
                    if depth == 0 && section.name() == MANIFEST_SECTION =>
                {
                    manifests += 1;
                    let text = std::str::from_utf8(section.data())
                        .map_err(|error| invalid(format!("its manifest is not UTF-8: {error}")))?;
                    component.manifest_text = Some(text.to_owned());
                }
                Payload::CustomSection(section)
                    if depth == 0 && section.name() == ASSETS_SECTION =>
                {
                    archives += 1;
                    component.assets = Some(section.data().to_vec());
                }
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports.clone() {
                        component.imports.push(import.map_err(unreadable)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports.clone() {
                        component.exports.push(export.map_err(unreadable)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        for (number, name) in [(manifests, MANIFEST_SECTION), (archives, ASSETS_SECTION)] {
            if number > 1 {
                return Err(invalid(format!("it has {number} custom sections `{name}`")));
            }
        }
        Ok(component)
    }

    /// Checks that the component exports what its manifest speaks of, and imports nothing that the host does not have.
    pub(super) fn check_contract(&self, parts: &Parts) -> Result<(), ComponentError> {
        let found = || self.shown_exports();
        self.check_export(HANDLER, "[[on]]", parts.handler, || ComponentError::NoHandler {
            found: found(),
        })?;
        for missing in [PROVIDER, CATALOGUE] {
            self.check_export(missing, "[provider]", parts.provider, || {
                ComponentError::NoProvider { missing, found: found() }
            })?;
        }
        for (missing, table, part) in
            [(PAGES, "[[page]]", parts.pages), (OVERLAY, "[[overlay]]", parts.overlay)]
        {
            self.check_export(missing, table, part, || ComponentError::NoDrawing {
                missing,
                table,
                found: found(),
            })?;
        }
        self.imports.iter().try_for_each(|name| check_offered(name))
    }

    /// Checks that an interface is exported if the manifest's table asks for it, and only then.
    fn check_export(
        &self,
        interface: &str,
        table: &'static str,
        part: Part,
        missing: impl FnOnce() -> ComponentError,
    ) -> Result<(), ComponentError> {
        let export = self.exports.iter().find(|name| split_version(name).0 == interface);
        match (export, part) {
            (Some(name), Part::Asked) => check_offered(name),
            (Some(name), Part::Absent) => {
                Err(ComponentError::NotInManifest { name: name.clone(), table })
            }
            (None, Part::Asked) => Err(missing()),
            (None, Part::Absent) => Ok(()),
        }
    }

    /// A few of the exports, for a person.
    fn shown_exports(&self) -> String {
        match self.exports.as_slice() {
            [] => "nothing".to_owned(),
            names => {
                let shown = names.iter().take(5).map(|name| format!("`{name}`"));
                shown.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// Returns the component with this manifest in it, in place of one that it may have.
pub fn embed(bytes: &[u8], manifest_text: &str) -> Result<Vec<u8>, ComponentError> {
    embed_sections(bytes, &[(MANIFEST_SECTION, manifest_text.as_bytes())])
}

/// Returns the component with these custom sections in it, in place of those of the same names.
pub(super) fn embed_sections(
    bytes: &[u8],
    new: &[(&str, &[u8])],
) -> Result<Vec<u8>, ComponentError> {
    check_header(bytes)?;
    let mut sections: Vec<(u8, Range<usize>)> = Vec::new();
    let is_new = |name: &str| new.iter().any(|(its, _)| *its == name);
    walk(bytes, |depth, payload| {
        let is_replaced =
            matches!(payload, Payload::CustomSection(section) if is_new(section.name()));
        match payload.as_section() {
            Some(section) if depth == 0 && !is_replaced => sections.push(section),
            _ => {}
        }
        Ok(())
    })?;
    let mut packed = wasm_encoder::Component::new();
    for (id, range) in sections {
        let data =
            bytes.get(range).ok_or_else(|| invalid("a section lies outside the file".into()))?;
        packed.section(&wasm_encoder::RawSection { id, data });
    }
    for (name, data) in new {
        packed.section(&wasm_encoder::CustomSection { name: (*name).into(), data: (*data).into() });
    }
    Ok(packed.finish())
}

/// Visits each section with its depth: 0 for those of the outermost component.
fn walk<'a>(
    bytes: &'a [u8],
    mut visit: impl FnMut(usize, &Payload<'a>) -> Result<(), ComponentError>,
) -> Result<(), ComponentError> {
    let (mut depth, mut parts, mut functions) = (0_usize, 0_usize, 0_u64);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(unreadable)?;
        visit(depth, &payload)?;
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                parts += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, .. } => functions += u64::from(count),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(invalid(format!("components nest more than {MAX_DEPTH} deep")));
        }
        if parts > MAX_PARTS {
            return Err(invalid(format!(
                "it has more than {MAX_PARTS} modules and components inside"
            )));
        }
        if functions > MAX_FUNCTIONS {
            return Err(invalid(format!("it has more than {MAX_FUNCTIONS} functions")));
        }
    }
    Ok(())
}

fn check_header(bytes: &[u8]) -> Result<(), ComponentError> {
    if !bytes.starts_with(b"\0asm") {
        let found = match bytes.get(..8.min(bytes.len())) {
            Some([]) | None => "nothing".to_owned(),
            Some(first) => format!("`{}`", first.escape_ascii()),
        };
        return Err(ComponentError::NotWasm { found });
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(_)) => Err(ComponentError::NotComponent),
        Some(Err(error)) => Err(unreadable(error)),
        None => Err(invalid("it is empty".into())),
    }
}

fn invalid(reason: String) -> ComponentError {
    ComponentError::Invalid { reason }
}

fn unreadable(error: wasmparser::BinaryReaderError) -> ComponentError {
    invalid(error.to_string())
}

/// Splits `palisade:core/log@1.0.0` into the name and the version.
fn split_version(name: &str) -> (&str, Option<semver::Version>) {
    match name.split_once('@') {
        Some((name, version)) => (name, semver::Version::parse(version).ok()),
        None => (name, None),
    }
}

fn check_offered(full_name: &str) -> Result<(), ComponentError> {
    let unknown = || ComponentError::UnknownImport { name: full_name.to_owned() };
    let (name, version) = split_version(full_name);
    let version = version.ok_or_else(unknown)?;
    if WASI.iter().any(|package| name.starts_with(package)) {
        return if (version.major, version.minor) == (0, 2) { Ok(()) } else { Err(unknown()) };
    }
    let (_, offered) = OFFERED.iter().find(|(offered, _)| *offered == name).ok_or_else(unknown)?;
    // A guest of a newer minor version that uses nothing new still links; the engine finds what it lacks.
    if version.major == offered.major && version.pre.is_empty() {
        return Ok(());
    }
    Err(ComponentError::ContractVersion {
        wanted: full_name.to_owned(),
        offered: format!("{name}@{offered}"),
    })
}

#[cfg(test)]
mod tests;
