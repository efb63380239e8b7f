//! One's own account: name, e-mail, password, and where one is signed in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use model::limits::PASSWORD_BYTES_MAX;
use store::StoreError;
use store::accounts::SignIn;

use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::SignedIn;
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, sign_in};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    name: Field,
    email: Field,
    current: Field,
    password: Field,
    sign_ins: Vec<SignInRow>,
}

struct SignInRow {
    agent: String,
    created: Moment,
    expires: Moment,
    is_this: bool,
}

/// `GET /account`
pub async fn show(State(web): State<Arc<Web>>, by: SignedIn, done: Done) -> Answer {
    let mut shown = account_page(&web, &by).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /account`
pub async fn change(State(web): State<Arc<Web>>, by: SignedIn, fields: Fields) -> Answer {
    let (mut name, mut email) = (fields.own_name("name"), fields.email("email"));
    if name.value == by.account.name {
        name.error = None;
    }
    if !name.is_bad() && !email.is_bad() {
        match web.store.accounts.change_account(by.account.id, &name.value, &email.value).await {
            Ok(()) => return Ok(go_to("/account?done=saved")),
            Err(StoreError::Conflict(_)) => {
                email.error = Some("Another account has this e-mail address.".to_owned());
            }
            Err(error) => return Err(error.into()),
        }
    }
    refused(AccountPage { name, email, ..account_page(&web, &by).await? })
}

/// `POST /account/password`: the other sign-ins end.
pub async fn change_password(State(web): State<Arc<Web>>, by: SignedIn, fields: Fields) -> Answer {
    let mut current = Field::default();
    let mut password = fields.new_password("password");
    if !password.is_bad() {
        let tried = match web.attempts.account(by.account.id, web.clock.now()) {
            Ok(tried) => tried,
            Err(wait) => return Err(sign_in::too_many_tries(wait).into()),
        };
        let given = fields.text("current");
        let fits = given.len() <= PASSWORD_BYTES_MAX
            && web.passwords.fits(given, Some(&by.account.password_phc)).await?;
        if fits {
            web.attempts.give_back(tried);
            let phc = web.passwords.hash(&password.value).await?;
            web.store.accounts.change_password(by.account.id, &phc, Some(by.secret)).await?;
            web.tell_rights_changed().await;
            return Ok(go_to("/account?done=password"));
        }
        current.error = Some("This is not your password now.".to_owned());
    }
    password.value.clear();
    refused(AccountPage { current, password, ..account_page(&web, &by).await? })
}

/// `POST /account/sign-out-everywhere`: here too.
pub async fn sign_out_everywhere(State(web): State<Arc<Web>>, by: SignedIn) -> Answer {
    web.store.accounts.close_sign_ins(by.account.id, None).await?;
    web.tell_rights_changed().await;
    Ok(sign_in::gone(&web, "/sign-in?done=signed-out-everywhere"))
}

fn refused(shown: AccountPage) -> Answer {
    Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response())
}

async fn account_page(web: &Web, by: &SignedIn) -> Result<AccountPage, Problem> {
    let open = web.store.accounts.sign_ins(by.account.id, web.clock.now()).await?;
    Ok(AccountPage {
        shell: Shell::new("Your account", Some((&by.account).into())),
        name: Field::of(&by.account.name),
        email: Field::of(&by.account.email),
        current: Field::default(),
        password: Field::default(),
        sign_ins: open.into_iter().map(|sign_in| row(sign_in, by)).collect(),
    })
}

fn row(sign_in: SignIn, by: &SignedIn) -> SignInRow {
    SignInRow {
        is_this: sign_in.secret == by.secret,
        agent: sign_in.agent,
        created: sign_in.created.into(),
        expires: sign_in.expires.into(),
    }
}
