//! Who may be in the middle of a transaction. A process that dies or freezes there leaves it open, and with it every
//! document that it changed, for as long as MongoDB lets transactions live: a minute. So whoever begins one first says
//! with which session, in the collection `holders` (`{_id: a session's id, v, expires}`), and who has lost against
//! others for too long ends their sessions. Who is alive loses nothing by that but a try.

use std::time::{Duration, Instant};

use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use parking_lot::Mutex;
use serde::Deserialize;

use super::database::Database;
use super::schema::V;
use super::step::Step;
use crate::Result;

pub const HOLDERS: &str = "holders";
/// How long one call loses before it ends the others' sessions. Twice as long each further time, for a server that is
/// so slow; the most is less than a call is tried for.
const PATIENCE_MIN: Duration = Duration::from_secs(2);
const PATIENCE_MAX: Duration = Duration::from_secs(8);
/// Who loses says again after this that its session is there: others may have ended it.
const SAID_AGE_MAX: Duration = Duration::from_secs(1);
/// And everybody after this: what was said is forgotten an hour later (`schema.rs`).
const KEPT_AGE_MAX: Duration = Duration::from_secs(1_800);
/// Sessions kept for the next transaction.
const KEPT_MAX: usize = 8;

/// The sessions of this process.
pub struct Holder(Mutex<Held>);

/// A session, and when it was said to be there.
pub struct Said {
    pub session: ClientSession,
    pub at: Instant,
}

struct Held {
    /// Those that no transaction has just now.
    sessions: Vec<Said>,
    patience: Duration,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    session: Bson,
}

impl Default for Holder {
    fn default() -> Holder {
        Holder(Mutex::new(Held { sessions: vec![], patience: PATIENCE_MIN }))
    }
}

impl Holder {
    /// A session that others know of, for a call that has lost or not.
    pub async fn take(&self, database: &Database, is_losing: bool) -> Result<Said> {
        let age_max = if is_losing { SAID_AGE_MAX } else { KEPT_AGE_MAX };
        let kept = self.0.lock().sessions.pop();
        let session = match kept {
            Some(said) if said.at.elapsed() < age_max => return Ok(said),
            Some(said) => said.session,
            None => database.mongo.client().start_session().await?,
        };
        let row = doc! { "_id": id_of(&session) };
        let said = doc! { "$setOnInsert": { "v": V }, "$currentDate": { "expires": true } };
        Step::alone(database).put(HOLDERS, row, said).await?;
        Ok(Said { session, at: Instant::now() })
    }

    /// After a transaction that ended, one way or the other.
    pub fn put_back(&self, said: Said) {
        let mut held = self.0.lock();
        if held.sessions.len() < KEPT_MAX {
            held.sessions.push(said);
        }
    }

    /// A transaction was committed.
    pub fn won(&self) {
        self.0.lock().patience = PATIENCE_MIN;
    }

    /// A transaction lost against others, as all of its call since then. For too long by now: theirs are ended, and
    /// the call loses from now on.
    pub async fn lost(&self, database: &Database, losing_since: &mut Instant) -> Result<()> {
        let own: Vec<Bson> = {
            let mut held = self.0.lock();
            if losing_since.elapsed() < held.patience {
                return Ok(());
            }
            *losing_since = Instant::now();
            held.patience = (held.patience * 2).min(PATIENCE_MAX);
            held.sessions.iter().map(|said| id_of(&said.session)).collect()
        };
        let mut step = Step::alone(database);
        let others: Vec<Row> = step.all(HOLDERS, doc! { "_id": { "$nin": own } }, doc! {}).await?;
        if others.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            sessions = others.len(),
            "somebody keeps a transaction open for too long: it is ended"
        );
        let ids: Vec<Bson> = others.into_iter().map(|row| row.session).collect();
        let sessions: Vec<Document> = ids.iter().map(|id| doc! { "id": id }).collect();
        step.command(doc! { "killSessions": sessions }).await?;
        step.remove(HOLDERS, doc! { "_id": { "$in": ids } }).await?;
        Ok(())
    }
}

fn id_of(session: &ClientSession) -> Bson {
    session.id().get("id").cloned().unwrap_or(Bson::Null)
}
