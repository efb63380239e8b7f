//! Reads a request's JSON and tells the good hits from the bad ones. Pure: bytes in, hits and refusals out.

mod fields;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use model::{BrowserId, Hit, HitId, HitKind, Millis, Screen, Site, SiteId, limits};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::options::LANGUAGE_BYTES_MAX;
use fields::{Hits, Props, Text, WireHit};

/// A request as sent, with the hits still to be judged.
pub(crate) struct Request<'a> {
    pub(crate) site: SiteId,
    pub(crate) sent: Millis,
    pub(crate) browser: BrowserId,
    /// The id that the browser keeps, where it sent one.
    pub(crate) visitor: Option<Cow<'a, str>>,
    pub(crate) screen: Option<Screen>,
    hits: Vec<Result<WireHit<'a>, String>>,
}

/// Why a whole request cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Malformed(String),
    NoHits,
    TooManyHits,
}

/// What a hit is judged by besides itself.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) site: &'a Site,
    pub(crate) received: Millis,
    pub(crate) sent: Millis,
    /// Hostname of this server as the sender called it: each site has a demo shop there.
    pub(crate) own_hostname: Option<&'a str>,
}

/// A good hit, and whom the sender stated it to be from.
#[derive(Debug, PartialEq)]
pub(crate) struct Judged<'a> {
    pub(crate) hit: Hit<'a>,
    pub(crate) stated: Option<Box<Stated<'a>>>,
}

/// Somebody else, in whose name a hit is sent.
#[derive(Debug, PartialEq)]
pub(crate) struct Stated<'a> {
    pub(crate) address: Option<IpAddr>,
    pub(crate) agent: Option<Cow<'a, str>>,
    pub(crate) language: Option<Cow<'a, str>>,
}

/// A bad hit: its place in the request, a stable code, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Refused {
    pub(crate) index: usize,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

type Reason = (&'static str, String);

#[derive(Deserialize)]
struct Wire<'a, H> {
    #[serde(borrow)]
    site: Text<'a>,
    sent: i64,
    #[serde(borrow)]
    browser: Option<Text<'a>>,
    #[serde(borrow)]
    visitor: Option<Text<'a>>,
    #[serde(borrow)]
    screen: Option<Text<'a>>,
    #[serde(default = "Hits::none")]
    hits: Hits<H>,
}

impl<'a> Request<'a> {
    /// Reads a body of at most `limits::HITS_BODY_BYTES_MAX`.
    pub(crate) fn read(body: &'a [u8]) -> Result<Request<'a>, Unreadable> {
        // Nearly every request is good as a whole and is read in one pass; only others are read hit by hit.
        if let Ok(wire) = serde_json::from_slice::<Wire<'a, WireHit<'a>>>(body) {
            return Request::of(wire, Ok);
        }
        match serde_json::from_slice::<Wire<'a, &'a RawValue>>(body) {
            Ok(wire) => {
                Request::of(wire, |raw| serde_json::from_str(raw.get()).map_err(|error| plain(&error)))
            }
            Err(error) => Err(Unreadable::Malformed(plain(&error))),
        }
    }

    fn of<H>(
        wire: Wire<'a, H>,
        read: impl Fn(H) -> Result<WireHit<'a>, String>,
    ) -> Result<Request<'a>, Unreadable> {
        let Hits(hits) = wire.hits;
        if hits.is_empty() {
            return Err(Unreadable::NoHits);
        }
        if hits.len() > limits::HITS_A_REQUEST_MAX {
            return Err(Unreadable::TooManyHits);
        }
        let malformed = |what: &str| Unreadable::Malformed(what.to_owned());
        let optional_id = |text: Option<Text<'a>>, digits| match text {
            Some(Text(text)) if !is_hexadecimal(&text, digits) => Err(()),
            text => Ok(text.map(|Text(text)| text)),
        };
        let browser =
            optional_id(wire.browser, 16).map_err(|()| malformed("`browser` is 16 hexadecimal digits"))?;
        let visitor =
            optional_id(wire.visitor, 32).map_err(|()| malformed("`visitor` is 32 hexadecimal digits"))?;
        let screen =
            wire.screen.map(|Text(text)| screen(&text).ok_or("`screen` is WIDTHxHEIGHT")).transpose();
        Ok(Request {
            site: wire.site.0.parse().map_err(|_| malformed("`site` is a site id, as WF-8K2MZQ4T"))?,
            sent: Millis(wire.sent),
            browser: browser.and_then(|text| text.parse().ok()).unwrap_or_default(),
            visitor,
            screen: screen.map_err(malformed)?,
            hits: hits.into_iter().map(read).collect(),
        })
    }

    /// Judges every hit. Good ones in the order sent; bad ones with their index.
    pub(crate) fn judge(self, context: &Context<'_>) -> (Vec<Judged<'a>>, Vec<Refused>) {
        let mut good = Vec::with_capacity(self.hits.len());
        let mut bad = Vec::new();
        for (index, hit) in self.hits.into_iter().enumerate() {
            match hit.map_err(|error| ("field", error)).and_then(|hit| judge(hit, context)) {
                Ok(judged) => good.push(judged),
                Err((code, message)) => bad.push(Refused { index, code, message }),
            }
        }
        (good, bad)
    }
}

