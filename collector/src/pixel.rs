//! `GET /v1/p.gif`: one pageview for pages without scripts. Always answers with the picture.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use door::{ClientAddress, Refusal};
use model::{BrowserId, HitId, SiteId};

use crate::Collector;
use crate::answers::unknown_site;
use crate::groups::Group;
use crate::hits::{Sending, own_hostname};
use crate::request::{Context, judge_pageview};
use crate::routes::open_to_all;

/// One transparent pixel.
const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\
\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Bytes of a query that is looked at.
const QUERY_BYTES_MAX: usize = 8_192;

#[derive(Default)]
struct Query {
    site: String,
    url: Option<String>,
    referrer: String,
    title: String,
}

/// `GET /v1/p.gif?site=WF-…`
pub(crate) async fn receive(
    State(collector): State<Arc<Collector>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // Who only looks at the head shows no page.
    let counted = match method {
        Method::HEAD => Ok(()),
        _ => collector.count_pixel(address, &uri, &headers).await,
    };
    let mut response = GIF.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, max-age=0"));
    if let Err(refusal) = counted {
        metrics::counter!("watchfire_requests_refused_total", "code" => refusal.code).increment(1);
        answer.insert("watchfire-refused", HeaderValue::from_static(refusal.code));
    }
    open_to_all(response)
}

impl Collector {
    async fn count_pixel(&self, address: IpAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let query = Query::of(uri.query().unwrap_or_default())?;
        let site: SiteId = query.site.parse().map_err(|_| unknown_site())?;
        let received = self.clock.now();
        let entry = self.directory.site(site, received).await?.ok_or_else(unknown_site)?;
        let day = self.identity.day(&entry.site.time_zone, received).await?;
        let page = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
        let context =
            Context { site: &entry.site, received, sent: received, own_hostname: own_hostname(headers) };
        let url = query.url.as_deref().or(page).unwrap_or_default();
        let hit = judge_pageview(url, &query.referrer, &query.title, fresh_id(), &context)
            .map_err(|(code, message)| Refusal::bad_request(code, message))?;
        let sending = Sending {
            entry: &entry,
            day: &day,
            received,
            browser: BrowserId(0),
            screen: None,
            first_party: None,
            states_senders: false,
        };
        let group = Group { hits: vec![hit], ..Group::of_sender(address, headers) };
        match self.send(&sending, vec![group], headers).await?.accepted {
            0 => Err(Refusal::new(StatusCode::OK, "ignored", "The site does not count this.")),
            _ => Ok(()),
        }
    }
}

impl Query {
    fn of(text: &str) -> Result<Query, Refusal> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(Refusal::bad_request(
                "too_long",
                format!("The query is longer than {QUERY_BYTES_MAX} bytes."),
            ));
        }
        let mut query = Query::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "site" => query.site = value.into_owned(),
                "url" => query.url = Some(value.into_owned()),
                "referrer" => query.referrer = value.into_owned(),
                "title" => query.title = value.into_owned(),
                _ => {}
            }
        }
        Ok(query)
    }
}

fn fresh_id() -> HitId {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system gives random numbers");
    HitId(u128::from_le_bytes(random))
}
