//! Promises of `Messages` about reading: pages, catching up, days, search.

use model::chat::{Change, Message, MessageKind, NewMessage, Note, RoomRole};
use model::{Millis, RoomId, limits};

use super::chat::{ANN, BOB, EVE, ROOM, at, member, note, room, text};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::Limit;
use crate::chat::{Place, RoomChange, Search};

on_every_backend! {
    pages_go_both_ways_without_a_gap,
    a_page_is_bounded_whatever_is_asked_for,
    a_day_is_what_happened_from_one_moment_to_another,
    who_catches_up_by_change_misses_nothing,
    a_search_finds_whole_words_in_any_case,
    a_search_is_within_author_kind_and_time,
    a_search_finds_nothing_of_a_room_that_is_not_asked_for,
    a_search_follows_edits_and_forgets_what_is_removed,
    notes_and_what_a_lock_hides_are_not_found,
    found_messages_come_newest_first_page_by_page,
    a_search_is_bounded,
    a_search_does_not_take_its_words_for_orders,
}

const NONE: [u64; 0] = [];

fn numbers(page: Vec<Message>) -> Vec<u64> {
    page.iter().map(|message| message.number).collect()
}

async fn pages_go_both_ways_without_a_gap(world: World) {
    world.talking().await;
    for number in 1..=7 {
        world.said(number, ANN, "m").await;
    }
    let messages = &world.store.messages;
    let (mut back, mut before) = (Vec::new(), Place::End);
    loop {
        let page = messages.page(ROOM, before, 3).await.unwrap();
        let Some(first) = page.first() else {
            break;
        };
        before = Place::Before(first.number);
        back.splice(..0, page);
    }
    assert_eq!(numbers(back), (1..=7).collect::<Vec<_>>());
    let (mut on, mut behind) = (Vec::new(), 0);
    loop {
        let page = messages.page(ROOM, Place::After(behind), 3).await.unwrap();
        let Some(last) = page.last() else {
            break;
        };
        behind = last.number;
        on.extend(page);
    }
    assert_eq!(numbers(on), (1..=7).collect::<Vec<_>>());
}

async fn a_page_is_bounded_whatever_is_asked_for(world: World) {
    world.talking().await;
    let max = limits::MESSAGES_A_PAGE_MAX;
    for number in 1..=max as u128 + 1 {
        world.said(number, ANN, "m").await;
    }
    let messages = &world.store.messages;
    for asked in [max, max + 1, usize::MAX] {
        assert_eq!(messages.page(ROOM, Place::End, asked).await.unwrap().len(), max);
        assert_eq!(messages.touched(ROOM, 0, asked).await.unwrap().len(), max);
        let search = Search { rooms: vec![ROOM], text: "m".into(), limit: asked, ..Search::default() };
        assert_eq!(messages.search(search).await.unwrap().len(), max);
    }
    assert_eq!(messages.page(ROOM, Place::End, 0).await.unwrap().len(), 1);
    let from = |place| messages.page(ROOM, place, 3);
    assert_eq!(numbers(from(Place::End).await.unwrap()), [199, 200, 201]);
    assert_eq!(numbers(from(Place::Before(3)).await.unwrap()), [1, 2]);
    assert_eq!(numbers(from(Place::Before(199)).await.unwrap()), [196, 197, 198]);
    assert_eq!(numbers(from(Place::After(0)).await.unwrap()), [1, 2, 3]);
    assert_eq!(numbers(from(Place::After(200)).await.unwrap()), [201]);
    assert_eq!(from(Place::After(u64::MAX)).await.unwrap(), []);
    assert_eq!(from(Place::Before(1)).await.unwrap(), []);
    assert_eq!(messages.page(RoomId::of(2), Place::End, 9).await.unwrap(), []);
}

async fn a_day_is_what_happened_from_one_moment_to_another(world: World) {
    world.talking().await;
    for (id, number) in (1..).zip([1, 2, 2, 5, 9]) {
        world.store.messages.post(NewMessage { at: at(number), ..text(id, ANN, "m") }).await.unwrap();
    }
    let between = |from, to| world.store.messages.page(ROOM, Place::Between(from, to), 9);
    assert_eq!(numbers(between(at(2), at(9)).await.unwrap()), [2, 3, 4]);
    assert_eq!(numbers(between(at(9), Millis(i64::MAX)).await.unwrap()), [5]);
    assert_eq!(numbers(between(Millis(i64::MIN), at(2)).await.unwrap()), [1]);
    assert_eq!(numbers(between(Millis(at(2).0 + 1), Millis(at(5).0 + 1)).await.unwrap()), [4]);
    assert_eq!(between(at(6), at(6)).await.unwrap(), []);
}

