//! Pages as a browser reads them: drawn, and parsed again by the rules of HTML.

mod allowed;
mod dom;
mod hostile;
mod lists;
mod pages;
mod palette;
mod structure;
