//! Who launches, drains and ends instances: this machine, or a command.

use std::net::SocketAddr;

use model::Millis;
use scale::{Act, Stage};

use super::command::Command;
use super::local::Local;

/// An instance, as its provider tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub since: Millis,
    pub spot: bool,
    /// It will be taken.
    pub noticed: bool,
    /// None: whether it serves is asked at its door.
    pub stage: Option<Stage>,
    pub door: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
}

pub enum Provider {
    Local(Local),
    Command(Command),
}

impl Provider {
    pub async fn fleet(&mut self) -> anyhow::Result<Vec<Seen>> {
        match self {
            Provider::Local(local) => local.fleet(),
            Provider::Command(command) => command.fleet().await,
        }
    }

    pub async fn act(&mut self, act: &Act, at: Millis) -> anyhow::Result<()> {
        match self {
            Provider::Local(local) => local.act(act, at),
            Provider::Command(command) => command.act(act).await,
        }
    }

    /// Instances of this machine end with who started them; others go on.
    pub async fn stop(self) {
        if let Provider::Local(local) = self {
            local.stop().await;
        }
    }
}
