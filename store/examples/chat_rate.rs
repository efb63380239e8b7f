//! Posting and searching in a long room: `chat_rate [messages] [mongodb uri]`. Posts so many messages with 32 callers into a store in a
//! folder that goes with it (or the database), then tells how long posts and searches take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::chat::{Member, MessageKind, NewMessage, Notify, Room, RoomKind, RoomRole, Who};
use model::{AccountId, MessageId, Millis, RoomId, limits};
use store::chat::{Place, Search};
use store::{Embedded, MongoStore, Store};

const CALLERS: u64 = 32;
const ROOM: RoomId = RoomId::of(1);

fn author(number: u64) -> Who {
    Who::Account(AccountId::of(number % 50))
}

/// Some ten words of five thousand, the frequent ones often.
fn body(rng: &mut fastrand::Rng) -> String {
    let words = std::iter::repeat_with(|| {
        let rank = (1.0 / (rng.f64() + 0.0002)) as u64;
        format!("w{rank}")
    });
    words.take(12).collect::<Vec<_>>().join(" ")
}

fn message(number: u64, rng: &mut fastrand::Rng) -> NewMessage {
    NewMessage {
        room: ROOM,
        id: MessageId(u128::from(number)),
        author: author(number),
        kind: MessageKind::Text,
        body: body(rng),
        thread: None,
        mentions: vec![],
        files: vec![],
        at: Millis(1_700_000_000_000 + number as i64),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let messages: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let store = match arguments.next() {
        Some(uri) => MongoStore::open(&uri).await?,
        None => Embedded::open(folder.path())?,
    };
    open(&store).await?;
    fill(&store, messages).await?;
    post_alone(&store, messages).await?;
    for (what, text, author_number) in [
        ("one frequent word", "w1", None),
        ("two frequent words", "w1 w2", None),
        ("a rare word", "w3001", None),
        ("a frequent and a rare word", "w1 w3001", None),
        ("a word that is not there", "nothing", None),
        ("frequent words and an author", "w1 w2 w3", Some(7)),
        ("six words", "w1 w2 w3 w4 w5 w6", None),
    ] {
        search(&store, what, text, author_number.map(author), 1).await?;
        search(&store, what, text, author_number.map(author), limits::SEARCH_ROOMS_MAX as u64).await?;
    }
    let began = Instant::now();
    for number in 0..100 {
        store.messages.page(ROOM, Place::Before(messages * number / 100), 50).await?;
    }
    println!("a page of 50 backwards: {:?}", began.elapsed() / 100);
    store.close().await;
    Ok(())
}

async fn open(store: &Store) -> anyhow::Result<()> {
    let room = Room {
        id: ROOM,
        site: None,
        kind: RoomKind::Open,
        name: "rate".into(),
        topic: String::new(),
        zone: "UTC".into(),
        public: false,
        locked: false,
        members_max: limits::ROOM_MEMBERS_MAX,
        created: Millis(0),
        by: None,
        last: 0,
        changes: 0,
        last_at: Millis(0),
    };
    let member = |number| Member {
        room: ROOM,
        who: author(number),
        role: RoomRole::Member,
        joined: Millis(0),
        read: 0,
        notify: Notify::default(),
    };
    store.rooms.open(room, (0..50).map(member).collect()).await?;
    Ok(())
}

async fn fill(store: &Store, messages: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    let next = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut posting = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (store, next) = (store.clone(), next.clone());
        posting.spawn(async move {
            let mut rng = fastrand::Rng::with_seed(caller);
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= messages {
                    return anyhow::Ok(());
                }
                store.messages.post(message(number, &mut rng)).await?;
            }
        });
    }
    while let Some(done) = posting.join_next().await {
        done??;
    }
    let each = messages as f64 / began.elapsed().as_secs_f64();
    println!("{messages} posts by {CALLERS} callers: {each:.0} a second");
    Ok(())
}

async fn post_alone(store: &Store, messages: u64) -> anyhow::Result<()> {
    let mut rng = fastrand::Rng::with_seed(99);
    let mut times = Vec::new();
    for number in messages..messages + 1_000 {
        let began = Instant::now();
        store.messages.post(message(number, &mut rng)).await?;
        times.push(began.elapsed());
    }
    told("a post alone", times);
    Ok(())
}

async fn search(
    store: &Store,
    what: &str,
    text: &str,
    author: Option<Who>,
    rooms: u64,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..20 {
        let rooms = (1..=rooms).map(RoomId::of).collect();
        let search = Search { rooms, text: text.into(), author, limit: 50, ..Search::default() };
        let began = Instant::now();
        found = store.messages.search(search).await?.len();
        times.push(began.elapsed());
    }
    told(&format!("{what}, {rooms} rooms, {found} found"), times);
    Ok(())
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!("{what}: p50 {:?}, p99 {:?}, most {:?}", at(50), at(99), at(100));
}
