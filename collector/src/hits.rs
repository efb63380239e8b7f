//! `POST /v1/hits`: reads, judges, names the sender, and answers when the hits are durable.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use door::{ClientAddress, Refusal};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::{Arrival, BrowserId, Hit, Millis, Screen, limits};

use crate::Collector;
use crate::directory::Entry;
use crate::gather::NotTaken;
use crate::identity::{Day, Known};
use crate::options::BODY_TIMEOUT;
use crate::rates::TooFast;
use crate::request::{Context, Judged, Refused, Request, Stated, Unreadable, cut, path_of};

/// Languages of one byte less are the rule; a longer first language is cut.
const LANGUAGE_BYTES_MAX: usize = crate::options::LANGUAGE_BYTES_MAX;

/// What became of a request's hits.
#[derive(Default)]
struct Receipt {
    accepted: usize,
    ignored: usize,
    refused: Vec<Refused>,
}

/// Hits of one request with one sender.
struct Group<'a> {
    address: IpAddr,
    agent: Cow<'a, str>,
    language: Cow<'a, str>,
    hits: Vec<Hit>,
}

/// What one request's arrivals share.
pub(crate) struct Sending<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) day: &'a Day,
    pub(crate) received: Millis,
    pub(crate) browser: BrowserId,
    pub(crate) screen: Option<Screen>,
    pub(crate) first_party: Option<&'a str>,
    /// The sender may state whom hits are from, and is trusted to know how many there are.
    pub(crate) states_senders: bool,
}

