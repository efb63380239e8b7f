//! The same stream as Server-Sent Events, one topic a request, and as JSON once: for `curl` and scripts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use door::Refusal;
use futures_util::stream;

use crate::connection::Phase;
use crate::frame::{Frame, FrameKind};
use crate::hub::{Hub, Seat};
use crate::topic::{Filter, Topic};

/// The mirror of a site that nobody watched takes a moment; more than this is a fault.
const SNAPSHOT_WAIT: Duration = Duration::from_secs(10);

type Pairs = Vec<(String, String)>;

/// `GET /api/watchfire/live/events?topic=…&filter.page=…`
pub async fn events(
    State(hub): State<Arc<Hub>>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let seat = take_seat(&hub, &pairs, &headers, &uri).await?;
    let mut events = Events { seat, parts: VecDeque::new(), over: false };
    let body = Body::from_stream(stream::poll_fn(move |context| {
        events.poll_part(context).map(|part| part.map(Ok::<_, std::convert::Infallible>))
    }));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies would gather events otherwise.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}

/// `GET /api/watchfire/live/now?topic=…&filter.page=…`
pub async fn now(
    State(hub): State<Arc<Hub>>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let seat = take_seat(&hub, &pairs, &headers, &uri).await?;
    let snapshot = std::future::poll_fn(|context| poll_snapshot(&seat, context));
    let Ok(Some(snapshot)) = tokio::time::timeout(SNAPSHOT_WAIT, snapshot).await else {
        return Err(Refusal::unavailable(Duration::from_secs(1)));
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, snapshot.body()).into_response())
}

/// A client that is subscribed to the one topic of the request.
async fn take_seat(hub: &Arc<Hub>, pairs: &Pairs, headers: &HeaderMap, uri: &Uri) -> Result<Seat, Refusal> {
    let seat = hub.admit(door::credential(headers, uri), false).await?;
    let topic = pairs.iter().find(|(name, _)| name == "topic").map_or("", |(_, topic)| topic);
    let topic = Filter::from_query(pairs)
        .and_then(|filter| Topic::parse(topic, filter))
        .map_err(|bad| Refusal::bad_request(bad.code(), bad.to_string()))?;
    hub.subscribe(&seat.client, 0, &topic).await?;
    Ok(seat)
}

/// The next frame; None: the stream is over.
fn poll_frame(seat: &Seat, context: &Context<'_>) -> Poll<Option<Frame>> {
    loop {
        let (frame, turn) = seat.client.take_one(context);
        if let Some(frame) = frame {
            return Poll::Ready(Some(frame));
        }
        if turn.phase != Phase::Open {
            return Poll::Ready(None);
        }
        if turn.behind.is_empty() {
            return Poll::Pending;
        }
        turn.behind.iter().for_each(|topic| seat.hub.catch_up(&seat.client, topic));
    }
}

fn poll_snapshot(seat: &Seat, context: &Context<'_>) -> Poll<Option<Frame>> {
    loop {
        match poll_frame(seat, context) {
            Poll::Ready(Some(frame)) if frame.kind == FrameKind::Ping => {}
            Poll::Ready(Some(frame)) if frame.kind == FrameKind::Snapshot => return Poll::Ready(Some(frame)),
            Poll::Ready(_) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// The body of a stream of events.
struct Events {
    seat: Seat,
    /// Of the event that is being written.
    parts: VecDeque<Bytes>,
    over: bool,
}

impl Events {
    fn poll_part(&mut self, context: &Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Poll::Ready(Some(part));
            }
            if self.over {
                return Poll::Ready(None);
            }
            match poll_frame(&self.seat, context) {
                Poll::Ready(Some(frame)) => self.begin(&frame),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn begin(&mut self, frame: &Frame) {
        let name = match frame.kind {
            FrameKind::Snapshot => "snapshot",
            FrameKind::Delta => "delta",
            FrameKind::Ended => "ended",
            FrameKind::Ping => return self.parts.push_back(Bytes::from_static(b": ping\n\n")),
            FrameKind::Answer => return,
            FrameKind::Close => {
                self.over = true;
                return;
            }
        };
        self.over = frame.kind == FrameKind::Ended;
        let id = if self.over { String::new() } else { format!("id: {}\n", frame.version) };
        self.parts.push_back(format!("event: {name}\n{id}data: ").into());
        self.parts.push_back(frame.body());
        self.parts.push_back(Bytes::from_static(b"\n\n"));
    }
}
