//! Promises of `Salts`. That destroyed bytes cannot be read back is each backend's own test.

use model::Millis;

use super::fixtures::NOW;
use super::{World, on_every_backend};

on_every_backend! {
    a_salt_is_the_same_whenever_it_is_asked_for,
    a_salt_is_the_same_for_the_next_process,
    salts_of_two_names_differ,
    everybody_who_asks_first_at_once_gets_the_same_salt,
    a_salt_lives_until_the_latest_expiry_asked_with,
    an_expired_salt_is_destroyed_and_the_others_stay,
}

const NAME: &str = "Europe/Paris 2026-11-21";

async fn a_salt_is_the_same_whenever_it_is_asked_for(world: World) {
    let salts = &world.store.salts;
    let first = salts.salt(NAME, Millis(NOW.0 + 10)).await.unwrap();
    for expires in [10, 20, 5] {
        assert_eq!(salts.salt(NAME, Millis(NOW.0 + expires)).await.unwrap(), first);
    }
}

async fn a_salt_is_the_same_for_the_next_process(world: World) {
    let first = world.store.salts.salt(NAME, Millis(NOW.0 + 10)).await.unwrap();
    let world = world.reopened().await;
    assert_eq!(world.store.salts.salt(NAME, Millis(NOW.0 + 10)).await.unwrap(), first);
}

async fn salts_of_two_names_differ(world: World) {
    let first = world.store.salts.salt(NAME, Millis(NOW.0 + 10)).await.unwrap();
    let second = world.store.salts.salt("Europe/Paris 2026-11-22", Millis(NOW.0 + 10)).await.unwrap();
    assert_ne!(first, second);
    assert_ne!(first, [0; 32]);
}

async fn everybody_who_asks_first_at_once_gets_the_same_salt(world: World) {
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let salts = world.store.salts.clone();
        asked.spawn(async move { salts.salt(NAME, Millis(NOW.0 + 10)).await });
    }
    let expected = world.store.salts.salt(NAME, Millis(NOW.0 + 10)).await.unwrap();
    while let Some(salt) = asked.join_next().await {
        assert_eq!(salt.unwrap().unwrap(), expected);
    }
}

async fn a_salt_lives_until_the_latest_expiry_asked_with(world: World) {
    let salts = &world.store.salts;
    let first = salts.salt(NAME, Millis(NOW.0 + 10)).await.unwrap();
    salts.salt(NAME, Millis(NOW.0 + 20)).await.unwrap();
    salts.salt(NAME, Millis(NOW.0 + 15)).await.unwrap();
    salts.destroy_expired(Millis(NOW.0 + 20)).await.unwrap();
    assert_eq!(salts.salt(NAME, Millis(NOW.0 + 1)).await.unwrap(), first);
    salts.destroy_expired(Millis(NOW.0 + 21)).await.unwrap();
    assert_ne!(salts.salt(NAME, Millis(NOW.0 + 20)).await.unwrap(), first);
}

async fn an_expired_salt_is_destroyed_and_the_others_stay(world: World) {
    let salts = &world.store.salts;
    let expired = salts.salt("old", Millis(NOW.0 + 10)).await.unwrap();
    let kept = salts.salt("new", Millis(NOW.0 + 11)).await.unwrap();
    salts.destroy_expired(Millis(NOW.0 + 11)).await.unwrap();
    assert_eq!(salts.salt("new", Millis(NOW.0 + 11)).await.unwrap(), kept);
    assert_ne!(salts.salt("old", Millis(NOW.0 + 11)).await.unwrap(), expired);
}
