//! Installing and granting: what an operator decided on runs, and what asks for more waits.

use std::sync::Arc;

use super::{
    Given, Record, Records, Registry, RegistryError, WaitingRecord, key, last_installation, to_json,
};
use crate::extension::{Extension, State, Waiting};
use crate::grant::{Grant, Grants};
use crate::package::{Manifest, Package};
use crate::storage::{Digest, StorageError};

/// What an operator decides at an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granting {
    /// Nothing: nobody was asked.
    Undecided,
    /// Everything that the extension asks for is granted.
    All,
    /// These are granted, and nothing else that is new.
    These(Grants),
}

/// What is to become of grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantChange {
    /// These are added and those are taken away, all or nothing.
    Change {
        /// What to add.
        add: Grants,
        /// What to take away.
        revoke: Grants,
    },
    /// Everything that the extension and its waiting version ask for is granted.
    All,
    /// These are granted, in place of all that was.
    These(Grants),
}

/// What a version asks for that the operator of the one before it did not decide on.
fn undecided<'a>(
    manifest: &'a Manifest,
    old: Option<&Manifest>,
    granted: &Grants,
) -> Vec<&'a Grant> {
    let decided = |grant: &Grant| {
        granted.contains(grant)
            || old.is_some_and(|old| old.asks.iter().any(|ask| ask.grant == *grant))
    };
    manifest.asks.iter().map(|ask| &ask.grant).filter(|grant| !decided(grant)).collect()
}

/// Grants as a list in a sentence, the first few of them.
pub(super) fn listed(grants: &[Grant]) -> String {
    const SHOWN: usize = 5;
    let shown = grants.iter().take(SHOWN).map(|grant| format!("`{grant}`"));
    let mut words = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = grants.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        words.push_str(&format!(" and {more} more"));
    }
    words
}

impl Registry {
    /// Checks that an installation can be decided, before anything is compiled for it.
    pub fn check_decided(
        &self,
        manifest: &Manifest,
        granting: &Granting,
    ) -> Result<(), RegistryError> {
        let is_new = !self.snapshot().extensions.contains_key(&manifest.id);
        match granting {
            Granting::These(these) => {
                these.iter().try_for_each(|grant| check_asked(manifest, None, grant))
            }
            Granting::Undecided if is_new => {
                let asks = undecided(manifest, None, &Grants::new()).into_iter();
                let open: Vec<Grant> = asks.filter(|grant| !grant.is_ordinary()).cloned().collect();
                match open.is_empty() {
                    true => Ok(()),
                    false => Err(RegistryError::Undecided { id: manifest.id.clone(), asks: open }),
                }
            }
            Granting::Undecided | Granting::All => Ok(()),
        }
    }

    pub(super) async fn record_install(
        &self,
        package: Package,
        digest: Digest,
        installed_ms: u64,
        granting: Granting,
    ) -> Result<Arc<Extension>, RegistryError> {
        let Package { manifest, manifest_text, .. } = package;
        self.check_decided(&manifest, &granting)?;
        let old = self.snapshot().extensions.get(&manifest.id).cloned();
        let mut granted = old.as_ref().map(|old| old.granted.clone()).unwrap_or_default();
        let all = || manifest.asks.iter().map(|ask| ask.grant.clone());
        match &granting {
            Granting::Undecided => {}
            Granting::All => granted.extend(all()),
            Granting::These(these) => granted.extend(these.iter().cloned()),
        }
        let asks = undecided(&manifest, old.as_deref().map(|old| &*old.manifest), &granted);
        let (ordinary, open): (Vec<Grant>, Vec<Grant>) =
            asks.into_iter().cloned().partition(Grant::is_ordinary);
        let waiting = Waiting {
            version: manifest.version.to_string().into(),
            digest,
            manifest: Arc::new(manifest),
            installed_ms,
        };
        match old {
            Some(old) if granting == Granting::Undecided && !open.is_empty() => {
                self.record_waiting(&old, waiting, manifest_text).await
            }
            old => {
                granted.extend(ordinary);
                self.record_version(old, waiting, manifest_text, granted).await
            }
        }
    }

    /// Keeps a version for later.
    async fn record_waiting(
        &self,
        old: &Extension,
        waiting: Waiting,
        manifest_text: String,
    ) -> Result<Arc<Extension>, RegistryError> {
        let id = old.id.clone();
        // What it could not run with is found now, and not when it is granted.
        self.given(&id)?.under(&waiting.manifest.settings_schema)?;
        let record =
            to_json(&WaitingRecord { digest: waiting.digest, installed_ms: waiting.installed_ms })?;
        let written = self.storage.update(move |transaction| {
            transaction.put(key::waiting(&id), record)?;
            transaction.put(key::waiting_manifest(&id), manifest_text.into_bytes())
        });
        written.await?;
        Ok(self.put(Extension { waiting: Some(Arc::new(waiting)), ..old.clone() }))
    }

