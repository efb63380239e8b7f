//! Rules: a site speaks to a visitor first, where they are as one of its rules says. Whether that is so is read from presence, never believed of a page. To
//! each visitor a rule speaks once; who answers begins a conversation with what it said at its head.

use std::time::Duration;

use model::chat::{MessageKind, NewMessage, Occasion, Rule, Spoken, Who, is_like};
use model::{BotId, MessageId, Millis, RoomId, RuleId, Site, SiteId, Visitor, VisitorId, VisitorKey, limits};
use store::chat::{Answered, RuleMark, Saying, rule_mark};
use store::salts::{NEVER, Salts};

use crate::hours::presence;
use crate::{Chat, Refused, Result, random};

/// Who of a site's visitors a rule may speak to: their state, and all ids that they are known by.
#[derive(Clone, Debug)]
pub struct Addressed {
    pub visitor: VisitorId,
    pub before: Option<VisitorId>,
    /// As whom their visit is counted, and since when they are here.
    pub counted: VisitorId,
    pub since: Millis,
}

impl Addressed {
    fn marks(&self, rule: RuleId) -> Vec<RuleMark> {
        std::iter::once(self.visitor).chain(self.before).map(|visitor| rule_mark(rule, visitor)).collect()
    }
}

impl Chat {
    /// The site's rules, for who may edit it.
    pub async fn rules(&self, site: SiteId) -> Result<Vec<Rule>> {
        Ok(self.store.rules.rules(site).await?)
    }

    /// Makes a rule, or changes the one with its id; for who may edit the site.
    pub async fn put_rule(&self, site: SiteId, rule: Rule) -> Result<()> {
        if rule.when.is_any() {
            return Err(Refused::Invalid("a rule names at least one thing that has to be so"));
        }
        if rule.words.trim().is_empty() {
            return Err(Refused::Invalid("a rule says something"));
        }
        if let Some(agent) = rule.agent
            && !self.answers(agent, site).await?
        {
            return Err(Refused::Invalid("nobody answers here by that id"));
        }
        Ok(self.store.rules.put_rule(site, rule).await?)
    }

    pub async fn remove_rule(&self, site: SiteId, rule: RuleId) -> Result<()> {
        Ok(self.store.rules.remove_rule(site, rule).await?)
    }

    /// Whether any rule of the site may speak just now.
    pub async fn has_rules(&self, site: &Site) -> Result<bool> {
        let may = presence(site, self.clock.now()).open;
        Ok(may && self.store.rules.rules(site.id).await?.iter().any(|rule| rule.on))
    }

    /// The rules that would speak to that visitor now, whatever came before this visit; and who they are. Nobody is spoken to outside office hours,
    /// nor who has a conversation already.
    pub async fn rules_due(
        &self,
        site: &Site,
        key: VisitorKey,
        before: Option<VisitorKey>,
    ) -> Result<Option<(Addressed, Vec<Rule>)>> {
        let now = self.clock.now();
        if !presence(site, now).open {
            return Ok(None);
        }
        let mut rules = self.store.rules.rules(site.id).await?;
        rules.retain(|rule| rule.on);
        if rules.is_empty() {
            return Ok(None);
        }
        let Some(visitor) = self.present(site.id, key, before).await? else {
            return Ok(None);
        };
        rules.retain(|rule| is_so(&rule.when, &visitor, now));
        let before = before.map(|key| key.visitor);
        let who =
            Addressed { visitor: key.visitor, before, counted: visitor.key.visitor, since: visitor.since };
        let marks: Vec<RuleMark> = rules.iter().flat_map(|rule| who.marks(rule.id)).collect();
        let noted = match marks.is_empty() {
            true => Vec::new(),
            false => self.store.rules.rule_marks(site.id, marks, now).await?,
        };
        rules.retain(|rule| who.marks(rule.id).iter().all(|mark| !noted.contains(mark)));
        if rules.is_empty() || self.talks(site.id, key, who.before).await? {
            return Ok(None);
        }
        Ok(Some((who, rules)))
    }

    /// People only.
    async fn present(
        &self,
        site: SiteId,
        key: VisitorKey,
        before: Option<VisitorKey>,
    ) -> Result<Option<std::sync::Arc<Visitor>>> {
        for key in std::iter::once(key).chain(before) {
            let found = self.live.visitor(site, key).await;
            if let Some(visitor) = found.map_err(|error| Refused::Unavailable(error.into()))? {
                return Ok(Some(visitor).filter(|visitor| visitor.bot.is_none()));
            }
        }
        Ok(None)
    }

