//! Coming in and going out: by the operator's token, or by an address that `palisade console` prints.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::{Deserialize, Serialize};

use super::form::{self, Form};
use super::gate::{Failure, cookie, no_cookie};
use super::layout;
use super::sessions::TICKET_MS;
use crate::host::now_ms;
use crate::server::auth::Role;
use crate::server::error::{ApiError, ErrorBody};
use crate::server::extract::{Path, Query};
use crate::server::{App, AppState, admin};
use crate::view::Tone;

/// Where to go on after signing in.
#[derive(Debug, Deserialize)]
pub(super) struct NextQuery {
    #[serde(default)]
    next: String,
}

/// An address that opens the console once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::server) struct Ticket {
    /// The address.
    url: String,
    /// Until when it can be used, in milliseconds since the epoch.
    expires_ms: u64,
}

/// Makes an address that signs its user in to the console, once and within a minute.
#[utoipa::path(post, path = "/v1/console/tickets", tag = "host", operation_id = "console_ticket",
    responses((status = 200, body = Ticket), (status = "4XX", body = ErrorBody)))]
pub(in crate::server) async fn ticket(State(app): AppState) -> Result<Response, ApiError> {
    let Some(address) = app.console_address else {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "console.off",
            "this host serves no console",
        )
        .with_hint(Some("set `listen` in the table `console` of palisade.toml, such as `127.0.0.1:8601`, and restart the host")));
    };
    let now = now_ms();
    let ticket = app
        .console
        .ticket(now)
        .map_err(|error| ApiError::internal("no address of the console could be made", &error))?;
    let url = format!("http://{address}/enter/{ticket}");
    Ok(admin::json(&Ticket { url, expires_ms: now + TICKET_MS }))
}

/// Asks for the operator's token.
pub(super) async fn show(Query(query): Query<NextQuery>) -> Response {
    draw(StatusCode::OK, &query.next, None)
}

/// Lets somebody in who has the operator's token.
pub(super) async fn sign_in(
    State(app): AppState,
    Query(query): Query<NextQuery>,
    request: Request,
) -> Result<Response, Failure> {
    if !app.console.may_try() {
        tracing::warn!("too many tries to sign in to the console");
        let message = "There were too many tries. Wait a few seconds, then try again.";
        return Ok(draw(StatusCode::TOO_MANY_REQUESTS, &query.next, Some(message)));
    }
    let (fields, _) = form::read(request, &app).await?;
    let token = fields.filled("token").unwrap_or_default();
    if app.tokens.as_ref().and_then(|tokens| tokens.role(token)) != Some(Role::Operator) {
        tracing::warn!("somebody tried to sign in to the console with a wrong token");
        let message = "This is not the operator's token.";
        return Ok(draw(StatusCode::UNAUTHORIZED, &query.next, Some(message)));
    }
    let_in(&app, &query.next)
}

/// Lets somebody in who comes by an address that was made for it.
pub(super) async fn enter(
    State(app): AppState,
    Path(ticket): Path<String>,
) -> Result<Response, Failure> {
    if !app.console.redeem(&ticket, now_ms()) {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "console.ticket",
            "this address was used already, or its minute is over",
        )
        .with_hint(Some("`palisade console` prints a new one"))
        .into());
    }
    let_in(&app, "")
}

fn let_in(app: &App, next: &str) -> Result<Response, Failure> {
    let value = app
        .console
        .open(now_ms())
        .map_err(|error| ApiError::internal("nobody can be signed in", &error))?;
    tracing::info!("an operator signed in to the console");
    Ok(([cookie(value)], Redirect::to(safe(next))).into_response())
}

/// Where to go on: a page of the console itself, and nowhere else.
fn safe(next: &str) -> &str {
    let path =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r']);
    if path { next } else { "/" }
}

/// Signs an operator out.
pub(super) async fn sign_out(State(app): AppState, form: Form) -> Response {
    app.console.close(&form.session);
    ([no_cookie()], Redirect::to("/sign-in")).into_response()
}

fn draw(status: StatusCode, next: &str, problem: Option<&str>) -> Response {
    let body = html! {
        h1 { "Sign in" }
        @if let Some(problem) = problem { (layout::note(Tone::Danger, None, &html! { (problem) })) }
        form method="post" action=(layout::address("/sign-in", &[("next", next)])) {
            label.field {
                span { "The operator's token" }
                input type="password" name="token" required autofocus autocomplete="current-password" aria-invalid=[problem.map(|_| "true")];
            }
            button type="submit" { "Sign in" }
        }
        p.faint {
            "The token is in the file " code { "operator.token" } " of the host's data directory. "
            "On the machine itself, " code { "palisade console" } " prints an address that lets you in without it."
        }
    };
    layout::bare(status, "Sign in", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_to_another_site() {
        assert_eq!(safe("/journal?action=x"), "/journal?action=x");
        for next in ["", "//evil.example", "https://evil.example", "/\\evil.example", "journal"] {
            assert_eq!(safe(next), "/", "{next}");
        }
    }

    #[test]
    fn the_page_says_what_was_wrong_and_keeps_where_to_go() {
        let response = draw(StatusCode::UNAUTHORIZED, "/hooks", Some("no"));
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
}
