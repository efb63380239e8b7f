//! Who looks after the mailbox, and how: what is new is heard, oldest first, and marked as read when it is kept.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use async_imap::types::Fetch;
use bytes::Bytes;
use futures_util::TryStreamExt;
use model::chat::Who;
use model::outbox::{JobKind, NewJob};
use model::{BotId, Clock, JobId};
use store::Store;
use store::outbox::{Most, Outcome, Taken};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Mailbox;
use super::line::{COMMAND_MAX, Talk, open};
use crate::Hearing;
use crate::hearing::heard_of;

/// How long a mailbox is nobody else's, without a word of whoever has it.
const LEASE: Duration = Duration::from_secs(30);
/// How long is waited for news; then the lease is renewed.
const WAIT: Duration = Duration::from_secs(15);
/// How often others look whether it is free, and how long after a failure it is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Where the server cannot tell of news by itself.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// Letters that are heard before the lease is renewed.
const AT_ONCE_MAX: usize = 20;
/// For the bytes of a letter.
const FETCH_MAX: Duration = Duration::from_secs(120);

const THE_MAILBOX: JobId = JobId(0x6d61_696c_626f_7800);
const KEEPER: Who = Who::Bot(BotId::of(0x6d61_696c_626f_7800));

/// Until told to end. What fails is tried again.
pub async fn keep(
    mailbox: Mailbox,
    store: Store,
    hearing: Hearing,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let keeper = Keeper { mailbox, store, hearing, clock };
    let mut is_known = false;
    let mut was_kept = true;
    loop {
        let round = async {
            if !is_known {
                keeper.make_known().await?;
                is_known = true;
            }
            keeper.in_turn(&shutdown).await
        };
        match shutdown.run_until_cancelled(round).await {
            None => return,
            Some(Ok(())) => was_kept = true,
            Some(Err(error)) => {
                // Once: a server that is away stays away for a while.
                if was_kept {
                    tracing::warn!("the mailbox is not looked after: {error:#}");
                }
                was_kept = false;
            }
        }
        if shutdown.run_until_cancelled(sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}

struct Keeper {
    mailbox: Mailbox,
    store: Store,
    hearing: Hearing,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    async fn make_known(&self) -> anyhow::Result<()> {
        let now = self.clock.now();
        let (id, kind, owner, body) = (THE_MAILBOX, JobKind::Mailbox, KEEPER, Vec::new());
        Ok(self.store.outbox.add(vec![NewJob { id, kind, owner, body, created: now, due: now }]).await?)
    }

    /// As long as the mailbox is ours; nothing where it is somebody else's.
    async fn in_turn(&self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let Some(mut lease) = self.take().await? else {
            return Ok(());
        };
        let kept = self.look_after(&mut lease, shutdown).await;
        if let Some(lease) = lease {
            self.give_back(lease).await?;
        }
        kept
    }

    async fn take(&self) -> anyhow::Result<Option<Option<Taken>>> {
        let now = self.clock.now();
        let most = Most { jobs: 1, an_owner: 1, but: Vec::new() };
        let taken = self.store.outbox.take(JobKind::Mailbox, now, now.plus(LEASE), most).await?;
        Ok(taken.into_iter().next().map(Some))
    }

    async fn give_back(&self, lease: Taken) -> anyhow::Result<()> {
        let now = self.clock.now();
        let later = Outcome::Later { due: now, said: String::new() };
        self.store.outbox.settle(lease.job.id, lease.lease, now, later).await?;
        Ok(())
    }

    /// False: somebody else has it.
    async fn renew(&self, lease: &mut Option<Taken>) -> anyhow::Result<bool> {
        if let Some(lease) = lease.take() {
            self.give_back(lease).await?;
        }
        *lease = self.take().await?.flatten();
        Ok(lease.is_some())
    }

    async fn look_after(
        &self,
        lease: &mut Option<Taken>,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut talk = open(&self.mailbox).await?;
        let idles = timeout(COMMAND_MAX, talk.capabilities()).await??.has_str("IDLE");
        tracing::info!(idles, "the mailbox is looked after here");
        loop {
            while self.hear_some(&mut talk).await? == AT_ONCE_MAX {
                if !self.renew(lease).await? {
                    return Ok(());
                }
            }
            talk = self.wait(talk, idles).await?;
            if shutdown.is_cancelled() || !self.renew(lease).await? {
                return Ok(());
            }
        }
    }

    /// What is new, the oldest first; how many that were.
    async fn hear_some(&self, talk: &mut Talk) -> anyhow::Result<usize> {
        let new =
            timeout(COMMAND_MAX, talk.uid_search("UNSEEN UNDELETED")).await?.context("it tells nothing")?;
        let mut new: Vec<u32> = new.into_iter().collect();
        new.sort_unstable();
        new.truncate(AT_ONCE_MAX);
        for uid in &new {
            self.hear(talk, *uid).await?;
        }
        Ok(new.len())
    }

    async fn hear(&self, talk: &mut Talk, uid: u32) -> anyhow::Result<()> {
        let size = fetch(talk, uid, "(UID RFC822.SIZE)").await?.and_then(|told| told.size);
        let Some(bytes) = size else {
            // It went meanwhile.
            return Ok(());
        };
        let bytes = bytes as usize;
        let asked = format!("(UID BODY.PEEK[]<0.{}>)", heard_of(bytes).max(1));
        let raw = fetch(talk, uid, &asked).await?.and_then(|told| told.body().map(Bytes::copy_from_slice));
        let Some(raw) = raw else {
            return Ok(());
        };
        // What a server says of a size may be off by its ends of lines.
        let bytes = if heard_of(bytes) == bytes { raw.len() } else { bytes };
        self.hearing.hear(raw, bytes).await?;
        let marked = timeout(COMMAND_MAX, async {
            let flags = talk.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Seen)").await?;
            flags.try_collect::<Vec<Fetch>>().await
        });
        marked.await?.context("a letter cannot be marked as read")?;
        Ok(())
    }

    /// Until there is news, or for a while.
    async fn wait(&self, talk: Talk, idles: bool) -> anyhow::Result<Talk> {
        if !idles {
            sleep(ASK_EVERY).await;
            return Ok(talk);
        }
        let mut handle = talk.idle();
        timeout(COMMAND_MAX, handle.init()).await??;
        let (news, stop) = handle.wait_with_timeout(WAIT);
        // A server that says something of no meaning all the time is not waited for longer.
        let waited = timeout(WAIT + COMMAND_MAX, news).await;
        drop(stop);
        waited??;
        Ok(timeout(COMMAND_MAX, handle.done()).await??)
    }
}

async fn fetch(talk: &mut Talk, uid: u32, asked: &str) -> anyhow::Result<Option<Fetch>> {
    let told = timeout(FETCH_MAX, async {
        let told = talk.uid_fetch(uid.to_string(), asked).await?;
        told.try_collect::<Vec<Fetch>>().await
    });
    let told = told.await?.context("a letter cannot be fetched")?;
    ensure!(told.len() <= AT_ONCE_MAX, "the server tells of letters that nobody asked for");
    Ok(told.into_iter().find(|told| told.uid == Some(uid)))
}
