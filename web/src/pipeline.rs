//! How the services are, as a picture that the operator sees: what every process told of itself.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::Web;
use crate::error::Answer;
use crate::guard::Caller;
use crate::shell::{Shell, page};

#[derive(Template)]
#[template(path = "pipeline.html")]
struct PipelinePage {
    shell: Shell,
}

/// `GET /admin`
pub async fn show(caller: Caller) -> Answer {
    Ok(page(&PipelinePage { shell: Shell::new("Pipeline", caller.shell_account()) }))
}

/// `GET /api/watchfire/pipeline`
pub async fn get(State(web): State<Arc<Web>>) -> Response {
    Json(web.board.picture(web.clock.now())).into_response()
}
