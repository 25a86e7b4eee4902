//! The provider programs of Bitrix environments: `palisade-hook bitrix <provider> help|configs|order <id>|order_status
//! <task>`.
//!
//! The panel starts the program through a shell, reads one JSON document and looks at neither the exit status nor
//! standard error. A key `error` is an error whatever its value, and an empty answer is one too. What it hands on
//! through shells is checked in both directions. Nothing here is about hooks: a provider is asked, not told.

use serde_json::{Value as Json, json};

use super::{BridgeError, PanelCall, Printed, Said};
use crate::hook::Value;
use crate::order::{Completed, Offer, Order, OrderState, Readiness, Stock, check_id};
use crate::suggest::shown;

/// What this program can be asked for.
const VERBS: [&str; 4] = ["help", "configs", "order", "order_status"];
/// The field and the secret of a finished order that the panel reads.
const SERVER: &str = "server";
const PASSWORD: &str = "password";
/// Bytes of the address or the name of a server.
const MAX_SERVER_BYTES: usize = 255;

/// What a panel asks of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderCall {
    /// The extension.
    pub provider: String,
    /// What of it.
    pub verb: ProviderVerb,
}

/// What a provider is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderVerb {
    /// What it can do.
    Help,
    /// What is on offer.
    Configs,
    /// To order this.
    Order(String),
    /// How far this order is.
    OrderStatus(String),
}

/// What a provider's answer says.
#[derive(Debug, Clone, PartialEq)]
pub enum Provided {
    /// Whether orders are taken.
    Ready(Readiness),
    /// What is on offer.
    Offers(Vec<Offer>),
    /// What was ordered.
    Ordered(Order),
    /// How far an order is.
    Status(Order),
}

/// Reads what a call asks for.
pub(super) fn read(said: &Said<'_>) -> Result<ProviderCall, BridgeError> {
    let argument = |place, name| said.argument(place).ok_or(BridgeError::MissingArgument(name));
    let provider = argument(0, "<provider>")?.into_owned();
    let verb = argument(1, "<verb>")?;
    let id = |name| {
        let id = argument(2, name)?.into_owned();
        check_id(&id).map(|()| id).map_err(BridgeError::Id)
    };
    let verb = match &*verb {
        "help" => ProviderVerb::Help,
        "configs" => ProviderVerb::Configs,
        "order" => ProviderVerb::Order(id("<id>")?),
        "order_status" => ProviderVerb::OrderStatus(id("<task>")?),
        other => {
            return Err(BridgeError::UnknownArgument(shown(other)));
        }
    };
    Ok(ProviderCall { provider, verb })
}

/// What the panel reads of an answer.
pub fn provided(provided: &Provided) -> Printed {
    match provided {
        Provided::Ready(readiness) => {
            let status = match readiness {
                Readiness::Enabled => "enabled",
                Readiness::Disabled => "disabled",
            };
            print(&json!({ "options": VERBS, "status": status }))
        }
        Provided::Offers(offers) => {
            let available = offers.iter().filter(|offer| offer.stock == Stock::Available);
            let configurations: Vec<Json> =
                available.map(|offer| json!({ "id": offer.id, "descr": offer.title })).collect();
            print(&json!({ "configurations": configurations, "status": "enabled" }))
        }
        Provided::Ordered(order) => print(&json!({ "task_id": &*order.task })),
        Provided::Status(order) => status(order).unwrap_or_else(|reason| failed(&reason)),
    }
}

/// What the panel reads when there is no answer.
pub fn failed(message: &str) -> Printed {
    let message = if message.is_empty() { "it does not say why" } else { message };
    print(&json!({ "error": 1, "error_message": message }))
}

/// What it reads of a call that is none.
pub(super) fn refused(call: &PanelCall, error: &BridgeError) -> Printed {
    let note = format!("this is no call of the dialect `{}`: {error}", call.dialect);
    failed(&error.to_string()).with_note(note)
}

