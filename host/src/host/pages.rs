//! Pages of extensions, their buttons, and changes to pages of the panel: what a person may see is decided here, before
//! an extension is called.

use std::sync::Arc;
use std::time::Instant;

use super::{Host, now_ms};
use crate::extension::{Drawer, Extension, State};
use crate::grant::Grant;
use crate::hook::{
    Decision, Ended, Fault, HandlerTrace, HookCall, ObjectRef, Params, Rehearsal, Status, Value,
    Verdict,
};
use crate::limits::Asked;
use crate::overlay::Edit;
use crate::package::{Fields, Overlay, Page};
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
            Self::Registry(_) => "extension.unknown",
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
    pub fn contributions(
        &self,
        person: &Person,
        place: Place,
        object: Option<&str>,
    ) -> Vec<Contribution> {
        let snapshot = self.registry.snapshot_owned();
        let mut found = Vec::new();
        let enabled =
            snapshot.extensions.values().filter(|extension| extension.state == State::Enabled);
        for extension in enabled {
            let pages = extension.manifest.pages.iter();
            for page in pages.filter(|page| {
                page.place == place
                    && page.object.as_deref() == object
                    && person.is_among(&page.visible_to)
                    && extension.check(&page.grant()).is_ok()
            }) {
                found.push(Contribution { extension: extension.clone(), page: page.clone() });
            }
        }
        found.sort_by(|a, b| {
            b.page.priority.cmp(&a.page.priority).then_with(|| a.extension.id.cmp(&b.extension.id))
        });
        found
    }

    /// Has an extension describe a page.
    pub async fn render(&self, extension: &str, request: Request) -> Result<View, PageError> {
        let drawer = self.page_drawer(extension, &request)?;
        let call =
            Called::new(RENDER, &request.id, &request.page, &request.person, &request.object);
        let deadline = deadline(&drawer);
        let ran = match self.conduct.admit_provider(&drawer.extension.id, &deadline).await {
            Ok(_slot) => self.sandbox.render(&drawer, request, deadline).await,
            Err(fault) => Ran::not_begun(fault),
        };
        self.answer(&drawer, &call, ran)
    }

    /// Has an extension carry out a button.
    pub async fn act(
        &self,
        extension: &str,
        request: Request,
        button: String,
    ) -> Result<Reply, PageError> {
        // The buttons of an overlay act under its identifier.
        let drawer = match self.page_drawer(extension, &request) {
            Err(PageError::NoPage { .. }) => self.overlay_actor(extension, &request)?,
            drawer => drawer?,
        };
        let call = Called::new(ACT, &request.id, &request.page, &request.person, &request.object);
        let deadline = deadline(&drawer);
        let ran = match self.conduct.admit_provider(&drawer.extension.id, &deadline).await {
            Ok(_slot) => self.sandbox.act(&drawer, request, button, deadline).await,
            Err(fault) => Ran::not_begun(fault),
        };
        self.answer(&drawer, &call, ran)
    }

    /// Has an extension find values to choose from.
    pub async fn lookup(
        &self,
        extension: &str,
        request: Request,
        name: String,
        typed: String,
    ) -> Result<Vec<Choice>, PageError> {
        let drawer = self.page_drawer(extension, &request)?;
        let call =
            Called::new(LOOKUP, &request.id, &request.page, &request.person, &request.object);
        let deadline = deadline(&drawer);
        let ran = match self.conduct.admit_provider(&drawer.extension.id, &deadline).await {
            Ok(_slot) => {
                self.sandbox.lookup(&drawer, request, (name, typed), CHOICES, deadline).await
            }
            Err(fault) => Ran::not_begun(fault),
        };
        self.answer(&drawer, &call, ran)
    }

    /// Whether it is an overlay of an extension, and no page.
    pub fn is_overlay(&self, extension: &str, id: &str) -> bool {
        let snapshot = self.registry.snapshot();
        let extension = snapshot.extensions.get(extension);
        extension.is_some_and(|its| its.manifest.overlays.iter().any(|overlay| overlay.id == id))
    }

    /// Has extensions change a page of the panel, one after another: each sees the values that those before it set.
    pub async fn overlays(&self, place: Option<Place>, mut page: PanelPage) -> Vec<Applied> {
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
            let drawer = self.drawer(&extension, &overlay.asked, read);
            let call = Called::new(APPLY, &page.id, &overlay.id, &page.person, &page.object);
            let deadline = deadline(&drawer);
            let ran = match self.conduct.admit_provider(&extension.id, &deadline).await {
                Ok(_slot) => self.sandbox.apply(&drawer, page.clone(), deadline).await,
                Err(fault) => Ran::not_begun(fault),
            };
            self.note_call(&drawer, &call, &ran);
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
        applied
    }

    /// The extension as it draws a page, if this person may see it.
    fn page_drawer(&self, id: &str, request: &Request) -> Result<Arc<Drawer>, PageError> {
        let extension = self.registry.get(id)?;
        let page = extension.manifest.pages.iter().find(|page| page.id == request.page);
        let page = page.cloned().ok_or_else(|| PageError::NoPage {
            extension: extension.id.clone(),
            page: request.page.clone(),
        })?;
        self.check_shown(&extension, &page.grant(), &page.visible_to, request)?;
        check_object(&page, request.object.as_ref(), &request.person)?;
        Ok(self.drawer(&extension, &page.asked, Fields::of([])))
    }

    /// The extension as it carries out the buttons of an overlay.
    fn overlay_actor(&self, id: &str, request: &Request) -> Result<Arc<Drawer>, PageError> {
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
        Ok(self.drawer(&extension, &overlay.asked, Fields::of([])))
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

    fn drawer(&self, extension: &Arc<Extension>, asked: &Asked, read: Fields) -> Arc<Drawer> {
        Arc::new(Drawer {
            limits: self.registry.policy().page(extension, asked),
            read,
            extension: extension.clone(),
        })
    }

    fn answer<T>(&self, drawer: &Drawer, call: &Called, ran: Ran<T>) -> Result<T, PageError> {
        self.note_call(drawer, call, &ran);
        ran.outcome.map_err(|fault| PageError::Fault {
            extension: drawer.extension.id.clone(),
            id: call.id.clone(),
            fault,
        })
    }

    /// Keeps a call in the journal: every button, and of what changes nothing the faults alone.
    fn note_call<T>(&self, drawer: &Drawer, asked: &Called, ran: &Ran<T>) {
        if asked.action != ACT && ran.outcome.is_ok() {
            return;
        }
        let outcome = ran.outcome.as_ref().map(|_| "proceed").map_err(Clone::clone);
        let params = [
            ("page".to_owned(), Value::Text(asked.page.clone())),
            ("person".to_owned(), Value::Text(asked.person.id.clone())),
        ];
        let params = Arc::new(Params::from_iter(params));
        let status = if outcome.is_ok() { Status::Succeeded } else { Status::Failed };
        let duration = asked.begun.elapsed();
        let elapsed_ms = u64::try_from(duration.as_millis()).unwrap_or(0);
        let call = HookCall {
            id: asked.id.to_string(),
            action: asked.action.to_owned(),
            actor: None,
            object: asked.object.clone(),
            params: params.clone(),
            old: Params::new(),
            attributes: indexmap::IndexMap::new(),
            rehearsal: Rehearsal::No,
            depth: 0,
            caused_by: Vec::new(),
            time_ms: now_ms().saturating_sub(elapsed_ms),
            ended: Some(Ended { status, result: None }),
        };
        let trace = HandlerTrace {
            extension: drawer.extension.id.clone(),
            version: drawer.extension.version.clone(),
            outcome,
            reason: None,
            fuel: ran.fuel,
            memory: ran.memory,
            duration,
            log: ran.log.clone(),
            uses: ran.uses.clone(),
        };
        let verdict = Verdict {
            decision: Decision::Proceed,
            params,
            alterations: Vec::new(),
            result: None,
            problems: Vec::new(),
            trace: vec![trace],
        };
        self.journal.record(&call, &verdict, duration);
    }
}

/// One call about a page, as the journal keeps it.
struct Called {
    action: &'static str,
    id: Arc<str>,
    page: String,
    person: Arc<Person>,
    object: Option<ObjectRef>,
    begun: Instant,
}

impl Called {
    fn new(
        action: &'static str,
        id: &Arc<str>,
        page: &str,
        person: &Arc<Person>,
        object: &Option<ObjectRef>,
    ) -> Self {
        Self {
            action,
            id: id.clone(),
            page: page.to_owned(),
            person: person.clone(),
            object: object.clone(),
            begun: Instant::now(),
        }
    }
}

fn deadline(drawer: &Drawer) -> Deadline {
    let limit = drawer.limits.deadline;
    Deadline { at: Instant::now() + limit, fault: Fault::Deadline { limit } }
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
