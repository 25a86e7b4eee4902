//! `palisade store`: backups of what a host keeps, and whether it is whole.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::output::{self, Failure, Format, KEY_HINT, UNUSABLE};
use super::{Context, block_on};
use crate::host::directory;
use crate::journal::{Filter, Journal, JournalLimits, MAX_LIMIT};
use crate::registry::{self, Policy, Registry};
use crate::seal::{KeySources, Sealer};
use crate::storage::transfer::{self, Counts};
use crate::storage::{Blobs, Storage, StorageError};

/// What to do with a store.
#[derive(Subcommand)]
pub enum Verb {
    /// Write the whole store to a file: of the running host, or with --data of one that does not run
    Export {
        /// The file, which must not exist
        file: PathBuf,
        /// The directory of a host that does not run
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Read an export into the empty directory of a host that does not run
    Import {
        /// The file
        file: PathBuf,
        /// The directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Forget the secret settings of an extension, of a host that does not run: for when their key is lost
    ForgetSecrets {
        /// The identifier of the extension
        id: String,
        /// The directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Check that everything in the directory of a host that does not run is there and whole
    Verify {
        /// The directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

impl Verb {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Verb::Export { file, data } => export(context, &file, data.as_deref()),
            Verb::Import { file, data } => import(context, &file, &data),
            Verb::ForgetSecrets { id, data } => forget_secrets(context, &id, &data),
            Verb::Verify { data } => verify(context, &data),
        }
    }
}

fn open(data: &Path) -> Result<(Storage, Blobs), Failure> {
    let failure = |error: StorageError| {
        let failure = Failure::new(error.to_string()).with_status(UNUSABLE);
        match error {
            StorageError::InUse { .. } => failure.with_hint("stop the host first; `palisade store export FILE` without --data asks the running host"),
            _ => failure,
        }
    };
    let database = data.join(directory::DATABASE);
    Ok((
        Storage::open(&database).map_err(failure)?,
        Blobs::open(&data.join(directory::COMPONENTS)).map_err(failure)?,
    ))
}

fn existing(data: &Path) -> Result<(), Failure> {
    match data.join(directory::DATABASE).is_dir() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "`{}` is no directory of a host: it has no `{}`",
            data.display(),
            directory::DATABASE
        ))),
    }
}

fn export(context: &Context, path: &Path, data: Option<&Path>) -> Result<(), Failure> {
    let mut file =
        File::options().write(true).create_new(true).open(path).map_err(|error| {
            Failure::new(format!("`{}` cannot be made: {error}", path.display()))
        })?;
    let written = match data {
        Some(data) => existing(data).and_then(|()| open(data)).and_then(|(storage, components)| {
            transfer::export(&storage, &components, &mut file)
                .map(drop)
                .map_err(|error| Failure::new(error.to_string()))
        }),
        None => context.client().and_then(|client| {
            block_on(client.download("/v1/store/export", |bytes| file.write_all(bytes)))
        }),
    };
    let written = written.and_then(|()| Ok(file.sync_all()?));
    if let Err(failure) = written {
        // A cut export is worse than none.
        let _ = std::fs::remove_file(path);
        return Err(failure);
    }
    let bytes = file.metadata()?.len();
    match context.format {
        Format::Json => output::print_json(&serde_json::json!({ "file": path, "bytes": bytes })),
        Format::Text => output::print(&format!("exported to {} ({bytes} bytes)", path.display())),
    }
}

fn import(context: &Context, path: &Path, data: &Path) -> Result<(), Failure> {
    let file = File::open(path)
        .map_err(|error| Failure::new(format!("`{}` cannot be read: {error}", path.display())))?;
    crate::storage::make_private_directory(data)
        .map_err(|error| Failure::new(error.to_string()))?;
    let (storage, components) = open(data)?;
    let counts = block_on(async {
        transfer::import(&storage, &components, file)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    report(context, "imported", counts)
}

fn forget_secrets(context: &Context, id: &str, data: &Path) -> Result<(), Failure> {
    existing(data)?;
    let (storage, _) = open(data)?;
    let forgotten = block_on(async {
        registry::forget_secrets(&storage, id)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    if forgotten.is_empty() {
        return Err(Failure::new(format!("there are no secret settings of `{id}`")));
    }
    match context.format {
        Format::Json => output::print_json(&serde_json::json!({ "forgotten": forgotten })),
        Format::Text => output::print(&format!("forgot {} of `{id}`", forgotten.join(", "))),
    }
}

fn verify(context: &Context, data: &Path) -> Result<(), Failure> {
    existing(data)?;
    let (storage, components) = open(data)?;
    let broken = |error: StorageError| {
        Failure::new(error.to_string())
            .with_hint("`palisade store import` makes a store from the last export")
    };
    let sealer = Sealer::open(KeySources::of_process(data))
        .map_err(|error| Failure::new(error.to_string()).with_hint(KEY_HINT))?;
    let registry =
        Registry::open(storage.clone(), Policy::default(), sealer).map_err(
            |error| match error {
                StorageError::Sealed { .. } => Failure::new(error.to_string()).with_hint(KEY_HINT),
                error => broken(error),
            },
        )?;
    let snapshot = registry.snapshot_owned();
    for extension in snapshot.extensions.values() {
        components.get(&extension.digest).map_err(|error| {
            Failure::new(format!("the component of `{}`: {error}", extension.id))
        })?;
    }
    // Reads every block of the journal.
    let nothing = Filter { action_id: Some(String::new()), ..Filter::default() };
    block_on(async {
        let journal = Journal::open(
            storage.clone(),
            JournalLimits { max_bytes: u64::MAX, max_days: u32::MAX },
        )
        .map_err(broken)?;
        journal.list(nothing, MAX_LIMIT).await.map_err(broken)
    })?;
    let mut counting = std::io::sink();
    let counts = transfer::export(&storage, &components, &mut counting)
        .map_err(|error| Failure::new(error.to_string()))?;
    report(context, "whole:", counts)
}

fn report(context: &Context, what: &str, counts: Counts) -> Result<(), Failure> {
    match context.format {
        Format::Json => output::print_json(&serde_json::to_value(counts)?),
        Format::Text => output::print(&format!(
            "{what} {} records and {} components",
            counts.records, counts.components
        )),
    }
}
