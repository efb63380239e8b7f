//! `POST /v1/hits`: reads, judges, names the sender, and answers when the hits are durable.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use door::{ClientAddress, Refusal};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::{Arrival, BatchId, BrowserId, Millis, Screen, limits};

use crate::Collector;
use crate::answers::{
    Receipt, body_too_large, may_not_state, no_good_hit, not_taken, slow_body, too_fast, unknown_site,
    unreadable,
};
use crate::directory::Entry;
use crate::groups::{Group, first_language, groups};
use crate::options::{BODY_TIMEOUT, DISCARDED_BYTES_MAX};
use crate::request::{Context, Request, cut, path_of};
use crate::routes::open_to_all;
use door::identity::{Day, Known};

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

/// What became of a request's hits.
pub(crate) struct Sent {
    /// These are durable.
    pub(crate) accepted: usize,
    pub(crate) ignored: usize,
    /// That the first of them went into.
    pub(crate) batch: Option<BatchId>,
}

/// `POST /v1/hits`
pub(crate) async fn receive(
    State(collector): State<Arc<Collector>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = match collector.receive(address, &uri, &headers, body).await {
        Ok(receipt) => receipt.into_response(),
        Err(refusal) => {
            metrics::counter!("watchfire_requests_refused_total", "code" => refusal.code).increment(1);
            refusal.into_response()
        }
    };
    open_to_all(answer)
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
        let entry = self.directory.site(request.site, received).await?.ok_or_else(unknown_site)?;
        let day = self.identity.day(&entry.site.time_zone, received).await?;
        let (browser, screen, visitor) = (request.browser, request.screen, request.visitor.clone());
        let context =
            Context { site: &entry.site, received, sent: request.sent, own_hostname: own_hostname(headers) };
        let (judged, refused) = request.judge(&context);
        for refused in &refused {
            metrics::counter!("watchfire_hits_refused_total", "code" => refused.code).increment(1);
        }
        self.counts.refused.increment(refused.len() as u64);
        if judged.is_empty() {
            return Err(no_good_hit(refused));
        }
        let states_senders = judged.iter().any(|judged| judged.stated.is_some());
        if states_senders && !self.may_state(headers, uri, &entry, received).await? {
            return Err(may_not_state());
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
        let Sent { accepted, ignored, batch } =
            self.send(&sending, groups(judged, address, headers), headers).await?;
        Ok(Receipt { accepted, ignored, refused, chat: entry.site.chat.on, batch })
    }

    async fn may_state(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        entry: &Entry,
        now: Millis,
    ) -> Result<bool, Refusal> {
        let credential = door::credential(headers, uri);
        Ok(self.senders.may_state(&credential, entry.site.id, now).await?)
    }

    /// Leaves out what the site ignores and publishes the rest.
    pub(crate) async fn send(
        &self,
        sending: &Sending<'_>,
        mut groups: Vec<Group<'_>>,
        headers: &HeaderMap,
    ) -> Result<Sent, Refusal> {
        let ignored = leave_out_ignored(sending.entry, &mut groups, headers);
        self.counts.ignored.increment(ignored as u64);
        let accepted = groups.iter().map(|group| group.hits.len()).sum();
        let mut batch = None;
        if accepted > 0 {
            batch = self.publish(sending, groups, accepted).await?;
        }
        self.counts.accepted.increment(accepted as u64);
        Ok(Sent { accepted, ignored, batch })
    }

    /// The hits leave the collector, without the address. All are on their way before the first is awaited. The first one's batch.
    async fn publish(
        &self,
        sending: &Sending<'_>,
        groups: Vec<Group<'_>>,
        hits: usize,
    ) -> Result<Option<BatchId>, Refusal> {
        let arrivals: Vec<_> = groups.into_iter().map(|group| self.arrival(sending, group)).collect();
        let sender = arrivals.first().map(|(_, arrival)| (arrival.visitor, arrival.browser));
        let rated = sender.filter(|_| !sending.states_senders);
        self.rates.take(sending.entry.site.id, rated, hits, sending.received).map_err(too_fast)?;
        let put = |(shard, arrival)| self.gather.put(shard, &arrival);
        let promises = arrivals.into_iter().map(put).collect::<Result<Vec<_>, _>>().map_err(not_taken)?;
        let mut first = None;
        for promise in promises {
            let batch = promise.kept().await.map_err(not_taken)?;
            first.get_or_insert(batch);
        }
        Ok(first)
    }

    fn arrival<'a>(&self, sending: &Sending<'_>, group: Group<'a>) -> (u16, Arrival<'a>) {
        let Group { address, agent, language, hits } = group;
        let site = sending.entry.site.id;
        let agent = cut(agent, limits::AGENT_BYTES_MAX);
        let known = match sending.first_party {
            Some(id) => self.identity.by_first_party(site, id),
            None => self.identity.by_salt(sending.day, site, address, &agent),
        };
        let shard = self.identity.shard(known, site, address, &agent, self.gather.shards());
        let Known { visitor, before: visitor_before } = known;
        let arrival = Arrival {
            site,
            received: sending.received,
            visitor,
            visitor_before,
            browser: sending.browser,
            agent,
            language: first_language(&language).into(),
            screen: sending.screen,
            place: self.places.of(address),
            hits,
        };
        (shard, arrival)
    }
}

/// The hostname that the sender called this server by.
pub(crate) fn own_hostname(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    Some(host.rsplit_once(':').filter(|(_, after)| port(after)).map_or(host, |(name, _)| name))
}

/// The whole body, within its size and its time.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let stated =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(bytes) = stated.filter(|bytes| *bytes > limits::HITS_BODY_BYTES_MAX) {
        if bytes <= DISCARDED_BYTES_MAX {
            discard(body).await;
        }
        return Err(body_too_large());
    }
    let limited = Limited::new(body, limits::HITS_BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(body_too_large()),
        Ok(Err(_)) => Err(Refusal::bad_request("malformed", "The body ended before its end.")),
        Err(_) => Err(slow_body()),
    }
}

/// Reads to the end what nobody wants, within the time of a body.
async fn discard(mut body: Body) {
    let end = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(BODY_TIMEOUT, end).await;
}

/// Takes out of the groups what the site ignores; how many hits that were.
fn leave_out_ignored(entry: &Entry, groups: &mut Vec<Group<'_>>, headers: &HeaderMap) -> usize {
    let mut ignored = 0;
    for group in groups.iter_mut() {
        let sender = entry.ignored.sender(group.address, headers);
        group.hits.retain(|hit| {
            let Some(reason) = sender.or_else(|| entry.ignored.path(path_of(&hit.url))) else {
                return true;
            };
            metrics::counter!("watchfire_hits_ignored_total", "reason" => reason.name()).increment(1);
            ignored += 1;
            false
        });
    }
    groups.retain(|group| !group.hits.is_empty());
    ignored
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_servers_own_hostname_is_without_port() {
        let check = |host: &'static str, expected: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(own_hostname(&headers), Some(expected));
        };
        check("stats.example:8080", "stats.example");
        check("stats.example", "stats.example");
        check("[::1]:8080", "[::1]");
        check("[::1]", "[::1]");
    }
}
