//! The way of a batch of hits, from the tag to dashboards, as spans of one trace. A trace's id is its batch's: each service knows it
//! from the batch, so nothing is carried along for it; and a span's id is made of the batch and the stage, so that whoever writes
//! the next stage knows its parent. Told through `tracing`, at `TARGET`: where nobody listens there, nothing is computed.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use model::BatchId;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};

/// The target of events that are spans. They are of level TRACE.
pub const TARGET: &str = "watchfire::trace";
/// Odd, and without a pattern in its bits: what makes a span's id of its batch's.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Who writes spans, as collectors of traces name them.
const SERVICES: [&str; 3] = ["watchfire-collector", "watchfire-processor", "watchfire-realtime"];

/// What happens to a batch, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the first hit that is gathered into it to the answer to all of them.
    Hits,
    /// Until it is durable on the bus.
    Publish,
    /// From its steps until history holds it.
    Append,
    /// Until live holds what it changed.
    Commit,
    /// From when a hub heard of it until dashboards were told. Of the newest batch of a commit.
    Frame,
}

impl Stage {
    const ALL: [Stage; 5] = [Stage::Hits, Stage::Publish, Stage::Append, Stage::Commit, Stage::Frame];

    fn name(self) -> &'static str {
        match self {
            Stage::Hits => "hits",
            Stage::Publish => "publish",
            Stage::Append => "append",
            Stage::Commit => "commit",
            Stage::Frame => "frame",
        }
    }

    fn service(self) -> &'static str {
        match self {
            Stage::Hits | Stage::Publish => SERVICES[0],
            Stage::Append | Stage::Commit => SERVICES[1],
            Stage::Frame => SERVICES[2],
        }
    }

    /// `SpanKind` of OTLP: internal, server, producer, consumer.
    fn kind(self) -> u8 {
        match self {
            Stage::Commit | Stage::Frame => 1,
            Stage::Hits => 2,
            Stage::Publish => 4,
            Stage::Append => 5,
        }
    }

    fn parent(self) -> Option<Stage> {
        Some(Stage::ALL[(self as usize).checked_sub(1)?])
    }
}

/// Whether somebody listens.
pub fn is_heard() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::TRACE)
}

/// A stage that is over now. `hits`: how many it had to do with; 0: that is not known there.
pub fn tell(stage: Stage, batch: BatchId, began: Instant, hits: usize, failed: bool) {
    tracing::trace!(
        target: TARGET,
        stage = stage as u64,
        batch = batch.0,
        took = began.elapsed().as_nanos() as u64,
        hits = hits as u64,
        failed,
    );
}

/// As `traceparent` says it (W3C Trace Context), of the stage that a request of the tag is.
pub fn parent(batch: BatchId) -> String {
    format!("00-{:032x}-{:016x}-01", batch.0, span_id(batch, Stage::Hits))
}

/// Never 0, which would be none: where it comes out as that it is the stage's number and one.
fn span_id(batch: BatchId, stage: Stage) -> u64 {
    let number = stage as u64 + 1;
    match (batch.0 as u64 ^ (batch.0 >> 64) as u64).wrapping_add(STEP.wrapping_mul(number)) {
        0 => number,
        id => id,
    }
}

/// A stage that was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub stage: Stage,
    pub batch: BatchId,
    pub ended: SystemTime,
    pub took: Duration,
    pub hits: u64,
    pub failed: bool,
}

impl Span {
    /// Of an event at `TARGET`, at that moment. None: it is none of ours.
    pub fn of(event: &tracing::Event<'_>, now: SystemTime) -> Option<Span> {
        let mut fields = Fields::default();
        event.record(&mut fields);
        Some(Span {
            stage: *Stage::ALL.get(usize::try_from(fields.stage?).ok()?)?,
            batch: BatchId(fields.batch?),
            ended: now,
            took: Duration::from_nanos(fields.took),
            hits: fields.hits,
            failed: fields.failed,
        })
    }

