//! Who may see a site: members and their roles, invitations by link, share links.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use door::Refusal;
use model::{AccountId, Action, InvitationId, Role, SavedId, ShareId, SiteId};
use store::accounts::{Account, Invitation, SecretHash, Share};
use store::saved::{SavedItem, SavedKind};
use store::{Denied, StoreError};

use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::OnSite;
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, saved, secret};

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    shell: Shell,
    site_id: String,
    members: Vec<MemberRow>,
    invitations: Vec<InvitationRow>,
    shares: Vec<ShareRow>,
    /// Roles that the reader may give.
    roles: Vec<Role>,
    note: Field,
    share_name: Field,
    /// What a share link may be limited to.
    segments: Vec<SegmentRow>,
    /// Tell a second click from a second link.
    mark: String,
    /// A link that was just made, shown this once.
    fresh: Option<FreshLink>,
}

struct FreshLink {
    /// `invitation` or `share`.
    kind: &'static str,
    url: String,
}

struct MemberRow {
    id: String,
    name: String,
    email: String,
    role: Role,
    is_you: bool,
    /// Whether the reader may change this member.
    may_change: bool,
}

struct InvitationRow {
    id: String,
    note: String,
    role: Role,
    expires: Moment,
    may_change: bool,
}

struct ShareRow {
    id: String,
    name: String,
    created: Moment,
    limit: ShareLimit,
}

/// What a share link shows.
enum ShareLimit {
    Everything,
    Segment(String),
    /// Nothing: its segment was removed.
    Removed,
}

struct SegmentRow {
    id: String,
    name: String,
}

