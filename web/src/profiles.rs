//! Whom a site named of its visitors, and what each visitor did: asked of the archive, which computes it from the site's history.

mod http;
mod pages;
mod said;

pub(crate) use http::{erase, list, person, visitor};
pub(crate) use pages::{erase_person, erase_visitor, show, show_person, show_visitor};

use archive::{Asked, Erased, Whom};
use history::query::{Bots, CELLS_MAX};
use history::report::people::{self, Found, People, Profile, SEARCH_BYTES_MAX, Whose};
use model::{Site, VisitorId, limits};

use crate::Web;
use crate::error::Problem;
use crate::guard::Caller;
use crate::reports::{limit_rate, refused};

/// People or visits of one answer, where nothing else is said.
const LIMIT: usize = 50;
/// All that a site's history has.
const EVER: (i64, i64) = (i64::MIN, i64::MAX);

/// What is asked about people or visits.
#[derive(Clone, Debug, PartialEq)]
struct Params {
    search: String,
    identity: String,
    bots: Bots,
    offset: usize,
    limit: usize,
}

impl Params {
    /// From the query of an address, where these names may stand in.
    fn read(query: Option<&str>, names: &[&str], limit_max: usize) -> Result<Params, Problem> {
        let limit = LIMIT.min(limit_max);
        let (search, identity) = (String::new(), String::new());
        let mut params = Params { search, identity, bots: Bots::Without, offset: 0, limit };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            // A credential was read before.
            if matches!(&*name, "token" | "share") {
                continue;
            }
            if !names.contains(&&*name) {
                return Err(refused::query("", format!("there is {} and no more", names.join(", "))).into());
            }
            match &*name {
                "search" => params.search = text(&name, &value, SEARCH_BYTES_MAX)?,
                "identity" => params.identity = text(&name, &value, limits::IDENTITY_BYTES_MAX)?,
                "offset" => params.offset = number(&name, &value, 0, CELLS_MAX)?,
                "done" => {}
                "limit" => params.limit = number(&name, &value, 1, limit_max)?,
                _ => params.bots = refused::worded("bots", &value, "without, with or only")?,
            }
        }
        Ok(params)
    }
}

fn text(name: &str, value: &str, bytes_max: usize) -> Result<String, Problem> {
    match value.len() > bytes_max {
        true => Err(refused::limit(name, "bytes", bytes_max).into()),
        false => Ok(value.to_owned()),
    }
}

fn number(name: &str, value: &str, min: usize, max: usize) -> Result<usize, Problem> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| refused::query(name, format!("a number from {min} to {max}")).into())
}

/// One page of people.
async fn found(web: &Web, caller: &Caller, site: &Site, asked: People) -> Result<Found, Problem> {
    limit_rate(web, caller, 1)?;
    let ask = move |on: &Asked<'_>| people::people(on.parts, &asked, on.control);
    Ok(web.archive.ask(site, EVER, ask).await.map_err(refused::archive)?)
}

/// One person or visitor; not found where the history has nothing of them.
async fn profile(
    web: &Web,
    caller: &Caller,
    site: &Site,
    whose: Whose,
    params: &Params,
) -> Result<Profile, Problem> {
    limit_rate(web, caller, 1)?;
    let asked = people::Asked { whose, bots: params.bots, offset: params.offset, limit: params.limit };
    let ask = move |on: &Asked<'_>| people::profile(on.parts, &asked, on.control);
    let found = web.archive.ask(site, EVER, ask).await.map_err(refused::archive)?;
    Ok(found.ok_or_else(door::Refusal::not_found)?)
}

/// The visitor that a path names.
fn visitor_in(path: &str) -> Result<VisitorId, Problem> {
    Ok(path.parse().map_err(|_| door::Refusal::not_found())?)
}

/// All that was received so far goes, for good.
pub(crate) async fn erase_all(web: &Web, site: &Site, whom: Whom) -> Result<Erased, Problem> {
    let erased = archive::erase(&(&web.store).into(), site, &whom, web.clock.now()).await;
    Ok(erased.map_err(refused::archive)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_known_and_within_its_limit() {
        const NAMES: [&str; 4] = ["search", "bots", "offset", "limit"];
        let read = |query: &str| Params::read(Some(query), &NAMES, 100);
        let plain = Params::read(None, &NAMES, 100).unwrap();
        assert_eq!((plain.limit, plain.offset, plain.bots), (LIMIT, 0, Bots::Without));
        let full = read("search=%C3%BC+a&bots=only&offset=4000000&limit=100&share=s&token=t").unwrap();
        assert_eq!((&*full.search, full.bots, full.offset, full.limit), ("ü a", Bots::Only, 4_000_000, 100));
        assert!(read(&format!("search={}", "x".repeat(SEARCH_BYTES_MAX))).is_ok());
        for bad in
            ["limit=0", "limit=101", "limit=x", "offset=4000001", "offset=-1", "bots=yes", "identity=a", "x="]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!("search={}", "x".repeat(SEARCH_BYTES_MAX + 1))).is_err());
        let long = |bytes: usize| {
            Params::read(Some(&format!("identity={}", "x".repeat(bytes))), &["identity"], 1).is_ok()
        };
        assert!(long(limits::IDENTITY_BYTES_MAX) && !long(limits::IDENTITY_BYTES_MAX + 1));
    }
}
