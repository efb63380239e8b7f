//! The pages of profiles: whom the site named, one person, one visitor. Whole without scripts.

use std::sync::Arc;

use archive::Whom;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use history::query::Bots;
use history::report::people::{People, Person, Profile, Summary, TrailHit, TrailVisit, VisitTexts, Whose};
use history::table::{Kind, VisitText};
use model::{Action, Millis, SiteId, VisitorId};

use super::said::{next, properties};
use super::{Params, erase_all, found, profile, visitor_in};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::{Caller, OnSite};
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};

/// People of one page.
const PEOPLE_A_PAGE: usize = 50;
/// Visits of one page.
const VISITS_A_PAGE: usize = 20;
/// Properties beside a name in the list.
const PROPERTIES_SHOWN: usize = 3;

#[derive(Template)]
#[template(path = "profiles.html")]
struct ProfilesPage {
    shell: Shell,
    site_id: String,
    search: String,
    people: Vec<PersonRow>,
    count: usize,
    /// Addresses of the pages beside this one.
    before: Option<String>,
    after: Option<String>,
    may_edit: bool,
}

struct PersonRow {
    identity: String,
    href: String,
    properties: Vec<(String, String)>,
    last: Moment,
    visits: u64,
    origin: OriginSaid,
    latest: OriginSaid,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    shell: Shell,
    site_id: String,
    /// Of a person.
    identity: Option<String>,
    /// Of a visitor.
    visitor: Option<String>,
    /// Of a visitor, whose visits they are.
    known_as: Vec<(String, String)>,
    /// Of a person, their visitor ids.
    browsers: Vec<String>,
    properties: Vec<(String, String)>,
    summary: SummaryRow,
    visits: Vec<VisitRow>,
    newer: Option<String>,
    older: Option<String>,
    may_erase: bool,
}

struct SummaryRow {
    first: Moment,
    last: Moment,
    visits: u64,
    pageviews: u64,
    events: u64,
    engaged: String,
    origin: OriginSaid,
    latest: OriginSaid,
}

struct VisitRow {
    first: Moment,
    lasted: String,
    is_bot: bool,
    origin: OriginSaid,
    /// Of a person with several browsers, which one it was.
    visitor: Option<String>,
    hits: Vec<HitRow>,
    hits_left: usize,
}

struct HitRow {
    iso: String,
    /// Time since the visit began.
    after: String,
    /// `viewed`, `event` or `named`.
    kind: &'static str,
    what: String,
    title: String,
    properties: Vec<(String, String)>,
    engaged: Option<String>,
}

/// How somebody came, from where and with what.
struct OriginSaid {
    source: String,
    country: String,
    place: String,
    browser: String,
    os: String,
    device: String,
    language: String,
}

impl OriginSaid {
    fn of(texts: &VisitTexts) -> OriginSaid {
        let text = |of: VisitText| texts.text(of).to_string();
        let with =
            |of: VisitText, version: VisitText| format!("{} {}", text(of), text(version)).trim().to_owned();
        let or = |one: String, other: String| if one.is_empty() { other } else { one };
        OriginSaid {
            source: or(text(VisitText::Source), text(VisitText::Channel)),
            country: text(VisitText::Country),
            place: or(text(VisitText::City), text(VisitText::Region)),
            browser: with(VisitText::Browser, VisitText::BrowserVersion),
            os: with(VisitText::Os, VisitText::OsVersion),
            device: text(VisitText::Device),
            language: text(VisitText::Language),
        }
    }
}

/// `GET /sites/{site}/profiles?search=&offset=`
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    on: OnSite,
    done: Done,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["search", "offset", "done"], PEOPLE_A_PAGE)?;
    let Params { search, offset, .. } = params;
    let (bots, limit) = (Bots::Without, PEOPLE_A_PAGE);
    let asked = People { search: search.trim().to_owned(), bots, offset, limit };
    let found = found(&web, &caller, &on.site, asked).await?;
    let site = on.site.id;
    let href = |offset: usize| format!("/sites/{site}/profiles?search={}&offset={offset}", encoded(&search));
    let title = format!("{}, profiles", on.site.name);
    Ok(page(&ProfilesPage {
        shell: Shell::on_site(&title, &on, "profiles").saying(&done),
        site_id: site.to_string(),
        before: (offset > 0).then(|| href(offset.saturating_sub(limit))),
        after: next(offset, found.people.len(), found.count).map(href),
        count: found.count,
        people: found.people.into_iter().map(|person| person_row(site, person)).collect(),
        search,
        may_edit: may_edit(&web, &on).await,
    }))
}

