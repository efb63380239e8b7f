//! Rooms are looked at: each message makes its jobs once, by whichever process is first.

use std::sync::Arc;
use std::time::Duration;

use model::chat::{Message, Room};
use model::outbox::NewJob;
use model::{RoomId, limits};
use store::StoreError;
use store::chat::Place;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{Deps, LOOK_EVERY, Rule};

/// What is said meanwhile is looked at together.
const GATHER: Duration = Duration::from_millis(30);
/// How often one room is looked at again where others are faster, before the rest have their turn.
const TRIES_MAX: usize = 8;

/// Until told to end. `made` is told of new jobs.
pub async fn look(deps: Deps, rules: Vec<Arc<dyn Rule>>, made: Arc<Notify>, shutdown: CancellationToken) {
    let mut next = Instant::now();
    loop {
        let is_time = tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep_until(next) => true,
            () = deps.chat.news().heard() => false,
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = sleep(GATHER) => {}
        }
        let mut rooms = deps.chat.news().take();
        if is_time {
            next = Instant::now() + LOOK_EVERY;
            rooms.extend(behind(&deps).await);
        }
        for room in rooms {
            match look_at(&deps, &rules, room).await {
                Ok(false) => {}
                Ok(true) => made.notify_waiters(),
                // It is behind, and found by the next one who asks for those.
                Err(error) => tracing::warn!(%room, "what goes out of a room waits: {error:#}"),
            }
            if shutdown.is_cancelled() {
                return;
            }
        }
    }
}

async fn behind(deps: &Deps) -> Vec<RoomId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        match deps.store.outbox.behind(after).await {
            Ok(rooms) => {
                after = rooms.last().copied();
                all.extend(rooms);
            }
            Err(error) => {
                tracing::warn!(%error, "rooms that are behind are not known");
                return all;
            }
        }
        if after.is_none() || all.len() >= limits::ROOMS_MAX {
            return all;
        }
    }
}

/// Whether that made jobs.
async fn look_at(deps: &Deps, rules: &[Arc<dyn Rule>], id: RoomId) -> anyhow::Result<bool> {
    let mut has_made = false;
    let mut lost = 0;
    loop {
        let room = match deps.store.rooms.room(id).await {
            Err(StoreError::NotFound(_)) => return Ok(has_made),
            room => room?,
        };
        let from = deps.store.outbox.fanned(id).await?;
        if from.is_some_and(|from| from >= room.last) || lost == TRIES_MAX {
            return Ok(has_made);
        }
        let (to, jobs) = next(deps, rules, &room, from.unwrap_or(0)).await?;
        let makes = !jobs.is_empty();
        match deps.store.outbox.fan(id, from, to, jobs).await {
            Err(StoreError::NotFound(_)) => return Ok(has_made),
            Ok(false) => lost += 1,
            Ok(true) => has_made |= makes,
            Err(error) => return Err(error.into()),
        }
    }
}

/// How far is looked in one step, and the jobs of it.
async fn next(
    deps: &Deps,
    rules: &[Arc<dyn Rule>],
    room: &Room,
    behind: u64,
) -> anyhow::Result<(u64, Vec<NewJob>)> {
    let mut making = Vec::new();
    for rule in rules {
        making.extend(rule.of(room).await?);
    }
    if making.is_empty() || room.last == behind {
        return Ok((room.last, Vec::new()));
    }
    let page = deps.store.messages.page(room.id, Place::After(behind), limits::MESSAGES_A_PAGE_MAX).await?;
    let mut messages: &[Message] = &page;
    loop {
        let mut jobs: Vec<NewJob> = making.iter().flat_map(|make| make(messages)).collect();
        if jobs.len() <= limits::JOBS_A_CALL_MAX || messages.len() <= 1 {
            if jobs.len() > limits::JOBS_A_CALL_MAX {
                tracing::error!(room = %room.id, jobs = jobs.len(), "one message makes too many jobs: the last ones are left out");
                jobs.truncate(limits::JOBS_A_CALL_MAX);
            }
            return Ok((messages.last().map_or(room.last, |last| last.number), jobs));
        }
        messages = &messages[..messages.len() / 2];
    }
}
