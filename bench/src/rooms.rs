//! Rooms: what is said is stored and reaches a thousand people, beside a bare WebSocket broadcast and a bare durable
//! insert. Each run audits afterwards that everything acknowledged is there and was heard, once, in order.

mod archive;
mod ear;
mod limits;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::{join_all, try_join_all};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use world::{Person, Program};

use crate::load::Poster;
use crate::process::{Watchfire, cpu, resident};
use ear::{Board, Ear};

pub use limits::room_server;

/// People in the room, each with a socket of their own.
const PEOPLE: usize = 1_000;
/// Sockets more, for what an idle one costs.
const IDLE_SOCKETS: usize = 4_000;
/// Guests who come in at the same moment: more are asked to wait, as one who guesses a password is.
const GUESTS_AT_ONCE: usize = 4;
const MESSAGES_MAX: usize = 400_000;
/// Posts a second, each to everybody; the last is what the bar asks for: 150,000 deliveries.
const PACES: [f64; 3] = [50.0, 100.0, 150.0];
const RUN: Duration = Duration::from_secs(10);
/// Posts under way where as many as can be are sent.
const POSTERS: usize = 32;
const POSTERS_ALONE: usize = 128;
const SINGLE_POSTS: usize = 1_000;
/// How long what was posted last may take to be heard.
const SETTLE: Duration = Duration::from_secs(2);
/// What is said: a number, a word of its own to be found by, and as much as people say at a time.
const SAID: &str = "and the kettle has been on for a while: does anybody know where the cups are?";

/// What a bare server takes to tell so many who listen, at a pace; least first.
pub async fn bare_broadcast(people: usize, pace: f64, duration: Duration) -> anyhow::Result<Vec<Duration>> {
    Ok(limits::broadcast(people, Some(pace), duration).await?.waits)
}

pub async fn measure() -> anyhow::Result<()> {
    let mut steady = Vec::with_capacity(PACES.len());
    for pace in PACES {
        let bare = limits::broadcast(PEOPLE, Some(pace), RUN).await?;
        steady.push(format!("| bare broadcast, {pace} posts/s | {bare} |"));
    }
    let bare = limits::broadcast(PEOPLE, None, RUN).await?;
    let insert = tokio::task::block_in_place(limits::insert)?;
    let watchfire = Watchfire::start(&[]).await?;
    let room = Room::open(&watchfire.program, &watchfire.place.owner).await?;

    let idle = room.idle_bytes(watchfire.pid()).await?;
    let mut run = Run::begin(&room).await?;
    for pace in PACES {
        let rooms = run.steady(pace).await;
        steady.push(format!("| rooms, {pace} posts/s | {rooms} |"));
    }
    let busy = cpu(watchfire.pid())?;
    let flat_out = run.flat_out(POSTERS).await;
    let busy = (cpu(watchfire.pid())? - busy).as_secs_f64() / RUN.as_secs_f64();
    let heard = run.end().await;
    let next = run.next.clone();
    let single = post_one_by_one(&room, &next).await;
    let alone = post_together(&room, &next, POSTERS_ALONE, RUN, |_| {}).await;

    println!("\n## A room of {PEOPLE} people\n");
    println!("| | deliveries/s | post to all p50 ms | p99 ms |\n|---|---|---|---|");
    steady.iter().for_each(|line| println!("{line}"));
    println!("| bare broadcast, as much as it takes | {bare} |");
    println!("| rooms, as much as they take | {flat_out} |");
    println!("| rooms of the bare one | {:.2} | | |", flat_out.a_second / bare.a_second);
    println!("\nThe server used {busy:.2} processors meanwhile.");
    println!("\n## Durable posts\n");
    println!("| | posts/s | one at a time: p50 ms | p99 ms |\n|---|---|---|---|");
    println!("| bare insert, a commit each | {insert} |");
    println!(
        "| rooms, found by search | {:.0} | {:.2} | {:.2} |",
        alone,
        at(&single, 0.5),
        at(&single, 0.99)
    );
    println!("\nAn idle socket in the room: {idle:.0} bytes.");
    let said = next.load(Ordering::Relaxed);
    room.audit(&heard, run.first_alone, said).await?;
    println!(
        "\nAudit: {said} messages acknowledged, each there once, in order, found by search, heard by all {PEOPLE}; an outsider heard none."
    );
    archive::measure(watchfire).await
}