/// `POST /v1/hits`
pub(crate) async fn receive(
    State(collector): State<Arc<Collector>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut response = match collector.receive(address, &uri, &headers, body).await {
        Ok(receipt) => receipt.into_response(),
        Err(refusal) => {
            metrics::counter!("watchfire_requests_refused_total", "code" => refusal.code).increment(1);
            refusal.into_response()
        }
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

impl Collector {
    async fn receive(
        &self,
        address: IpAddr,
        uri: &Uri,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Receipt, Refusal> {
        let body = whole(headers, body).await?;
        let received = self.clock.now();
        let request = Request::read(&body).map_err(unreadable)?;
        let entry = self.directory.site(request.site).await?.ok_or_else(unknown_site)?;
        let day = self.identity.day(&entry.site.time_zone, received).await?;
        let context = Context {
            site: &entry.site,
            received,
            sent: request.sent,
            own_hostname: own_hostname(headers),
        };
        let (browser, screen, visitor) = (request.browser, request.screen, request.visitor.clone());
        let (judged, refused) = request.judge(&context);
        for refused in &refused {
            metrics::counter!("watchfire_hits_refused_total", "code" => refused.code).increment(1);
        }
        if judged.is_empty() {
            return Err(no_good_hit(refused));
        }
        let states = judged.iter().any(|judged| judged.stated.is_some());
        let states_senders = states && self.may_state(headers, uri, &entry).await?;
        if states && !states_senders {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "token",
                "Stating `address` or `agent` takes a token that may state senders, of the operator, for this site.",
            ));
        }
        let sending = Sending {
            entry: &entry,
            day: &day,
            received,
            browser,
            screen,
            first_party: visitor.as_deref().filter(|_| entry.site.first_party_id),
            states_senders,
        };
        let mut receipt = Receipt { refused, ..Receipt::default() };
        let groups = groups(judged, address, headers);
        for group in groups {
            receipt.ignored += self.send(&sending, group, headers, &mut receipt.accepted).await?;
        }
        Ok(receipt)
    }

    async fn may_state(&self, headers: &HeaderMap, uri: &Uri, entry: &Entry) -> Result<bool, Refusal> {
        let credential = door::credential(headers, uri);
        Ok(self.senders.may_state(&credential, entry.site.id).await?)
    }

    /// Sends one sender's hits; returns how many were ignored, adds those that are durable.
    async fn send(
        &self,
        sending: &Sending<'_>,
        mut group: Group<'_>,
        headers: &HeaderMap,
        accepted: &mut usize,
    ) -> Result<usize, Refusal> {
        let all = group.hits.len();
        let ignored = &sending.entry.ignored;
        if let Some(reason) = ignored.sender(group.address, headers) {
            metrics::counter!("watchfire_hits_ignored_total", "reason" => reason.name()).increment(all as u64);
            return Ok(all);
        }
        group.hits.retain(|hit| match ignored.path(path_of(&hit.url)) {
            Some(reason) => {
                metrics::counter!("watchfire_hits_ignored_total", "reason" => reason.name()).increment(1);
                false
            }
            None => true,
        });
        let count = group.hits.len();
        if count > 0 {
            self.publish(sending, group).await?;
            *accepted += count;
        }
        Ok(all - count)
    }

    /// The hits leave the collector, without the address.
    async fn publish(&self, sending: &Sending<'_>, group: Group<'_>) -> Result<(), Refusal> {
        let Group { address, agent, language, hits } = group;
        let site = sending.entry.site.id;
        let agent = cut(agent, limits::AGENT_BYTES_MAX);
        let known = match sending.first_party {
            Some(id) => self.identity.by_first_party(site, id),
            None => self.identity.by_salt(sending.day, site, address, &agent),
        };
        let rated = (!sending.states_senders).then_some(known.visitor);
        self.rates.take(site, rated, hits.len(), sending.received).map_err(too_fast)?;
        let shard = self.identity.shard(known, site, address, &agent, self.gather.shards());
        let Known { visitor, before: visitor_before } = known;
        let arrival = Arrival {
            site,
            received: sending.received,
            visitor,
            visitor_before,
            browser: sending.browser,
            agent,
            language: first_language(&language),
            screen: sending.screen,
            place: self.places.of(address),
            hits,
        };
        self.gather.add(shard, &arrival).await.map_err(not_taken)?;
        metrics::counter!("watchfire_hits_total", "outcome" => "accepted").increment(arrival.hits.len() as u64);
        Ok(())
    }

    /// One pageview without a script, by the same way.
    pub(crate) async fn send_one(
        &self,
        sending: &Sending<'_>,
        address: IpAddr,
        headers: &HeaderMap,
        hit: Hit,
    ) -> Result<(), Refusal> {
        let (agent, language) = (header_text(headers, header::USER_AGENT), header_text(headers, header::ACCEPT_LANGUAGE));
        let group = Group { address, agent, language, hits: vec![hit] };
        let mut accepted = 0;
        match self.send(sending, group, headers, &mut accepted).await? {
            0 => Ok(()),
            _ => Err(Refusal::new(StatusCode::OK, "ignored", "The site does not count this.")),
        }
    }
}

/// The whole body, within its size and its time.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|bytes| bytes > limits::HITS_BODY_BYTES_MAX as u64) {
        return Err(body_too_large());
    }
    let limited = Limited::new(body, limits::HITS_BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(body_too_large()),
        Ok(Err(_)) => Err(Refusal::bad_request("malformed", "The body ended before its end.")),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            format!("The body did not arrive within {} s.", BODY_TIMEOUT.as_secs()),
        )),
    }
}

/// By sender, each sender's hits in the order sent.
fn groups<'a>(judged: Vec<Judged<'a>>, address: IpAddr, headers: &'a HeaderMap) -> Vec<Group<'a>> {
    let own_agent = || header_text(headers, header::USER_AGENT);
    let own_language = || header_text(headers, header::ACCEPT_LANGUAGE);
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(1);
    for Judged { hit, stated } in judged {
        let (at, agent, language) = match stated {
            None => (address, own_agent(), own_language()),
            Some(stated) => {
                let Stated { address: at, agent, language } = *stated;
                (at.unwrap_or(address), agent.unwrap_or_default(), language.unwrap_or_default())
            }
        };
        let same = |group: &&mut Group<'a>| {
            group.address == at && group.agent == agent && group.language == language
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.hits.push(hit),
            None => groups.push(Group { address: at, agent, language, hits: vec![hit] }),
        }
    }
    groups
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Cow<'_, str> {
    headers.get(name).map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()))
}

/// The hostname that the sender called this server by.
pub(crate) fn own_hostname(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    Some(host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name))
}

/// `fr-FR,fr;q=0.9` is `fr-fr`. Anything that is no language tag is unknown.
fn first_language(accepted: &str) -> String {
    let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
    let is_tag = first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_tag || first.len() > LANGUAGE_BYTES_MAX {
        return String::new();
    }
    first.to_ascii_lowercase()
}

