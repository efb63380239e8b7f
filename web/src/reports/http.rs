//! `POST /api/watchfire/sites/{site}/reports`: one question, or several of one moment.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use door::Refusal;
use model::rights::Principal;
use model::{SavedId, Site, SiteId};
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{Moment, ask};
use super::question::{QUESTIONS_MAX, Question};
use super::refused;
use super::said::Told;
use super::within::Within;
use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::json;
use crate::guard::Caller;
use crate::saved;

/// What a body asks.
enum Asks {
    One(Value),
    Several(Vec<Value>),
}

/// Answered by the answer itself, or by a list of answers and errors.
pub async fn post(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    request: Request,
) -> Answer {
    let asks = asks(json(request).await?)?;
    let count = if let Asks::Several(several) = &asks { several.len() } else { 1 };
    limit_rate(&web, &caller, count)?;
    match asks {
        Asks::One(stated) => json_of(one(&web, &caller, &site, stated).await?).await,
        Asks::Several(stated) => several(&web, &caller, &site, stated).await,
    }
}

/// The answer to one question.
pub async fn one(web: &Web, caller: &Caller, site: &Site, stated: Value) -> Result<Told, Problem> {
    let moment = moment(web, caller).await?;
    let at = moment.now.0;
    let mut answers =
        ask(&web.archive, web.store.totals.as_ref(), site, vec![Ok(Question::read(stated)?)], moment).await?;
    let answer = answers.pop().ok_or_else(|| refused::query("", "there is none"))??;
    Ok(Told { at, time_zone: site.time_zone.clone(), answer })
}

async fn several(web: &Web, caller: &Caller, site: &Site, stated: Vec<Value>) -> Answer {
    let moment = moment(web, caller).await?;
    let at = moment.now.0;
    let questions = stated.into_iter().map(Question::read).collect();
    let answers = ask(&web.archive, web.store.totals.as_ref(), site, questions, moment).await?;
    let time_zone = site.time_zone.clone();
    let told = move || {
        let answer = |answer: Result<_, Refusal>| match answer {
            Ok(answer) => serde_json::to_value::<super::Answer>(answer).unwrap_or_default(),
            Err(refusal) => refusal.body(),
        };
        let answers: Vec<Value> = answers.into_iter().map(answer).collect();
        json!({ "at": at, "time_zone": time_zone, "answers": answers })
    };
    json_of(tokio::task::spawn_blocking(told).await.map_err(|error| refused::archive(error.into()))?).await
}

/// What of the site's history whoever asks may be told.
async fn moment(web: &Web, caller: &Caller) -> Result<Moment, Problem> {
    let within = match &caller.principal {
        Principal::Share { site, segment: Some(segment), .. } => Some(within(web, *site, *segment).await?),
        _ => None,
    };
    Ok(Moment { now: web.clock.now(), within })
}

/// What a share link of this segment is limited to; as if there were nothing where the segment was removed.
async fn within(web: &Web, site: SiteId, segment: SavedId) -> Result<Within, Problem> {
    let filter = saved::segment(web, site, segment).await?;
    Ok(Within::new(filter.ok_or_else(Refusal::not_found)?))
}

pub fn limit_rate(web: &Web, caller: &Caller, questions: usize) -> Result<(), Problem> {
    web.report_rate.take(&caller.principal, questions, web.clock.now()).map_err(|wait| {
        let message = "You asked too many questions; go on in a moment.";
        Problem(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate", message).retry_after(wait))
    })
}

fn asks(mut stated: Value) -> Result<Asks, Problem> {
    let malformed = |problem: String| Problem(Refusal::bad_request("malformed", problem));
    let Some(fields) = stated.as_object_mut() else {
        return Err(malformed("The body is a question, or {\"questions\": […]}.".to_owned()));
    };
    let Some(questions) = fields.remove("questions") else {
        return Ok(Asks::One(stated));
    };
    if !fields.is_empty() {
        return Err(malformed("Beside `questions` there is nothing: each says all of its own.".to_owned()));
    }
    match questions {
        Value::Array(several) if (1..=QUESTIONS_MAX).contains(&several.len()) => Ok(Asks::Several(several)),
        _ => Err(malformed(format!("`questions` is a list of 1 to {QUESTIONS_MAX} questions."))),
    }
}

/// Large answers are written on a thread that may be busy.
pub async fn json_of(told: impl Serialize + Send + 'static) -> Answer {
    let written = tokio::task::spawn_blocking(move || serde_json::to_vec(&told)).await;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "an answer could not be written");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    };
    Ok(match written {
        Ok(Ok(bytes)) => answer_of(bytes, "application/json"),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    })
}

pub fn answer_of(bytes: Vec<u8>, content_type: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-store")];
    (headers, bytes).into_response()
}
