//! Alerts and what came of them, a document a site. Who changes them takes the site's turn.

use async_trait::async_trait;
use model::alert::{Alert, Incident};
use model::outbox::NewJob;
use model::{AccountId, AlertId, IncidentId, Millis, SiteId};
use mongodb::bson::doc;
use serde::Deserialize;

use super::conversations::take_site;
use super::{ALERTS, Chat, Valued, json, outbox, parse};
use crate::Result;
use crate::alerts::{AlertBook, Alerts, SITES_A_PAGE, Ways};
use crate::mongodb::columns::Column;
use crate::mongodb::schema::V;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::outbox::refuse_oversized;

/// What becomes of a site's alerts in one transaction, which may be tried more than once.
enum Change {
    Put(Alert, Millis),
    TellBy(AlertId, AccountId, Ways),
    Remove(AlertId, Millis),
    Begin(Incident),
    End(IncidentId, Millis),
}

impl Change {
    /// False: nothing changed.
    fn apply(&self, book: &mut AlertBook) -> Result<bool> {
        match self {
            Change::Put(alert, at) => book.put(alert.clone(), *at)?,
            Change::TellBy(alert, who, ways) => book.tell_by(*alert, *who, *ways)?,
            Change::Remove(alert, at) => book.remove(*alert, *at)?,
            Change::Begin(incident) => return Ok(book.begin(incident.clone())),
            Change::End(id, at) => return Ok(book.end(*id, *at)),
        }
        Ok(true)
    }
}

#[async_trait]
impl Alerts for Chat {
    async fn alerts(&self, site: SiteId) -> Result<AlertBook> {
        read!(self, |step| book(step, site))
    }

    async fn alerted(&self, after: Option<SiteId>) -> Result<Vec<(SiteId, AlertBook)>> {
        read!(self, |step| alerted(step, after))
    }

    async fn put_alert(&self, site: SiteId, alert: Alert, at: Millis) -> Result<()> {
        self.change_alerts(site, Change::Put(alert, at), Vec::new()).await.map(drop)
    }

    async fn tell_by(&self, site: SiteId, alert: AlertId, who: AccountId, ways: Ways) -> Result<()> {
        self.change_alerts(site, Change::TellBy(alert, who, ways), Vec::new()).await.map(drop)
    }

    async fn remove_alert(&self, site: SiteId, alert: AlertId, at: Millis) -> Result<()> {
        self.change_alerts(site, Change::Remove(alert, at), Vec::new()).await.map(drop)
    }

    async fn begin_incident(&self, site: SiteId, incident: Incident, jobs: Vec<NewJob>) -> Result<bool> {
        self.change_alerts(site, Change::Begin(incident), jobs).await
    }

    async fn end_incident(
        &self,
        site: SiteId,
        id: IncidentId,
        at: Millis,
        jobs: Vec<NewJob>,
    ) -> Result<bool> {
        self.change_alerts(site, Change::End(id, at), jobs).await
    }
}

impl Chat {
    async fn change_alerts(&self, site: SiteId, change: Change, jobs: Vec<NewJob>) -> Result<bool> {
        refuse_oversized(&jobs)?;
        let _turn = self.lane_of(site.value()).lock().await;
        Box::pin(async { write!(self, |step| apply(step, site, &change, &jobs)) }).await
    }
}

async fn book(step: &mut Step, site: SiteId) -> Result<AlertBook> {
    let found: Option<Valued> = step.one(ALERTS, doc! { "_id": site.column() }).await?;
    found.map_or(Ok(AlertBook::default()), Valued::read)
}

#[derive(Deserialize)]
struct BookRow {
    _id: i64,
    value: String,
}

async fn alerted(step: &mut Step, after: Option<SiteId>) -> Result<Vec<(SiteId, AlertBook)>> {
    let behind = after.map_or(doc! {}, |site| doc! { "_id": { "$gt": site.column() } });
    let found = step.some(ALERTS, behind, doc! { "_id": 1 }, SITES_A_PAGE).await?;
    let rows = found.into_iter().map(|row| {
        let row: BookRow = mongodb::bson::deserialize_from_document(row)
            .map_err(|error| crate::StoreError::Unavailable(error.into()))?;
        Ok((SiteId::of(row._id as u64), parse(&row.value)?))
    });
    rows.collect()
}

/// The jobs are added where something changed.
async fn apply(step: &mut Step, site: SiteId, change: &Change, jobs: &[NewJob]) -> Result<bool> {
    take_site(step, site).await?;
    let mut book = book(step, site).await?;
    if !change.apply(&mut book)? {
        return Ok(false);
    }
    let value = doc! { "$set": { "value": json(&book) }, "$setOnInsert": { "v": V } };
    step.put(ALERTS, doc! { "_id": site.column() }, value).await?;
    outbox::add(step, jobs).await?;
    Ok(true)
}
