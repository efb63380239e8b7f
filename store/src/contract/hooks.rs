//! Promises of `Hooks`.

use model::chat::{Hook, HookSecret};
use model::{HookId, RoomId, limits};

use super::chat::{ROOM, room};
use super::fixtures::{NOW, secret};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::chat::{CommitMark, Shown};

on_every_backend! {
    a_hook_is_found_by_the_secret_of_its_address,
    a_room_has_so_many_hooks_at_most,
    a_hook_is_of_so_many_bytes_at_most,
    hooks_go_with_their_room,
    a_commit_is_shown_by_its_first_message,
    a_room_remembers_so_many_commits,
    commits_are_of_their_room,
}

pub fn hook(number: u64) -> Hook {
    Hook {
        id: HookId::of(number),
        room: ROOM,
        repositories: "acme/*".into(),
        branches: "main, !wip/*".into(),
        secret: HookSecret(format!("signed with {number}")),
        closes: false,
        customers: false,
        created: NOW,
        deliveries: Vec::new(),
    }
}

fn commit(number: u64) -> CommitMark {
    CommitMark::of(&number.to_string())
}

async fn a_hook_is_found_by_the_secret_of_its_address(world: World) {
    let hooks = &world.store.hooks;
    assert_refused!(hooks.add_hook(hook(1), secret(1)), NotFound("room"));
    world.talking().await;
    hooks.add_hook(hook(2), secret(2)).await.unwrap();
    hooks.add_hook(hook(1), secret(1)).await.unwrap();
    assert_eq!(hooks.hook(secret(1)).await.unwrap(), hook(1));
    assert_eq!(hooks.hooks(ROOM).await.unwrap(), [hook(1), hook(2)]);
    assert_refused!(hooks.add_hook(hook(1), secret(3)), Conflict(_));
    assert_refused!(hooks.add_hook(hook(3), secret(1)), Conflict(_));
    assert_refused!(hooks.hook(secret(3)), NotFound("hook"));
    assert_refused!(hooks.remove_hook(RoomId::of(2), HookId::of(1)), NotFound("hook"));
    hooks.remove_hook(ROOM, HookId::of(1)).await.unwrap();
    assert_refused!(hooks.remove_hook(ROOM, HookId::of(1)), NotFound("hook"));
    assert_refused!(hooks.hook(secret(1)), NotFound("hook"));
    let world = world.reopened().await;
    assert_eq!(world.store.hooks.hook(secret(2)).await.unwrap(), hook(2));
    assert!(!format!("{:?}", hook(2)).contains("signed with"));
}

async fn a_room_has_so_many_hooks_at_most(world: World) {
    world.talking().await;
    for number in 1..=limits::HOOKS_A_ROOM_MAX as u64 {
        world.store.hooks.add_hook(hook(number), secret(number)).await.unwrap();
    }
    assert_refused!(
        world.store.hooks.add_hook(hook(100), secret(100)),
        Limit { what: "hooks of a room", max: limits::HOOKS_A_ROOM_MAX }
    );
    world.store.rooms.open(room(2), vec![]).await.unwrap();
    let other = Hook { room: RoomId::of(2), ..hook(100) };
    world.store.hooks.add_hook(other, secret(100)).await.unwrap();
}