/// The path of an address that was judged good: what the site's ignore list is about.
pub(crate) fn path_of(url: &str) -> &str {
    let behind_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = behind_scheme.find(['/', '?', '#']).map_or("/", |at| &behind_scheme[at..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() { "/" } else { path }
}

/// The hit itself, whatever its site, where the rest of the address does not matter (the pixel).
pub(crate) fn judge_pageview<'a>(
    url: &'a str,
    referrer: &'a str,
    title: &'a str,
    id: HitId,
    context: &Context<'_>,
) -> Result<Hit<'a>, Reason> {
    let at = context.received;
    let url = url_of(Some(Text(Cow::Borrowed(url))), context)?;
    let referrer = at_most(limits::REFERRER_BYTES_MAX, "referrer", Cow::Borrowed(referrer))?;
    let kind = HitKind::Pageview {
        referrer,
        title: cut(Cow::Borrowed(title), limits::TITLE_BYTES_MAX),
        due_ms: None,
    };
    Ok(Hit { id, at, url, kind })
}

fn judge<'a>(wire: WireHit<'a>, context: &Context<'_>) -> Result<Judged<'a>, Reason> {
    let Some(id) = wire.id.as_ref().and_then(|Text(id)| id.parse::<HitId>().ok()) else {
        return Err(("hit_id", "`id` is 32 hexadecimal digits, another for each hit.".into()));
    };
    // Logs that are replayed are as old as they are; whoever may state senders may state that too.
    let is_stated = wire.address.is_some() || wire.agent.is_some();
    let age_max = if is_stated { Duration::MAX } else { limits::HIT_AGE_MAX };
    let at = happened(wire.at, age_max, context)?;
    let url = url_of(wire.url, context)?;
    let kind = match wire.kind.as_ref().map(|Text(kind)| &**kind) {
        Some("pageview") => HitKind::Pageview {
            referrer: at_most(limits::REFERRER_BYTES_MAX, "referrer", text(wire.referrer))?,
            title: cut(text(wire.title), limits::TITLE_BYTES_MAX),
            due_ms: wire.due.map(due).transpose()?,
        },
        Some("heartbeat") => HitKind::Heartbeat {
            pageview: pageview(wire.pageview.as_ref())?,
            engaged_ms: engaged(wire.engaged)?,
            scroll: scroll(wire.scroll)?,
            active: wire.active.unwrap_or(false),
            due_ms: due(wire.due.ok_or_else(|| missing("due"))?)?,
        },
        Some("leave") => HitKind::Leave {
            pageview: pageview(wire.pageview.as_ref())?,
            engaged_ms: engaged(wire.engaged)?,
            scroll: scroll(wire.scroll)?,
        },
        Some("event") => HitKind::Event {
            name: named(limits::EVENT_NAME_BYTES_MAX, "name", text(wire.name))?,
            props: props(wire.props)?,
            pageview: wire.pageview.as_ref().map(|id| pageview(Some(id))).transpose()?,
        },
        Some("identify") => HitKind::Identify {
            identity: named(limits::IDENTITY_BYTES_MAX, "identity", text(wire.identity))?,
            props: props(wire.props)?,
        },
        _ => return Err(("kind", "`kind` is pageview, heartbeat, leave, event or identify.".into())),
    };
    let stated = stated(wire.address, wire.agent, wire.language)?;
    Ok(Judged { hit: Hit { id, at, url, kind }, stated })
}

