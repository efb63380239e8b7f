//! Commits of repositories, told in rooms and in the conversations that they refer to.

use chat::{Listen, NewHook, Opening, Refused};
use commits::{Change, Commit, Event, Place, Push, Release, Repository};
use model::chat::{
    Conversation, ConversationState, Customer, Folder, Hook, Message, RoomKind, Side, TELLER, Verdict, Who,
};
use model::{MessageId, Millis, RoomId, limits};
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
        customers: false,
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
async fn a_branch_or_tag_that_moved_is_told_once_whatever_brings_it() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("", "")).await;
    let at = |place: Place, change: Change, head: Option<&str>| match push("x", vec![]) {
        Event::Push(push) => {
            vec![Event::Push(Push { place, change, head: head.map(str::to_owned), ..push })]
        }
        other => vec![other],
    };
    let moved = |head: &str| at(Place::branch("main"), Change::Moved, Some(head));
    assert_eq!(world.told(&hook, "d1", moved("aaaaaaa1")).await, 1);
    for again in ["d1", "d2"] {
        assert_eq!(world.told(&hook, again, moved("aaaaaaa1")).await, 0, "{again}");
    }
    assert_eq!(world.bodies(room).await, ["**Grace** moved branch `main` to `aaaaaaa` of `acme/shop`"]);
    // Back and forth is three moves.
    for (delivery, head) in [("d3", "bbbbbbb1"), ("d4", "aaaaaaa1"), ("d5", "bbbbbbb1")] {
        assert_eq!(world.told(&hook, delivery, moved(head)).await, 1, "{delivery}");
        assert_eq!(world.told(&hook, &format!("{delivery} again"), moved(head)).await, 0, "{delivery}");
    }
    // A branch is where its commits left it, and another is another.
    let commits = || match push("main", vec![commit("ccccccc1", "Fix")]) {
        Event::Push(push) => vec![Event::Push(Push { head: Some("ccccccc1".into()), ..push })],
        other => vec![other],
    };
    assert_eq!(world.told(&hook, "d6", commits()).await, 1);
    assert_eq!(world.told(&hook, "d7", commits()).await, 0, "the commit is shown, the branch is there");
    assert_eq!(world.told(&hook, "d8", moved("ccccccc1")).await, 0);
    assert_eq!(world.told(&hook, "d9", at(Place::branch("next"), Change::Made, Some("ccccccc1"))).await, 1);
    // What goes goes once, and may come again.
    for (kind, place) in [("branch", Place::branch("next")), ("tag", Place::tag("v1"))] {
        let made = || at(place.clone(), Change::Made, Some("ccccccc1"));
        let gone = || at(place.clone(), Change::Deleted, None);
        let told = |name: &str| format!("{kind} {name}");
        world.told(&hook, &told("made"), made()).await;
        for (delivery, event, count) in
            [("a", made(), 0), ("b", gone(), 1), ("c", gone(), 0), ("d", made(), 1), ("e", made(), 0)]
        {
            assert_eq!(world.told(&hook, &told(delivery), event).await, count, "{kind} {delivery}");
        }
    }
    // Of a forge that does not say where it is now nothing is known.
    let silent = || at(Place::branch("main"), Change::Moved, None);
    assert_eq!(world.told(&hook, "f1", silent()).await, 1);
    assert_eq!(world.told(&hook, "f2", silent()).await, 1);
}

#[tokio::test]
async fn many_commits_about_one_conversation_are_one_answer_and_close_it_once() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let closing = NewHook { closes: true, ..of("", "") };
    let hook = world.hooked(room, closing).await;
    let numbers =
        [world.says(&ann(), room, "Broken").await.number, world.says(&ann(), room, "Slow").await.number];
    let pushed = |count: usize, about: u64, from: usize| {
        let commits = (from..from + count)
            .map(|index| commit(&format!("{index:07x}1"), &format!("Part {index}\n\nfixes #{about}")));
        vec![push("main", commits.collect())]
    };
    let thread = |number| {
        let chat = world.chat.clone();
        async move { chat.thread(&ann(), room, number, 0).await.unwrap() }
    };
    // Ten each by itself, and one more folds.
    assert_eq!(world.told(&hook, "d1", pushed(10, numbers[0], 0)).await, 11);
    assert_eq!(thread(numbers[0]).await.len(), 10);
    assert_eq!(world.told(&hook, "d2", pushed(11, numbers[1], 100)).await, 2);
    assert_eq!(world.told(&hook, "d2", pushed(11, numbers[1], 100)).await, 0);
    let answers = thread(numbers[1]).await;
    let expected = "**Grace** pushed 11 commits that fix this: `main` of `acme/shop`\n- `000006e` `Part 110` · **Ada**\n- and 10 others";
    assert_eq!(answers.iter().map(|answer| answer.body.as_str()).collect::<Vec<_>>(), [expected]);
    for (number, last) in [(numbers[0], "Part 9"), (numbers[1], "Part 110")] {
        let closed = world.chat.message(&ann(), room, number).await.unwrap();
        assert_eq!(closed.fix.unwrap().commit.subject, last);
        assert!(closed.closed.unwrap().note.ends_with(last));
        assert_eq!(world.chat.history(&ann(), room, number).await.unwrap().len(), 1, "closed once");
    }
}

