//! Everything that is tested through the real binary: one test binary, a module for each subject.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails a test"
)]

mod auth;
mod bad_input;
mod bridge;
mod browser;
mod cache;
mod canary;
mod cli;
mod commands;
mod compile;
mod conduct;
mod connections;
mod console;
mod crash;
mod examples;
mod grants;
mod guests;
mod gui;
mod hooks;
mod hostile;
mod hostile_pages;
mod http;
mod insights;
mod journal;
mod kv;
mod languages;
mod loops;
mod openapi;
mod packages;
mod pages;
mod panel_api;
mod powercut;
mod promises;
mod provider;
mod random;
mod sandbox;
mod settings;
mod shims;
mod store;
mod wire;
