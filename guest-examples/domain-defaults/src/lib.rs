//! Writes domain names in one form and caps quotas.
//!
//! It alters what the panel is about to do, so that policies and the panel see one spelling of a
//! domain. It cannot refuse anything: a name that is not a domain name stays as it is.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use palisade::core::log::{self, Level};
use palisade::core::{settings, types::Value};
use palisade::events::types::Change;

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

/// Where a domain stands: a site has it in `name`, a subscription in `domain`.
const DOMAINS: [&str; 2] = ["name", "domain"];

/// Where a quota stands: panels with quotas of several kinds have that of the disk in `disk`.
const QUOTAS: [&str; 2] = ["quota", "disk"];

struct DomainDefaults;

impl Guest for DomainDefaults {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let mut changes = Vec::new();
        for field in DOMAINS {
            let Some(Value::Text(domain)) = event.get(field) else { continue };
            match normalise(&domain) {
                Some(normal) if normal != domain => {
                    changes.push(change(field, Value::Text(normal)))
                }
                Some(_) => {}
                None => log::write(Level::Warn, "not a domain name", &[(field.into(), domain)]),
            }
        }
        if let Some(Value::Integer(max)) = settings::get("max-quota") {
            for field in QUOTAS {
                let Some(Value::Integer(quota)) = event.get(field) else { continue };
                if exceeds(quota, max) {
                    changes.push(change(field, Value::Integer(max)));
                }
            }
        }
        if changes.is_empty() { Ok(Outcome::Proceed) } else { Ok(Outcome::Alter(changes)) }
    }
}

export!(DomainDefaults);

fn change(name: &str, value: Value) -> Change {
    Change { name: name.into(), value: Some(value) }
}

/// The domain as the DNS has it: lower case, in ASCII, without a dot at the end. `None` if it cannot
/// be a domain name.
fn normalise(domain: &str) -> Option<String> {
    let domain = domain.trim();
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Allow,
        DnsLength::Verify,
    );
    ascii.ok().map(|ascii| ascii.into_owned())
}

/// Whether a quota is over the limit. A negative one means none, which is over any limit.
fn exceeds(quota: i64, max: i64) -> bool {
    quota < 0 || quota > max
}

#[cfg(test)]
mod tests;
