//! A page of a site that is looked at every half minute, whether it is there.

use serde::{Deserialize, Serialize};

use crate::{Millis, PageId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedPage {
    pub id: PageId,
    /// `https://shop.example/`, at most `WATCHED_URL_BYTES_MAX`; its host is one of the site's own names.
    pub url: String,
    pub created: Millis,
}