/// `GET /sites/{site}/profiles/person?identity=&offset=`
pub async fn show_person(
    State(web): State<Arc<Web>>,
    caller: Caller,
    on: OnSite,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["identity", "offset"], VISITS_A_PAGE)?;
    person_page(&web, &caller, &on, params, None).await
}

/// `GET /sites/{site}/visitors/{visitor}?offset=`
pub async fn show_visitor(
    State(web): State<Arc<Web>>,
    caller: Caller,
    on: OnSite,
    Path((_, visitor)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["offset"], VISITS_A_PAGE)?;
    visitor_page(&web, &caller, &on, visitor_in(&visitor)?, params, None).await
}

/// `POST /sites/{site}/profiles/erase`: once it is said that one is sure, all of a person goes.
pub async fn erase_person(State(web): State<Arc<Web>>, caller: Caller, on: OnSite, fields: Fields) -> Answer {
    let identity = fields.text("identity").to_owned();
    if !fields.is_checked("sure") {
        let params = Params { identity, ..Params::read(None, &[], VISITS_A_PAGE)? };
        return person_page(&web, &caller, &on, params, Some(NOT_SURE)).await;
    }
    erased(&web, &on, Whom::Person(identity)).await
}

/// `POST /sites/{site}/visitors/{visitor}/erase`: the same of one visitor.
pub async fn erase_visitor(
    State(web): State<Arc<Web>>,
    caller: Caller,
    on: OnSite,
    Path((_, visitor)): Path<(String, String)>,
    fields: Fields,
) -> Answer {
    let visitor = visitor_in(&visitor)?;
    if !fields.is_checked("sure") {
        let params = Params::read(None, &[], VISITS_A_PAGE)?;
        return visitor_page(&web, &caller, &on, visitor, params, Some(NOT_SURE)).await;
    }
    erased(&web, &on, Whom::Visitor(visitor)).await
}

const NOT_SURE: &str = "Nothing was erased. Tick the box below to say that you are sure.";

async fn erased(web: &Web, on: &OnSite, whom: Whom) -> Answer {
    erase_all(web, &on.site, whom).await?;
    tracing::info!(site = %on.site.id, by = %on.by.account.id, "a profile was erased");
    Ok(go_to(&format!("/sites/{}/profiles?done=erased", on.site.id)))
}

async fn may_edit(web: &Web, on: &OnSite) -> bool {
    web.access.authorise(&on.by.principal, on.site.id, Action::EditSite).await.is_ok()
}

async fn person_page(
    web: &Web,
    caller: &Caller,
    on: &OnSite,
    params: Params,
    warning: Option<&'static str>,
) -> Answer {
    let (site, identity) = (on.site.id, params.identity.clone());
    let profile = profile(web, caller, &on.site, Whose::Person(identity.clone()), &params).await?;
    let href = person_href(site, &identity);
    let told = told(web, on, &params, profile, &href, warning).await?;
    let shell = Shell { title: format!("{identity}, {}", on.site.name), ..told.shell };
    Ok(page(&ProfilePage { shell, identity: Some(identity), known_as: Vec::new(), ..told }))
}

async fn visitor_page(
    web: &Web,
    caller: &Caller,
    on: &OnSite,
    visitor: VisitorId,
    params: Params,
    warning: Option<&'static str>,
) -> Answer {
    let params = Params { bots: Bots::With, ..params };
    let profile = profile(web, caller, &on.site, Whose::Visitor(visitor), &params).await?;
    let href = format!("/sites/{}/visitors/{visitor}?", on.site.id);
    let told = told(web, on, &params, profile, &href, warning).await?;
    let shell = Shell { title: format!("Visitor {visitor}, {}", on.site.name), ..told.shell };
    Ok(page(&ProfilePage { shell, visitor: Some(visitor.to_string()), browsers: Vec::new(), ..told }))
}

