//! A page as a browser reads it: its elements in their order.

use std::collections::BTreeMap;

use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// An element.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    /// Where the element around it is in the list.
    pub parent: Option<usize>,
    /// All text inside.
    pub text: String,
}

/// The elements of a page.
#[derive(Debug)]
pub struct Page(pub Vec<Element>);

impl Page {
    pub fn parse(html: &str) -> Self {
        let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(html);
        let mut page = Self(Vec::new());
        page.take(&dom.document, None);
        page
    }

    fn take(&mut self, node: &Handle, parent: Option<usize>) {
        let mut here = parent;
        match &node.data {
            NodeData::Element { name, attrs, .. } => {
                let attributes = attrs
                    .borrow()
                    .iter()
                    .map(|its| (its.name.local.to_string(), its.value.to_string()))
                    .collect();
                let name = name.local.to_string();
                self.0.push(Element { name, attributes, parent, text: String::new() });
                here = Some(self.0.len() - 1);
            }
            NodeData::Text { contents } => {
                let mut around = parent;
                while let Some(index) = around {
                    self.0[index].text.push_str(&contents.borrow());
                    around = self.0[index].parent;
                }
            }
            NodeData::Comment { contents } => panic!("a comment: {contents}"),
            _ => {}
        }
        for child in node.children.borrow().iter() {
            self.take(child, here);
        }
    }

    /// The elements of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.0.iter().filter(move |element| element.name == name)
    }

    /// The first element with an attribute of a value.
    pub fn with(&self, attribute: &str, value: &str) -> Option<&Element> {
        self.0.iter().find(|element| element.get(attribute) == Some(value))
    }

    /// Whether an element stands in one of a name.
    pub fn is_in(&self, element: &Element, name: &str) -> bool {
        let mut around = element.parent;
        while let Some(index) = around {
            if self.0[index].name == name {
                return true;
            }
            around = self.0[index].parent;
        }
        false
    }
}

impl Element {
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }
}
