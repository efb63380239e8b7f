//! A shop with a full inbox: its agents, and conversations of which the first have customers who are there. Written into the store of a program that is stopped, as the program itself would.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join_all;
use model::chat::{
    Conversation, ConversationState, Customer, Guest, MessageKind, NewMessage, Replies, Room, RoomKind, Side,
    Verdict, Who,
};
use model::{
    AccountId, Clock, GuestId, InvitationId, MessageId, Millis, Role, RoomId, SiteId, SystemClock, limits,
};
use store::Store;
use store::accounts::{Invitation, NewAccount, SecretHash, SignIn};
use store::chat::{ConversationChange, NewConversation};

use super::{Scale, started};
use crate::process::Watchfire;

/// Openings that share a transaction.
const TOGETHER: usize = 200;
const DAY: Duration = Duration::from_secs(86_400);

pub struct Shop {
    /// Of those with customers who are there.
    pub rooms: Vec<RoomId>,
    pub secrets: Vec<String>,
    /// Of agents.
    pub cookies: Vec<String>,
}

pub async fn fill(watchfire: Watchfire, scale: Scale) -> anyhow::Result<(Watchfire, Shop)> {
    let Watchfire { program, mut place, folder } = watchfire;
    let form = [("on", "on"), ("colour", "#b8400e"), ("side", "right"), ("asks_email", "on")];
    let switched = place.owner.post(&format!("/sites/{}/chat", place.site), &form).await;
    ensure!(switched.status.is_redirection(), "{}", switched.text());
    ensure!(program.terminate(Duration::from_secs(20)).await, "the program stops");
    let began = Instant::now();
    let store = store::embedded::Embedded::open(folder.path())?;
    let cookies = hire(&store, place.site, scale.agents).await?;
    let numbers: Vec<u64> = (0..scale.filled).collect();
    for some in numbers.chunks(TOGETHER) {
        try_join_all(some.iter().map(|number| converse(&store, place.site, scale, *number))).await?;
    }
    store.close().await;
    drop(store);
    eprintln!("{} conversations were stored in {:.0} s", scale.filled, began.elapsed().as_secs_f64());
    let program = started(folder.path()).await;
    (place.door, place.hub) = (program.address, program.address);
    place.owner = place.owner.at(program.address);
    let open = 0..scale.open as u64;
    let shop = Shop { rooms: open.clone().map(room).collect(), secrets: open.map(secret).collect(), cookies };
    Ok((Watchfire { program, place, folder }, shop))
}

/// Agents of the site, signed in; their cookies.
async fn hire(store: &Store, site: SiteId, count: usize) -> anyhow::Result<Vec<String>> {
    let now = SystemClock.now();
    let owner = store.accounts.account_by_email("b@watchfire.example").await?.id;
    let mut cookies = Vec::with_capacity(count);
    for number in 0..count as u64 {
        let (code, words) = (SecretHash::of(&format!("code {number}")), format!("{number:052}"));
        let (id, role, expires) = (InvitationId::of(number + 1), Role::Agent, now.plus(DAY));
        let invitation = Invitation { id, site, role, by: owner, note: String::new(), created: now, expires };
        store.accounts.invite(invitation, code).await?;
        let account = agent(number);
        let (name, email) = (format!("Agent {number}"), format!("agent.{number}@watchfire.example"));
        let new = NewAccount { id: account, name, email, password_phc: "none".into() };
        store.accounts.accept_as_new(code, new, now).await?;
        let (secret, agent) = (SecretHash::of(&words), "Firefox".to_owned());
        store
            .accounts
            .open_sign_in(SignIn { secret, account, created: now, expires, agent, marks: Vec::new() })
            .await?;
        cookies.push(format!("watchfire={words}"));
    }
    Ok(cookies)
}

fn agent(number: u64) -> AccountId {
    AccountId::of(1_000_000 + number)
}

fn room(number: u64) -> RoomId {
    RoomId::of(2_000_000 + 2 * number)
}

fn secret(number: u64) -> String {
    format!("wfc_{number:043}")
}