/// By somebody who hears nothing and asks now and then, in pages of three.
async fn who_catches_up_by_change_misses_nothing(world: World) {
    world.talking().await;
    let messages = &world.store.messages;
    let mut rng = fastrand::Rng::with_seed(7);
    let (mut known, mut kept) = (0, std::collections::BTreeMap::new());
    for round in 1..=120_u128 {
        let last = world.store.rooms.room(ROOM).await.unwrap().last;
        let number = rng.u64(1..=last.max(1));
        let changed = match rng.u8(..6) {
            0 if last > 0 => {
                let body = format!("edited in {round}");
                messages
                    .change(ROOM, number, ANN, at(1), Change::Edit { body, mentions: vec![] })
                    .await
                    .is_ok()
            }
            1 if last > 0 => {
                messages.change(ROOM, number, BOB, at(1), Change::React { emoji: "👍".into() }).await.is_ok()
            }
            2 if last > 0 && round % 3 == 0 => {
                messages.change(ROOM, number, ANN, at(1), Change::Remove).await.is_ok()
            }
            3 if last > 0 => {
                messages.post(NewMessage { thread: Some(number), ..text(round, ANN, "m") }).await.is_ok()
            }
            _ => messages.post(text(round, ANN, "m")).await.is_ok(),
        };
        if changed && rng.u8(..7) > 0 && round < 120 {
            continue;
        }
        loop {
            let touched = messages.touched(ROOM, known, 3).await.unwrap();
            assert!(touched.is_sorted_by(|one, two| one.changed < two.changed));
            let Some(last) = touched.last() else {
                break;
            };
            known = last.changed;
            kept.extend(touched.into_iter().map(|message| (message.number, message)));
        }
    }
    let whole = world.whole().await;
    assert!(whole.len() > 20 && whole.iter().any(|message| message.removed.is_some()));
    assert_eq!(kept.into_values().collect::<Vec<_>>(), whole);
}

async fn found(world: &World, search: Search) -> Vec<u64> {
    numbers(world.store.messages.search(Search { limit: 50, ..search }).await.unwrap())
}

fn words(text: &str) -> Search {
    Search { rooms: vec![ROOM], text: text.into(), ..Search::default() }
}

async fn a_search_finds_whole_words_in_any_case(world: World) {
    world.talking().await;
    for (number, body) in (1..).zip([
        "The cart's total_price is WRONG",
        "carts are fine",
        "東京タワーに行きました",
        "die Straße in Ü",
        "see https://example.org/cart?id=7",
    ]) {
        world.said(number, ANN, body).await;
    }
    for (text, expected) in [
        ("cart", &[5, 1][..]),
        ("CART wrong", &[1]),
        ("wrong cart", &[1]),
        ("cart nothing", &[]),
        ("price", &[1]),
        ("carts", &[2]),
        ("東京", &[3]),
        ("東", &[3]),
        ("東行", &[]),
        ("straße", &[4]),
        ("ü", &[4]),
        ("example.org", &[5]),
        ("", &[5, 4, 3, 2, 1]),
        ("  ", &[5, 4, 3, 2, 1]),
        ("!?", &[]),
        ("🎉", &[]),
        ("%", &[]),
        ("\"", &[]),
        ("🎉 carts", &[2]),
    ] {
        assert_eq!(found(&world, words(text)).await, expected, "{text}");
    }
}

async fn a_search_is_within_author_kind_and_time(world: World) {
    world.talking().await;
    for number in 1..=6 {
        let kind = if number % 3 == 0 { MessageKind::Paste } else { MessageKind::Text };
        let author = if number % 2 == 0 { BOB } else { ANN };
        world.store.messages.post(NewMessage { kind, ..text(number, author, "tea") }).await.unwrap();
    }
    let bob = Search { author: Some(BOB), ..words("tea") };
    assert_eq!(found(&world, bob.clone()).await, [6, 4, 2]);
    let paste = Search { kind: Some(MessageKind::Paste.number()), ..words("") };
    assert_eq!(found(&world, paste.clone()).await, [6, 3]);
    assert_eq!(found(&world, Search { text: "🎉".into(), ..paste }).await, NONE, "no word is in it");
    assert_eq!(found(&world, Search { kind: Some(1), ..bob.clone() }).await, [4, 2]);
    assert_eq!(found(&world, Search { from: Some(at(2)), to: Some(at(5)), ..words("tea") }).await, [4, 3, 2]);
    assert_eq!(found(&world, Search { from: Some(at(3)), ..bob }).await, [6, 4]);
    assert_eq!(found(&world, Search { author: Some(EVE), ..words("tea") }).await, NONE);
}

async fn a_search_finds_nothing_of_a_room_that_is_not_asked_for(world: World) {
    world.talking().await;
    let two = RoomId::of(2);
    world.store.rooms.open(room(2), vec![member(two, BOB, RoomRole::Host)]).await.unwrap();
    world.said(1, ANN, "tea").await;
    world.store.messages.post(NewMessage { room: two, ..text(2, BOB, "tea") }).await.unwrap();
    let rooms = |rooms: &[RoomId]| Search { rooms: rooms.to_vec(), limit: 9, ..words("tea") };
    let search = |of: Search| async { world.store.messages.search(of).await.unwrap() };
    let found: Vec<RoomId> = search(rooms(&[ROOM, two])).await.iter().map(|message| message.room).collect();
    assert_eq!(found, [two, ROOM]);
    assert_eq!(search(rooms(&[two])).await.len(), 1);
    assert_eq!(search(rooms(&[two])).await[0].room, two);
    assert_eq!(search(rooms(&[RoomId::of(3)])).await, []);
    assert_eq!(search(rooms(&[])).await, []);
    let mark_of_two = format!("\u{E000}r{}", two.value());
    assert_eq!(search(Search { text: format!("tea {mark_of_two}"), ..rooms(&[ROOM]) }).await, []);
}

