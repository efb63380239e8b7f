//! Promises of `Conversations` about where agents look: folders, pages, labels, texts, counts.

use std::collections::BTreeSet;

use model::chat::{Change, Conversation, ConversationState, Customer, Folder, Verdict, Who};
use model::{AccountId, RoomId, SiteId, limits};

use super::chat::{ANN, at};
use super::conversations::{ME, OTHER, SITE, asked, mail, of_customer, of_site, opening, proven, rooms};
use super::fixtures::LATER;
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit};
use crate::chat::{Asked, ConversationChange, Counts, Search};

on_every_backend! {
    each_folder_lists_what_is_in_it,
    pages_have_neither_holes_nor_doubles,
    a_list_is_limited_to_a_label,
    a_text_is_found_in_what_was_said_in_notes_and_in_names,
    a_text_is_looked_for_as_it_stands,
    counts_are_what_the_folders_list,
    those_with_the_same_customer_are_listed,
    what_was_put_off_is_opened_when_it_is_due,
    no_site_sees_those_of_another,
}

/// Seven: 1 waits and is nobody's, 2 is mine, 3 another's, 4 put off, 5 closed, 6 held, 7 spam.
async fn sorted(world: &World) {
    for number in 1..=7 {
        let mut new = opening(number);
        if number == 6 {
            new.conversation.verdict = Verdict::Held;
        }
        world.opened_as(new).await;
    }
    let room = |number| opening(number).room.id;
    world.posted(room(2), 900, ANN, "an answer").await;
    world.became(room(3), ConversationChange::Assign(Some(OTHER))).await;
    world.became(room(4), ConversationChange::Snooze(LATER)).await;
    world.became(room(5), ConversationChange::Close(ANN)).await;
    world.became(room(7), ConversationChange::Verdict(Verdict::Spam)).await;
}

const FOLDERS: [(Folder, &[u64]); 9] = [
    (Folder::Open, &[2, 3, 1]),
    (Folder::Snoozed, &[4]),
    (Folder::Closed, &[5]),
    (Folder::Held, &[6]),
    (Folder::Spam, &[7]),
    (Folder::Mine, &[2]),
    (Folder::Unassigned, &[1]),
    (Folder::Waiting, &[1, 3]),
    (Folder::All, &[2, 5, 4, 3, 1]),
];

async fn each_folder_lists_what_is_in_it(world: World) {
    sorted(&world).await;
    for (folder, expected) in FOLDERS {
        assert_eq!(world.listed(folder).await, expected, "{folder:?}");
    }
    let of_other = Asked { me: OTHER, ..asked(Folder::Mine) };
    assert_eq!(world.list(of_other).await, [3]);
    world.became(opening(3).room.id, ConversationChange::Block(true)).await;
    assert_eq!(world.listed(Folder::Spam).await, [7, 3], "what a blocked customer says is for nobody");
    assert_eq!(world.listed(Folder::Open).await, [2, 1]);
    world.became(opening(6).room.id, ConversationChange::Verdict(Verdict::Ham)).await;
    assert_eq!(world.listed(Folder::Waiting).await, [1, 6]);
}

async fn pages_have_neither_holes_nor_doubles(world: World) {
    let many = limits::CONVERSATIONS_A_PAGE_MAX as u64 + 3;
    for number in 1..=many {
        // Three of each moment.
        let mut new = opening(number);
        new.first.at = at(number / 3);
        world.opened_as(new).await;
    }
    let latest_first: Vec<u64> = (1..=many).rev().collect();
    let longest_first: Vec<u64> = (1..=many).collect();
    for limit in [1, 2, 7, limits::CONVERSATIONS_A_PAGE_MAX] {
        for folder in [Folder::Open, Folder::Unassigned, Folder::All] {
            let paged = world.pages(Asked { limit, ..asked(folder) }).await;
            assert_eq!(paged, latest_first, "{folder:?} by {limit}");
        }
        let paged = world.pages(Asked { limit, ..asked(Folder::Waiting) }).await;
        assert_eq!(paged, longest_first, "by {limit}");
    }
    let most = Asked { limit: usize::MAX, ..asked(Folder::Open) };
    assert_eq!(world.list(most).await.len(), limits::CONVERSATIONS_A_PAGE_MAX);
    assert_eq!(world.list(Asked { limit: 0, ..asked(Folder::Open) }).await.len(), 1);
}