#[tokio::test]
async fn one_push_makes_so_many_answers_at_most() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hook = world.hooked(room, of("", "")).await;
    let mut numbers = Vec::new();
    for number in 0..51 {
        numbers.push(world.says(&ann(), room, &format!("Problem {number}")).await.number);
    }
    // Each of ten commits is about each: what would be 510 answers.
    let commits = (0..10).flat_map(|index| {
        numbers.chunks(17).enumerate().map(move |(part, some)| {
            let all: Vec<String> = some.iter().map(|number| format!("#{number}")).collect();
            commit(&format!("{index:06x}{part}1"), &format!("Part {index}\n\n{}", all.join(" ")))
        })
    });
    assert_eq!(world.told(&hook, "d1", vec![push("main", commits.collect())]).await, 1 + 50);
    let mut answered = 0;
    for number in &numbers {
        answered += usize::from(world.chat.message(&ann(), room, *number).await.unwrap().replies == 1);
    }
    assert_eq!(answered, 50, "each conversation once, but the last");
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

/// What opens a conversation, in which the customer of that number asks something.
fn asks(number: u64) -> Opening {
    Opening {
        secret: secret(&format!("customer {number}")),
        id: MessageId(number.into()),
        body: "The till does not add up".into(),
        customer: Customer { email: "ada@example.org".into(), ..Customer::default() },
        visitor: None,
        visitor_before: None,
        page: String::new(),
        title: String::new(),
        marks: vec![],
        spoken: None,
    }
}

impl World {
    async fn asked(&self, number: u64) -> Conversation {
        let site = self.store.sites.site(SITE).await.unwrap();
        self.chat.open_conversation(&site, asks(number)).await.unwrap().0
    }

    async fn now(&self, of: &Conversation) -> Conversation {
        self.store.conversations.conversation(of.room).await.unwrap()
    }

    async fn heard_in(&self, room: RoomId) -> Vec<(Who, String)> {
        let page = self.store.messages.page(room, At::After(0), 200).await.unwrap();
        page.into_iter().map(|message| (message.author, message.body)).collect()
    }
}

/// A hook by which customers hear.
fn to_customers(closes: bool) -> NewHook {
    NewHook { customers: true, closes, ..of("", "") }
}

const TOLD: Who = Who::Bot(TELLER);

#[tokio::test]
async fn a_commit_that_fixes_a_customers_problem_is_told_to_agents_and_proposes_to_close_it() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let (one, two) = (world.asked(1).await, world.asked(2).await);
    let hook = world.hooked(room, to_customers(false)).await;
    let message = format!(
        "Mend the till\n\nFixes {BASE}/sites/{SITE}/inbox/{}?folder=mine, see {}\nAnswer: It adds up again.",
        one.room, two.notes
    );
    let pushed = || vec![push("main", vec![commit("aaaaaaa1", &message)])];
    for delivery in ["d1", "d1", "d2"] {
        world.told(&hook, delivery, pushed()).await;
    }
    let rest = "this: `aaaaaaa` `Mend the till` · `main` of `acme/shop`";
    assert_eq!(world.heard_in(one.notes).await, [(TOLD, format!("**Ada** fixes {rest}"))]);
    assert_eq!(world.heard_in(two.notes).await, [(TOLD, format!("**Ada** refers to {rest}"))]);
    for asked in [&one, &two] {
        let heard = world.heard_in(asked.room).await;
        assert_eq!(heard.len(), 1, "the customer hears of it from people: {heard:?}");
    }
    let (now, other) = (world.now(&one).await, world.now(&two).await);
    let fix = now.fix.clone().unwrap();
    assert_eq!((fix.commit.id.as_str(), fix.answer.as_str()), ("aaaaaaa1", "It adds up again."));
    assert_eq!((now.state, other.fix), (ConversationState::Open, None));
    // The release that has it.
    let tagged = match push("x", vec![]) {
        Event::Push(push) => {
            Event::Push(Push { place: Place::tag("v1"), head: Some("aaaaaaa1".into()), ..push })
        }
        other => other,
    };
    world.told(&hook, "d3", vec![tagged]).await;
    assert_eq!(world.now(&one).await.fix.unwrap().release.as_deref(), Some("v1"));
    // Whom it is for is seen by who answers them.
    let known = world.chat.known(&admin(), &[room], "acme/shop").await.unwrap();
    let commits = &known.releases[0].commits;
    let (seen, _) = world.chat.concerned(&admin(), &known, commits).await.unwrap();
    let seen: Vec<_> =
        seen.iter().map(|one| (one.message.room, one.fixes, one.customers.is_some())).collect();
    assert_eq!(seen, [(one.room, true, true), (two.room, false, true)]);
    let (seen, beyond) = world.chat.concerned(&ann(), &known, commits).await.unwrap();
    assert!(seen.is_empty() && beyond == 0, "a viewer learns nothing of customers: {seen:?}");
}