async fn a_search_follows_edits_and_forgets_what_is_removed(world: World) {
    world.talking().await;
    world.said(1, ANN, "green tea").await;
    world.said(2, ANN, "black tea").await;
    let messages = &world.store.messages;
    let edit = Change::Edit { body: "green coffee".into(), mentions: vec![] };
    messages.change(ROOM, 1, ANN, at(5), edit).await.unwrap();
    messages.change(ROOM, 2, BOB, at(5), Change::React { emoji: "👍".into() }).await.unwrap();
    assert_eq!(found(&world, words("tea")).await, [2]);
    assert_eq!(found(&world, words("green coffee")).await, [1]);
    messages.change(ROOM, 1, ANN, at(6), Change::Remove).await.unwrap();
    assert_eq!(found(&world, words("coffee")).await, NONE);
    assert_eq!(found(&world, words("")).await, [2]);
    let world = world.reopened().await;
    assert_eq!(found(&world, words("tea")).await, [2]);
    assert_eq!(found(&world, words("green")).await, NONE);
}

async fn notes_and_what_a_lock_hides_are_not_found(world: World) {
    world.talking().await;
    let told = NewMessage { body: "tea".into(), ..note(1, ANN, Note::Topic) };
    world.store.rooms.change(ROOM, RoomChange::Topic("tea".into()), Some(told)).await.unwrap();
    world.store.rooms.change(ROOM, RoomChange::Lock, None).await.unwrap();
    world.said(2, ANN, "tea").await;
    assert_eq!(found(&world, words("tea")).await, NONE);
    world.store.rooms.change(ROOM, RoomChange::Unlock, None).await.unwrap();
    world.said(3, ANN, "tea").await;
    assert_eq!(found(&world, words("tea")).await, [3]);
    assert_eq!(found(&world, words("")).await, [3]);
}

async fn found_messages_come_newest_first_page_by_page(world: World) {
    world.talking().await;
    let two = RoomId::of(2);
    world.store.rooms.open(room(2), vec![member(two, ANN, RoomRole::Host)]).await.unwrap();
    for number in 1..=11_u64 {
        let of = if number % 3 == 0 { two } else { ROOM };
        let new = NewMessage { room: of, at: at(number / 2), ..text(u128::from(number), ANN, "tea") };
        world.store.messages.post(new).await.unwrap();
    }
    let all = Search { rooms: vec![ROOM, two], limit: 50, ..words("tea") };
    let whole = world.store.messages.search(all.clone()).await.unwrap();
    assert_eq!(whole.len(), 11);
    assert!(whole.is_sorted_by(|one, two| one.at >= two.at));
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = world.store.messages.search(Search { before, limit: 2, ..all.clone() }).await.unwrap();
        let Some(last) = page.last() else {
            break;
        };
        before = Some((last.room, last.number));
        pages.extend(page);
    }
    assert_eq!(pages, whole);
}

async fn a_search_is_bounded(world: World) {
    world.talking().await;
    let many: Vec<String> = (0..=limits::SEARCH_WORDS_MAX).map(|number| format!("w{number}")).collect();
    world.said(1, ANN, &many.join(" ")).await;
    assert_eq!(found(&world, words(&many[1..].join(" "))).await, [1]);
    let messages = &world.store.messages;
    assert_refused!(messages.search(words(&many.join(" "))), Limit { max: limits::SEARCH_WORDS_MAX, .. });
    let rooms = |count: usize| (1..=count as u64).map(RoomId::of).collect();
    assert_eq!(found(&world, Search { rooms: rooms(limits::SEARCH_ROOMS_MAX), ..words("w1") }).await, [1]);
    let too_many = Search { rooms: rooms(limits::SEARCH_ROOMS_MAX + 1), ..words("w1") };
    assert_refused!(messages.search(too_many), Limit { max: limits::SEARCH_ROOMS_MAX, .. });
}

async fn a_search_does_not_take_its_words_for_orders(world: World) {
    world.talking().await;
    world.said(1, ANN, "tea OR not").await;
    for text in
        ["tea AND", "\"tea", "tea*", "(tea", "NEAR(tea", "text:tea", "-tea", "{$ne: tea}", "tea\u{0}", "^tea"]
    {
        assert_eq!(
            world
                .store
                .messages
                .search(Search { limit: 9, ..words(text) })
                .await
                .map(|found| found.len() < 2)
                .ok(),
            Some(true),
            "{text}"
        );
    }
    assert_eq!(found(&world, words("te*")).await, NONE);
    assert_eq!(found(&world, words("coffee OR tea")).await, NONE);
    assert_eq!(found(&world, words("tea OR not")).await, [1]);
}
