//! What a customer mails becomes what they say: known by the secret that the letter was addressed to, and by nothing else.

use bytes::Bytes;
use futures_util::stream;
use model::chat::{Conversation, MessageKind};
use model::limits::MESSAGE_BYTES_MAX;
use model::rights::Principal;
use model::{MessageId, UploadId};
use store::access::{REPLY_SECRET_BYTES, replied_to, reply_secret};
use store::accounts::SecretHash;
use store::chat::ConversationChange;

use crate::{Chat, Post, Refused, Result, Upload};

/// Above it one writes: it stands at the top of letters that can be answered.
pub const ANSWER_ABOVE: &str = "Write your answer above this line";
/// Bytes of what stands before the `@` (RFC 5321).
const LOCAL_BYTES_MAX: usize = 64;
/// The text of a letter that is longer than a message.
const WHOLE_NAME: &str = "letter.txt";

/// Where letters are answered to: `replies@example.org` takes what is for `replies+SECRET@example.org`, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyAddress {
    local: String,
    domain: String,
}

impl ReplyAddress {
    /// None: it is no address, or too long for a secret to stand in it.
    pub fn of(address: &str) -> Option<ReplyAddress> {
        let (local, domain) = address.trim().rsplit_once('@')?;
        let is_plain = |text: &str, more: &[u8]| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        let fits = local.len() + 1 + REPLY_SECRET_BYTES <= LOCAL_BYTES_MAX;
        (fits && is_plain(local, b"._-") && is_plain(domain, b".-"))
            .then(|| ReplyAddress { local: local.to_ascii_lowercase(), domain: domain.to_ascii_lowercase() })
    }

    pub fn with(&self, secret: &str) -> String {
        format!("{}+{secret}@{}", self.local, self.domain)
    }

    /// What stands behind the `+`, where it is this address and may be a secret at all.
    pub fn secret_in(&self, address: &str) -> Option<String> {
        let address = address.trim().to_ascii_lowercase();
        let (local, domain) = address.rsplit_once('@')?;
        let secret = local.strip_prefix(self.local.as_str())?.strip_prefix('+')?;
        (domain == self.domain && secret.len() == REPLY_SECRET_BYTES).then(|| secret.to_owned())
    }

    /// Without a secret.
    pub fn is_plain(&self, address: &str) -> bool {
        address.trim().eq_ignore_ascii_case(&format!("{}@{}", self.local, self.domain))
    }
}

/// What somebody mailed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Those of whom it was addressed to.
    pub secrets: Vec<String>,
    /// What it is the same by, however often it comes.
    pub id: String,
    /// What they wrote.
    pub said: String,
    /// All of the letter's text, where that is more.
    pub whole: Option<String>,
    pub files: Vec<(String, Bytes)>,
    /// What did not come along, a sentence each.
    pub left_out: Vec<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replied {
    Said,
    /// It came before.
    Again,
    /// To no conversation that is there, or to one whose letters are answered in vain.
    Nobodys,
    /// Past `REPLIES_AN_HOUR_MAX`.
    TooMany,
}

impl Chat {
    /// What a letter is answered to.
    pub async fn reply_address(&self, address: &ReplyAddress, of: &Conversation) -> Result<String> {
        let secret = reply_secret(self.store.salts.as_ref(), of.guest, of.replies.revoked).await?;
        Ok(address.with(&secret))
    }

    /// Says what a customer mailed, once however often it comes. `Unavailable`: it may come again later.
    pub async fn hear_reply(&self, reply: Reply) -> Result<Replied> {
        let mut found = None;
        for secret in &reply.secrets {
            found = found.or(replied_to(&self.store, secret).await?);
        }
        let Some(conversation) = found else {
            return Ok(Replied::Nobodys);
        };
        let (room, by) =
            (conversation.room, Principal::Guest { id: conversation.guest, room: conversation.room });
        let id = MessageId(number_of(&format!("letter {room} {}", reply.id)));
        match self.posted(&by, room, id).await {
            Ok(_) => return Ok(Replied::Again),
            Err(Refused::NotFound) => {}
            Err(Refused::Unknown | Refused::Forbidden | Refused::Barred) => return Ok(Replied::Nobodys),
            Err(refused) => return Err(refused),
        }
        let counted = ConversationChange::Replied(reply.id.clone());
        match self.store.conversations.change_conversation(room, counted, self.clock.now()).await {
            Err(store::StoreError::Limit { .. }) => return Ok(Replied::TooMany),
            Err(store::StoreError::NotFound(_)) => return Ok(Replied::Nobodys),
            counted => counted.map(drop)?,
        }
        let post = self.replied(&by, &conversation, id, reply).await?;
        match self.post(&by, room, post).await {
            Ok(posted) if posted.fresh => Ok(Replied::Said),
            Ok(_) => Ok(Replied::Again),
            Err(Refused::NotFound) => Ok(Replied::Nobodys),
            Err(refused) => Err(refused),
        }
    }

