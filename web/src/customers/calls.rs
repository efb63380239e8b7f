//! Visitors whom an agent writes to first: their page asks whether somebody did, and is answered as soon as that is so.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chat::{Addressed, CalledTo};
use door::{ClientAddress, Refusal};
use live::Subscription;
use model::chat::Rule;
use model::{Site, limits};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::rules;
use super::whereabouts::{self, Whereabouts};
use super::{AboutStated, for_any_page, talking};
use crate::Web;
use crate::attempts::network;
use crate::error::{Answer, Problem};
use crate::fields::body;
use crate::reports::refused;
use crate::rooms::read_json;
use crate::shell::query_value;

/// Pages that wait to be called, by the network that they ask from. In memory only.
pub struct Awaiting {
    from: Mutex<HashMap<IpAddr, usize>>,
    pub closing: CancellationToken,
}

/// One page that waits, until this is dropped.
pub struct Awaited<'w> {
    awaiting: &'w Awaiting,
    network: IpAddr,
}

impl Awaiting {
    /// Nobody waits once that is cancelled.
    pub fn until(closing: CancellationToken) -> Awaiting {
        Awaiting { from: Mutex::default(), closing }
    }

    /// None where too many wait already: all of them, or of that network.
    pub fn begin(&self, address: IpAddr) -> Option<Awaited<'_>> {
        let network = network(address);
        let mut from = self.from.lock();
        let all: usize = from.values().sum();
        let own = from.get(&network).copied().unwrap_or_default();
        if all >= limits::CALLS_AWAITED_MAX || own >= limits::CALLS_AWAITED_A_NETWORK_MAX {
            return None;
        }
        from.insert(network, own + 1);
        Some(Awaited { awaiting: self, network })
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        let mut from = self.awaiting.from.lock();
        let left = from.get(&self.network).map_or(0, |own| own - 1);
        if left == 0 {
            from.remove(&self.network);
        } else {
            from.insert(self.network, left);
        }
    }
}

/// What becomes of the site's rules while a page waits.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Rules {
    /// It is told that one would speak.
    Look,
    /// One speaks, and then it was said.
    Speak,
    No,
}

/// What ends a page's waiting.
enum Told {
    Call(CalledTo),
    /// That rule would speak to them.
    Due(Box<(Addressed, Rule)>),
}

/// `GET /api/watchfire/chat/{site}/call?browser=&visitor=&after=&rules=`, for any page: what an agent wrote to the visitor who asks, once it changed
/// behind `after`, or what a rule says to them; 204 where neither is so for a while.
pub async fn show(
    State(web): State<Arc<Web>>,
    Path(site): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let mut answer = awaited(&web, &site, super::address_of(address), &headers, query).await.into_response();
    answer.extensions_mut().insert(door::Waited);
    answer
}

async fn awaited(
    web: &Web,
    site: &str,
    address: IpAddr,
    headers: &HeaderMap,
    query: Option<String>,
) -> Answer {
    let site = talking(web, site).await?;
    let value = |name: &str| query_value(query.as_deref(), name);
    let browser = value("browser").map(|id| id.parse()).transpose();
    let browser = browser.map_err(|_| refused::query("browser", "16 hexadecimal digits"))?;
    let about = AboutStated { browser, visitor: value("visitor"), ..AboutStated::default() };
    let after = value("after").map(|after| after.parse()).transpose();
    let after: u64 = after.map_err(|_| refused::query("after", "a number"))?.unwrap_or_default();
    let rules = match value("rules") {
        None => Rules::Look,
        Some(rules) => refused::worded("rules", &rules, "look, speak or no")?,
    };
    let who = whereabouts::visitor(web, &site, address, headers, &about).await?;
    let Some(_awaited) = web.awaiting.begin(address) else {
        return match news(web, &site, who, after).await? {
            Some(call) => Ok(told(&call)),
            None => Err(later()),
        };
    };
    // From here on nothing is missed.
    let mut calls = web.live.subscribe(&chat::call_topic(site.id)).await.map_err(|error| {
        tracing::warn!(%error, "a page cannot wait to be called");
        Refusal::unavailable(limits::CALL_AWAITED)
    })?;
    let awaited = async {
        loop {
            if let Some(call) = news(web, &site, who, after).await? {
                return Ok::<_, Problem>(Told::Call(call));
            }
            tokio::select! {
                () = hear(&mut calls, who) => {}
                due = ruled(web, &site, who, rules) => return due,
            }
        }
    };
    let ended = tokio::select! {
        ended = awaited => Some(ended?),
        () = tokio::time::sleep(limits::CALL_AWAITED) => None,
        () = web.awaiting.closing.cancelled() => return Err(later()),
    };
    match ended {
        None => Ok(for_any_page(StatusCode::NO_CONTENT.into_response())),
        Some(Told::Call(call)) => Ok(told(&call)),
        Some(Told::Due(..)) if rules == Rules::Look => {
            Ok(for_any_page(Json(json!({ "due": true })).into_response()))
        }
        // Said and told in one: nothing that ends the waiting comes between.
        Some(Told::Due(due)) => match rules::speak(web, &site, &due.0, &due.1).await? {
            Some(spoken) => Ok(for_any_page(Json(json!({ "spoken": spoken })).into_response())),
            None => Ok(for_any_page(StatusCode::NO_CONTENT.into_response())),
        },
    }
}

