//! Who launches, drains and ends instances: this machine, a command, or Amazon's EC2.

use std::net::SocketAddr;

use model::Millis;
use scale::{Act, Stage};

use super::command::Command;
use super::ec2::Ec2;
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
    Ec2(Box<Ec2>),
}

impl Provider {
    pub async fn fleet(&mut self) -> anyhow::Result<Vec<Seen>> {
        match self {
            Provider::Local(local) => local.fleet(),
            Provider::Command(command) => command.fleet().await,
            Provider::Ec2(ec2) => ec2.fleet().await,
        }
    }

    /// `fleet`: as it was seen for this decision.
    pub async fn act(&mut self, act: &Act, fleet: &[Seen], at: Millis) -> anyhow::Result<()> {
        match self {
            Provider::Local(local) => local.act(act, at),
            Provider::Command(command) => command.act(act).await,
            Provider::Ec2(ec2) => ec2.act(act, fleet).await,
        }
    }

    /// Instances of this machine end with who started them; others go on.
    pub async fn stop(self) {
        if let Provider::Local(local) = self {
            local.stop().await;
        }
    }
}