    /// The message, its files taken in. What is too large says so in it.
    async fn replied(
        &self,
        by: &Principal,
        conversation: &Conversation,
        id: MessageId,
        reply: Reply,
    ) -> Result<Post> {
        let Reply { id: letter, said, whole, files, mut left_out, .. } = reply;
        let is_long = said.len() > MESSAGE_BYTES_MAX / 2;
        let long =
            is_long.then(|| (WHOLE_NAME.to_owned(), Bytes::from(whole.unwrap_or_else(|| said.clone()))));
        let mut taken = Vec::new();
        let max = model::limits::FILES_A_MESSAGE_MAX;
        for (index, (name, bytes)) in long.into_iter().chain(files).enumerate() {
            if taken.len() == max {
                left_out.push(format!("{name} was left out: a message has at most {max} files."));
                break;
            }
            let upload = Upload {
                id: UploadId(number_of(&format!("file {index} of letter {} {letter}", conversation.room))),
                name: name.clone(),
                bytes: Some(bytes.len() as u64),
            };
            let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
            match self.upload(by, conversation.room, upload, body).await {
                Ok((file, _)) => taken.push(file.id),
                Err(Refused::Limit { what, .. }) if what.starts_with("uploads") => {
                    let busy = anyhow::anyhow!("too many files come in at once");
                    return Err(Refused::Unavailable(busy));
                }
                Err(limit @ Refused::Limit { .. }) => left_out.push(format!("{name} was left out: {limit}")),
                Err(refused) => return Err(refused),
            }
        }
        let body = body(said, is_long, &left_out);
        Ok(Post { id, kind: MessageKind::Text, body, thread: None, files: taken })
    }
}

/// What is said, and what did not come along. The whole of what is long is a file.
fn body(said: String, is_long: bool, left_out: &[String]) -> String {
    let mut body = match is_long {
        true => format!("{}…", said[..said.floor_char_boundary(MESSAGE_BYTES_MAX / 2)].trim_end()),
        false => said,
    };
    for sentence in left_out {
        if body.len() + sentence.len() + 4 > MESSAGE_BYTES_MAX {
            break;
        }
        if !body.is_empty() {
            body.push_str("\n\n");
        }
        body.push_str(sentence);
    }
    body
}

pub(crate) fn number_of(text: &str) -> u128 {
    let SecretHash(hash) = SecretHash::of(text);
    let (half, _) = hash.split_at(16);
    u128::from_be_bytes(half.try_into().expect("16 of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789";

    #[test]
    fn what_stands_behind_the_plus_is_the_secret() {
        let address = ReplyAddress::of("Replies@Shop.example").unwrap();
        let with = address.with(SECRET);
        assert_eq!(with, format!("replies+{SECRET}@shop.example"));
        assert!(with.split('@').next().unwrap().len() <= LOCAL_BYTES_MAX);
        for written in [with.clone(), with.to_uppercase(), format!(" {with} ")] {
            assert_eq!(address.secret_in(&written).as_deref(), Some(SECRET), "{written}");
        }
        for other in [
            "replies@shop.example",
            "replies+@shop.example",
            "replies+1@shop.example",
            &with.replace("shop", "other"),
            &with.replace("replies+", "replies-"),
            &with.replace("replies+", "other+"),
            &format!("x{with}"),
            &with.replace('@', "0@"),
            "",
            "@",
            SECRET,
        ] {
            assert_eq!(address.secret_in(other), None, "{other}");
        }
        assert!(address.is_plain("REPLIES@shop.example") && !address.is_plain(&with));
    }

    #[test]
    fn an_address_has_room_for_a_secret() {
        let of = |local: usize| ReplyAddress::of(&format!("{}@shop.example", "r".repeat(local)));
        assert_eq!(LOCAL_BYTES_MAX - 1 - REPLY_SECRET_BYTES, 21);
        assert!(of(21).is_some() && of(22).is_none());
        for bad in [
            "",
            "replies",
            "@shop.example",
            "replies@",
            "re plies@shop.example",
            "re+plies@shop.example",
            "a@b@c d",
        ] {
            assert!(ReplyAddress::of(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_left_out_is_said() {
        assert_eq!(body("a".into(), false, &[]), "a");
        assert_eq!(body("a".into(), false, &["b.".into(), "c.".into()]), "a\n\nb.\n\nc.");
        assert_eq!(body(String::new(), false, &["b.".into()]), "b.");
        let long = body("é".repeat(MESSAGE_BYTES_MAX), true, &vec!["left out. ".repeat(100); 20]);
        assert!(long.len() <= MESSAGE_BYTES_MAX && long.contains("…\n\nleft out."), "{}", long.len());
    }
}
