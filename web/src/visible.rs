//! The sites somebody may see, by name, a page at a time.

use model::rights::{Principal, TokenSites};
use model::{Action, Role, Site};
use store::{Denied, StoreError};

use crate::Web;
use crate::error::Problem;

/// Sites on one page; a dashboard may watch as many at once.
pub const SITES_A_PAGE: usize = 300;

/// A site and what the asker is on it.
pub struct Visible {
    pub site: Site,
    pub role: Role,
}

/// One page of sites; `next` is the number of the page behind it.
pub struct Page {
    pub sites: Vec<Visible>,
    pub next: Option<usize>,
}

/// Page `number`, counted from 1.
pub async fn page(web: &Web, principal: &Principal, number: usize) -> Result<Page, Problem> {
    let mut sites = known(web, principal).await?;
    let first = number.saturating_sub(1).saturating_mul(SITES_A_PAGE).min(sites.len());
    let more = sites.len() > first + SITES_A_PAGE;
    let mut shown = Vec::new();
    for visible in sites.drain(first..).take(SITES_A_PAGE) {
        match web.access.authorise(principal, visible.site.id, Action::SeeLive).await {
            Ok(()) => shown.push(visible),
            Err(Denied::Store(error)) => return Err(error.into()),
            Err(Denied::Unknown | Denied::Forbidden) => {}
        }
    }
    Ok(Page { sites: shown, next: more.then_some(number + 1) })
}

/// Sites that the asker may be allowed to see; `page` asks for each that is shown.
async fn known(web: &Web, principal: &Principal) -> Result<Vec<Visible>, Problem> {
    let (account, operator, only) = match principal {
        Principal::Account { id, operator } => (*id, *operator, None),
        Principal::Token { account, operator, sites: TokenSites::All, .. } => (*account, *operator, None),
        Principal::Token { account, operator, sites: TokenSites::One(only), .. } => {
            (*account, *operator, Some(*only))
        }
        _ => return Ok(Vec::new()),
    };
    let mut sites = match operator {
        true => of_operator(web.store.sites.all().await?),
        false => of_member(web, web.store.accounts.memberships(account).await?).await?,
    };
    sites.retain(|visible| only.is_none_or(|only| only == visible.site.id));
    Ok(sites)
}

fn of_operator(sites: Vec<Site>) -> Vec<Visible> {
    sites.into_iter().map(|site| Visible { site, role: Role::Owner }).collect()
}

async fn of_member(web: &Web, memberships: Vec<(model::SiteId, Role)>) -> Result<Vec<Visible>, Problem> {
    let mut sites = Vec::with_capacity(memberships.len());
    for (id, role) in memberships {
        match web.store.sites.site(id).await {
            Ok(site) => sites.push(Visible { site, role }),
            // Deleted since the memberships were read.
            Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    sites.sort_by(|one, other| one.site.name.cmp(&other.site.name).then(one.site.id.cmp(&other.site.id)));
    Ok(sites)
}