async fn a_list_is_limited_to_a_label(world: World) {
    for number in 1..=5 {
        world.opened(number).await;
    }
    let labels: [&[&str]; 5] = [
        &["tax"],
        &["tax", "tax return"],
        &["TAX", "%"],
        &["tax return"],
        &["a,\"tax\"", "\u{1f}\"vat\"\u{1f}"],
    ];
    for (number, labels) in (1..).zip(labels) {
        let labels = labels.iter().map(|label| label.to_string()).collect();
        world.became(opening(number).room.id, ConversationChange::Labels(labels)).await;
    }
    let expected: [(&str, &[u64]); 9] = [
        ("tax", &[2, 1]),
        ("tax return", &[4, 2]),
        ("TAX", &[3]),
        ("%", &[3]),
        ("a,\"tax\"", &[5]),
        ("\u{1f}\"vat\"\u{1f}", &[5]),
        ("vat", &[]),
        ("ta", &[]),
        ("", &[]),
    ];
    for (label, expected) in expected {
        let of_label = Asked { label: Some(label.into()), ..asked(Folder::Open) };
        assert_eq!(world.list(of_label.clone()).await, expected, "{label}");
        assert_eq!(world.pages(Asked { limit: 1, ..of_label }).await, expected, "{label}");
    }
}

async fn a_text_is_found_in_what_was_said_in_notes_and_in_names(world: World) {
    for number in 1..=6 {
        world.opened(number).await;
    }
    let room = |number| opening(number).room.id;
    world.posted(room(1), 101, ANN, "Your parcel is in MALTA, at the harbour").await;
    world.posted(opening(2).notes.id, 102, ANN, "the malta post is slow").await;
    let named = Customer { name: "Malta Ltd".into(), ..mail("Ann.O@Example.org") };
    world.became(room(3), ConversationChange::Customer(named)).await;
    world.became(room(4), ConversationChange::Customer(proven("U-17 Überlingen"))).await;
    world.became(room(4), ConversationChange::Close(ANN)).await;
    let found = async |folder, text: &str| world.list(Asked { text: text.into(), ..asked(folder) }).await;
    let expected: [(&str, &[u64]); 12] = [
        ("malta", &[1, 3, 2]),
        ("  Malta ", &[1, 3, 2]),
        ("malta harbour", &[1]),
        ("harbour, malta!", &[1]),
        ("slow", &[2]),
        ("malta ltd", &[3]),
        ("ann.o@example", &[3]),
        ("überl", &[4]),
        ("u-17 Ü", &[4]),
        ("customer 5", &[5]),
        ("alta", &[3]),
        ("nothing of that", &[]),
    ];
    for (text, expected) in expected {
        assert_eq!(found(Folder::All, text).await, expected, "{text}");
        let paged = world.pages(Asked { text: text.into(), limit: 1, ..asked(Folder::All) }).await;
        assert_eq!(paged, expected, "{text}");
    }
    assert_eq!(found(Folder::Closed, "über").await, [4]);
    assert_eq!(found(Folder::Open, "über").await, [0_u64; 0], "within the folder alone");
    let edit = Change::Edit { body: "in Gozo".into(), mentions: vec![] };
    world.store.messages.change(room(1), 2, ANN, LATER, edit).await.unwrap();
    assert_eq!(found(Folder::All, "harbour").await, [0_u64; 0]);
    assert_eq!(found(Folder::All, "gozo").await, [1], "as it says now");
    world.store.messages.change(opening(2).notes.id, 1, ANN, LATER, Change::Remove).await.unwrap();
    assert_eq!(found(Folder::All, "slow").await, [0_u64; 0]);
    let words = |count: usize| (0..count).map(|word| format!("w{word} ")).collect::<String>();
    assert_eq!(found(Folder::All, &words(limits::SEARCH_WORDS_MAX)).await, [0_u64; 0]);
    let over = Asked { text: words(limits::SEARCH_WORDS_MAX + 1), ..asked(Folder::All) };
    assert_refused!(
        world.store.conversations.conversations(over),
        Limit { max: limits::SEARCH_WORDS_MAX, .. }
    );
}

