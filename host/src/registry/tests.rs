//! What is installed: on disk, in the snapshot, and which handlers come of it.

mod damage;
mod grants;
mod handlers;
mod lifecycle;
mod secrets;

use serde_json::json;

use super::*;
use crate::package::Assets;
use crate::seal::KeySources;

/// A subscription and nothing else.
const ON_CREATE: &str = "[[on]]\nhook = \"before:mailbox.create\"\n";
/// A subscription and settings with a default.
const WITH_SETTINGS: &str = "[[on]]\nhook = \"before:mailbox.create\"\n\
    [settings]\ntype = \"object\"\nadditionalProperties = false\n\
    [settings.properties.names]\ntype = \"array\"\nitems = { type = \"string\" }\ndefault = [\"root\"]\n\
    [settings.properties.most]\ntype = \"integer\"\n";

/// A package whose manifest goes on with `rest`.
fn package(id: &str, version: &str, rest: &str) -> Package {
    let manifest_text = format!(
        "manifest = 1\n[extension]\nid = \"{id}\"\nname = \"Test\"\nversion = \"{version}\"\n\
         contract = \"1.0\"\n{rest}"
    );
    let manifest = Manifest::parse(&manifest_text).unwrap();
    Package { manifest, manifest_text, assets: Assets::default() }
}

fn settings(json: serde_json::Value) -> Settings {
    json.as_object().unwrap().clone()
}

/// A registry in memory, and its storage.
fn in_memory() -> (Registry, Storage) {
    let storage = Storage::in_memory().unwrap();
    (open(&storage).unwrap(), storage)
}

/// What a host finds that starts on this storage.
fn open(storage: &Storage) -> Result<Registry, StorageError> {
    Registry::open(storage.clone(), Policy::default(), sealer("0"))
}

/// A sealer whose key is this digit again and again.
fn sealer(digit: &str) -> Sealer {
    let variable = Some(digit.repeat(64));
    Sealer::open(KeySources { variable, ..KeySources::default() }).unwrap()
}

async fn install(registry: &Registry, id: &str, version: &str, rest: &str) -> Arc<Extension> {
    registry
        .install(package(id, version, rest), Digest::of(version.as_bytes()), 1_000, Granting::All)
        .await
        .unwrap()
}

async fn write(storage: &Storage, key: impl Into<Vec<u8>>, value: Option<&[u8]>) {
    let (key, value) = (key.into(), value.map(<[u8]>::to_vec));
    let written: Result<(), StorageError> = storage
        .update(move |transaction| match value {
            Some(value) => transaction.put(key, value),
            None => {
                transaction.remove(key);
                Ok(())
            }
        })
        .await;
    written.unwrap();
}

/// Keeps an entry in `kv`, as a guest of this installation would.
async fn keep(storage: &Storage, installation: u64, name: &str) {
    let key = [kv_prefix(installation), b"\x01b".to_vec(), name.as_bytes().to_vec()].concat();
    write(storage, key, Some(name.as_bytes())).await;
}

/// How many entries an installation keeps in `kv`.
fn kept(storage: &Storage, installation: u64) -> usize {
    storage.scan(&kv_prefix(installation), None, Direction::Forward, 10_000).unwrap().len()
}

/// The extensions whose handlers a hook has, in the order in which they run.
fn ids<'a>(snapshot: &'a Snapshot, phase: Phase, action: &str) -> Vec<&'a str> {
    snapshot.handlers(phase, action).iter().map(|handler| &*handler.extension.id).collect()
}
