//! How the nouns stand in documents: ids as 64-bit integers, secrets and salts as binary, moments that expire as
//! dates (the server's own removal asks for those), other moments as milliseconds, roles as in the embedded backend.

use anyhow::anyhow;
use model::rights::Scope;
use model::{
    AccountId, BotId, GuestId, HookId, InvitationId, Millis, PageId, Role, RoomId, SavedId, ShareId, SiteId,
    TokenId,
};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime};

use crate::accounts::SecretHash;
use crate::{Result, StoreError};

pub trait Column {
    fn column(self) -> i64;
}

macro_rules! id_column {
    ($($id:ty),*) => {$(
        impl Column for $id {
            fn column(self) -> i64 {
                self.value() as i64
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
}

pub fn role(column: i64) -> Result<Role> {
    match column {
        1 => Ok(Role::Viewer),
        2 => Ok(Role::Admin),
        3 => Ok(Role::Owner),
        4 => Ok(Role::Agent),
        _ => Err(unreadable("a role")),
    }
}

pub fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

pub fn bytes32(binary: Binary) -> Result<[u8; 32]> {
    binary.bytes.try_into().map_err(|_| unreadable("32 bytes"))
}

pub fn secret(secret: SecretHash) -> Binary {
    binary(&secret.0)
}

pub fn date(moment: Millis) -> DateTime {
    DateTime::from_millis(moment.0)
}

pub fn moment(date: DateTime) -> Millis {
    Millis(date.timestamp_millis())
}

/// By the names that the API has for them.
pub fn scopes_to_names(scopes: &[Scope]) -> Vec<String> {
    let name = |scope| match serde_json::to_value(scope) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("a scope is written as its name, not {other:?}"),
    };
    scopes.iter().map(name).collect()
}

pub fn scopes_of_names(names: Vec<String>) -> Result<Vec<Scope>> {
    let scope =
        |name| serde_json::from_value(serde_json::Value::String(name)).map_err(|_| unreadable("a scope"));
    names.into_iter().map(scope).collect()
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Unavailable(anyhow!("a document does not hold {what} where it should"))
}
