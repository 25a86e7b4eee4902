//! Everything that is tested through the real binary: one test binary, a module for each subject.

mod examples;