/// A third is open, most of it answered; some is put off, spam, labelled, the rest closed. Those whose customers are there are open.
async fn converse(store: &Store, site: SiteId, scale: Scale, number: u64) -> anyhow::Result<()> {
    let (room, at) = (room(number), at(number));
    let by = Who::Account(agent(number % scale.agents as u64));
    store.conversations.open_conversation(opening(site, number)).await?;
    if !number.is_multiple_of(5) {
        store.messages.post(text(room, 2, by, number)).await?;
    }
    let is_there = number < scale.open as u64;
    let change = match number % 12 {
        _ if is_there => ConversationChange::Reopen,
        0 => ConversationChange::Snooze(SystemClock.now().plus(DAY)),
        1 => ConversationChange::Verdict(Verdict::Spam),
        2..=7 => ConversationChange::Close(by),
        _ => ConversationChange::Reopen,
    };
    store.conversations.change_conversation(room, change, at).await?;
    if number.is_multiple_of(10) {
        let label = if number.is_multiple_of(1_000) { "rare" } else { "late" };
        let labels = ConversationChange::Labels(vec![label.into()]);
        store.conversations.change_conversation(room, labels, at).await?;
    }
    Ok(())
}

/// Minutes of the last days.
fn at(number: u64) -> Millis {
    SystemClock.now().minus(DAY * 10).plus(Duration::from_secs(60 * number))
}

/// Few words often, many seldom, and one that nobody else says.
fn text(room: RoomId, id: u128, author: Who, number: u64) -> NewMessage {
    let mut rng = fastrand::Rng::with_seed(number.wrapping_mul(31).wrapping_add(id as u64));
    let mut words: Vec<String> =
        (0..20).map(|_| format!("w{}", (1.0 / (rng.f64() + 0.0005)) as u64)).collect();
    words.push(format!("own{number}"));
    NewMessage {
        room,
        id: MessageId(id),
        author,
        kind: MessageKind::Text,
        body: words.join(" "),
        thread: None,
        mentions: Vec::new(),
        files: Vec::new(),
        at: at(number),
    }
}

fn opening(site: SiteId, number: u64) -> NewConversation {
    let (room, guest, opened) = (room(number), GuestId::of(number + 1), at(number));
    let notes = RoomId::of(room.value() + 1);
    let name = format!("Ann {number}");
    let email = format!("ann.{}@example.org", number / 3);
    let conversation = Conversation {
        room,
        notes,
        site,
        guest,
        customer: Customer { name: name.clone(), email, ..Customer::default() },
        visitor: None,
        page: "https://shop.example/basket?step=2".into(),
        title: "Your basket".into(),
        state: ConversationState::Open,
        verdict: Verdict::Ham,
        was_held: false,
        blocked: false,
        assignee: None,
        labels: Vec::new(),
        opened,
        last: 0,
        last_at: opened,
        last_by: Side::Customer,
        preview: String::new(),
        waiting_since: None,
        first_answer_at: None,
        closed_at: None,
        rating: None,
        learned: None,
        is_known: true,
        mailed: 0,
        replies: Replies::default(),
        is_call: false,
        is_revoked: false,
        fix: None,
        retelling: None,
        version: 0,
    };
    let guest = Guest { id: guest, room, name, created: opened, marks: vec![], was: None, is_revoked: false };
    NewConversation {
        first: text(room, 1, Who::Guest(guest.id), number),
        conversation,
        room: of(room, site, RoomKind::Conversation, opened),
        notes: of(notes, site, RoomKind::Notes, opened),
        guest,
        secret: Some(SecretHash::of(&secret(number))),
        turn: None,
        answered: None,
    }
}

fn of(id: RoomId, site: SiteId, kind: RoomKind, created: Millis) -> Room {
    Room {
        id,
        site: Some(site),
        kind,
        name: String::new(),
        topic: String::new(),
        zone: "UTC".into(),
        public: false,
        locked: false,
        members_max: limits::ROOM_MEMBERS_MAX,
        created,
        by: None,
        last: 0,
        changes: 0,
        last_at: Millis(0),
    }
}
