//! Commits of repositories, told in rooms and in the conversations that they refer to.

use chat::{NewHook, Refused};
use commits::{Change, Commit, Event, Place, Push, Release, Repository};
use model::chat::{Hook, Message, RoomKind};
use model::{Millis, RoomId, limits};
use store::chat::Place as At;
use store::saved::SavedKind;

use crate::world::{NOW, SITE, World, admin, ann, assert_refused, bob, operator, outsider, secret, text};

const BASE: &str = "https://watchfire.example";

fn commit(id: &str, message: &str) -> Commit {
    Commit {
        id: id.into(),
        author: "Ada".into(),
        message: message.into(),
        when: None,
        link: None,
        distinct: true,
    }
}

fn push(branch: &str, commits: Vec<Commit>) -> Event {
    Event::Push(Push {
        repository: Repository { name: "acme/shop".into(), link: None },
        place: Place::branch(branch),
        change: Change::Moved,
        by: Some("Grace".into()),
        head: Some("abcdef0123".into()),
        compare: None,
        commits,
        unlisted: Some(0),
    })
}

fn of(repositories: &str, branches: &str) -> NewHook {
    NewHook {
        repositories: repositories.into(),
        branches: branches.into(),
        closes: false,
        secret: "signed".into(),
    }
}

fn release(repository: &str) -> Event {
    Event::Release(Release {
        repository: Repository { name: repository.into(), link: None },
        tag: "v1".into(),
        name: "v1".into(),
        text: String::new(),
        link: None,
        when: None,
        by: None,
        early: false,
    })
}

impl World {
    async fn hooked(&self, room: RoomId, hook: NewHook) -> Hook {
        let address = secret(&format!("{hook:?}{room}"));
        self.chat.add_hook(&admin(), room, hook, address).await.unwrap()
    }

    async fn told(&self, hook: &Hook, delivery: &str, events: Vec<Event>) -> usize {
        self.chat.tell_commits(hook, delivery, events, BASE).await.unwrap()
    }

    /// What was said, notes left out.
    async fn said(&self, room: RoomId) -> Vec<Message> {
        let page = self.chat.page(&ann(), room, At::After(0), 200).await.unwrap();
        page.messages.into_iter().filter(|message| !message.body.is_empty()).collect()
    }

    async fn bodies(&self, room: RoomId) -> Vec<String> {
        self.said(room).await.into_iter().map(|message| message.body).collect()
    }
}

#[tokio::test]
async fn a_push_is_told_once_however_often_it_is_delivered() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("", "")).await;
    let one = || vec![push("main", vec![commit("aaaaaaa1", "Fix"), commit("aaaaaaa2", "Tidy")])];
    assert_eq!(world.told(&hook, "d1", one()).await, 1);
    let expected = "**Grace** pushed 2 commits to `main` of `acme/shop`\n- `aaaaaaa` `Fix` · **Ada**\n- `aaaaaaa` `Tidy` · **Ada**";
    assert_eq!(world.bodies(room).await, [expected]);
    world.told(&hook, "d1", one()).await;
    assert_eq!(world.bodies(room).await, [expected]);
    // Another delivery with what was shown, and something new.
    let more = vec![push("next", vec![commit("aaaaaaa2", "Tidy"), commit("aaaaaaa3", "More")])];
    world.told(&hook, "d2", more).await;
    let expected = "**Grace** pushed 1 commit to `next` of `acme/shop`\n- `aaaaaaa` `More` · **Ada**";
    assert_eq!(world.bodies(room).await[1..], [expected]);
    assert_eq!(world.said(room).await[0].author.to_string(), "BT-CDQPTVB9");
}

#[tokio::test]
async fn only_what_the_room_follows_is_told() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("ACME/*, !acme/old", "main release/*")).await;
    let of_branch = |branch: &str| push(branch, vec![commit(branch, "Fix")]);
    let of_repository = |name: &str| match of_branch("main") {
        Event::Push(push) => {
            Event::Push(Push { repository: Repository { name: name.into(), link: None }, ..push })
        }
        other => other,
    };
    let tag = match of_branch("x") {
        Event::Push(push) => Event::Push(Push { place: Place::tag("v1"), commits: vec![], ..push }),
        other => other,
    };
    let events = vec![
        of_branch("main"),
        of_branch("release/1"),
        of_branch("wip"),
        of_repository("acme/old"),
        of_repository("other/shop"),
        tag,
        release("acme/shop"),
        release("acme/old"),
    ];
    assert_eq!(world.told(&hook, "d1", events).await, 4);
    let said = world.bodies(room).await;
    assert!(said[0].contains("to `main`") && said[1].contains("to `release/1`"), "{said:?}");
    assert!(said[2].contains("tag `v1`"), "{said:?}");
    assert_eq!(said[3], "Somebody released `v1` of `acme/shop`");
    assert_eq!(world.told(&hook, "d2", vec![]).await, 0);
}

