//! In which rooms of this process something happened, for who makes something of it later. Forgotten with the process: what is
//! to come of a message is found in the store. Telling costs a lock for a moment, and nothing is waited for.

use std::collections::BTreeSet;

use model::{RoomId, limits};
use parking_lot::Mutex;
use tokio::sync::Notify;

#[derive(Default)]
pub struct News {
    rooms: Mutex<BTreeSet<RoomId>>,
    any: Notify,
}

impl News {
    pub(crate) fn tell(&self, room: RoomId) {
        let mut rooms = self.rooms.lock();
        // Where nobody takes them, there are no more than rooms.
        if rooms.len() < limits::ROOMS_MAX {
            rooms.insert(room);
        }
        drop(rooms);
        self.any.notify_one();
    }

    /// Returns when there is some. For one listener.
    pub async fn heard(&self) {
        self.any.notified().await;
    }

    pub fn take(&self) -> BTreeSet<RoomId> {
        std::mem::take(&mut *self.rooms.lock())
    }
}
