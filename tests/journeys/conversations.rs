//! Customers and agents talk, whatever dies meanwhile; who is away is answered by mail, and goes on by the letter's link.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use world::world::A_MORNING;
use world::{Ground, Person, Program, Push, Size, World, within};

use crate::crash::set_up;
use crate::sizes::on_both_sizes;
use crate::smtp::Server;

on_both_sizes! {
    a_customer_is_seen_on_their_page_and_answered_on_it,
    who_is_away_is_answered_by_mail_and_goes_on_by_its_link,
}

const KILLS: usize = 4;
/// Messages that are acknowledged at least between two kills.
const A_ROUND: usize = 10;
const FOUND_MAX: Duration = Duration::from_secs(120);
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

pub(crate) async fn talks(owner: &Person, site: impl std::fmt::Display) {
    let fields = [("on", "on"), ("colour", "#b8400e"), ("side", "right"), ("asks_email", "on")];
    let saved = owner.post(&format!("/sites/{site}/chat"), &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
}

pub(crate) fn secret() -> String {
    format!("wfc_{:043}", fastrand::u128(..))
}

pub(crate) fn id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// A customer who says something first; their room.
pub(crate) async fn begins(customer: &Person, site: impl std::fmt::Display, more: Value) -> String {
    let mut body = json!({ "id": id(), "body": "Where is my tea?" });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let path = format!("/api/watchfire/chat/{site}/conversations");
    let begun = customer.send(Method::POST, &path, &JSON, Bytes::from(body.to_string())).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    begun.json()["room"].as_str().expect("a room").to_owned()
}

pub(crate) async fn say(who: &Person, room: &str, body: &str) {
    let said = json!({ "id": id(), "body": body });
    let said = who.post_json(&format!("/api/watchfire/rooms/{room}/messages"), &said).await;
    assert_eq!(said.status, 201, "{}", said.text());
}

pub(crate) async fn bodies(who: &Person, room: &str) -> Vec<String> {
    let page = who.get(&format!("/api/watchfire/rooms/{room}/messages?limit=200")).await.json();
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["body"].as_str().expect("text").to_owned()).collect()
}

async fn a_customer_is_seen_on_their_page_and_answered_on_it(size: Size) {
    let world = World::at(size, A_MORNING).await;
    let (owner, site) = (world.owner(), world.site().await);
    talks(owner, site).await;
    let headers = [
        ("cookie", owner.cookie_header().expect("signed in")),
        ("origin", format!("http://{}", world.address())),
    ];
    let mut inbox = Push::connect(world.address(), "", &headers).await.expect("the hub answers");
    inbox.subscribe(&format!("inbox/{site}"), json!({})).await.expect("an owner answers customers");
    let hers = secret();
    let customer = Person::with_token(world.address(), &hers);
    let page = "https://shop.example/tea";
    let room = begins(&customer, site, json!({ "browser": "00000000000000aa", "page": page })).await;
    inbox.until("the conversation", |data| data["conversation"]["room"] == room.as_str()).await;
    let seen = inbox.data["conversation"].clone();
    assert_eq!((&seen["state"], &seen["preview"]), (&json!("open"), &json!("Where is my tea?")));
    assert!(seen["visitor"].as_str().is_some_and(|key| key.ends_with("-00000000000000aa")), "{seen}");

    let token = format!("?token={hers}");
    let mut line = Push::connect(world.address(), &token, &[]).await.expect("a customer is let in");
    line.subscribe(&format!("room/{room}"), json!({})).await.expect("it is theirs");
    let notes = seen["notes"].as_str().expect("text");
    for other in [
        format!("room/{notes}"),
        format!("inbox/{site}"),
        format!("site/{site}/live"),
        format!("room/{notes}/people"),
    ] {
        line.subscribe(&other, json!({})).await.expect_err(&other);
    }
    say(owner, &room, "On its way.").await;
    line.until("the answer", |data| data["messages"][0]["body"] == "On its way.").await;
    inbox.until("it was answered", |data| data["conversation"]["waiting_since"].is_null()).await;
    assert_eq!(bodies(&customer, &room).await, ["Where is my tea?", "On its way."]);
    world.end().await;
}

