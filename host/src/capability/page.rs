//! `palisade:gui`: the request for a page, and a page of the panel, read by the extension.

use wasmtime::component::Resource;

use super::{About, CallState, value};
use crate::bindings::core_types::{ObjectRef as WitObject, Value as WitValue};
use crate::bindings::gui as wit;
use crate::bindings::panel_page;
use crate::extension::Drawer;
use crate::hook::ObjectRef;
use crate::person::{PanelPage, Person, Request};

/// Rows that a page asks for if nothing else is said, and at most.
const DEFAULT_ROWS: u32 = 25;
const MAX_ROWS: u32 = 200;

/// What stands behind a guest's handle to the request. A call has one at most, which is in its state.
pub struct RequestHandle;
/// What stands behind a guest's handle to a page of the panel.
pub struct PanelPageHandle;

impl wit::Host for CallState {}
impl panel_page::Host for CallState {}

impl CallState {
    /// The request. A call about something else gets no handle to one, so it cannot ask.
    fn request(&self) -> wasmtime::Result<&Request> {
        match &self.about {
            About::Page { request, .. } => Ok(request),
            _ => Err(wasmtime::format_err!("this call is about no page")),
        }
    }

    /// The page of the panel, and what may be seen of it.
    fn panel_page(&self) -> wasmtime::Result<(&Drawer, &PanelPage)> {
        match &self.about {
            About::Overlay { drawer, page } => Ok((drawer, page)),
            _ => Err(wasmtime::format_err!("this call is about no page of the panel")),
        }
    }

    /// The object of a call, for the guest.
    pub(super) fn hand_out_object(&mut self, object: Option<ObjectRef>) -> Option<WitObject> {
        let object = object?;
        self.handed_out(object.kind.len() + object.id.len());
        Some(WitObject { kind: object.kind, id: object.id })
    }

    fn hand_out_person(&mut self, person: &Person) -> wit::Person {
        let customer = person.customer.as_ref().map_or(0, String::len);
        self.handed_out(person.id.len() + person.name.len() + person.role.len() + customer);
        wit::Person {
            id: person.id.clone(),
            name: person.name.clone(),
            role: person.role.clone(),
            customer: person.customer.clone(),
        }
    }

    fn hand_out_texts(&mut self, texts: Vec<String>) -> Vec<String> {
        self.handed_out(texts.iter().map(String::len).sum());
        texts
    }
}

impl wit::HostRequest for CallState {
    fn page(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<String> {
        let page = self.request()?.page.clone();
        self.called(page.len())?;
        Ok(page)
    }

    fn person(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<wit::Person> {
        self.called(0)?;
        let person = self.request()?.person.clone();
        Ok(self.hand_out_person(&person))
    }

    fn can(&mut self, _: Resource<RequestHandle>, permission: String) -> wasmtime::Result<bool> {
        self.called(permission.len())?;
        Ok(self.request()?.person.permissions.contains(&permission))
    }

    fn sees(&mut self, _: Resource<RequestHandle>, object: WitObject) -> wasmtime::Result<bool> {
        self.called(object.kind.len() + object.id.len())?;
        Ok(self.request()?.person.sees(&ObjectRef { kind: object.kind, id: object.id }))
    }

    fn object(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<WitObject>> {
        self.called(0)?;
        let object = self.request()?.object.clone();
        Ok(self.hand_out_object(object))
    }

    fn rows(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Vec<String>> {
        self.called(0)?;
        let rows = self.request()?.rows.clone();
        Ok(self.hand_out_texts(rows))
    }

    fn input(
        &mut self,
        _: Resource<RequestHandle>,
        name: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(name.len())?;
        let found = self.request()?.inputs.get(&name).cloned();
        // What a person enters is meant for the extension, a password too.
        let Some(found) = found else { return Ok(None) };
        let (found, bytes) = value::hand_out_own(found);
        self.handed_out(bytes);
        Ok(found)
    }

    fn inputs(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Vec<String>> {
        self.called(0)?;
        let names = self.request()?.inputs.keys().cloned().collect();
        Ok(self.hand_out_texts(names))
    }

    fn state(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        self.called(0)?;
        let state = self.request()?.state.clone();
        self.handed_out(state.as_ref().map_or(0, String::len));
        Ok(state)
    }

    fn window(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<wit::Window> {
        self.called(0)?;
        let window = self.request()?.window.clone();
        let texts = [&window.after, &window.sort, &window.search];
        self.handed_out(texts.into_iter().flatten().map(String::len).sum());
        Ok(wit::Window {
            after: window.after,
            limit: window.limit.unwrap_or(DEFAULT_ROWS).clamp(1, MAX_ROWS),
            sort: window.sort,
            descending: window.descending,
            search: window.search,
        })
    }

    fn attribute(
        &mut self,
        _: Resource<RequestHandle>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        self.called(name.len())?;
        let found = self.request()?.person.attributes.get(&name).cloned();
        self.handed_out(found.as_ref().map_or(0, String::len));
        Ok(found)
    }

    fn drop(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<()> {
        // The guest only borrows the request.
        Ok(())
    }
}

impl panel_page::HostPage for CallState {
    fn overlay(&mut self, _: Resource<PanelPageHandle>) -> wasmtime::Result<String> {
        let overlay = self.panel_page()?.1.overlay.clone();
        self.called(overlay.len())?;
        Ok(overlay)
    }

    fn name(&mut self, _: Resource<PanelPageHandle>) -> wasmtime::Result<String> {
        let name = self.panel_page()?.1.name.clone();
        self.called(name.len())?;
        Ok(name)
    }

    fn object(&mut self, _: Resource<PanelPageHandle>) -> wasmtime::Result<Option<WitObject>> {
        self.called(0)?;
        let object = self.panel_page()?.1.object.clone();
        Ok(self.hand_out_object(object))
    }

    fn person(&mut self, _: Resource<PanelPageHandle>) -> wasmtime::Result<wit::Person> {
        self.called(0)?;
        let person = self.panel_page()?.1.person.clone();
        Ok(self.hand_out_person(&person))
    }

    fn can(&mut self, _: Resource<PanelPageHandle>, permission: String) -> wasmtime::Result<bool> {
        self.called(permission.len())?;
        Ok(self.panel_page()?.1.person.permissions.contains(&permission))
    }

    fn value(
        &mut self,
        _: Resource<PanelPageHandle>,
        field: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(field.len())?;
        let (drawer, page) = self.panel_page()?;
        let found = page.fields.get(&field).filter(|_| drawer.read.allows(&field));
        let (found, bytes) = value::hand_out(found);
        self.handed_out(bytes);
        Ok(found)
    }

    fn rows(&mut self, _: Resource<PanelPageHandle>) -> wasmtime::Result<Vec<String>> {
        self.called(0)?;
        let rows = self.panel_page()?.1.rows.keys().cloned().collect();
        Ok(self.hand_out_texts(rows))
    }

    fn cell(
        &mut self,
        _: Resource<PanelPageHandle>,
        row: String,
        column: String,
    ) -> wasmtime::Result<Option<WitValue>> {
        self.called(row.len() + column.len())?;
        let (drawer, page) = self.panel_page()?;
        let cells = page.rows.get(&row).filter(|_| drawer.read.allows(&column));
        let (found, bytes) = value::hand_out(cells.and_then(|cells| cells.get(&column)));
        self.handed_out(bytes);
        Ok(found)
    }

    fn drop(&mut self, _: Resource<PanelPageHandle>) -> wasmtime::Result<()> {
        // The guest only borrows the page.
        Ok(())
    }
}