/// Deliveries a second, and how long a post took until all had heard it.
pub struct Spread {
    pub a_second: f64,
    pub waits: Vec<Duration>,
}

impl std::fmt::Display for Spread {
    fn fmt(&self, into: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(into, "{:.0} | {:.1} | {:.1}", self.a_second, at(&self.waits, 0.5), at(&self.waits, 0.99))
    }
}

/// Milliseconds at a share of sorted times.
pub fn at(sorted: &[Duration], share: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * share) as usize;
    sorted.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// A room with its guests.
struct Room {
    server: SocketAddr,
    path: String,
    topic: String,
    owner: Person,
    cookies: Vec<String>,
    outsider: String,
}

impl Room {
    async fn open(program: &Program, owner: &Person) -> anyhow::Result<Room> {
        let owner = owner.at(program.address);
        let (id, link) = room_with_link(&owner, "Tea").await?;
        let (_, elsewhere) = room_with_link(&owner, "Elsewhere").await?;
        let mut cookies = Vec::with_capacity(PEOPLE);
        for some in (0..PEOPLE).collect::<Vec<_>>().chunks(GUESTS_AT_ONCE) {
            let guests = some.iter().map(|number| guest(program.address, &link, *number));
            cookies.extend(try_join_all(guests).await?);
        }
        let outsider = guest(program.address, &elsewhere, PEOPLE).await?;
        let path = format!("/api/watchfire/rooms/{id}");
        Ok(Room { server: program.address, path, topic: format!("room/{id}"), owner, cookies, outsider })
    }

    async fn ear(&self, person: usize) -> anyhow::Result<Ear> {
        let mut ear = Ear::connect(self.server, "/api/watchfire/live", &self.cookies[person]).await?;
        ear.subscribe(&self.topic).await?;
        Ok(ear)
    }

    async fn ears(&self, count: usize) -> anyhow::Result<Vec<Ear>> {
        let mut ears = Vec::with_capacity(count);
        for some in (0..count).collect::<Vec<_>>().chunks(50) {
            ears.extend(try_join_all(some.iter().map(|number| self.ear(number % PEOPLE))).await?);
        }
        Ok(ears)
    }

    /// Resident bytes of the server a socket in the room.
    async fn idle_bytes(&self, pid: u32) -> anyhow::Result<f64> {
        let some = self.ears(PEOPLE).await?;
        tokio::time::sleep(SETTLE).await;
        let before = resident(pid)?;
        let more = self.ears(IDLE_SOCKETS).await?;
        tokio::time::sleep(SETTLE).await;
        let after = resident(pid)?;
        drop((some, more));
        tokio::time::sleep(SETTLE).await;
        Ok(after.saturating_sub(before) as f64 / IDLE_SOCKETS as f64)
    }

