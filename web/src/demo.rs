//! The demo shop on the server itself, so that a new user is their own first visitor.

use std::sync::Arc;

use axum::extract::State;

use crate::Web;
use crate::error::Answer;
use crate::guard::SignedIn;
use crate::shell::go_to;
use crate::visible;

/// `GET /demo`: the shop with the tag of one's first site.
pub async fn first(State(web): State<Arc<Web>>, by: SignedIn) -> Answer {
    let sites = visible::page(&web, &by.principal, 1).await?.sites;
    Ok(match sites.first() {
        Some(first) => go_to(&format!("/demo/{}/", first.site.id)),
        None if by.account.operator => go_to("/sites/new"),
        None => go_to("/"),
    })
}
