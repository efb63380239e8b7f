//! The demo shop on the server itself, so that a new user is their own first visitor: a small shop as any
//! site owner's, whose pages carry the tag of a site that exists here.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use door::Refusal;
use model::SiteId;

use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::SignedIn;
use crate::shell::{go_to, page};
use crate::visible;

const PRICE_LIST: &str = include_str!("../demo/price-list.txt");

macro_rules! shop_page {
    ($handler:ident, $page:ident, $file:literal) => {
        #[derive(Template)]
        #[template(path = $file)]
        struct $page {
            site: String,
        }

        pub async fn $handler(State(web): State<Arc<Web>>, Path(site): Path<String>) -> Answer {
            let site = existing(&web, &site).await?;
            Ok(page(&$page { site: site.to_string() }))
        }
    };
}

shop_page!(home, HomePage, "../demo/shop_home.html");
shop_page!(teas, TeasPage, "../demo/shop_teas.html");
shop_page!(assam, AssamPage, "../demo/shop_assam.html");
shop_page!(cart, CartPage, "../demo/shop_cart.html");
shop_page!(about, AboutPage, "../demo/shop_about.html");

/// `GET /demo`: the shop with the tag of one's first site.
pub async fn first(State(web): State<Arc<Web>>, by: SignedIn) -> Answer {
    let sites = visible::page(&web, &by.principal, 1).await?.sites;
    Ok(match sites.first() {
        Some(first) => go_to(&format!("/demo/{}/", first.site.id)),
        None if by.account.operator => go_to("/sites/new"),
        None => go_to("/"),
    })
}

/// `GET /demo/{site}`: the links of the shop's pages begin at the slash.
pub async fn to_home(State(web): State<Arc<Web>>, Path(site): Path<String>) -> Answer {
    let site = existing(&web, &site).await?;
    Ok(go_to(&format!("/demo/{site}/")))
}

/// `GET /demo/{site}/price-list.txt`: something to download.
pub async fn price_list(State(web): State<Arc<Web>>, Path(site): Path<String>) -> Answer {
    existing(&web, &site).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], PRICE_LIST).into_response())
}

/// Which sites exist is no secret: their ids stand in the tags of their pages.
async fn existing(web: &Web, site: &str) -> Result<SiteId, Problem> {
    let site: SiteId = site.parse().map_err(|_| Refusal::not_found())?;
    Ok(web.store.sites.site(site).await?.id)
}
