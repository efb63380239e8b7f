//! Who is let through: every route says what it needs, and here is the one place that asks `store::Access`.
//! Whoever lacks a right is answered as if there were nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chat::Refused;
use door::credential::{GUEST_COOKIE, SIGN_IN_COOKIE, cookie};
use door::{ClientAddress, Refusal};
use model::rights::Principal;
use model::{Action, Role, RoomId, Site, SiteId};
use store::accounts::{Account, SecretHash};
use store::{Credential, Denied};

use crate::Web;
use crate::error::{Problem, is_api};
use crate::shell::{ShellAccount, go_to};

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: the same for everybody, who is not even looked up.
    Nothing,
    /// Nothing, but whoever is signed in is known.
    Anybody,
    /// The secret in the path, which the handler looks up; without it there is nothing here.
    Secret,
    /// Any account (or, under `/api/`, a token).
    SignedIn,
    /// Somebody who takes part in rooms: an account, a guest, a bot.
    Person,
    /// To know of the room in the path, and to be somebody where it is not only read. What else may be done there says `Chat`.
    Room,
    /// The owner of the installation.
    Operator,
    /// This right on the site in the path.
    Site(Action),
}

/// Whoever asks, and the account behind it.
#[derive(Clone)]
pub struct Caller {
    pub principal: Principal,
    pub account: Option<Account>,
}

/// Somebody at a browser, signed in.
#[derive(Clone)]
pub struct SignedIn {
    pub principal: Principal,
    pub account: Account,
    /// Of the cookie.
    pub secret: SecretHash,
}

/// Somebody signed in who has the route's right on this site.
#[derive(Clone)]
pub struct OnSite {
    pub by: SignedIn,
    pub site: Site,
    /// What they are on it; the operator is owner of every site.
    pub role: Role,
}

impl Caller {
    pub fn shell_account(&self) -> Option<ShellAccount> {
        self.account.as_ref().map(ShellAccount::from)
    }
}

/// Lets through who has what the route needs.
pub async fn admit(
    State((web, needs)): State<(Arc<Web>, Needs)>,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    if needs == Needs::Nothing {
        return next.run(request).await;
    }
    let in_path = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    let site = in_path("site").and_then(|value| value.parse::<SiteId>().ok());
    let room = in_path("room").and_then(|value| value.parse::<RoomId>().ok());
    let (mut parts, body) = request.into_parts();
    let caller = match caller(&web, needs, &parts).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let shell_account = caller.shell_account();
    let mut response = match admitted(&web, &mut parts, needs, site, room, caller).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) if problem.0.status == StatusCode::UNAUTHORIZED && !is_api(parts.uri.path()) => {
            return to_sign_in(&parts);
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(account) = shell_account {
        response.extensions_mut().insert(account);
    }
    response
}

/// Pages take the cookies alone, and that of a guest only where there are rooms; the API takes every credential, and
/// says where one is not good.
async fn caller(web: &Web, needs: Needs, parts: &Parts) -> Result<Caller, Problem> {
    let api = is_api(parts.uri.path());
    let of_rooms = matches!(needs, Needs::Room | Needs::Person | Needs::Secret);
    let signed_in = || cookie(&parts.headers, SIGN_IN_COOKIE).map(Credential::SignIn);
    let guest = || of_rooms.then(|| cookie(&parts.headers, GUEST_COOKIE).map(Credential::Guest)).flatten();
    let credential = match api {
        true => door::credential(&parts.headers, &parts.uri),
        false => signed_in().or_else(guest).unwrap_or_default(),
    };
    let principal = match web.access.principal(&credential).await {
        Err(Denied::Unknown) if !api => Principal::Stranger,
        principal => principal?,
    };
    let account = match &principal {
        Principal::Account { id, .. } => Some(web.store.accounts.account(*id).await?),
        _ => None,
    };
    Ok(Caller { principal, account })
}

/// Checks the right, and hands the handler who asks and the site it is about.
async fn admitted(
    web: &Web,
    parts: &mut Parts,
    needs: Needs,
    site: Option<SiteId>,
    room: Option<RoomId>,
    caller: Caller,
) -> Result<(), Problem> {
    match needs {
        Needs::Room => allow_room(web, room, &parts.method, &caller.principal).await?,
        _ => allow(web, needs, site, &caller.principal).await?,
    }
    let secret = cookie(&parts.headers, SIGN_IN_COOKIE).map(|secret| SecretHash::of(&secret));
    let signed_in = caller.account.clone().zip(secret).map(|(account, secret)| SignedIn {
        principal: caller.principal.clone(),
        account,
        secret,
    });
    parts.extensions.insert(caller);
    if let (Needs::Site(_), Some(site)) = (needs, site) {
        let site = web.store.sites.site(site).await?;
        if let Some(by) = signed_in.clone() {
            let role = role(web, &by.account, site.id).await?;
            parts.extensions.insert(OnSite { by, site: site.clone(), role });
        }
        parts.extensions.insert(site);
    }
    if let Some(by) = signed_in {
        parts.extensions.insert(by);
    }
    Ok(())
}

