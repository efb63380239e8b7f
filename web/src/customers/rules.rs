//! Rules by which a site speaks to visitors first, as their page hears of it: which one would speak, what it said, and whether who answers was spoken to.

use std::collections::HashMap;

use chat::{Addressed, spoken_proof};
use history::query::Bots;
use history::report::people::{self, Whose};
use model::chat::{Past, Rule, Spoken};
use model::{AccountId, Millis, RuleId, Site, SiteId, VisitorId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::whereabouts::Whereabouts;
use crate::Web;
use crate::error::Problem;

/// Visitors of whom this process remembers what came before their visit; past it all are asked for again.
const PASTS_MAX: usize = 10_000;
/// All that a site's history has.
const EVER: (i64, i64) = (i64::MIN, i64::MAX);

/// What came before the visits that are under way.
pub type Pasts = Mutex<HashMap<(SiteId, VisitorId, Millis), Past>>;

/// What a rule said, as the page is told of it and tells it again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SpokenStated {
    pub rule: RuleId,
    pub agent: Option<AccountId>,
    pub words: String,
    /// Who speaks; of no meaning where it is told again.
    #[serde(default)]
    pub name: String,
    /// 64 hexadecimal digits.
    pub proof: String,
}

/// The first rule of the site that would speak to them now.
pub async fn due(web: &Web, site: &Site, who: Whereabouts) -> Result<Option<(Addressed, Rule)>, Problem> {
    let Some(visitor) = who.visitor else {
        return Ok(None);
    };
    let Some((addressed, rules)) = web.chat.rules_due(site, visitor, who.before).await? else {
        return Ok(None);
    };
    for rule in rules {
        let is_so = match rule.when.past {
            None => true,
            Some(wanted) => past(web, site, &addressed).await == Some(wanted),
        };
        if is_so {
            return Ok(Some((addressed, rule)));
        }
    }
    Ok(None)
}

/// As the site's history has it; None: it cannot be read just now.
async fn past(web: &Web, site: &Site, who: &Addressed) -> Option<Past> {
    let visit = (site.id, who.counted, who.since);
    if let Some(known) = web.pasts.lock().get(&visit) {
        return Some(*known);
    }
    let asked =
        people::Asked { whose: Whose::Visitor(who.counted), bots: Bots::Without, offset: 0, limit: 1 };
    let ask = move |on: &archive::Asked<'_>| people::profile(on.parts, &asked, on.control);
    let found = web.archive.ask(site, EVER, ask).await;
    let found = found
        .inspect_err(|error| tracing::warn!(site = %site.id, %error, "a rule waits for a visitor's history"));
    let visits = found.ok()?.map_or(0, |profile| profile.summary.visits);
    let past = if visits > 1 { Past::Returning } else { Past::New };
    let mut pasts = web.pasts.lock();
    if pasts.len() >= PASTS_MAX {
        pasts.clear();
    }
    pasts.insert(visit, past);
    Some(past)
}

/// The rule speaks; None where it did before.
pub async fn speak(
    web: &Web,
    site: &Site,
    who: &Addressed,
    rule: &Rule,
) -> Result<Option<SpokenStated>, Problem> {
    let Some((spoken, name)) = web.chat.speak(site, who, rule).await? else {
        return Ok(None);
    };
    let proof = spoken_proof(web.store.salts.as_ref(), &spoken).await?.to_hex().to_string();
    let Spoken { rule, agent, words, .. } = spoken;
    Ok(Some(SpokenStated { rule, agent, words, name, proof }))
}

/// What a rule said to who answers it; None where that is not proven, and then they begin by themselves.
pub async fn believed(
    web: &Web,
    site: &Site,
    who: Whereabouts,
    stated: Option<SpokenStated>,
) -> Result<Option<Spoken>, Problem> {
    let Some(SpokenStated { rule, agent, words, proof, .. }) = stated else {
        return Ok(None);
    };
    let Ok(proof) = blake3::Hash::from_hex(proof) else {
        return Ok(None);
    };
    for key in who.visitor.iter().chain(&who.before) {
        let visitor = key.visitor;
        let spoken = Spoken { site: site.id, rule, visitor, agent, words: words.clone() };
        // Compared in constant time.
        if spoken_proof(web.store.salts.as_ref(), &spoken).await? == proof {
            return Ok(Some(spoken));
        }
    }
    Ok(None)
}
