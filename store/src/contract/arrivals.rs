//! Promises of `Hooks` about what repositories told, and about hooks that change.

use model::chat::{
    About, Arrival, Arrived, ArrivedBranch, ArrivedCommit, ArrivedTag, Delivery, Hook, HookSecret,
    NamedCommit,
};
use model::{HookId, Millis, RoomId, limits};

use super::chat::{ROOM, room};
use super::fixtures::{NOW, secret};
use super::hooks::hook;
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::chat::HookChange;

on_every_backend! {
    what_a_repository_tells_stays_in_its_order,
    a_tag_that_is_told_again_stays_in_its_place,
    a_branch_is_where_it_was_said_to_be_last,
    a_room_knows_so_many_commits,
    repositories_are_those_of_the_rooms,
    so_many_repositories_are_listed,
    arrivals_go_with_their_room,
    a_repository_is_forgotten_in_one_room,
    what_came_last_is_listed_the_newest_first,
    a_hook_listens_to_something_else,
    a_hook_is_renewed,
    a_hook_remembers_its_last_deliveries,
}

pub fn arrived(number: u64) -> Arrival {
    arrived_at("acme/shop", "main", number)
}

fn arrived_at(repository: &str, branch: &str, number: u64) -> Arrival {
    let commit = NamedCommit {
        id: number.to_string(),
        subject: format!("Fix the till, part {number}"),
        author: "Ann".into(),
        link: Some(format!("https://git.example/{number}")),
    };
    let about = vec![
        About { number: 1, customers: None, fixes: true },
        About { number: 1, customers: Some(RoomId::of(9)), fixes: true },
    ];
    Arrival {
        repository: repository.into(),
        at: Millis(NOW.0 + number as i64),
        what: Arrived::Commit(ArrivedCommit { branch: branch.into(), commit, about }),
    }
}

pub fn tagged(tag: &str, head: Option<&str>) -> Arrival {
    let tag = ArrivedTag { tag: tag.into(), head: head.map(str::to_owned), ..ArrivedTag::default() };
    Arrival { repository: "acme/shop".into(), at: NOW, what: Arrived::Tag(tag) }
}

async fn known(world: &World, room: RoomId) -> Vec<Arrival> {
    world.store.hooks.arrivals(room, "acme/shop".into()).await.unwrap()
}

async fn what_a_repository_tells_stays_in_its_order(world: World) {
    let hooks = &world.store.hooks;
    assert_refused!(hooks.arrive(ROOM, vec![arrived(1)]), NotFound("room"));
    world.talking().await;
    assert_eq!(known(&world, ROOM).await, []);
    hooks.arrive(ROOM, vec![]).await.unwrap();
    hooks.arrive(ROOM, vec![arrived(9), arrived(3), arrived(9)]).await.unwrap();
    // Of another branch it is another.
    let next = vec![arrived(3), arrived_at("acme/shop", "next", 3), arrived_at("acme/site", "main", 4)];
    hooks.arrive(ROOM, next).await.unwrap();
    hooks.arrive(ROOM, vec![tagged("v1", None), arrived(5)]).await.unwrap();
    let of_shop =
        [arrived(9), arrived(3), arrived_at("acme/shop", "next", 3), tagged("v1", None), arrived(5)];
    assert_eq!(known(&world, ROOM).await, of_shop);
    let world = world.reopened().await;
    assert_eq!(known(&world, ROOM).await, of_shop);
    let of_site = world.store.hooks.arrivals(ROOM, "acme/site".into()).await.unwrap();
    assert_eq!(of_site, [arrived_at("acme/site", "main", 4)]);
}

async fn a_tag_that_is_told_again_stays_in_its_place(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    let named = ArrivedTag { tag: "v1".into(), name: Some("First".into()), ..ArrivedTag::default() };
    let named = Arrival { what: Arrived::Tag(named), ..tagged("v1", None) };
    hooks.arrive(ROOM, vec![named.clone(), arrived(1)]).await.unwrap();
    hooks
        .arrive(ROOM, vec![tagged("v1", Some("1")), tagged("v2", None), tagged("v2", Some("2"))])
        .await
        .unwrap();
    let both = named.told_again(&tagged("v1", Some("1")));
    assert_eq!(known(&world, ROOM).await, [both, arrived(1), tagged("v2", Some("2"))]);
}

