//! WHMCS: action hooks in PHP, forwarded by `palisade.php` as `whmcs <point>` with a JSON document.
//!
//! What the file reads on standard output is what its hook returns to the panel, as JSON. What a return value does
//! depends on the family of the point, and the families stand in one table here. Points that are not in it come when
//! all is done.

use std::collections::BTreeMap;

use palisade_hook::write::one_line;
use serde_json::{Value as Json, json};

use super::shim::{self, Document};
use super::{Answer, BridgeError, Printed, Said, Translated, fields};
use crate::hook::catalogue::{Action, When, catalogue};
use crate::hook::{Change, Decision, ObjectRef, Params, Phase, Power, Role, Status, Value};

/// Characters of the note about a refusal that the panel does not explain to anybody.
const NOTE: usize = 200;
/// What is said of a skip on a point where the panel cannot leave its action out.
const TAKEN_OVER: &str =
    "An extension takes this over, but WHMCS cannot leave it out here; so it is refused.";

/// What a point's return value can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// A command of a provisioning module: `abortcmd`, or parameters to use in place of the given ones.
    Module,
    /// A command of a registrar: `abortWithError`, `abortWithSuccess`.
    Registrar,
    /// Input of a person: messages.
    Validation,
    /// The same where only one message is read.
    OneMessage,
    /// Something that can be left out by setting this key, and that takes nothing else.
    Omission(&'static str),
    /// Something that can be left out by setting this key, or else done with other values.
    Override(&'static str),
    /// The price of something, which can be another one.
    Price,
    /// A price search: `noSale` takes the offer back.
    Offer,
    /// The fraud check, which any value skips.
    Fraud,
    /// Variables of a page's template.
    Variables,
    /// A piece of a page, as markup.
    Markup,
    /// Fields of a form: labels with texts.
    Fields,
    /// Before the action, without a say in it.
    Unheard,
}

/// Which points a family has.
enum Points {
    Is(&'static str),
    Begins(&'static str),
    Ends(&'static str),
}

use Points::{Begins, Ends, Is};

/// The points before something is done, the first that fits counts. `palisade.php` has the same points with what
/// denies when there is no host; a test holds the two against one another.
const FAMILIES: [(Points, Family); 31] = [
    (Begins("PreModule"), Family::Module),
    (Begins("PreRegistrar"), Family::Registrar),
    (Is("ClientDetailsValidation"), Family::Validation),
    (Is("ContactDetailsValidation"), Family::Validation),
    (Begins("ShoppingCartValidate"), Family::Validation),
    (Is("CartSubdomainValidation"), Family::Validation),
    (Is("TicketOpenValidation"), Family::OneMessage),
    (Is("EmailPreSend"), Family::Override("abortsend")),
    (Is("EmailPreLog"), Family::Override("abortLogging")),
    (Is("PreInvoiceAutomaticCancellation"), Family::Omission("abortCancel")),
    (Is("TicketPiping"), Family::Omission("skipProcessing")),
    (Is("OrderProductPricingOverride"), Family::Price),
    (Is("OrderDomainPricingOverride"), Family::Price),
    (Is("OrderAddonPricingOverride"), Family::Price),
    (Is("OrderProductUpgradeOverride"), Family::Price),
    (Is("PreUpgradeCheckout"), Family::Price),
    (Is("PremiumPriceOverride"), Family::Offer),
    (Is("RunFraudCheck"), Family::Fraud),
    (Is("AdminAreaPage"), Family::Variables),
    (Begins("ClientAreaPage"), Family::Variables),
    (Ends("Output"), Family::Markup),
    (Ends("TabFields"), Family::Fields),
    (Ends("Navbar"), Family::Unheard),
    (Ends("Navbars"), Family::Unheard),
    (Ends("Sidebar"), Family::Unheard),
    (Is("AuthAdmin"), Family::Unheard),
    (Is("AuthAdminApi"), Family::Unheard),
    (Is("AcceptOrder"), Family::Unheard),
    (Is("DomainValidation"), Family::Unheard),
    (Is("NotificationPreSend"), Family::Unheard),
    (Begins("Pre"), Family::Unheard),
];

/// The keys that identify an object of a kind, the first one that is there counts.
const IDENTIFIERS: [(&str, &[&str]); 11] = [
    ("customer", &["client_id", "userid", "clientId"]),
    ("contact", &["contactid", "contactId"]),
    ("user", &["user_id", "userid", "userId"]),
    ("subscription", &["serviceid", "serviceId"]),
    ("plan", &["pid"]),
    ("order", &["orderid", "orderId", "OrderID"]),
    ("invoice", &["invoiceid", "invoiceId"]),
    ("quote", &["quoteid"]),
    ("ticket", &["ticketid", "ticketId"]),
    ("domain", &["domainid"]),
    ("server", &["serverid"]),
];

/// When the panel calls this point.
pub(super) fn phase(point: &str) -> Phase {
    match family(point) {
        Some(_) => Phase::Before,
        None => Phase::After,
    }
}

/// Translates one call.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let point = point(said)?;
    let document = Document::read(said)?;
    let (vars, old) = flat(&document);
    let action = action(&point, &document, &vars);
    let dialect = said.call.dialect;
    let name = fields::action_name(dialect, action, &point)?;
    let mut params = fields::named_values(dialect, action, shim::sent(dialect.name(), &vars));
    join(action, &vars, &mut params);
    let is_failed = document.phase == Phase::After
        && (point.ends_with("Failed")
            || vars.get("functionSuccessful") == Some(&Value::Boolean(false)));
    Ok(Translated {
        actor: document.actor(),
        object: object(&name, &vars),
        params,
        old: fields::named_values(dialect, action, shim::sent(dialect.name(), &old)),
        attributes: document.attributes(dialect.name(), &name, &vars),
        status: if is_failed { Status::Failed } else { Status::Succeeded },
        ..Translated::new(document.phase, name, &point)
    })
}

/// Returns what the hook returns, as JSON.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let read = point(said).and_then(|point| Ok((point, Document::read(said)?)));
    let Ok((point, document)) = read else { return shim::nothing() };
    let family = family(&point).filter(|_| document.phase == Phase::Before);
    let Some(family) = family else { return shim::nothing() };
    let skips = answers.iter().any(|answer| answer.decision == Decision::Skip);
    let mut refusals = shim::refusals(answers);
    if refusals.is_empty() && skips && !powers_of(family).contains(&Power::Skip) {
        refusals.push(TAKEN_OVER.to_owned());
    }
    let refused = !refusals.is_empty();
    let key = |key: &str| shim::returned(&json!({ key: true }));
    match family {
        // What the panel tells nobody goes to its log.
        Family::Module if refused => key("abortcmd").with_note(note(&point, &refusals)),
        Family::Registrar if refused => {
            shim::returned(&json!({ "abortWithError": refusals.join("; ") }))
        }
        Family::Registrar if skips => key("abortWithSuccess"),
        Family::Validation if refused => shim::returned(&json!(refusals)),
        Family::OneMessage if refused => shim::returned(&json!(refusals.join("; "))),
        Family::Omission(name) | Family::Override(name) if refused || skips => {
            key(name).with_note(note(&point, &refusals))
        }
        Family::Offer if refused => key("noSale"),
        Family::Fraud if skips => shim::returned(&Json::Bool(true)),
        Family::Module | Family::Override(_) | Family::Price | Family::Offer => {
            let (vars, _) = flat(&document);
            members(changed(action(&point, &document, &vars), &vars, answers))
        }
        Family::Variables | Family::Fields => {
            let (vars, _) = flat(&document);
            let changed = changed(action(&point, &document, &vars), &vars, answers);
            members(changed.into_iter().map(|(name, json)| (name, shim::escaped(json))).collect())
        }
        Family::Markup => markup(answers),
        Family::Registrar
        | Family::Validation
        | Family::OneMessage
        | Family::Omission(_)
        | Family::Fraud
        | Family::Unheard => shim::nothing(),
    }
}

/// Returns the powers that the panel heeds on this point.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    let is_before = Document::read(said).is_ok_and(|document| document.phase == Phase::Before);
    let family = point(said).ok().and_then(|point| family(&point)).filter(|_| is_before);
    family.map_or(&[], powers_of)
}

fn powers_of(family: Family) -> &'static [Power] {
    match family {
        Family::Module | Family::Offer => &[Power::Alter, Power::Deny],
        Family::Registrar | Family::Omission(_) => &[Power::Skip, Power::Deny],
        Family::Override(_) => &[Power::Alter, Power::Skip, Power::Deny],
        Family::Validation | Family::OneMessage => &[Power::Deny],
        Family::Fraud => &[Power::Skip],
        Family::Price | Family::Variables | Family::Markup | Family::Fields => &[Power::Alter],
        Family::Unheard => &[],
    }
}

