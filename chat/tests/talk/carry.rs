//! Rooms as a file, and back: the same lines in every store; nobody gains a right; what is torn or hostile changes nothing.

#[path = "carry/hostile.rs"]
mod hostile;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use chat::carry::{Archive, Line, Outcome, Own, Packed, Target, pack, unpack};
use chat::{Coming, Consented, Deed, Opening, Post, Refused, Upload};
use futures_util::stream;
use model::chat::{
    Arrival, Arrived, ArrivedCommit, Change, Conversation, Customer, Fix, MessageKind, NamedCommit, Notify,
    Rating, Replies, RoomKind, Verdict, Who,
};
use model::rights::Principal;
use model::{BotId, BrowserId, MessageId, Millis, RoomId, UploadId, VisitorId, VisitorKey, limits};
use servers::mongodb;
use sha2::{Digest, Sha256};
use store::accounts::SecretHash;
use store::chat::{ConversationChange, Place, RoomChange, Search};
use store::{Access, Credential, Embedded, MongoStore, Store};

use hostile::rewritten;

use crate::world::{NOW, SITE, World, admin, ann, assert_refused, bob, operator, secret, text, who};

const LATER: Millis = Millis(NOW.0 + 5_000);

/// A room of the installation where some of everything was said, and a direct one.
async fn lively(world: &World) -> RoomId {
    let chat = &world.chat;
    let new = chat::NewRoom { site: None, kind: RoomKind::Open, name: "Tea \"<&".into(), zone: "UTC".into() };
    let room = chat.open_room(&admin(), new).await.unwrap().id;
    chat.enter(&ann(), room).await.unwrap();
    chat.set_link(&admin(), room, secret("link"), Some("$argon2id$secret".into())).await.unwrap();
    let coming = Coming {
        name: "Gus".into(),
        knows_password: true,
        marks: vec![[7; 32]],
        secret: SecretHash::of("gus"),
    };
    let guest = chat.admit(secret("link"), coming).await.unwrap();
    let gus = world.access.principal(&Credential::Guest("gus".into())).await.unwrap();
    let bot = chat.add_bot(&operator(), "Deploys", secret("bot")).await.unwrap().id;
    chat.bring(&admin(), room, Who::Bot(bot)).await.unwrap();
    let first = world
        .says(&ann(), room, &format!("hello @{}, @{} and @{}", Who::Guest(guest.id), who(2), who(4)))
        .await;
    world.says(&gus, room, &format!("hello @{}\u{1}\u{2028}", who(3))).await;
    for number in 0..250 {
        world.says(&Principal::Bot { id: bot }, room, &format!("deployed {number}")).await;
    }
    let answer = Post { thread: Some(first.number), ..text("an answer") };
    chat.post(&admin(), room, answer).await.unwrap();
    let long = format!("x{}", "\u{1}".repeat(limits::PASTE_BYTES_MAX - 1));
    let paste = Post { kind: MessageKind::Paste, ..text(&long) };
    let paste = chat.post(&ann(), room, paste).await.unwrap().message;
    let change = |by: Principal, number: u64, change: Change| async move {
        world.chat.change(&by, room, number, change).await.unwrap();
    };
    for body in ["one", "two @AC-00000002", "three"] {
        change(ann(), first.number, Change::Edit { body: body.into(), mentions: vec![] }).await;
    }
    change(admin(), first.number, Change::Decide).await;
    change(gus.clone(), first.number, Change::React { emoji: "👍".into() }).await;
    change(ann(), first.number, Change::React { emoji: "👍".into() }).await;
    change(admin(), first.number, Change::Close { note: "brewed".into() }).await;
    change(gus.clone(), first.number + 1, Change::Remove).await;
    for (by, number) in [(ann(), first.number), (gus.clone(), first.number), (admin(), paste.number)] {
        chat.star(&by, room, number, true).await.unwrap();
    }
    for (id, bytes) in [(1, limits::FILE_PART_BYTES + 17), (2, 0)] {
        let upload = Upload { id: UploadId(id), name: format!("file {id}.bin"), bytes: None };
        let body = Bytes::from(vec![id as u8; bytes]);
        let body = stream::iter([Ok::<_, std::io::Error>(body)]);
        let (file, _) = chat.upload(&ann(), room, upload, body).await.unwrap();
        let post = Post { files: vec![file.id], ..text("") };
        chat.post(&ann(), room, post).await.unwrap();
    }
    world.store.hooks.arrive(room, vec![arrival(2), arrival(1)]).await.unwrap();
    chat.kick(&admin(), room, Who::Guest(guest.id)).await.unwrap();
    chat.read_to(&ann(), room, 17).await.unwrap();
    let direct = chat.direct(&ann(), Some(SITE), vec![who(4)]).await.unwrap().id;
    world.says(&bob(), direct, "between us").await;
    chat.change_room(&admin(), room, RoomChange::Topic("leaves".into())).await.unwrap();
    room
}