async fn a_branch_is_where_it_was_said_to_be_last(world: World) {
    world.talking().await;
    let at = |branch: &str, head: Option<&str>| {
        let branch = ArrivedBranch { branch: branch.into(), head: head.map(str::to_owned) };
        Arrival { what: Arrived::Branch(branch), ..tagged("v1", None) }
    };
    let hooks = &world.store.hooks;
    hooks.arrive(ROOM, vec![at("main", Some("1")), arrived(1), at("next", Some("1"))]).await.unwrap();
    hooks.arrive(ROOM, vec![at("main", Some("2")), at("next", None)]).await.unwrap();
    assert_eq!(known(&world, ROOM).await, [at("main", Some("2")), arrived(1), at("next", None)]);
}

async fn a_room_knows_so_many_commits(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    let max = limits::ARRIVALS_A_ROOM_MAX as u64;
    let a_call = limits::COMMITS_A_CALL_MAX as u64;
    let mut number = 0;
    while number < max {
        let to = (number + a_call).min(max);
        hooks.arrive(ROOM, (number..to).map(arrived).collect()).await.unwrap();
        number = to;
    }
    assert_eq!(known(&world, ROOM).await.len() as u64, max);
    hooks.arrive(ROOM, vec![arrived(max), arrived(max + 1)]).await.unwrap();
    let left = known(&world, ROOM).await;
    assert_eq!((left.len() as u64, &left[0]), (max, &arrived(2)));
    let too_many = vec![arrived(1); limits::COMMITS_A_CALL_MAX + 1];
    assert_refused!(hooks.arrive(ROOM, too_many.clone()), Limit { max: limits::COMMITS_A_CALL_MAX, .. });
    hooks.arrive(ROOM, too_many[1..].to_vec()).await.unwrap();
}

async fn repositories_are_those_of_the_rooms(world: World) {
    world.talking().await;
    world.store.rooms.open(room(2), vec![]).await.unwrap();
    let (hooks, two) = (&world.store.hooks, RoomId::of(2));
    hooks.arrive(two, vec![arrived(1), arrived(2)]).await.unwrap();
    hooks
        .arrive(ROOM, vec![arrived_at("b", "main", 1), arrived_at("a", "main", 1), tagged("v1", None)])
        .await
        .unwrap();
    let (shop, a, b) = ("acme/shop".to_owned(), "a".to_owned(), "b".to_owned());
    let all = [(ROOM, a), (ROOM, shop.clone()), (ROOM, b), (two, shop.clone())];
    assert_eq!(hooks.repositories(vec![two, ROOM, two]).await.unwrap(), all);
    assert_eq!(hooks.repositories(vec![two, RoomId::of(3)]).await.unwrap(), [(two, shop)]);
    assert_eq!(hooks.repositories(vec![]).await.unwrap(), []);
}

async fn so_many_repositories_are_listed(world: World) {
    world.talking().await;
    let max = limits::REPOSITORIES_LISTED_MAX;
    let of = |number: usize| arrived_at(&format!("acme/{number:05}"), "main", 1);
    world.store.hooks.arrive(ROOM, (0..max + 1).map(of).collect()).await.unwrap();
    let listed = world.store.hooks.repositories(vec![ROOM]).await.unwrap();
    assert_eq!((listed.len(), listed.last().unwrap().1.clone()), (max, format!("acme/{:05}", max - 1)));
}

async fn arrivals_go_with_their_room(world: World) {
    world.talking().await;
    world.store.hooks.arrive(ROOM, vec![arrived(1)]).await.unwrap();
    world.store.rooms.demolish(ROOM).await.unwrap();
    assert_eq!(known(&world, ROOM).await, []);
    assert_eq!(world.store.hooks.repositories(vec![ROOM]).await.unwrap(), []);
    assert_refused!(world.store.hooks.arrive(ROOM, vec![arrived(1)]), NotFound("room"));
}

fn listen(repositories: &str) -> HookChange {
    let branches = "main".into();
    HookChange::Listen { repositories: repositories.into(), branches, closes: true, customers: true }
}

async fn a_hook_listens_to_something_else(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    hooks.add_hook(hook(1), secret(1)).await.unwrap();
    let changed = hooks.change_hook(ROOM, HookId::of(1), listen("acme/site")).await.unwrap();
    let expected = Hook {
        repositories: "acme/site".into(),
        branches: "main".into(),
        closes: true,
        customers: true,
        ..hook(1)
    };
    assert_eq!(changed, expected);
    assert_eq!(hooks.hook(secret(1)).await.unwrap(), expected);
    assert_refused!(hooks.change_hook(RoomId::of(2), HookId::of(1), listen("")), NotFound("hook"));
    assert_refused!(hooks.change_hook(ROOM, HookId::of(2), listen("")), NotFound("hook"));
    let most = "x".repeat(limits::HOOK_FILTER_BYTES_MAX);
    hooks.change_hook(ROOM, HookId::of(1), listen(&most)).await.unwrap();
    let more = listen(&format!("{most}x"));
    assert_refused!(
        hooks.change_hook(ROOM, HookId::of(1), more),
        Limit { max: limits::HOOK_FILTER_BYTES_MAX, .. }
    );
    assert_eq!(hooks.hook(secret(1)).await.unwrap().repositories, most);
}

