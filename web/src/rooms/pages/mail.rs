//! How often somebody is mailed what they missed; and the end of it, by the link of a letter.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use door::Refusal;
use model::AccountId;
use model::notice::Digest;

use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::SignedIn;
use crate::shell::{Shell, go_to, page};

/// As forms say it.
pub fn word_of(digest: Digest) -> &'static str {
    match digest {
        Digest::Off => "off",
        Digest::Hourly => "hourly",
        Digest::Daily => "daily",
    }
}

/// `POST /rooms/notifications/mail`: `digest` as `off`, `hourly` or `daily`.
pub async fn submit(State(web): State<Arc<Web>>, by: SignedIn, fields: Fields) -> Answer {
    let word = fields.text("digest");
    let digest = Digest::ALL.into_iter().find(|digest| word_of(*digest) == word);
    let digest = digest.ok_or_else(|| Refusal::bad_request("field", "There is no such choice."))?;
    web.store.notices.set_digest(by.account.id, digest).await?;
    Ok(go_to("/rooms/notifications?done=saved"))
}

#[derive(Template)]
#[template(path = "mail_off.html")]
struct OffPage {
    shell: Shell,
    secret: String,
    is_off: bool,
}

/// `GET /mail/off/{secret}`: asks, since whoever checks the links of letters follows them.
pub async fn ask_off(State(web): State<Arc<Web>>, Path(secret): Path<String>) -> Answer {
    let account = whose(&web, &secret)?;
    let is_off = web.store.notices.digests(vec![account]).await?.is_empty();
    Ok(off_page(secret, is_off))
}

/// `POST /mail/off/{secret}`: by the page, or in one step by a program of mail (RFC 8058).
pub async fn turn_off(State(web): State<Arc<Web>>, Path(secret): Path<String>) -> Answer {
    web.store.notices.set_digest(whose(&web, &secret)?, Digest::Off).await?;
    Ok(off_page(secret, true))
}

fn whose(web: &Web, secret: &str) -> Result<AccountId, Problem> {
    Ok(web.mail_off.account(secret).ok_or_else(Refusal::not_found)?)
}

fn off_page(secret: String, is_off: bool) -> axum::response::Response {
    page(&OffPage { shell: Shell::new("Mail", None), secret, is_off })
}
