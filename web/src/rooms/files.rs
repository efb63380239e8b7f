//! Files of rooms: taken in as they come, and given out so that a browser runs nothing of them.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chat::told::TellFile;
use chat::{Post, Upload};
use futures_util::stream;
use model::chat::{File, FileType, MessageKind};
use model::limits::FILE_PART_BYTES;
use model::{FileId, MessageId, RoomId, UploadId};

use super::{At, said};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::reports::refused;
use crate::secret;
use crate::shell::query_value;

/// Whatever a file holds: it runs nothing, loads nothing, and is of no origin.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";
/// What was removed is forgotten soon.
const KEPT: &str = "private, max-age=600";

/// `POST …/files?name=&id=`: the body is the file. 201, or 200 where it came before. With `say=`, which may be empty, it is posted at once, and the
/// answer is the message.
pub async fn send(
    State(web): State<Arc<Web>>,
    at: At,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    let query = query.as_deref();
    let name = query_value(query, "name").unwrap_or_default();
    let id = match query_value(query, "id") {
        None => UploadId(u128::from_le_bytes(secret::salt())),
        Some(id) => id.parse().map_err(|_| refused::query("id", "32 hexadecimal digits"))?,
    };
    let bytes = request.headers().get(header::CONTENT_LENGTH);
    let bytes = bytes.and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok());
    let upload = Upload { id, name, bytes };
    let body = request.into_body().into_data_stream();
    let say = query_value(query, "say");
    let message = MessageId(id.0);
    if say.is_some()
        && let Ok(posted) = web.chat.posted(&at.by, at.room, message).await
    {
        return said::message(&web, StatusCode::OK, &posted).await;
    }
    let (file, is_fresh) = web.chat.upload(&at.by, at.room, upload, body).await?;
    let Some(text) = say else {
        let status = if is_fresh { StatusCode::CREATED } else { StatusCode::OK };
        return Ok((status, Json(TellFile::of(at.room, &file))).into_response());
    };
    let post = Post { id: message, kind: MessageKind::Text, body: text, thread: None, files: vec![file.id] };
    let posted = web.chat.post(&at.by, at.room, post).await?;
    let status = if posted.fresh { StatusCode::CREATED } else { StatusCode::OK };
    said::message(&web, status, &posted.message).await
}

/// `GET /rooms/{room}/files/{file}/{name}`, `?thumbnail` for a picture's small form. The name is for people; the file is told by its id.
pub async fn get(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let id: FileId = at.parsed("file")?;
    let file = web.chat.file(&at.by, at.room, id).await?;
    let small = file.picture.map_or(0, |picture| picture.thumbnail);
    let (start, bytes) = match query_value(query.as_deref(), "thumbnail") {
        Some(_) if small > 0 => (file.bytes, small),
        _ => (0, file.bytes),
    };
    // The first part before the answer begins: one that cannot be read is an error, not a torn answer.
    let first = part(&web, at.room, id, start, start + bytes).await?;
    let rest = (start + first.len() as u64, start + bytes);
    let room = at.room;
    let later = stream::try_unfold(rest, move |(from, end)| {
        let web = Arc::clone(&web);
        async move {
            if from >= end {
                return Ok::<_, std::io::Error>(None);
            }
            let part = part(&web, room, id, from, end).await;
            let part = part.map_err(|_| std::io::Error::other("the file is gone"))?;
            let next = from + part.len() as u64;
            Ok(Some((part, (next, end))))
        }
    });
    let whole = stream::StreamExt::chain(stream::once(async { Ok(first) }), later);
    let mut response = Response::new(Body::from_stream(whole));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.file_type.mime()));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    headers.insert(header::CONTENT_DISPOSITION, disposition(&file));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    Ok(response)
}

async fn part(web: &Web, room: RoomId, id: FileId, from: u64, end: u64) -> Result<Bytes, Problem> {
    let length = (end - from).min(FILE_PART_BYTES as u64) as usize;
    Ok(web.chat.read_file(room, id, from, length).await?)
}

/// Nothing but pictures that we made ourselves is shown; all else is for keeping (RFC 6266).
fn disposition(file: &File) -> HeaderValue {
    let how = if file.file_type == FileType::Other { "attachment" } else { "inline" };
    let mut value = format!("{how}; filename*=UTF-8''");
    for byte in file.name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => value.push(byte as char),
            _ => value.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_nothing_to_the_header_it_stands_in() {
        let of = |name: &str, file_type| {
            let file = File { id: FileId(1), name: name.into(), file_type, bytes: 0, picture: None };
            disposition(&file).to_str().unwrap().to_owned()
        };
        assert_eq!(of("a.png", FileType::Png), "inline; filename*=UTF-8''a.png");
        let hostile = "\"; filename=evil.html\r\nX: y é";
        assert_eq!(
            of(hostile, FileType::Other),
            "attachment; filename*=UTF-8''%22%3B%20filename%3Devil.html%0D%0AX%3A%20y%20%C3%A9"
        );
    }
}