/// Returns once a rule of the site would speak to them.
async fn ruled(web: &Web, site: &Site, who: Whereabouts, rules: Rules) -> Result<Told, Problem> {
    if rules == Rules::No || !web.chat.has_rules(site).await? {
        return std::future::pending().await;
    }
    loop {
        if let Some((who, rule)) = rules::due(web, site, who).await? {
            return Ok(Told::Due(Box::new((who, rule))));
        }
        tokio::time::sleep(limits::RULES_LOOKED_EVERY).await;
    }
}

/// Whoever asks again at once would ask again and again.
fn later() -> Problem {
    let message = "A page cannot wait here to be called just now; ask again in a moment.";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message).retry_after(limits::CALL_AWAITED).into()
}

async fn news(web: &Web, site: &Site, who: Whereabouts, after: u64) -> Result<Option<CalledTo>, Problem> {
    let visitor = who.visitor.ok_or_else(|| refused::query("browser", "16 hexadecimal digits"))?;
    let call = web.chat.called_with(site.id, visitor, who.before).await?;
    Ok(call.filter(|call| call.change > after))
}

/// Returns once that visitor may have been called.
async fn hear(calls: &mut Subscription, who: Whereabouts) {
    let own = who.visitor.map(|visitor| visitor.to_string()).unwrap_or_default();
    let was = who.before.map(|visitor| visitor.to_string()).unwrap_or_default();
    loop {
        match calls.0.recv().await {
            Ok(message) => {
                let Ok(called) = serde_json::from_slice::<String>(&message) else { continue };
                if called == own || called == was {
                    return;
                }
            }
            Err(RecvError::Lagged(_)) => return,
            // Ends with the process, or with the request.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn told(call: &CalledTo) -> Response {
    let told = json!({ "change": call.change, "read": call.read, "told": call.data });
    for_any_page(Json(told).into_response())
}

#[derive(Deserialize)]
struct SeenStated {
    /// The number of the last message that was seen.
    seen: u64,
    #[serde(flatten)]
    about: AboutStated,
}

/// `POST /api/watchfire/chat/{site}/call`: 204.
pub async fn see(
    State(web): State<Arc<Web>>,
    Path(site): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let site = talking(&web, &site).await?;
    let address = super::address_of(address);
    web.stranger_rate.take_from(address, web.clock.now()).map_err(refused::too_much)?;
    let SeenStated { seen, about } = read_json(&body(request).await?)?;
    let who = whereabouts::visitor(&web, &site, address, &headers, &about).await?;
    let visitor = who.visitor.ok_or_else(|| refused::field("browser", "16 hexadecimal digits"))?;
    web.chat.read_call(site.id, visitor, seen).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn so_many_pages_of_a_network_wait_and_no_more() {
        let awaiting = Awaiting::until(CancellationToken::new());
        let mut of_one: Vec<_> =
            (0..limits::CALLS_AWAITED_A_NETWORK_MAX).map(|_| awaiting.begin(address(1)).unwrap()).collect();
        assert!(awaiting.begin(address(1)).is_none());
        let other = awaiting.begin(address(2));
        assert!(other.is_some(), "others wait beside them");
        of_one.pop();
        assert!(awaiting.begin(address(1)).is_some(), "one of them went");
    }

    #[test]
    fn so_many_pages_wait_in_all_and_no_more() {
        let awaiting = Awaiting::until(CancellationToken::new());
        let mut all: Vec<_> = (0..limits::CALLS_AWAITED_MAX)
            .map(|number| awaiting.begin(address(number as u32)).unwrap())
            .collect();
        assert!(awaiting.begin(address(u32::MAX)).is_none());
        all.pop();
        assert!(awaiting.begin(address(u32::MAX)).is_some());
        drop(all);
        assert!(awaiting.from.lock().is_empty(), "nobody is remembered");
    }
}
