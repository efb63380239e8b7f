//! A customer's screen by HTTP: one word of what browsers say to each other until the picture goes straight from one to the other.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use chat::Signal;
use serde_json::json;

use super::{At, stated};
use crate::Web;
use crate::error::Answer;

/// `POST …/screen` with `{"what": "asks" | "shows" | …}`; the answer says by what servers the browsers may find each other.
pub async fn signal(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let signal: Signal = stated(request).await?;
    web.chat.signal(&at.by, at.room, signal).await?;
    let servers = web.options.ice.told(web.clock.now());
    Ok(Json(json!({ "ice_servers": servers })).into_response())
}
