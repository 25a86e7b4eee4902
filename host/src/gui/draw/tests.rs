//! Pages as a browser reads them: drawn, and parsed again by the rules of HTML.

mod dom;
mod hostile;
mod pages;
mod palette;
mod structure;
