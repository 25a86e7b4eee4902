//! Who looks at a page, as the panel says. Data, no I/O.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::hook::{ObjectRef, Role};

/// A person who looks at pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The identifier, unique within the panel.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// What the person may do in the panel.
    pub role: String,
    /// The customer to whom what is looked at belongs.
    pub customer: Option<String>,
    /// The panel's permissions that the person has.
    pub permissions: BTreeSet<String>,
    /// What of the panel the person may see.
    pub objects: Objects,
    /// What else extensions may know, such as `remote.address`.
    pub attributes: BTreeMap<String, String>,
}

/// Which objects of the panel a person may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objects {
    /// Every one.
    All,
    /// These, by kind and identifier.
    These(BTreeSet<(String, String)>),
}

impl Person {
    /// What the person may do in the panel.
    pub fn role(&self) -> Role {
        Role::from_name(&self.role)
    }

    /// Whether the person may see the object.
    pub fn sees(&self, object: &ObjectRef) -> bool {
        match &self.objects {
            Objects::All => true,
            Objects::These(objects) => objects.contains(&(object.kind.clone(), object.id.clone())),
        }
    }
}
