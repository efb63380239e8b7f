//! What one call reads and writes with: alone, or inside a transaction. The verbs that all files share.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::Database;
use crate::{Result, StoreError};

/// Server errors that stand for an answer: a unique index has it already.
const DUPLICATE_KEY: i32 = 11_000;

pub struct Step {
    database: mongodb::Database,
    /// None: each command for itself.
    session: Option<ClientSession>,
}

/// A driver's action, within the session where there is one.
macro_rules! act {
    ($step:ident, $action:expr) => {{
        let action = $action;
        match &mut $step.session {
            Some(session) => action.session(session).await,
            None => action.await,
        }
    }};
}

impl Step {
    pub fn alone(database: &Database) -> Step {
        Step { database: database.mongo.clone(), session: None }
    }

    pub fn within(database: &Database, session: ClientSession) -> Step {
        Step { database: database.mongo.clone(), session: Some(session) }
    }

    pub fn session(&mut self) -> Option<&mut ClientSession> {
        self.session.as_mut()
    }

    pub fn into_session(self) -> Option<ClientSession> {
        self.session
    }

    pub fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.database.collection(name)
    }

    pub async fn one<T>(&mut self, from: &str, filter: Document) -> Result<Option<T>>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let collection = self.collection::<T>(from);
        Ok(act!(self, collection.find_one(filter))?)
    }

    pub async fn exists(&mut self, within: &str, filter: Document) -> Result<bool> {
        let collection = self.collection::<Document>(within);
        Ok(act!(self, collection.find_one(filter).projection(doc! { "_id": 1 }))?.is_some())
    }

    pub async fn all<T>(&mut self, from: &str, filter: Document, sort: Document) -> Result<Vec<T>>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let collection = self.collection::<T>(from);
        let find = collection.find(filter).sort(sort);
        match &mut self.session {
            Some(session) => {
                let mut found = find.session(&mut *session).await?;
                Ok(found.stream(session).try_collect().await?)
            }
            None => Ok(find.await?.try_collect().await?),
        }
    }

    /// At most `limit` of them, as documents.
    pub async fn some(
        &mut self,
        from: &str,
        filter: Document,
        sort: Document,
        limit: usize,
    ) -> Result<Vec<Document>> {
        let collection = self.collection::<Document>(from);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(collection.find(filter).sort(sort).limit(limit).await?.try_collect().await?)
    }

    pub async fn count(&mut self, within: &str, filter: Document) -> Result<usize> {
        let collection = self.collection::<Document>(within);
        let count = act!(self, collection.count_documents(filter))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub async fn insert<T: Serialize + Send + Sync>(&mut self, into: &str, document: &T) -> Result<()> {
        let collection = self.collection::<T>(into);
        act!(self, collection.insert_one(document))?;
        Ok(())
    }

    /// All of them, or none.
    pub async fn insert_all<T: Serialize + Send + Sync>(
        &mut self,
        into: &str,
        documents: &[T],
    ) -> Result<()> {
        let collection = self.collection::<T>(into);
        if !documents.is_empty() {
            act!(self, collection.insert_many(documents))?;
        }
        Ok(())
    }

    /// Whether there was one to change.
    pub async fn change(&mut self, within: &str, filter: Document, update: Document) -> Result<bool> {
        let collection = self.collection::<Document>(within);
        let changed = act!(self, collection.update_one(filter, update))?;
        Ok(changed.matched_count > 0)
    }

    /// How many there were to change.
    pub async fn change_all(&mut self, within: &str, filter: Document, update: Document) -> Result<usize> {
        let collection = self.collection::<Document>(within);
        let changed = act!(self, collection.update_many(filter, update))?;
        Ok(usize::try_from(changed.matched_count).unwrap_or(usize::MAX))
    }

    /// Changes the one there is, or makes it.
    pub async fn put(&mut self, into: &str, filter: Document, update: Document) -> Result<()> {
        let collection = self.collection::<Document>(into);
        act!(self, collection.update_one(filter, update).upsert(true))?;
        Ok(())
    }

    /// Changes one and reads it as it is then. None where there is none.
    pub async fn changed<T>(&mut self, within: &str, filter: Document, update: Document) -> Result<Option<T>>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let collection = self.collection::<T>(within);
        let change = collection.find_one_and_update(filter, update).return_document(ReturnDocument::After);
        Ok(act!(self, change)?)
    }

    /// Changes the one there is, or makes it, and reads it as it is then. None where another made it meanwhile.
    pub async fn kept<T>(&mut self, into: &str, filter: Document, update: Document) -> Result<Option<T>>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let collection = self.collection::<T>(into);
        let keep = collection.find_one_and_update(filter, update).return_document(ReturnDocument::After);
        let kept = act!(self, keep.upsert(true)).map_err(StoreError::from);
        match kept {
            Err(StoreError::Conflict(_)) => Ok(None),
            kept => kept,
        }
    }

    /// Removes all that match; how many they were.
    pub async fn remove(&mut self, from: &str, filter: Document) -> Result<usize> {
        let collection = self.collection::<Document>(from);
        let removed = act!(self, collection.delete_many(filter))?;
        Ok(usize::try_from(removed.deleted_count).unwrap_or(usize::MAX))
    }

    pub async fn command(&mut self, command: Document) -> Result<Document> {
        let database = self.database.clone();
        Ok(act!(self, database.run_command(command))?)
    }

    /// Takes the turn of a document: two transactions that take one come one after the other, so that what each
    /// counted still holds when it writes. False where there is no such document.
    pub async fn take_turn(&mut self, of: &str, filter: Document) -> Result<bool> {
        self.change(of, filter, doc! { "$inc": { "turn": 1_i64 } }).await
    }
}

/// What a unique index refused is an answer; anything else is the server's or ours.
impl From<mongodb::error::Error> for StoreError {
    fn from(error: mongodb::error::Error) -> StoreError {
        if code(&error) == Some(DUPLICATE_KEY) {
            return StoreError::Conflict("it is there already");
        }
        StoreError::Unavailable(anyhow::Error::new(error))
    }
}

pub fn code(error: &mongodb::error::Error) -> Option<i32> {
    use mongodb::error::{ErrorKind, WriteFailure};
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::InsertMany(many) => many.write_errors.iter().flatten().next().map(|error| error.code),
        _ => None,
    }
}