async fn a_text_is_looked_for_as_it_stands(world: World) {
    let names =
        ["100% wool", "100 wool", "a_b", "axb", r"c:\temp", "c:temp", "$who", "(x|y)*", "nul\u{0}l", "'\""];
    for (number, name) in (1..).zip(names) {
        let named = Customer { name: name.into(), ..Customer::default() };
        let mut new = of_customer(named, opening(number));
        new.first.body = "…".into();
        world.opened_as(new).await;
    }
    let expected: [(&str, &[u64]); 11] = [
        ("%", &[1]),
        ("100%", &[1]),
        ("_", &[3]),
        ("a_b", &[3]),
        ("\\", &[5]),
        (r"c:\t", &[5]),
        ("$who", &[7]),
        ("(x|y)*", &[8]),
        ("l\u{0}l", &[9]),
        ("'\"", &[10]),
        (".", &[]),
    ];
    for (text, expected) in expected {
        let found = world.list(Asked { text: text.into(), ..asked(Folder::Open) }).await;
        assert_eq!(found, expected, "{text:?}");
    }
}

async fn counts_are_what_the_folders_list(world: World) {
    let counts = async || world.store.conversations.count_conversations(SITE, ME).await.unwrap();
    assert_eq!(counts().await, Counts::default());
    sorted(&world).await;
    let expected =
        Counts { open: 3, mine: 1, unassigned: 1, waiting: 2, snoozed: 1, closed: 1, held: 1, spam: 1 };
    assert_eq!(counts().await, expected);
    let of_other = world.store.conversations.count_conversations(SITE, OTHER).await.unwrap();
    assert_eq!(of_other, Counts { mine: 1, ..expected });
    let mut rng = fastrand::Rng::with_seed(17);
    for step in 0..60 {
        let new = opening(rng.u64(1..=7));
        let by = Who::Account(AccountId::of(rng.u64(1..=2)));
        let change = match rng.u8(0..8) {
            0 => ConversationChange::Assign(rng.bool().then_some(ME)),
            1 => ConversationChange::Close(by),
            2 => ConversationChange::Reopen,
            3 => ConversationChange::Snooze(LATER),
            4 => ConversationChange::Verdict(if rng.bool() { Verdict::Spam } else { Verdict::Ham }),
            5 => ConversationChange::Block(rng.bool()),
            who => {
                let author = if who == 6 { by } else { Who::Guest(new.guest.id) };
                world.posted(new.room.id, 2_000 + step, author, "and so on").await;
                continue;
            }
        };
        match world.store.conversations.change_conversation(new.room.id, change, LATER).await {
            Ok(_) | Err(Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
        if step % 10 == 0 {
            recount(&world, counts().await).await;
        }
    }
    recount(&world, counts().await).await;
}

async fn recount(world: &World, counts: Counts) {
    let listed = async |folder| world.listed(folder).await.len() as u64;
    let recounted = Counts {
        open: listed(Folder::Open).await,
        mine: listed(Folder::Mine).await,
        unassigned: listed(Folder::Unassigned).await,
        waiting: listed(Folder::Waiting).await,
        snoozed: listed(Folder::Snoozed).await,
        closed: listed(Folder::Closed).await,
        held: listed(Folder::Held).await,
        spam: listed(Folder::Spam).await,
    };
    assert_eq!(counts, recounted);
    assert_eq!(counts.open + counts.snoozed + counts.closed + counts.held + counts.spam, 7);
}

async fn those_with_the_same_customer_are_listed(world: World) {
    let claimed = Customer { proven: false, ..proven("u-17") };
    let customers = [
        mail("ann@example.org"),
        mail("Ann@Example.ORG"),
        mail("bob@example.org"),
        Customer { email: "ann@example.org".into(), ..proven("u-17") },
        proven("u-17"),
        claimed,
        Customer::default(),
        Customer::default(),
    ];
    for (number, customer) in (1..).zip(customers) {
        world.opened_as(of_customer(customer, opening(number))).await;
    }
    let earlier =
        async |number| rooms(&world.store.conversations.earlier(opening(number).room.id).await.unwrap());
    let expected: [&[u64]; 8] = [&[2], &[1], &[], &[5], &[4], &[], &[], &[]];
    for (number, expected) in (1..).zip(expected) {
        assert_eq!(earlier(number).await, expected, "{number}");
    }
    let of_notes = world.store.conversations.earlier(opening(1).notes.id).await.unwrap();
    assert_eq!(rooms(&of_notes), [2]);
    world.became(opening(3).room.id, ConversationChange::Customer(mail("ann@example.org"))).await;
    assert_eq!(earlier(1).await, [3, 2], "from then on");
    let many = limits::EARLIER_MAX as u64;
    for number in 20..20 + many {
        world.opened_as(of_customer(mail("ann@example.org"), opening(number))).await;
    }
    let last: Vec<u64> = (20..20 + many).rev().collect();
    assert_eq!(earlier(1).await, last, "the last of them");
}

async fn what_was_put_off_is_opened_when_it_is_due(world: World) {
    for number in 1..=4 {
        let opened = world.opened(number).await;
        world.became(opened.room, ConversationChange::Snooze(at(100 * number))).await;
    }
    let (first, second, third) = (opening(1).room.id, opening(2).room.id, opening(3).room.id);
    // What happened to it meanwhile stays as it is.
    world.became(second, ConversationChange::Close(ANN)).await;
    let wake = async |number| world.store.conversations.wake(at(number)).await.unwrap();
    assert_eq!(wake(99).await, []);
    let before = world.conversation(first).await;
    assert_eq!(wake(100).await, [first]);
    let woken = Conversation { state: ConversationState::Open, version: before.version + 1, ..before };
    assert_eq!(world.conversation(first).await, woken);
    assert_eq!(wake(300).await, [third]);
    assert_eq!(wake(300).await, []);
    assert_eq!(world.listed(Folder::Open).await, [3, 1]);
    assert_eq!((world.listed(Folder::Snoozed).await, world.listed(Folder::Closed).await), (vec![4], vec![2]));
    let many = limits::CONVERSATIONS_A_PAGE_MAX as u64 + 1;
    for number in 10..10 + many {
        let opened = world.opened(number).await;
        world.became(opened.room, ConversationChange::Snooze(at(500 + number))).await;
    }
    let (some, rest) = (wake(900).await, wake(900).await);
    assert_eq!((some.len(), rest.len()), (limits::CONVERSATIONS_A_PAGE_MAX, 2));
    let each: BTreeSet<RoomId> = some.into_iter().chain(rest).collect();
    assert_eq!(each.len() as u64, many + 1, "each once");
}

async fn no_site_sees_those_of_another(world: World) {
    let other = SiteId::of(2);
    world.opened_as(of_customer(mail("ann@example.org"), opening(1))).await;
    world.opened_as(of_site(other, of_customer(mail("ann@example.org"), opening(2)))).await;
    let (conversations, messages) = (&world.store.conversations, &world.store.messages);
    for (site, own) in [(SITE, 1), (other, 2)] {
        for text in ["", "question", "ann@"] {
            let all = Asked { site, text: text.into(), ..asked(Folder::All) };
            assert_eq!(world.list(all).await, [own], "{text}");
        }
        assert_eq!(conversations.count_conversations(site, ME).await.unwrap().open, 1);
        assert_eq!(conversations.earlier(opening(own).room.id).await.unwrap(), []);
        let search = Search { inbox: Some(site), text: "question".into(), limit: 9, ..Search::default() };
        let found = messages.search(search).await.unwrap();
        let places: Vec<_> = found.iter().map(|message| message.room).collect();
        assert_eq!(places, [opening(own).room.id]);
    }
    let none = Search { inbox: Some(SiteId::of(3)), limit: 9, ..Search::default() };
    assert_eq!(messages.search(none).await.unwrap(), []);
    let nowhere = Search { limit: 9, ..Search::default() };
    assert_eq!(messages.search(nowhere).await.unwrap(), []);
}
