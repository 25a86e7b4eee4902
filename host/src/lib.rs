//! Palisade runs the extensions of a hosting panel as WebAssembly components, in sandboxes, at the hooks before and
//! after each action of the panel.
//!
//! A hook call takes one straight line: [`server`] decodes it, [`dispatch`] selects the handlers and folds their
//! outcomes into a verdict, [`sandbox`] runs one call of one handler, [`capability`] is what a guest can call back.
//! Below them are what is installed ([`registry`]), what happened ([`journal`]), an extension as a file
//! ([`package`]), durable state ([`storage`]) and the vocabulary ([`hook`]). A module uses only those below it.

pub mod bindings;
pub mod bridge;
pub mod capability;
pub mod cli;
pub mod command;
pub mod condition;
pub mod conduct;
pub mod config;
pub mod dispatch;
pub mod extension;
pub mod grant;
pub mod gui;
pub mod history;
pub mod hook;
pub mod host;
pub mod journal;
pub mod limits;
pub mod locale;
pub mod messages;
pub mod order;
pub mod orders;
pub mod outbound;
pub mod overlay;
pub mod package;
pub mod person;
pub mod place;
pub mod registry;
pub mod sandbox;
pub mod seal;
pub mod server;
pub mod storage;
mod suggest;
mod token;
pub mod view;
