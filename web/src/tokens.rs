//! API tokens of one's own account: minted with few rights, shown once, revoked.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use door::Refusal;
use model::rights::{Scope, TokenSites};
use model::{Action, SiteId, TokenId};
use store::accounts::{SecretHash, Token};

use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::SignedIn;
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, secret, visible};

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    shell: Shell,
    tokens: Vec<TokenRow>,
    /// Sites to choose from.
    sites: Vec<SiteChoice>,
    /// The operator alone may state other senders.
    operator: bool,
    name: Field,
    scopes_error: Option<&'static str>,
    mark: String,
    /// The secret that was just made, shown this once.
    fresh: Option<String>,
    /// This server, for the example.
    server: String,
}

struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    /// The one site's name, or none for all.
    site: Option<String>,
    created: Moment,
}

struct SiteChoice {
    id: String,
    name: String,
}

/// `GET /account/tokens`
pub async fn show(State(web): State<Arc<Web>>, by: SignedIn, headers: HeaderMap, done: Done) -> Answer {
    let mut shown = tokens_page(&web, &by, &headers).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /account/tokens`: the secret is shown once.
pub async fn mint(State(web): State<Arc<Web>>, by: SignedIn, headers: HeaderMap, fields: Fields) -> Answer {
    let name = fields.name("name");
    let scopes = scopes(&by, &fields)?;
    if name.is_bad() || scopes.is_empty() {
        let scopes_error = scopes.is_empty().then_some("Choose at least one thing that the token may do.");
        let shown = TokensPage { name, scopes_error, ..tokens_page(&web, &by, &headers).await? };
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    }
    let sites = sites(&web, &by, fields.text("sites")).await?;
    let Ok(turn) = web.once.begin(fields.text("mark")).await else {
        return Ok(go_to("/account/tokens?done=made"));
    };
    let secret = secret::fresh_token();
    let token = Token {
        id: secret::token_id(),
        account: by.account.id,
        name: name.value,
        sites,
        scopes,
        created: web.clock.now(),
    };
    tracing::info!(token = %token.id, by = %by.account.id, "token minted");
    web.store.accounts.mint_token(token, SecretHash::of(&secret)).await?;
    turn.done("");
    Ok(page(&TokensPage { fresh: Some(secret), ..tokens_page(&web, &by, &headers).await? }))
}

/// `POST /account/tokens/{token}/revoke`
pub async fn revoke(State(web): State<Arc<Web>>, by: SignedIn, Path(token): Path<String>) -> Answer {
    let id: TokenId = token.parse().map_err(|_| Refusal::not_found())?;
    web.store.accounts.revoke_token(by.account.id, id).await?;
    web.tell_rights_changed().await;
    Ok(go_to("/account/tokens?done=revoked"))
}

fn scopes(by: &SignedIn, fields: &Fields) -> Result<Vec<Scope>, Refusal> {
    let mut scopes = Vec::new();
    if fields.is_checked("scope_read") {
        scopes.push(Scope::Read);
    }
    if fields.is_checked("scope_state_sender") {
        if !by.account.operator {
            return Err(Refusal::not_found());
        }
        scopes.push(Scope::StateSender);
    }
    Ok(scopes)
}

async fn sites(web: &Web, by: &SignedIn, chosen: &str) -> Result<TokenSites, Problem> {
    if chosen == "all" {
        return Ok(TokenSites::All);
    }
    let site: SiteId = chosen.parse().map_err(|_| Refusal::not_found())?;
    web.access.authorise(&by.principal, site, Action::SeeLive).await?;
    web.store.sites.site(site).await?;
    Ok(TokenSites::One(site))
}

async fn tokens_page(web: &Web, by: &SignedIn, headers: &HeaderMap) -> Result<TokensPage, Problem> {
    let visible = visible::page(web, &by.principal, 1).await?;
    let choices = visible
        .sites
        .into_iter()
        .map(|visible| SiteChoice { id: visible.site.id.to_string(), name: visible.site.name });
    let sites: Vec<SiteChoice> = choices.collect();
    let tokens = web.store.accounts.tokens(by.account.id).await?;
    Ok(TokensPage {
        shell: Shell::new("API tokens", Some((&by.account).into())),
        tokens: tokens.into_iter().map(|token| row(token, &sites)).collect(),
        sites,
        operator: by.account.operator,
        name: Field::default(),
        scopes_error: None,
        mark: secret::fresh(),
        fresh: None,
        server: web.server_url(headers),
    })
}

fn row(token: Token, sites: &[SiteChoice]) -> TokenRow {
    let scopes = token.scopes.iter().map(|scope| match scope {
        Scope::Read => "read",
        Scope::StateSender => "state senders",
    });
    let site = match token.sites {
        TokenSites::All => None,
        TokenSites::One(id) => {
            let id = id.to_string();
            Some(sites.iter().find(|site| site.id == id).map_or(id, |site| site.name.clone()))
        }
    };
    TokenRow {
        id: token.id.to_string(),
        name: token.name,
        scopes: scopes.collect::<Vec<_>>().join(", "),
        site,
        created: token.created.into(),
    }
}
