//! The first run: a one-time address makes the owner's account.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use door::{ClientAddress, Refusal};
use store::accounts::{NewAccount, SecretHash};
use store::{Store, StoreError};

use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::address_of;
use crate::shell::{Shell, go_to, page};
use crate::{Web, secret, sign_in};

/// While no account exists: makes a one-time secret (an earlier one ends) for the address `/setup/SECRET`.
pub async fn offer(store: &Store) -> anyhow::Result<Option<String>> {
    if !store.accounts.is_empty().await? {
        return Ok(None);
    }
    let secret = secret::fresh();
    match store.accounts.offer_set_up(SecretHash::of(&secret)).await {
        Ok(()) => Ok(Some(secret)),
        Err(StoreError::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The form of a new account, here and for an invitation.
#[derive(Default)]
pub struct AccountForm {
    pub name: Field,
    pub email: Field,
    pub password: Field,
}

impl AccountForm {
    pub fn of(fields: &Fields) -> AccountForm {
        AccountForm {
            name: fields.own_name("name"),
            email: fields.email("email"),
            password: fields.new_password("password"),
        }
    }

    pub fn is_bad(&self) -> bool {
        self.name.is_bad() || self.email.is_bad() || self.password.is_bad()
    }

    /// The account that the form describes, its password hashed.
    pub(crate) async fn account(&self, web: &Web) -> Result<NewAccount, Problem> {
        Ok(NewAccount {
            id: secret::account_id(),
            name: self.name.value.clone(),
            email: self.email.value.clone(),
            password_phc: web.passwords.hash(&self.password.value).await?,
        })
    }
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage {
    shell: Shell,
    form: AccountForm,
}

/// `GET /setup/{secret}`
pub(crate) async fn show(State(web): State<Arc<Web>>, Path(secret): Path<String>) -> Answer {
    offered(&web, &secret).await?;
    Ok(form(AccountForm::default()))
}

/// `POST /setup/{secret}`
pub(crate) async fn submit(
    State(web): State<Arc<Web>>,
    Path(secret): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let secret = offered(&web, &secret).await?;
    let filled = AccountForm::of(&fields);
    if filled.is_bad() {
        return Ok((StatusCode::BAD_REQUEST, form(filled)).into_response());
    }
    let account = filled.account(&web).await?;
    let account = match web.store.accounts.set_up(secret, account, web.clock.now()).await {
        Ok(account) => account,
        Err(StoreError::NotFound(_) | StoreError::Conflict(_)) => return Err(over()),
        Err(error) => return Err(error.into()),
    };
    tracing::info!(account = %account.id, "the owner's account is made");
    let cookies = sign_in::open(&web, account.id, address_of(address), &headers).await?;
    Ok((cookies, go_to("/sites/new?done=welcome")).into_response())
}

fn form(form: AccountForm) -> Response {
    page(&SetUpPage { shell: Shell::new("Set up Watchfire", None), form })
}

async fn offered(web: &Web, secret: &str) -> Result<SecretHash, Problem> {
    if secret::is_plausible(secret) {
        let secret = SecretHash::of(secret);
        if web.store.accounts.set_up_offered(secret).await? {
            return Ok(secret);
        }
    }
    Err(over())
}

fn over() -> Problem {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "This set-up address works once, and it was used, or a newer one was printed when the server started \
         again. Sign in, or look for the newest address in the terminal.",
    )
    .into()
}