fn family(point: &str) -> Option<Family> {
    let fits = |points: &Points| match points {
        Is(name) => point == *name,
        Begins(start) => point.starts_with(start),
        Ends(end) => point.ends_with(end),
    };
    FAMILIES.iter().find(|(points, _)| fits(points)).map(|(_, family)| *family)
}

fn point(said: &Said<'_>) -> Result<String, BridgeError> {
    if let Some(word) = said.argument(1) {
        return Err(BridgeError::UnknownArgument(word.into_owned()));
    }
    let point = said.argument(0).ok_or(BridgeError::MissingArgument("<point>"))?;
    Ok(point.into_owned())
}

/// The action that the point is about. One point checks the data of a new client and of one that exists.
fn action(point: &str, document: &Document, vars: &Params) -> Option<&'static Action> {
    let exists = vars.contains_key("userid")
        || document.actor().is_some_and(|actor| actor.role == Some(Role::Customer));
    let when = match point {
        "ClientDetailsValidation" if exists => Some(When::Change),
        "ContactDetailsValidation" if vars.contains_key("contactid") => Some(When::Change),
        "ClientDetailsValidation" | "ContactDetailsValidation" => Some(When::Create),
        _ => None,
    };
    catalogue().by_native("whmcs", point, when)
}

/// What the panel hands over without the level that modules have in between, and what an object had before.
fn flat(document: &Document) -> (Params, Params) {
    let (mut vars, mut old) = (Params::new(), document.old.clone());
    for (name, value) in &document.vars {
        match (name.as_str(), value) {
            ("params", Value::Json(Json::Object(params))) => {
                // As if they had stood outside: `{"$secret": ..}` and `{"$bytes": ..}` are marks there.
                vars.extend(params.iter().filter_map(|(name, json)| marked(name, json)));
            }
            ("olddata", Value::Json(Json::Object(values))) => {
                old.extend(values.iter().filter_map(|(name, json)| marked(name, json)));
            }
            _ => {
                vars.insert(name.clone(), value.clone());
            }
        }
    }
    (vars, old)
}

