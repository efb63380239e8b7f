//! Subscriptions that do not come about.

use axum::http::StatusCode;
use door::Refusal;
use store::StoreError;

use crate::hub::RETRY_AFTER;
use crate::options::{VIEWS_MAX, VIEWS_OF_SHARES_MAX};

/// A subscription that does not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NotFound,
    TooManyViews,
    Unavailable,
    /// Live cannot be reached, or the site in it.
    Away,
}

pub fn unavailable(error: &StoreError) -> Refused {
    tracing::warn!(%error, "rights cannot be looked up");
    Refused::Unavailable
}

impl Refused {
    pub const fn code(self) -> &'static str {
        match self {
            Refused::NotFound => "not_found",
            Refused::TooManyViews => "too_many_views",
            Refused::Unavailable | Refused::Away => "unavailable",
        }
    }

    pub fn message(self) -> String {
        match self {
            Refused::NotFound => "There is no such site or room, or it is not yours to see.".to_owned(),
            Refused::TooManyViews => {
                format!(
                    "At most {VIEWS_MAX} filtered views of a site are watched at once, {VIEWS_OF_SHARES_MAX} by share links. Try again later."
                )
            }
            Refused::Unavailable => "Rights cannot be looked up right now. Try again in a moment.".to_owned(),
            Refused::Away => "Who is on the site cannot be told right now. It is tried again.".to_owned(),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        let status = match refused {
            Refused::NotFound => StatusCode::NOT_FOUND,
            Refused::TooManyViews => StatusCode::CONFLICT,
            Refused::Unavailable | Refused::Away => return Refusal::unavailable(RETRY_AFTER),
        };
        Refusal::new(status, refused.code(), refused.message())
    }
}
