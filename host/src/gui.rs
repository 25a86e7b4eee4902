//! Who looks at pages, and what of a page comes back: sessions and signatures.

pub mod seal;
pub mod session;
