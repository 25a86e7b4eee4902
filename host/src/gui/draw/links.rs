//! Addresses of pages. Names of an extension are written so that none of them leads elsewhere.

use url::form_urlencoded::{self, Serializer};

use super::Links;
use crate::view::Window;

/// A text as one part of a path.
pub fn segment(text: &str) -> String {
    // The only difference between a query and a path is how they write a space.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A name as a part of a path; nothing if no address can have it.
fn name(name: &str) -> Option<String> {
    (!matches!(name, "" | "." | "..")).then(|| segment(name))
}

impl Links {
    fn path(&self, segments: &[&str]) -> Option<String> {
        let segments: Option<Vec<String>> = segments.iter().map(|segment| name(segment)).collect();
        Some(format!("{}/{}", self.base, segments?.join("/")))
    }

    fn query<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r str>,
        window: &[(&str, String)],
    ) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(object) = self.object() {
            query.append_pair("object", &object);
        }
        query.extend_pairs(rows.into_iter().map(|row| ("row", row)));
        query.extend_pairs(window);
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// The object, as addresses have it.
    pub fn object(&self) -> Option<String> {
        self.object.as_ref().map(|object| format!("{}:{}", object.kind, object.id))
    }

    /// Another page of the extension, about the same object and a row of this one.
    pub fn to_page(&self, page: &str, row: Option<&str>) -> Option<String> {
        Some(self.path(&[&self.extension, page])? + &self.query(row, &[]))
    }

    /// This page, and where its buttons are sent to.
    pub fn act(&self) -> String {
        self.shown(&Window::default())
    }

    /// This page with a part of its list.
    pub fn shown(&self, window: &Window) -> String {
        let path = self.path(&[&self.extension, &self.page]).unwrap_or_else(|| self.base.clone());
        path + &self.query(self.rows.iter().map(String::as_str), &parts(window))
    }

    /// Where values to choose from are found, without what was typed.
    pub fn lookup(&self, name: &str) -> Option<String> {
        let path = self.path(&[&self.extension, &self.page, "lookups", name])?;
        Some(path + &self.query(None, &[]))
    }

    /// A file of the extension, by its path in the package.
    pub fn asset(&self, path: &str) -> Option<String> {
        let mut segments = vec![self.extension.as_str(), ".assets"];
        segments.extend(path.split('/'));
        self.path(&segments)
    }
}

/// The part of a list that is shown, as an address has it.
pub(super) fn parts(window: &Window) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    let mut add = |name, value: Option<String>| parts.extend(value.map(|value| (name, value)));
    add("after", window.after.clone());
    add("limit", window.limit.map(|limit| limit.to_string()));
    add("sort", window.sort.clone());
    add("descending", window.descending.then(|| "true".to_owned()));
    add("search", window.search.clone());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::ObjectRef;

    fn links() -> Links {
        Links {
            base: "/s/1".into(),
            extension: "notes".into(),
            page: "all".into(),
            object: Some(ObjectRef { kind: "domain".into(), id: "a&b.test".into() }),
            rows: vec!["x.y".into()],
            panel_pages: Default::default(),
        }
    }

    #[test]
    fn an_address_has_the_object_the_row_and_the_part_of_the_list() {
        let window = Window {
            after: Some("25".into()),
            limit: Some(50),
            sort: Some("name".into()),
            descending: true,
            search: Some("a b".into()),
        };
        assert_eq!(
            links().shown(&window),
            "/s/1/notes/all?object=domain%3Aa%26b.test&row=x.y&after=25&limit=50&sort=name&descending=true&search=a+b"
        );
        assert_eq!(links().act(), "/s/1/notes/all?object=domain%3Aa%26b.test&row=x.y");
    }

    #[test]
    fn a_part_of_a_path_is_one_part() {
        assert_eq!(segment("a/b c?"), "a%2Fb%20c%3F");
    }

    #[test]
    fn no_name_of_a_page_leads_elsewhere() {
        let to = |page: &str| Links { object: None, ..links() }.to_page(page, None);
        assert_eq!(to("..").as_deref(), None);
        assert_eq!(to("../../x").as_deref(), Some("/s/1/notes/..%2F..%2Fx"));
        assert_eq!(to("a?b#c").as_deref(), Some("/s/1/notes/a%3Fb%23c"));
        assert_eq!(to("a b").as_deref(), Some("/s/1/notes/a%20b"));
    }

    #[test]
    fn a_file_is_only_one_of_the_extension() {
        let links = Links { object: None, ..links() };
        assert_eq!(links.asset("img/a.png").as_deref(), Some("/s/1/notes/.assets/img/a.png"));
        for path in ["../x", "/x", "a//b", "a/./b", ""] {
            assert_eq!(links.asset(path), None, "{path}");
        }
    }
}
