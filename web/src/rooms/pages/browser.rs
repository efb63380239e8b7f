//! A browser says where it is reached while no page is open, and that it is not to be any more. It is its sign-in's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use door::Refusal;
use model::limits;
use model::notice::Browser;
use outbox::push;
use store::StoreError;

use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::SignedIn;
use crate::shell::go_to;

/// `POST /rooms/notifications/browser`: `endpoint`, `p256dh` and `auth` as the browser has them, or `do` as `off`.
pub async fn submit(State(web): State<Arc<Web>>, by: SignedIn, fields: Fields) -> Answer {
    if fields.text("do") == "off" {
        web.store.notices.remove_browser(by.secret).await?;
        return Ok(go_to("/rooms/notifications?done=saved"));
    }
    let browser = browser(&web, &fields)?;
    match web.store.notices.put_browser(by.secret, browser, web.clock.now()).await {
        Err(StoreError::Limit { max, .. }) => {
            let why = format!(
                "You are told in {max} browsers already. Switch it off in one of them, or sign out there, and try again."
            );
            Err(Refusal::new(StatusCode::CONFLICT, "limit", why).into())
        }
        put => {
            put?;
            Ok(go_to("/rooms/notifications?done=saved"))
        }
    }
}

fn browser(web: &Web, fields: &Fields) -> Result<Browser, Problem> {
    let text = |name: &str| fields.text(name).to_owned();
    let browser = Browser { endpoint: text("endpoint"), p256dh: text("p256dh"), auth: text("auth") };
    let longest = browser.p256dh.len().max(browser.auth.len());
    let why = match web.options.hooks.refusal(&browser.endpoint) {
        Some(why) => why,
        None if browser.endpoint.len() > limits::ENDPOINT_BYTES_MAX => "The address is too long.",
        None if longest > limits::BROWSER_KEY_BYTES_MAX || !push::is_able(&browser) => {
            "These keys of a browser are none."
        }
        None => return Ok(browser),
    };
    Err(Refusal::bad_request("field", why).into())
}
