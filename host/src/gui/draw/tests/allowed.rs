//! What pages are made of, whatever their texts are: their elements, attributes and addresses, and how their parts name
//! each other.

use std::collections::{BTreeMap, BTreeSet};

use super::dom::{Element, Page};

const ELEMENTS: [&str; 67] = [
    "a",
    "bdi",
    "blockquote",
    "body",
    "br",
    "button",
    "code",
    "desc",
    "details",
    "div",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "html",
    "img",
    "input",
    "label",
    "legend",
    "li",
    "line",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "option",
    "output",
    "p",
    "path",
    "pre",
    "rect",
    "script",
    "search",
    "section",
    "select",
    "small",
    "span",
    "strong",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "textarea",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "ul",
    "colgroup",
    "col",
    "tfoot",
    "caption",
    "aside",
    "header",
];

const ATTRIBUTES: [&str; 88] = [
    "accept",
    "action",
    "alt",
    "aria-autocomplete",
    "aria-current",
    "aria-describedby",
    "aria-haspopup",
    "aria-hidden",
    "aria-invalid",
    "aria-label",
    "aria-labelledby",
    "aria-sort",
    "autocomplete",
    "charset",
    "checked",
    "class",
    "content",
    "d",
    "data-choose",
    "data-choose-all",
    "data-dismiss",
    "data-failed",
    "data-field",
    "data-form",
    "data-label",
    "data-language",
    "data-lookup",
    "data-message",
    "data-none",
    "data-off",
    "data-problems",
    "data-refresh",
    "data-required",
    "data-several",
    "data-shown-when",
    "data-spare",
    "data-tab",
    "datetime",
    "defer",
    "dir",
    "disabled",
    "enctype",
    "focusable",
    "for",
    "form",
    "formaction",
    "formmethod",
    "formnovalidate",
    "height",
    "hidden",
    "href",
    "id",
    "inputmode",
    "lang",
    "loading",
    "max",
    "maxlength",
    "method",
    "min",
    "name",
    "open",
    "pattern",
    "placeholder",
    "popover",
    "popovertarget",
    "popovertargetaction",
    "preserveAspectRatio",
    "readonly",
    "rel",
    "required",
    "role",
    "rows",
    "scope",
    "selected",
    "spellcheck",
    "src",
    "start",
    "step",
    "tabindex",
    "target",
    "text-anchor",
    "title",
    "type",
    "value",
    "vector-effect",
    "viewBox",
    "width",
    "x",
];
const MORE_ATTRIBUTES: [&str; 6] = ["x1", "x2", "y", "y1", "y2", "data-theme"];

/// Where an address may lead: into the session, to a part of the page, to the host's own files, or to the web.
fn check_address(element: &Element, name: &str, address: &str) {
    let inside =
        |address: &str| address.starts_with("/s/1/notes/") || address.starts_with("/assets/");
    let fine = match (element.name.as_str(), name) {
        ("a", "href") => {
            inside(address)
                || address.starts_with('#')
                || address == "/panel"
                || ["https://", "http://", "mailto:"].iter().any(|start| address.starts_with(start))
        }
        _ => inside(address),
    };
    assert!(fine, "{element:?}");
    let lower = address.to_ascii_lowercase();
    assert!(!lower.starts_with("javascript") && !lower.contains("/../"), "{element:?}");
    if address.starts_with("http") {
        assert_eq!(element.get("rel"), Some("noopener noreferrer"), "{element:?}");
    }
}

/// Whether a page is only of what pages are made of, whatever their texts are.
pub(super) fn check(html: &str, what: &str) -> Page {
    let page = Page::parse(html);
    let elements: BTreeSet<&str> = ELEMENTS.into();
    let attributes: BTreeSet<&str> = ATTRIBUTES.into_iter().chain(MORE_ATTRIBUTES).collect();
    let mut ids = BTreeSet::new();
    for element in &page.0 {
        assert!(elements.contains(element.name.as_str()), "{what:?}: {element:?}");
        for (name, value) in &element.attributes {
            assert!(attributes.contains(name.as_str()), "{what:?}: `{name}` of {element:?}");
            if matches!(name.as_str(), "href" | "src" | "action" | "formaction" | "data-lookup") {
                check_address(element, name, value);
            }
        }
        if let Some(id) = element.get("id") {
            assert!(!id.contains(char::is_whitespace), "{what:?}: {element:?}");
            assert!(ids.insert(id.to_owned()), "{what:?}: twice {element:?}");
        }
    }
    let scripts: Vec<&Element> = page.all("script").collect();
    assert_eq!(scripts.len(), 1, "{what:?}");
    assert!(scripts[0].get("src").unwrap().starts_with("/assets/palisade.js?v="));
    assert_eq!(scripts[0].text, "");
    check_references(&page, &ids, what);
    check_labels(&page, what);
    page
}

/// What names another part of the page names one that is there.
fn check_references(page: &Page, ids: &BTreeSet<String>, what: &str) {
    for element in &page.0 {
        for name in ["for", "aria-describedby", "aria-labelledby", "popovertarget", "form"] {
            for id in element.get(name).unwrap_or_default().split_whitespace() {
                assert!(ids.contains(id), "{what:?}: `{name}` of {element:?}");
            }
        }
        if let Some(id) = element.get("href").and_then(|href| href.strip_prefix('#')) {
            assert!(ids.contains(id), "{what:?}: {element:?}");
        }
    }
}

/// What can be entered and pressed has a name.
fn check_labels(page: &Page, what: &str) {
    let labels: BTreeMap<&str, &Element> =
        page.all("label").filter_map(|label| Some((label.get("for")?, label))).collect();
    for element in &page.0 {
        let named = element.get("aria-label").is_some_and(|label| !label.is_empty());
        match element.name.as_str() {
            "input" if element.get("type") == Some("hidden") => {}
            "input" | "select" | "textarea" => {
                let labelled = element.get("id").is_some_and(|id| labels.contains_key(id));
                let within = page.is_in(element, "label");
                assert!(named || labelled || within, "{what:?}: {element:?}");
            }
            "button" | "a" if !element.has("hidden") => {
                assert!(named || !element.text.is_empty(), "{what:?}: {element:?}");
            }
            _ => {}
        }
    }
}