fn stated<'a>(
    address: Option<Text<'a>>,
    agent: Option<Text<'a>>,
    language: Option<Text<'a>>,
) -> Result<Option<Box<Stated<'a>>>, Reason> {
    if address.is_none() && agent.is_none() {
        return Ok(None);
    }
    let address = address.map(|Text(address)| address.parse::<IpAddr>()).transpose();
    let language = language.map(|Text(language)| language);
    if language.as_ref().is_some_and(|language| language.len() > LANGUAGE_BYTES_MAX) {
        return Err(too_long("language", LANGUAGE_BYTES_MAX));
    }
    Ok(Some(Box::new(Stated {
        address: address.map_err(|_| ("field", "`address` is an IPv4 or IPv6 address.".into()))?,
        agent: agent.map(|Text(agent)| agent),
        language,
    })))
}

/// When it happened by our clock: as long before the arrival as it was before `sent`, never after it.
fn happened(at: Option<i64>, age_max: Duration, context: &Context<'_>) -> Result<Millis, Reason> {
    let at = at.ok_or_else(|| missing("at"))?;
    let before_sent = i128::from(context.sent.0) - i128::from(at);
    let ahead_max = limits::HIT_AHEAD_MAX.as_millis() as i128;
    let happened = i128::from(context.received.0) - before_sent.max(0);
    let is_too_old = before_sent > 0 && before_sent as u128 > age_max.as_millis();
    if before_sent < -ahead_max || is_too_old || happened < 0 {
        let days = limits::HIT_AGE_MAX.as_secs() / 86_400;
        let message = format!("`at` is at most 60 s after `sent` and at most {days} days before it.");
        return Err(("clock", message));
    }
    Ok(Millis(happened as i64))
}

fn url_of<'a>(url: Option<Text<'a>>, context: &Context<'_>) -> Result<Cow<'a, str>, Reason> {
    let Text(url) = url.ok_or_else(|| missing("url"))?;
    if url.len() > limits::URL_BYTES_MAX {
        return Err(too_long("url", limits::URL_BYTES_MAX));
    }
    let Some(hostname) = hostname(&url) else {
        return Err(("url", "`url` is the page's whole address, http or https.".into()));
    };
    let is_own = context.own_hostname.is_some_and(|own| own.eq_ignore_ascii_case(&hostname));
    let is_own_demo = is_own && demo_site(path_of(&url)) == Some(context.site.id);
    if !is_own_demo && !context.site.takes_hostname(&hostname) {
        return Err((
            "hostname",
            "The page's hostname is not one of the site's. Add it in the site's settings.".into(),
        ));
    }
    Ok(without_user(url))
}

/// A name and password before the host (`https://ada:secret@shop.example/`) go no further.
fn without_user(url: Cow<'_, str>) -> Cow<'_, str> {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| begin + at);
    match url[begin..end].rfind('@') {
        Some(at) => Cow::Owned(format!("{}{}", &url[..begin], &url[begin + at + 1..])),
        None => url,
    }
}

/// The site whose demo shop this path is in: `/demo/WF-…/…`.
fn demo_site(path: &str) -> Option<SiteId> {
    path.strip_prefix("/demo/")?.split('/').next()?.parse().ok()
}

