//! Rules, a row a site, and the marks of whom they were said to.

use async_trait::async_trait;
use model::chat::Rule;
use model::{Millis, RuleId, SiteId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Chat, json, value};
use crate::Result;
use crate::chat::rules::{MARKS_SWEPT, RuleMark, Rulebook, Rules, Saying};
use crate::embedded::columns::Column;

#[async_trait]
impl Rules for Chat {
    async fn rules(&self, site: SiteId) -> Result<Vec<Rule>> {
        self.0.read(move |db| Ok(rulebook(db, site)?.rules)).await
    }

    async fn put_rule(&self, site: SiteId, rule: Rule) -> Result<()> {
        self.0.write(move |db| change(db, site, |book| book.put(rule))).await
    }

    async fn remove_rule(&self, site: SiteId, rule: RuleId) -> Result<()> {
        self.0.write(move |db| change(db, site, |book| book.remove(rule))).await
    }

    async fn say_rule(&self, site: SiteId, saying: Saying) -> Result<bool> {
        self.0.write(move |db| say(db, site, &saying)).await
    }

    async fn rule_marks(&self, site: SiteId, marks: Vec<RuleMark>, now: Millis) -> Result<Vec<RuleMark>> {
        self.0.read(move |db| noted(db, site, marks, now)).await
    }
}

pub fn rulebook(db: &Connection, site: SiteId) -> Result<Rulebook> {
    let mut select = db.prepare_cached("SELECT value FROM rules WHERE site = ?1")?;
    Ok(select.query_row([site.column()], value).optional()?.unwrap_or_default())
}

pub fn put(db: &Connection, site: SiteId, book: &Rulebook) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO rules (site, value) VALUES (?1, ?2)")?
        .execute(params![site.column(), json(book)])?;
    Ok(())
}

fn change(db: &Connection, site: SiteId, change: impl FnOnce(&mut Rulebook) -> Result<()>) -> Result<()> {
    let mut book = rulebook(db, site)?;
    change(&mut book)?;
    put(db, site, &book)
}

fn say(db: &Connection, site: SiteId, saying: &Saying) -> Result<bool> {
    let Some(first) = saying.marks.first() else {
        return Ok(false);
    };
    if !noted(db, site, saying.marks.clone(), saying.at)?.is_empty() {
        return Ok(false);
    }
    let mut book = rulebook(db, site)?;
    let swept = db
        .prepare_cached(
            "DELETE FROM rule_marks WHERE (site, mark) IN
             (SELECT site, mark FROM rule_marks WHERE site = ?1 AND until <= ?2 ORDER BY until LIMIT ?3)",
        )?
        .execute(params![site.column(), saying.at.0, MARKS_SWEPT])?;
    if !book.said(saying.rule, swept as u64)? {
        return Ok(false);
    }
    db.prepare_cached("INSERT OR REPLACE INTO rule_marks (site, mark, until) VALUES (?1, ?2, ?3)")?
        .execute(params![site.column(), first, saying.until.0])?;
    put(db, site, &book)?;
    Ok(true)
}

/// Who it was said to began a conversation with it.
pub fn answered(db: &Connection, site: SiteId, rule: RuleId) -> Result<()> {
    let mut book = rulebook(db, site)?;
    if book.answered(rule) { put(db, site, &book) } else { Ok(()) }
}

fn noted(db: &Connection, site: SiteId, marks: Vec<RuleMark>, now: Millis) -> Result<Vec<RuleMark>> {
    let mut select =
        db.prepare_cached("SELECT 1 FROM rule_marks WHERE site = ?1 AND mark = ?2 AND until > ?3")?;
    let mut noted = Vec::new();
    for mark in marks {
        if select.exists(params![site.column(), mark, now.0])? {
            noted.push(mark);
        }
    }
    Ok(noted)
}

/// Whether there is more to do.
pub fn forget_some(db: &Connection, site: SiteId, limit: usize) -> Result<bool> {
    db.prepare_cached("DELETE FROM rules WHERE site = ?1")?.execute([site.column()])?;
    let gone = db
        .prepare_cached(
            "DELETE FROM rule_marks WHERE (site, mark) IN (SELECT site, mark FROM rule_marks WHERE site = ?1 LIMIT ?2)",
        )?
        .execute(params![site.column(), limit])?;
    Ok(gone == limit)
}
