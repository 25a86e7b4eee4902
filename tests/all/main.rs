//! Everything that is tested through the real binary: one test binary, a module for each subject.

mod cache;
mod compile;
mod crash;
mod examples;
mod guests;
mod kv;
mod loops;
mod powercut;
mod sandbox;
mod store;
