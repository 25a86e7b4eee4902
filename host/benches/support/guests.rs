//! Guests for the benches: the packed examples, and as many different components as are wanted.

use std::path::PathBuf;

/// The packed component of a guest.
pub fn packed(name: &str) -> Vec<u8> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let directory = std::env::var_os("PALISADE_GUESTS")
        .map_or_else(|| target.join("guests/packed"), PathBuf::from);
    let path = directory.join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("`{}`: {error}; run `cargo xtask guests`", path.display()))
}

/// The observer under another identifier and for another hook: a component of its own.
pub fn observer(id: &str, hook: &str) -> Vec<u8> {
    observer_with(id, hook, "")
}

/// Such a component with more lines in its subscription.
pub fn observer_with(id: &str, hook: &str, on: &str) -> Vec<u8> {
    let manifest = format!(
        "manifest = 1\n[extension]\nid = \"{id}\"\nname = \"{id}\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n[[on]]\nhook = \"{hook}\"\n{on}\n"
    );
    palisade::package::embed(&packed("observer"), &manifest).expect("the observer is a component")
}
