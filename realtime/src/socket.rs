//! A WebSocket, the only place that touches one: bytes in through tungstenite, whole frames out as they are shared.
//! Frames are not written through tungstenite, which would copy each into a buffer a socket that never shrinks.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::Message;
use tungstenite::error::Error;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use crate::client::Client;
use crate::connection::{Phase, Request};
use crate::hub::{Hub, Seat};
use crate::options::{MESSAGE_BYTES_MAX, UNFINISHED_BYTES_MAX};
use crate::topic::Topic;

/// Nearly all messages of a client are shorter; a longer one takes more room for a moment.
const READ_BUFFER_BYTES: usize = 512;
/// Frames that one write hands to the kernel at most.
const WRITE_FRAMES_MAX: usize = 16;

/// Runs a connection until it ends; never fails, since there is nobody to tell.
pub struct Socket {
    io: Io,
    protocol: WebSocketContext,
    /// Answers of tungstenite's own (pong, close) that wait for a gap between frames.
    control: Vec<u8>,
    /// Bytes received since the last whole message.
    unfinished: usize,
    /// Taken from the outbox; the first may be written in part.
    sending: VecDeque<Bytes>,
    /// Something was written since the outbox was last told.
    progress: bool,
    /// A subscription under way; nothing is read meanwhile, so that messages are answered in order.
    subscribing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    stage: Stage,
    seat: Seat,
}

type Io = TokioIo<Upgraded>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The client's close was answered; when that is written, it is over.
    Answered,
    /// Our close frame is written and the sending side shut: what still comes is not looked at.
    Shut,
}

/// The connection is over.
struct Over;

