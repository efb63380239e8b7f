//! What customers answer by mail, as a mail server hands it over: `POST /mail/{secret}` takes one letter as it came (RFC 5322).
//! It is answered when what it says is kept. Of a letter that is not for us nobody is told more than its reason: nothing bounces.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::{Bytes, BytesMut};
use chat::Chat;
use door::Refusal;
use futures_util::StreamExt;
use mailroom::{BEGINNING_BYTES, Became, Hearing, LETTER_BYTES_MAX, Letter, heard_of};
use serde_json::json;
use store::StoreError;
use store::accounts::SecretHash;
use tokio::sync::Semaphore;

use crate::Web;
use crate::error::{Answer, Problem};
use crate::options::Replies;

/// Long letters that come in at once: 128 MiB of them.
const LONG_AT_ONCE_MAX: usize = 4;
/// Letters that are here at once, those that wait to be read among them.
const AT_ONCE_MAX: usize = 64;
/// Bytes of a letter that waits for no turn. One that does not say how long it is takes a turn.
const SHORT_BYTES_MAX: usize = 256 * 1024;
/// How long a letter may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(60);
/// Bytes that are let pass of what is too long, so that whoever sends it hears the answer.
const PASSED_BYTES_MAX: usize = 4 * LETTER_BYTES_MAX;

/// The hook that letters come by.
pub struct Letters {
    /// Of the secret of its address.
    hook: Option<SecretHash>,
    hearing: Hearing,
    any: Semaphore,
    long: Semaphore,
}

impl Letters {
    /// `own`: whom our letters are from.
    pub fn new(replies: &Replies, own: Option<String>, chat: Chat) -> Letters {
        let letter = Letter { address: replies.address.clone(), own };
        let (hook, hearing) = (replies.hook, Hearing::new(chat, letter));
        let (any, long) = (Semaphore::new(AT_ONCE_MAX), Semaphore::new(LONG_AT_ONCE_MAX));
        Letters { hook, hearing, any, long }
    }

    pub fn hearing(&self) -> &Hearing {
        &self.hearing
    }

    /// Comparing hashes takes the same time whatever they are.
    fn is_hook(&self, secret: &str) -> bool {
        let same = |SecretHash(hook): &SecretHash| {
            blake3::Hash::from_bytes(*hook) == blake3::hash(secret.as_bytes())
        };
        self.hook.as_ref().is_some_and(same)
    }
}

/// `POST /mail/{secret}`: 202 and what became of it; 503 where it is to come again.
pub async fn take(
    State(web): State<Arc<Web>>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let Some(letters) = web.letters.as_ref().filter(|letters| letters.is_hook(&secret)) else {
        return Err(Refusal::not_found().into());
    };
    let full = || Refusal::unavailable(Duration::from_secs(5));
    let _turn = letters.any.try_acquire().map_err(|_| full())?;
    let is_short = length(&headers).is_some_and(|length| length <= SHORT_BYTES_MAX);
    let turn = if is_short { None } else { letters.long.try_acquire().ok() };
    if !is_short && turn.is_none() {
        return Err(full().into());
    }
    let (raw, bytes) = body(request).await?;
    let became = letters.hearing.hear(raw, bytes).await.map_err(StoreError::Unavailable)?;
    let became = match became {
        Became::Said | Became::Again => json!({ "became": became.name() }),
        Became::Nothing(why) => json!({ "became": "nothing", "why": why }),
    };
    Ok((StatusCode::ACCEPTED, Json(became)).into_response())
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The letter, or the beginning of one that is too long; and how many bytes it has, as far as they were counted.
async fn body(request: Request) -> Result<(Bytes, usize), Problem> {
    let slow = || {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            "The letter did not arrive in time; send it again.",
        )
    };
    let torn = || Refusal::new(StatusCode::BAD_REQUEST, "torn_body", "The letter broke off; send it again.");
    let mut pieces = request.into_body().into_data_stream();
    let read = async {
        let (mut kept, mut bytes) = (BytesMut::new(), 0);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| torn())?;
            bytes += piece.len();
            if bytes <= LETTER_BYTES_MAX {
                kept.extend_from_slice(&piece);
            } else if bytes <= PASSED_BYTES_MAX {
                kept.truncate(BEGINNING_BYTES);
            } else {
                break;
            }
        }
        kept.truncate(heard_of(bytes));
        Ok((kept.freeze(), bytes))
    };
    tokio::time::timeout(BODY_WAIT_MAX, read).await.unwrap_or_else(|_| Err(slow().into()))
}
