//! Pages of extensions, their buttons, and changes to pages of the panel: what a person may see is decided here, before
//! an extension is called.

use std::sync::Arc;
use std::time::Instant;

use super::Host;
use super::noted::Noted;
use crate::extension::{Drawer, Extension, State};
use crate::grant::Grant;
use crate::hook::{Fault, ObjectRef, Params, Value};
use crate::limits::Asked;
use crate::locale::Locale;
use crate::messages::Reading;
use crate::overlay::Edit;
use crate::package::{Fields, Overlay, Page, Title};
use crate::person::{PanelPage, Person, Request};
use crate::place::Place;
use crate::registry::RegistryError;
use crate::sandbox::{Deadline, Ran};
use crate::view::{Choice, Reply, View};

/// The actions under which the journal keeps calls about pages.
const RENDER: &str = "page.render";
const ACT: &str = "page.act";
const LOOKUP: &str = "page.lookup";
const APPLY: &str = "page.overlay";
/// Values to choose from that are asked for.
const CHOICES: u32 = 50;

/// Why there is no page to show.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// No such extension.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The extension has no such page.
    #[error("`{extension}` has no page `{page}`")]
    NoPage {
        /// The extension.
        extension: Arc<str>,
        /// The page.
        page: String,
    },
    /// The extension is disabled.
    #[error("`{0}` is disabled")]
    Disabled(Arc<str>),
    /// It was not granted to show the page.
    #[error("{0}")]
    NotGranted(String),
    /// The page is not for this person.
    #[error("the page `{page}` of `{extension}` is not shown to the role `{role}`")]
    NotVisible {
        /// The extension.
        extension: Arc<str>,
        /// The page.
        page: String,
        /// The person's role.
        role: String,
    },
    /// The object is missing, of another kind, or not for this person.
    #[error("{0}")]
    Object(String),
    /// The extension failed.
    #[error("`{extension}` failed: {fault}")]
    Fault {
        /// The extension.
        extension: Arc<str>,
        /// The call, as the journal knows it.
        id: Arc<str>,
        /// How.
        fault: Fault,
    },
}

impl PageError {
    /// The stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.code().unwrap_or("internal"),
            Self::NoPage { .. } => "page.unknown",
            Self::Disabled(_) => "extension.disabled",
            Self::NotGranted(_) => "page.not-granted",
            Self::NotVisible { .. } => "page.not-visible",
            Self::Object(_) => "page.object",
            Self::Fault { .. } => "page.fault",
        }
    }
}

/// What an extension shows at a place.
#[derive(Debug, Clone)]
pub struct Contribution {
    /// The extension.
    pub extension: Arc<Extension>,
    /// The page.
    pub page: Page,
    /// What leads to it, in the reader's language.
    pub title: String,
}

/// What an overlay changes, or why it does not.
#[derive(Debug)]
pub struct Applied {
    /// The extension.
    pub extension: Arc<Extension>,
    /// The overlay.
    pub overlay: Overlay,
    /// Its changes, or the fault.
    pub edits: Result<Vec<Edit>, Fault>,
    /// Why changes were left out.
    pub left_out: Vec<String>,
}

impl Host {
    /// What extensions show to a person at a place: of the kind of the object, if it is about one.
    pub async fn contributions(
        &self,
        person: &Person,
        locale: &Locale,
        place: Place,
        object: Option<&ObjectRef>,
    ) -> Result<Vec<Contribution>, PageError> {
        check_sees(object, person)?;
        let kind = object.map(|object| object.kind.as_str());
        let snapshot = self.registry.snapshot_owned();
        let mut found = Vec::new();
        let enabled =
            snapshot.extensions.values().filter(|extension| extension.state == State::Enabled);
        for extension in enabled {
            let pages = extension.manifest.pages.iter();
            for page in pages.filter(|page| {
                page.place == place
                    && page.object.as_deref() == kind
                    && person.is_among(&page.visible_to)
                    && extension.check(&page.grant()).is_ok()
            }) {
                let title = self.title(extension, &page.title, locale).await;
                found.push(Contribution {
                    extension: extension.clone(),
                    page: page.clone(),
                    title,
                });
            }
        }
        found.sort_by(|a, b| {
            b.page.priority.cmp(&a.page.priority).then_with(|| a.extension.id.cmp(&b.extension.id))
        });
        Ok(found)
    }

