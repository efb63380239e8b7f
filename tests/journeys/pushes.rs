//! People hear of what is said while no page is open, by their browsers' push services, whatever dies meanwhile.

pub(crate) mod service;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use model::SiteId;
use serde_json::{Value, json};
use world::world::A_MORNING;
use world::{Person, Program, Size, World, within};

use crate::crash::set_up;
use crate::sizes::on_both_sizes;
use service::{Browser, Service};

on_both_sizes! {
    what_is_meant_for_somebody_reaches_their_browser_as_they_may_read_it_then,
}

const KILLS: usize = 3;
/// A lease runs out, and what waits is looked for.
const FOUND_MAX: Duration = Duration::from_secs(180);
/// What would have come has come by then: it is looked for every other second.
const WOULD_HAVE_COME: Duration = Duration::from_secs(8);

/// An owner, and one more who came by invitation.
struct House {
    owner: Person,
    bob: Person,
    /// As rooms name him.
    bob_id: String,
}

impl House {
    async fn new(owner: Person, bob: Person, site: SiteId) -> House {
        let page = owner.post(&format!("/sites/{site}/invitations"), &[("role", "admin")]).await.text();
        let (_, rest) = page.split_once("/invitation/").expect("a link");
        let secret: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        let fields = [("name", "Bob"), ("email", BOB_EMAIL), ("password", BOB_PASSWORD)];
        assert_eq!(bob.post(&format!("/invitation/{secret}/new"), &fields).await.status, 303);
        let mut house = House { owner, bob, bob_id: String::new() };
        let his = id_of(&house.bob.post_json("/api/watchfire/rooms", &json!({ "name": "His" })).await.json());
        let members = house.bob.get(&format!("/api/watchfire/rooms/{his}/members")).await.json();
        house.bob_id = members["members"][0]["who"].as_str().expect("text").to_owned();
        house
    }

    /// The id of a room that the owner opened and brought Bob into.
    async fn room(&self, name: &str) -> String {
        let room =
            id_of(&self.owner.post_json("/api/watchfire/rooms", &json!({ "name": name })).await.json());
        let path = format!("/api/watchfire/rooms/{room}/members");
        let brought = self.owner.post_json(&path, &json!({ "who": self.bob_id })).await;
        assert_eq!(brought.status, 204, "{}", brought.text());
        room
    }

    /// The path of what the owner says to Bob.
    async fn say(&self, room: &str, text: &str) -> String {
        let body = json!({ "id": format!("{:032x}", fastrand::u128(..)), "body": format!("@{} {text}", self.bob_id) });
        let said = self.owner.post_json(&format!("/api/watchfire/rooms/{room}/messages"), &body).await;
        assert_eq!(said.status, 201, "{}", said.text());
        format!("/rooms/{room}/messages/{}", said.json()["number"])
    }
}

const BOB_EMAIL: &str = "bob@watchfire.example";
const BOB_PASSWORD: &str = "correct horse battery";

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// As the page of notifications says it.
async fn switch_on(person: &Person, browser: &Browser) -> StatusCode {
    let fields = browser.fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    person.post("/rooms/notifications/browser", &fields).await.status
}

async fn is_on(person: &Person, browser: &Browser) -> bool {
    person
        .get("/rooms/notifications")
        .await
        .text()
        .contains(&format!("data-endpoint=\"{}\"", browser.endpoint()))
}

