//! Where a customer is on the site: who of its visitors they are, by what the tag's own door would know them by.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use door::identity::Known;
use model::{Site, VisitorKey, limits};
use url::Url;

use super::AboutStated;
use crate::Web;
use crate::error::Problem;

/// Who a visitor is, and was before the salts changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whereabouts {
    pub visitor: Option<VisitorKey>,
    pub before: Option<VisitorKey>,
}

/// Nobody where the page has no tag, or no browser that says who it is.
pub async fn visitor(
    web: &Web,
    site: &Site,
    address: IpAddr,
    headers: &HeaderMap,
    about: &AboutStated,
) -> Result<Whereabouts, Problem> {
    let Some(browser) = about.browser else {
        return Ok(Whereabouts::default());
    };
    let first_party = about.visitor.as_deref().filter(|id| site.first_party_id && !id.is_empty());
    let Known { visitor, before } = match first_party {
        Some(id) => web.identity.by_first_party(site.id, id),
        None => {
            let day = web.identity.day(&site.time_zone, web.clock.now()).await?;
            let agent =
                headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
            let agent = &agent[..agent.floor_char_boundary(limits::AGENT_BYTES_MAX)];
            web.identity.by_salt(&day, site.id, address, agent)
        }
    };
    let key = |visitor| VisitorKey { visitor, browser };
    Ok(Whereabouts { visitor: Some(key(visitor)), before: before.map(key) })
}

/// The address of a page of the site, without its fragment; empty: none of it.
pub fn page(site: &Site, address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else {
        return String::new();
    };
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_of_site = url.host_str().is_some_and(|host| site.takes_hostname(&host.to_lowercase()));
    if !is_web || !is_of_site || address.len() > limits::URL_BYTES_MAX {
        return String::new();
    }
    url.set_fragment(None);
    url.into()
}

/// One line of it, as much as fits.
pub fn title(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    line[..line.floor_char_boundary(limits::TITLE_BYTES_MAX)].to_owned()
}