    /// A page as its extension's manifest has it.
    pub fn page(&self, extension: &str, id: &str) -> Result<Page, PageError> {
        let extension = self.registry.get(extension)?;
        page_of(&extension, id)
    }

    /// The titles of an extension's pages in the reader's language, in the order of its manifest.
    pub async fn page_titles(&self, extension: &Arc<Extension>, locale: &Locale) -> Vec<String> {
        let mut titles = Vec::with_capacity(extension.manifest.pages.len());
        for page in &extension.manifest.pages {
            titles.push(self.title(extension, &page.title, locale).await);
        }
        titles
    }

    /// The title of a page in the reader's language.
    async fn title(&self, extension: &Arc<Extension>, title: &Title, locale: &Locale) -> String {
        match title {
            Title::Text(text) => text.clone(),
            Title::Message(message) => {
                let found = self.read_in(extension, locale).await.get(message, &[]);
                found.and_then(Result::ok).unwrap_or_else(|| message.clone())
            }
        }
    }

    /// Has an extension describe a page.
    pub async fn render(&self, extension: &str, request: Request) -> Result<View, PageError> {
        let drawer = self.page_drawer(extension, &request).await?;
        let noted = asked(RENDER, &drawer, &request);
        let deadline = Deadline::own(drawer.limits.deadline);
        let call = self.sandbox.render(&drawer, request, deadline.clone());
        let ran = self.admitted(&drawer.extension, &deadline, call).await;
        self.answer(noted, ran)
    }

    /// Has an extension carry out a button.
    pub async fn act(
        &self,
        extension: &str,
        request: Request,
        button: String,
    ) -> Result<Reply, PageError> {
        // The buttons of an overlay act under its identifier.
        let drawer = match self.page_drawer(extension, &request).await {
            Err(PageError::NoPage { .. }) => self.overlay_actor(extension, &request).await?,
            drawer => drawer?,
        };
        let noted = asked(ACT, &drawer, &request);
        let deadline = Deadline::own(drawer.limits.deadline);
        let call = self.sandbox.act(&drawer, request, button, deadline.clone());
        let ran = self.admitted(&drawer.extension, &deadline, call).await;
        self.answer(noted, ran)
    }

    /// Has an extension find values to choose from.
    pub async fn lookup(
        &self,
        extension: &str,
        request: Request,
        name: String,
        typed: String,
    ) -> Result<Vec<Choice>, PageError> {
        let drawer = self.page_drawer(extension, &request).await?;
        let noted = asked(LOOKUP, &drawer, &request);
        let deadline = Deadline::own(drawer.limits.deadline);
        let call = self.sandbox.lookup(&drawer, request, (name, typed), CHOICES, deadline.clone());
        let ran = self.admitted(&drawer.extension, &deadline, call).await;
        self.answer(noted, ran)
    }

    /// Whether it is an overlay of an extension, and no page.
    pub fn is_overlay(&self, extension: &str, id: &str) -> bool {
        let snapshot = self.registry.snapshot();
        let extension = snapshot.extensions.get(extension);
        extension.is_some_and(|its| its.manifest.overlays.iter().any(|overlay| overlay.id == id))
    }

