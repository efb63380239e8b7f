//! Traces: one id from the tag to the dashboard, sent by every service to what collects them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use model::{SiteId, SystemClock};
use serde_json::{Value, json};
use world::receiver::{self, listener, serve};
use world::{Answer, Ground, Person, Program, Push, Tag, eventually};

use crate::crash::set_up;

const STAGES: [(&str, &str); 5] = [
    ("hits", "watchfire-collector"),
    ("publish", "watchfire-collector"),
    ("append", "watchfire-processor"),
    ("commit", "watchfire-processor"),
    ("frame", "watchfire-realtime"),
];

/// Spans with the service that wrote them.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

/// What collects traces, in place of OpenTelemetry's own.
async fn collector() -> (SocketAddr, Heard) {
    let (listener, address) = listener().await;
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    serve(listener, move |request| hear(Arc::clone(&hears), request));
    (address, heard)
}

async fn hear(heard: Heard, request: Request<Incoming>) -> receiver::Heard {
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
    assert_eq!(request.headers()["content-type"], "application/json");
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    for resource in body["resourceSpans"].as_array().expect("resources") {
        let attributes = resource["resource"]["attributes"].as_array().expect("attributes");
        let service = attributes.iter().find(|attribute| attribute["key"] == "service.name");
        let service = service.expect("a name")["value"]["stringValue"].as_str().expect("text").to_owned();
        let spans = resource["scopeSpans"][0]["spans"].as_array().expect("spans").clone();
        let mut heard = heard.lock().expect("no panic while held");
        heard.extend(spans.into_iter().map(|span| (service.clone(), span)));
    }
    Ok(Response::new(Full::default()))
}

/// A page is shown while a dashboard looks; what the tag is answered leads to the whole trace.
async fn follow(owner: &Person, doors: [SocketAddr; 2], site: SiteId, heard: Heard) {
    let [hits, live] = doors;
    let headers =
        [("cookie", owner.cookie_header().expect("signed in")), ("origin", format!("http://{live}"))];
    let mut dashboard = Push::connect(live, "", &headers).await.expect("the owner may connect");
    dashboard.subscribe(&format!("site/{site}/live"), json!({})).await.expect("the owner may subscribe");
    let tag = Tag::new(owner.at(hits), Arc::new(SystemClock), site, "198.51.100.1", 7);
    let answer = tag.send(vec![tag.hit("pageview", json!({}))]).await;
    let (trace, first) = named(&answer).expect("the answer names its trace");
    let spans: BTreeMap<String, (String, Value)> = eventually("the whole trace is heard", || async {
        let heard = heard.lock().expect("no panic while held");
        let of_trace = heard.iter().filter(|(_, span)| span["traceId"] == trace);
        let spans: BTreeMap<_, _> = of_trace
            .map(|(service, span)| {
                (span["name"].as_str().unwrap_or_default().to_owned(), (service.clone(), span.clone()))
            })
            .collect();
        (spans.len() == STAGES.len()).then_some(spans)
    })
    .await;
    let mut parent = Value::Null;
    for (stage, service) in STAGES {
        let (by, span) = &spans[stage];
        assert_eq!((by.as_str(), &span["parentSpanId"]), (service, &parent), "{stage}");
        let nanos = |name: &str| span[name].as_str().expect("text").parse::<u128>().expect("a number");
        assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"), "{span}");
        assert_eq!(span["status"]["code"], 0, "{span}");
        parent = span["spanId"].clone();
    }
    assert_eq!(spans["hits"].1["spanId"], first);
    assert_eq!(spans["hits"].1["attributes"][0]["value"]["intValue"], "1");
}

/// The trace and the span that an answer names.
fn named(answer: &Answer) -> Option<(String, String)> {
    assert_eq!(answer.status, 202, "{}", answer.text());
    let timing = answer.headers.get("server-timing")?.to_str().ok()?;
    let parent = timing.strip_prefix("traceparent;desc=\"")?.strip_suffix('"')?;
    let [_, trace, span, _] = parent.split('-').collect::<Vec<_>>()[..] else { return None };
    Some((trace.to_owned(), span.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_leads_from_the_tag_to_the_dashboard_within_a_process() {
    let (to, heard) = collector().await;
    let folder = tempfile::tempdir().expect("a folder of our own");
    let program = Program::start(folder.path(), &["--traces", &format!("http://{to}")]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    follow(&owner, [program.address; 2], site, heard).await;
    assert_eq!(program.metric("watchfire_trace_spans_lost_total").await, Some(0.0));
    assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_leads_from_the_tag_to_the_dashboard_through_a_cluster() {
    let (to, heard) = collector().await;
    let to = format!("http://{to}");
    let ground = Ground::start(2).await;
    let folder = tempfile::tempdir().expect("a folder of our own");
    let mut programs = Vec::new();
    for service in ["web", "collector", "processor", "realtime"] {
        let mut flags: Vec<&str> = ground.flags().iter().map(String::as_str).collect();
        flags.extend(["--services", service, "--traces", &to]);
        programs.push(Program::start(&folder.path().join(service), &flags).await);
    }
    let owner = Person::new(programs[0].address);
    let site = set_up(programs[0].set_up_path.as_deref(), &owner).await;
    follow(&owner, [programs[1].address, programs[3].address], site, heard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hits_do_not_wait_for_traces_that_nobody_takes_and_without_traces_nothing_is_said_of_them() {
    let (nobody, address) = listener().await;
    drop(nobody);
    let to = format!("http://{address}");
    let folder = tempfile::tempdir().expect("a folder of our own");
    let program = Program::start(folder.path(), &["--traces", &to]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    let show = |program: &Program| {
        let tag = Tag::new(owner.at(program.address), Arc::new(SystemClock), site, "198.51.100.1", 7);
        async move { tag.send(vec![tag.hit("pageview", json!({}))]).await }
    };
    assert!(named(&show(&program).await).is_some());
    eventually("they are lost, and counted", || async {
        program.metric("watchfire_trace_spans_lost_total").await.filter(|lost| *lost > 0.0)
    })
    .await;
    program.kill().await;
    let program = Program::start(folder.path(), &[]).await;
    assert_eq!(named(&show(&program).await), None);
}