fn arrival(number: u64) -> Arrival {
    let commit =
        NamedCommit { id: number.to_string(), subject: "Fix it".into(), author: "Ada".into(), link: None };
    let what = ArrivedCommit { branch: "main".into(), commit, about: vec![] };
    Arrival { repository: "acme/shop".into(), at: NOW, what: Arrived::Commit(what) }
}

async fn packed(store: &Store, room: Option<RoomId>) -> (Vec<u8>, Packed) {
    let mut bytes = Vec::new();
    let packed = pack(store, room, Own::Kept, &mut bytes).await.unwrap();
    (bytes, packed)
}

fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("rooms.tar");
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn taken(store: &Store, bytes: &[u8]) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(&written(folder.path(), bytes))?;
    unpack(&archive, &Target { store, site: Some(SITE), now: LATER }, |_| {}).await
}

/// The lines of a room, as an archive has them.
fn lines_of(bytes: &[u8], room: RoomId) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(&written(folder.path(), bytes)).unwrap();
    let mut lines = Vec::new();
    let each = archive.each_line(room, |line| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        Ok(())
    });
    each.unwrap();
    lines
}

async fn fresh() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    (folder, store)
}

#[tokio::test]
async fn what_went_out_comes_in_and_goes_out_the_same_in_every_store() {
    let world = World::new().await;
    let room = lively(&world).await;
    let (one, of_one) = packed(&world.store, Some(room)).await;
    assert_eq!((of_one.rooms, of_one.files), (1, 2));
    let (all, of_all) = packed(&world.store, None).await;
    assert_eq!((of_all.rooms, of_all.files), (2, 2));
    assert_eq!(lines_of(&one, room), lines_of(&all, room));
    let (_folder, embedded) = fresh().await;
    let cluster = MongoStore::open(&mongodb::shared_uri("carry_rooms")).await.unwrap();
    let site = model::Site { id: SITE, ..world.store.sites.site(SITE).await.unwrap() };
    let mut bytes = all.clone();
    for store in [&embedded, &cluster] {
        store.accounts.offer_set_up(secret("set up")).await.unwrap();
        let operator = store::accounts::NewAccount {
            id: model::AccountId::of(77),
            name: "Op".into(),
            email: "op@example.org".into(),
            password_phc: "none".into(),
        };
        store.accounts.set_up(secret("set up"), operator, NOW).await.unwrap();
        store.sites.add(site.clone(), model::AccountId::of(77)).await.unwrap();
        let outcome = taken(store, &bytes).await.unwrap();
        assert_eq!((outcome.rooms, outcome.files, outcome.known), (2, 2, 0));
        assert_eq!(outcome.messages, of_all.messages);
        let again = taken(store, &bytes).await.unwrap();
        assert_eq!(again, Outcome { known: 2, ..Outcome::default() });
        (bytes, _) = packed(store, None).await;
        assert!(bytes == all, "{}", differ(&all, &bytes, room));
        let search = Search { rooms: vec![room], text: "deployed 249".into(), limit: 9, ..Search::default() };
        assert_eq!(store.messages.search(search).await.unwrap().len(), 1);
    }
    world.chat.demolish(&admin(), room).await.unwrap();
    let outcome = taken(&world.store, &bytes).await.unwrap();
    assert_eq!((outcome.rooms, outcome.known), (1, 1));
    let (back, _) = packed(&world.store, None).await;
    assert!(back == all, "{}", differ(&all, &back, room));
    assert!(
        world.store.rooms.member(room, who(2)).await.unwrap().is_some(),
        "whoever is known is who they were"
    );
    world.says(&ann(), room, "and on it goes").await;
    assert_eq!(taken(&world.store, &all).await.unwrap().known, 2, "what was said since is no difference");
    cluster.close().await;
}

