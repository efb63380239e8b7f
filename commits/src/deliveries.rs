//! A delivery: first whether it is its forge's, then what it says. Nothing of a body is looked into before its signature holds.

use http::HeaderMap;
use model::Millis;
use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::forge::{self, Forge};
use crate::{bitbucket, github, gitlab, limits, payload, plain, signature};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("no header says which forge this is from")]
    NoForge,
    #[error("a delivery has at most {max} bytes")]
    TooBig { max: usize },
    /// Also where there is none.
    #[error("the signature or token is not that of this hook")]
    Signature,
    #[error("the body is not what this forge sends: {0}")]
    Malformed(String),
}

/// A delivery whose signature held.
#[derive(Debug)]
pub struct Verified<'d> {
    pub forge: Forge,
    /// Sent again, the same. At most `DELIVERY_ID_BYTES_MAX`.
    pub id: String,
    event: &'d str,
    is_form: bool,
    body: &'d [u8],
}

/// Whether these are headers and body of a forge that knows the secret.
pub fn verified<'d>(
    headers: &'d HeaderMap,
    body: &'d [u8],
    secret: &str,
    now: Millis,
) -> Result<Verified<'d>, Refused> {
    let (forge, event) = Forge::told_by(headers).ok_or(Refused::NoForge)?;
    if body.len() > limits::BODY_BYTES_MAX {
        return Err(Refused::TooBig { max: limits::BODY_BYTES_MAX });
    }
    if !signature::holds(forge, headers, body, secret, now) {
        return Err(Refused::Signature);
    }
    let is_form = forge::value(headers, "content-type")
        .is_some_and(|kind| kind.trim_start().starts_with("application/x-www-form-urlencoded"));
    let id = forge.delivery_id(headers).map_or_else(|| id_of_body(body), str::to_owned);
    Ok(Verified { forge, id, event, is_form, body })
}

impl Verified<'_> {
    /// What it tells; nothing, where it is about something else than branches, tags and releases.
    pub fn events(&self) -> Result<Vec<Event>, Refused> {
        if matches!(self.forge, Forge::Git | Forge::Subversion) {
            return Ok(plain::events(self.forge, self.body)?.into_iter().collect());
        }
        let json = payload::json(self.body, self.is_form)?;
        match self.forge {
            Forge::GitHub | Forge::Gitea | Forge::Forgejo => github::events(self.forge, self.event, &json),
            Forge::GitLab => gitlab::events(&json),
            Forge::BitbucketCloud => bitbucket::cloud_events(self.event, &json),
            Forge::BitbucketServer => bitbucket::server_events(self.event, &json),
            Forge::Git | Forge::Subversion => Ok(Vec::new()),
        }
    }
}

/// For a forge that names none: the same body is the same delivery.
fn id_of_body(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    hash.iter().fold(String::from("body-"), |id, byte| format!("{id}{byte:02x}"))
}

#[cfg(test)]
mod tests;