async fn who_is_away_is_answered_by_mail_and_goes_on_by_its_link(size: Size) {
    let server = Server::start().await;
    let url = format!("smtp://watchfire:secret@{}", server.address);
    let flags = [
        "--mail",
        &url,
        "--mail-from",
        "Shop <shop@example.org>",
        "--public-url",
        "http://watchfire.example",
    ];
    let world = World::with(size, A_MORNING, &flags).await;
    let (owner, site) = (world.owner(), world.site().await);
    talks(owner, site).await;
    let ann = Person::with_token(world.address(), &secret());
    let room = begins(&ann, site, json!({ "email": "ann@shop.example", "name": "Ann" })).await;
    let reads = Person::with_token(world.address(), &secret());
    let read = begins(&reads, site, json!({ "email": "rea@shop.example" })).await;
    let nameless = Person::with_token(world.address(), &secret());
    let unknown = begins(&nameless, site, json!({})).await;
    say(owner, &room, "It is **on** its <b>way</b>.").await;
    say(owner, &room, "It comes on Monday.").await;
    say(owner, &read, "Here it is.").await;
    say(owner, &unknown, "Who are you?").await;
    let mark = format!("/api/watchfire/rooms/{read}/read");
    assert!(reads.post_json(&mark, &json!({ "number": 2 })).await.status.is_success());
    world.clock.advance(Duration::from_secs(61));
    within(FOUND_MAX, "a letter arrives", || async { (!server.letters().is_empty()).then_some(()) }).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let letters = server.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.to, "ann@shop.example");
    let text = letter.part("text/plain");
    assert!(text.contains("It is on its <b>way</b>.") && text.contains("It comes on Monday."), "{text}");
    assert!(letter.header("References").contains(&format!("conversation.{room}@")), "{text}");
    let (_, link) = text.split_once(&format!("http://watchfire.example/chat/{site}#")).expect("a link");
    let link = link.split_whitespace().next().expect("a secret").to_owned();

    // In another browser: the same conversation.
    let elsewhere = Person::with_token(world.address(), &link);
    let mine = elsewhere.get(&format!("/api/watchfire/chat/{site}/conversations/mine")).await;
    assert_eq!(mine.json()["room"], room.as_str(), "{}", mine.text());
    say(&elsewhere, &room, "Thank you.").await;
    assert_eq!(bodies(&ann, &room).await.last().map(String::as_str), Some("Thank you."));
    let mut forged = link.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    for wrong in [forged, link.replace("wfl_", "wfc_"), format!("{link}0"), link[..20].to_owned()] {
        let stranger = Person::with_token(world.address(), &wrong);
        let mine = stranger.get(&format!("/api/watchfire/chat/{site}/conversations/mine")).await;
        assert_eq!(mine.status, 401, "{wrong}");
    }
    // What was mailed is not mailed again.
    say(owner, &room, "You are welcome.").await;
    world.clock.advance(Duration::from_secs(61));
    within(FOUND_MAX, "another letter", || async { (server.letters().len() > 1).then_some(()) }).await;
    let again = server.letters()[1].part("text/plain");
    assert!(again.contains("You are welcome.") && !again.contains("Monday"), "{again}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_people_talk_on_a_cluster_what_was_acknowledged_is_there_once() {
    let ground = Ground::start(2).await;
    let webs = [ground.web("web-0").await, ground.web("web-1").await];
    kill_while_they_talk(webs.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_people_talk_what_was_acknowledged_is_there_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), &[]).await;
    kill_while_they_talk(vec![program]).await;
}

/// Rooms, and in each the texts that were acknowledged.
type Acknowledged = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

async fn kill_while_they_talk(mut programs: Vec<Program>) {
    let set_up_path = programs.last().and_then(|program| program.set_up_path.clone());
    let owner = Person::new(programs[0].address);
    let site = set_up(set_up_path.as_deref(), &owner).await.to_string();
    talks(&owner, &site).await;
    let acknowledged = Acknowledged::default();
    for _ in 0..KILLS {
        let mut program = programs.remove(0);
        let talking: Vec<_> = (0..4)
            .map(|_| {
                let owner = owner.at(program.address);
                tokio::spawn(talk(program.address, owner, site.clone(), acknowledged.clone()))
            })
            .collect();
        let count =
            || acknowledged.lock().expect("no panic while held").values().map(Vec::len).sum::<usize>();
        let before = count();
        within(FOUND_MAX, "some is acknowledged", || async { (count() >= before + A_ROUND).then_some(()) })
            .await;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..500))).await;
        program.kill_now();
        for talking in talking {
            talking.await.expect("who talks ends well");
        }
        programs.push(program.replaced().await);
    }
    let owner = owner.at(programs[0].address);
    let acknowledged = acknowledged.lock().expect("no panic while held").clone();
    assert!(acknowledged.len() > 4, "{}", acknowledged.len());
    for (room, texts) in &acknowledged {
        let said = bodies(&owner, room).await;
        for text in texts {
            assert_eq!(said.iter().filter(|body| *body == text).count(), 1, "{text} in {said:?}");
        }
        let path = format!("/api/watchfire/sites/{site}/conversations/{room}");
        let conversation = owner.get(&path).await.json()["conversation"].clone();
        assert_eq!(conversation["last"], said.len(), "{conversation}");
        assert_eq!(conversation["preview"], said.last().expect("it was begun").as_str());
        let is_answered = said.last().is_some_and(|last| last.starts_with("agent"));
        assert_eq!(conversation["waiting_since"].is_null(), is_answered, "{conversation}");
    }
    for program in programs {
        assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    }
}

/// A customer and an agent who answers, one message after the other, each sent twice at times, until the server is gone.
async fn talk(address: std::net::SocketAddr, owner: Person, site: String, acknowledged: Acknowledged) {
    let customer = Person::with_token(address, &secret());
    let keep = |room: &str, text: String| {
        acknowledged.lock().expect("no panic while held").entry(room.to_owned()).or_default().push(text);
    };
    let first = format!("customer {}", fastrand::u64(..));
    let body = Bytes::from(json!({ "id": id(), "body": first }).to_string());
    let path = format!("/api/watchfire/chat/{site}/conversations");
    let Ok(begun) = customer.try_send(Method::POST, &path, &JSON, body.clone()).await else { return };
    if fastrand::bool() {
        drop(customer.try_send(Method::POST, &path, &JSON, body).await);
    }
    assert!(matches!(begun.status.as_u16(), 200 | 201), "{}", begun.text());
    let room = begun.json()["room"].as_str().expect("a room").to_owned();
    keep(&room, first);
    for number in 0.. {
        let (who, name) = if number % 2 == 0 { (&owner, "agent") } else { (&customer, "customer") };
        let text = format!("{name} {}", fastrand::u64(..));
        let body = Bytes::from(json!({ "id": id(), "body": text }).to_string());
        let path = format!("/api/watchfire/rooms/{room}/messages");
        for _ in 0..fastrand::usize(1..3) {
            let Ok(said) = who.try_send(Method::POST, &path, &JSON, body.clone()).await else { return };
            assert!(matches!(said.status.as_u16(), 200 | 201), "{}", said.text());
        }
        keep(&room, text);
    }
}
