//! Signing in and out. Whatever is wrong, the answer is the same and takes as long.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use door::credential::{SIGN_IN_COOKIE, cookie};
use door::{ClientAddress, Refusal};
use model::AccountId;
use model::limits::{EMAIL_BYTES_MAX, PASSWORD_BYTES_MAX};
use store::StoreError;
use store::accounts::{Account, SecretHash, SignIn};

use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::{Caller, address_of};
use crate::rooms::marks_of;
use crate::shell::{Done, Shell, go_to, page, query_value};
use crate::{Web, cookies, secret};

/// Bytes of a path that signing in leads to.
const NEXT_BYTES_MAX: usize = 1_024;
const WRONG: &str = "The e-mail address or the password is not right. Try again.";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    email: String,
    next: String,
    problem: Option<String>,
}

/// `GET /sign-in?next=`
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    done: Done,
) -> Answer {
    let next = query_value(query.as_deref(), "next").unwrap_or_default();
    if caller.account.is_some() {
        return Ok(go_to(local(&next)));
    }
    if web.store.accounts.is_empty().await? {
        return Ok(go_to("/"));
    }
    let shell = Shell::new("Sign in", None).saying(&done);
    Ok(page(&SignInPage { shell, email: String::new(), next: local(&next).to_owned(), problem: None }))
}

/// `POST /sign-in`
pub async fn submit(
    State(web): State<Arc<Web>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let address = address_of(address);
    let email = fields.text("email").trim();
    if email.is_empty() || fields.text("password").is_empty() {
        let incomplete = form(&fields, "Type your e-mail address and your password.".to_owned());
        return Ok((StatusCode::BAD_REQUEST, incomplete).into_response());
    }
    let tried = match web.attempts.sign_in(address, email, web.clock.now()) {
        Ok(tried) => tried,
        Err(wait) => return Ok(too_often(&fields, wait)),
    };
    let Some(account) = checked(&web, email, fields.text("password")).await? else {
        count("failed");
        return Ok((StatusCode::UNAUTHORIZED, form(&fields, WRONG.to_owned())).into_response());
    };
    web.attempts.give_back(tried);
    count("ok");
    let cookies = open(&web, account.id, address, &headers).await?;
    Ok((cookies, go_to(local(fields.text("next")))).into_response())
}

/// `POST /sign-out`
pub async fn leave(State(web): State<Arc<Web>>, headers: HeaderMap) -> Answer {
    if let Some(secret) = cookie(&headers, SIGN_IN_COOKIE) {
        web.store.accounts.close_sign_in(SecretHash::of(&secret)).await?;
        web.tell_rights_changed().await;
    }
    Ok(gone(&web, "/sign-in?done=signed-out"))
}

/// Cookies to be set.
pub type Cookies = AppendHeaders<[(HeaderName, HeaderValue); 2]>;

/// Opens a sign-in of an account; the cookies that carry it and know the browser again.
pub async fn open(
    web: &Web,
    account: AccountId,
    address: IpAddr,
    headers: &HeaderMap,
) -> Result<Cookies, Problem> {
    let secret = secret::fresh();
    let browser = cookies::browser_of(headers);
    let now = web.clock.now();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sign_in = SignIn {
        secret: SecretHash::of(&secret),
        account,
        created: now,
        expires: now.plus(web.options.sign_in_lasts),
        agent: in_words(agent),
        marks: marks_of(web, &browser, address).await?,
    };
    web.store.accounts.open_sign_in(sign_in).await?;
    let cookies = [cookies::signed_in(&secret, &web.options), cookies::browser(&browser, &web.options)];
    Ok(AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie))))
}

/// Leads somebody away whose sign-in ended.
pub fn gone(web: &Web, path: &str) -> Response {
    ([(header::SET_COOKIE, cookies::signed_out(&web.options))], go_to(path)).into_response()
}

/// The account, where e-mail and password belong together.
async fn checked(web: &Web, email: &str, password: &str) -> Result<Option<Account>, Problem> {
    if email.len() > EMAIL_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
        return Ok(None);
    }
    let account = match web.store.accounts.account_by_email(email).await {
        Ok(account) => Some(account),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let phc = account.as_ref().map(|account| account.password_phc.as_str());
    let fits = web.passwords.fits(password, phc).await?;
    Ok(account.filter(|_| fits))
}

fn form(fields: &Fields, problem: String) -> Response {
    page(&SignInPage {
        shell: Shell::new("Sign in", None),
        email: fields.text("email").trim().to_owned(),
        next: local(fields.text("next")).to_owned(),
        problem: Some(problem),
    })
}

fn too_often(fields: &Fields, wait: Duration) -> Response {
    count("limited");
    let refusal = too_many_tries(wait);
    let mut answer = (refusal.status, form(fields, refusal.message.clone())).into_response();
    if let Some(after) = refusal.into_response().headers_mut().remove(header::RETRY_AFTER) {
        answer.headers_mut().insert(header::RETRY_AFTER, after);
    }
    answer
}

/// 429, and when to come back.
pub fn too_many_tries(wait: Duration) -> Refusal {
    let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
    let message = format!("Too many tries. Wait {seconds} seconds, then try again.");
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "tries", message).retry_after(wait)
}

fn count(outcome: &'static str) {
    metrics::counter!("watchfire_sign_ins_total", "outcome" => outcome).increment(1);
}

/// The path where it is one of this server; the front page otherwise.
fn local(path: &str) -> &str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= NEXT_BYTES_MAX
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { path } else { "/" }
}

/// `Firefox on Linux`: enough to recognise one's own sign-in.
fn in_words(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| agent.contains(sign)).map(|&(_, name)| name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "An unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_only_to_this_server() {
        for good in ["/", "/sites/WF-00000001?x=1", "/a%20b"] {
            assert_eq!(local(good), good);
        }
        let too_long = format!("/{}", "a".repeat(NEXT_BYTES_MAX));
        let bad =
            ["", "sites", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example"];
        for bad in bad.into_iter().chain(["/\n/evil.example", "/é", too_long.as_str()]) {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(local(&too_long[..NEXT_BYTES_MAX]).len(), NEXT_BYTES_MAX);
    }

    #[test]
    fn agents_are_told_in_words() {
        let check = |agent: &str, expected: &str| assert_eq!(in_words(agent), expected);
        check("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox on Linux");
        check("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows");
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        );
        check("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android");
        check("curl/8.0", "An unknown browser");
        check("<script>", "An unknown browser");
    }
}