    /// Has extensions change a page of the panel, one after another: each sees the values that those before it set.
    pub async fn overlays(
        &self,
        place: Option<Place>,
        mut page: PanelPage,
    ) -> Result<Vec<Applied>, PageError> {
        check_sees(page.object.as_ref(), &page.person)?;
        let snapshot = self.registry.snapshot_owned();
        let mut overlays: Vec<(Arc<Extension>, Overlay)> = Vec::new();
        let enabled =
            snapshot.extensions.values().filter(|extension| extension.state == State::Enabled);
        for extension in enabled {
            let wanted = extension.manifest.overlays.iter().filter(|overlay| {
                (overlay.page == page.name
                    || overlay.place == Place::PageInject && overlay.page == "any")
                    && place.is_none_or(|place| overlay.place == place)
                    && page.person.is_among(&overlay.visible_to)
                    && extension.check(&overlay.grant()).is_ok()
            });
            overlays.extend(wanted.map(|overlay| (extension.clone(), overlay.clone())));
        }
        overlays.sort_by(|(a, one), (b, other)| {
            other.priority.cmp(&one.priority).then_with(|| a.id.cmp(&b.id))
        });
        let mut applied = Vec::with_capacity(overlays.len());
        for (extension, overlay) in overlays {
            page.overlay.clone_from(&overlay.id);
            let see = |field: &String| {
                extension.granted.contains(&Grant::See(overlay.page.clone(), field.clone()))
            };
            let read = Fields::of(overlay.read.to_list().into_iter().filter(see));
            let drawer = self.drawer(&extension, &overlay.asked, read, &page.locale).await;
            let named = (&page.id, overlay.id.as_str());
            let noted = begun(APPLY, &drawer, named, &page.person, page.object.as_ref());
            let deadline = Deadline::own(drawer.limits.deadline);
            let call = self.sandbox.apply(&drawer, page.clone(), deadline.clone());
            let ran = self.admitted(&extension, &deadline, call).await;
            self.note_drawn(noted, &ran);
            let (mut left_out, mut kept) = (Vec::new(), Vec::new());
            let edits = ran.outcome.map(|edits| {
                for edit in edits {
                    match edit.check(overlay.place, &page) {
                        Ok(()) => {
                            if let Edit::SetValue { field, value } = &edit {
                                page.fields.insert(field.clone(), value.clone());
                            }
                            kept.push(edit);
                        }
                        Err(reason) => left_out.push(reason),
                    }
                }
                kept
            });
            if !left_out.is_empty() {
                let (id, number) = (&extension.id, left_out.len());
                tracing::info!(extension.id = %id, page = %page.name, "{number} changes of `{id}` are left out: {}", left_out.join("; "));
            }
            applied.push(Applied { extension, overlay, edits, left_out });
        }
        Ok(applied)
    }

    /// The extension as it draws a page, if this person may see it.
    async fn page_drawer(&self, id: &str, request: &Request) -> Result<Arc<Drawer>, PageError> {
        let extension = self.registry.get(id)?;
        let page = page_of(&extension, &request.page)?;
        self.check_shown(&extension, &page.grant(), &page.visible_to, request)?;
        check_object(&page, request.object.as_ref(), &request.person)?;
        Ok(self.drawer(&extension, &page.asked, Fields::of([]), &request.locale).await)
    }

    /// The extension as it carries out the buttons of an overlay.
    async fn overlay_actor(&self, id: &str, request: &Request) -> Result<Arc<Drawer>, PageError> {
        let extension = self.registry.get(id)?;
        let no_page =
            || PageError::NoPage { extension: extension.id.clone(), page: request.page.clone() };
        if extension.manifest.pages.is_empty() {
            return Err(no_page());
        }
        let overlay = extension.manifest.overlays.iter().find(|overlay| overlay.id == request.page);
        let overlay = overlay.cloned().ok_or_else(no_page)?;
        self.check_shown(&extension, &overlay.grant(), &overlay.visible_to, request)?;
        check_sees(request.object.as_ref(), &request.person)?;
        Ok(self.drawer(&extension, &overlay.asked, Fields::of([]), &request.locale).await)
    }

