//! Pages on their way to a browser: drawn as HTML, from the same data that a panel gets as JSON.
//!
//! Everything here is escaped by construction: nothing that an extension says becomes markup, script or style.

pub mod draw;
pub mod seal;
pub mod session;
pub mod words;
