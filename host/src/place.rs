//! Places of a panel where extensions show pages, or change the panel's own. Data, no I/O.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place of a panel.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
pub enum Place {
    /// An entry of the main menu.
    #[serde(rename = "menu.main")]
    MenuMain,
    /// A shortcut in the header.
    #[serde(rename = "menu.header")]
    MenuHeader,
    /// A widget of the home page.
    #[serde(rename = "dashboard.block")]
    DashboardBlock,
    /// A tab of an object's page.
    #[serde(rename = "object.tab")]
    ObjectTab,
    /// A panel beside an object's page.
    #[serde(rename = "object.sidebar")]
    ObjectSidebar,
    /// An entry among the panel's tools and settings.
    #[serde(rename = "tools.section")]
    ToolsSection,
    /// A list page of its own, without an entry.
    #[serde(rename = "list.page")]
    ListPage,
    /// A form page of its own, without an entry.
    #[serde(rename = "form.page")]
    FormPage,
    /// Buttons over a list.
    #[serde(rename = "toolbar.list")]
    ToolbarList,
    /// Buttons of a list's rows.
    #[serde(rename = "row.action")]
    RowAction,
    /// Buttons of an object's page.
    #[serde(rename = "object.button")]
    ObjectButton,
    /// Fields of a form.
    #[serde(rename = "form.field")]
    FormField,
    /// What is wrong with what was entered into a form.
    #[serde(rename = "form.validate")]
    FormValidate,
    /// Columns of a list.
    #[serde(rename = "list.column")]
    ListColumn,
    /// Any page: messages and buttons, never markup or script.
    #[serde(rename = "page.inject")]
    PageInject,
    /// The panel's notices.
    #[serde(rename = "notification")]
    Notification,
}

/// What an extension does at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It shows a page of its own.
    Page,
    /// It changes a page of the panel.
    Overlay,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 16] = [
        Self::MenuMain,
        Self::MenuHeader,
        Self::DashboardBlock,
        Self::ObjectTab,
        Self::ObjectSidebar,
        Self::ToolsSection,
        Self::ListPage,
        Self::FormPage,
        Self::ToolbarList,
        Self::RowAction,
        Self::ObjectButton,
        Self::FormField,
        Self::FormValidate,
        Self::ListColumn,
        Self::PageInject,
        Self::Notification,
    ];

    /// The place of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::MenuMain => "menu.main",
            Self::MenuHeader => "menu.header",
            Self::DashboardBlock => "dashboard.block",
            Self::ObjectTab => "object.tab",
            Self::ObjectSidebar => "object.sidebar",
            Self::ToolsSection => "tools.section",
            Self::ListPage => "list.page",
            Self::FormPage => "form.page",
            Self::ToolbarList => "toolbar.list",
            Self::RowAction => "row.action",
            Self::ObjectButton => "object.button",
            Self::FormField => "form.field",
            Self::FormValidate => "form.validate",
            Self::ListColumn => "list.column",
            Self::PageInject => "page.inject",
            Self::Notification => "notification",
        }
    }

    /// What an extension does there.
    pub fn kind(self) -> Kind {
        match self {
            Self::MenuMain
            | Self::MenuHeader
            | Self::DashboardBlock
            | Self::ObjectTab
            | Self::ObjectSidebar
            | Self::ToolsSection
            | Self::ListPage
            | Self::FormPage => Kind::Page,
            _ => Kind::Overlay,
        }
    }

    /// Whether a page there is always about an object.
    pub fn is_of_object(self) -> bool {
        matches!(self, Self::ObjectTab | Self::ObjectSidebar)
    }

    /// What showing or changing something there is, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::MenuMain => "show a page in the main menu",
            Self::MenuHeader => "show a page in the header",
            Self::DashboardBlock => "show a widget on the home page",
            Self::ObjectTab => "show a tab",
            Self::ObjectSidebar => "show a panel at the side",
            Self::ToolsSection => "show a page among the tools and settings",
            Self::ListPage | Self::FormPage => "show a page that others lead to",
            Self::ToolbarList => "add buttons over the list",
            Self::RowAction => "add buttons to the rows of the list",
            Self::ObjectButton => "add buttons to the page",
            Self::FormField => "add, hide and change fields of the form",
            Self::FormValidate => "refuse what is entered into the form",
            Self::ListColumn => "add and hide columns of the list",
            Self::PageInject => "add messages and buttons to the page",
            Self::Notification => "show notices on the page",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written_and_is_so_in_json() {
        for place in Place::ALL {
            assert_eq!(Place::from_name(place.name()), Some(place));
            assert_eq!(serde_json::to_value(place).unwrap(), place.name());
        }
        assert_eq!(Place::from_name("menu"), None);
    }
}
