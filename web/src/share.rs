//! A site's live dashboard for whoever has its share link: to look at, nothing else.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use door::Refusal;
use model::rights::Principal;
use model::{Action, Site};
use store::{Credential, Denied};

use crate::error::{Answer, Problem};
use crate::guard::Caller;
use crate::shell::{Shell, page};
use crate::{Web, secret};

#[derive(Template)]
#[template(path = "share.html")]
struct SharePage {
    shell: Shell,
    site_id: String,
    site_name: String,
    time_zone: String,
    secret: String,
}

/// `GET /share/{secret}`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, Path(secret): Path<String>) -> Answer {
    let (_, site) = shared(&web, &secret).await?;
    Ok(page(&SharePage {
        shell: Shell::new(&site.name, caller.shell_account()),
        site_id: site.id.to_string(),
        site_name: site.name,
        time_zone: site.time_zone,
        secret,
    }))
}

/// Who holds a link, and the site that it shows; the same 404 for every link that shows none.
pub async fn shared(web: &Web, secret: &str) -> Result<(Principal, Site), Problem> {
    if !secret::is_plausible(secret) {
        return Err(over());
    }
    let principal =
        web.access.principal(&Credential::Share(secret.to_owned())).await.map_err(unless_broken)?;
    let Principal::Share { site, .. } = principal else {
        return Err(over());
    };
    web.access.authorise(&principal, site, Action::SeeLive).await.map_err(unless_broken)?;
    Ok((principal, web.store.sites.site(site).await?))
}

fn unless_broken(denied: Denied) -> Problem {
    match denied {
        Denied::Store(error) => error.into(),
        Denied::Unknown | Denied::Forbidden => over(),
    }
}

fn over() -> Problem {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "This share link does not work, or no longer. Ask whoever sent it for a new one.",
    )
    .into()
}
