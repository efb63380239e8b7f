//! A connected client as the hub and its socket share it: the connection's state, and how to wake the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::Bytes;
use metrics::counter;
use model::rights::Principal;
use parking_lot::Mutex;
use store::Credential;

use crate::connection::{Connection, Offered, Phase};
use crate::frame::Frame;
use crate::topic::Topic;

/// A credential and who it says asks; one for all connections that carry the same.
pub struct Holder {
    pub credential: Credential,
    /// As last looked up.
    pub principal: Mutex<Principal>,
}

pub struct Client {
    pub id: u64,
    pub holder: Arc<Holder>,
    state: Mutex<State>,
}

struct State {
    connection: Connection,
    socket: Option<Waker>,
}

/// What a socket is to do next.
pub struct Turn {
    pub phase: Phase,
    /// Topics that want a fresh snapshot.
    pub behind: Vec<Arc<Topic>>,
}

impl Client {
    pub fn new(id: u64, holder: Arc<Holder>, connection: Connection) -> Client {
        Client { id, holder, state: Mutex::new(State { connection, socket: None }) }
    }

    /// Does something to the connection, and wakes its socket where that left it something to do.
    pub fn act<R>(&self, deed: impl FnOnce(&mut Connection) -> R) -> R {
        let mut state = self.state.lock();
        let result = deed(&mut state.connection);
        let socket = if state.connection.has_work() { state.socket.take() } else { None };
        drop(state);
        if let Some(socket) = socket {
            socket.wake();
        }
        result
    }

    /// The socket's turn: reports what it wrote, takes what there is to write if it holds nothing, and is
    /// woken when there is more.
    pub fn take(&self, context: &Context<'_>, progress: bool, sending: &mut VecDeque<Bytes>) -> Turn {
        let mut state = self.state.lock();
        state.wake_with(context);
        let connection = &mut state.connection;
        if sending.is_empty() {
            while let Some(frame) = connection.next() {
                sending.push_back(frame.into_wire());
            }
        }
        connection.wrote(progress, !sending.is_empty());
        Turn { phase: connection.phase(), behind: connection.behind() }
    }

    /// As `take`, a frame at a time.
    pub fn take_one(&self, context: &Context<'_>) -> (Option<Frame>, Turn) {
        let mut state = self.state.lock();
        state.wake_with(context);
        let connection = &mut state.connection;
        let frame = connection.next();
        connection.wrote(true, false);
        (frame, Turn { phase: connection.phase(), behind: connection.behind() })
    }
}

impl State {
    fn wake_with(&mut self, context: &Context<'_>) {
        if !self.socket.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            self.socket = Some(context.waker().clone());
        }
    }
}

/// Hands a delta to all who are on a topic, and counts what came of it.
pub fn offer_all<'c>(clients: impl Iterator<Item = &'c Arc<Client>>, topic: &Arc<Topic>, delta: &Frame) {
    let (mut queued, mut behind) = (0, 0);
    for client in clients {
        match client.act(|connection| connection.offer(topic, delta)) {
            Offered::Queued => queued += 1,
            Offered::FellBehind => behind += 1,
            Offered::Passed => {}
        }
    }
    counter!("watchfire_push_frames_total").increment(queued);
    counter!("watchfire_push_bytes_total").increment(queued * delta.wire().len() as u64);
    counter!("watchfire_push_lags_total").increment(behind);
}
