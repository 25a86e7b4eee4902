//! What happened to mailboxes: counted by a handler, shown by pages.
//!
//! The handler keeps counts in `kv`, and the pages read them: a widget for the panel's home page, a list with search,
//! order and parts, and a page of each mailbox. Whose mailbox it is says its domain, so the pages show those of domains
//! that the person may see, and a button is heeded for those alone.
//!
//! What the pages say is in `assets/messages`, in three languages; the host chooses by who reads.

use exports::palisade::events::handler::{Event, Guest as Handler, Outcome};
use exports::palisade::gui::pages::Guest as Pages;
use palisade::core::types::{Failure, ObjectRef, Value};
use palisade::gui::types::{Argument, Choice, Reply, Request, View};

use counts::{Kind, Mailbox};

mod counts;
mod draw;
mod select;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package palisade:mailbox-insights;
        world mailbox-insights {
            include palisade:extension/event-handler@1.0.0;
            include palisade:extension/gui-pages@1.0.0;
        }
    ",
    world: "palisade:mailbox-insights/mailbox-insights",
    generate_all,
});

struct MailboxInsights;

impl Handler for MailboxInsights {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let text = |name: &str| match event.get(name).or_else(|| event.get_old(name)) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let object = event.object().filter(|object| object.kind == "mailbox");
        let named = text("address").or_else(|| object.map(|object| object.id));
        let address = named.and_then(|named| address(&named, text("domain").as_deref()));
        // A mailbox that cannot be told from others is not counted.
        if let Some(address) = address {
            counts::add(&address, Kind::of(&event.action()), event.time())?;
        }
        Ok(Outcome::Proceed)
    }
}

impl Pages for MailboxInsights {
    fn render(request: &Request) -> Result<View, Failure> {
        let mut sees = select::sight(|domain| sees(request, domain));
        match request.page().as_str() {
            "overview" => {
                let today = counts::today();
                let days = counts::days(today, &mut sees)?;
                let mailboxes = counts::mailboxes(&mut sees)?;
                Ok(View::Dashboard(draw::overview(today, &days, &mailboxes)))
            }
            "mailboxes" => {
                let window = request.window();
                let found = select::part(counts::mailboxes(&mut sees)?, &window);
                Ok(View::Listing(draw::list(&found)))
            }
            "mailbox" => {
                let mailbox = chosen(request)?;
                let today = counts::today();
                let days = counts::days(today, |domain| domain == mailbox.domain())?;
                Ok(View::Layout(draw::mailbox(today, &mailbox, &days)))
            }
            other => Err(Failure::Other(format!("there is no page `{other}`"))),
        }
    }

    fn act(request: &Request, button: String) -> Result<Reply, Failure> {
        if !matches!(button.as_str(), "forget" | "forget-chosen") {
            return Err(Failure::Other(format!("there is no button `{button}`")));
        }
        let rows = request.rows();
        let (mine, others): (Vec<_>, Vec<_>) =
            rows.iter().partition(|address| sees(request, counts::domain(address)));
        if !others.is_empty() {
            return Err(Failure::Other("a mailbox of another was chosen".into()));
        }
        for address in &mine {
            counts::forget(address)?;
        }
        Ok(Reply::Done(match mine.as_slice() {
            [one] => draw::message_with("forgotten", ("address", Argument::Text((*one).clone()))),
            many => {
                let number = Argument::Number(many.len() as f64);
                draw::message_with("many-forgotten", ("number", number))
            }
        }))
    }

    fn lookup(_: &Request, name: String, _: String, _: u32) -> Result<Vec<Choice>, Failure> {
        Err(Failure::Other(format!("there is no lookup `{name}`")))
    }
}

export!(MailboxInsights);

/// The whole address, which some panels give in two parts; `None` if there is no domain.
fn address(named: &str, domain: Option<&str>) -> Option<String> {
    let whole = match (named.contains('@'), domain) {
        (true, _) => named.to_owned(),
        (false, Some(domain)) => format!("{named}@{domain}"),
        (false, None) => return None,
    };
    Some(counts::key(&whole))
}

fn sees(request: &Request, domain: &str) -> bool {
    request.sees(&ObjectRef { kind: "domain".into(), id: domain.into() })
}

/// The mailbox that was chosen in the list.
fn chosen(request: &Request) -> Result<Mailbox, Failure> {
    let rows = request.rows();
    let [address] = rows.as_slice() else {
        return Err(Failure::Other("one mailbox must be chosen".into()));
    };
    let mailbox = counts::mailbox(address)?.filter(|its| sees(request, its.domain()));
    mailbox.ok_or_else(|| Failure::Other("nothing is known of this mailbox".into()))
}

#[cfg(test)]
mod tests;
