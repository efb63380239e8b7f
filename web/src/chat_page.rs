//! The chat's own settings of a site: whether customers are spoken with, how it looks, when somebody is there, and how the site proves who they are.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat::identify_secret;
use model::{PageSide, Site};

use crate::Web;
use crate::chat_form::ChatForm;
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::OnSite;
use crate::shell::{Done, Shell, go_to, page};

#[derive(Template)]
#[template(path = "site_chat.html")]
struct ChatPage {
    shell: Shell,
    site_id: String,
    time_zone: String,
    form: ChatForm,
    /// Scheme and host of this server as pages reach it.
    server: String,
    secret: String,
}

/// `GET /sites/{site}/chat`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, headers: HeaderMap, done: Done) -> Answer {
    let mut shown = chat_page(&web, &on, &headers, ChatForm::from(&on.site.chat)).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /sites/{site}/chat`
pub async fn change(State(web): State<Arc<Web>>, on: OnSite, headers: HeaderMap, fields: Fields) -> Answer {
    let form = ChatForm::of(&fields);
    let Some(chat) = form.settings() else {
        let shown = chat_page(&web, &on, &headers, form).await?;
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    };
    web.store.sites.change(Site { chat, ..on.site.clone() }).await?;
    web.tell_site_changed(on.site.id).await;
    Ok(go_to(&format!("/sites/{}/chat?done=saved", on.site.id)))
}

async fn chat_page(web: &Web, on: &OnSite, headers: &HeaderMap, form: ChatForm) -> Result<ChatPage, Problem> {
    Ok(ChatPage {
        shell: Shell::on_site(&format!("Chat of {}", on.site.name), on, "chat"),
        site_id: on.site.id.to_string(),
        time_zone: on.site.time_zone.clone(),
        form,
        server: web.server_url(headers),
        secret: identify_secret(web.store.salts.as_ref(), on.site.id).await?,
    })
}
