//! Who looks at a page, as the panel says, and what they ask for. Data, no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::hook::{ObjectRef, Params, Role, Value, looks_secret};
use crate::locale::Locale;
use crate::view::Window;

/// A person who looks at pages.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objects {
    /// Every one.
    All,
    /// These identifiers, by kind.
    These(BTreeMap<String, BTreeSet<String>>),
}

impl Person {
    /// Whether the person sees what is shown to these roles. Who runs the panel sees everything.
    pub fn is_among(&self, roles: &[String]) -> bool {
        Role::from_name(&self.role).runs_the_panel() || roles.contains(&self.role)
    }

    /// Whether the person may see an object of this identifier, whatever its kind.
    pub fn sees_some(&self, id: &str) -> bool {
        match &self.objects {
            Objects::All => true,
            Objects::These(objects) => objects.values().any(|ids| ids.contains(id)),
        }
    }

    /// Whether the person may see the object.
    pub fn sees(&self, object: &ObjectRef) -> bool {
        match &self.objects {
            Objects::All => true,
            Objects::These(objects) => {
                objects.get(&object.kind).is_some_and(|ids| ids.contains(&object.id))
            }
        }
    }
}

/// A request for a page, or a button on it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The identifier of the call.
    pub id: Arc<str>,
    /// The page, by its identifier in the manifest.
    pub page: String,
    /// Who asks.
    pub person: Arc<Person>,
    /// The reader's language.
    pub locale: Locale,
    /// The object that the page is about. The person may see it.
    pub object: Option<ObjectRef>,
    /// The rows that are chosen, of those that were shown to this person.
    pub rows: Vec<String>,
    /// What was entered.
    pub inputs: Params,
    /// What the form carried.
    pub state: Option<String>,
    /// The part of a list that is asked for.
    pub window: Window,
}

/// A page of the panel that is about to be shown.
#[derive(Debug, Clone)]
pub struct PanelPage {
    /// The identifier of the call.
    pub id: Arc<str>,
    /// The overlay, by its identifier in the manifest.
    pub overlay: String,
    /// The panel's name for the page.
    pub name: String,
    /// Who sees it.
    pub person: Arc<Person>,
    /// The reader's language.
    pub locale: Locale,
    /// The object that it is about. The person may see it.
    pub object: Option<ObjectRef>,
    /// The fields of a form.
    pub fields: Params,
    /// The rows of a list, with their cells by column.
    pub rows: IndexMap<String, Params>,
}

impl PanelPage {
    /// Withholds what is secret by its name.
    pub fn seal_secrets(&mut self) {
        let cells = self.rows.values_mut().flat_map(|cells| cells.iter_mut());
        for (name, value) in self.fields.iter_mut().chain(cells) {
            if looks_secret(name) {
                let taken = std::mem::replace(value, Value::Null);
                *value = taken.sealed();
            }
        }
    }
}
