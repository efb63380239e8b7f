//! Guests: the link that lets them into one room, and the page where they come in by it.

mod marks;

pub(crate) use marks::of as marks_of;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chat::{Coming, Knocked, Refused};
use door::{ClientAddress, Refusal};
use model::chat::Who;
use model::limits::{NAME_BYTES_MAX, PASSWORD_BYTES_MAX};
use model::rights::Principal;
use serde::Deserialize;
use serde_json::json;
use store::accounts::SecretHash;
use store::chat::mark_of;

use super::{At, said, stated};
use crate::error::{Answer, Problem};
use crate::fields::{Fields, too_long, unprintable};
use crate::guard::{Caller, address_of};
use crate::reports::refused;
use crate::shell::{Shell, go_to, page};
use crate::{Web, cookies, secret};

/// `GET …/link`
pub async fn link(State(web): State<Arc<Web>>, at: At) -> Answer {
    let link = web.chat.link(&at.by, at.room).await?;
    let told =
        link.map(|link| json!({ "has_password": link.password_phc.is_some(), "created": link.created }));
    Ok(Json(json!({ "link": told })).into_response())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LinkStated {
    /// None or empty: whoever has the link comes in.
    password: Option<String>,
}

/// `POST …/link` with `{"password"}`: a new link, told this once, in the place of the one there was.
pub async fn set_link(State(web): State<Arc<Web>>, at: At, headers: HeaderMap, request: Request) -> Answer {
    let LinkStated { password } = stated(request).await?;
    let password = password.filter(|password| !password.is_empty());
    if let Some(problem) = password.as_deref().and_then(|password| too_long(password, PASSWORD_BYTES_MAX)) {
        return Err(refused::field("password", &problem).into());
    }
    // Whoever may not make one makes nobody work at a password.
    web.chat.link(&at.by, at.room).await?;
    let phc = match password {
        Some(password) => Some(web.passwords.hash(&password).await?),
        None => None,
    };
    let (secret, has_password) = (secret::fresh(), phc.is_some());
    web.chat.set_link(&at.by, at.room, SecretHash::of(&secret), phc).await?;
    let url = format!("{}/join/{secret}", web.server_url(&headers));
    Ok((StatusCode::CREATED, Json(json!({ "url": url, "has_password": has_password }))).into_response())
}

/// `POST …/link/remove`
pub async fn remove_link(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.remove_link(&at.by, at.room).await?;
    said::done()
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    shell: Shell,
    secret: String,
    room: String,
    name: String,
    asks_password: bool,
    locked: bool,
    /// They are a guest of another room in this browser.
    leaves: bool,
    problem: Option<String>,
}

/// `GET /join/{secret}`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, Path(secret): Path<String>) -> Answer {
    let knocked = knock(&web, &secret).await?;
    if is_in(&web, &caller, &knocked).await {
        return Ok(go_to(&format!("/rooms/{}", knocked.room)));
    }
    Ok(page(&join_page(&caller, &secret, &knocked, "", None)))
}

/// `POST /join/{secret}`: lets a guest in.
pub async fn submit(
    State(web): State<Arc<Web>>,
    caller: Caller,
    address: Option<Extension<ClientAddress>>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let address = address_of(address);
    let knocked = knock(&web, &secret).await?;
    if is_in(&web, &caller, &knocked).await {
        return Ok(go_to(&format!("/rooms/{}", knocked.room)));
    }
    let name = fields.text("name").trim().to_owned();
    let again = |status, problem: String| {
        Ok((status, page(&join_page(&caller, &secret, &knocked, &name, Some(problem)))).into_response())
    };
    if let Some(problem) = too_long(&name, NAME_BYTES_MAX).or_else(|| unprintable(&name)) {
        return again(StatusCode::BAD_REQUEST, problem);
    }
    let tried = match web.attempts.sign_in(address, &knocked.room.to_string(), web.clock.now()) {
        Ok(tried) => tried,
        Err(wait) => return again(StatusCode::TOO_MANY_REQUESTS, too_often(wait)),
    };
    let knows_password = match &knocked.password_phc {
        Some(phc) => {
            let password = fields.text("password");
            password.len() <= PASSWORD_BYTES_MAX && web.passwords.fits(password, Some(phc)).await?
        }
        None => true,
    };
    if knows_password && let Err(wait) = web.attempts.guest(address, knocked.room, web.clock.now()) {
        return again(StatusCode::TOO_MANY_REQUESTS, too_often(wait));
    }
    let browser = cookies::browser_of(&headers);
    let mut marks = marks::of(&web, &browser, address).await?;
    // Whoever is signed in and kept out comes in under no other name.
    marks.extend(caller.account.as_ref().map(|account| mark_of(Who::Account(account.id))));
    let theirs = secret::fresh();
    let coming = Coming { name: name.clone(), knows_password, marks, secret: SecretHash::of(&theirs) };
    match web.chat.admit(SecretHash::of(&secret), coming).await {
        Ok(guest) => {
            web.attempts.give_back(tried);
            let cookies = cookies::guest(&theirs, &browser, caller.account.is_none(), &web.options);
            Ok(with_cookies(go_to(&format!("/rooms/{}", guest.room)), cookies))
        }
        Err(refused @ (Refused::Password | Refused::Barred)) => {
            again(StatusCode::FORBIDDEN, refused.to_string())
        }
        Err(refused @ (Refused::Locked | Refused::Limit { .. } | Refused::Conflict(_))) => {
            again(StatusCode::CONFLICT, refused.to_string())
        }
        Err(Refused::NotFound) => Err(over()),
        Err(other) => Err(other.into()),
    }
}

/// Whether they need no link: it was opened again, or sent twice.
async fn is_in(web: &Web, caller: &Caller, knocked: &Knocked) -> bool {
    caller.principal.who().is_some() && web.chat.room(&caller.principal, knocked.room).await.is_ok()
}

fn too_often(wait: Duration) -> String {
    format!("Too many tries. Wait {} seconds and try again.", wait.as_secs_f64().ceil())
}

fn with_cookies(mut response: Response, cookies: Vec<HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn knock(web: &Web, secret: &str) -> Result<Knocked, Problem> {
    if !secret::is_plausible(secret) {
        return Err(over());
    }
    match web.chat.knock(SecretHash::of(secret)).await {
        Ok(knocked) => Ok(knocked),
        Err(Refused::NotFound) => Err(over()),
        Err(other) => Err(other.into()),
    }
}

fn join_page(
    caller: &Caller,
    secret: &str,
    knocked: &Knocked,
    name: &str,
    problem: Option<String>,
) -> JoinPage {
    JoinPage {
        shell: Shell::new(&format!("Join {}", knocked.name), caller.shell_account()),
        secret: secret.to_owned(),
        room: knocked.name.clone(),
        name: name.to_owned(),
        asks_password: knocked.password_phc.is_some(),
        locked: knocked.locked,
        leaves: matches!(caller.principal, Principal::Guest { .. }),
        problem,
    }
}

fn over() -> Problem {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "This link was replaced or withdrawn. Ask whoever sent it for a new one.",
    )
    .into()
}
