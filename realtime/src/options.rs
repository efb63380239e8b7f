//! What the hub can be told, and every maximum that is the hub's own.

use std::time::Duration;

/// Subscriptions of one connection.
pub const SUBSCRIPTIONS_MAX: usize = 300;
/// Bytes of one message from a client.
pub const MESSAGE_BYTES_MAX: usize = 4_096;
/// Bytes that may arrive without a whole message in them: a message in ever smaller fragments ends here.
pub const UNFINISHED_BYTES_MAX: usize = 32 * 1024;
/// Messages of one client at once: every subscription, and some.
pub const MESSAGES_BURST_MAX: u32 = 350;
/// Messages of one client a second, after the burst.
pub const MESSAGES_A_SECOND_MAX: u32 = 10;
/// Frames of one subscription that wait for a slow reader, snapshots apart; past it the reader is behind.
pub const BACKLOG_FRAMES_MAX: usize = 8;
/// The same of a room, where each thing that is said is a frame of its own.
pub const ROOM_BACKLOG_FRAMES_MAX: usize = 128;
/// Bytes of all frames that wait for a slow reader, snapshots apart. A single larger frame may wait alone.
pub const BACKLOG_BYTES_MAX: usize = 256 * 1024;
/// Filtered views of one site at a time.
pub const VIEWS_MAX: usize = 64;
/// Who has a share link opens no further one past this.
pub const VIEWS_OF_SHARES_MAX: usize = 32;
/// Rows of a dimension in the live view.
pub const ROWS_MAX: usize = 100;
/// Rows of the country dimension: more than there are codes.
pub const COUNTRIES_MAX: usize = 300;
/// Visitors of the visitors topic.
pub const VISITORS_MAX: usize = 10_000;
/// Pings that may go unanswered; the next one is not sent, the connection is closed.
pub const MISSED_PINGS_MAX: u8 = 2;

/// How often it is looked whether Live can be reached, and how long an answer may take.
pub const REACH_EVERY: Duration = Duration::from_secs(1);
pub const REACH_WAIT_MAX: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub struct Options {
    /// Open connections of all kinds.
    pub connections_max: usize,
    /// Of them, open connections of one account, its tokens included.
    pub connections_each_max: usize,
    /// Of them, open connections of one share link: it is public.
    pub connections_a_share_max: usize,
    /// At least this long between two deltas of a topic.
    pub delta_spacing: Duration,
    /// A site's mirror is kept this long after its last subscriber left.
    pub linger: Duration,
    /// How often the hub looks after its connections; the three below are counted in beats.
    pub beat: Duration,
    /// From one ping of a connection to the next.
    pub ping_beats: u32,
    /// A reader that takes nothing for so long is closed.
    pub stall_beats: u32,
    /// A connection that was told to close and does not is cut after so many.
    pub close_beats: u32,
    /// Rights are looked up again this often, should a notification have been lost.
    pub recheck: Duration,
    /// From the start of the shutdown until connections that do not close are cut.
    pub farewell: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connections_max: 20_000,
            connections_each_max: 10_000,
            connections_a_share_max: 2_000,
            delta_spacing: Duration::from_millis(200),
            linger: Duration::from_secs(10),
            beat: Duration::from_secs(1),
            ping_beats: 20,
            stall_beats: 30,
            close_beats: 3,
            recheck: Duration::from_secs(60),
            farewell: Duration::from_millis(1_500),
        }
    }
}

impl Options {
    /// The ping interval that clients are told, in whole seconds, rounded up.
    pub fn ping_seconds(&self) -> u64 {
        (self.beat * self.ping_beats).as_secs_f64().ceil().max(1.0) as u64
    }
}