/// The first line that is another.
fn differ(one: &[u8], other: &[u8], room: RoomId) -> String {
    let (one, other) = (lines_of(one, room), lines_of(other, room));
    let found = one.iter().zip(&other).find(|(one, other)| one != other);
    format!("{} and {} lines, {found:?}", one.len(), other.len())
}

#[tokio::test]
async fn whoever_is_not_known_is_there_by_name_and_may_nothing() {
    let world = World::new().await;
    let room = lively(&world).await;
    let (bytes, _) = packed(&world.store, Some(room)).await;
    let (_folder, store) = fresh().await;
    taken(&store, &bytes).await.unwrap();
    assert!(store.rooms.members(room).await.unwrap().is_empty());
    assert_eq!(store.rooms.link_of(room).await.unwrap(), None);
    let messages = store.messages.page(room, Place::After(0), 9).await.unwrap();
    let chat = chat_over(&store, &world);
    let names = chat.names_in(&messages).await.unwrap();
    let by: Vec<&str> = messages.iter().map(|message| chat::told::named(message.author, &names)).collect();
    assert!(["Person 3", "Gus", "Deploys"].iter().all(|name| by.contains(name)), "{by:?}");
    for number in 1..=4 {
        let by = Principal::Account { id: model::AccountId::of(number), operator: false };
        assert_refused!(chat.post(&by, room, text("still here")), Refused::Forbidden | Refused::NotFound);
    }
    let access = Access::new(&store, world.clock.clone());
    assert!(access.principal(&Credential::Guest("gus".into())).await.is_err());
    assert!(store.rooms.bots().await.unwrap().iter().all(|bot| bot.id != BotId::of(0)));
    assert_eq!(store.outbox.fanned(room).await.unwrap(), Some(messages_in(&store, room).await));
}

async fn messages_in(store: &Store, room: RoomId) -> u64 {
    store.rooms.room(room).await.unwrap().last
}

fn chat_over(store: &Store, world: &World) -> chat::Chat {
    let access = Access::new(store, world.clock.clone());
    chat::Chat::new(store.clone(), access, world.live.clone(), world.clock.clone())
}

