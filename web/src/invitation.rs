//! Accepting an invitation: with the account one has, or with a new one.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use door::{ClientAddress, Refusal};
use store::StoreError;
use store::accounts::{Invitation, SecretHash};

use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::{Caller, SignedIn, address_of};
use crate::set_up::AccountForm;
use crate::shell::{Shell, go_to, page};
use crate::{Web, secret, sign_in};

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    shell: Shell,
    secret: String,
    site_name: String,
    by: String,
    role: &'static str,
    form: AccountForm,
}

/// `GET /invitation/{secret}`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, Path(secret): Path<String>) -> Answer {
    let invitation = open(&web, &secret).await?;
    Ok(page(&invitation_page(&web, &caller, secret, &invitation, AccountForm::default()).await?))
}

/// `POST /invitation/{secret}`, signed in.
pub async fn accept(
    State(web): State<Arc<Web>>,
    by: Option<Extension<SignedIn>>,
    Path(secret): Path<String>,
) -> Answer {
    open(&web, &secret).await?;
    let Some(Extension(by)) = by else {
        return Ok(go_to(&format!("/sign-in?next=/invitation/{secret}")));
    };
    let hash = SecretHash::of(&secret);
    let accepted = web.store.accounts.accept(hash, by.account.id, web.clock.now()).await;
    let invitation = accepted.map_err(unless_broken)?;
    web.tell_rights_changed().await;
    Ok(go_to(&format!("/sites/{}?done=joined", invitation.site)))
}

/// `POST /invitation/{secret}/new`: makes an account and signs in.
pub async fn accept_as_new(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(secret): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let invitation = open(&web, &secret).await?;
    let mut form = AccountForm::of(&fields);
    if !form.is_bad() {
        let account = form.account(&web).await?;
        let hash = SecretHash::of(&secret);
        match web.store.accounts.accept_as_new(hash, account, web.clock.now()).await {
            Ok(account) => {
                web.tell_rights_changed().await;
                let cookies = sign_in::open(&web, account.id, address_of(address), &headers).await?;
                let to = format!("/sites/{}?done=joined", invitation.site);
                return Ok((cookies, go_to(&to)).into_response());
            }
            Err(StoreError::Conflict(_)) => {
                let taken = "There is an account with this e-mail address already. Sign in with it first.";
                form.email.error = Some(taken.to_owned());
            }
            Err(error) => return Err(unless_broken(error)),
        }
    }
    form.password.value.clear();
    let shown = invitation_page(&web, &caller, secret, &invitation, form).await?;
    Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response())
}

async fn open(web: &Web, secret: &str) -> Result<Invitation, Problem> {
    if !secret::is_plausible(secret) {
        return Err(over());
    }
    web.store.accounts.invitation(SecretHash::of(secret), web.clock.now()).await.map_err(unless_broken)
}

async fn invitation_page(
    web: &Web,
    caller: &Caller,
    secret: String,
    invitation: &Invitation,
    form: AccountForm,
) -> Result<InvitationPage, Problem> {
    let site = web.store.sites.site(invitation.site).await?;
    let by = match web.store.accounts.account(invitation.by).await {
        Ok(account) => account.name,
        Err(StoreError::NotFound(_)) => "Somebody".to_owned(),
        Err(error) => return Err(error.into()),
    };
    Ok(InvitationPage {
        shell: Shell::new(&format!("Join {}", site.name), caller.shell_account()),
        secret,
        site_name: site.name,
        by,
        role: invitation.role.name(),
        form,
    })
}

fn unless_broken(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound(_) => over(),
        other => other.into(),
    }
}

fn over() -> Problem {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "This invitation was used, was withdrawn, or is too old. Ask whoever sent it for a new one.",
    )
    .into()
}
