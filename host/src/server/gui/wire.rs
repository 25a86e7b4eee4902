//! What is asked for and answered about pages, as JSON.

use serde::{Deserialize, Serialize};

use crate::hook::{ObjectRef, Params};
use crate::overlay::Edit;
use crate::place::Place;
use crate::view::{FieldProblem, View};

/// Whose sessions to end.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CloseQuery {
    /// The person's identifier.
    pub(super) person: String,
}

/// How many sessions ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Closed {
    /// The number.
    pub closed: usize,
}

/// Which object a place is of.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PlaceQuery {
    /// The kind and the identifier of the object, joined by a colon.
    pub(super) object: Option<String>,
}

/// What extensions show at a place, highest priority first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Contributions {
    /// The pages.
    pub pages: Vec<ContributionDetail>,
}

/// A page at a place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ContributionDetail {
    /// The extension.
    pub extension: String,
    /// The page.
    pub page: String,
    /// What leads to it.
    pub title: String,
    /// The section of the place, by the panel's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The icon, by the panel's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// 0 to 100.
    pub priority: u8,
}

/// Which part of a page is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The kind and the identifier of the object that the page is about, joined by a colon.
    pub object: Option<String>,
    /// The row that was chosen, as it was given.
    pub row: Option<String>,
    /// Where the list begins: what the part before gave as `next`.
    pub after: Option<String>,
    /// How many rows at most.
    pub limit: Option<u32>,
    /// The column to sort by.
    pub sort: Option<String>,
    /// Whether downwards.
    #[serde(default)]
    pub descending: bool,
    /// What to search for.
    pub search: Option<String>,
}

/// A page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PageResponse {
    /// The identifier of the call, as in the journal.
    pub id: String,
    /// What to show.
    pub view: View,
}

/// A button that was pressed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// The button.
    pub button: String,
    /// The object that the page is about.
    pub object: Option<ObjectRef>,
    /// The chosen rows, as they were given.
    #[serde(default)]
    pub rows: Vec<String>,
    /// The `state` of the form, as it was given; needed for `inputs`.
    pub state: Option<String>,
    /// What was entered, by field.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub inputs: Params,
}

/// What happens after a button.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ActResponse {
    /// Show this page.
    Show {
        /// The page.
        view: Box<View>,
    },
    /// Show the same page anew.
    Refresh,
    /// Go to a page of the extension.
    Go {
        /// The page.
        page: String,
    },
    /// Say that it is done, and show the same page anew.
    Done {
        /// What to say.
        message: String,
    },
    /// Show these problems, with what was entered.
    Invalid {
        /// The problems.
        problems: Vec<FieldProblem>,
    },
    /// Send a file.
    Download {
        /// Its name.
        name: String,
        /// Its media type.
        media_type: String,
        /// What is in it, in base64.
        content: String,
    },
}

/// What was typed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LookupQuery {
    /// What was typed.
    #[serde(default)]
    pub(in crate::server) typed: String,
    /// The kind and the identifier of the object that the page is about, joined by a colon.
    pub(in crate::server) object: Option<String>,
}

/// A page of the panel.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayRequest {
    /// The panel's name for it.
    pub page: String,
    /// Only changes of this place; of all if it is not given.
    pub place: Option<Place>,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
    /// The fields of its form, by name.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub fields: Params,
    /// The rows of its list.
    #[serde(default)]
    pub rows: Vec<OverlayRow>,
}

/// A row of a page of the panel.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayRow {
    /// Its identifier.
    pub id: String,
    /// Its cells, by column.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub cells: Params,
}

/// What extensions change of a page of the panel, in the order in which to make the changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OverlayResponse {
    /// The changes of each.
    pub overlays: Vec<OverlayDetail>,
}

/// What one extension changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OverlayDetail {
    /// The extension.
    pub extension: String,
    /// The overlay: its buttons act under this identifier.
    pub overlay: String,
    /// The place.
    pub place: Place,
    /// The changes.
    pub edits: Vec<Edit>,
    /// Changes that do not fit the page, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Why the extension changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
