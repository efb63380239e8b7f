//! A room's hooks as a page: made, seen, changed, renewed, removed; their secrets shown once.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat::{Listen, NewHook, Refused};
use door::Refusal;
use model::chat::Hook;
use model::{SiteId, limits};

use super::super::{At, said};
use super::shell;
use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::Caller;
use crate::hooks::{Made, hook_of, make, remake, wrong_with};
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, secret};

/// What forms call each forge, and what people do.
const FORGES: [(&str, &str); 7] = [
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("gitea", "Gitea or Forgejo"),
    ("bitbucket", "Bitbucket"),
    ("git", "Plain Git, on a server of your own"),
    ("svn", "Subversion"),
    ("other", "I do not know yet"),
];

#[derive(Template)]
#[template(path = "room_hooks.html")]
struct HooksPage {
    shell: Shell,
    id: String,
    name: String,
    hooks: Vec<HookRow>,
    forges: &'static [(&'static str, &'static str)],
    /// The chosen one.
    forge: String,
    repositories: Field,
    branches: Field,
    own_secret: Field,
    closes: bool,
    customers: bool,
    /// Who asks answers customers of the room's site.
    may_let_in: bool,
    hooks_max: usize,
    /// Of which something stands on the pages of releases.
    followed: Vec<String>,
    /// What was just made, shown this once.
    fresh: Option<Fresh>,
    /// Of the forms that make a secret.
    mark: String,
}

struct Fresh {
    url: String,
    secret: String,
}

struct HookRow {
    id: String,
    repositories: String,
    branches: String,
    closes: bool,
    customers: bool,
    created: Moment,
    deliveries: Vec<DeliveryRow>,
}

struct DeliveryRow {
    at: Moment,
    from: String,
    became: String,
    good: bool,
}

impl HookRow {
    fn of(hook: Hook) -> HookRow {
        let deliveries = hook.deliveries.into_iter().map(|delivery| DeliveryRow {
            at: delivery.at.into(),
            from: delivery.from,
            became: delivery.became,
            good: delivery.good,
        });
        HookRow {
            id: hook.id.to_string(),
            repositories: hook.repositories,
            branches: hook.branches,
            closes: hook.closes,
            customers: hook.customers,
            created: hook.created.into(),
            deliveries: deliveries.collect(),
        }
    }
}

async fn hooks_page(web: &Web, caller: &Caller, at: &At) -> Result<HooksPage, Problem> {
    let hooks = web.chat.hooks(&at.by, at.room).await?;
    let room = web.chat.room(&at.by, at.room).await?.room;
    let name = said::name_of(web, &room, at.by.who()).await?;
    Ok(HooksPage {
        shell: shell(&format!("{name}, commits"), caller),
        id: at.room.to_string(),
        name,
        hooks: hooks.into_iter().map(HookRow::of).collect(),
        forges: &FORGES,
        forge: "github".to_owned(),
        repositories: Field::default(),
        branches: Field::default(),
        own_secret: Field::default(),
        closes: false,
        customers: false,
        may_let_in: may_let_in(web, at, room.site).await?,
        hooks_max: limits::HOOKS_A_ROOM_MAX,
        followed: web.chat.followed(&at.by, at.room).await?,
        fresh: None,
        mark: secret::fresh(),
    })
}

async fn may_let_in(web: &Web, at: &At, site: Option<SiteId>) -> Result<bool, Problem> {
    let Some(site) = site else { return Ok(false) };
    match web.chat.may_converse(&at.by, site).await {
        Ok(()) => Ok(true),
        Err(Refused::NotFound | Refused::Forbidden) => Ok(false),
        Err(refused) => Err(refused.into()),
    }
}

/// `GET /rooms/{room}/hooks`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, at: At, done: Done) -> Answer {
    let mut shown = hooks_page(&web, &caller, &at).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /rooms/{room}/hooks`: what the form says in `do`.
pub async fn submit(
    State(web): State<Arc<Web>>,
    caller: Caller,
    at: At,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    // Whoever may not learns nothing of what is wrong with it.
    let before = hooks_page(&web, &caller, &at).await?;
    let (repositories, branches) = (trimmed(&fields, "repositories"), trimmed(&fields, "branches"));
    let own = trimmed(&fields, "secret");
    let (closes, customers) = (fields.is_checked("closes"), fields.is_checked("customers"));
    let own = Some(own).filter(|own| !own.is_empty());
    let forge =
        FORGES.iter().find(|(name, _)| *name == fields.text("forge")).map_or("other", |(name, _)| *name);
    let act = fields.text("do");
    if matches!(act, "add" | "change")
        && let Some((field, sentence)) = wrong_with(&repositories, &branches, own.as_deref())
    {
        let problem =
            |name: &str, value: String| Field { value, error: (name == field).then(|| sentence.clone()) };
        if act == "change" {
            return Err(Refusal::bad_request("field", sentence).into());
        }
        let shown = HooksPage {
            forge: forge.to_owned(),
            repositories: problem("repositories", repositories),
            branches: problem("branches", branches),
            own_secret: problem("secret", own.unwrap_or_default()),
            closes,
            customers,
            ..before
        };
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    }
    let made = match act {
        "add" | "renew" => {
            let Ok(turn) = web.once.begin(fields.text("mark")).await else {
                return Ok(go_to(&format!("/rooms/{}/hooks?done=made", at.room)));
            };
            let made = match act {
                "add" => {
                    let secret = own.unwrap_or_else(secret::fresh);
                    let new = NewHook { repositories, branches, closes, customers, secret };
                    make(&web, &caller, at.room, &headers, new).await?
                }
                _ => {
                    let hook = hook_of(fields.text("hook"))?;
                    remake(&web, &caller, at.room, hook, &headers, None).await?
                }
            };
            turn.done("");
            made
        }
        "change" => {
            let listen = Listen { repositories, branches, closes, customers };
            web.chat.change_hook(&at.by, at.room, hook_of(fields.text("hook"))?, listen).await?;
            return Ok(go_to(&format!("/rooms/{}/hooks?done=saved", at.room)));
        }
        "remove" => {
            web.chat.remove_hook(&at.by, at.room, hook_of(fields.text("hook"))?).await?;
            return Ok(go_to(&format!("/rooms/{}/hooks?done=unhooked", at.room)));
        }
        "forget" => {
            web.chat.forget_repository(&at.by, at.room, fields.text("repository")).await?;
            return Ok(go_to(&format!("/rooms/{}/hooks?done=forgotten", at.room)));
        }
        _ => return Err(Refusal::not_found().into()),
    };
    let Made { url, secret, .. } = made;
    let now = hooks_page(&web, &caller, &at).await?;
    Ok(page(&HooksPage { forge: forge.to_owned(), fresh: Some(Fresh { url, secret }), ..now }))
}

fn trimmed(fields: &Fields, name: &str) -> String {
    fields.text(name).trim().to_owned()
}
