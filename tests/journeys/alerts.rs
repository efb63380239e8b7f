//! What becomes of a site's numbers is told to a program and in a room, within seconds, once, and again when it is over; whatever dies meanwhile.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use model::{Clock, Millis, SiteId, SystemClock};
use serde_json::{Value, json};
use world::receiver::{Heard, listener, serve};
use world::world::A_MORNING;
use world::{Person, Program, Size, Tag, World, within};

use crate::availability::Host;
use crate::crash::set_up;
use crate::pushes::service::Service;
use crate::sizes::on_both_sizes;
use crate::smtp::Server;

on_both_sizes! {
    an_alert_reaches_a_program_and_a_room_once_and_so_does_its_end,
    a_page_that_goes_down_and_is_slow_is_told_with_its_reason_and_so_is_its_end,
    who_asked_is_told_by_mail_and_in_their_browser_and_left_in_peace_in_quiet_hours,
}

const KILLS: usize = 3;
/// A lease runs out, what waits is looked for, and what was so has been calm for its time.
const FOUND_MAX: Duration = Duration::from_secs(240);

/// What a receiver was sent, by the id of its delivery.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<BTreeMap<String, Value>>>);

impl Receiver {
    async fn start() -> (SocketAddr, Receiver) {
        let (listener, address) = listener().await;
        let receiver = Receiver::default();
        let hears = receiver.clone();
        serve(listener, move |request| hears.clone().hear(request));
        (address, receiver)
    }

    async fn hear(self, request: Request<Incoming>) -> Heard {
        let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
        let (id, signature) = (header("webhook-id"), header("webhook-signature"));
        assert!(signature.starts_with("v1,") && header("webhook-timestamp").parse::<u32>().is_ok());
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        let sent: Value = serde_json::from_slice(&body).expect("JSON");
        let before = self.0.lock().expect("no panic while held").insert(id, sent.clone());
        assert!(before.is_none_or(|before| before == sent), "one id, one incident");
        Ok(Response::new(Full::new(Bytes::new())))
    }

    /// Of an alert, what of this type was told.
    fn told(&self, alert: &str, kind: &str) -> Vec<Value> {
        let heard = self.0.lock().expect("no panic while held");
        let of_it = |sent: &&Value| sent["data"]["alert"]["id"] == alert && sent["type"] == kind;
        heard.values().filter(of_it).cloned().collect()
    }
}

/// The id of an alert that was made.
async fn made(owner: &Person, site: SiteId, alert: &Value) -> String {
    let made = owner.post_json(&format!("/api/watchfire/sites/{site}/alerts"), alert).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["alert"]["id"].as_str().expect("text").to_owned()
}

async fn an_alert_reaches_a_program_and_a_room_once_and_so_does_its_end(size: Size) {
    let world = World::with(size, A_MORNING, &["--bot-hooks", "loopback"]).await;
    let site = world.site().await;
    let owner = world.owner().at(world.address());
    let (address, receiver) = Receiver::start().await;
    let room = owner.post_json("/api/watchfire/rooms", &json!({ "name": "Watch" })).await.json();
    let room = room["id"].as_str().expect("text").to_owned();
    let url = format!("http://{address}/alerts");
    let when = json!({ "kind": "visitors", "side": "above", "than": 2, "minutes": 0 });
    let alert = json!({ "name": "Crowd", "when": when, "webhook": url, "room": room });
    let crowd = made(&owner, site, &alert).await;
    let when = json!({ "kind": "pageviews", "side": "above", "than": 1000, "minutes": 5 });
    let never = made(&owner, site, &json!({ "name": "Never", "when": when, "webhook": url })).await;

    let mut visitors = ["198.51.100.1", "198.51.100.2", "198.51.100.3"].map(|at| world.visitor(site, at));
    for visitor in &mut visitors {
        visitor.show("/sale").await;
    }
    let began = world.clock.now();
    world.until(FOUND_MAX, "it is told", || !receiver.told(&crowd, "alert.firing").is_empty()).await;
    println!("told after {} s of the world's time", world.clock.now().since(began).as_secs());
    let told = &receiver.told(&crowd, "alert.firing")[0];
    assert_eq!(told["data"]["text"], "3 visitors are here: more than 2.", "{told}");
    assert_eq!((&told["data"]["value"], &told["data"]["over"]), (&json!(3), &json!(null)));
    let page = owner.get(&format!("/sites/{site}/alerts")).await.text();
    assert!(page.contains("3 visitors are here: more than 2."), "{page}");
    let said = format!("/api/watchfire/rooms/{room}/messages");
    within(FOUND_MAX, "the room is told", || async {
        owner.get(&said).await.text().contains("3 visitors are here: more than 2.").then_some(())
    })
    .await;

    for visitor in &visitors {
        visitor.leave(1_000).await;
    }
    world.until(FOUND_MAX, "it is over", || !receiver.told(&crowd, "alert.over").is_empty()).await;
    let over = &receiver.told(&crowd, "alert.over")[0];
    assert_eq!(over["data"]["incident"], told["data"]["incident"]);
    assert!(over["data"]["over"].is_string(), "{over}");
    within(FOUND_MAX, "the room is told that it is over", || async {
        owner.get(&said).await.text().contains("Crowd is over").then_some(())
    })
    .await;
    let counts = |kind: &str| (receiver.told(&crowd, kind).len(), receiver.told(&never, kind).len());
    assert_eq!((counts("alert.firing"), counts("alert.over")), ((1, 0), (1, 0)));
    let listed = owner.get(&format!("/api/watchfire/sites/{site}/alerts")).await.json();
    assert_eq!(listed["incidents"].as_array().map(Vec::len), Some(1), "{listed}");
    world.end().await;
}

