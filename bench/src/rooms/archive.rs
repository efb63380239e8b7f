//! A room of a million messages: a day of its transcript, and search.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use model::chat::{Member, MessageKind, NewMessage, RoomKind, RoomRole};
use model::{Clock, MessageId, Millis, RoomId, SystemClock};
use store::Store;
use world::{Person, Program};

use super::at;
use crate::process::{Watchfire, cpu};

const MESSAGES: u64 = 1_000_000;
const MESSAGES_A_DAY: u64 = 1_000;
const DAY: i64 = 86_400_000;
/// 2024-01-01, in UTC.
const FIRST_DAY: i64 = 1_704_067_200_000;
/// Messages that share a transaction.
const TOGETHER: u64 = 500;
const PAGES: u32 = 50;
const SEARCHES: usize = 200;
const WORDS: [&str; 12] = [
    "kettle", "order", "label", "parcel", "broken", "cup", "refund", "jasmine", "page", "phone", "thanks",
    "again",
];

pub async fn measure(watchfire: Watchfire) -> anyhow::Result<()> {
    let Watchfire { program, place, folder } = watchfire;
    ensure!(program.terminate(Duration::from_secs(20)).await, "the program stops");
    let store = store::embedded::Embedded::open(folder.path())?;
    let room = fill(&store).await?;
    store.close().await;
    drop(store);
    let program = Program::start(folder.path(), &[]).await;
    let owner = place.owner.at(program.address);
    let page = transcript(&program, &owner, room).await?;
    let searches = search(&owner, room).await?;
    println!("\n## {MESSAGES} messages in a room\n");
    println!(
        "| a day's transcript of {MESSAGES_A_DAY}: processor ms | search p50 ms | p99 ms |\n|---|---|---|"
    );
    println!("| {page:.1} | {:.1} | {:.1} |", at(&searches, 0.5), at(&searches, 0.99));
    Ok(())
}

async fn fill(store: &Store) -> anyhow::Result<RoomId> {
    let known = store.rooms.rooms(None).await?;
    let pattern = known.first().context("a room was opened")?;
    let members = store.rooms.members(pattern.id).await?;
    let owner = members.iter().find(|member| member.role == RoomRole::Host).context("a room has a host")?;
    let id = RoomId::of(1_000_000);
    let mut room = pattern.clone();
    (room.id, room.name, room.kind) = (id, "Archive".to_owned(), RoomKind::Open);
    (room.created, room.last, room.last_at, room.changes) = (Millis(FIRST_DAY), 0, Millis(FIRST_DAY), 0);
    let member = Member { room: id, joined: Millis(FIRST_DAY), read: 0, ..owner.clone() };
    store.rooms.open(room, vec![member]).await?;
    let began = Instant::now();
    for first in (0..MESSAGES).step_by(TOGETHER as usize) {
        let posts = (first..first + TOGETHER).map(|number| {
            store.messages.post(NewMessage {
                room: id,
                id: MessageId(u128::from(number) + 1),
                author: owner.who,
                kind: MessageKind::Text,
                body: sentence(number),
                thread: None,
                mentions: Vec::new(),
                files: Vec::new(),
                at: Millis(FIRST_DAY + number as i64 * DAY / MESSAGES_A_DAY as i64),
            })
        });
        try_join_all(posts).await?;
    }
    eprintln!("a million messages were stored in {:.0} s", began.elapsed().as_secs_f64());
    Ok(id)
}

/// Words in an order of its own, and one that nothing else says.
fn sentence(number: u64) -> String {
    let word =
        |step: u64| WORDS[(number.wrapping_mul(2_654_435_761 + step * 40_503) >> 7) as usize % WORDS.len()];
    format!(
        "word{number} the {} of **{}** is {}, {} and {} `{}`",
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6)
    )
}

/// Processor time of the server for a day of the transcript.
async fn transcript(program: &Program, owner: &Person, room: RoomId) -> anyhow::Result<f64> {
    let day = |number: u32| format!("/rooms/{room}/days/2024-{:02}-{:02}", number / 28 + 1, number % 28 + 1);
    let page = owner.get(&day(0)).await;
    ensure!(page.status == 200 && page.text().contains("word0 "), "{}", page.status);
    let before = cpu(program.pid())?;
    for number in 1..=PAGES {
        ensure!(owner.get(&day(number)).await.status == 200, "a day can be read");
    }
    Ok((cpu(program.pid())? - before).as_secs_f64() * 1e3 / f64::from(PAGES))
}

/// How long searches take, least first: a word of one message, a word of a twelfth of them, and several.
async fn search(owner: &Person, room: RoomId) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(SEARCHES);
    for turn in 0..SEARCHES {
        let words = match turn % 4 {
            0 => format!("word{}", SystemClock.now().0 as u64 % MESSAGES),
            1 => WORDS[turn / 4 % WORDS.len()].to_owned(),
            2 => format!("{}+{}", WORDS[turn / 4 % WORDS.len()], WORDS[turn / 3 % WORDS.len()]),
            _ => "kettle+order+label+parcel".to_owned(),
        };
        let began = Instant::now();
        let found = owner.get(&format!("/api/watchfire/rooms/search?q={words}&room={room}")).await;
        took.push(began.elapsed());
        ensure!(found.status == 200, "{}", found.text());
    }
    took.sort_unstable();
    Ok(took)
}
