//! The part of the admin API that is about orders. Tokens and secrets of an order are never in it.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::AppState;
use super::admin::json;
use super::error::{ApiError, ErrorBody};
use super::extract::Query;
use crate::hook::Params;
use crate::order::{Order, OrderState};

/// Orders that are listed if nothing else is asked for, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;

/// Which orders to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OrdersQuery {
    /// Of this extension.
    extension: Option<String>,
    /// Only those that are not finished.
    #[serde(default)]
    open: bool,
    /// At most so many, 50 if not given and never more than 1,000.
    limit: Option<usize>,
}

/// Orders, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OrdersResponse {
    /// The orders.
    pub orders: Vec<OrderDetail>,
}

/// One order, without its secrets.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OrderDetail {
    /// The task by which the panel asks for it.
    pub task: String,
    /// The extension that provides.
    pub extension: String,
    /// What is ordered.
    pub offer: String,
    /// `starting`, `pending`, `done`, `refused` or `failed`.
    pub state: &'static str,
    /// When it was ordered, in milliseconds since the epoch.
    pub created_ms: u64,
    /// When it last changed.
    pub changed_ms: u64,
    /// How often the provider was called for it.
    pub attempts: u32,
    /// How much is done, out of 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// What is being done, or why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What a finished order left behind that may be shown.
    #[serde(skip_serializing_if = "Params::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>, required = false)]
    pub shown: Params,
}

impl From<Order> for OrderDetail {
    fn from(order: Order) -> Self {
        let state = order.state.word();
        let (mut percent, mut detail, mut shown) = (None, None, Params::new());
        match order.state {
            OrderState::Starting => {}
            OrderState::Pending(pending) => (percent, detail) = (pending.percent, pending.status),
            OrderState::Done(completed) => {
                let fields = completed.shown();
                shown = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
            }
            OrderState::Refused(reason) | OrderState::Failed(reason) => detail = Some(reason),
        }
        Self {
            task: order.task.to_string(),
            extension: order.extension.to_string(),
            offer: order.offer,
            state,
            created_ms: order.created_ms,
            changed_ms: order.changed_ms,
            attempts: order.attempts,
            percent,
            detail,
            shown,
        }
    }
}

/// Lists what panels ordered of extensions, newest first.
#[utoipa::path(get, path = "/v1/orders", tag = "host", params(OrdersQuery),
    responses((status = 200, body = OrdersResponse), (status = "4XX", body = ErrorBody)))]
pub(super) async fn list_orders(
    State(app): AppState,
    Query(query): Query<OrdersQuery>,
) -> Result<Response, ApiError> {
    let its = app.clone();
    let listed = tokio::task::spawn_blocking(move || its.host.orders.list()).await;
    let orders = listed
        .unwrap_or_else(|error| Err(crate::storage::StorageError::Failed(error.to_string())))?;
    let wanted = |order: &Order| {
        query.extension.as_ref().is_none_or(|extension| **extension == *order.extension)
            && (!query.open || order.state.is_open())
    };
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let orders = orders.into_iter().filter(wanted).take(limit).map(OrderDetail::from).collect();
    Ok(json(&OrdersResponse { orders }))
}
