//! What the chat on a customer's page asks for: how the site talks with its customers, and the conversation of the one who asks.
//! A customer is known by the secret that their browser made when they spoke first; nobody else's is answered for.

pub mod calls;
mod flood;
mod ink;
pub mod rules;
mod whereabouts;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chat::hours::Presence;
use chat::{Claim, Consented, Opening, identify_secret};
use door::{ClientAddress, Refusal};
use model::chat::{Conversation, Customer, Rating, Who};
use model::rights::Principal;
use model::{BrowserId, MessageId, Millis, Site, SiteId, limits};
use serde::Deserialize;
use serde_json::json;
use store::accounts::SecretHash;
use store::{Credential, StoreError};

use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::{body, email_problem, too_long, unprintable};
use crate::guard::Caller;
use crate::inbox::refuse_no_mail;
use crate::reports::refused;
use crate::rooms::read_json;
use rules::SpokenStated;
use whereabouts::Whereabouts;

/// The site of a path, where its chat is on.
pub async fn talking(web: &Web, site: &str) -> Result<Site, Problem> {
    let id: SiteId = site.parse().map_err(|_| Refusal::not_found())?;
    match web.store.sites.site(id).await {
        Ok(site) if site.chat.on => Ok(site),
        Ok(_) | Err(StoreError::NotFound(_)) => Err(Refusal::not_found().into()),
        Err(error) => Err(error.into()),
    }
}

/// `GET /api/watchfire/chat/{site}`, for any page.
pub async fn settings(State(web): State<Arc<Web>>, Path(site): Path<String>) -> Answer {
    let site = talking(&web, &site).await?;
    Ok(for_any_page(Json(settings_of(&web, &site).await?).into_response()))
}

fn for_any_page(mut response: Response) -> Response {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response.headers_mut().insert(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    response
}

/// What button and panel are told.
pub async fn settings_of(web: &Web, site: &Site) -> Result<serde_json::Value, Problem> {
    let replies_in = match site.chat.replies_in.as_str() {
        "" => web.chat.answers_within(site).await?,
        own => own,
    };
    let Presence { open, opens_at } = chat::hours::presence(site, web.clock.now());
    let chat = &site.chat;
    Ok(json!({
        "site": site.id,
        "name": site.name,
        "colour": chat.colour,
        "ink": ink::on(&chat.colour),
        "side": chat.side,
        "greeting": chat.greeting,
        "open": open,
        "opens_at": opens_at,
        "replies_in": replies_in,
        "asks_email": chat.asks_email,
        "mails": web.options.mail.is_some(),
        "previews": chat.previews,
    }))
}

#[derive(Deserialize)]
struct OpeningStated {
    id: MessageId,
    body: String,
    /// What was found for the challenge of a refusal.
    work: Option<String>,
    /// What a rule said, which they answer.
    spoken: Option<SpokenStated>,
    #[serde(flatten)]
    about: AboutStated,
}

/// What a customer says of themselves; what is left out stays as it was.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AboutStated {
    name: String,
    email: String,
    identity: Option<IdentityStated>,
    /// As the open tabs of the browser agree on.
    browser: Option<BrowserId>,
    /// Where the site keeps an id of its own.
    visitor: Option<String>,
    page: String,
    title: String,
    rating: Option<u8>,
    words: String,
    /// All of it is mailed to the address that they gave.
    transcript: bool,
    /// What they say to what agents asked: whether it may be told again in a public room.
    retell: Option<ConsentStated>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentStated {
    /// As `retelling` says.
    asked: Millis,
    yes: bool,
    /// Their name may stand there.
    #[serde(default)]
    named: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IdentityStated {
    id: String,
    name: String,
    email: String,
    hash: String,
}

/// `POST /api/watchfire/chat/{site}/conversations`: 201, or 200 where the secret has one.
pub async fn open(
    State(web): State<Arc<Web>>,
    Path(site): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let site = talking(&web, &site).await?;
    let secret = secret_of(&headers, request.uri())?;
    let address = address_of(address);
    web.opening_rate.take_from(address, web.clock.now()).map_err(|wait| {
        let message = "Too many conversations were begun from here; go on in a moment.";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate", message).retry_after(wait)
    })?;
    let OpeningStated { id, body, work, spoken, about } = read_json(&body(request).await?)?;
    flood::admit(&web, site.id, &secret, work.as_deref()).await?;
    let customer = customer(&web, &site, &about).await?;
    let Whereabouts { visitor, before } =
        whereabouts::visitor(&web, &site, address, &headers, &about).await?;
    let spoken = rules::believed(&web, &site, Whereabouts { visitor, before }, spoken).await?;
    let marks = crate::rooms::marks_of(&web, &secret, address).await?;
    let opening = Opening {
        secret: SecretHash::of(&secret),
        id,
        body,
        customer,
        visitor,
        visitor_before: before,
        page: whereabouts::page(&site, &about.page),
        title: whereabouts::title(&about.title),
        marks,
        spoken,
    };
    let (opened, fresh) = web.chat.open_conversation(&site, opening).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, told(&web, &opened).await?).into_response())
}

