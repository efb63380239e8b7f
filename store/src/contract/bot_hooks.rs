//! Promises of `BotHooks`.

use model::chat::{BotEvent, BotHook, HookSecret, Retired, TurnedOff, Who};
use model::outbox::JobKind;
use model::{BotId, limits};

use super::chat::bot;
use super::fixtures::{LATER, NOW, secret};
use super::outbox::job;
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};

on_every_backend! {
    a_bot_has_one_hook_at_most,
    a_bot_hook_is_of_so_many_bytes_at_most,
    a_hook_is_turned_off_by_its_address,
    a_hook_goes_with_its_bot_and_what_waits_for_it_with_the_hook,
}

pub fn bot_hook(number: u64) -> BotHook {
    BotHook {
        bot: BotId::of(number),
        url: format!("https://bots.example/{number}"),
        events: vec![BotEvent::Message, BotEvent::Room],
        secret: HookSecret(format!("whsec_{number}")),
        retired: Some(Retired { secret: HookSecret("whsec_before".into()), until: LATER }),
        off: None,
        created: NOW,
    }
}

async fn a_bot_has_one_hook_at_most(world: World) {
    let (rooms, hooks) = (&world.store.rooms, &world.store.bot_hooks);
    assert_refused!(hooks.put_bot_hook(bot_hook(1)), NotFound("bot"));
    for number in [2, 1] {
        rooms.add_bot(bot(number), secret(number)).await.unwrap();
        assert_eq!(hooks.bot_hook(BotId::of(number)).await.unwrap(), None);
        hooks.put_bot_hook(bot_hook(number)).await.unwrap();
    }
    let other = BotHook { url: "https://else.example/".into(), retired: None, ..bot_hook(2) };
    hooks.put_bot_hook(other.clone()).await.unwrap();
    assert_eq!(hooks.bot_hooks().await.unwrap(), [bot_hook(1), other.clone()]);
    let world = world.reopened().await;
    assert_eq!(world.store.bot_hooks.bot_hook(BotId::of(2)).await.unwrap(), Some(other));
    assert!(!format!("{:?}", bot_hook(2)).contains("whsec_"));
}

async fn a_bot_hook_is_of_so_many_bytes_at_most(world: World) {
    world.store.rooms.add_bot(bot(1), secret(1)).await.unwrap();
    let of = |url: usize, secret: usize| BotHook {
        url: "u".repeat(url),
        secret: HookSecret("s".repeat(secret)),
        ..bot_hook(1)
    };
    let (url, secret) = (limits::HOOK_URL_BYTES_MAX, limits::HOOK_SECRET_BYTES_MAX);
    let hooks = &world.store.bot_hooks;
    hooks.put_bot_hook(of(url, secret)).await.unwrap();
    assert_refused!(hooks.put_bot_hook(of(url + 1, secret)), Limit { max: limits::HOOK_URL_BYTES_MAX, .. });
    assert_refused!(
        hooks.put_bot_hook(of(url, secret + 1)),
        Limit { max: limits::HOOK_SECRET_BYTES_MAX, .. }
    );
}

async fn a_hook_is_turned_off_by_its_address(world: World) {
    world.store.rooms.add_bot(bot(1), secret(1)).await.unwrap();
    let hooks = &world.store.bot_hooks;
    let off = TurnedOff { at: NOW, why: "it answered 410".into() };
    hooks.turn_off(BotId::of(1), "https://bots.example/1", off.clone()).await.unwrap();
    hooks.put_bot_hook(bot_hook(1)).await.unwrap();
    hooks.turn_off(BotId::of(1), "https://before.example/", off.clone()).await.unwrap();
    assert_eq!(hooks.bot_hook(BotId::of(1)).await.unwrap(), Some(bot_hook(1)));
    hooks.turn_off(BotId::of(1), "https://bots.example/1", off.clone()).await.unwrap();
    let turned_off = BotHook { off: Some(off), ..bot_hook(1) };
    assert_eq!(hooks.bot_hook(BotId::of(1)).await.unwrap(), Some(turned_off));
}

async fn a_hook_goes_with_its_bot_and_what_waits_for_it_with_the_hook(world: World) {
    let (rooms, hooks) = (&world.store.rooms, &world.store.bot_hooks);
    for number in [1, 2] {
        rooms.add_bot(bot(number), secret(number)).await.unwrap();
        hooks.put_bot_hook(bot_hook(number)).await.unwrap();
    }
    let [one, two] = [1, 2].map(|number| Who::Bot(BotId::of(number)));
    world.store.outbox.add(vec![job(1, one), job(2, two)]).await.unwrap();
    hooks.remove_bot_hook(BotId::of(1)).await.unwrap();
    hooks.remove_bot_hook(BotId::of(1)).await.unwrap();
    assert_eq!(hooks.bot_hooks().await.unwrap(), [bot_hook(2)]);
    assert_eq!(world.store.outbox.jobs_of(JobKind::Webhook, one, 9).await.unwrap(), []);
    rooms.remove_bot(BotId::of(2)).await.unwrap();
    assert_eq!(hooks.bot_hooks().await.unwrap(), []);
    assert_eq!(world.store.outbox.jobs_of(JobKind::Webhook, two, 9).await.unwrap(), []);
}
