//! Lists, counts and searches of an inbox that is full: `inbox_rate [conversations] [mongodb uri]`. Opens so many conversations in a store in a
//! folder that goes with it (or the database), answers most, then tells how long each question of an agent takes.

use std::time::{Duration, Instant};

use model::chat::{
    Conversation, ConversationState, Customer, Folder, Guest, MessageKind, NewMessage, Replies, Room,
    RoomKind, Side, Verdict, Who,
};
use model::{AccountId, GuestId, MessageId, Millis, RoomId, SiteId, limits};
use store::accounts::SecretHash;
use store::chat::conversations::order_of;
use store::chat::{Asked, ConversationChange, NewConversation};
use store::{Embedded, MongoStore, Store};
use tokio::task::JoinSet;

const SITE: SiteId = SiteId::of(1);
const CALLERS: u64 = 32;
const AGENTS: u64 = 8;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let store = match arguments.next() {
        Some(uri) => MongoStore::open(&uri).await?,
        None => Embedded::open(folder.path())?,
    };
    fill(&store, count).await?;
    for folder in [
        Folder::Open,
        Folder::Snoozed,
        Folder::Closed,
        Folder::Held,
        Folder::Spam,
        Folder::Mine,
        Folder::Unassigned,
        Folder::Waiting,
        Folder::All,
    ] {
        list(&store, &format!("{folder:?}"), asked(folder)).await?;
        let last = middle(&store, folder).await?;
        list(&store, &format!("{folder:?}, a page behind"), Asked { before: last, ..asked(folder) }).await?;
    }
    for text in ["w3", "w3 w1", "w777", "ann 77", "nothing of that", "%"] {
        for folder in [Folder::All, Folder::Open, Folder::Waiting] {
            let of_text = Asked { text: text.into(), ..asked(folder) };
            list(&store, &format!("{folder:?}, `{text}`"), of_text).await?;
        }
    }
    for label in ["late", "rare", "not there"] {
        let of_label = Asked { label: Some(label.into()), ..asked(Folder::All) };
        list(&store, &format!("All, labelled {label}"), of_label).await?;
    }
    let conversations = &store.conversations;
    let counts = timed(async || Ok(conversations.count_conversations(SITE, AccountId::of(1)).await?)).await?;
    told(&format!("{:?}", counts.0), counts.1);
    let earlier = timed(async || Ok(conversations.earlier(room(count / 2)).await?.len())).await?;
    told(&format!("{} earlier ones", earlier.0), earlier.1);
    told("nothing to wake", timed(async || Ok(conversations.wake(Millis(0)).await?)).await?.1);
    let all = (Millis(0), Millis(i64::MAX));
    let figured = timed(async || Ok(conversations.figured(SITE, all.0, all.1).await?.len())).await?;
    told(&format!("figures of {}", figured.0), figured.1);
    let opened = Instant::now();
    for number in count..count + 200 {
        conversations.open_conversation(opening(number)).await?;
    }
    println!("an opening alone: {:?}", opened.elapsed() / 200);
    let behind = timed(async || Ok(store.outbox.behind(None).await?.len())).await?;
    told(&format!("rooms that are behind, {} of them", behind.0), behind.1);
    let forgotten = Instant::now();
    store.rooms.forget_rooms(SITE).await?;
    println!("all forgotten: {:?}", forgotten.elapsed());
    store.close().await;
    Ok(())
}

fn room(number: u64) -> RoomId {
    RoomId::of(2 * number + 2)
}

fn at(number: u64) -> Millis {
    Millis(1_700_000_000_000 + number as i64 * 1_000)
}

fn of(id: RoomId, kind: RoomKind) -> Room {
    Room {
        id,
        site: Some(SITE),
        kind,
        name: String::new(),
        topic: String::new(),
        zone: "UTC".into(),
        public: false,
        locked: false,
        members_max: limits::ROOM_MEMBERS_MAX,
        created: at(0),
        by: None,
        last: 0,
        changes: 0,
        last_at: Millis(0),
    }
}

fn text(room: RoomId, id: u128, author: Who, number: u64, words: u64) -> NewMessage {
    let mut rng = fastrand::Rng::with_seed(number);
    let body: Vec<String> = (0..words).map(|_| format!("w{}", (1.0 / (rng.f64() + 0.0005)) as u64)).collect();
    NewMessage {
        room,
        id: MessageId(id),
        author,
        kind: MessageKind::Text,
        body: body.join(" "),
        thread: None,
        mentions: vec![],
        files: vec![],
        at: at(number),
    }
}

