//! What people saved of a site to ask its history with: goals, segments, funnels, annotations.

use async_trait::async_trait;
use model::{Millis, SavedId, SiteId, limits};
use serde::{Deserialize, Serialize};

use crate::{Result, StoreError};

/// The saved items of all sites. What a body means is its readers'.
#[async_trait]
pub trait Saved: Send + Sync {
    /// What is saved of a site, by kind, then by name without regard to case, then by id.
    async fn all(&self, site: SiteId) -> Result<Vec<SavedItem>>;

    /// NotFound for an unknown site; Conflict where the id is taken, by whichever site; Limit past `SAVED_MAX` of the kind,
    /// and past `NAME_BYTES_MAX` or `SAVED_BYTES_MAX`.
    async fn add(&self, site: SiteId, item: SavedItem) -> Result<()>;

    /// Replaces name, body and moment of the site's item with that id and kind. NotFound where there is none; Limit as `add`.
    async fn change(&self, site: SiteId, item: SavedItem) -> Result<()>;

    /// NotFound where it is not this site's.
    async fn remove(&self, site: SiteId, id: SavedId) -> Result<()>;
}

#[derive(Clone, Debug, PartialEq)]
pub struct SavedItem {
    pub id: SavedId,
    pub kind: SavedKind,
    /// At most `NAME_BYTES_MAX`.
    pub name: String,
    /// At most `SAVED_BYTES_MAX`: JSON, of a canned answer the text.
    pub body: String,
    /// Of an annotation, the moment that it is about.
    pub at: Option<Millis>,
    pub created: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SavedKind {
    Goal,
    /// A filter with a name.
    Segment,
    Funnel,
    Annotation,
    /// Of a bot verdict; the archive's own.
    Correction,
    /// An answer to customers that is kept ready; its body is the text.
    Canned,
}

impl SavedKind {
    /// As it is stored.
    pub(crate) fn number(self) -> i64 {
        match self {
            SavedKind::Goal => 1,
            SavedKind::Segment => 2,
            SavedKind::Funnel => 3,
            SavedKind::Annotation => 4,
            SavedKind::Correction => 5,
            SavedKind::Canned => 6,
        }
    }

    pub(crate) fn of_number(number: i64) -> Option<SavedKind> {
        let all = [
            SavedKind::Goal,
            SavedKind::Segment,
            SavedKind::Funnel,
            SavedKind::Annotation,
            SavedKind::Correction,
            SavedKind::Canned,
        ];
        all.into_iter().find(|kind| kind.number() == number)
    }
}

impl SavedItem {
    pub(crate) fn refuse_oversized(&self) -> Result<()> {
        if self.name.len() > limits::NAME_BYTES_MAX {
            return Err(StoreError::Limit { what: "bytes in a name", max: limits::NAME_BYTES_MAX });
        }
        if self.body.len() > limits::SAVED_BYTES_MAX {
            return Err(StoreError::Limit { what: "bytes in a saved item", max: limits::SAVED_BYTES_MAX });
        }
        Ok(())
    }

    /// What a list is in order of.
    pub(crate) fn order(&self) -> (SavedKind, String, SavedId) {
        (self.kind, self.name.to_lowercase(), self.id)
    }
}

/// Past the maximum of a kind.
pub(crate) const TOO_MANY: StoreError =
    StoreError::Limit { what: "saved items of a kind and site", max: limits::SAVED_MAX };
