//! The public status page of real programs: what ends is seen as down, and as an incident once it is over; who reads it learns of no process.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use store::uptimes::ServiceDay;
use world::{Ground, Person, Program, within};

/// A process that ends falls silent after 20 s, two looks follow within a minute, and the page is read anew each ten seconds: some 95 s.
const SEEN_MAX: Duration = Duration::from_secs(300);

async fn told(anybody: &Person) -> Value {
    serde_json::from_str(&anybody.get("/api/watchfire/status").await.text()).unwrap_or_default()
}

async fn awaited(anybody: &Person, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    within(SEEN_MAX, what, || async {
        let told = told(anybody).await;
        is_so(&told).then_some(told)
    })
    .await
}

fn of<'a>(told: &'a Value, service: &str) -> Option<&'a Value> {
    told["services"].as_array()?.iter().find(|one| one["service"] == service)
}

fn is(told: &Value, service: &str, now: &str) -> bool {
    of(told, service).is_some_and(|one| one["now"] == now)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_ends_is_seen_as_down_and_as_an_incident_when_it_is_back() {
    let ground = Ground::start(1).await;
    let web = ground.web_with("web-0", &["--public-status"]).await;
    let hidden = ground.web("web-1").await;
    let (collector, processor) =
        tokio::join!(ground.program("collector", "collector-0"), ground.program("processor", "processor-0"));
    let realtime = ground.program("realtime", "realtime-0").await;
    let anybody = Person::new(web.address);
    let all = awaited(&anybody, "all four are up", |told| {
        told["now"] == "up" && told["services"].as_array().is_some_and(|all| all.len() == 4)
    })
    .await;
    assert_eq!(all["incidents"], json!([]));
    assert_eq!(Person::new(hidden.address).get("/status").await.status, 404);

    realtime.kill().await;
    let down = awaited(&anybody, "realtime is down", |told| is(told, "realtime", "down")).await;
    assert_eq!(down["now"], "down");
    assert!(is(&down, "web", "up") && is(&down, "collector", "up") && is(&down, "processor", "up"));
    assert_eq!(down["incidents"][0]["is_open"], true);
    let page = anybody.get("/status").await;
    let page = page.text();
    assert!(page.contains("Some of it is down") && page.contains("still down"), "{page}");
    for secret in ["127.0.0.1", env!("CARGO_PKG_VERSION"), "realtime-0", "web-0"] {
        assert!(!page.contains(secret) && !down.to_string().contains(secret), "{secret} in {page}");
    }

    let realtime = ground.program("realtime", "realtime-1").await;
    let over = awaited(&anybody, "realtime is up again", |told| is(told, "realtime", "up")).await;
    assert_eq!(over["now"], "up");
    let incidents = over["incidents"].as_array().expect("a list");
    assert_eq!((incidents.len(), &incidents[0]["service"]), (1, &json!("realtime")), "{over}");
    let lasted = incidents[0]["to"].as_i64().zip(incidents[0]["from"].as_i64()).map(|(to, from)| to - from);
    assert_eq!(of(&over, "realtime").and_then(|one| one["down_ms"].as_i64()), lasted);
    assert_eq!(incidents[0]["is_open"], false);
    for program in [realtime, collector, processor, hidden, web] {
        assert!(program.terminate(Duration::from_secs(20)).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_program_that_did_not_run_was_down_for_that_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), &["--public-status"]).await;
    let anybody = Person::new(program.address);
    assert_eq!(told(&anybody).await["now"], "unknown");
    let first = awaited(&anybody, "all is up", |told| told["now"] == "up").await;
    assert_eq!((first["services"].as_array().map(Vec::len), &first["incidents"]), (Some(4), &json!([])));
    assert!(program.terminate(Duration::from_secs(20)).await);
    turn_back(folder.path(), Duration::from_secs(600)).await;

    let program = Program::start(folder.path(), &["--public-status"]).await;
    let anybody = Person::new(program.address);
    let again = awaited(&anybody, "all is up again", |told| told["now"] == "up").await;
    let incidents = again["incidents"].as_array().expect("a list");
    assert_eq!(incidents.len(), 4, "{again}");
    for incident in incidents {
        let (from, to) = (incident["from"].as_i64().unwrap_or(0), incident["to"].as_i64().unwrap_or(0));
        assert!(to - from > 600_000 && incident["is_open"] == false, "{again}");
    }
    assert!(program.terminate(Duration::from_secs(20)).await);
}

/// As if what was looked at last had been so long ago.
async fn turn_back(data: &Path, by: Duration) {
    let store = store::embedded::Embedded::open(data).expect("the store is there");
    let days = store.uptimes.service_days((0, 80_000), 9).await.expect("days");
    let earlier = days.into_iter().map(|day| {
        let mut body: Value = serde_json::from_str(&day.body).expect("a day is JSON");
        for of in body.as_object_mut().expect("by service").values_mut() {
            let at = of["last"]["at"].as_i64().map(|at| at - by.as_millis() as i64);
            *of = json!({ "last": { "at": at } });
        }
        ServiceDay { body: body.to_string(), ..day }
    });
    store.uptimes.put_service_days(earlier.collect()).await.expect("they are kept");
    store.close().await;
}
