//! Changes of extensions to pages of the panel, as data: what the panel makes of its own page. No I/O.

use serde::Serialize;
use utoipa::ToSchema;

use crate::hook::Value;
use crate::person::PanelPage;
use crate::place::Place;
use crate::view::{Button, Choices, Column, FieldProblem, FormField, Note, Section};

/// A change to a page of the panel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Edit {
    /// Show a message at the top.
    AddNote(Note),
    /// Put a section into the form.
    AddSection {
        /// The section to put it after; nothing for the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// The section.
        section: Section,
    },
    /// Put a field into the form.
    AddField {
        /// The section; nothing for the last one.
        #[serde(skip_serializing_if = "Option::is_none")]
        section: Option<String>,
        /// The field to put it after; nothing for the beginning of the section.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// The field.
        field: FormField,
    },
    /// Take a field away. The panel uses its present value.
    HideField {
        /// The field.
        field: String,
    },
    /// Give a field another value to start from.
    SetValue {
        /// The field.
        field: String,
        /// The value.
        #[schema(value_type = serde_json::Value)]
        value: Value,
    },
    /// Give a field another label.
    SetLabel {
        /// The field.
        field: String,
        /// The label.
        label: String,
    },
    /// Give a field other values to choose from.
    SetChoices {
        /// The field.
        field: String,
        /// The values.
        choices: Choices,
    },
    /// Let nothing be entered, or let it.
    SetReadOnly {
        /// The field.
        field: String,
        /// Whether nothing can be entered.
        read_only: bool,
    },
    /// Demand that something is entered, or do not.
    SetRequired {
        /// The field.
        field: String,
        /// Whether something must be entered.
        required: bool,
    },
    /// Put a column into the list.
    AddColumn {
        /// The column to put it after; nothing for the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// The column.
        column: Column,
        /// One for each row of the page, in the same order.
        #[schema(value_type = Vec<serde_json::Value>)]
        cells: Vec<Value>,
    },
    /// Take a column away.
    HideColumn {
        /// The column.
        column: String,
    },
    /// Add a button.
    AddButton(Button),
    /// Take a button away.
    HideButton {
        /// The button.
        button: String,
    },
    /// Say that what was entered is wrong.
    AddProblem(FieldProblem),
}

impl Edit {
    /// Whether such a change belongs to the place.
    fn belongs_to(&self, place: Place) -> bool {
        match self {
            Self::AddNote(_) => {
                matches!(place, Place::FormField | Place::PageInject | Place::Notification)
            }
            Self::AddSection { .. }
            | Self::AddField { .. }
            | Self::HideField { .. }
            | Self::SetValue { .. }
            | Self::SetLabel { .. }
            | Self::SetChoices { .. }
            | Self::SetReadOnly { .. }
            | Self::SetRequired { .. } => place == Place::FormField,
            Self::AddColumn { .. } | Self::HideColumn { .. } => place == Place::ListColumn,
            Self::AddButton(_) | Self::HideButton { .. } => matches!(
                place,
                Place::ToolbarList | Place::RowAction | Place::ObjectButton | Place::PageInject
            ),
            Self::AddProblem(_) => place == Place::FormValidate,
        }
    }

    /// The field of the page that it changes, if it changes one.
    fn field(&self) -> Option<&str> {
        match self {
            Self::HideField { field }
            | Self::SetValue { field, .. }
            | Self::SetLabel { field, .. }
            | Self::SetChoices { field, .. }
            | Self::SetReadOnly { field, .. }
            | Self::SetRequired { field, .. } => Some(field),
            _ => None,
        }
    }

    /// Checks that it belongs to the place, and that the page has what it changes. Otherwise says why it is left out.
    pub fn check(&self, place: Place, page: &PanelPage) -> Result<(), String> {
        if !self.belongs_to(place) {
            return Err(format!("such a change does not belong to `{place}`"));
        }
        if let Some(field) = self.field().filter(|field| !page.fields.contains_key(*field)) {
            return Err(format!("the page has no field `{}`", field.escape_default()));
        }
        match self {
            Self::AddColumn { cells, .. } if cells.len() != page.rows.len() => {
                Err(format!("it has {} cells for {} rows", cells.len(), page.rows.len()))
            }
            Self::AddField { field, .. } if page.fields.contains_key(&field.name) => {
                Err(format!("the page has a field `{}`", field.name.escape_default()))
            }
            _ => Ok(()),
        }
    }
}