impl Socket {
    pub fn new(upgraded: Upgraded, seat: Seat) -> Socket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(1_024)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        Socket {
            io: TokioIo::new(upgraded),
            protocol: WebSocketContext::new(Role::Server, Some(config)),
            control: Vec::new(),
            unfinished: 0,
            sending: VecDeque::new(),
            progress: false,
            subscribing: None,
            stage: Stage::Open,
            seat,
        }
    }

    /// Writes until there is nothing to write, or the client takes no more.
    fn send(&mut self, context: &mut Context<'_>) -> Result<Phase, Over> {
        loop {
            let progress = std::mem::take(&mut self.progress);
            let turn = self.seat.client.take(context, progress, &mut self.sending);
            if turn.phase == Phase::Dead {
                return Err(Over);
            }
            if turn.phase == Phase::Closing {
                // Nothing comes after a close frame, no pong either.
                self.control.clear();
            }
            for topic in &turn.behind {
                self.seat.hub.catch_up(&self.seat.client, topic);
            }
            if self.sending.is_empty() {
                if self.control.is_empty() {
                    return Ok(turn.phase);
                }
                self.sending.push_back(std::mem::take(&mut self.control).into());
            }
            let Poll::Ready(written) = self.write(context) else {
                return Ok(turn.phase);
            };
            written?;
        }
    }

    fn write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Over>> {
        let io = Pin::new(&mut self.io);
        let written = match self.sending.as_slices() {
            ([only], []) => io.poll_write(context, only),
            _ => {
                let mut slices = [IoSlice::new(&[]); WRITE_FRAMES_MAX];
                let filled =
                    slices.iter_mut().zip(&self.sending).map(|(slice, frame)| *slice = IoSlice::new(frame));
                let count = filled.count();
                io.poll_write_vectored(context, &slices[..count])
            }
        };
        match ready!(written) {
            Ok(bytes) if bytes > 0 => {
                self.progress = true;
                self.written(bytes);
                Poll::Ready(Ok(()))
            }
            _ => Poll::Ready(Err(Over)),
        }
    }

    fn written(&mut self, mut bytes: usize) {
        while let Some(frame) = self.sending.front_mut() {
            if bytes < frame.len() {
                frame.advance(bytes);
                return;
            }
            bytes -= frame.len();
            self.sending.pop_front();
        }
        // What a burst needed is not kept.
        self.sending.shrink_to(WRITE_FRAMES_MAX);
    }

    /// Reads messages until there are none, or one takes its time.
    fn receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Over>> {
        let mut wire =
            Wire { io: &mut self.io, context, control: &mut self.control, unfinished: &mut self.unfinished };
        let message = self.protocol.read(&mut wire);
        if self.unfinished > UNFINISHED_BYTES_MAX {
            self.close(1009, "this message is too long");
            return Poll::Ready(Ok(()));
        }
        match message {
            Ok(message) => self.handle(message),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(Error::Capacity(_)) => self.close(1009, "a message holds at most 4096 bytes"),
            Err(Error::Protocol(_)) => self.close(1002, "this is not the WebSocket protocol"),
            Err(Error::Utf8(_)) => self.close(1007, "a text message is UTF-8"),
            Err(_) => return Poll::Ready(Err(Over)),
        }
        Poll::Ready(Ok(()))
    }

    fn handle(&mut self, message: Message) {
        self.unfinished = 0;
        let now = self.seat.hub.clock.now();
        match message {
            Message::Text(text) => {
                let request = self.seat.client.act(|connection| connection.receive(&text, now));
                self.grant(request);
            }
            Message::Ping(_) | Message::Pong(_) => {
                self.seat.client.act(|connection| connection.receive_control(now));
            }
            Message::Close(_) => self.stage = Stage::Answered,
            Message::Binary(_) | Message::Frame(_) => {
                self.seat.client.act(|connection| connection.receive_binary());
            }
        }
    }

    fn grant(&mut self, request: Request) {
        let Seat { hub, client, .. } = &self.seat;
        match request {
            Request::Nothing => {}
            Request::Leave(topic) => hub.leave(client, &topic),
            Request::Subscribe { number, topic } => {
                self.subscribing = Some(Box::pin(subscribe(hub.clone(), client.clone(), number, topic)));
            }
        }
    }

    fn close(&self, code: u16, reason: &'static str) {
        self.seat.client.act(|connection| connection.close(code, reason));
    }

    /// The client closed: tungstenite writes its answer among the control bytes, and then it is over.
    fn answer_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut wire =
            Wire { io: &mut self.io, context, control: &mut self.control, unfinished: &mut self.unfinished };
        // The error says that the connection is closed, which is known.
        let _ = self.protocol.flush(&mut wire);
        if self.send(context).is_err() {
            return Poll::Ready(());
        }
        if !self.sending.is_empty() {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_shutdown(context).map(|_| ())
    }

    /// Our close frame is queued: once it is written, shuts the sending side and waits for the client to
    /// close its own. (A socket closed with bytes unread would be reset, and the close frame lost.)
    fn say_goodbye(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.subscribing = None;
        if self.stage != Stage::Shut && self.sending.is_empty() {
            if ready!(Pin::new(&mut self.io).poll_shutdown(context)).is_err() {
                return Poll::Ready(());
            }
            self.stage = Stage::Shut;
        }
        loop {
            let mut scrap = [0; 256];
            let mut scrap = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut self.io).poll_read(context, &mut scrap));
            if read.is_err() || scrap.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

async fn subscribe(hub: Arc<Hub>, client: Arc<Client>, number: u16, topic: Arc<Topic>) {
    if let Err(refused) = hub.subscribe(&client, number, &topic).await {
        client.act(|connection| connection.refuse(number, refused.code(), &refused.message()));
    }
}

impl Future for Socket {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if this.stage == Stage::Answered {
                return this.answer_close(context);
            }
            match this.send(context) {
                Ok(Phase::Open) => {}
                Ok(Phase::Closing | Phase::Dead) => return this.say_goodbye(context),
                Err(Over) => return Poll::Ready(()),
            }
            if let Some(subscribing) = &mut this.subscribing {
                ready!(subscribing.as_mut().poll(context));
                this.subscribing = None;
                continue;
            }
            if ready!(this.receive(context)).is_err() {
                return Poll::Ready(());
            }
        }
    }
}

/// The socket as tungstenite sees it: it reads from it, and what it writes is kept for a gap between frames.
struct Wire<'s, 'c, 'w> {
    io: &'s mut Io,
    context: &'c mut Context<'w>,
    control: &'s mut Vec<u8>,
    unfinished: &'s mut usize,
}

impl io::Read for Wire<'_, '_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut into = ReadBuf::new(into);
        match Pin::new(&mut *self.io).poll_read(self.context, &mut into) {
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) => {
                *self.unfinished += into.filled().len();
                Ok(into.filled().len())
            }
        }
    }
}

impl io::Write for Wire<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.control.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.control.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
