//! Rules, a document a site, and the marks of whom they were said to. Who changes them takes the site's turn.

use async_trait::async_trait;
use model::chat::Rule;
use model::{Millis, RuleId, SiteId};
use mongodb::bson::{Binary, Bson, Document, doc};
use serde::Deserialize;

use super::conversations::take_site;
use super::{Chat, RULE_MARKS, RULES, Valued, json};
use crate::Result;
use crate::chat::rules::{MARKS_SWEPT, RuleMark, Rulebook, Rules, Saying};
use crate::mongodb::columns::{Column, binary, bytes32};
use crate::mongodb::gate::{CALL_TIME_MAX, within};
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};

#[derive(Deserialize)]
struct MarkRow {
    mark: Binary,
}

#[async_trait]
impl Rules for Chat {
    async fn rules(&self, site: SiteId) -> Result<Vec<Rule>> {
        Ok(read!(self, |step| rulebook(step, site))?.rules)
    }

    async fn put_rule(&self, site: SiteId, rule: Rule) -> Result<()> {
        let _turn = self.lane_of(site.value()).lock().await;
        write!(self, |step| put_rule(step, site, &rule))
    }

    async fn remove_rule(&self, site: SiteId, rule: RuleId) -> Result<()> {
        let _turn = self.lane_of(site.value()).lock().await;
        write!(self, |step| remove_rule(step, site, rule))
    }

    async fn say_rule(&self, site: SiteId, saying: Saying) -> Result<bool> {
        within(CALL_TIME_MAX, async {
            let _turn = self.lane_of(site.value()).lock().await;
            write!(self, |step| say(step, site, &saying))
        })
        .await
    }

    async fn rule_marks(&self, site: SiteId, marks: Vec<RuleMark>, now: Millis) -> Result<Vec<RuleMark>> {
        read!(self, |step| noted(step, site, &marks, now))
    }
}

pub async fn rulebook(step: &mut Step, site: SiteId) -> Result<Rulebook> {
    let found: Option<Valued> = step.one(RULES, doc! { "_id": site.column() }).await?;
    found.map_or(Ok(Rulebook::default()), Valued::read)
}

pub async fn put(step: &mut Step, site: SiteId, book: &Rulebook) -> Result<()> {
    let value = doc! { "$set": { "value": json(book) }, "$setOnInsert": { "v": V } };
    step.put(RULES, doc! { "_id": site.column() }, value).await
}

async fn put_rule(step: &mut Step, site: SiteId, rule: &Rule) -> Result<()> {
    take_site(step, site).await?;
    let mut book = rulebook(step, site).await?;
    book.put(rule.clone())?;
    put(step, site, &book).await
}

async fn remove_rule(step: &mut Step, site: SiteId, rule: RuleId) -> Result<()> {
    take_site(step, site).await?;
    let mut book = rulebook(step, site).await?;
    book.remove(rule)?;
    put(step, site, &book).await
}

async fn say(step: &mut Step, site: SiteId, saying: &Saying) -> Result<bool> {
    let Some(first) = saying.marks.first() else {
        return Ok(false);
    };
    take_site(step, site).await?;
    if !noted(step, site, &saying.marks, saying.at).await?.is_empty() {
        return Ok(false);
    }
    let mut book = rulebook(step, site).await?;
    let over = doc! { "site": site.column(), "until": { "$lte": saying.at.0 } };
    let over = step.some(RULE_MARKS, over, doc! { "until": 1 }, MARKS_SWEPT).await?;
    let over: Vec<Bson> = over.iter().filter_map(|mark| mark.get("_id").cloned()).collect();
    let swept = match over.is_empty() {
        true => 0,
        false => step.remove(RULE_MARKS, doc! { "_id": { "$in": over } }).await?,
    };
    if !book.said(saying.rule, swept as u64)? {
        return Ok(false);
    }
    let until = doc! { "$set": { "until": saying.until.0 }, "$setOnInsert": { "v": V } };
    step.put(RULE_MARKS, one(site.column(), first), until).await?;
    put(step, site, &book).await?;
    Ok(true)
}

/// Who it was said to began a conversation with it; by who has the site's turn.
pub async fn answered(step: &mut Step, site: SiteId, rule: RuleId) -> Result<()> {
    let mut book = rulebook(step, site).await?;
    if book.answered(rule) { put(step, site, &book).await } else { Ok(()) }
}

/// By its unique index.
pub fn one(site: i64, mark: &RuleMark) -> Document {
    doc! { "site": site, "mark": binary(mark) }
}

async fn noted(step: &mut Step, site: SiteId, marks: &[RuleMark], now: Millis) -> Result<Vec<RuleMark>> {
    let these: Vec<Bson> = marks.iter().map(|mark| binary(mark).into()).collect();
    let noted = doc! { "site": site.column(), "mark": { "$in": these }, "until": { "$gt": now.0 } };
    let found: Vec<MarkRow> = step.all(RULE_MARKS, noted, doc! { "mark": 1 }).await?;
    found.into_iter().map(|row| bytes32(row.mark)).collect()
}

/// Those of a site that was removed, of which there may be many: beside any transaction.
pub async fn forget_marks(step: &mut Step, site: SiteId) -> Result<()> {
    step.remove(RULE_MARKS, doc! { "site": site.column() }).await.map(drop)
}