    fn written(&self) -> Value {
        let nanos = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let id = |stage| format!("{:016x}", span_id(self.batch, stage));
        let mut span = json!({
            "traceId": format!("{:032x}", self.batch.0),
            "spanId": id(self.stage),
            "name": self.stage.name(),
            "kind": self.stage.kind(),
            "startTimeUnixNano": nanos(self.ended - self.took).to_string(),
            "endTimeUnixNano": nanos(self.ended).to_string(),
            "status": { "code": if self.failed { 2 } else { 0 } },
        });
        if let Some(parent) = self.stage.parent() {
            span["parentSpanId"] = json!(id(parent));
        }
        if self.hits > 0 {
            span["attributes"] =
                json!([{ "key": "watchfire.hits", "value": { "intValue": self.hits.to_string() } }]);
        }
        span
    }
}

/// What a process that sends spans says of itself.
#[derive(Clone, Debug)]
pub struct Resource {
    pub host: String,
    pub version: &'static str,
}

/// The body of a `POST /v1/traces` of OTLP over HTTP, in JSON: spans by the service that wrote them.
pub fn request(of: &Resource, spans: &[Span]) -> Value {
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let resources: Vec<Value> = SERVICES
        .into_iter()
        .filter_map(|service| {
            let its: Vec<Value> =
                spans.iter().filter(|span| span.stage.service() == service).map(Span::written).collect();
            (!its.is_empty()).then(|| {
                json!({
                    "resource": { "attributes": [
                        attribute("service.name", service),
                        attribute("service.version", of.version),
                        attribute("host.name", &of.host),
                    ] },
                    "scopeSpans": [{ "scope": { "name": "watchfire" }, "spans": its }],
                })
            })
        })
        .collect();
    json!({ "resourceSpans": resources })
}

#[derive(Default)]
struct Fields {
    stage: Option<u64>,
    batch: Option<u128>,
    took: u64,
    hits: u64,
    failed: bool,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "stage" => self.stage = Some(value),
            "took" => self.took = value,
            "hits" => self.hits = value,
            _ => {}
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        if field.name() == "batch" {
            self.batch = Some(value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "failed" {
            self.failed = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(stage: Stage) -> Span {
        let ended = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Span { stage, batch: BatchId(7), ended, took: Duration::from_millis(2), hits: 3, failed: false }
    }

    #[test]
    fn each_stage_hangs_on_the_one_before() {
        let of = Resource { host: "one".into(), version: "1" };
        let spans = Stage::ALL.map(span);
        let request = request(&of, &spans);
        let mut before = Value::Null;
        let mut names = Vec::new();
        for resource in request["resourceSpans"].as_array().expect("resources") {
            for span in resource["scopeSpans"][0]["spans"].as_array().expect("spans") {
                assert_eq!(span["traceId"], format!("{:032x}", 7));
                assert_eq!(span["parentSpanId"], before);
                before = span["spanId"].clone();
                names.push(span["name"].as_str().expect("a name").to_owned());
            }
        }
        assert_eq!(names, ["hits", "publish", "append", "commit", "frame"]);
        let first = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(first["startTimeUnixNano"], "1799999999998000000");
        assert_eq!(first["endTimeUnixNano"], "1800000000000000000");
        assert_eq!(
            parent(BatchId(7)),
            format!("00-{:032x}-{}-01", 7, first["spanId"].as_str().expect("an id"))
        );
    }

    #[test]
    fn ids_of_spans_differ_and_are_never_none() {
        let hostile = BatchId(u128::from(STEP.wrapping_mul(3).wrapping_neg()));
        for batch in [BatchId(0), BatchId(u128::MAX), BatchId(1 << 64), hostile] {
            let ids: std::collections::HashSet<u64> =
                Stage::ALL.into_iter().map(|stage| span_id(batch, stage)).collect();
            assert!(ids.len() == Stage::ALL.len() && !ids.contains(&0), "{batch:?}");
        }
    }

    #[test]
    fn nobody_hears_by_default() {
        assert!(!is_heard());
    }
}