    fn check_shown(
        &self,
        extension: &Extension,
        grant: &Grant,
        visible_to: &[String],
        request: &Request,
    ) -> Result<(), PageError> {
        if extension.state == State::Disabled {
            return Err(PageError::Disabled(extension.id.clone()));
        }
        extension.check(grant).map_err(PageError::NotGranted)?;
        match request.person.is_among(visible_to) {
            true => Ok(()),
            false => Err(PageError::NotVisible {
                extension: extension.id.clone(),
                page: request.page.clone(),
                role: request.person.role.clone(),
            }),
        }
    }

    async fn drawer(
        &self,
        extension: &Arc<Extension>,
        asked: &Asked,
        read: Fields,
        locale: &Locale,
    ) -> Arc<Drawer> {
        Arc::new(Drawer {
            messages: self.read_in(extension, locale).await,
            limits: self.registry.policy().page(extension, asked),
            read,
            extension: extension.clone(),
        })
    }

    /// The messages of an extension, as a reader of this language reads them.
    async fn read_in(&self, extension: &Arc<Extension>, locale: &Locale) -> Reading {
        self.assets_of(extension).await.catalogue.read_in(locale)
    }

    fn answer<T>(&self, noted: Noted, ran: Ran<T>) -> Result<T, PageError> {
        let (extension, id) = (noted.extension.id.clone(), noted.id.clone());
        self.note_drawn(noted, &ran);
        ran.outcome.map_err(|fault| PageError::Fault { extension, id, fault })
    }

    /// Keeps a call in the journal: every button, and of what changes nothing the faults alone.
    fn note_drawn<T>(&self, noted: Noted, ran: &Ran<T>) {
        if noted.action == ACT || ran.outcome.is_err() {
            self.note(noted, ran, |_| "proceed");
        }
    }
}

fn page_of(extension: &Extension, id: &str) -> Result<Page, PageError> {
    let page = extension.manifest.pages.iter().find(|page| page.id == id);
    page.cloned()
        .ok_or_else(|| PageError::NoPage { extension: extension.id.clone(), page: id.to_owned() })
}

/// A call about a page that begins now.
fn begun(
    action: &'static str,
    drawer: &Drawer,
    (id, page): (&Arc<str>, &str),
    person: &Person,
    object: Option<&ObjectRef>,
) -> Noted {
    let params = [("page", page), ("person", &person.id)];
    let params = params.map(|(name, value)| (name.to_owned(), Value::Text(value.to_owned())));
    Noted {
        extension: drawer.extension.clone(),
        action,
        id: id.clone(),
        object: object.cloned(),
        params: Params::from_iter(params),
        begun: Instant::now(),
    }
}

fn asked(action: &'static str, drawer: &Drawer, request: &Request) -> Noted {
    let named = (&request.id, request.page.as_str());
    begun(action, drawer, named, &request.person, request.object.as_ref())
}

/// Checks that a page about an object gets one of its kind, which the person may see.
fn check_object(page: &Page, object: Option<&ObjectRef>, person: &Person) -> Result<(), PageError> {
    let wrong = |message: String| Err(PageError::Object(message));
    match (&page.object, object) {
        (None, None) => Ok(()),
        (None, Some(_)) => wrong(format!("the page `{}` is about no object", page.id)),
        (Some(kind), None) => {
            wrong(format!("the page `{}` is about a `{kind}`, and none is named", page.id))
        }
        (Some(kind), Some(object)) if object.kind != *kind => wrong(format!(
            "the page `{}` is about a `{kind}`, not about a `{}`",
            page.id,
            object.kind.escape_default()
        )),
        (Some(_), Some(object)) => check_sees(Some(object), person),
    }
}

fn check_sees(object: Option<&ObjectRef>, person: &Person) -> Result<(), PageError> {
    match object {
        Some(object) if !person.sees(object) => Err(PageError::Object(format!(
            "this session does not show the {} `{}`",
            object.kind.escape_default(),
            object.id.escape_default()
        ))),
        _ => Ok(()),
    }
}
