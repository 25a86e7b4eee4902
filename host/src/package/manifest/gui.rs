//! The tables `[[page]]` and `[[overlay]]`: what an extension shows, and to whom.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    Fields, MAX_REASON, Manifest, ManifestError, check_more_than_nothing, check_priority,
    check_text, wrong,
};
use crate::grant::{self, Ask, Grant};
use crate::limits::Asked;
use crate::messages::{Messages, default_language};
use crate::place::{Kind, Place};
use crate::suggest::{self, shown};

/// Pages and overlays that a manifest may have.
const MAX_DRAWN: usize = 100;
/// Roles to which something is shown, and characters of one.
const MAX_ROLES: usize = 10;
const MAX_ROLE: usize = 40;

/// A text that leads to a page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "must be a text, or a message of the catalogue: `{ message = \"id\" }`"
)]
pub enum Title {
    /// This text.
    Text(String),
    /// A message of the extension's own catalogue.
    Message(String),
}

/// A title as it is written.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, or a message: `{ message = \"identifier\" }`")]
enum TitleAsked {
    Text(String),
    Message(MessageAsked),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageAsked {
    message: String,
}

/// A page of an extension.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its identifier, unique among the extension's pages and overlays.
    pub id: String,
    /// What leads to it.
    pub title: Title,
    /// Where it stands.
    pub place: Place,
    /// The section of the place, by the panel's name for it.
    pub section: Option<String>,
    /// The icon that leads to it, by the panel's name for it.
    pub icon: Option<String>,
    /// The kind of object that it is about.
    pub object: Option<String>,
    /// The roles that see it, beside those who run the panel.
    pub visible_to: Vec<String>,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// The limits that it asks for.
    pub asked: Asked,
}

/// A place of the panel that an extension changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Its identifier, unique among the extension's pages and overlays.
    pub id: String,
    /// The place.
    pub place: Place,
    /// The panel's name for the page.
    pub page: String,
    /// The fields or columns that it asks to see.
    pub read: Fields,
    /// The roles for whom it changes the page, beside those who run the panel.
    pub visible_to: Vec<String>,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// The limits that it asks for.
    pub asked: Asked,
}

/// `[[page]]` as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PageTable {
    id: String,
    title: TitleAsked,
    place: Option<String>,
    section: Option<String>,
    icon: Option<String>,
    object: Option<String>,
    #[serde(default)]
    visible_to: Vec<String>,
    priority: Option<i64>,
    #[serde(default)]
    reason: String,
    fuel: Option<u64>,
    deadline_ms: Option<u32>,
}

/// `[[overlay]]` as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OverlayTable {
    id: String,
    place: String,
    page: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    visible_to: Vec<String>,
    priority: Option<i64>,
    reason: String,
    fuel: Option<u64>,
    deadline_ms: Option<u32>,
}

/// What both tables ask for.
pub(super) struct Drawn {
    pub(super) pages: Vec<Page>,
    pub(super) overlays: Vec<Overlay>,
    pub(super) asks: Vec<Ask>,
}

/// Checks both tables.
pub(super) fn check_drawn(
    pages: Vec<PageTable>,
    overlays: Vec<OverlayTable>,
    memory_bytes: Option<u64>,
    kv_bytes: Option<u64>,
) -> Result<Drawn, ManifestError> {
    let number = pages.len() + overlays.len();
    if number > MAX_DRAWN {
        return Err(wrong(format!("it has {number} pages and overlays, the limit is {MAX_DRAWN}")));
    }
    let asked = |fuel, deadline_ms| Asked { fuel, deadline_ms, memory_bytes, kv_bytes };
    let mut drawn = Drawn { pages: Vec::new(), overlays: Vec::new(), asks: Vec::new() };
    let mut ids = BTreeSet::new();
    let mut check_new = |id: &str| match grant::is_words(id) && ids.insert(id.to_owned()) {
        true => Ok(()),
        false => Err(wrong(format!(
            "the `id` of a page or overlay must be words of a-z and 0-9 joined by `-`, at most 64 characters, each once: `{}`",
            shown(id)
        ))),
    };
    for table in pages {
        check_new(&table.id)?;
        let asked = asked(table.fuel, table.deadline_ms);
        let (page, ask) = check_page(table, asked)?;
        push(&mut drawn.asks, ask);
        drawn.pages.push(page);
    }
    for table in overlays {
        check_new(&table.id)?;
        let asked = asked(table.fuel, table.deadline_ms);
        let (overlay, asks) = check_overlay(table, asked)?;
        asks.into_iter().for_each(|ask| push(&mut drawn.asks, ask));
        drawn.overlays.push(overlay);
    }
    Ok(drawn)
}

/// Adds what is not asked for yet: two pages at one place need one grant.
fn push(asks: &mut Vec<Ask>, ask: Ask) {
    if !asks.iter().any(|known| known.grant == ask.grant) {
        asks.push(ask);
    }
}

