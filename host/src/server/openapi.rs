//! The routes, and the OpenAPI document that is made of them.

use std::sync::Arc;

use utoipa::OpenApi as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{App, actions, admin, bridge, console, grants, gui, orders, recording};

/// What stands above the paths.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Palisade",
        description = "Hooks of a hosting panel, and the administration of the extensions that handle them. Over TCP every request needs a bearer token; over the Unix socket the permissions of its file decide.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&BearerToken),
    security(("token" = [])),
    tags(
        (name = "hooks", description = "What a panel calls"),
        (name = "gui", description = "Pages of extensions, and changes to pages of the panel"),
        (name = "extensions", description = "What is installed"),
        (name = "host", description = "The host itself")
    )
)]
struct Document;

/// Describes how a caller shows over TCP who it is.
struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let description = "Over TCP: the token of the panel for `hooks`, the token of the operator for everything. Not needed over the Unix socket.";
        let scheme =
            Http::builder().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Every route, with its description.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(actions::before))
        .routes(routes!(actions::after))
        .routes(routes!(actions::before_batch))
        .routes(routes!(actions::after_batch))
        .routes(routes!(bridge::bridge))
        .routes(routes!(recording::begin, recording::show, recording::end))
        .routes(routes!(gui::open_session, gui::close_sessions))
        .routes(routes!(gui::close_session))
        .routes(routes!(gui::place))
        .routes(routes!(gui::page))
        .routes(routes!(gui::act))
        .routes(routes!(gui::lookup))
        .routes(routes!(gui::overlays))
        .routes(routes!(admin::list_actions))
        .routes(routes!(admin::list_extensions, admin::install))
        .routes(routes!(admin::show_extension, admin::remove))
        .routes(routes!(admin::enable))
        .routes(routes!(admin::disable))
        .routes(routes!(grants::show_grants, grants::change_grants, grants::set_grants))
        .routes(routes!(admin::show_settings, admin::set_settings))
        .routes(routes!(admin::journal))
        .routes(routes!(admin::journal_action))
        .routes(routes!(orders::list_orders))
        .routes(routes!(admin::status))
        .routes(routes!(admin::config))
        .routes(routes!(console::ticket))
        .routes(routes!(admin::export))
        .routes(routes!(admin::openapi))
        .routes(routes!(admin::healthz))
        .routes(routes!(admin::readyz))
        .routes(routes!(admin::metrics))
}

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
