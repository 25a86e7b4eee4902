//! Who looks at pages, how they are drawn in the reader's language, and what of a page comes back: sessions, words and
//! signatures.

pub mod draw;
pub mod seal;
pub mod session;
pub mod words;
