//! `palisade console`: an address that opens the operator's console, once and within a minute.

use hyper::Method;

use super::client::Content;
use super::output::{self, Failure, Format, text};
use super::{Context, block_on};

/// Prints an address of the console.
pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let ticket = block_on(client.request(Method::POST, "/v1/console/tickets", Content::None))?;
    match context.format {
        Format::Json => output::print_json(&ticket),
        Format::Text => output::print(text(&ticket, "url")),
    }
}