async fn a_page_that_goes_down_and_is_slow_is_told_with_its_reason_and_so_is_its_end(size: Size) {
    let world = World::with(size, A_MORNING, &["--bot-hooks", "loopback"]).await;
    let site = world.site_with(&[("hostnames", "127.0.0.1"), ("time_zone", "UTC")]).await;
    let owner = world.owner().at(world.address());
    let (address, receiver) = Receiver::start().await;
    let (host, other) = (Host::start().await, Host::start().await);
    let mut pages = Vec::new();
    for host in [&host, &other] {
        let path = format!("/api/watchfire/sites/{site}/availability");
        let added = owner.post_json(&path, &json!({ "url": host.url() })).await;
        assert_eq!(added.status, 201, "{}", added.text());
        pages.push(added.json()["id"].as_str().expect("text").to_owned());
    }
    let hook = format!("http://{address}/pages");
    let made = async |name: &str, when: Value| {
        made(&owner, site, &json!({ "name": name, "when": when, "webhook": hook })).await
    };
    let down = made("Down", json!({ "kind": "down" })).await;
    let elsewhere = made("Elsewhere", json!({ "kind": "down", "page": pages[1] })).await;
    // Slower than any answer of a busy machine, but not than the host that takes its time.
    let slow = made("Slow", json!({ "kind": "slow", "page": pages[0], "than": 3000, "minutes": 1 })).await;
    let is_told = |alert: &str, kind: &str| !receiver.told(alert, kind).is_empty();

    host.status.store(503, std::sync::atomic::Ordering::SeqCst);
    world.until(FOUND_MAX, "that it is down is told", || is_told(&down, "alert.firing")).await;
    let told = receiver.told(&down, "alert.firing").remove(0);
    assert_eq!(told["data"]["text"], format!("{} is down: it answered 503.", host.url()), "{told}");
    assert_eq!(told["data"]["pages"], json!([{ "url": host.url(), "why": "it answered 503" }]));
    host.status.store(200, std::sync::atomic::Ordering::SeqCst);
    world.until(FOUND_MAX, "that it is there again is told", || is_told(&down, "alert.over")).await;

    host.late.store(3_500, std::sync::atomic::Ordering::SeqCst);
    world.until(FOUND_MAX, "that it is slow is told", || is_told(&slow, "alert.firing")).await;
    let told = receiver.told(&slow, "alert.firing").remove(0);
    assert!(told["data"]["value"].as_u64() >= Some(3_500), "{told}");
    let text = told["data"]["text"].as_str().expect("text");
    assert!(text.starts_with(&host.url()) && text.ends_with("slower than 3,000 ms for 1 minute."), "{text}");
    let page = owner.get(&format!("/sites/{site}/alerts")).await.text();
    assert!(page.contains("slower than 3,000 ms for 1 minute."), "{page}");
    host.late.store(0, std::sync::atomic::Ordering::SeqCst);
    world.until(FOUND_MAX, "that it is quick again is told", || is_told(&slow, "alert.over")).await;

    for (alert, times) in [(&down, 1), (&slow, 1), (&elsewhere, 0)] {
        let told = |kind: &str| receiver.told(alert, kind).len();
        assert_eq!((told("alert.firing"), told("alert.over")), (times, times), "{alert}");
    }
    world.end().await;
}

