//! The connection of everything but publishing: consumers, depth, dead letters. Made when it is first needed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{anyhow, bail};
use parking_lot::Mutex as Latch;
use tokio::sync::{Mutex, watch};

use super::backoff::Backoff;
use super::link::{Dialer, Link};

pub struct Reading {
    dialer: Arc<Dialer>,
    state: Mutex<State>,
    /// The link of now, for whoever cannot wait.
    present: Latch<Option<Arc<Link>>>,
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    backoff: Backoff,
    /// After a failure: why, and when the next try is due.
    failed: Option<(Instant, String)>,
}

impl Reading {
    pub fn over(dialer: Arc<Dialer>) -> Reading {
        Reading {
            dialer,
            state: Mutex::default(),
            present: Latch::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// The connection, made anew where it was lost. Between tries that failed it answers at once.
    pub async fn link(&self) -> anyhow::Result<Arc<Link>> {
        let mut state = self.state.lock().await;
        if self.is_closed() {
            bail!("the bus is closed");
        }
        if let Some(link) = self.present.lock().clone().filter(|link| link.is_up()) {
            return Ok(link);
        }
        if let Some((due, why)) = &state.failed
            && Instant::now() < *due
        {
            bail!("{why}");
        }
        match self.dialer.dial().await {
            Ok(link) => {
                *state = State::default();
                let link = Arc::new(link);
                *self.present.lock() = Some(Arc::clone(&link));
                if self.is_closed() {
                    link.cut();
                }
                Ok(link)
            }
            Err(error) => {
                let error = anyhow!(error);
                state.failed = Some((Instant::now() + state.backoff.wait(), format!("{error:#}")));
                Err(error)
            }
        }
    }

    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Returns once the bus is closed.
    pub async fn closing(&self) {
        // The sender lives as long as `self`.
        drop(self.closed.subscribe().wait_for(|&closed| closed).await);
    }

    pub async fn close(&self) {
        self.closed.send_replace(true);
        let link = self.present.lock().take();
        if let Some(link) = link {
            link.close().await;
        }
    }

    /// Ends it without a goodbye.
    pub fn cut(&self) {
        self.closed.send_replace(true);
        self.present.lock().take().into_iter().for_each(|link| link.cut());
    }
}