fn opening(number: u64) -> NewConversation {
    let (room, guest) = (room(number), GuestId::of(number + 1));
    let notes = RoomId::of(room.value() + 1);
    let name = format!("Ann {number}");
    let email = format!("ann.{}@example.org", number / 3);
    let conversation = Conversation {
        room,
        notes,
        site: SITE,
        guest,
        customer: Customer { name: name.clone(), email, ..Customer::default() },
        visitor: None,
        page: "https://shop.example/basket?step=2".into(),
        title: "Your basket".into(),
        state: ConversationState::Open,
        verdict: if number % 50 == 5 { Verdict::Held } else { Verdict::Ham },
        was_held: false,
        blocked: false,
        assignee: None,
        labels: Vec::new(),
        opened: at(number),
        last: 0,
        last_at: at(number),
        last_by: Side::Customer,
        preview: String::new(),
        waiting_since: None,
        first_answer_at: None,
        closed_at: None,
        rating: None,
        learned: None,
        is_known: false,
        mailed: 0,
        replies: Replies::default(),
        is_call: false,
        is_revoked: false,
        fix: None,
        retelling: None,
        version: 0,
    };
    NewConversation {
        conversation,
        room: of(room, RoomKind::Conversation),
        notes: of(notes, RoomKind::Notes),
        guest: Guest {
            id: guest,
            room,
            name,
            created: at(number),
            marks: vec![],
            was: None,
            is_revoked: false,
        },
        secret: Some(SecretHash::of(&number.to_string())),
        first: text(room, 1, Who::Guest(guest), number, 12),
        turn: None,
        answered: None,
    }
}

/// A third open, of those most answered; some put off, spam, or labelled, the rest closed.
async fn converse(store: &Store, number: u64) -> anyhow::Result<()> {
    let (conversations, room) = (&store.conversations, room(number));
    let agent = Who::Account(AccountId::of(number % AGENTS));
    conversations.open_conversation(opening(number)).await?;
    if !number.is_multiple_of(5) {
        store.messages.post(text(room, 2, agent, number, 30)).await?;
        store.messages.post(text(RoomId::of(room.value() + 1), 3, agent, number, 8)).await?;
    }
    let change = match number % 12 {
        0 => ConversationChange::Snooze(at(number + 1_000_000)),
        1 => ConversationChange::Verdict(Verdict::Spam),
        2..=7 => ConversationChange::Close(agent),
        _ => ConversationChange::Reopen,
    };
    conversations.change_conversation(room, change, at(number)).await?;
    let label = if number.is_multiple_of(1_000) { "rare" } else { "late" };
    if number.is_multiple_of(10) {
        let labels = ConversationChange::Labels(vec![label.into()]);
        conversations.change_conversation(room, labels, at(number)).await?;
    }
    Ok(())
}

async fn fill(store: &Store, count: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for number in (caller..count).step_by(CALLERS as usize) {
                converse(&store, number).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    println!("{count} conversations by {CALLERS} callers: {:?}", began.elapsed());
    Ok(())
}

fn asked(folder: Folder) -> Asked {
    let (me, limit) = (AccountId::of(1), limits::CONVERSATIONS_A_PAGE_MAX);
    Asked { site: SITE, folder, me, label: None, text: String::new(), before: None, limit }
}

/// Behind the tenth page, where there is one.
async fn middle(store: &Store, folder: Folder) -> anyhow::Result<Option<(Millis, RoomId)>> {
    let mut before = None;
    for _ in 0..10 {
        let page = store.conversations.conversations(Asked { before, ..asked(folder) }).await?;
        before = page.last().map(|last| (order_of(folder, last), last.room)).or(before);
    }
    Ok(before)
}

async fn list(store: &Store, what: &str, asked: Asked) -> anyhow::Result<()> {
    let listed = async || Ok(store.conversations.conversations(asked.clone()).await?.len());
    let (found, times) = timed(listed).await?;
    told(&format!("{what}, {found} found"), times);
    Ok(())
}

async fn timed<T>(call: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<(T, Vec<Duration>)> {
    let (mut last, mut times) = (call().await?, Vec::new());
    for _ in 0..20 {
        let began = Instant::now();
        last = call().await?;
        times.push(began.elapsed());
    }
    Ok((last, times))
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    println!(
        "{what}: least {:?}, p50 {:?}, most {:?}",
        times[0],
        times[times.len() / 2],
        times[times.len() - 1]
    );
}
