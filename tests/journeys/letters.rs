//! Customers answer letters: what they write is said in their conversation, once, whatever dies meanwhile; what machines write is said to nobody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use servers::certificates::Certified;
use servers::dovecot::Dovecot;
use world::world::A_MORNING;
use world::{Ground, Person, Program, Size, World, within};

use crate::conversations::{begins, bodies, say, secret, talks};
use crate::crash::set_up;
use crate::sizes::on_both_sizes;
use crate::smtp::{Letter, Server};

on_both_sizes! {
    who_is_answered_by_mail_answers_the_letter,
    a_mailbox_is_looked_after_by_one_process,
    a_conversation_is_mailed_to_its_customer_once_an_hour,
}

const HOOK: &str = "a0123456789012345678901234567890";
const ADDRESS: &str = "replies@shop.example";
const FOUND_MAX: Duration = Duration::from_secs(150);
/// What is due is looked for every ten seconds.
const WOULD_HAVE_COME: Duration = Duration::from_secs(12);
const KILLS: usize = 6;
const CUSTOMERS: usize = 4;
/// Of each customer, by either way; fewer than are heard in an hour.
const LETTERS_EACH_WAY: usize = 12;
/// Letters that are broken on purpose, and how many are sent at once.
const BROKEN: usize = 10_000;
const SENDERS: usize = 8;