async fn what_is_meant_for_somebody_reaches_their_browser_as_they_may_read_it_then(size: Size) {
    let world = World::with(size, A_MORNING, &["--bot-hooks", "loopback"]).await;
    let site = world.site().await;
    let house = House::new(world.owner().at(world.address()), world.stranger(), site).await;
    let (bob, service) = (&house.bob, Service::start().await);
    let (phone, desk) = (service.browser("phone"), service.browser("desk"));
    let rooms = [house.room("Left").await, house.room("Read").await, house.room("Quiet").await];
    let [left, read, quiet] = &rooms;
    let has_heard =
        |browser: &str, path: &str| service.heard(browser).iter().any(|heard| heard["url"] == path);

    // Neither where nothing public is, nor with keys that are none.
    let mut nowhere = phone.fields();
    nowhere[0].1 = "https://10.0.0.1/x".into();
    let mut without_key = phone.fields();
    without_key[1].1 = "BAAA".into();
    for bad in [nowhere, without_key] {
        let bad: Vec<(&str, &str)> = bad.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(bob.post("/rooms/notifications/browser", &bad).await.status, 400);
    }
    assert!(!is_on(bob, &phone).await);
    assert_eq!(switch_on(bob, &phone).await, 303);
    assert!(is_on(bob, &phone).await);
    let elsewhere = world.stranger();
    let fields = [("email", BOB_EMAIL), ("password", BOB_PASSWORD)];
    assert_eq!(elsewhere.post("/sign-in", &fields).await.status, 303);
    assert_eq!(switch_on(&elsewhere, &desk).await, 303);

    // Both hear of it; the one that was refused at first hears of it again, alone.
    service.answers("desk", 503);
    let path = house.say(read, "<b>tea</b> *now*").await;
    world.until(FOUND_MAX, "it is refused", || service.refused("desk").contains(&path)).await;
    service.answers("desk", 201);
    world.until(FOUND_MAX, "it comes again", || has_heard("desk", &path)).await;
    for browser in ["phone", "desk"] {
        let heard = service.heard(browser);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0]["title"], "Olive Owner · Read");
        assert_eq!(heard[0]["body"], "@Bob <b>tea</b> now");
        let number = path.rsplit('/').next().expect("a number");
        assert_eq!((&heard[0]["url"], &heard[0]["tag"]), (&json!(path), &json!(format!("{read}/{number}"))));
    }

    // Made, and refused once; by then he was sent out, had read it, or wants to hear of nothing.
    assert_eq!(elsewhere.post("/rooms/notifications/browser", &[("do", "off")]).await.status, 303);
    service.answers("phone", 503);
    let made =
        [house.say(left, "secret").await, house.say(read, "seen").await, house.say(quiet, "hush").await];
    world
        .until(FOUND_MAX, "all three are tried", || {
            let refused = service.refused("phone");
            made.iter().all(|path| refused.contains(path))
        })
        .await;
    let kick = format!("/api/watchfire/rooms/{left}/members/{}/kick", house.bob_id);
    let kicked = house.owner.post_json(&kick, &json!({})).await;
    assert!(kicked.status.is_success(), "{}", kicked.text());
    let number: u64 = made[1].rsplit('/').next().and_then(|number| number.parse().ok()).expect("a number");
    let until = json!({ "number": number });
    assert_eq!(bob.post_json(&format!("/api/watchfire/rooms/{read}/read"), &until).await.status, 200);
    let notify = format!("/api/watchfire/rooms/{quiet}/notify");
    assert!(bob.post_json(&notify, &json!({ "notify": "nothing" })).await.status.is_success());
    service.answers("phone", 201);
    let began = std::time::Instant::now();
    world.until(FOUND_MAX, "time passes", || began.elapsed() > WOULD_HAVE_COME).await;
    let path = house.say(read, "last").await;
    world.until(FOUND_MAX, "the last one comes", || has_heard("phone", &path)).await;
    assert_eq!(service.heard("phone").len(), 2, "{:?}", service.heard("phone"));
    assert_eq!(service.heard("desk").len(), 1, "it was switched off");

    // Its service knows it no more: neither do we. A browser that is signed out hears of nothing either.
    service.answers("phone", 410);
    let path = house.say(read, "gone").await;
    world.until(FOUND_MAX, "it is gone", || service.refused("phone").contains(&path)).await;
    within(FOUND_MAX, "it is forgotten", || async { (!is_on(bob, &phone).await).then_some(()) }).await;
    assert_eq!(switch_on(&elsewhere, &desk).await, 303);
    assert_eq!(switch_on(bob, &phone).await, 303);
    service.answers("phone", 201);
    assert_eq!(elsewhere.post("/sign-out", &[]).await.status, 303);
    let path = house.say(read, "after").await;
    world.until(FOUND_MAX, "the phone hears of it", || has_heard("phone", &path)).await;
    assert_eq!(service.heard("desk").len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_pushes_are_delivered_each_message_reaches_the_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path(), &["--bot-hooks", "loopback"]).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    let house = House::new(owner, Person::new(program.address), site).await;
    let service = Service::start().await;
    service.is_slow(true);
    assert_eq!(switch_on(&house.bob, &service.browser("phone")).await, 303);
    let room = house.room("Support").await;
    let key = house.bob.get("/rooms/notifications").await.text();
    let key = key.split_once("data-key=\"").expect("a key").1[..87].to_owned();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    for _ in 0..KILLS {
        let address = program.address;
        let saying = tokio::spawn(post(
            house.owner.at(address),
            room.clone(),
            format!("@{} tea", house.bob_id),
            acknowledged.clone(),
        ));
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1_500..4_500))).await;
        program.kill_now();
        saying.await.expect("who posts ends well");
        program = program.replaced().await;
    }
    let acknowledged: BTreeSet<u64> = acknowledged.lock().expect("no panic while held").clone();
    assert!(acknowledged.len() > 5, "{} acknowledged: too few to say anything", acknowledged.len());
    println!("{} acknowledged", acknowledged.len());
    let numbers = || -> BTreeSet<u64> {
        let number = |heard: &Value| heard["url"].as_str()?.rsplit('/').next()?.parse().ok();
        service.heard("phone").iter().filter_map(number).collect()
    };
    within(FOUND_MAX, "every message reaches the phone", || async {
        acknowledged.is_subset(&numbers()).then_some(())
    })
    .await;
    assert_eq!(service.keys(), BTreeSet::from([key]), "the key outlives the process");
    assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
}

/// Posts until the server is gone, and keeps what was acknowledged.
async fn post(owner: Person, room: String, text: String, acknowledged: Arc<Mutex<BTreeSet<u64>>>) {
    loop {
        let id = format!("{:032x}", fastrand::u128(..));
        let body = Bytes::from(json!({ "id": id, "body": text }).to_string());
        let path = format!("/api/watchfire/rooms/{room}/messages");
        match owner.try_send(Method::POST, &path, &[("content-type", "application/json")], body).await {
            Ok(answer) if answer.status == 201 => {
                let number = answer.json()["number"].as_u64().expect("a number");
                acknowledged.lock().expect("no panic while held").insert(number);
            }
            Ok(answer) => panic!("{} {}", answer.status, answer.text()),
            Err(_) => return,
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}