fn marked(name: &str, json: &Json) -> Option<(String, Value)> {
    let value = serde_json::from_value(json.clone()).ok()?;
    Some((name.to_owned(), value))
}

/// Puts together what the panel splits: a person's name, and a domain.
fn join(action: Option<&Action>, vars: &Params, params: &mut Params) {
    let text = |key: &str| match vars.get(key) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let field = |key: &str| action.and_then(|action| action.native_field("whmcs", key));
    if let (Some(first), Some(last)) = (text("firstname"), text("lastname"))
        && let Some(field) = field("firstname")
    {
        let name = format!("{first} {last}").trim().to_owned();
        params.insert(field.short().to_owned(), Value::Text(name));
        params.insert("firstname".to_owned(), Value::Text(first.to_owned()));
        params.insert("lastname".to_owned(), Value::Text(last.to_owned()));
    }
    if let (None, Some(sld), Some(tld)) = (text("domain"), text("sld"), text("tld"))
        && let Some(field) = field("domain")
    {
        let domain = format!("{sld}.{}", tld.trim_start_matches('.'));
        params.insert(field.short().to_owned(), Value::Text(domain));
    }
}

fn object(action: &str, vars: &Params) -> Option<ObjectRef> {
    let kind = fields::object_kind(action);
    let first = kind.split('.').next().unwrap_or(kind);
    let (_, keys) = IDENTIFIERS.iter().find(|(known, _)| *known == first)?;
    let id = keys.iter().find_map(|key| match vars.get(*key)? {
        Value::Integer(id) if *id > 0 => Some(id.to_string()),
        Value::Text(id) if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(id.clone())
        }
        _ => None,
    })?;
    Some(ObjectRef { kind: kind.to_owned(), id })
}

/// What handlers changed, by the panel's keys. What was taken out is null.
fn changed(
    action: Option<&Action>,
    vars: &Params,
    answers: &[Answer],
) -> BTreeMap<String, serde_json::Value> {
    let changes = answers.iter().flat_map(|answer| &answer.changes);
    let json = |change: &Change| match &change.value {
        Some(value) => shim::php(value),
        None => Some(Json::Null),
    };
    let key = |name| shim::native_key("whmcs", action, name, vars).to_owned();
    changes.filter_map(|change| Some((key(&change.name), json(change)?))).collect()
}

fn members(members: BTreeMap<String, Json>) -> Printed {
    match members.is_empty() {
        true => shim::nothing(),
        false => shim::object(members),
    }
}

/// The piece of a page that handlers add. It goes out as it is: whoever may alter `html` may write markup.
fn markup(answers: &[Answer]) -> Printed {
    let changes = answers.iter().flat_map(|answer| &answer.changes);
    let html = changes.filter(|change| change.name == "html").filter_map(|change| {
        match change.value.as_ref()? {
            Value::Text(html) if !html.is_empty() => Some(html.as_str()),
            _ => None,
        }
    });
    let html: String = html.collect();
    match html.is_empty() {
        true => shim::nothing(),
        false => shim::returned(&Json::String(html)),
    }
}

fn note(point: &str, refusals: &[String]) -> String {
    match refusals.is_empty() {
        true => String::new(),
        false => one_line(&format!("{point} is refused: {}", refusals.join("; ")), NOTE),
    }
}

#[cfg(test)]
mod tests;