fn check_page(table: PageTable, asked: Asked) -> Result<(Page, Ask), ManifestError> {
    let id = table.id;
    let of = |key: &str| format!("page.{id}.{key}");
    let place = match &table.place {
        None => Place::ListPage,
        Some(name) => check_place(&of("place"), name, Kind::Page)?,
    };
    let title = match table.title {
        TitleAsked::Text(text) => Title::Text(text),
        TitleAsked::Message(asked) => Title::Message(asked.message),
    };
    let (Title::Text(text) | Title::Message(text)) = &title;
    check_text(&of("title"), text, 1, 100)?;
    if place.is_of_object() && table.object.is_none() {
        return Err(wrong(format!("`{}`: `{place}` needs the kind of an `object`", of("object"))));
    }
    let names = [("section", &table.section), ("icon", &table.icon), ("object", &table.object)];
    for (key, name) in names {
        if let Some(name) = name {
            grant::check_panel_name(name)
                .map_err(|reason| wrong(format!("`{}`: {reason}: `{}`", of(key), shown(name))))?;
        }
    }
    let least = usize::from(table.place.is_some());
    check_text(&of("reason"), &table.reason, least, MAX_REASON)?;
    check_asked(&of("limits"), &asked)?;
    let page = Page {
        title,
        place,
        section: table.section,
        icon: table.icon,
        visible_to: check_roles(&of("visible-to"), table.visible_to)?,
        priority: check_priority(table.priority)
            .map_err(|reason| priority(&of("priority"), &reason))?,
        asked,
        object: table.object,
        id,
    };
    let ask = Ask { grant: page.grant(), reason: table.reason };
    Ok((page, ask))
}

fn check_overlay(table: OverlayTable, asked: Asked) -> Result<(Overlay, Vec<Ask>), ManifestError> {
    let id = table.id;
    let of = |key: &str| format!("overlay.{id}.{key}");
    let place = check_place(&of("place"), &table.place, Kind::Overlay)?;
    let page = table.page;
    grant::check_panel_name(&page)
        .map_err(|reason| wrong(format!("`{}`: {reason}: `{}`", of("page"), shown(&page))))?;
    for field in &table.read {
        grant::check_field(field)
            .map_err(|reason| wrong(format!("`{}`: {reason}: `{}`", of("read"), shown(field))))?;
    }
    check_text(&of("reason"), &table.reason, 1, MAX_REASON)?;
    check_asked(&of("limits"), &asked)?;
    let read = Fields::of(table.read);
    let change = Grant::Change(place, page.clone());
    let see = read.to_list().into_iter().map(|field| Grant::See(page.clone(), field));
    let asks = [change].into_iter().chain(see);
    let asks = asks.map(|grant| Ask { grant, reason: table.reason.clone() }).collect();
    let overlay = Overlay {
        place,
        read,
        visible_to: check_roles(&of("visible-to"), table.visible_to)?,
        priority: check_priority(table.priority)
            .map_err(|reason| priority(&of("priority"), &reason))?,
        asked,
        page,
        id,
    };
    Ok((overlay, asks))
}

fn check_place(key: &str, name: &str, kind: Kind) -> Result<Place, ManifestError> {
    let fits = |place: &Place| place.kind() == kind;
    Place::from_name(name).filter(fits).ok_or_else(|| {
        let places: Vec<_> = Place::ALL.into_iter().filter(fits).map(Place::name).collect();
        let near = suggest::nearest(name, places.iter().copied());
        ManifestError {
            message: format!("`{key}` must be one of {}: `{}`", places.join(", "), shown(name)),
            hint: near.map(|near| format!("did you mean `{near}`?")),
        }
    })
}

fn check_roles(key: &str, roles: Vec<String>) -> Result<Vec<String>, ManifestError> {
    if roles.len() > MAX_ROLES {
        return Err(wrong(format!(
            "`{key}` names {} roles, the limit is {MAX_ROLES}",
            roles.len()
        )));
    }
    roles.iter().try_for_each(|role| check_text(key, role, 1, MAX_ROLE))?;
    Ok(roles)
}

fn priority(key: &str, reason: &str) -> ManifestError {
    wrong(format!("`{key}` {reason}"))
}

fn check_asked(key: &str, asked: &Asked) -> Result<(), ManifestError> {
    check_more_than_nothing(asked).map_err(|reason| wrong(format!("`{key}`: {reason}")))
}

impl Manifest {
    /// Checks that there are the messages that it names, in the language that has what others lack.
    pub(in crate::package) fn check_messages(
        &self,
        messages: &[Messages],
    ) -> Result<(), ManifestError> {
        if let Some(locale) = &self.default_locale
            && !messages.iter().any(|its| its.locale() == locale)
        {
            let tag = locale.tag();
            return Err(wrong(format!(
                "`extension.default-locale` is `{tag}`, and the assets have no `messages/{tag}.ftl`"
            )));
        }
        let default = default_language(messages, self.default_locale.as_ref());
        let default = default.and_then(|at| messages.get(at));
        for page in &self.pages {
            let Title::Message(message) = &page.title else { continue };
            match default {
                Some(default) if default.has(message) => {}
                Some(default) => {
                    let (id, tag) = (shown(message), default.locale().tag());
                    return Err(wrong(format!(
                        "`page.{}.title` is the message `{id}`, which `messages/{tag}.ftl` has not",
                        page.id
                    )));
                }
                None => {
                    let id = shown(message);
                    return Err(wrong(format!(
                        "`page.{}.title` is the message `{id}`, and the assets have no messages",
                        page.id
                    )));
                }
            }
        }
        Ok(())
    }
}

impl Page {
    /// What it needs to be shown.
    pub fn grant(&self) -> Grant {
        Grant::Show(self.place, self.object.clone())
    }
}

impl Overlay {
    /// What it needs to change the page.
    pub fn grant(&self) -> Grant {
        Grant::Change(self.place, self.page.clone())
    }
}