impl IntoResponse for Receipt {
    fn into_response(self) -> Response {
        let body = if self.ignored == 0 && self.refused.is_empty() {
            format!("{{\"accepted\":{}}}", self.accepted)
        } else {
            self.in_full().to_string()
        };
        let mut response = (StatusCode::ACCEPTED, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl Receipt {
    fn in_full(&self) -> serde_json::Value {
        let mut body = serde_json::json!({ "accepted": self.accepted });
        if self.ignored > 0 {
            body["ignored"] = self.ignored.into();
        }
        if !self.refused.is_empty() {
            body["refused"] = serde_json::json!(self.refused);
        }
        body
    }
}

fn no_good_hit(refused: Vec<Refused>) -> Refusal {
    let (code, message) = match refused.first() {
        Some(first) => (first.code, format!("No hit could be taken. The first: {}", first.message)),
        None => ("no_hits", "No hit could be taken.".to_owned()),
    };
    Refusal::bad_request(code, message).with("refused", serde_json::json!(refused))
}

fn unreadable(unreadable: Unreadable) -> Refusal {
    match unreadable {
        Unreadable::Malformed(message) => Refusal::bad_request("malformed", message),
        Unreadable::NoHits => Refusal::bad_request("no_hits", "`hits` holds at least one hit."),
        Unreadable::TooManyHits => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_hits",
            format!("A request holds at most {} hits.", limits::HITS_A_REQUEST_MAX),
        ),
    }
}

fn body_too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("A request holds at most {} bytes; send fewer hits at once.", limits::HITS_BODY_BYTES_MAX),
    )
}

pub(crate) fn unknown_site() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_site", "There is no such site here. Compare data-site with the tag page.")
}

fn too_fast(too_fast: TooFast) -> Refusal {
    let (code, message, wait) = match too_fast {
        TooFast::Visitor(wait) => ("visitor_rate", "This visitor sends too many hits.", wait),
        TooFast::Site(wait) => ("site_rate", "This site sends too many hits.", wait),
    };
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(wait)
}

fn not_taken(not_taken: NotTaken) -> Refusal {
    match not_taken {
        NotTaken::Full { retry_after } => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "bus_full",
            "Too much is on its way already. Send the same hits again in a moment.",
        )
        .retry_after(retry_after),
        NotTaken::Unavailable => Refusal::unavailable(Duration::from_secs(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_counts_and_nonsense_is_unknown() {
        let check = |accepted: &str, expected: &str| assert_eq!(first_language(accepted), expected, "{accepted}");
        check("fr-FR,fr;q=0.9", "fr-fr");
        check("de", "de");
        check("pt-BR;q=0.8", "pt-br");
        check("", "");
        check("*", "");
        check("<script>", "");
        check(&"a".repeat(35), &"a".repeat(35));
        check(&"a".repeat(36), "");
    }

    #[test]
    fn the_servers_own_hostname_is_without_port() {
        let check = |host: &'static str, expected: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(own_hostname(&headers), Some(expected));
        };
        check("stats.example:8080", "stats.example");
        check("stats.example", "stats.example");
        check("[::1]:8080", "[::1]");
    }

    #[test]
    fn hits_are_grouped_by_sender_in_the_order_sent() {
        let hit = |id| Hit {
            id: model::HitId(id),
            at: Millis(0),
            url: String::new(),
            kind: model::HitKind::Identify { identity: "i".into(), props: vec![] },
        };
        let by = |id, agent: Option<&'static str>| Judged {
            hit: hit(id),
            stated: agent.map(|agent| Box::new(Stated { address: None, agent: Some(agent.into()), language: None })),
        };
        let judged = vec![by(1, Some("a")), by(2, Some("b")), by(3, None), by(4, Some("a"))];
        let headers = HeaderMap::new();
        let groups = groups(judged, "198.51.100.1".parse().unwrap(), &headers);
        let ids: Vec<Vec<u128>> =
            groups.iter().map(|group| group.hits.iter().map(|hit| hit.id.0).collect()).collect();
        assert_eq!(ids, vec![vec![1, 4], vec![2], vec![3]]);
    }
}
