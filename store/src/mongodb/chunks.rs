//! The bytes of segments, in the collection `chunks`: sent and read a few chunks a call, so that no call is long.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use bytes::{Bytes, BytesMut};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{RawBinaryRef, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::options::InsertManyOptions;

use super::columns::binary;
use super::schema::V;
use super::segments::{Named, id_of};
use super::step::Step;
use super::tail::Tail;
use super::transaction::read;
use crate::history::NewSegment;
use crate::{Result, StoreError};

pub const CHUNKS: &str = "chunks";

/// What one chunk holds: a column of a day is a few of them.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks of one call: 8 MiB.
const CHUNKS_A_CALL: usize = 32;
/// How long a fold may send: what comes for longer is swept, with some margin.
const SEND_TIME_MAX: Duration = Duration::from_secs(600);

/// Sends all chunks of a segment.
pub async fn send(tail: &Tail, of: Named, new: &NewSegment, began: Instant) -> Result<()> {
    let numbers: Vec<usize> = (0..new.body.len().div_ceil(CHUNK_BYTES)).collect();
    for some in numbers.chunks(CHUNKS_A_CALL) {
        if began.elapsed() > SEND_TIME_MAX {
            return Err(StoreError::Unavailable(anyhow!("a fold was not sent within {SEND_TIME_MAX:?}")));
        }
        let documents: Vec<_> = some.iter().map(|n| document(of, *n, &new.body)).collect();
        read!(tail, |step| insert(step, documents))?;
    }
    Ok(())
}

fn document(of: Named, n: usize, body: &Bytes) -> RawDocumentBuf {
    let start = n * CHUNK_BYTES;
    let bytes = &body[start..body.len().min(start + CHUNK_BYTES)];
    let mut document = rawdoc! {
        "v": V,
        "site": of.site.value() as i64,
        "segment": id_of(of.id),
        "n": n as i32,
    };
    document.append(cstr!("bytes"), RawBinaryRef { subtype: BinarySubtype::Generic, bytes });
    document
}

async fn insert(step: &mut Step, documents: Vec<RawDocumentBuf>) -> Result<()> {
    let options = InsertManyOptions::builder().ordered(false).build();
    step.collection::<RawDocumentBuf>(CHUNKS).insert_many(documents).with_options(options).await?;
    Ok(())
}

/// Of a move: those of one part of a segment. One that is there already changes nothing.
pub async fn put(step: &mut Step, of: Named, start: u64, body: &[u8]) -> Result<()> {
    let first = (start / CHUNK_BYTES as u64) as i32;
    for (n, bytes) in (first..).zip(body.chunks(CHUNK_BYTES)) {
        let chunk = doc! { "site": of.site.value() as i64, "segment": id_of(of.id), "n": n };
        step.put(CHUNKS, chunk, doc! { "$setOnInsert": { "v": V, "bytes": binary(bytes) } }).await?;
    }
    Ok(())
}

/// Exactly `length` bytes from `start` on, which the segment has.
pub async fn read(tail: &Tail, of: Named, start: u64, length: usize) -> Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(length);
    while bytes.len() < length {
        let from = start + bytes.len() as u64;
        let first = (from / CHUNK_BYTES as u64) as i32;
        let last = ((start + length as u64 - 1) / CHUNK_BYTES as u64) as i32;
        let last = last.min(first + CHUNKS_A_CALL as i32 - 1);
        let skipped = (from % CHUNK_BYTES as u64) as usize;
        let some = read!(tail, |step| range(step, of, first, last))?;
        let wanted = some.len().saturating_sub(skipped).min(length - bytes.len());
        if wanted == 0 {
            return Err(StoreError::Unavailable(anyhow!("segment {} lost a part of its bytes", of.id)));
        }
        bytes.extend_from_slice(&some[skipped..skipped + wanted]);
    }
    Ok(bytes.freeze())
}

/// The bytes of chunks that follow each other, up to the first that is missing.
async fn range(step: &mut Step, of: Named, first: i32, last: i32) -> Result<BytesMut> {
    let wanted = doc! {
        "site": of.site.value() as i64,
        "segment": id_of(of.id),
        "n": { "$gte": first, "$lte": last },
    };
    let collection = step.collection::<RawDocumentBuf>(CHUNKS);
    let mut found = collection.find(wanted).sort(doc! { "n": 1 }).await?;
    let mut bytes = BytesMut::new();
    let mut next = first;
    while found.advance().await? {
        let row = found.current();
        let chunk = row.get_binary("bytes").map_err(unreadable)?;
        if row.get_i32("n").map_err(unreadable)? != next {
            break;
        }
        bytes.extend_from_slice(chunk.bytes);
        next += 1;
    }
    Ok(bytes)
}

fn unreadable(error: impl Into<anyhow::Error>) -> StoreError {
    StoreError::Unavailable(error.into())
}

pub async fn remove(step: &mut Step, of: Named) -> Result<()> {
    let all = doc! { "site": of.site.value() as i64, "segment": id_of(of.id) };
    step.remove(CHUNKS, all).await.map(drop)
}