    fn poster(&self, person: usize) -> Poster<'_> {
        Poster { server: self.server, path: &self.path, cookie: &self.cookies[person % PEOPLE] }
    }

    /// Everything that was acknowledged is stored and was heard, once and in order, by all of the room and nobody else.
    async fn audit(&self, heard: &Heard, first_alone: usize, said: usize) -> anyhow::Result<()> {
        let mut stored = Vec::with_capacity(said);
        let (mut after, mut numbers) = (0, 0);
        loop {
            let page = self.owner.get(&format!("{}/messages?after={after}&limit=200", self.path)).await;
            ensure!(page.status == 200, "{}", page.text());
            let page = page.json();
            let messages = page["messages"].as_array().context("a page has messages")?;
            for message in messages {
                numbers += 1;
                ensure!(message["number"] == numbers, "a gap before {}", message["number"]);
                let body = message["body"].as_str().unwrap_or_default();
                stored.extend(
                    body.strip_prefix('m').and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok()),
                );
            }
            match messages.last() {
                Some(last) => after = last["number"].as_u64().context("a number")?,
                None => break,
            }
        }
        let once: HashSet<usize> = stored.iter().copied().collect();
        ensure!(stored.len() == said && once.len() == said, "{} stored of {said}", stored.len());
        ensure!((0..said).all(|number| once.contains(&number)), "other messages than were said are stored");
        let told: Vec<u32> =
            stored.iter().filter(|number| **number < first_alone).map(|n| *n as u32).collect();
        for ear in &heard.people {
            ensure!(
                *ear == told,
                "somebody heard {} of {} messages, or in another order",
                ear.len(),
                told.len()
            );
        }
        ensure!(heard.outsider.is_empty(), "somebody outside heard the room");
        for number in (0..said).step_by((said / 50).max(1)) {
            let found = self.owner.get(&format!("/api/watchfire/rooms/search?q=word{number}")).await.json();
            let found = found["messages"].as_array().context("search answers messages")?;
            ensure!(found.len() == 1, "word{number} is found {} times", found.len());
        }
        Ok(())
    }
}

async fn room_with_link(owner: &Person, name: &str) -> anyhow::Result<(String, String)> {
    let room = owner.post_json("/api/watchfire/rooms", &json!({ "name": name })).await;
    ensure!(room.status == 201, "{}", room.text());
    let room: Value = room.json();
    let id = room["id"].as_str().or(room["room"]["id"].as_str()).context("a room has an id")?.to_owned();
    let link = owner.post_json(&format!("/api/watchfire/rooms/{id}/link"), &json!({})).await;
    ensure!(link.status == 201, "{}", link.text());
    let link = link.json();
    let path = link["url"].as_str().and_then(|url| url.find("/join/").map(|at| url[at..].to_owned()));
    Ok((id, path.context("a link has an address")?))
}

/// Each from a network of its own: of one, few come in at once.
async fn guest(server: SocketAddr, link: &str, number: usize) -> anyhow::Result<String> {
    let person = Person::behind(server, &format!("198.18.{}.{}", number / 250, number % 250 + 1));
    let answer = person.post(link, &[("name", &format!("Guest {number}"))]).await;
    ensure!(answer.status.is_redirection(), "{} {}", answer.status, answer.text());
    person.cookie_header().context("a guest has a cookie")
}

/// What was heard by each, once the sockets are closed.
struct Heard {
    people: Vec<Vec<u32>>,
    outsider: Vec<u32>,
}

/// A thousand people listen while some of them speak.
struct Run<'r> {
    room: &'r Room,
    board: Arc<Board>,
    next: Arc<AtomicUsize>,
    first_alone: usize,
    stop: CancellationToken,
    people: Vec<JoinHandle<Vec<u32>>>,
    outsider: JoinHandle<Vec<u32>>,
}