#[tokio::test]
async fn a_commit_is_told_in_the_conversations_that_it_refers_to() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("", "")).await;
    let problem = world.says(&ann(), room, "The till is broken").await.number;
    let answer = chat::Post { thread: Some(problem), ..text("Indeed") };
    let answer = world.chat.post(&admin(), room, answer).await.unwrap().message.number;
    let other = world.says(&ann(), room, "Another").await.number;
    let gone = world.says(&ann(), room, "Gone").await.number;
    world.chat.change(&ann(), room, gone, model::chat::Change::Remove).await.unwrap();
    let elsewhere = world.room(RoomKind::Open).await.id;
    let message = format!(
        "Mend the till\n\nFixes #{problem}, see #{gone} #999 #{answer}\n{BASE}/rooms/{elsewhere}/messages/1\nConversation: {BASE}/rooms/{room}/messages/{other}"
    );
    let pushed = || vec![push("main", vec![commit("aaaaaaa1", &message), commit("aaaaaaa2", "Tidy")])];
    world.told(&hook, "d1", pushed()).await;
    let thread = |number| {
        let chat = world.chat.clone();
        async move {
            let thread = chat.thread(&ann(), room, number, 0).await.unwrap();
            thread.into_iter().map(|message| message.body).collect::<Vec<_>>()
        }
    };
    let rest = "this: `aaaaaaa` `Mend the till` · `main` of `acme/shop`";
    assert_eq!(thread(problem).await, ["Indeed".to_owned(), format!("**Ada** fixes {rest}")]);
    assert_eq!(thread(other).await, [format!("**Ada** refers to {rest}")]);
    // Neither by the same delivery, nor by another with the same commit.
    world.told(&hook, "d1", pushed()).await;
    world.told(&hook, "d2", pushed()).await;
    assert_eq!(thread(problem).await.len(), 2);
    assert_eq!(thread(other).await.len(), 1);
    assert_eq!(world.chat.page(&admin(), elsewhere, At::After(0), 200).await.unwrap().messages.len(), 0);
}

#[tokio::test]
async fn hooks_are_for_who_configures_the_room() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let chat = &world.chat;
    for by in [ann(), bob()] {
        assert_refused!(chat.add_hook(&by, room, of("", ""), secret("x")), Refused::Forbidden);
        assert_refused!(chat.hooks(&by, room), Refused::Forbidden);
    }
    assert_refused!(chat.add_hook(&outsider(), room, of("", ""), secret("x")), Refused::NotFound);
    let hook = chat.add_hook(&operator(), room, of("", ""), secret("x")).await.unwrap();
    assert_eq!(chat.hooks(&admin(), room).await.unwrap(), std::slice::from_ref(&hook));
    assert_eq!(chat.hook(secret("x")).await.unwrap(), hook);
    assert_refused!(chat.hook(secret("y")), Refused::NotFound);
    assert_refused!(chat.remove_hook(&ann(), room, hook.id), Refused::Forbidden);
    chat.remove_hook(&admin(), room, hook.id).await.unwrap();
    assert_refused!(chat.hook(secret("x")), Refused::NotFound);
    let bad = of("!", "");
    assert_refused!(chat.add_hook(&admin(), room, bad, secret("x")), Refused::Invalid(_));
}

#[tokio::test]
async fn a_push_of_any_size_fits_into_a_message() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("", "")).await;
    let long = |number: usize| {
        let link = format!("https://forge.example/{}{number}", "(".repeat(450));
        Commit {
            link: Some(link),
            author: "*".repeat(200),
            ..commit(&format!("{number:040}"), &"x".repeat(4_000))
        }
    };
    for count in [10, 11, 2_048] {
        let pushed = push("main", (0..count).map(|number| long(count * 10_000 + number)).collect());
        world.told(&hook, &count.to_string(), vec![pushed]).await;
    }
    let said = world.bodies(room).await;
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|body| body.len() <= limits::MESSAGE_BYTES_MAX));
    assert!(said[0].ends_with("\n- …") && said[2].contains("2048 commits"));
}

#[tokio::test]
async fn a_release_is_noted_on_the_charts_of_the_rooms_site() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("", "")).await;
    let released = |name: &str, when: Option<i64>| match release("acme/shop") {
        Event::Release(release) => {
            Event::Release(Release { name: name.into(), when: when.map(Millis), ..release })
        }
        other => other,
    };
    let long = "é".repeat(100);
    for _ in 0..2 {
        let events =
            vec![released("v1", Some(5_000)), released(&long, Some(i64::MAX)), released("now", None)];
        world.told(&hook, "d1", events).await;
    }
    let saved = world.store.saved.all(SITE).await.unwrap();
    let mut notes: Vec<_> = saved.iter().map(|note| (note.at, note.name.as_str(), note.kind)).collect();
    notes.sort_by_key(|(at, name, _)| (*at, name.len()));
    let kind = SavedKind::Annotation;
    let cut = "é".repeat(limits::NAME_BYTES_MAX / 2);
    let expected =
        [(Some(Millis(5_000)), "v1", kind), (Some(NOW), "now", kind), (Some(NOW), cut.as_str(), kind)];
    assert_eq!(notes, expected);
    assert!(saved.iter().any(|note| note.body == r#"{"text":"v1"}"#));
}