pub(crate) fn flags(smtp: &Server, mailbox: Option<&Dovecot>) -> Vec<String> {
    let smtp = format!("smtp://watchfire:secret@{}", smtp.address);
    let mut flags: Vec<String> = [
        ["--mail", &smtp],
        ["--mail-from", "Shop <shop@shop.example>"],
        ["--public-url", "http://watchfire.example"],
        ["--mail-replies", ADDRESS],
        ["--mail-hook", HOOK],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect();
    flags.extend(mailbox.into_iter().flat_map(|mailbox| ["--mailbox".to_owned(), mailbox.uri()]));
    flags
}

pub(crate) async fn world_with(size: Size, flags: &[String]) -> World {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    World::with(size, A_MORNING, &flags).await
}

/// A customer who left an address, and was answered.
async fn answered(server: std::net::SocketAddr, owner: &Person, site: &str, email: &str) -> (Person, String) {
    let customer = Person::with_token(server, &secret());
    let room = begins(&customer, site, json!({ "email": email })).await;
    say(owner, &room, "It comes on Monday.").await;
    (customer, room)
}

pub(crate) async fn letter_to(smtp: &Server, email: &str) -> Letter {
    within(FOUND_MAX, "a letter arrives", || async {
        smtp.letters().into_iter().rfind(|letter| letter.to == email)
    })
    .await
}

/// As a program sends it that quotes what it answers.
pub(crate) fn reply(to: &str, id: &str, head: &str, said: &str) -> String {
    format!(
        "Return-Path: <ann@x.example>\r\nFrom: Ann <ann@x.example>\r\nTo: {to}\r\nMessage-ID: <{id}@x.example>\r\nSubject: Re: Shop answered you\r\n{head}\r\n{said}\r\n\r\nOn Mon, Mar 3, 2025 at 10:00 AM Shop <{to}> wrote:\r\n\r\n> It comes on Monday.\r\n"
    )
}

pub(crate) async fn hand_over(to: &Person, letter: impl Into<Bytes>) -> Value {
    let answer = to.send(Method::POST, &format!("/mail/{HOOK}"), &[], letter.into()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

fn nothing(why: &str) -> Value {
    json!({ "became": "nothing", "why": why })
}

async fn who_is_answered_by_mail_answers_the_letter(size: Size) {
    let smtp = Server::start().await;
    let world = world_with(size, &flags(&smtp, None)).await;
    let (owner, site) = (world.owner(), world.site().await.to_string());
    talks(owner, &site).await;
    let (ann, room) = answered(world.address(), owner, &site, "ann@x.example").await;
    world.clock.advance(Duration::from_secs(61));
    let letter = letter_to(&smtp, "ann@x.example").await;
    let to = letter.header("Reply-To");
    let to = to.split(['<', '>']).nth(1).expect("an address").to_owned();
    assert!(to.starts_with("replies+") && to.ends_with("@shop.example") && !to.contains(&room), "{to}");
    assert!(letter.part("text/plain").starts_with("--- Write your answer above this line; it goes to "));
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert_eq!(letter.header("X-Auto-Response-Suppress"), "All");

    // It is said, once, and opens the conversation again.
    let path = format!("/api/watchfire/sites/{site}/conversations/{room}");
    assert_eq!(owner.post_json(&path, &json!({ "close": true })).await.json()["state"], "closed");
    let stranger = world.stranger();
    let first = reply(&to, "one", "", "It still leaks.");
    assert_eq!(hand_over(&stranger, first.clone()).await, json!({ "became": "said" }));
    assert_eq!(hand_over(&stranger, first).await, json!({ "became": "again" }));
    let said = ["Where is my tea?", "It comes on Monday.", "It still leaks."];
    assert_eq!(bodies(&ann, &room).await, said);
    let conversation = owner.get(&path).await.json()["conversation"].clone();
    assert_eq!((&conversation["state"], &conversation["last_by"]), (&json!("open"), &json!("customer")));
    assert!(!conversation["waiting_since"].is_null(), "{conversation}");

    // Nobody's, machines', our own, and with a wrong secret of the hook.
    let last = if to.contains("0@") { "1@" } else { "0@" };
    let at = to.find('@').expect("an address");
    let forged = format!("{}{last}{}", &to[..at - 1], &to[at + 1..]);
    assert_eq!(hand_over(&stranger, reply(&forged, "two", "", "x")).await, nothing("nobodys"));
    let away = reply(&to, "three", "Auto-Submitted: auto-replied\r\n", "I am away.");
    assert_eq!(hand_over(&stranger, away).await, nothing("machine"));
    assert_eq!(hand_over(&stranger, letter.raw().to_owned()).await, nothing("own"));
    assert_eq!(hand_over(&stranger, "\0").await["became"], "nothing");
    for wrong in ["x", "a0123456789012345678901234567891", ""] {
        let body = Bytes::from(reply(&to, "four", "", "x"));
        assert_eq!(stranger.send(Method::POST, &format!("/mail/{wrong}"), &[], body).await.status, 404);
    }
    assert_eq!(bodies(&ann, &room).await, said, "none of these is said");

    // Files come along within the limits; what is too large says so, in a whole letter and in a torn one.
    let small = "UDEK".repeat(100);
    let large = "AAAA".repeat(7_000_000 / 4 * 4);
    let part = |name: &str, base64: &str| {
        format!(
            "--b\r\nContent-Type: application/pdf; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{base64}\r\n"
        )
    };
    let mixed = |id: &str, parts: &str| {
        let head = "Content-Type: multipart/mixed; boundary=b\r\n";
        let text = "--b\r\nContent-Type: text/plain\r\n\r\nSee this.\r\n";
        format!(
            "From: ann@x.example\r\nTo: {to}\r\nMessage-ID: <{id}@x.example>\r\n{head}\r\n{text}{parts}--b--\r\n"
        )
    };
    let with_files = mixed("five", &(part("bill.pdf", &small) + &part("film.pdf", &large)));
    assert_eq!(hand_over(&stranger, with_files).await, json!({ "became": "said" }));
    let page = ann.get(&format!("/api/watchfire/rooms/{room}/messages?limit=1")).await.json();
    let message = &page["messages"][0];
    assert_eq!(message["files"].as_array().map(Vec::len), Some(1), "{message}");
    assert_eq!(
        (&message["files"][0]["name"], &message["files"][0]["bytes"]),
        (&json!("bill.pdf"), &json!(300))
    );
    let body = message["body"].as_str().expect("text");
    assert!(body.starts_with("See this.\n\nfilm.pdf was left out: At most 20971520 bytes"), "{body}");
    let too_long = mixed("six", &part("film.pdf", &"AAAA".repeat(9 * 1024 * 1024)));
    assert_eq!(hand_over(&stranger, too_long).await, json!({ "became": "said" }));
    let said = bodies(&ann, &room).await;
    let body = said.last().expect("it was said");
    assert!(body.starts_with("See this.\n\nThe letter has ") && body.contains("is left out"), "{body}");

    // The next letter answers theirs, as mail programs see it.
    say(owner, &room, "We look into it.").await;
    world.clock.advance(Duration::from_secs(61));
    let next = within(FOUND_MAX, "another letter", || async { smtp.letters().get(1).cloned() }).await;
    assert_eq!(next.header("In-Reply-To"), "<six@x.example>");
    assert!(
        next.header("References").starts_with(&format!("<conversation.{room}@")),
        "{}",
        next.header("References")
    );
    assert!(next.header("Reply-To").contains(&to), "the same address");

    // So many an hour.
    let mut heard = 3;
    loop {
        let became =
            hand_over(&stranger, reply(&to, &format!("more-{heard}"), "", &format!("More {heard}."))).await;
        if became != json!({ "became": "said" }) {
            assert_eq!((became, heard), (nothing("too_many"), 30));
            break;
        }
        heard += 1;
    }
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(hand_over(&stranger, reply(&to, "later", "", "Later.")).await, json!({ "became": "said" }));

    // Taken back: what was sent is answered in vain, and the next letter has another address.
    let text = smtp.letters()[0].part("text/plain");
    let (_, link) = text.split_once(&format!("/chat/{site}#")).expect("a link");
    let by_link = Person::with_token(world.address(), link.split_whitespace().next().expect("a secret"));
    let mine = format!("/api/watchfire/chat/{site}/conversations/mine");
    assert_eq!(by_link.get(&mine).await.status, 200);
    let revoked = owner.post_json(&path, &json!({ "revoke_replies": true })).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    assert_eq!(by_link.get(&mine).await.status, 401);
    assert_eq!(hand_over(&stranger, reply(&to, "vain", "", "In vain.")).await, nothing("nobodys"));
    say(owner, &room, "It is mended.").await;
    world.clock.advance(Duration::from_secs(61));
    let renewed = within(FOUND_MAX, "a third letter", || async { smtp.letters().get(2).cloned() }).await;
    let renewed = renewed.header("Reply-To");
    let renewed = renewed.split(['<', '>']).nth(1).expect("an address");
    assert_ne!(renewed, to);
    assert_eq!(
        hand_over(&stranger, reply(renewed, "good", "", "Thanks.")).await,
        json!({ "became": "said" })
    );
    assert_eq!(bodies(&ann, &room).await.last().map(String::as_str), Some("Thanks."));
    world.end().await;
}

async fn a_mailbox_is_looked_after_by_one_process(size: Size) {
    let (smtp, mailbox) = (Server::start().await, Dovecot::start().expect("Dovecot starts"));
    let world = world_with(size, &flags(&smtp, Some(&mailbox))).await;
    let (owner, site) = (world.owner(), world.site().await.to_string());
    talks(owner, &site).await;
    let (ann, room) = answered(world.address(), owner, &site, "ann@x.example").await;
    world.clock.advance(Duration::from_secs(61));
    let to = letter_to(&smtp, "ann@x.example").await.header("Reply-To");
    for number in 0..3 {
        let letter = reply(&to, &format!("{number}"), "", &format!("It leaks {number}."));
        mailbox.deliver(&format!("{number}"), &letter).expect("it is delivered");
    }
    mailbox
        .deliver("away", &reply(&to, "away", "Auto-Submitted: auto-replied\r\n", "Away."))
        .expect("it is delivered");
    within(FOUND_MAX, "all are heard", || async { (mailbox.unread().ok()? == 0).then_some(()) }).await;
    let said: BTreeSet<String> = bodies(&ann, &room).await.into_iter().skip(2).collect();
    assert_eq!(said, (0..3).map(|number| format!("It leaks {number}.")).collect());
    // Once it is looked after news is heard at once.
    let began = std::time::Instant::now();
    mailbox.deliver("soon", &reply(&to, "soon", "", "And now?")).expect("it is delivered");
    within(WOULD_HAVE_COME, "it is heard", || async {
        bodies(&ann, &room).await.contains(&"And now?".to_owned()).then_some(())
    })
    .await;
    println!("heard after {:?}", began.elapsed());
    // The same letter that is delivered twice is one.
    mailbox.deliver("twice", &reply(&to, "soon", "", "And now?")).expect("it is delivered");
    within(FOUND_MAX, "it is read", || async { (mailbox.unread().ok()? == 0).then_some(()) }).await;
    assert_eq!(bodies(&ann, &room).await.iter().filter(|body| *body == "And now?").count(), 1);
    world.end().await;
}

async fn a_conversation_is_mailed_to_its_customer_once_an_hour(size: Size) {
    let smtp = Server::start().await;
    let world = world_with(size, &flags(&smtp, None)).await;
    let (owner, site) = (world.owner(), world.site().await.to_string());
    talks(owner, &site).await;
    let (ann, room) = answered(world.address(), owner, &site, "ann@x.example").await;
    say(&ann, &room, "A <b>secret</b>\nin two lines").await;
    say(&ann, &room, "What I take back").await;
    let path = format!("/api/watchfire/sites/{site}/conversations/{room}");
    let notes = owner.get(&path).await.json()["conversation"]["notes"].as_str().expect("a room").to_owned();
    say(owner, &notes, "Among ourselves").await;
    let removed = ann.post_json(&format!("/api/watchfire/rooms/{room}/messages/4/remove"), &json!({})).await;
    assert!(removed.status.is_success(), "{}", removed.text());
    // What was read on the page is not mailed by itself.
    let read = ann.post_json(&format!("/api/watchfire/rooms/{room}/read"), &json!({ "number": 4 })).await;
    assert!(read.status.is_success(), "{}", read.text());

    let mine = format!("/api/watchfire/chat/{site}/conversations/mine");
    assert_eq!(ann.get(&format!("/api/watchfire/chat/{site}")).await.json()["mails"], true);
    let asked = ann.post_json(&mine, &json!({ "transcript": true })).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["room"]), (200, &json!(room)), "{}", asked.text());
    let letter = letter_to(&smtp, "ann@x.example").await;
    let text = letter.part("text/plain");
    assert!(text.starts_with("--- Write your answer above this line; it goes to "), "{text}");
    assert!(
        text.contains(":\nA <b>secret</b>\nin two lines\n") && text.contains(":\nIt comes on Monday.\n"),
        "{text}"
    );
    let html = letter.part("text/html");
    assert!(html.contains("A &lt;b&gt;secret&lt;/b&gt;<br>in two lines"), "{html}");
    for never in ["Among ourselves", "take back"] {
        assert!(!text.contains(never) && !html.contains(never), "{text}");
    }
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    let to = letter.header("Reply-To");
    assert_eq!(
        hand_over(&world.stranger(), reply(&to, "t", "", "Thanks.")).await,
        json!({ "became": "said" })
    );

    // Whoever asks: once an hour.
    let again = ann.post_json(&mine, &json!({ "transcript": true })).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "conflict"), "{}", again.text());
    let agent = owner.post_json(&path, &json!({ "transcript": true })).await;
    assert_eq!(agent.status, 409, "{}", agent.text());
    world.clock.advance(Duration::from_secs(3_600));
    let agent = owner.post_json(&path, &json!({ "transcript": true })).await;
    assert_eq!((agent.status.as_u16(), &agent.json()["room"]), (200, &json!(room)), "{}", agent.text());
    let second = within(FOUND_MAX, "another", || async { smtp.letters().get(1).cloned() }).await;
    assert!(second.part("text/plain").contains(":\nThanks.\n"), "{}", second.part("text/plain"));

    // To whom there is no address, and who is blocked: nothing; the one who is blocked is not told.
    let nameless = Person::with_token(world.address(), &secret());
    begins(&nameless, &site, json!({})).await;
    assert_eq!(nameless.post_json(&mine, &json!({ "transcript": true })).await.status, 400);
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(owner.post_json(&path, &json!({ "block": true })).await.status, 200);
    assert_eq!(ann.post_json(&mine, &json!({ "transcript": true })).await.status, 200);
    assert_eq!(owner.post_json(&path, &json!({ "transcript": true })).await.status, 409);
    tokio::time::sleep(WOULD_HAVE_COME).await;
    assert_eq!(smtp.letters().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_broken_letter_is_an_error_of_the_server() {
    let smtp = Server::start().await;
    let world = world_with(Size::Embedded, &flags(&smtp, None)).await;
    let (owner, site) = (world.owner(), world.site().await.to_string());
    talks(owner, &site).await;
    let (ann, room) = answered(world.address(), owner, &site, "ann@x.example").await;
    world.clock.advance(Duration::from_secs(61));
    let to = letter_to(&smtp, "ann@x.example").await.header("Reply-To");
    let head = "Content-Type: multipart/mixed; boundary=b\r\n";
    let sound = reply(
        &to,
        "1",
        head,
        "--b\r\nContent-Type: text/html; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+wqnLrjwvcD4=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nTo: a\r\n\r\nx\r\n--b--",
    );
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (stranger, sound) = (world.stranger(), sound.clone());
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(seed ^ sender as u64);
                for _ in 0..BROKEN / SENDERS {
                    hand_over(&stranger, broken(&mut random, &sound)).await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("each is answered 202");
    }
    // Deep ones and long ones.
    let stranger = world.stranger();
    let deep = |part: &str| Bytes::from(sound.replace("--b\r\n", &part.repeat(200_000)));
    for part in [
        "--b\r\nContent-Type: message/rfc822\r\n\r\n",
        "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
        "--b\r\n",
        "((((",
        "=?utf-8?B?",
    ] {
        hand_over(&stranger, deep(part)).await;
    }
    hand_over(&stranger, sound.replacen("Subject: ", &format!("X: {}\r\nSubject: ", "x".repeat(200_000)), 1))
        .await;
    assert!(bodies(&ann, &room).await.len() <= 2 + 30, "so many an hour");
    world.clock.advance(Duration::from_secs(3_600));
    let good = reply(&to, "good", "", "It still works.");
    assert_eq!(hand_over(&stranger, good).await, json!({ "became": "said" }));
    world.end().await;
}

fn broken(random: &mut fastrand::Rng, sound: &str) -> Vec<u8> {
    let mut bytes = sound.as_bytes().to_vec();
    for _ in 0..random.usize(1..8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(0..bytes.len());
        match random.u8(0..4) {
            0 => bytes.truncate(at.max(20)),
            1 => drop(bytes.drain(at..(at + random.usize(0..40)).min(bytes.len()))),
            2 => bytes.insert(at, random.u8(..)),
            _ => bytes[at] = random.u8(..),
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_is_asked_by_tls_of_whom_the_system_trusts_alone() {
    let certificates = tempfile::tempdir().expect("a folder");
    let certified = Certified::make(certificates.path()).expect("certificates are made");
    let other = tempfile::tempdir().expect("a folder");
    let other = (Certified::make(other.path()).expect("certificates are made").authority, other);
    let smtp = Server::start().await;
    let mailbox = Dovecot::start_with_tls(&certified).expect("Dovecot starts");
    mailbox.deliver("one", &reply(ADDRESS, "one", "", "For nobody.")).expect("it is delivered");
    let flags = flags(&smtp, Some(&mailbox));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let stranger = Program::start_trusting(folder.path(), &flags, &other.0).await;
    within(FOUND_MAX, "the server is not believed", || async {
        mailbox.log().contains("SSL_accept() failed").then_some(())
    })
    .await;
    assert!(!mailbox.log().contains("Login: user=<replies>"), "no password is told: {}", mailbox.log());
    assert_eq!(mailbox.unread().expect("a mailbox"), 1);
    assert!(stranger.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    let program = Program::start_trusting(folder.path(), &flags, &certified.authority).await;
    within(FOUND_MAX, "it is read", || async { (mailbox.unread().ok()? == 0).then_some(()) }).await;
    assert!(mailbox.log().contains(", TLS, "), "{}", mailbox.log());
    assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_letters_come_in_each_is_said_once() {
    let (smtp, mailbox) = (Server::start().await, Dovecot::start().expect("Dovecot starts"));
    let folder = tempfile::tempdir().expect("a folder");
    let flags = flags(&smtp, Some(&mailbox));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let program = Program::start(folder.path(), &flags).await;
    kill_while_letters_come_in(vec![program], smtp, mailbox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_letters_come_in_on_a_cluster_each_is_said_once() {
    let (smtp, mailbox) = (Server::start().await, Dovecot::start().expect("Dovecot starts"));
    let ground = Ground::start(2).await;
    let flags = flags(&smtp, Some(&mailbox));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let programs = vec![ground.web_with("web-0", &flags).await, ground.web_with("web-1", &flags).await];
    kill_while_letters_come_in(programs, smtp, mailbox).await;
}

async fn kill_while_letters_come_in(mut programs: Vec<Program>, smtp: Server, mailbox: Dovecot) {
    // The last one that started offers.
    let set_up_path = programs.last().and_then(|program| program.set_up_path.clone());
    let owner = Person::new(programs[0].address);
    let site = set_up(set_up_path.as_deref(), &owner).await.to_string();
    talks(&owner, &site).await;
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        let email = format!("customer-{number}@x.example");
        let (customer, room) = answered(programs[0].address, &owner, &site, &email).await;
        customers.push((customer, room, email));
    }
    let mut addressed = Vec::new();
    for (_, room, email) in &customers {
        addressed.push((room.clone(), letter_to(&smtp, email).await.header("Reply-To")));
    }
    let mailbox = Arc::new(mailbox);
    let servers: Vec<_> = programs.iter().map(|program| program.address).collect();
    let delivering = tokio::spawn(deliver(mailbox.clone(), addressed.clone()));
    let handing = tokio::spawn(hand_all_over(servers, addressed.clone()));
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(200..2_500))).await;
        let mut program = programs.remove(0);
        program.kill_now();
        programs.push(program.replaced().await);
    }
    delivering.await.expect("all are delivered");
    handing.await.expect("all are handed over");
    within(FOUND_MAX, "the mailbox is read", || async { (mailbox.unread().ok()? == 0).then_some(()) }).await;
    let owner = owner.at(programs[0].address);
    for (room, _) in &addressed {
        let said = bodies(&owner, room).await;
        assert_eq!(said.len(), 2 + 2 * LETTERS_EACH_WAY, "{said:?}");
        let different: BTreeSet<&String> = said.iter().collect();
        assert_eq!(different.len(), said.len(), "each once: {said:?}");
        let path = format!("/api/watchfire/sites/{site}/conversations/{room}");
        let conversation = owner.get(&path).await.json()["conversation"].clone();
        assert_eq!(
            (&conversation["last"], &conversation["last_by"]),
            (&json!(said.len()), &json!("customer"))
        );
    }
    for program in programs {
        assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    }
}

async fn deliver(mailbox: Arc<Dovecot>, addressed: Vec<(String, String)>) {
    for number in 0..LETTERS_EACH_WAY {
        for (room, to) in &addressed {
            let id = format!("mailbox-{number}-{room}");
            let letter = reply(to, &id, "", &format!("By the mailbox: {number}."));
            mailbox.deliver(&id, &letter).expect("it is delivered");
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..300))).await;
        }
    }
}

/// As a mail server does: again until it is taken, and at times once more.
async fn hand_all_over(servers: Vec<std::net::SocketAddr>, addressed: Vec<(String, String)>) {
    for number in 0..LETTERS_EACH_WAY {
        for (room, to) in &addressed {
            let letter = reply(to, &format!("hook-{number}-{room}"), "", &format!("By the hook: {number}."));
            let mut left = fastrand::usize(1..3);
            while left > 0 {
                let server = Person::new(servers[fastrand::usize(0..servers.len())]);
                let path = format!("/mail/{HOOK}");
                match server.try_send(Method::POST, &path, &[], Bytes::from(letter.clone())).await {
                    Ok(answer) if answer.status == 202 => left -= 1,
                    Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
    }
}