async fn who_asked_is_told_by_mail_and_in_their_browser_and_left_in_peace_in_quiet_hours(size: Size) {
    let server = Server::start().await;
    let url = format!("smtp://watchfire:secret@{}", server.address);
    let flags = [
        "--bot-hooks",
        "loopback",
        "--mail",
        &url,
        "--mail-from",
        "Watchfire <watch@watchfire.example>",
        "--public-url",
        "http://watchfire.example",
    ];
    let world = World::with(size, A_MORNING, &flags).await;
    let site = world.site().await;
    let owner = world.owner().at(world.address());
    let service = Service::start().await;
    let phone = service.browser("phone");
    let fields = phone.fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(owner.post("/rooms/notifications/browser", &fields).await.status, 303);
    // By the site's clock, UTC: each hour is quiet, but the one that comes after this one.
    let hour = (A_MORNING.0 / 3_600_000) % 24;
    let (from, to) = (format!("{:02}:00", (hour + 2) % 24), format!("{:02}:00", (hour + 1) % 24));
    let alerts = format!("/sites/{site}/alerts");
    let plain = [
        ("do", "save"),
        ("kind", "events"),
        ("side", "above"),
        ("than", "0"),
        ("minutes", "1"),
        ("on", "on"),
    ];
    for (name, event, quiet) in [("Aloud", "loud", None), ("Hushed", "hushed", Some((&from, &to)))] {
        let mut fields = plain.to_vec();
        fields.extend([("name", name), ("event", event), ("mail", "on"), ("push", "on")]);
        if let Some((from, to)) = quiet {
            fields.extend([("quiet_from", from.as_str()), ("quiet_to", to.as_str())]);
        }
        let made = owner.post(&alerts, &fields).await;
        assert_eq!(made.status, 303, "{}", made.text());
    }
    let mut visitor = world.visitor(site, "198.51.100.1");
    visitor.show("/cart").await;
    let event = |name: &str| visitor.hit("event", json!({ "name": name }));
    visitor.deliver(vec![event("loud"), event("hushed")]).await;
    let is_told = |what: &str| {
        let by_mail = server.letters().iter().any(|letter| letter.header("Subject").contains(what));
        let pushed = service.heard("phone").iter().any(|heard| heard["title"].to_string().contains(what));
        by_mail && pushed
    };
    world.until(FOUND_MAX, "who asked is told", || is_told("The Shop: Aloud")).await;
    let pushed = service.heard("phone");
    assert_eq!(pushed[0]["body"], "1 event “loud” within 1 minute: more than 0.");
    assert_eq!(pushed[0]["url"], json!(alerts));
    world.until(FOUND_MAX, "it is over", || is_told("The Shop: Aloud is over")).await;
    within(FOUND_MAX, "the other one is over, too", || async {
        owner.get(&format!("/api/watchfire{alerts}")).await.json()["incidents"]
            .as_array()
            .is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["over"].is_i64()))
            .then_some(())
    })
    .await;
    // What is so when the quiet hours end is told then; what began and was over in them never.
    let visitor = world.visitor(site, "198.51.100.2");
    let end = Millis((A_MORNING.0 / 3_600_000 + 1) * 3_600_000);
    world.clock.set(Millis(end.0 - 30_000));
    visitor.deliver(vec![visitor.hit("event", json!({ "name": "hushed" }))]).await;
    world.until(FOUND_MAX, "the quiet hours are over", || is_told("The Shop: Hushed")).await;
    assert!(world.clock.now() >= end, "not before");
    let about = |what: &str| {
        let by_mail =
            server.letters().iter().filter(|letter| letter.header("Subject").contains(what)).count();
        let pushed =
            service.heard("phone").iter().filter(|heard| heard["title"].to_string().contains(what)).count();
        (by_mail, pushed)
    };
    assert_eq!((about("Aloud"), about("Hushed")), ((2, 2), (1, 1)), "of the first time nobody heard");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_an_alert_is_told_it_is_told_under_one_id_and_so_is_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path(), &["--bot-hooks", "loopback"]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    let (address, receiver) = Receiver::start().await;
    let mut alerts = Vec::new();
    for round in 0..=KILLS {
        let when = json!({ "kind": "events", "name": format!("error-{round}"), "side": "above", "than": 0, "minutes": 1 });
        let alert = json!({ "name": format!("Errors {round}"), "when": when, "webhook": format!("http://{address}/") });
        alerts.push(made(&owner, site, &alert).await);
    }
    for (round, alert) in alerts.iter().enumerate() {
        let at = Person::new(program.address);
        let mut tag = Tag::new(at, Arc::new(SystemClock), site, "198.51.100.9", 9);
        tag.show("/cart").await;
        let sent = Instant::now();
        tag.deliver(vec![tag.hit("event", json!({ "name": format!("error-{round}") }))]).await;
        // The first one is left alone: how soon it is told is what people wait for.
        if round > 0 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..3_500))).await;
            program.kill_now();
            program = program.replaced().await;
        }
        within(FOUND_MAX, "it is told", || async {
            (!receiver.told(alert, "alert.firing").is_empty()).then_some(())
        })
        .await;
        println!("round {round}: told after {:?}", sent.elapsed());
    }
    within(FOUND_MAX, "all are over", || async {
        alerts.iter().all(|alert| !receiver.told(alert, "alert.over").is_empty()).then_some(())
    })
    .await;
    for alert in &alerts {
        let (firing, over) = (receiver.told(alert, "alert.firing"), receiver.told(alert, "alert.over"));
        assert_eq!((firing.len(), over.len()), (1, 1), "{firing:?} {over:?}");
        assert_eq!(firing[0]["data"]["incident"], over[0]["data"]["incident"]);
    }
    assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
}