    async fn talks(&self, site: SiteId, key: VisitorKey, before: Option<VisitorId>) -> Result<bool> {
        let keys = std::iter::once(key.visitor).chain(before);
        for visitor in keys {
            let key = VisitorKey { visitor, ..key };
            if !self.store.conversations.with_visitor(site, key).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The rule speaks to them: once, whoever asks how often. What it said, and who says it by name; None where it spoke before.
    pub async fn speak(&self, site: &Site, who: &Addressed, rule: &Rule) -> Result<Option<(Spoken, String)>> {
        // An agent who is none any more says nothing: the site does.
        let agent = match rule.agent {
            Some(agent) if self.answers(agent, site.id).await? => Some(agent),
            _ => None,
        };
        let name = match agent {
            Some(agent) => self.store.accounts.account(agent).await?.name,
            None => site.name.clone(),
        };
        let now = self.clock.now();
        let known: Duration =
            if site.first_party_id { limits::RULE_KNOWN } else { limits::RULE_KNOWN_OF_A_DAY };
        let saying = Saying { rule: rule.id, marks: who.marks(rule.id), at: now, until: now.plus(known) };
        if !self.store.rules.say_rule(site.id, saying).await? {
            return Ok(None);
        }
        let words = rule.words.clone();
        Ok(Some((Spoken { site: site.id, rule: rule.id, visitor: who.visitor, agent, words }, name)))
    }
}

/// All that a rule names is so, but what came before this visit.
fn is_so(when: &Occasion, visitor: &Visitor, now: Millis) -> bool {
    let same = |wanted: &Option<String>, is: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.to_lowercase() == is.to_lowercase())
    };
    let page = visitor.trail.last();
    let is_there = when.path.as_ref().is_none_or(|path| page.is_some_and(|page| is_like(path, &page.path)));
    let since = page.map_or(visitor.since, |page| page.at);
    let is_long = when.seconds.is_none_or(|seconds| now.0 - since.0 >= i64::from(seconds) * 1_000);
    is_there
        && is_long
        && same(&when.campaign, &visitor.source.utm_campaign)
        && same(&when.source, &visitor.source.name)
        && same(&when.country, &visitor.place.country)
}

/// The site itself speaks as the bot that has its number.
fn author(spoken: &Spoken) -> Who {
    spoken.agent.map_or(Who::Bot(BotId::of(spoken.site.value())), Who::Account)
}

pub(super) fn answered(spoken: Spoken, room: RoomId, at: Millis) -> Answered {
    let words = NewMessage {
        room,
        id: MessageId((u128::from(random()) << 64) | u128::from(random())),
        author: author(&spoken),
        kind: MessageKind::Text,
        body: spoken.words,
        thread: None,
        mentions: Vec::new(),
        files: Vec::new(),
        at,
    };
    Answered { rule: spoken.rule, words }
}

/// That this was said by that rule to that visitor: whoever answers shows it, and nothing of it is kept.
pub async fn spoken_proof(salts: &dyn Salts, spoken: &Spoken) -> Result<blake3::Hash> {
    let key = salts.salt("what rules said", NEVER).await?;
    let Spoken { site, rule, visitor, agent, words } = spoken;
    let agent = agent.map(|agent| agent.to_string()).unwrap_or_default();
    Ok(blake3::keyed_hash(&key, format!("{site} {rule} {visitor} {agent} {words}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Agent, BrowserId, Device, Place, Source, Step};

    use super::*;

    const NOW: Millis = Millis(100_000);

    fn visitor() -> Visitor {
        let text = Arc::<str>::from;
        let source = Source { name: text("Google"), utm_campaign: text("Spring"), ..Source::direct() };
        let step = |at, path| Step { at: Millis(at), path: text(path) };
        Visitor {
            key: VisitorKey { visitor: VisitorId(1), browser: BrowserId(1) },
            since: Millis(10_000),
            alive_until: NOW,
            active: true,
            engaged_ms: 0,
            pages: vec![],
            trail: vec![step(10_000, "/"), step(90_000, "/cart/2")],
            source: Arc::new(source),
            place: Arc::new(Place { country: "FR".into(), ..Place::default() }),
            agent: Arc::new(Agent {
                browser: "Firefox".into(),
                browser_version: "133".into(),
                os: "Linux".into(),
                os_version: "".into(),
                device: Device::Desktop,
            }),
            language: "fr".into(),
            bot: None,
            identity: None,
        }
    }

    fn check(when: Occasion, expected: bool) {
        assert_eq!(is_so(&when, &visitor(), NOW), expected, "{when:?}");
    }

    #[test]
    fn all_that_a_rule_names_has_to_be_so() {
        let text = |text: &str| Some(text.to_owned());
        check(Occasion { path: text("/cart/*"), ..Occasion::default() }, true);
        check(Occasion { path: text("/"), ..Occasion::default() }, false);
        check(Occasion { seconds: Some(10), ..Occasion::default() }, true);
        check(Occasion { seconds: Some(11), ..Occasion::default() }, false);
        check(Occasion { campaign: text("spring"), ..Occasion::default() }, true);
        check(Occasion { campaign: text("autumn"), ..Occasion::default() }, false);
        check(Occasion { source: text("google"), country: text("fr"), ..Occasion::default() }, true);
        check(Occasion { source: text("google"), country: text("DE"), ..Occasion::default() }, false);
        check(Occasion { path: text("/cart/*"), seconds: Some(11), ..Occasion::default() }, false);
    }
}
