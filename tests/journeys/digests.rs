//! People who asked for it are mailed what they missed, one letter a window, whatever dies meanwhile.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use hyper::StatusCode;
use model::outbox::JobKind;
use model::{Clock, Millis, SystemClock, limits};
use serde_json::json;
use store::Embedded;
use store::outbox::Most;
use world::world::A_MORNING;
use world::{Person, Program, Size, World, within};

use crate::crash::set_up;
use crate::sizes::on_both_sizes;
use crate::smtp::{Does, Letter, Server};

on_both_sizes! {
    what_somebody_missed_is_mailed_once_an_hour_as_they_may_read_it_then,
}

const FROM: &str = "Watchfire <watchfire@example.org>";
const PUBLIC: &str = "http://watchfire.example";
/// What is due is looked for every ten seconds.
const FOUND_MAX: Duration = Duration::from_secs(90);
const WOULD_HAVE_COME: Duration = Duration::from_secs(15);
const HOUR: Duration = Duration::from_secs(3_600);

async fn invited(owner: &Person, site: impl std::fmt::Display, person: Person) -> Person {
    let page = owner.post(&format!("/sites/{site}/invitations"), &[("role", "admin")]).await.text();
    let (_, rest) = page.split_once("/invitation/").expect("a link");
    let secret: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    let fields = [("name", "Bob"), ("email", "bob@watchfire.example"), ("password", "correct horse battery")];
    assert_eq!(person.post(&format!("/invitation/{secret}/new"), &fields).await.status, 303);
    person
}

async fn open(owner: &Person, name: &str) -> String {
    let made = owner.post_json("/api/watchfire/rooms", &json!({ "name": name })).await;
    made.json()["id"].as_str().expect("an id").to_owned()
}

async fn bring(owner: &Person, room: &str, who: &str) {
    let path = format!("/api/watchfire/rooms/{room}/members");
    assert_eq!(owner.post_json(&path, &json!({ "who": who })).await.status, 204);
}

async fn id_of(person: &Person) -> String {
    let own = open(person, "Own").await;
    let members = person.get(&format!("/api/watchfire/rooms/{own}/members")).await.json();
    members["members"][0]["who"].as_str().expect("text").to_owned()
}

async fn say(owner: &Person, room: &str, text: &str) -> u64 {
    let body = json!({ "id": format!("{:032x}", fastrand::u128(..)), "body": text });
    let said = owner.post_json(&format!("/api/watchfire/rooms/{room}/messages"), &body).await;
    assert_eq!(said.status, 201, "{}", said.text());
    said.json()["number"].as_u64().expect("a number")
}

async fn choose(person: &Person, digest: &str) -> StatusCode {
    person.post("/rooms/notifications/mail", &[("digest", digest)]).await.status
}

async fn arrives(server: &Server, count: usize) -> Vec<Letter> {
    within(FOUND_MAX, "a letter arrives", || async { (server.letters().len() >= count).then_some(()) }).await;
    server.letters()
}