#[tokio::test]
async fn a_hook_that_closes_tells_the_customer_once_and_closes() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let (one, two, three) = (world.asked(1).await, world.asked(2).await, world.asked(3).await);
    let hook = world.hooked(room, to_customers(true)).await;
    let message = format!("Till\n\nfixes {}\nAnswer: It adds up again.\nAnswer: Reload the page.", one.room);
    let plain = format!("Secret plans\n\nfixes {}", two.room);
    let pushed = || vec![push("main", vec![commit("aaaaaaa1", &message), commit("aaaaaaa2", &plain)])];
    for delivery in ["d1", "d1", "d2"] {
        world.told(&hook, delivery, pushed()).await;
    }
    let heard = |of: &Conversation| world.heard_in(of.room);
    assert_eq!(heard(&one).await[1..], [(TOLD, "It adds up again.\nReload the page.".to_owned())]);
    let words = "What you wrote about is fixed. Thank you for telling us.".to_owned();
    assert_eq!(heard(&two).await[1..], [(TOLD, words)], "what a commit is about is not for customers");
    for of in [&one, &two] {
        let now = world.now(of).await;
        assert_eq!((now.state, now.last_by), (ConversationState::Closed(TOLD), Side::Agent));
        assert_eq!(world.heard_in(of.notes).await.len(), 1);
    }
    // Who says that it is not stays heard, whatever comes again.
    let guest = model::rights::Principal::Guest { id: one.guest, room: one.room };
    world.says(&guest, one.room, "It is not").await;
    world.told(&hook, "d1", pushed()).await;
    assert_eq!(world.now(&one).await.state, ConversationState::Open);
    // Who is held for spam hears nothing, and stays held.
    let spam = store::chat::ConversationChange::Verdict(Verdict::Spam);
    world.store.conversations.change_conversation(three.room, spam, NOW).await.unwrap();
    let more = commit("aaaaaaa3", &format!("Fixes {}", three.room));
    world.told(&hook, "d3", vec![push("main", vec![more])]).await;
    assert_eq!(heard(&three).await.len(), 1);
    assert_eq!(world.now(&three).await.folder(), Folder::Spam);
}

#[tokio::test]
async fn who_lets_commits_into_conversations_answers_customers() {
    let world = World::new().await;
    let site = world.with_ann().await;
    let one = world.asked(1).await;
    // Bob hosts a room of the site, and is no agent of it.
    let chat = &world.chat;
    chat.enter(&bob(), site).await.unwrap();
    chat.set_role(&admin(), site, crate::world::who(4), model::chat::RoomRole::Host).await.unwrap();
    let customers = to_customers(true);
    assert_refused!(chat.add_hook(&bob(), site, customers.clone(), secret("x")), Refused::Forbidden);
    let hook = chat.add_hook(&bob(), site, of("", ""), secret("x")).await.unwrap();
    let fixes = |id: &str| vec![push("main", vec![commit(id, &format!("Fixes {}", one.room))])];
    world.told(&hook, "d1", fixes("aaaaaaa1")).await;
    assert_eq!(
        (world.heard_in(one.notes).await, world.now(&one).await.fix),
        (vec![], None),
        "it is not let in"
    );
    let listen = Listen { customers: true, ..Listen::default() };
    assert_refused!(chat.change_hook(&bob(), site, hook.id, listen.clone()), Refused::Forbidden);
    let hook = chat.change_hook(&admin(), site, hook.id, listen.clone()).await.unwrap();
    // What it is now is not his to widen, nor to take over.
    assert_refused!(chat.change_hook(&bob(), site, hook.id, listen), Refused::Forbidden);
    assert_refused!(chat.renew_hook(&bob(), site, hook.id, secret("y"), "s".into()), Refused::Forbidden);
    world.told(&hook, "d2", fixes("aaaaaaa2")).await;
    assert_eq!(world.heard_in(one.notes).await.len(), 1);
    let off = chat.change_hook(&bob(), site, hook.id, Listen::default()).await.unwrap();
    assert!(!off.customers);
    // A room of another site, or of none, tells them nothing.
    let installation =
        chat::NewRoom { site: None, kind: RoomKind::Open, name: "All".into(), zone: "UTC".into() };
    let all = chat.open_room(&operator(), installation).await.unwrap().id;
    assert_refused!(chat.add_hook(&operator(), all, customers.clone(), secret("z")), Refused::Invalid(_));
    let elsewhere = chat::NewRoom {
        site: Some(crate::world::OTHER_SITE),
        kind: RoomKind::Open,
        name: "Other".into(),
        zone: "UTC".into(),
    };
    let elsewhere = chat.open_room(&operator(), elsewhere).await.unwrap().id;
    let hook = chat.add_hook(&operator(), elsewhere, customers, secret("w")).await.unwrap();
    world.told(&hook, "d3", fixes("aaaaaaa3")).await;
    assert_eq!(world.heard_in(one.notes).await.len(), 1);
}