/// `GET …/conversations/mine`
pub async fn mine(State(web): State<Arc<Web>>, caller: Caller, Path(site): Path<String>) -> Answer {
    let site = talking(&web, &site).await?;
    told(&web, &web.chat.my_conversation(&caller.principal, site.id).await?).await
}

/// `POST …/conversations/mine`: any of name, e-mail, identity, browser, page, rating.
pub async fn tell(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(site): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let site = talking(&web, &site).await?;
    let by = &caller.principal;
    take_turn(&web, by)?;
    let mut mine = web.chat.my_conversation(by, site.id).await?;
    let address = address_of(address);
    let about: AboutStated = read_json(&body(request).await?)?;
    let customer = customer(&web, &site, &about).await?;
    if customer != Customer::default() {
        mine = web.chat.introduce(by, site.id, customer).await?;
    }
    if about.browser.is_some() || about.visitor.is_some() || !about.page.is_empty() {
        let Whereabouts { visitor, .. } =
            whereabouts::visitor(&web, &site, address, &headers, &about).await?;
        let (page, title) = (whereabouts::page(&site, &about.page), whereabouts::title(&about.title));
        mine = web.chat.seen_on(by, site.id, visitor, page, title).await?;
    }
    if let Some(score) = about.rating {
        let rating = Rating { score, words: about.words.trim().to_owned() };
        mine = web.chat.rate(by, site.id, rating).await?;
    }
    if about.transcript {
        refuse_no_mail(&web)?;
        mine = web.chat.mail_mine(by, site.id).await?;
    }
    if let Some(ConsentStated { asked, yes, named }) = about.retell {
        mine = web.chat.consent(by, site.id, Consented { asked, yes, named }).await?;
    }
    told(&web, &mine).await
}

fn address_of(address: Option<Extension<ClientAddress>>) -> IpAddr {
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(address)| address.0)
}

fn take_turn(web: &Web, by: &Principal) -> Result<(), Problem> {
    Ok(web.room_rate.take(by, 1, web.clock.now()).map_err(refused::too_much)?)
}

/// The secret that the browser made: nothing but one of ours in shape.
fn secret_of(headers: &HeaderMap, uri: &Uri) -> Result<String, Problem> {
    let is_ours = |secret: &str| {
        secret.strip_prefix(Credential::CUSTOMER_PREFIX).is_some_and(|random| {
            random.len() == 43
                && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
    };
    match door::credential(headers, uri) {
        Credential::Token(secret) if is_ours(&secret) => Ok(secret),
        _ => {
            let message = "Send the secret of the customer's browser: wfc_ and 43 characters of base64url, as a bearer.";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, "unknown", message).into())
        }
    }
}

/// Who they say they are. An identity is proven by its hash, or a claim.
async fn customer(web: &Web, site: &Site, about: &AboutStated) -> Result<Customer, Problem> {
    let (name, email) = (about.name.trim(), about.email.trim());
    let stated = about.identity.as_ref();
    let identity = stated.map_or("", |stated| stated.id.trim());
    for (field, text, max) in [
        ("name", name, limits::NAME_BYTES_MAX),
        ("name", stated.map_or("", |stated| &stated.name), limits::NAME_BYTES_MAX),
        ("identity", identity, limits::NAME_BYTES_MAX),
        ("words", &about.words, limits::RATING_BYTES_MAX),
    ] {
        let problem = too_long(text, max).or_else(|| (field != "words").then(|| unprintable(text)).flatten());
        if let Some(problem) = problem {
            return Err(refused::field(field, &problem).into());
        }
    }
    for email in [email, stated.map_or("", |stated| stated.email.trim())] {
        if let Some(problem) = Some(email).filter(|email| !email.is_empty()).and_then(email_problem) {
            return Err(refused::field("email", &problem).into());
        }
    }
    let Some(stated) = stated else {
        return Ok(Customer { name: name.into(), email: email.into(), ..Customer::default() });
    };
    let or = |first: &str, second: &str| if first.is_empty() { second.to_owned() } else { first.to_owned() };
    let claim = Claim {
        id: identity.to_owned(),
        name: or(name, stated.name.trim()),
        email: or(email, stated.email.trim()),
        hash: stated.hash.clone(),
    };
    Ok(claim.judged(&identify_secret(web.store.salts.as_ref(), site.id).await?))
}

/// What the customer is told of their own conversation.
async fn told(web: &Web, mine: &Conversation) -> Answer {
    let is_closed = mine.is_closed();
    let retelling = web.chat.asked_to_retell(mine).await?.map(
        |(asked, room, by)| json!({ "asked": asked.asked, "room": room, "title": asked.title, "by": by }),
    );
    let retold = web.chat.retold(mine).await?.map(|(room, number)| {
        json!({ "room": room.name, "href": format!("/rooms/{}/messages/{number}", room.id) })
    });
    let told = json!({
        "room": mine.room,
        "me": Who::Guest(mine.guest),
        "state": if is_closed { "closed" } else { "open" },
        "name": mine.customer.name,
        "email": mine.customer.email,
        "rating": mine.rating.as_ref().map(|rating| rating.score),
        "asks_rating": is_closed && mine.rating.is_none() && mine.first_answer_at.is_some(),
        "last": mine.last,
        "retelling": retelling,
        "retold": retold,
    });
    Ok(Json(told).into_response())
}
