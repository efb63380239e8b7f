//! What goes wrong, and when: drawn from a seed, in rounds that hold every kind of fault once.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::member::{Kind, Seam};
use crate::relay::Flow;

/// How many there are of each, so that targets can be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub collectors: usize,
    pub processors: usize,
    pub realtimes: usize,
    pub webs: usize,
    pub nodes: usize,
}

impl Size {
    pub fn of(self, kind: Kind) -> usize {
        match kind {
            Kind::Collector => self.collectors,
            Kind::Processor => self.processors,
            Kind::Realtime => self.realtimes,
            Kind::Web => self.webs,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// A node of RabbitMQ.
    Node(usize),
    Redis,
    Mongodb,
}

/// One thing that goes wrong, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// SIGKILL, and started again after a while.
    Kill(Kind, usize),
    /// SIGSTOP, then SIGCONT.
    Freeze(Kind, usize),
    KillServer(Server),
    FreezeServer(Server),
    /// A line of one process to one kind of server.
    Line(Kind, usize, Seam, Flow),
    /// No processor runs until the bus is full.
    Fill,
    /// One process's clock, by so many seconds.
    Clock(Kind, usize, i64),
    /// Redis comes back with nothing.
    Emptied,
}

#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// All is well for so long before.
    pub after: Duration,
    pub what: What,
    pub lasts: Duration,
}

/// Draws one fault after another, for ever; the same from the same seed.
pub struct Schedule {
    rng: Rng,
    size: Size,
    /// What lasts, lasts at most so long.
    lasts_max: Duration,
    round: Vec<What>,
}

impl Schedule {
    pub fn new(rng: Rng, size: Size, lasts_max: Duration) -> Schedule {
        Schedule { rng, size, lasts_max, round: Vec::new() }
    }

    /// The round before is over: the next fault opens another.
    pub fn is_between_rounds(&self) -> bool {
        self.round.is_empty()
    }

    pub fn draw(&mut self) -> Fault {
        if self.round.is_empty() {
            self.round = self.deal();
        }
        let what = self.round.pop().expect("a round is never empty");
        let (after, most) = (self.millis(200..1_500), self.lasts_max.as_millis() as u64);
        let longest = match what {
            What::Kill(..) | What::KillServer(_) | What::Emptied => most.min(3_000),
            What::Freeze(..) | What::FreezeServer(_) | What::Line(..) | What::Fill | What::Clock(..) => most,
        };
        // Most are short: the square of an even number.
        let part = self.rng.f64();
        let lasts = Duration::from_millis(300 + (part * part * (longest - 300) as f64) as u64);
        Fault { after, what, lasts }
    }

    /// Every kind of fault once, each on a target of its own, shuffled.
    fn deal(&mut self) -> Vec<What> {
        let mut round = vec![What::Fill, What::Emptied];
        for kind in Kind::ALL {
            round.push(What::Kill(kind, self.one_of(kind)));
        }
        for kind in [Kind::Collector, Kind::Processor, Kind::Realtime] {
            round.push(What::Freeze(kind, self.one_of(kind)));
        }
        let servers = [Server::Node(self.rng.usize(0..self.size.nodes)), Server::Redis, Server::Mongodb];
        round.extend(servers.map(What::KillServer));
        round.push(What::FreezeServer(servers[self.rng.usize(0..servers.len())]));
        for flow in [Flow::Cut, Flow::Stalled, Flow::Mute] {
            let (kind, seam) = self.busy_line();
            round.push(What::Line(kind, self.one_of(kind), seam, flow));
        }
        let kind = [Kind::Collector, Kind::Processor, Kind::Realtime][self.rng.usize(0..3)];
        let off = [-300, -45, 45, 300][self.rng.usize(0..4)];
        round.push(What::Clock(kind, self.one_of(kind), off));
        self.rng.shuffle(&mut round);
        round
    }

    fn one_of(&mut self, kind: Kind) -> usize {
        self.rng.usize(0..self.size.of(kind))
    }

    /// One that hits or changes go over; a page's matters least.
    fn busy_line(&mut self) -> (Kind, Seam) {
        let lines = [
            (Kind::Collector, Seam::Bus),
            (Kind::Collector, Seam::Store),
            (Kind::Processor, Seam::Bus),
            (Kind::Processor, Seam::Live),
            (Kind::Processor, Seam::Store),
            (Kind::Realtime, Seam::Live),
            (Kind::Realtime, Seam::Store),
            (Kind::Web, Seam::Store),
        ];
        lines[self.rng.usize(0..lines.len())]
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.u64(range))
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Kill(kind, number) => write!(out, "kill {kind}-{number}"),
            What::Freeze(kind, number) => write!(out, "freeze {kind}-{number}"),
            What::KillServer(server) => write!(out, "kill {server:?}"),
            What::FreezeServer(server) => write!(out, "freeze {server:?}"),
            What::Line(kind, number, seam, flow) => {
                write!(out, "{flow:?} between {kind}-{number} and {seam:?}")
            }
            What::Fill => write!(out, "no processor, until the bus is full"),
            What::Clock(kind, number, seconds) => write!(out, "clock of {kind}-{number} {seconds:+} s"),
            What::Emptied => write!(out, "empty Redis"),
        }
    }
}