/// The page but for whose it is. `href`: its address, to be followed by more parameters.
async fn told(
    web: &Web,
    on: &OnSite,
    params: &Params,
    profile: Profile,
    href: &str,
    warning: Option<&'static str>,
) -> Result<ProfilePage, Problem> {
    let site = on.site.id;
    let (offset, visits) = (params.offset, profile.summary.visits as usize);
    let at = |offset: usize| format!("{href}&offset={offset}");
    let is_several = profile.visitors.len() > 1;
    let mut shell = Shell::on_site("", on, "profiles");
    if let Some(warning) = warning {
        shell = shell.warning(warning);
    }
    let known_as =
        profile.identities.iter().map(|identity| (identity.to_string(), person_href(site, identity)));
    Ok(ProfilePage {
        shell,
        site_id: site.to_string(),
        identity: None,
        visitor: None,
        known_as: known_as.collect(),
        browsers: profile.visitors.iter().map(|visitor| visitor.to_string()).collect(),
        properties: profile.properties.0.into_iter().collect(),
        newer: (offset > 0).then(|| at(offset.saturating_sub(params.limit))),
        older: next(offset, profile.visits.len(), visits).map(at),
        summary: summary_row(&profile.summary),
        visits: profile.visits.into_iter().map(|visit| visit_row(visit, is_several)).collect(),
        may_erase: may_edit(web, on).await,
    })
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn person_href(site: SiteId, identity: &str) -> String {
    format!("/sites/{site}/profiles/person?identity={}", encoded(identity))
}

fn person_row(site: SiteId, person: Person) -> PersonRow {
    PersonRow {
        href: person_href(site, &person.identity),
        identity: person.identity.to_string(),
        properties: person.properties.0.into_iter().take(PROPERTIES_SHOWN).collect(),
        last: Millis(person.summary.last).into(),
        visits: person.summary.visits,
        origin: OriginSaid::of(&person.summary.origin),
        latest: OriginSaid::of(&person.summary.latest),
    }
}

fn summary_row(summary: &Summary) -> SummaryRow {
    SummaryRow {
        first: Millis(summary.first).into(),
        last: Millis(summary.last).into(),
        visits: summary.visits,
        pageviews: summary.pageviews,
        events: summary.events,
        engaged: lasting(summary.engaged_ms),
        origin: OriginSaid::of(&summary.origin),
        latest: OriginSaid::of(&summary.latest),
    }
}

fn visit_row(visit: TrailVisit, is_several: bool) -> VisitRow {
    VisitRow {
        first: Millis(visit.first).into(),
        lasted: lasting((visit.last - visit.first).max(0) as u64),
        is_bot: visit.is_bot,
        origin: OriginSaid::of(&visit.texts),
        visitor: is_several.then(|| visit.visitor.to_string()),
        hits: visit.hits.into_iter().map(|hit| hit_row(visit.first, hit)).collect(),
        hits_left: visit.hits_left,
    }
}

fn hit_row(began: i64, hit: TrailHit) -> HitRow {
    let (kind, what) = match hit.kind {
        Kind::Event => ("event", hit.name.to_string()),
        Kind::Identify => ("named", hit.name.to_string()),
        Kind::Pageview | Kind::Presence if hit.query.is_empty() => ("viewed", hit.path.to_string()),
        Kind::Pageview | Kind::Presence => ("viewed", format!("{}?{}", hit.path, hit.query)),
    };
    HitRow {
        iso: Moment::from(Millis(hit.at)).iso,
        after: lasting((hit.at - began).max(0) as u64),
        kind,
        what,
        title: hit.title.to_string(),
        properties: properties(&hit.props).into_iter().collect(),
        engaged: (hit.engaged_ms > 0).then(|| lasting(hit.engaged_ms.into())),
    }
}

/// `0:07`, `12:05`, `2 h 05`, `3 d 4 h`
fn lasting(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
    match (hours / 24, hours) {
        (0, 0) => format!("{minutes}:{:02}", seconds % 60),
        (0, _) => format!("{hours} h {:02}", minutes % 60),
        (days, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_reads_as_on_the_live_page() {
        for (ms, text) in [
            (0, "0:00"),
            (7_999, "0:07"),
            (725_000, "12:05"),
            (7_500_000, "2 h 05"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(lasting(ms), text);
        }
    }
}