fn status(order: &Order) -> Result<Printed, String> {
    let task = &*order.task;
    Ok(print(&match &order.state {
        OrderState::Starting | OrderState::Pending(_) => {
            json!({ "task_id": task, "status": "in_progress" })
        }
        OrderState::Refused(_) | OrderState::Failed(_) => {
            json!({ "task_id": task, "status": "error" })
        }
        OrderState::Done(completed) => {
            let mut finished =
                json!({ "task_id": task, "status": "finished", "server": server(completed)? });
            if let (Some(password), Some(members)) =
                (password(completed)?, finished.as_object_mut())
            {
                members.insert("server_password".to_owned(), password.into());
            }
            finished
        }
    }))
}

/// The address or the name of a server.
fn server(completed: &Completed) -> Result<&str, String> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':');
    match completed.0.get(SERVER) {
        Some(Value::Text(server))
            if !server.is_empty()
                && server.len() <= MAX_SERVER_BYTES
                && !server.starts_with('-')
                && server.bytes().all(letter) =>
        {
            Ok(server)
        }
        _ => Err("the provider names the server by what is neither an address nor a name".into()),
    }
}

/// The first password of a server, for the panel alone.
fn password(completed: &Completed) -> Result<Option<&str>, String> {
    let secret = match completed.0.get(PASSWORD) {
        Some(Value::Secret(secret)) => secret.expose(),
        _ => return Ok(None),
    };
    match secret {
        Value::Text(password) if !password.chars().any(char::is_control) => Ok(Some(password)),
        _ => Err("the provider's password for the server is not one line of text".into()),
    }
}

