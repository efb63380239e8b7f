//! Sites: adding, changing, deleting.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::{Action, ChatSettings};
use store::StoreError;

use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::{OnSite, SignedIn};
use crate::shell::{Done, Shell, go_to, page};
use crate::site_form::{SiteForm, time_zones};
use crate::{Web, secret};

#[derive(Template)]
#[template(path = "site_new.html")]
struct NewPage {
    shell: Shell,
    form: SiteForm,
    /// Tells a second click from a second site.
    mark: String,
    time_zones: Vec<String>,
}

#[derive(Template)]
#[template(path = "site_settings.html")]
struct SettingsPage {
    shell: Shell,
    site_id: String,
    site_name: String,
    form: SiteForm,
    confirm: Field,
    may_delete: bool,
    time_zones: Vec<String>,
}

/// `GET /sites/new`
pub async fn new(by: SignedIn, done: Done) -> Answer {
    let mut shown = new_page(&by, SiteForm::empty(), secret::fresh());
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /sites/new`
pub async fn add(State(web): State<Arc<Web>>, by: SignedIn, fields: Fields) -> Answer {
    let form = SiteForm::of(&fields);
    let mark = fields.text("mark");
    let Some(site) = form.site(secret::site_id(), ChatSettings::default(), web.clock.now()) else {
        return Ok(refused(&new_page(&by, form, mark.to_owned())));
    };
    let turn = match web.once.begin(mark).await {
        Ok(turn) => turn,
        Err(led_to) => return Ok(go_to(&led_to)),
    };
    let id = site.id;
    web.store.sites.add(site, by.account.id).await?;
    let tag_page = format!("/sites/{id}/tag");
    turn.done(&tag_page);
    web.tell_site_changed(id).await;
    tracing::info!(site = %id, by = %by.account.id, "site added");
    Ok(go_to(&tag_page))
}

/// `GET /sites/{site}/settings`
pub async fn settings(State(web): State<Arc<Web>>, on: OnSite, done: Done) -> Answer {
    let mut shown = settings_page(&web, &on, SiteForm::from(&on.site)).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /sites/{site}/settings`
pub async fn change(State(web): State<Arc<Web>>, on: OnSite, fields: Fields) -> Answer {
    let form = SiteForm::of(&fields);
    let Some(site) = form.site(on.site.id, on.site.chat.clone(), on.site.created) else {
        return Ok(refused(&settings_page(&web, &on, form).await?));
    };
    web.store.sites.change(site).await?;
    web.tell_site_changed(on.site.id).await;
    Ok(go_to(&format!("/sites/{}/settings?done=saved", on.site.id)))
}

/// `POST /sites/{site}/delete`: with the site's name typed, everything about it goes.
pub async fn delete(State(web): State<Arc<Web>>, on: OnSite, fields: Fields) -> Answer {
    let typed = fields.text("confirm").trim();
    if typed != on.site.name.trim() {
        let error = Some("Type the site's name exactly as it stands above.".to_owned());
        let confirm = Field { value: typed.to_owned(), error };
        let shown = settings_page(&web, &on, SiteForm::from(&on.site)).await?;
        return Ok(refused(&SettingsPage { confirm, ..shown }));
    }
    let id = on.site.id;
    match web.store.sites.remove(id).await {
        Ok(()) | Err(StoreError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    web.tell_site_changed(id).await;
    web.tell_rights_changed().await;
    if let Err(error) = web.store.history.forget(id).await {
        tracing::warn!(site = %id, %error, "a deleted site's history goes when the store is opened next");
    }
    if let Err(error) = web.store.rooms.forget_rooms(id).await {
        tracing::warn!(site = %id, %error, "rooms of a removed site are left; they go at the next start");
    }
    if let Err(error) = web.live.forget(id).await {
        tracing::warn!(site = %id, %error, "a deleted site is still in live");
    }
    tracing::info!(site = %id, by = %on.by.account.id, "site deleted");
    Ok(go_to("/?done=deleted"))
}

fn new_page(by: &SignedIn, form: SiteForm, mark: String) -> NewPage {
    let shell = Shell::new("Add a site", Some((&by.account).into()));
    NewPage { shell, form, mark, time_zones: time_zones() }
}

async fn settings_page(web: &Web, on: &OnSite, form: SiteForm) -> Result<SettingsPage, Problem> {
    let may_delete = web.access.authorise(&on.by.principal, on.site.id, Action::DeleteSite).await.is_ok();
    Ok(SettingsPage {
        shell: Shell::on_site(&format!("Settings of {}", on.site.name), on, "settings"),
        site_id: on.site.id.to_string(),
        site_name: on.site.name.clone(),
        form,
        confirm: Field::default(),
        may_delete,
        time_zones: time_zones(),
    })
}

fn refused(shown: &impl Template) -> Response {
    (StatusCode::BAD_REQUEST, page(shown)).into_response()
}
