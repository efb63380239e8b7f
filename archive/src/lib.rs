//! A site's whole history over the store: folds the tail into segments, and asks both as one.
//! Never computes a number itself (that is `history`), and never decides who may ask.

mod archive;
mod blob;
mod correct;
mod erase;
mod fold;
mod limits;
mod shelf;

pub use archive::{Archive, Asked};
pub use correct::{Corrected, CorrectionState, correct, corrections, settle, take_back};
pub use erase::{Erased, Whom, erase};
pub use fold::{Done, first_day_kept, fold, fold_in_shares, is_overdue};
pub use limits::Limits;

use std::sync::Arc;

use history::report::ReportError;
use history::segment::BadSegment;
use history::zone::BadZone;
use model::SavedId;
use store::{History, Saved, Store, StoreError};

/// What an archive stands on: a site's history, and what was corrected of it.
#[derive(Clone)]
pub struct Stores {
    pub history: Arc<dyn History>,
    pub saved: Arc<dyn Saved>,
}

impl From<&Store> for Stores {
    fn from(store: &Store) -> Stores {
        Stores { history: store.history.clone(), saved: store.saved.clone() }
    }
}

/// Why there is no answer, or no fold.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The question is at fault, or its limit on memory.
    #[error(transparent)]
    Report(ReportError),
    #[error("the report took longer than {max_ms} ms: ask for a shorter range or fewer groups")]
    TooLong { max_ms: u128 },
    #[error("{waiting} reports are waiting already: try again in a moment")]
    Busy { waiting: usize },
    #[error(transparent)]
    Segment(#[from] BadSegment),
    #[error(transparent)]
    Zone(#[from] BadZone),
    #[error("a batch of the tail cannot be read: {0}")]
    Tail(#[from] history::BadTail),
    #[error("{hits} hits wait to be folded, more than a report takes in ({max})")]
    Behind { hits: usize, max: usize },
    #[error("what the site keeps changed {0} times while it was read")]
    Restless(usize),
    #[error("the correction {0} cannot be read")]
    Correction(SavedId),
    /// A panic, or the end of the runtime.
    #[error("the work was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
}

pub type Result<T> = std::result::Result<T, ArchiveError>;

impl From<ReportError> for ArchiveError {
    fn from(error: ReportError) -> ArchiveError {
        match error {
            ReportError::Segment(segment) => ArchiveError::Segment(segment),
            other => ArchiveError::Report(other),
        }
    }
}
