//! `palisade orders`: what panels ordered of extensions, and what came of it.

use clap::Args;
use hyper::Method;
use serde_json::Value;

use super::client::{Content, segment};
use super::output::{self, Failure, Format, items, number, text};
use super::{Context, block_on};

/// Shows orders.
#[derive(Args)]
pub struct Show {
    /// Only orders of this extension
    extension: Option<String>,
    /// Only orders that are not finished
    #[arg(long)]
    open: bool,
    /// At most so many, newest first
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let extension = self
            .extension
            .as_deref()
            .map_or(String::new(), |extension| format!("&extension={}", segment(extension)));
        let path = format!("/v1/orders?open={}&limit={}{extension}", self.open, self.limit);
        let found = block_on(context.client()?.request(Method::GET, &path, Content::None))?;
        if context.format == Format::Json {
            return output::print_json(&found);
        }
        let mut table = output::table(&["extension", "task", "offer", "state", "since", "detail"]);
        for order in items(&found, "orders") {
            table.add_row([
                text(order, "extension").to_owned(),
                text(order, "task").to_owned(),
                text(order, "offer").to_owned(),
                state(order),
                output::time(number(order, "changed_ms")),
                detail(order),
            ]);
        }
        match table.is_empty() {
            true => output::print("there is no such order"),
            false => output::print_table(&table),
        }
    }
}

fn state(order: &Value) -> String {
    let state = text(order, "state");
    match order.get("percent").and_then(Value::as_u64) {
        Some(percent) => format!("{state}, {percent} %"),
        None => state.to_owned(),
    }
}

/// What is being done, what was left behind, or what went wrong.
fn detail(order: &Value) -> String {
    let shown = order.get("shown").and_then(Value::as_object).into_iter().flatten();
    let shown = shown.map(|(name, value)| format!("{name} = {}", output::value(value)));
    let detail = Some(text(order, "detail").to_owned()).filter(|detail| !detail.is_empty());
    detail.into_iter().chain(shown).collect::<Vec<_>>().join(", ")
}
