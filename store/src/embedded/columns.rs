//! How the nouns stand in columns: ids and roles as integers, lists as JSON.

use model::{
    AccountId, BotId, GuestId, HookId, InvitationId, PageId, Role, RoomId, SavedId, ShareId, SiteId, TokenId,
};
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub trait Column: Sized {
    fn column(self) -> i64;
    fn read(row: &Row<'_>, index: usize) -> rusqlite::Result<Self>;
}

macro_rules! id_column {
    ($($id:ty),*) => {$(
        impl Column for $id {
            fn column(self) -> i64 {
                self.value() as i64
            }

            fn read(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
                Ok(Self::of(row.get::<_, i64>(index)? as u64))
            }
        }
    )*};
}

id_column!(
    SiteId,
    AccountId,
    TokenId,
    InvitationId,
    SavedId,
    ShareId,
    RoomId,
    GuestId,
    BotId,
    HookId,
    PageId
);

impl Column for Role {
    fn column(self) -> i64 {
        match self {
            Role::Viewer => 1,
            Role::Admin => 2,
            Role::Owner => 3,
            Role::Agent => 4,
        }
    }

    fn read(row: &Row<'_>, index: usize) -> rusqlite::Result<Role> {
        match row.get(index)? {
            1 => Ok(Role::Viewer),
            2 => Ok(Role::Admin),
            3 => Ok(Role::Owner),
            4 => Ok(Role::Agent),
            other => Err(FromSqlError::OutOfRange(other).into()),
        }
    }
}

pub fn to_json(list: &impl Serialize) -> String {
    serde_json::to_string(list).expect("a list of words encodes")
}

pub fn read_json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}