fn print(document: &Json) -> Printed {
    Printed::text(format!("{document}\n"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::call;
    use super::*;
    use crate::bridge::{Asked, Dialect, unreadable};
    use crate::order::{Pending, Token};

    fn asked(arguments: &[&str]) -> Result<ProviderCall, String> {
        match crate::bridge::read(&call(Dialect::Bitrix, arguments, &[], "")) {
            Ok(Asked::Provider(call)) => Ok(call),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn order(state: OrderState) -> Order {
        Order {
            task: "24".into(),
            extension: "mock-cloud".into(),
            installation: 1,
            offer: "7".into(),
            created_ms: 0,
            changed_ms: 0,
            attempts: 1,
            state,
        }
    }

    fn done(server: &str, password: Option<&str>) -> OrderState {
        let text = |text: &str| Value::Text(text.to_owned());
        let password = password.map(|password| ("password".to_owned(), text(password).sealed()));
        let fields = std::iter::once(("server".to_owned(), text(server))).chain(password);
        OrderState::Done(Completed(fields.collect()))
    }

    fn text(provided: &Provided) -> String {
        let printed = super::provided(provided);
        assert_eq!((printed.status, printed.note.as_str()), (0, ""));
        printed.stdout.text().into_owned()
    }

    fn of(state: OrderState) -> String {
        text(&Provided::Status(order(state)))
    }

    fn pending() -> OrderState {
        let retry_after = Duration::from_secs(5);
        let token = Token("canary".into());
        OrderState::Pending(Pending { token, retry_after, percent: Some(50), status: None })
    }

    #[test]
    fn v12_the_four_commands_are_read() {
        let read = |words: &[&str]| {
            let call = asked(&[&["mock-cloud"], words].concat()).unwrap();
            assert_eq!(call.provider, "mock-cloud");
            call.verb
        };
        assert_eq!(read(&["help"]), ProviderVerb::Help);
        assert_eq!(read(&["configs"]), ProviderVerb::Configs);
        assert_eq!(read(&["order", "7"]), ProviderVerb::Order("7".into()));
        assert_eq!(read(&["order_status", "24"]), ProviderVerb::OrderStatus("24".into()));
    }

    #[test]
    fn v12_every_answer_is_the_panels_to_the_byte() {
        assert_eq!(
            text(&Provided::Ready(Readiness::Enabled)),
            "{\"options\":[\"help\",\"configs\",\"order\",\"order_status\"],\"status\":\"enabled\"}\n"
        );
        let offer = |id: &str, stock| Offer { id: id.into(), title: "2 GiB \"S\"".into(), stock };
        let offers = vec![offer("7", Stock::Available), offer("8", Stock::SoldOut)];
        assert_eq!(
            text(&Provided::Offers(offers)),
            "{\"configurations\":[{\"id\":\"7\",\"descr\":\"2 GiB \\\"S\\\"\"}],\"status\":\"enabled\"}\n"
        );
        assert_eq!(text(&Provided::Ordered(order(pending()))), "{\"task_id\":\"24\"}\n");
        assert_eq!(of(pending()), "{\"task_id\":\"24\",\"status\":\"in_progress\"}\n");
        assert_eq!(of(OrderState::Starting), "{\"task_id\":\"24\",\"status\":\"in_progress\"}\n");
        assert_eq!(
            of(done("192.0.2.7", Some("canary\"1"))),
            "{\"task_id\":\"24\",\"status\":\"finished\",\"server\":\"192.0.2.7\",\"server_password\":\"canary\\\"1\"}\n"
        );
        assert_eq!(
            of(done("web1.example", None)),
            "{\"task_id\":\"24\",\"status\":\"finished\",\"server\":\"web1.example\"}\n"
        );
        for state in [OrderState::Refused("no".into()), OrderState::Failed("no".into())] {
            assert_eq!(of(state), "{\"task_id\":\"24\",\"status\":\"error\"}\n");
        }
    }

    #[test]
    fn v12_an_error_is_one_and_nothing_else_has_its_key() {
        assert_eq!(
            failed("no capacity").stdout.text(),
            "{\"error\":1,\"error_message\":\"no capacity\"}\n"
        );
        assert_eq!(
            failed("").stdout.text(),
            "{\"error\":1,\"error_message\":\"it does not say why\"}\n"
        );
        let answers = [
            Provided::Ready(Readiness::Disabled),
            Provided::Offers(Vec::new()),
            Provided::Ordered(order(pending())),
            Provided::Status(order(OrderState::Failed("x".into()))),
        ];
        for answer in &answers {
            let json: Json = serde_json::from_str(&text(answer)).unwrap();
            assert!(json.get("error").is_none(), "{json}");
        }
    }

    #[test]
    fn what_a_shell_would_read_is_not_an_identifier() {
        for id in ["7;id", "$(id)", "a b", "`id`", "../7", "é", "7\n", &"7".repeat(65)] {
            for verb in ["order", "order_status"] {
                let error = asked(&["mock-cloud", verb, id]).unwrap_err();
                assert!(
                    error.starts_with("an identifier is 1 to 64 of A-Z a-z 0-9 _ . -"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_server_that_a_shell_would_read_is_an_error() {
        for server in ["", "a b", "$(id)", "-oProxyCommand=id", "a;b", &"a".repeat(256)] {
            let printed = of(done(server, None));
            assert!(printed.starts_with("{\"error\":1,"), "{printed}");
        }
        assert!(of(done("2001:db8::1", None)).contains("2001:db8::1"));
        let printed = of(done("192.0.2.1", Some("canary\ntwo")));
        assert!(printed.starts_with("{\"error\":1,") && !printed.contains("canary"), "{printed}");
    }

    #[test]
    fn a_call_that_is_none_is_answered_as_an_error() {
        for (arguments, message) in [
            (&[] as &[&str], "the call has no argument `<provider>`"),
            (&["mock-cloud"], "the call has no argument `<verb>`"),
            (&["mock-cloud", "order"], "the call has no argument `<id>`"),
            (&["mock-cloud", "order_status", ""], "the call has no argument `<task>`"),
            (
                &["mock-cloud", "drop"],
                "the call has an argument that the dialect does not know: `drop`",
            ),
        ] {
            let call = call(Dialect::Bitrix, arguments, &[], "");
            let error = crate::bridge::read(&call).unwrap_err();
            let printed = unreadable(&call, &error).unwrap();
            assert_eq!(printed, failed(message).with_note(printed.note.clone()));
            assert_eq!(printed.status, 0);
        }
    }

    #[test]
    fn a_password_is_not_printed_for_debugging() {
        let provided = Provided::Status(order(done("192.0.2.7", Some("canary"))));
        let shown = format!("{provided:?} {:?}", super::provided(&provided));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