    /// Puts a version to use, in the place of the one before it.
    async fn record_version(
        &self,
        old: Option<Arc<Extension>>,
        version: Waiting,
        manifest_text: String,
        mut granted: Grants,
    ) -> Result<Arc<Extension>, RegistryError> {
        let Waiting { version, digest, manifest, installed_ms } = version;
        let given = match &old {
            Some(old) => self.given(&old.id)?,
            None => Given::default(),
        };
        let settings = given.under(&manifest.settings_schema)?;
        // Anew, since this version may call secret what was not.
        let records =
            Records::new(&self.sealer, &manifest.id, &manifest.settings_schema, &given.settings)?;
        granted.retain(|grant| manifest.asks.iter().any(|ask| ask.grant == *grant));
        let state = old.as_ref().map_or(State::Enabled, |old| old.state);
        let kept = old.as_ref().map(|old| old.installation);
        let (id, grants) = (manifest.id.clone(), to_json(&granted)?);
        let installation = self
            .storage
            .update(move |transaction| {
                let installation = match kept {
                    Some(installation) => installation,
                    None => {
                        let next = last_installation(transaction.get(key::INSTALLATIONS)?)? + 1;
                        transaction
                            .put(key::INSTALLATIONS.to_vec(), next.to_be_bytes().to_vec())?;
                        next
                    }
                };
                let record = Record { digest, state, installation, installed_ms };
                transaction.put(key::extension(&id), to_json(&record)?)?;
                transaction.put(key::manifest(&id), manifest_text.into_bytes())?;
                transaction.put(key::grants(&id), grants)?;
                records.write(transaction)?;
                transaction.remove(key::waiting(&id));
                transaction.remove(key::waiting_manifest(&id));
                Ok::<_, StorageError>(installation)
            })
            .await?;
        Ok(self.put(Extension {
            id: manifest.id.clone(),
            version,
            digest,
            manifest,
            settings,
            granted,
            waiting: None,
            state,
            installation,
            installed_ms,
        }))
    }

    pub(super) async fn record_grants(
        &self,
        id: &str,
        change: GrantChange,
    ) -> Result<Arc<Extension>, RegistryError> {
        let old = self.get(id)?;
        let waiting = old.waiting.as_deref();
        let check = |grant: &Grant| {
            check_asked(&old.manifest, waiting.map(|waiting| &*waiting.manifest), grant)
        };
        let granted: Grants = match change {
            GrantChange::All => {
                let asks = waiting.into_iter().flat_map(|waiting| &waiting.manifest.asks);
                old.manifest.asks.iter().chain(asks).map(|ask| ask.grant.clone()).collect()
            }
            GrantChange::These(these) => {
                these.iter().try_for_each(check)?;
                these
            }
            GrantChange::Change { add, revoke } => {
                add.iter().try_for_each(check)?;
                if let Some(grant) = revoke.iter().find(|grant| !old.granted.contains(grant)) {
                    return Err(RegistryError::NotGranted {
                        id: old.id.clone(),
                        grant: grant.clone(),
                    });
                }
                old.granted.union(&add).filter(|grant| !revoke.contains(grant)).cloned().collect()
            }
        };
        if let Some(waiting) = &old.waiting {
            let open = undecided(&waiting.manifest, Some(&old.manifest), &granted);
            if open.iter().all(|grant| grant.is_ordinary()) {
                let ordinary: Vec<Grant> = open.into_iter().cloned().collect();
                let text = self.waiting_manifest(&old.id)?;
                let version = Waiting {
                    version: waiting.version.clone(),
                    digest: waiting.digest,
                    manifest: waiting.manifest.clone(),
                    installed_ms: waiting.installed_ms,
                };
                let granted = granted.into_iter().chain(ordinary).collect();
                return self.record_version(Some(old.clone()), version, text, granted).await;
            }
        }
        let (key, value) = (key::grants(id), to_json(&granted)?);
        self.storage.update(move |transaction| transaction.put(key, value)).await?;
        Ok(self.put(Extension { granted, ..Extension::clone(&old) }))
    }

    fn waiting_manifest(&self, id: &str) -> Result<String, StorageError> {
        let key = key::waiting_manifest(id);
        let text = self.storage.get(&key)?.and_then(|text| String::from_utf8(text).ok());
        text.ok_or_else(|| super::corrupt(&key, "it is missing or not UTF-8"))
    }
}

/// Checks that a grant is asked for, by the version that runs or by the one that waits.
fn check_asked(
    manifest: &Manifest,
    waiting: Option<&Manifest>,
    grant: &Grant,
) -> Result<(), RegistryError> {
    let asks = || manifest.asks.iter().chain(waiting.into_iter().flat_map(|waiting| &waiting.asks));
    if asks().any(|ask| ask.grant == *grant) {
        return Ok(());
    }
    let spelled: Vec<String> = asks().map(|ask| ask.grant.to_string()).collect();
    let near = crate::suggest::nearest(&grant.to_string(), spelled.iter().map(String::as_str));
    Err(RegistryError::NotAsked {
        id: manifest.id.clone(),
        grant: grant.clone(),
        near: near.map(str::to_owned),
    })
}
