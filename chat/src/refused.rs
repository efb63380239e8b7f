//! Why a call about a room came to nothing.

use store::{Denied, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No such room or message, or not for this one to know.
    #[error("There is no such room, or it is not yours to see.")]
    NotFound,
    /// Not known, or no longer.
    #[error("Sign in, or come by a link that is good.")]
    Unknown,
    #[error("You may not do this in this room.")]
    Forbidden,
    #[error("This room is locked: nobody new comes in.")]
    Locked,
    #[error("You are kept out of this room for now.")]
    Barred,
    #[error("This is not the room's password.")]
    Password,
    /// A named maximum would be passed.
    #[error("At most {max} {what}.")]
    Limit { what: &'static str, max: usize },
    #[error("This cannot be: {0}.")]
    Conflict(&'static str),
    #[error("This cannot be understood: {0}.")]
    Invalid(&'static str),
    #[error("Rooms cannot be reached right now. Try again in a moment.")]
    Unavailable(#[source] anyhow::Error),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        match error {
            StoreError::NotFound(_) => Refused::NotFound,
            StoreError::Conflict("the room is locked") => Refused::Locked,
            StoreError::Conflict(why) => Refused::Conflict(why),
            StoreError::Limit { what, max } => Refused::Limit { what, max },
            StoreError::Unavailable(cause) => Refused::Unavailable(cause),
        }
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Refused {
        match denied {
            Denied::Unknown => Refused::Unknown,
            Denied::Forbidden => Refused::Forbidden,
            Denied::Store(error) => error.into(),
        }
    }
}

impl Refused {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::NotFound => "not_found",
            Refused::Unknown => "unknown",
            Refused::Forbidden => "forbidden",
            Refused::Locked => "locked",
            Refused::Barred => "barred",
            Refused::Password => "password",
            Refused::Limit { .. } => "limit",
            Refused::Conflict(_) => "conflict",
            Refused::Invalid(_) => "invalid",
            Refused::Unavailable(_) => "unavailable",
        }
    }
}
