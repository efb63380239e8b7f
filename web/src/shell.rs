//! What every page has around it: title, who is signed in, the site it is about, a word on what just happened.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use model::Role;
use store::accounts::Account;

use crate::assets::{AssetUrls, URLS};
use crate::guard::OnSite;
use crate::headers::ROBOTS;

pub struct Shell {
    pub title: String,
    pub account: Option<ShellAccount>,
    pub site: Option<ShellSite>,
    /// A page about rooms.
    pub in_rooms: bool,
    /// Search engines may find it.
    pub is_public: bool,
    pub assets: &'static AssetUrls,
    pub flash: Option<Flash>,
}

#[derive(Clone)]
pub struct ShellAccount {
    pub name: String,
    pub email: String,
    pub operator: bool,
}

pub struct ShellSite {
    pub id: String,
    pub name: String,
    /// `live`, `reports`, `profiles`, `alerts`, `inbox`, `tag`, `settings` or `people`.
    pub tab: &'static str,
    pub may_edit: bool,
    pub may_converse: bool,
}

#[derive(Clone, Copy)]
pub struct Flash {
    /// `ok` or `error`.
    pub kind: &'static str,
    pub text: &'static str,
}

/// What a page may be asked to say with `?done=`: only these words.
const SAYINGS: [(&str, &str); 27] = [
    ("saved", "Saved."),
    ("password", "Your password is changed. You are signed out everywhere else."),
    ("signed-out", "You are signed out."),
    ("signed-out-everywhere", "You are signed out everywhere."),
    ("deleted", "The site and everything that was counted for it are deleted."),
    ("corrected", "Corrected: every report follows."),
    ("taken-back", "Taken back: every number is as it was."),
    ("watched", "It is looked at from now on, every 30 seconds."),
    ("unwatched", "It is looked at no longer; what was seen of it is gone."),
    ("erased", "Erased: nothing of that history is left here."),
    ("role", "The role is changed."),
    ("removed", "The member is removed."),
    ("withdrawn", "The invitation is withdrawn."),
    ("unshared", "The share link no longer works."),
    ("revoked", "The token no longer works."),
    ("made", "That was made already; its secret was shown once. Make another if you did not keep it."),
    ("left", "You left the room."),
    ("demolished", "The room and everything that was said in it are gone."),
    ("forgotten", "What the room knew of that repository is forgotten."),
    ("unhooked", "That hook is removed: its address is no longer good."),
    ("unlinked", "The guest link no longer works."),
    ("brought", "They are in the room now."),
    ("kicked", "They are out; they may come in again."),
    ("banned", "They are out, and stay out for that time."),
    ("unbanned", "They may come in again."),
    ("joined", "Welcome! You can now see this site."),
    ("welcome", "Welcome! Your account is ready. Now add your first site."),
];

impl Shell {
    pub fn new(title: &str, account: Option<ShellAccount>) -> Shell {
        Shell {
            title: title.to_owned(),
            account,
            site: None,
            in_rooms: false,
            is_public: false,
            assets: &URLS,
            flash: None,
        }
    }

    /// The shell of a page about one site.
    pub fn on_site(title: &str, on: &OnSite, tab: &'static str) -> Shell {
        let site = ShellSite {
            id: on.site.id.to_string(),
            name: on.site.name.clone(),
            tab,
            may_edit: on.role >= Role::Admin,
            may_converse: on.role >= Role::Agent,
        };
        Shell { site: Some(site), ..Shell::new(title, Some((&on.by.account).into())) }
    }

    /// Says what just happened, where the address names it.
    pub fn saying(mut self, done: &Done) -> Shell {
        let said = SAYINGS.iter().find(|(name, _)| Some(*name) == done.0.as_deref());
        self.flash = said.map(|&(_, text)| Flash { kind: "ok", text });
        self
    }

    pub fn warning(mut self, text: &'static str) -> Shell {
        self.flash = Some(Flash { kind: "error", text });
        self
    }
}

impl From<&Account> for ShellAccount {
    fn from(account: &Account) -> ShellAccount {
        ShellAccount { name: account.name.clone(), email: account.email.clone(), operator: account.operator }
    }
}

/// `?done=` of the address.
pub struct Done(Option<String>);

impl<S: Sync> axum::extract::FromRequestParts<S> for Done {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Done, Self::Rejection> {
        Ok(Done(query_value(parts.uri.query(), "done")))
    }
}

/// One value of a query, decoded.
pub fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A page that search engines may find, where its shell says so.
pub fn found_page(template: &impl Template, is_public: bool) -> Response {
    let mut response = page(template);
    if is_public {
        response.headers_mut().insert(ROBOTS, HeaderValue::from_static("all"));
    }
    response
}

/// A page; kept by no cache.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => ([(header::CACHE_CONTROL, "no-store")], Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 303: the browser goes there with GET.
pub fn go_to(path: &str) -> Response {
    Redirect::to(path).into_response()
}