async fn a_hook_is_renewed(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    hooks.add_hook(hook(1), secret(1)).await.unwrap();
    hooks.add_hook(hook(2), secret(2)).await.unwrap();
    let renew = |address| HookChange::Renew { address, secret: HookSecret("another".into()) };
    hooks.change_hook(ROOM, HookId::of(1), renew(secret(3))).await.unwrap();
    assert_refused!(hooks.hook(secret(1)), NotFound("hook"));
    assert_eq!(
        hooks.hook(secret(3)).await.unwrap(),
        Hook { secret: HookSecret("another".into()), ..hook(1) }
    );
    assert_refused!(hooks.change_hook(ROOM, HookId::of(1), renew(secret(2))), Conflict(_));
    assert_eq!(hooks.hook(secret(2)).await.unwrap(), hook(2));
}

async fn a_hook_remembers_its_last_deliveries(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    hooks.add_hook(hook(1), secret(1)).await.unwrap();
    let delivery = |number: i64, words: &str| Delivery {
        at: Millis(number),
        from: "GitHub".into(),
        became: words.into(),
        good: true,
    };
    for number in 0..=limits::HOOK_DELIVERIES_MAX as i64 {
        let heard = HookChange::Heard(delivery(number, "told"));
        hooks.change_hook(ROOM, HookId::of(1), heard).await.unwrap();
    }
    let kept = hooks.hook(secret(1)).await.unwrap().deliveries;
    assert_eq!(
        (kept.len(), kept[0].at),
        (limits::HOOK_DELIVERIES_MAX, Millis(limits::HOOK_DELIVERIES_MAX as i64))
    );
    assert_eq!(kept.last().unwrap().at, Millis(1), "the first went");
    let words = "x".repeat(limits::DELIVERY_WORDS_BYTES_MAX);
    hooks.change_hook(ROOM, HookId::of(1), HookChange::Heard(delivery(50, &words))).await.unwrap();
    let longer = HookChange::Heard(delivery(51, &format!("{words}x")));
    assert_refused!(
        hooks.change_hook(ROOM, HookId::of(1), longer),
        Limit { max: limits::DELIVERY_WORDS_BYTES_MAX, .. }
    );
}

async fn a_repository_is_forgotten_in_one_room(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    world.store.rooms.open(room(2), vec![]).await.unwrap();
    for id in [ROOM, RoomId::of(2)] {
        let other = arrived_at("acme/site", "main", 7);
        hooks.arrive(id, vec![arrived(1), other, tagged("v1", Some("1"))]).await.unwrap();
    }
    assert_eq!(hooks.forget_arrivals(ROOM, "acme/shop".into()).await.unwrap(), 2);
    assert_eq!(hooks.forget_arrivals(ROOM, "acme/shop".into()).await.unwrap(), 0);
    assert_eq!(known(&world, ROOM).await, []);
    assert_eq!(known(&world, RoomId::of(2)).await.len(), 2);
    let left = hooks.repositories(vec![ROOM]).await.unwrap();
    assert_eq!(left, [(ROOM, "acme/site".to_owned())]);
    hooks.arrive(ROOM, vec![arrived(3)]).await.unwrap();
    assert_eq!(known(&world, ROOM).await, [arrived(3)]);
}

async fn what_came_last_is_listed_the_newest_first(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    hooks.arrive(ROOM, vec![tagged("v1", Some("1")), arrived(1), arrived(2), arrived(3)]).await.unwrap();
    let last = |since, limit| hooks.arrived(ROOM, Millis(NOW.0 + since), limit);
    assert_eq!(last(2, 9).await.unwrap(), [arrived(3), arrived(2)]);
    assert_eq!(last(0, 3).await.unwrap(), [arrived(3), arrived(2), arrived(1)]);
    assert_eq!(last(0, 9).await.unwrap().len(), 4);
    assert_eq!(last(4, 9).await.unwrap(), []);
    assert_eq!(hooks.arrived(RoomId::of(2), NOW, 9).await.unwrap(), []);
}
