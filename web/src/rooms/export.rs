//! A room as an archive, for who runs it: written as it is read, piece by piece.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::BytesMut;
use futures_util::{StreamExt, future, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::At;
use crate::Web;
use crate::error::Answer;

/// Bytes that are on their way at once.
const PIECE_BYTES: usize = 256 * 1024;
/// How long one may take: whoever reads slower holds no place.
const TIME_MAX: Duration = Duration::from_secs(3_600);

/// `GET /api/watchfire/rooms/{room}/export`: what `watchfire import rooms` reads. One that breaks off has no manifest, and is none.
pub async fn export(State(web): State<Arc<Web>>, at: At) -> Answer {
    let leave = web.chat.export(&at.by, at.room).await?;
    let (mut writer, reader) = tokio::io::duplex(PIECE_BYTES);
    let packing = async move {
        let packed = tokio::time::timeout(TIME_MAX, leave.pack(&mut writer)).await;
        let packed = packed.unwrap_or_else(|_| Err(anyhow::anyhow!("it was not taken in time")));
        match packed {
            Ok(_) => writer.shutdown().await.err(),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "an export of a room broke off");
                Some(io::Error::other("the export broke off"))
            }
        }
    };
    let broken = stream::once(packing).filter_map(|error| future::ready(error.map(Err)));
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        let read = reader.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), reader)))
    });
    let mut response = Response::new(Body::from_stream(stream::select(pieces, broken)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    let name = format!("attachment; filename=\"watchfire-{}.tar\"", at.room);
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment")),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