#[tokio::test]
async fn no_secret_goes_out() {
    let world = World::new().await;
    let room = lively(&world).await;
    let (bytes, _) = packed(&world.store, None).await;
    let text = String::from_utf8_lossy(&bytes);
    for secret in ["argon2", "example.org", "none\"", "marks", "secret", "password"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let hash = Sha256::digest("link");
    assert!(!bytes.windows(32).any(|window| window == &hash[..]));
    assert_refused!(world.chat.export(&ann(), room), Refused::Forbidden);
    assert_refused!(world.chat.export(&Principal::Stranger, room), Refused::NotFound);
    let turns: Vec<_> =
        [world.chat.export(&admin(), room).await, world.chat.export(&operator(), room).await].into();
    assert!(turns.iter().all(Result::is_ok));
    assert_refused!(world.chat.export(&admin(), room), Refused::Limit { max: 1, .. });
}

#[tokio::test]
async fn a_hosts_archive_has_nothing_that_is_each_members_own() {
    let world = World::new().await;
    let room = lively(&world).await;
    let (whole, _) = packed(&world.store, Some(room)).await;
    assert!(lines_of(&whole, room).iter().any(|line| line.contains("\"kind\":\"star\"")));
    let mut bytes = Vec::new();
    world.chat.export(&admin(), room).await.unwrap().pack(&mut bytes).await.unwrap();
    let last = world.store.rooms.room(room).await.unwrap().last;
    for line in lines_of(&bytes, room) {
        match serde_json::from_str(&line).unwrap() {
            Line::Star(_) => panic!("whose star it is"),
            Line::Member(member) => assert_eq!((member.read, member.notify), (last, Notify::default())),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_is_said_behind_a_lock_stays_there() {
    let world = World::new().await;
    let room = lively(&world).await;
    world.chat.change_room(&admin(), room, RoomChange::Lock).await.unwrap();
    world.says(&admin(), room, "between us two").await;
    let (bytes, _) = packed(&world.store, Some(room)).await;
    assert!(!String::from_utf8_lossy(&bytes).contains("between us two"));
    let (_folder, store) = fresh().await;
    taken(&store, &bytes).await.unwrap();
    assert_eq!(packed(&store, Some(room)).await.0, bytes);
}

#[tokio::test]
async fn a_room_is_of_one_moment_while_people_talk() {
    let world = World::new().await;
    let room = lively(&world).await;
    let talking = async {
        for number in 0..60 {
            world.says(&ann(), room, &format!("meanwhile {number}")).await;
            let change = Change::Edit { body: format!("edited {number}"), mentions: vec![] };
            world.chat.change(&ann(), room, 5 + number % 2, change).await.ok();
        }
    };
    let packing = async {
        let mut archives = Vec::new();
        for _ in 0..8 {
            archives.push(packed(&world.store, Some(room)).await.0);
        }
        archives
    };
    let ((), archives) = tokio::join!(talking, packing);
    for bytes in archives {
        let (_folder, store) = fresh().await;
        taken(&store, &bytes).await.unwrap();
    }
}

#[tokio::test]
async fn another_room_in_its_place_and_an_older_one_are_refused() {
    let world = World::new().await;
    let room = lively(&world).await;
    let (before, _) = packed(&world.store, Some(room)).await;
    world.says(&ann(), room, "more").await;
    let (after, _) = packed(&world.store, Some(room)).await;
    let (_folder, store) = fresh().await;
    taken(&store, &before).await.unwrap();
    let refused = format!("{:#}", taken(&store, &after).await.unwrap_err());
    assert!(refused.contains("fewer messages"), "{refused}");
    let other = rewritten(&before, room, |line| {
        if let Line::Message(message) = line {
            message.id = MessageId(message.id.0 ^ 1);
        }
    });
    let refused = format!("{:#}", taken(&store, &other).await.unwrap_err());
    assert!(refused.contains("another room"), "{refused}");
    assert_eq!(packed(&store, Some(room)).await.0, before);
}

/// A conversation that was closed and rated, with notes and a file, and one that is held.
async fn conversed(world: &World) -> [Conversation; 2] {
    let site = world.store.sites.site(SITE).await.unwrap();
    let opening = |number: u128| Opening {
        secret: secret(&format!("wfc_{number}")),
        id: MessageId(number),
        body: format!("The till does not add up {number}"),
        customer: Customer {
            name: "Ada".into(),
            email: "ada@customer.example".into(),
            identity: "u-17".into(),
            proven: true,
        },
        visitor: Some(VisitorKey { visitor: VisitorId(0xabcd_ef01), browser: BrowserId(0x2345_6789) }),
        visitor_before: None,
        page: "https://shop.example/till".into(),
        title: "Till".into(),
        marks: vec![[9; 32]],
        spoken: None,
    };
    let (one, _) = world.chat.open_conversation(&site, opening(1)).await.unwrap();
    let guest = Principal::Guest { id: one.guest, room: one.room };
    let upload = Upload { id: UploadId(7), name: "till.bin".into(), bytes: None };
    let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![7; 4_000]))]);
    let (file, _) = world.chat.upload(&guest, one.room, upload, body).await.unwrap();
    world.chat.post(&guest, one.room, Post { files: vec![file.id], ..text("See here") }).await.unwrap();
    world.says(&admin(), one.room, "It does now").await;
    world.says(&operator(), one.notes, "between us agents").await;
    let deed = async |deed| world.chat.look_after(&admin(), SITE, one.room, deed).await.unwrap();
    deed(Deed::Labels(vec!["till".into()])).await;
    deed(Deed::RevokeReplies).await;
    let change =
        async |room, change| world.store.conversations.change_conversation(room, change, NOW).await.unwrap();
    let commit = NamedCommit { id: "a1".into(), subject: "Till".into(), author: "Bo".into(), link: None };
    let fix = Fix { repository: "acme/shop".into(), commit, release: None, answer: String::new() };
    change(one.room, ConversationChange::Fix(fix)).await;
    deed(Deed::Close).await;
    let rating = Rating { score: 5, words: "quick".into() };
    let one = change(one.room, ConversationChange::Rate(rating)).await;
    let other = Opening { secret: secret("wfc_other"), visitor: None, ..opening(2) };
    let (two, _) = world.chat.open_conversation(&site, other).await.unwrap();
    let two = change(two.room, ConversationChange::Verdict(Verdict::Held)).await;
    [one, two]
}

