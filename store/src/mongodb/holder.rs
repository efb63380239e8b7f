//! Who may have a turn that all processes wait for. A process that dies or freezes in the middle of a transaction leaves
//! it open, and with it the turn, for as long as MongoDB lets transactions live: a minute. So whoever takes such a turn
//! first says with which session, in the collection `holders` (`{_id: a session's id, v}`), and who has lost against
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
/// Whoever has the turn for so long has lost it. Twice as long each further time, for a server that is so slow.
const PATIENCE_MIN: Duration = Duration::from_secs(2);
const PATIENCE_MAX: Duration = Duration::from_secs(32);
/// Who loses says again after this that its session is there: others may have ended it.
const SAID_AGE_MAX: Duration = Duration::from_secs(1);
/// Sessions kept for the next transaction.
const KEPT_MAX: usize = 8;

/// The sessions that this process takes one turn with.
pub struct Holder(Mutex<Held>);

/// A session, and when it was said to be there.
pub struct Said {
    pub session: ClientSession,
    pub at: Instant,
}

struct Held {
    /// Those that no transaction has just now.
    sessions: Vec<Said>,
    /// Since when every try lost.
    losing_since: Option<Instant>,
    patience: Duration,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    session: Bson,
}

impl Default for Holder {
    fn default() -> Holder {
        Holder(Mutex::new(Held { sessions: vec![], losing_since: None, patience: PATIENCE_MIN }))
    }
}

impl Holder {
    /// A session that others know of.
    pub async fn take(&self, database: &Database) -> Result<Said> {
        let (kept, is_losing) = {
            let mut held = self.0.lock();
            (held.sessions.pop(), held.losing_since.is_some())
        };
        let session = match kept {
            Some(said) if !is_losing || said.at.elapsed() < SAID_AGE_MAX => return Ok(said),
            Some(said) => said.session,
            None => database.mongo.client().start_session().await?,
        };
        let row = doc! { "_id": id_of(&session) };
        Step::alone(database).put(HOLDERS, row, doc! { "$setOnInsert": { "v": V } }).await?;
        Ok(Said { session, at: Instant::now() })
    }

    /// After a transaction that ended, one way or the other.
    pub fn put_back(&self, said: Said) {
        let mut held = self.0.lock();
        if held.sessions.len() < KEPT_MAX {
            held.sessions.push(said);
        }
    }

    /// A transaction had its turn.
    pub fn won(&self) {
        let mut held = self.0.lock();
        (held.losing_since, held.patience) = (None, PATIENCE_MIN);
    }

    /// A transaction lost against others. For too long by now: theirs are ended.
    pub async fn lost(&self, database: &Database) -> Result<()> {
        let own: Vec<Bson> = {
            let mut held = self.0.lock();
            if held.losing_since.get_or_insert_with(Instant::now).elapsed() < held.patience {
                return Ok(());
            }
            held.losing_since = Some(Instant::now());
            held.patience = (held.patience * 2).min(PATIENCE_MAX);
            held.sessions.iter().map(|said| id_of(&said.session)).collect()
        };
        let mut step = Step::alone(database);
        let others: Vec<Row> = step.all(HOLDERS, doc! { "_id": { "$nin": own } }, doc! {}).await?;
        if others.is_empty() {
            return Ok(());
        }
        tracing::warn!(sessions = others.len(), "somebody keeps a turn for too long: it is taken away");
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
