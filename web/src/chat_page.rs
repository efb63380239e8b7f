//! The chat's own settings of a site: whether customers are spoken with, how it looks, when somebody is there, how the site proves who they are, and the
//! rules by which it speaks first.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat::identify_secret;
use door::Refusal;
use model::rights::Principal;
use model::{PageSide, Site, limits};

use crate::Web;
use crate::chat_form::ChatForm;
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::OnSite;
use crate::rule_form::RuleForm;
use crate::secret;
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
    rules: Vec<RuleForm>,
    /// The one that is to be made.
    fresh: RuleForm,
    rules_max: usize,
    /// Who may say what a rule says, by id and name.
    agents: Vec<(String, String)>,
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

/// `POST /sites/{site}/chat/rules`: `do` is `save` or `remove`; without a `rule` one is made.
pub async fn rule(State(web): State<Arc<Web>>, on: OnSite, headers: HeaderMap, fields: Fields) -> Answer {
    let site = on.site.id;
    if fields.text("do") == "remove" {
        let rule = fields.text("rule").parse().map_err(|_| Refusal::not_found())?;
        web.chat.remove_rule(site, rule).await?;
        return Ok(go_to(&format!("/sites/{site}/chat?done=saved#rules")));
    }
    let form = RuleForm::of(&fields);
    let known = web.chat.rules(site).await?;
    let is_known = |id: &str| known.iter().any(|rule| rule.id.to_string() == id);
    if !form.id.is_empty() && !is_known(&form.id) {
        return Err(Refusal::not_found().into());
    }
    let Some(rule) = form.rule(secret::rule_id()) else {
        let mut shown = chat_page(&web, &on, &headers, ChatForm::from(&on.site.chat)).await?;
        match shown.rules.iter_mut().find(|rule| rule.id == form.id) {
            Some(rule) => *rule = RuleForm { shown: rule.shown, answered: rule.answered, ..form },
            None => shown.fresh = form,
        }
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    };
    web.chat.put_rule(site, rule).await?;
    Ok(go_to(&format!("/sites/{site}/chat?done=saved#rules")))
}

async fn chat_page(web: &Web, on: &OnSite, headers: &HeaderMap, form: ChatForm) -> Result<ChatPage, Problem> {
    let by = Principal::Account { id: on.by.account.id, operator: on.by.account.operator };
    let agents = web.chat.agents(&by, on.site.id).await?;
    Ok(ChatPage {
        shell: Shell::on_site(&format!("Chat of {}", on.site.name), on, "chat"),
        site_id: on.site.id.to_string(),
        time_zone: on.site.time_zone.clone(),
        form,
        server: web.server_url(headers),
        secret: identify_secret(web.store.salts.as_ref(), on.site.id).await?,
        rules: web.chat.rules(on.site.id).await?.iter().map(RuleForm::from).collect(),
        fresh: RuleForm::fresh(),
        rules_max: limits::RULES_MAX,
        agents: agents.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
    })
}