async fn allow(web: &Web, needs: Needs, site: Option<SiteId>, principal: &Principal) -> Result<(), Denied> {
    match (needs, principal) {
        (Needs::Nothing | Needs::Anybody | Needs::Secret | Needs::Room, _) => Ok(()),
        (Needs::Person, principal) if principal.who().is_some() => Ok(()),
        (Needs::Site(action), _) => {
            let site = site.ok_or(Denied::Forbidden)?;
            web.access.authorise(principal, site, action).await
        }
        (Needs::SignedIn, Principal::Account { .. } | Principal::Token { .. }) => Ok(()),
        (Needs::Operator, Principal::Account { operator: true, .. }) => Ok(()),
        (Needs::SignedIn | Needs::Person | Needs::Operator, Principal::Stranger) => Err(Denied::Unknown),
        (Needs::SignedIn | Needs::Person | Needs::Operator, _) => Err(Denied::Forbidden),
    }
}

/// Whoever may not know of a room is answered as for one that is not there; a stranger is asked who they are.
async fn allow_room(
    web: &Web,
    room: Option<RoomId>,
    method: &Method,
    principal: &Principal,
) -> Result<(), Problem> {
    let is_stranger = *principal == Principal::Stranger;
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if is_stranger && !reads {
        return Err(Denied::Unknown.into());
    }
    let found = match room {
        Some(room) => web.chat.room(principal, room).await.map(drop),
        None => Err(Refused::NotFound),
    };
    match found {
        Err(Refused::NotFound) if is_stranger => Err(Denied::Unknown.into()),
        found => Ok(found?),
    }
}

/// What an account is on a site that it was let through to.
async fn role(web: &Web, account: &Account, site: SiteId) -> Result<Role, Problem> {
    if account.operator {
        return Ok(Role::Owner);
    }
    let role = web.store.accounts.role(account.id, site).await?;
    // Taken away since.
    Ok(role.ok_or_else(Refusal::not_found)?)
}

/// A page is shown after signing in; a form that came too late is not sent again by itself.
fn to_sign_in(parts: &Parts) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if parts.method != Method::GET || path == "/" {
        return go_to("/sign-in");
    }
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    go_to(&format!("/sign-in?next={next}"))
}

/// Refuses what another site makes a browser send here. `Sec-Fetch-Site` and `Origin` cannot be set by
/// scripts; a program that is no browser sends neither and carries no cookie by accident.
pub async fn refuse_cross_site(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_own(request.headers(), web.options.public_url.as_deref()) {
        return next.run(request).await;
    }
    let refusal = Refusal::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "This request came from another site, so nothing was done. Open the page here and try again.",
    );
    Problem(refusal).into_response()
}

fn is_own(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let fetched_here = matches!(text("sec-fetch-site"), None | Some("same-origin" | "none"));
    let from_here = text(header::ORIGIN.as_str()).is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        let public = public_url.is_some_and(|url| url.trim_end_matches('/') == origin);
        public || (host.is_some() && host == text(header::HOST.as_str()))
    });
    fetched_here && from_here
}

macro_rules! from_extension {
    ($name:ty, $absent:expr) => {
        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<$name, Problem> {
                parts.extensions.get::<$name>().cloned().ok_or_else(|| $absent.into())
            }
        }
    };
}

from_extension!(Caller, Refusal::not_found());
// Under `/api/` a token may come this far, where only a person may act.
from_extension!(SignedIn, Refusal::not_found());
from_extension!(OnSite, Refusal::not_found());

/// Where a request comes from, as far as that is known.
pub fn address_of(address: Option<Extension<ClientAddress>>) -> IpAddr {
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(address)| address.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: Option<&str>, fetch_site: Option<&str>, own: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "stats.example:8080".parse().unwrap());
        let mut set = |name: &'static str, value: Option<&str>| {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        };
        set("origin", origin);
        set("sec-fetch-site", fetch_site);
        assert_eq!(is_own(&headers, Some("https://public.example/")), own, "{origin:?} {fetch_site:?}");
    }

    #[test]
    fn only_our_own_pages_may_change_anything() {
        check(None, None, true);
        check(Some("http://stats.example:8080"), None, true);
        check(Some("http://stats.example:8080"), Some("same-origin"), true);
        check(Some("https://public.example"), Some("same-origin"), true);
        check(None, Some("none"), true);
        check(Some("http://stats.example"), None, false);
        check(Some("http://evil.example"), None, false);
        check(Some("http://stats.example:8080.evil.example"), None, false);
        check(Some("null"), None, false);
        check(Some(""), None, false);
        check(None, Some("cross-site"), false);
        check(None, Some("same-site"), false);
        check(Some("http://stats.example:8080"), Some("cross-site"), false);
        check(Some("http://evil.example"), Some("same-origin"), false);
    }
}