/// `GET /sites/{site}/people`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, done: Done) -> Answer {
    let mut shown = people_page(&web, &on).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /sites/{site}/people/{account}/role`
pub async fn change_role(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, account)): Path<(String, String)>,
    fields: Fields,
) -> Answer {
    let (account, held) = member(&web, on.site.id, &account).await?;
    let role = role_named(fields.text("role"))?;
    may_handle(&web, &on, held.max(role)).await?;
    match web.store.accounts.grant(on.site.id, account, role).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return last_owner(&web, &on).await,
        Err(error) => return Err(error.into()),
    }
    web.tell_rights_changed().await;
    Ok(back(on.site.id, "role"))
}

/// `POST /sites/{site}/people/{account}/remove`
pub async fn remove(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, account)): Path<(String, String)>,
) -> Answer {
    let (account, held) = member(&web, on.site.id, &account).await?;
    may_handle(&web, &on, held).await?;
    match web.store.accounts.revoke(on.site.id, account).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return last_owner(&web, &on).await,
        Err(error) => return Err(error.into()),
    }
    // First of all they hear nothing more.
    web.tell_rights_changed().await;
    leave_rooms(&web, account, on.site.id).await?;
    Ok(back(on.site.id, "removed"))
}

/// Operators are of every site, members or not.
async fn leave_rooms(web: &Web, account: AccountId, site: SiteId) -> Result<(), Problem> {
    if web.store.accounts.account(account).await?.operator {
        return Ok(());
    }
    Ok(web.chat.leave_site(account, site).await?)
}

/// `POST /sites/{site}/invitations`: the link is shown once.
pub async fn invite(State(web): State<Arc<Web>>, on: OnSite, headers: HeaderMap, fields: Fields) -> Answer {
    let role = role_named(fields.text("role"))?;
    may_handle(&web, &on, role).await?;
    let note = fields.note("note");
    if note.is_bad() {
        return refused(PeoplePage { note, ..people_page(&web, &on).await? });
    }
    let Ok(turn) = web.once.begin(fields.text("mark")).await else {
        return Ok(back(on.site.id, "made"));
    };
    let (secret, now) = (secret::fresh(), web.clock.now());
    let invitation = Invitation {
        id: secret::invitation_id(),
        site: on.site.id,
        role,
        by: on.by.account.id,
        note: note.value,
        created: now,
        expires: now.plus(web.options.invitation_lasts),
    };
    web.store.accounts.invite(invitation, SecretHash::of(&secret)).await?;
    turn.done("");
    let url = format!("{}/invitation/{secret}", web.server_url(&headers));
    with_link(&web, &on, FreshLink { kind: "invitation", url }).await
}

/// `POST /sites/{site}/invitations/{invitation}/withdraw`
pub async fn withdraw(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, invitation)): Path<(String, String)>,
) -> Answer {
    let id: InvitationId = invitation.parse().map_err(|_| Refusal::not_found())?;
    let open = web.store.accounts.invitations(on.site.id, web.clock.now()).await?;
    let found = open.iter().find(|invitation| invitation.id == id).ok_or_else(Refusal::not_found)?;
    may_handle(&web, &on, found.role).await?;
    web.store.accounts.withdraw(on.site.id, id).await?;
    Ok(back(on.site.id, "withdrawn"))
}

/// `POST /sites/{site}/shares`: the link is shown once.
pub async fn share(State(web): State<Arc<Web>>, on: OnSite, headers: HeaderMap, fields: Fields) -> Answer {
    let name = fields.name("name");
    if name.is_bad() {
        return refused(PeoplePage { share_name: name, ..people_page(&web, &on).await? });
    }
    let segment = segment_named(&web, on.site.id, fields.text("segment")).await?;
    let Ok(turn) = web.once.begin(fields.text("mark")).await else {
        return Ok(back(on.site.id, "made"));
    };
    let secret = secret::fresh();
    let (id, created) = (secret::share_id(), web.clock.now());
    let share = Share { id, site: on.site.id, name: name.value, created, segment };
    web.store.accounts.share(share, SecretHash::of(&secret)).await?;
    turn.done("");
    let url = format!("{}/share/{secret}", web.server_url(&headers));
    with_link(&web, &on, FreshLink { kind: "share", url }).await
}

/// `POST /sites/{site}/shares/{share}/revoke`
pub async fn unshare(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, share)): Path<(String, String)>,
) -> Answer {
    let id: ShareId = share.parse().map_err(|_| Refusal::not_found())?;
    web.store.accounts.unshare(on.site.id, id).await?;
    web.tell_rights_changed().await;
    Ok(back(on.site.id, "unshared"))
}

/// Only an owner makes owners, changes them, or takes them away: an admin cannot rise.
async fn may_handle(web: &Web, on: &OnSite, role: Role) -> Result<(), Denied> {
    match role {
        Role::Owner => web.access.authorise(&on.by.principal, on.site.id, Action::DeleteSite).await,
        Role::Viewer | Role::Agent | Role::Admin => Ok(()),
    }
}

async fn member(web: &Web, site: SiteId, account: &str) -> Result<(AccountId, Role), Problem> {
    let account: AccountId = account.parse().map_err(|_| Refusal::not_found())?;
    let role = web.store.accounts.role(account, site).await?;
    Ok((account, role.ok_or_else(Refusal::not_found)?))
}

fn role_named(name: &str) -> Result<Role, Refusal> {
    let found =
        [Role::Viewer, Role::Agent, Role::Admin, Role::Owner].into_iter().find(|role| role.name() == name);
    found.ok_or_else(|| Refusal::bad_request("field", "A role is viewer, agent, admin or owner."))
}

/// None where no segment was chosen; a refusal where the site has no such segment.
async fn segment_named(web: &Web, site: SiteId, id: &str) -> Result<Option<SavedId>, Problem> {
    if id.is_empty() {
        return Ok(None);
    }
    let unknown = || Refusal::bad_request("field", "That segment is not there any more. Choose another.");
    let id: SavedId = id.parse().map_err(|_| unknown())?;
    saved::segment(web, site, id).await?.ok_or_else(unknown)?;
    Ok(Some(id))
}

fn back(site: SiteId, done: &str) -> Response {
    go_to(&format!("/sites/{site}/people?done={done}"))
}

async fn last_owner(web: &Web, on: &OnSite) -> Answer {
    let mut shown = people_page(web, on).await?;
    shown.shell = shown.shell.warning("A site needs an owner. Make somebody else owner first.");
    Ok((StatusCode::CONFLICT, page(&shown)).into_response())
}

fn refused(shown: PeoplePage) -> Answer {
    Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response())
}

async fn with_link(web: &Web, on: &OnSite, fresh: FreshLink) -> Answer {
    Ok(page(&PeoplePage { fresh: Some(fresh), ..people_page(web, on).await? }))
}

async fn people_page(web: &Web, on: &OnSite) -> Result<PeoplePage, Problem> {
    let (accounts, site) = (&web.store.accounts, on.site.id);
    let is_owner = may_handle(web, on, Role::Owner).await.is_ok();
    let may_change = |role: Role| is_owner || role < Role::Owner;
    let you = on.by.account.id;
    let members = accounts.members(site).await?.into_iter();
    let invitations = accounts.invitations(site, web.clock.now()).await?.into_iter();
    let mut roles = vec![Role::Viewer, Role::Agent, Role::Admin];
    roles.extend(is_owner.then_some(Role::Owner));
    let saved = web.store.saved.all(site).await?.into_iter();
    let segments: Vec<SavedItem> = saved.filter(|item| item.kind == SavedKind::Segment).collect();
    let shares = accounts.shares(site).await?.into_iter();
    Ok(PeoplePage {
        shell: Shell::on_site(&format!("People of {}", on.site.name), on, "people"),
        site_id: site.to_string(),
        members: members.map(|(account, role)| member_row(account, role, you, may_change(role))).collect(),
        invitations: invitations.map(|open| invitation_row(open, &may_change)).collect(),
        shares: shares.map(|share| share_row(share, &segments)).collect(),
        roles,
        note: Field::default(),
        share_name: Field::default(),
        segments: segments
            .into_iter()
            .map(|item| SegmentRow { id: item.id.to_string(), name: item.name })
            .collect(),
        mark: secret::fresh(),
        fresh: None,
    })
}

fn member_row(account: Account, role: Role, you: AccountId, may_change: bool) -> MemberRow {
    MemberRow {
        id: account.id.to_string(),
        is_you: account.id == you,
        name: account.name,
        email: account.email,
        role,
        may_change,
    }
}

fn invitation_row(open: Invitation, may_change: &impl Fn(Role) -> bool) -> InvitationRow {
    InvitationRow {
        id: open.id.to_string(),
        note: open.note,
        role: open.role,
        expires: open.expires.into(),
        may_change: may_change(open.role),
    }
}

fn share_row(share: Share, segments: &[SavedItem]) -> ShareRow {
    let named = |id| segments.iter().find(|item| item.id == id).map(|item| item.name.clone());
    let limit = match share.segment {
        None => ShareLimit::Everything,
        Some(id) => named(id).map_or(ShareLimit::Removed, ShareLimit::Segment),
    };
    ShareRow { id: share.id.to_string(), name: share.name, created: share.created.into(), limit }
}