/// The hostname of an http or https address, lower case, in its ASCII form, without port.
fn hostname(url: &str) -> Option<Cow<'_, str>> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_plain = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && port.bytes().all(|byte| byte.is_ascii_digit());
    // What is plain already needs no parser; anything else (upper case, user names, IPv6, IDN) gets it.
    if is_plain && !name.contains("xn--") {
        return Some(Cow::Borrowed(name));
    }
    let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(Cow::Owned(parsed.host_str()?.to_owned()))
}

fn due(due: u64) -> Result<u32, Reason> {
    let max = limits::DUE_MAX.as_millis() as u64;
    let within = u32::try_from(due).ok().filter(|_| due <= max);
    within.ok_or_else(|| ("field", format!("`due` is at most {max} milliseconds.")))
}

fn engaged(engaged: Option<u64>) -> Result<u32, Reason> {
    let engaged = engaged.ok_or_else(|| missing("engaged"))?;
    u32::try_from(engaged).map_err(|_| ("field", format!("`engaged` is at most {} milliseconds.", u32::MAX)))
}

fn scroll(scroll: Option<u64>) -> Result<u8, Reason> {
    let scroll = scroll.ok_or_else(|| missing("scroll"))?;
    let percent = u8::try_from(scroll).ok().filter(|percent| *percent <= 100);
    percent.ok_or_else(|| ("field", "`scroll` is a percentage from 0 to 100.".into()))
}

fn pageview(id: Option<&Text<'_>>) -> Result<HitId, Reason> {
    let Text(id) = id.ok_or_else(|| missing("pageview"))?;
    id.parse().map_err(|_| ("hit_id", "`pageview` is the id of a pageview: 32 hexadecimal digits.".into()))
}

fn props(props: Option<Props>) -> Result<Vec<(String, String)>, Reason> {
    let Props(props) = props.unwrap_or_default();
    if props.len() > limits::PROPS_MAX {
        return Err(("too_many_props", format!("At most {} props.", limits::PROPS_MAX)));
    }
    for (key, value) in &props {
        if key.len() > limits::PROP_KEY_BYTES_MAX {
            return Err(too_long("key of a prop", limits::PROP_KEY_BYTES_MAX));
        }
        if value.len() > limits::PROP_VALUE_BYTES_MAX {
            return Err(too_long("value of a prop", limits::PROP_VALUE_BYTES_MAX));
        }
    }
    Ok(props)
}

fn named<'a>(max: usize, field: &str, text: Cow<'a, str>) -> Result<Cow<'a, str>, Reason> {
    if text.is_empty() {
        return Err(missing(field));
    }
    at_most(max, field, text)
}

fn at_most<'a>(max: usize, field: &str, text: Cow<'a, str>) -> Result<Cow<'a, str>, Reason> {
    if text.len() > max { Err(too_long(field, max)) } else { Ok(text) }
}

/// The longest beginning of at most `max` bytes that ends at a character.
pub(crate) fn cut(text: Cow<'_, str>, max: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(max);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

fn text(text: Option<Text<'_>>) -> Cow<'_, str> {
    text.map(|Text(text)| text).unwrap_or_default()
}

fn too_long(field: &str, max: usize) -> Reason {
    ("too_long", format!("The {field} is longer than {max} bytes."))
}

fn missing(field: &str) -> Reason {
    ("field", format!("`{field}` is missing."))
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn screen(text: &str) -> Option<Screen> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse::<u16>().ok().filter(|side| *side > 0);
    Some(Screen { width: side(width)?, height: side(height)? })
}

/// What serde says, without the bytes it said it about.
fn plain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let what = words.split(" at line ").next().unwrap_or_default();
    match what {
        _ if error.is_data() && what.starts_with("missing field") => format!("{what}."),
        _ if error.is_data() => "A field is of the wrong type; docs/protocol.md says which types.".to_owned(),
        _ => format!("This is not JSON: wrong at line {}, column {}.", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests;