async fn a_hook_is_of_so_many_bytes_at_most(world: World) {
    world.talking().await;
    let filter = |bytes: usize| "x".repeat(bytes);
    let most = Hook {
        repositories: filter(limits::HOOK_FILTER_BYTES_MAX),
        branches: filter(limits::HOOK_FILTER_BYTES_MAX),
        secret: HookSecret(filter(limits::HOOK_SECRET_BYTES_MAX)),
        ..hook(1)
    };
    let hooks = &world.store.hooks;
    hooks.add_hook(most.clone(), secret(1)).await.unwrap();
    let longer = filter(limits::HOOK_FILTER_BYTES_MAX + 1);
    assert_refused!(
        hooks.add_hook(Hook { repositories: longer.clone(), ..hook(2) }, secret(2)),
        Limit { max: limits::HOOK_FILTER_BYTES_MAX, .. }
    );
    assert_refused!(
        hooks.add_hook(Hook { branches: longer, ..hook(2) }, secret(2)),
        Limit { max: limits::HOOK_FILTER_BYTES_MAX, .. }
    );
    let secret_of = HookSecret(filter(limits::HOOK_SECRET_BYTES_MAX + 1));
    assert_refused!(
        hooks.add_hook(Hook { secret: secret_of, ..hook(2) }, secret(2)),
        Limit { max: limits::HOOK_SECRET_BYTES_MAX, .. }
    );
}

async fn hooks_go_with_their_room(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    hooks.add_hook(hook(1), secret(1)).await.unwrap();
    hooks.show(ROOM, 1, vec![commit(1)]).await.unwrap();
    world.store.rooms.demolish(ROOM).await.unwrap();
    assert_refused!(hooks.hook(secret(1)), NotFound("hook"));
    assert_eq!(hooks.hooks(ROOM).await.unwrap(), []);
    assert_eq!(hooks.shown(ROOM, vec![commit(1)]).await.unwrap(), []);
    assert_refused!(hooks.show(ROOM, 1, vec![commit(1)]), NotFound("room"));
}

async fn a_commit_is_shown_by_its_first_message(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    assert_eq!(hooks.shown(ROOM, vec![]).await.unwrap(), []);
    hooks.show(ROOM, 1, vec![]).await.unwrap();
    hooks.show(ROOM, 3, vec![commit(1), commit(2), commit(1)]).await.unwrap();
    hooks.show(ROOM, 5, vec![commit(2), commit(3)]).await.unwrap();
    let mut shown = hooks.shown(ROOM, vec![commit(3), commit(2), commit(9)]).await.unwrap();
    shown.sort_by_key(|shown| shown.number);
    let expected = [Shown { commit: commit(2), number: 3 }, Shown { commit: commit(3), number: 5 }];
    assert_eq!(shown, expected);
    let too_many = vec![commit(1); limits::COMMITS_A_CALL_MAX + 1];
    assert_refused!(hooks.shown(ROOM, too_many.clone()), Limit { max: limits::COMMITS_A_CALL_MAX, .. });
    assert_refused!(hooks.show(ROOM, 7, too_many.clone()), Limit { max: limits::COMMITS_A_CALL_MAX, .. });
    hooks.show(ROOM, 7, too_many[1..].to_vec()).await.unwrap();
}

async fn a_room_remembers_so_many_commits(world: World) {
    world.talking().await;
    let hooks = &world.store.hooks;
    let max = limits::SHOWN_A_ROOM_MAX as u64;
    let a_call = limits::COMMITS_A_CALL_MAX as u64;
    let mut number = 0;
    while number < max {
        let to = (number + a_call).min(max);
        hooks.show(ROOM, number + 1, (number..to).map(commit).collect()).await.unwrap();
        number = to;
    }
    assert_eq!(hooks.shown(ROOM, vec![commit(0), commit(max - 1)]).await.unwrap().len(), 2);
    let first: Vec<CommitMark> = (0..a_call).map(commit).collect();
    hooks.show(ROOM, max + 1, vec![commit(max)]).await.unwrap();
    assert_eq!(hooks.shown(ROOM, first).await.unwrap().len() as u64, a_call - 1);
    assert_eq!(hooks.shown(ROOM, vec![commit(max), commit(max - 1)]).await.unwrap().len(), 2);
}

async fn commits_are_of_their_room(world: World) {
    world.talking().await;
    world.store.rooms.open(room(2), vec![]).await.unwrap();
    world.store.hooks.show(ROOM, 3, vec![commit(1)]).await.unwrap();
    assert_eq!(world.store.hooks.shown(RoomId::of(2), vec![commit(1)]).await.unwrap(), []);
}