impl Run<'_> {
    async fn begin(room: &Room) -> anyhow::Result<Run<'_>> {
        let board = Arc::new(Board::new(PEOPLE, MESSAGES_MAX));
        let stop = CancellationToken::new();
        let listen = |ear: Ear| {
            let (board, stop) = (board.clone(), stop.clone());
            tokio::spawn(async move { ear.listen(&board, &stop).await })
        };
        let people = room.ears(PEOPLE).await?.into_iter().map(listen).collect();
        let mut outsider = Ear::connect(room.server, "/api/watchfire/live", &room.outsider).await?;
        ensure!(outsider.subscribe(&room.topic).await.is_err(), "an outsider may not listen");
        let (alone, stopped) = (Board::new(1, MESSAGES_MAX), stop.clone());
        let outsider = tokio::spawn(async move { outsider.listen(&alone, &stopped).await });
        Ok(Run { room, board, next: Arc::default(), first_alone: 0, stop, people, outsider })
    }

    /// Posts at a pace.
    async fn steady(&self, pace: f64) -> Spread {
        let first = self.next.load(Ordering::Relaxed);
        let (began, before) = (Instant::now(), self.board.deliveries.load(Ordering::Relaxed));
        let count = (pace * RUN.as_secs_f64()) as usize;
        let speakers = (0..POSTERS).map(|speaker| async move {
            let mut connection = self.room.poster(speaker).connect().await;
            for turn in (speaker..count).step_by(POSTERS) {
                let due = began + Duration::from_secs_f64(turn as f64 / pace);
                tokio::time::sleep_until(due.into()).await;
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                self.board.sent(number);
                connection.post(number, &said(number)).await;
            }
        });
        join_all(speakers).await;
        self.spread(first, began, before).await
    }

    async fn flat_out(&self, posters: usize) -> Spread {
        let first = self.next.load(Ordering::Relaxed);
        let (began, before) = (Instant::now(), self.board.deliveries.load(Ordering::Relaxed));
        post_together(self.room, &self.next, posters, RUN, |number| self.board.sent(number)).await;
        self.spread(first, began, before).await
    }

    /// Counts until all that was posted was heard.
    async fn spread(&self, first: usize, began: Instant, before: u64) -> Spread {
        let last = self.next.load(Ordering::Relaxed);
        let patience = Instant::now() + 15 * SETTLE;
        let mut waits = self.board.waits(first..last);
        while waits.len() < last - first && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
            waits = self.board.waits(first..last);
        }
        let deliveries = self.board.deliveries.load(Ordering::Relaxed) - before;
        Spread { a_second: deliveries as f64 / began.elapsed().as_secs_f64(), waits }
    }

    async fn end(&mut self) -> Heard {
        tokio::time::sleep(SETTLE).await;
        self.first_alone = self.next.load(Ordering::Relaxed);
        self.stop.cancel();
        let mut people = Vec::with_capacity(PEOPLE);
        for ear in self.people.drain(..) {
            people.push(ear.await.expect("an ear ends well"));
        }
        let outsider = (&mut self.outsider).await.expect("an ear ends well");
        Heard { people, outsider }
    }
}

fn said(number: usize) -> String {
    format!("m{number} word{number} {SAID}")
}

/// So many connections post as fast as they are answered, saying what they send; posts a second.
async fn post_together(
    room: &Room,
    next: &AtomicUsize,
    posters: usize,
    duration: Duration,
    sends: impl Fn(usize),
) -> f64 {
    let (began, first) = (Instant::now(), next.load(Ordering::Relaxed));
    // Each connection speaks for some people in turn: nobody is to meet the rate of one.
    let share = PEOPLE / posters;
    let sends = &sends;
    let speakers = (0..posters).map(|speaker| async move {
        let mut connection = room.poster(speaker * share).connect().await;
        let mut turn = 0;
        while began.elapsed() < duration {
            let number = next.fetch_add(1, Ordering::Relaxed);
            connection.speak_as(room.poster(speaker * share + turn % share));
            sends(number);
            connection.post(number, &said(number)).await;
            turn += 1;
        }
    });
    join_all(speakers).await;
    (next.load(Ordering::Relaxed) - first) as f64 / began.elapsed().as_secs_f64()
}

/// How long a post takes where nobody else posts, least first.
async fn post_one_by_one(room: &Room, next: &AtomicUsize) -> Vec<Duration> {
    let mut connection = room.poster(0).connect().await;
    let mut took = Vec::with_capacity(SINGLE_POSTS);
    for turn in 0..SINGLE_POSTS {
        let number = next.fetch_add(1, Ordering::Relaxed);
        connection.speak_as(room.poster(turn));
        let began = Instant::now();
        connection.post(number, &said(number)).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}
