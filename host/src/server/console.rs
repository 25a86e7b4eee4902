//! The operator's console: what is installed, what it did, and what it may do, in a browser on this machine.

use std::sync::Arc;

use axum::Router;

use super::{App, error};

/// The routes of the console.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(app)
}
