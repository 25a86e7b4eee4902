//! What the bridge and the host must agree on: a panel's call of a script, as it goes over the wire.
//!
//! A panel that knows nothing of Palisade starts `palisade-hook` as it would start any script of an administrator.
//! The program gathers what it was given into a [`PanelCall`], has the host answer it, and prints the
//! [`Printed`] that comes back. What the call means is for the host to find out; here is only what is needed to
//! gather it, and to give the panel an answer when there is no host.

mod call;
mod dialect;
mod fallback;
pub mod write;

pub use self::call::{PanelCall, Printed, Raw};
pub use self::dialect::{Dialect, Stdin, UnknownDialect, resolve};
pub use self::fallback::{OnFailure, fallback};
