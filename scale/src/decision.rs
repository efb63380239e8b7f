//! What is to be done, and why, in words.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Launch {
        count: u32,
        spot: bool,
    },
    /// These are to give up what they have.
    Drain {
        ids: Vec<String>,
    },
    /// These have nothing, and are to be ended.
    Terminate {
        ids: Vec<String>,
    },
    Wait,
}

/// Why; the most pressing one where there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Fewer than the least: at a start, or because some are gone.
    Least,
    /// What comes takes more.
    Rate,
    /// What will come takes more, by the weeks before.
    Forecast,
    /// What comes grows, and will take more once another serves.
    Slope,
    /// What waits is to be caught up with.
    Queue,
    /// Processors use their cores up.
    Cpu,
    /// Processors use their memory up.
    Memory,
    /// Their providers take them.
    Noticed,
    /// They have nothing any more.
    Drained,
    /// They did not serve in three times the time.
    Late,
    /// What comes and will come takes fewer.
    Fewer,
    /// As many as are needed.
    Enough,
    /// As many as are allowed, or as there are shards.
    Most,
    /// Those that were launched do not serve yet.
    Starting,
    /// Some drain, and are waited for.
    Draining,
    /// Load is lower, and has not been for long enough.
    Quiet,
    /// The hour of each one is paid for.
    Paid,
    /// Something is late, full or away.
    Trouble,
    /// It is late, and the store is what is slow.
    Store,
    /// Nothing was measured.
    Blind,
}

impl Reason {
    pub fn sentence(self) -> &'static str {
        match self {
            Reason::Least => "there are fewer than the least",
            Reason::Rate => "what comes takes more",
            Reason::Forecast => "what comes at this time of the week takes more",
            Reason::Slope => "what comes grows, and takes more by the time that another serves",
            Reason::Queue => "what waits has to be caught up with",
            Reason::Cpu => "processors use up their cores",
            Reason::Memory => "processors use up their memory",
            Reason::Noticed => "their provider takes them back",
            Reason::Drained => "they have nothing any more",
            Reason::Late => "they did not come to serve in three times the usual time",
            Reason::Fewer => "fewer do, now and for a while",
            Reason::Enough => "there are as many as are needed",
            Reason::Most => "more are needed, and there are as many as may be",
            Reason::Starting => "those that were launched are still starting",
            Reason::Draining => "some are draining",
            Reason::Quiet => "fewer would do, but not for long enough yet",
            Reason::Paid => "fewer would do, but the hour of each is paid for",
            Reason::Trouble => "fewer would do, but something is late, full or away",
            Reason::Store => "it is late because the store is slow: more processors would not help",
            Reason::Blind => "nothing could be measured",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub act: Act,
    pub reason: Reason,
    /// Instances that are needed now.
    pub needed: u32,
    /// Instances that would do for a while, with room to spare.
    pub would_do: u32,
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Launch { count, spot } => {
                write!(out, "launch {count}{}", if *spot { " (spot)" } else { "" })?;
            }
            Act::Drain { ids } => write!(out, "drain {}", ids.join(", "))?,
            Act::Terminate { ids } => write!(out, "terminate {}", ids.join(", "))?,
            Act::Wait => write!(out, "wait")?,
        }
        write!(out, ": {} ({} needed, {} would do)", self.reason.sentence(), self.needed, self.would_do)
    }
}