#[tokio::test]
async fn conversations_come_with_both_rooms_and_nobody_is_let_in_by_them() {
    let world = World::new().await;
    let [one, two] = conversed(&world).await;
    let (all, of_all) = packed(&world.store, None).await;
    assert_eq!((of_all.rooms, of_all.conversations, of_all.files), (4, 2, 1));
    for room in [one.room, one.notes] {
        let (alone, of_one) = packed(&world.store, Some(room)).await;
        assert_eq!((of_one.rooms, of_one.conversations), (2, 1), "either room names both");
        assert_eq!(lines_of(&alone, one.room), lines_of(&all, one.room));
    }
    let text = String::from_utf8_lossy(&all);
    for secret in ["abcdef01", "23456789", "wfc_", "wfl_", "marks", "replies\":{\"revoked\":1"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let (_folder, embedded) = fresh().await;
    let cluster = MongoStore::open(&mongodb::shared_uri("carry_conversations")).await.unwrap();
    let mut again: Option<Vec<u8>> = None;
    for store in [&embedded, &cluster] {
        let outcome = taken(store, again.as_ref().unwrap_or(&all)).await.unwrap();
        assert_eq!((outcome.rooms, outcome.conversations, outcome.files, outcome.known), (4, 2, 1, 0));
        assert_eq!(taken(store, &all).await.unwrap(), Outcome { known: 4, ..Outcome::default() });
        for (of, body) in [(&one, "The till does not add up 1"), (&two, "The till does not add up 2")] {
            let came = store.conversations.conversation(of.notes).await.unwrap();
            let expected = Conversation {
                // Nobody of them is known here.
                assignee: None,
                state: if of.is_closed() { came.state } else { of.state },
                customer: Customer { proven: false, ..of.customer.clone() },
                visitor: None,
                replies: Replies::default(),
                learned: None,
                is_revoked: true,
                ..of.clone()
            };
            assert_eq!(came, expected);
            assert_eq!(came.is_closed(), of.is_closed());
            let first = store.messages.message(of.room, 1).await.unwrap();
            assert_eq!((first.body.as_str(), first.author), (body, Who::Guest(of.guest)));
        }
        let noted = store.messages.page(one.notes, Place::After(0), 9).await.unwrap();
        assert!(noted.iter().any(|message| message.body == "between us agents"));
        let access = Access::new(store, world.clock.clone());
        let theirs = Credential::Token("wfc_1".into());
        assert!(access.principal(&theirs).await.is_err());
        assert!(store.rooms.guests(vec![one.guest]).await.unwrap().iter().all(|guest| guest.is_revoked));
        assert!(store.rooms.members(one.room).await.unwrap().is_empty());
        let (bytes, _) = packed(store, None).await;
        if let Some(before) = &again {
            assert!(*before == bytes, "{}", differ(before, &bytes, one.room));
        }
        again = Some(bytes);
    }
    // Here everybody is who they were.
    world.chat.demolish(&admin(), one.room).await.unwrap();
    assert_eq!(taken(&world.store, &all).await.unwrap().conversations, 1);
    let back = world.store.conversations.conversation(one.room).await.unwrap();
    assert_eq!((back.assignee, back.state, back.rating), (one.assignee, one.state, one.rating.clone()));
    cluster.close().await;
}

#[tokio::test]
async fn what_was_told_again_goes_without_the_way_back() {
    let world = World::new().await;
    let [one, _] = conversed(&world).await;
    let new = chat::NewRoom { site: None, kind: RoomKind::Open, name: "Help".into(), zone: "UTC".into() };
    let public = world.chat.open_room(&admin(), new).await.unwrap().id;
    world.store.rooms.change(public, RoomChange::Public(true), None).await.unwrap();
    let ask = Deed::Retell(Some((public, "The till".into())));
    let asked = world.chat.look_after(&admin(), SITE, one.room, ask).await.unwrap().retelling.unwrap();
    let guest = Principal::Guest { id: one.guest, room: one.room };
    let yes = Consented { asked: asked.asked, yes: true, named: false };
    world.chat.consent(&guest, SITE, yes).await.unwrap();
    let said = world.store.messages.page(public, Place::End, 9).await.unwrap();
    assert!(said.iter().all(|message| message.retold == Some(one.room)), "it is there to be left out");
    let (bytes, _) = packed(&world.store, Some(public)).await;
    let lines = lines_of(&bytes, public).concat();
    assert!(
        lines.contains("The till does not add up 1") && !lines.contains(&one.room.to_string()),
        "{lines}"
    );
    let (whole, _) = packed(&world.store, Some(one.room)).await;
    assert!(!lines_of(&whole, one.room).concat().contains("retelling"));
    let retold = format!(r#","retold":"{}","changed""#, one.room);
    let hostile = hostile::with_lines(&bytes, public, &lines.replace(r#","changed""#, &retold));
    let (_folder, store) = fresh().await;
    assert_eq!(taken(&store, &hostile).await.unwrap().rooms, 1);
    let came = store.messages.page(public, Place::End, 9).await.unwrap();
    assert_eq!((came.len(), came.iter().filter(|message| message.retold.is_some()).count()), (said.len(), 0));
    store.close().await;
}

#[tokio::test]
async fn half_a_conversation_is_refused() {
    let world = World::new().await;
    let [one, _] = conversed(&world).await;
    let (whole, _) = packed(&world.store, Some(one.room)).await;
    let (_folder, store) = fresh().await;
    let lines = lines_of(&whole, one.room);
    let changed = |change: &dyn Fn(&mut Conversation)| {
        let mut lines = lines.clone();
        let Line::Conversation(mut of) = serde_json::from_str(&lines[1]).unwrap() else {
            panic!("{}", lines[1])
        };
        change(&mut of);
        lines[1] = Line::Conversation(of).text();
        hostile::with_lines(&whole, one.room, &lines.concat())
    };
    let without = [&lines[..1], &lines[2..]].concat().concat();
    for (why, bytes) in [
        ("does not say so", hostile::with_lines(&whole, one.room, &without)),
        ("another room", changed(&|of| of.room = RoomId::of(9))),
        ("do not stand before it", changed(&|of| of.notes = RoomId::of(9))),
        ("of another site", changed(&|of| of.site = model::SiteId::of(9))),
        ("bytes in a name", changed(&|of| of.customer.name = "a".repeat(limits::NAME_BYTES_MAX + 1))),
        ("cannot be shown", changed(&|of| of.customer.name = "a\nb".into())),
        ("leads to no page", changed(&|of| of.page = "javascript:alert(1)".into())),
        ("more messages", changed(&|of| of.last = 99)),
        ("of how it begins", changed(&|of| of.preview = "a".repeat(limits::PREVIEW_BYTES_MAX + 1))),
        ("lies nowhere", changed(&|of| of.opened = Millis(-1))),
        ("and not the conversation", hostile::only(&whole, one.notes)),
        ("do not stand before it", hostile::only(&whole, one.room)),
    ] {
        let refused = format!("{:#}", taken(&store, &bytes).await.unwrap_err());
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert!(store.carrying.every_conversation(None).await.unwrap().is_empty());
    let twice = [&lines[..2], &lines[1..]].concat().concat();
    let refused = taken(&store, &hostile::with_lines(&whole, one.room, &twice)).await.unwrap_err();
    assert!(format!("{refused:#}").contains("two conversations"), "{refused:#}");
    assert_eq!(taken(&store, &whole).await.unwrap().conversations, 1);
}

#[tokio::test]
async fn a_room_of_a_site_that_is_not_here_needs_one() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let (bytes, _) = packed(&world.store, Some(room)).await;
    let (folder, store) = fresh().await;
    let archive = Archive::open(&written(folder.path(), &bytes)).unwrap();
    let target = Target { store: &store, site: None, now: LATER };
    let refused = format!("{:#}", unpack(&archive, &target, |_| {}).await.unwrap_err());
    assert!(refused.contains("--site"), "{refused}");
    assert!(store.carrying.every_room(None).await.unwrap().is_empty());
    taken(&store, &bytes).await.unwrap();
    assert_eq!(store.rooms.room(room).await.unwrap().site, Some(SITE));
}
