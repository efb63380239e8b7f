//! Rules by which a site speaks to visitors first: one row a site holds them, with how often each was said and answered. To whom they were said is a mark
//! each, from which nobody is told; it goes after its time.

use async_trait::async_trait;
use model::chat::{NewMessage, Rule};
use model::{Millis, RuleId, SiteId, VisitorId, limits};
use serde::{Deserialize, Serialize};

use super::rooms::bounded;
use crate::{Result, StoreError};

/// The rules of all sites, and to whom they were said.
#[async_trait]
pub trait Rules: Send + Sync {
    /// In the order in which they were made.
    async fn rules(&self, site: SiteId) -> Result<Vec<Rule>>;

    /// Adds a rule, or puts it in the place of the one with its id, which keeps how often it was said and answered. Limit past `RULES_MAX` of the site,
    /// and past the bytes or number of anything.
    async fn put_rule(&self, site: SiteId, rule: Rule) -> Result<()>;

    /// NotFound where the site has none with that id.
    async fn remove_rule(&self, site: SiteId, rule: RuleId) -> Result<()>;

    /// Notes that a rule is said to a visitor, and counts it, all or nothing: true once for each rule and each of the marks, until its time is over, however
    /// many ask at once. False where any of the marks was noted, or the site has no such rule. Limit past `RULE_MARKS_MAX` of the site.
    async fn say_rule(&self, site: SiteId, saying: Saying) -> Result<bool>;

    /// Which of these marks are noted.
    async fn rule_marks(&self, site: SiteId, marks: Vec<RuleMark>, now: Millis) -> Result<Vec<RuleMark>>;
}

/// That a rule was said to a visitor.
pub type RuleMark = [u8; 32];

/// To whom a rule is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Saying {
    pub rule: RuleId,
    /// Of the visitor; the first one is noted.
    pub marks: Vec<RuleMark>,
    pub at: Millis,
    /// The note is of no more use then.
    pub until: Millis,
}

/// What a rule said, and who it was said to answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub rule: RuleId,
    /// Stands before what the customer says first. It is no answer to anybody, and was read.
    pub words: NewMessage,
}

/// One row a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rulebook {
    pub(crate) rules: Vec<Rule>,
    /// Marks that are noted of the site.
    pub(crate) marks: u64,
}

/// Marks whose time is over that go as another one is noted.
pub(crate) const MARKS_SWEPT: usize = 100;
pub(crate) const NO_RULE: StoreError = StoreError::NotFound("rule");

/// Of a rule and a visitor.
pub fn rule_mark(rule: RuleId, visitor: VisitorId) -> RuleMark {
    *blake3::hash(format!("{rule} {visitor}").as_bytes()).as_bytes()
}

impl Rulebook {
    pub(crate) fn put(&mut self, rule: Rule) -> Result<()> {
        refuse_oversized(&rule)?;
        match self.rules.iter_mut().find(|known| known.id == rule.id) {
            Some(known) => {
                let (shown, answered) = (known.shown, known.answered);
                *known = Rule { shown, answered, ..rule };
            }
            None => {
                bounded(self.rules.len() + 1, "rules of a site", limits::RULES_MAX)?;
                self.rules.push(Rule { shown: 0, answered: 0, ..rule });
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: RuleId) -> Result<()> {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        if self.rules.len() == before { Err(NO_RULE) } else { Ok(()) }
    }

    /// One more was said, after so many marks went; false: there is no such rule.
    pub(crate) fn said(&mut self, id: RuleId, swept: u64) -> Result<bool> {
        self.marks = self.marks.saturating_sub(swept);
        let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) else {
            return Ok(false);
        };
        bounded(
            self.marks as usize + 1,
            "visitors of a site to whom rules were said",
            limits::RULE_MARKS_MAX,
        )?;
        rule.shown += 1;
        self.marks += 1;
        Ok(true)
    }

    /// Whether that makes a difference.
    pub(crate) fn answered(&mut self, id: RuleId) -> bool {
        let rule = self.rules.iter_mut().find(|rule| rule.id == id);
        rule.map(|rule| rule.answered += 1).is_some()
    }
}

fn refuse_oversized(rule: &Rule) -> Result<()> {
    let bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let when = &rule.when;
    bounded(rule.name.len(), "bytes in a name", limits::NAME_BYTES_MAX)?;
    bounded(rule.words.len(), "bytes in what a rule says", limits::RULE_WORDS_BYTES_MAX)?;
    bounded(bytes(&when.path), "bytes in a path", limits::URL_BYTES_MAX)?;
    bounded(bytes(&when.campaign), "bytes in a campaign", limits::NAME_BYTES_MAX)?;
    bounded(bytes(&when.source), "bytes in a source", limits::NAME_BYTES_MAX)?;
    bounded(bytes(&when.country), "letters of a country", 2)?;
    let seconds = when.seconds.unwrap_or_default() as usize;
    bounded(seconds, "seconds on a page", limits::RULE_SECONDS_MAX as usize)
}

#[cfg(test)]
mod tests {
    use model::chat::Occasion;

    use super::*;

    pub fn rule(number: u64) -> Rule {
        let when = Occasion { path: Some("/cart".into()), ..Occasion::default() };
        let (name, words) = (format!("rule {number}"), "Shall I help?".into());
        Rule { id: RuleId::of(number), name, on: true, words, agent: None, when, shown: 0, answered: 0 }
    }

    #[test]
    fn so_many_are_noted_and_no_more_until_some_went() {
        let mut book = Rulebook { rules: vec![rule(1)], marks: limits::RULE_MARKS_MAX as u64 - 1 };
        assert!(book.said(RuleId::of(1), 0).unwrap());
        let full = book.said(RuleId::of(1), 0);
        assert!(matches!(full, Err(StoreError::Limit { max: limits::RULE_MARKS_MAX, .. })), "{full:?}");
        assert!(book.said(RuleId::of(1), 2).unwrap());
        assert_eq!((book.rules[0].shown, book.marks), (2, limits::RULE_MARKS_MAX as u64 - 1));
        assert!(!book.said(RuleId::of(2), 0).unwrap(), "there is no such rule");
    }

    #[test]
    fn each_text_of_a_rule_has_its_maximum() {
        type Fill = fn(&mut Rule, usize);
        let fills: [(Fill, usize); 7] = [
            (|rule, count| rule.name = "n".repeat(count), limits::NAME_BYTES_MAX),
            (|rule, count| rule.words = "w".repeat(count), limits::RULE_WORDS_BYTES_MAX),
            (|rule, count| rule.when.path = Some("/".repeat(count)), limits::URL_BYTES_MAX),
            (|rule, count| rule.when.campaign = Some("c".repeat(count)), limits::NAME_BYTES_MAX),
            (|rule, count| rule.when.source = Some("s".repeat(count)), limits::NAME_BYTES_MAX),
            (|rule, count| rule.when.country = Some("F".repeat(count)), 2),
            (|rule, count| rule.when.seconds = Some(count as u32), limits::RULE_SECONDS_MAX as usize),
        ];
        for (fill, most) in fills {
            let mut filled = rule(1);
            fill(&mut filled, most);
            assert!(Rulebook::default().put(filled.clone()).is_ok());
            fill(&mut filled, most + 1);
            let refused = Rulebook::default().put(filled);
            assert!(matches!(refused, Err(StoreError::Limit { max, .. }) if max == most), "{refused:?}");
        }
    }
}
