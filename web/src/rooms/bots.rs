//! Bots: the operator makes them; each posts with a token that is shown once.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use door::Refusal;
use model::BotId;
use model::chat::Bot;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Credential;
use store::accounts::SecretHash;

use super::{Somebody, said, stated};
use crate::error::Answer;
use crate::fields::name_problem;
use crate::reports::refused;
use crate::{Web, secret};

fn told(bot: &Bot) -> Value {
    json!({ "id": bot.id, "name": bot.name, "created": bot.created })
}

/// `GET /api/watchfire/rooms/bots`
pub async fn list(State(web): State<Arc<Web>>, Somebody(by): Somebody) -> Answer {
    let bots = web.chat.bots(&by).await?;
    Ok(Json(json!({ "bots": bots.iter().map(told).collect::<Vec<_>>() })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStated {
    name: String,
}

/// `POST /api/watchfire/rooms/bots` with `{"name"}`: 201, the bot, and its token this once.
pub async fn add(State(web): State<Arc<Web>>, Somebody(by): Somebody, request: Request) -> Answer {
    let NewStated { name } = stated(request).await?;
    if let Some(problem) = name_problem(name.trim()) {
        return Err(refused::field("name", &problem).into());
    }
    let token = format!("{}{}", Credential::BOT_PREFIX, secret::fresh());
    let bot = web.chat.add_bot(&by, &name, SecretHash::of(&token)).await?;
    tracing::info!(bot = %bot.id, "a bot was made");
    Ok((StatusCode::CREATED, Json(json!({ "bot": told(&bot), "token": token }))).into_response())
}

/// `POST /api/watchfire/rooms/bots/{bot}/remove`
pub async fn remove(State(web): State<Arc<Web>>, Somebody(by): Somebody, Path(bot): Path<String>) -> Answer {
    let id: BotId = bot.parse().map_err(|_| Refusal::not_found())?;
    web.chat.remove_bot(&by, id).await?;
    said::done()
}