async fn what_somebody_missed_is_mailed_once_an_hour_as_they_may_read_it_then(size: Size) {
    let server = Server::start().await;
    let url = format!("smtp://watchfire:secret@{}", server.address);
    let flags = ["--mail", &url, "--mail-from", FROM, "--public-url", PUBLIC];
    let world = World::with(size, A_MORNING, &flags).await;
    let owner = world.owner();
    let bob = invited(owner, world.site().await, world.stranger()).await;
    let his = id_of(&bob).await;
    let rooms = [open(owner, "Tea <b>\u{1F375}").await, open(owner, "Left").await, open(owner, "Loud").await];
    for room in &rooms {
        bring(owner, room, &his).await;
    }
    let [tea, left, loud] = &rooms;
    let notify = format!("/api/watchfire/rooms/{loud}/notify");
    assert!(bob.post_json(&notify, &json!({ "notify": "everything" })).await.status.is_success());

    // So much else is said that what is meant for him stands on no first page.
    for number in 0..limits::MESSAGES_A_PAGE_MAX {
        say(owner, tea, &format!("talk {number}")).await;
    }
    // Nobody is mailed who did not ask.
    say(owner, tea, &format!("@{his} nobody asked")).await;
    assert_eq!(choose(&bob, "weekly").await, 400);
    assert_eq!(choose(&bob, "hourly").await, 303);
    assert!(bob.get("/rooms/notifications").await.text().contains("value=\"hourly\" selected"));
    assert_eq!(owner.post("/rooms/notifications/mail", &[("digest", "off")]).await.status, 303);

    let first = say(owner, tea, &format!("@{his} the <i>kettle</i> **is** on")).await;
    say(owner, tea, "not for him").await;
    say(owner, left, &format!("@{his} a secret")).await;
    for number in 1..=10 {
        say(owner, loud, &format!("loud {number}")).await;
    }
    // He is sent out before the hour ends.
    let kick = format!("/api/watchfire/rooms/{left}/members/{his}/kick");
    assert!(owner.post_json(&kick, &json!({})).await.status.is_success());
    tokio::time::sleep(WOULD_HAVE_COME).await;
    assert_eq!(server.letters(), [], "no letter before the hour is over");
    world.clock.advance(HOUR);
    let letters = arrives(&server, 1).await;
    let letter = &letters[0];
    assert_eq!(
        (letter.from.as_str(), letter.to.as_str()),
        ("watchfire@example.org", "bob@watchfire.example")
    );
    assert_eq!(letter.header("Subject"), "12 messages in 2 rooms");
    assert_eq!(letter.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    let (text, html) = (letter.part("text/plain"), letter.part("text/html"));
    assert!(text.contains("Tea <b>\u{1F375}: 2 messages"), "{text}");
    assert!(
        text.contains("Olive Owner: @Bob nobody asked") && text.contains("@Bob the <i>kettle</i> is on"),
        "{text}"
    );
    assert!(
        text.contains("Loud: 10 messages") && text.contains("loud 8") && text.contains("… and 2 more"),
        "{text}"
    );
    assert!(!text.contains("loud 9") && !text.contains("secret") && !text.contains("not for him"), "{text}");
    assert!(text.contains(&format!("{PUBLIC}/rooms/{tea}/messages/{}", first - 1)), "{text}");
    assert!(html.contains("Tea &lt;b&gt;") && html.contains("&lt;i&gt;kettle&lt;/i&gt;"), "{html}");
    assert!(!html.contains("secret") && !html.contains("<i>") && !html.contains("<b>\u{1F375}"), "{html}");

    // One letter an hour, of what is not read; one that is put off by the server is the same one.
    let read = say(owner, tea, &format!("@{his} is read")).await;
    assert_eq!(
        bob.post_json(&format!("/api/watchfire/rooms/{tea}/read"), &json!({ "number": read })).await.status,
        200
    );
    say(owner, loud, "once more").await;
    server.does(Does::PutOff);
    world.clock.advance(HOUR);
    within(FOUND_MAX, "it is put off", || async { (server.put_off() == 1).then_some(()) }).await;
    server.does(Does::Take);
    within(FOUND_MAX, "it comes again", || async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.clock.advance(Duration::from_secs(5));
        (server.letters().len() == 2).then_some(())
    })
    .await;
    let letters = server.letters();
    assert_eq!(letters[1].header("Subject"), "1 message in Loud");
    assert_ne!(letters[0].header("Message-ID"), letters[1].header("Message-ID"));
    assert!(!letters[1].part("text/plain").contains("loud 8"), "what was mailed is not mailed again");

    // The link asks first, and then it is off; a stranger's guess is nothing.
    let off = letters[1].header("List-Unsubscribe");
    let off = off.trim_matches(['<', '>']).strip_prefix(PUBLIC).expect("our own").to_owned();
    let stranger = world.stranger();
    assert_eq!(stranger.post(&format!("{off}0"), &[]).await.status, 404);
    let page = stranger.get(&off).await;
    assert!(page.status == 200 && page.text().contains("No more mail?") && !page.text().contains("bob@"));
    say(owner, loud, "off by then").await;
    let ended = stranger.post(&off, &[("List-Unsubscribe", "One-Click")]).await;
    assert!(ended.status == 200 && ended.text().contains("You are mailed no more"), "{}", ended.text());
    world.clock.advance(HOUR);
    tokio::time::sleep(WOULD_HAVE_COME).await;
    assert_eq!(server.letters().len(), 2);
    assert!(bob.get("/rooms/notifications").await.text().contains("value=\"off\" selected"));
    world.end().await;
}

/// A server that takes the letter and whose client dies before it hears that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_letter_is_taken_it_comes_again_as_the_same_one_and_then_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start().await;
    let url = format!("smtp://{}", server.address);
    let flags = ["--mail", &url, "--mail-from", FROM, "--public-url", PUBLIC];
    let program = Program::start(folder.path(), &flags).await;
    let owner = Person::new(program.address);
    let site = set_up(program.set_up_path.as_deref(), &owner).await;
    let bob = invited(&owner, site, Person::new(program.address)).await;
    let his = id_of(&bob).await;
    assert_eq!(choose(&bob, "daily").await, 303);
    let room = open(&owner, "Support").await;
    bring(&owner, &room, &his).await;
    // One alone: a day of mail may end while this runs.
    say(&owner, &room, &format!("@{his} tea")).await;
    server.does(Does::TakeAndSayNothing);
    let mut program = Some(program);
    for taken in 1..=3 {
        program.take().expect("it runs").kill().await;
        while !is_made_due(folder.path()).await {
            // Killed before it was made: whoever comes next finds the room.
            let next = Program::start(folder.path(), &flags).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            next.kill().await;
        }
        if taken == 3 {
            server.does(Does::Take);
        }
        program = Some(Program::start(folder.path(), &flags).await);
        arrives(&server, taken).await;
    }
    // What was said to the program is kept before it ends.
    assert!(
        program.take().expect("it runs").terminate(Duration::from_secs(10)).await,
        "SIGTERM drains within 10 s"
    );
    assert!(!is_made_due(folder.path()).await, "nothing waits any more");
    let letters = server.letters();
    let ids: BTreeSet<String> = letters.iter().map(|letter| letter.header("Message-ID")).collect();
    let texts: BTreeSet<String> = letters.iter().map(|letter| letter.part("text/plain")).collect();
    assert_eq!((letters.len(), ids.len(), texts.len()), (3, 1, 1), "{texts:?}");
}

/// What waits is due: its window may end tomorrow. False where nothing does.
async fn is_made_due(folder: &Path) -> bool {
    let store = Embedded::open(folder).expect("nobody else has it");
    let (then, long_ago) = (SystemClock.now().plus(Duration::from_secs(3 * 86_400)), Millis(0));
    let most = Most { jobs: 10, an_owner: 10, but: Vec::new() };
    let taken = store.outbox.take(JobKind::Mail, then, long_ago, most).await.expect("it is read");
    store.close().await;
    !taken.is_empty()
}
