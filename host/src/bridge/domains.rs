//! Domain names: fields hold them as A-labels, and what people read stands beside them.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::Translated;
use crate::hook::catalogue::catalogue;
use crate::hook::{Params, Value};

/// What the attribute begins with that holds a field's domain names in U-labels.
const UNICODE: &str = "unicode.";
/// Bytes of a text that can be a domain name, of which the A-labels have at most 254.
const MAX_BYTES: usize = 1 << 10;
/// Bytes of an attribute. A list that is longer has none.
const MAX_ATTRIBUTE: usize = 4 << 10;

/// Writes the domain names of a call as A-labels, and adds an attribute `unicode.<field>`, or `unicode.old.<field>`,
/// where people read another name. What is no domain name stays as it came.
pub(super) fn label(hook_call: &mut Translated) {
    let action = hook_call.action.as_str();
    let params = labelled(action, UNICODE, &mut hook_call.params);
    let old = labelled(action, &format!("{UNICODE}old."), &mut hook_call.old);
    for (name, unicode) in params.into_iter().chain(old) {
        hook_call.attributes.entry(name).or_insert(unicode);
    }
}

/// Writes domain names as A-labels and returns the attributes.
fn labelled(action: &str, prefix: &str, params: &mut Params) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    for (short, value) in params {
        if !catalogue().field(action, short).is_some_and(|field| field.domain) {
            continue;
        }
        let unicode = match value {
            Value::Text(text) => to_labels(text).into_iter().collect::<Vec<_>>(),
            Value::Texts(texts) => {
                let unicode: Vec<Option<String>> = texts.iter_mut().map(to_labels).collect();
                // All names, so that nobody has to guess which one is which.
                match unicode.iter().any(Option::is_some) {
                    true => {
                        let names = unicode.into_iter().zip(texts);
                        names.map(|(unicode, text)| unicode.unwrap_or(text.clone())).collect()
                    }
                    false => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        let unicode = unicode.join(" ");
        if !unicode.is_empty() && unicode.len() <= MAX_ATTRIBUTE {
            attributes.push((format!("{prefix}{short}"), unicode));
        }
    }
    attributes
}

/// Writes a domain name, or that of an address, as A-labels, and returns it in U-labels if that is another text.
fn to_labels(name: &mut String) -> Option<String> {
    let (local, domain) = match name.rfind('@').and_then(|at| name.split_at_checked(at + 1)) {
        Some((local, domain)) => (local, domain),
        None => ("", name.as_str()),
    };
    let (ascii, unicode) = labels(domain)?;
    let unicode = (unicode != ascii).then(|| format!("{local}{unicode}"));
    *name = format!("{local}{ascii}");
    unicode
}

/// The A-labels and the U-labels of a domain name.
fn labels(name: &str) -> Option<(String, String)> {
    if name.is_empty() || name.len() > MAX_BYTES {
        return None;
    }
    let (rules, deny) = (Uts46::new(), AsciiDenyList::URL);
    let ascii = rules
        .to_ascii(name.as_bytes(), deny, Hyphens::Allow, DnsLength::VerifyAllowRootDot)
        .ok()?
        .into_owned();
    let (unicode, valid) = rules.to_unicode(ascii.as_bytes(), deny, Hyphens::Allow);
    let unicode = unicode.into_owned();
    valid.ok().map(|()| (ascii, unicode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::Phase;

    fn labelled(action: &str, sent: &[(&str, Value)]) -> (String, Vec<String>) {
        let mut call = Translated::new(Phase::Before, action.to_owned(), "");
        call.params.extend(sent.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        label(&mut call);
        let attributes = call.attributes.iter().map(|(name, value)| format!("{name}={value}"));
        (serde_json::to_string(&call.params).unwrap(), attributes.collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_name_in_unicode_becomes_a_labels_and_is_kept() {
        let (params, attributes) = labelled("site.create", &[("name", text("Bücher.example"))]);
        assert_eq!(params, r#"{"name":"xn--bcher-kva.example"}"#);
        assert_eq!(attributes, ["unicode.name=bücher.example"]);
    }

    #[test]
    fn a_name_in_a_labels_is_said_in_unicode_too() {
        let (params, attributes) =
            labelled("mailbox.create", &[("domain", text("xn--e1afmkfd.xn--p1ai"))]);
        assert_eq!(params, r#"{"domain":"xn--e1afmkfd.xn--p1ai"}"#);
        assert_eq!(attributes, ["unicode.domain=пример.рф"]);
    }

    #[test]
    fn a_name_without_other_letters_has_no_second_form() {
        for (name, same) in [
            ("example.com", "example.com"),
            ("Example.COM.", "example.com."),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("*.example.com", "*.example.com"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            let (params, attributes) = labelled("site.create", &[("name", text(name))]);
            assert_eq!(params, format!(r#"{{"name":"{same}"}}"#));
            assert!(attributes.is_empty(), "{attributes:?}");
        }
    }

    #[test]
    fn what_is_no_domain_name_stays_as_it_came() {
        let long = "ü".repeat(600);
        let label = "a".repeat(64);
        for name in ["", "Ä b", "a..B", "xn--\u{0}", "xn--zzzzzz-Ü", "http://Ü/", &long, &label]
        {
            let (params, attributes) = labelled("site.create", &[("name", text(name))]);
            assert_eq!(params, serde_json::json!({ "name": name }).to_string());
            assert!(attributes.is_empty(), "{name}");
        }
    }

    #[test]
    fn each_name_of_a_list_is_written_as_a_labels() {
        let names = ["www.example.com", "例え.example", "not one"].map(str::to_owned).to_vec();
        let (params, attributes) = labelled("site.create", &[("aliases", Value::Texts(names))]);
        assert_eq!(params, r#"{"aliases":["www.example.com","xn--r8jz45g.example","not one"]}"#);
        assert_eq!(attributes, ["unicode.aliases=www.example.com 例え.example not one"]);
    }

    #[test]
    fn a_list_too_long_for_an_attribute_has_none() {
        let names = vec!["例え.example".to_owned(); 400];
        let (params, attributes) = labelled("site.create", &[("aliases", Value::Texts(names))]);
        assert!(!params.contains('例') && attributes.is_empty());
    }

    #[test]
    fn an_address_keeps_what_stands_before_its_domain() {
        let (params, attributes) =
            labelled("mailbox.create", &[("address", text("Jörg@Bücher.example"))]);
        assert_eq!(params, r#"{"address":"Jörg@xn--bcher-kva.example"}"#);
        assert_eq!(attributes, ["unicode.address=Jörg@bücher.example"]);
    }

    #[test]
    fn other_fields_are_left_alone() {
        let (params, attributes) =
            labelled("site.create", &[("docroot", text("/Bücher")), ("x", text("Ü.example"))]);
        assert_eq!(params, r#"{"docroot":"/Bücher","x":"Ü.example"}"#);
        assert!(attributes.is_empty());
    }

    #[test]
    fn old_names_have_attributes_of_their_own() {
        let mut call = Translated::new(Phase::After, "site.update".to_owned(), "");
        call.old.insert("name".to_owned(), text("bücher.example"));
        label(&mut call);
        assert_eq!(call.old.get("name"), Some(&text("xn--bcher-kva.example")));
        assert_eq!(
            call.attributes.get("unicode.old.name").map(String::as_str),
            Some("bücher.example")
        );
    }
}
