//! Promises of `Notices`.

use model::notice::{Browser, Digest};
use model::{AccountId, Millis, limits};

use super::fixtures::{LATER, NOW, secret, sign_in};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};

on_every_backend! {
    a_browser_is_reached_while_its_sign_in_lasts,
    a_browser_ends_with_its_sign_in_however_that_ends,
    a_browser_is_of_one_sign_in,
    a_person_is_reached_in_so_many_browsers_at_most,
    of_browsers_put_at_once_no_more_than_the_maximum_stay,
    a_browser_is_of_so_many_bytes_at_most,
    a_browser_that_is_gone_is_forgotten,
    people_say_how_often_they_are_mailed,
}

pub fn browser(number: u64) -> Browser {
    Browser {
        endpoint: format!("https://push.example/{number}"),
        p256dh: format!("BC{number}"),
        auth: format!("au{number}"),
    }
}

impl World {
    /// Opens the sign-ins, one second after the other.
    async fn signed_in(&self, account: AccountId, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let created = Millis(NOW.0 + number as i64 * 1_000);
            self.store.accounts.open_sign_in(sign_in(number, account, created, LATER)).await.unwrap();
        }
    }

    async fn reached(&self, of: &[u64]) -> Vec<(AccountId, Browser)> {
        let of = of.iter().map(|number| AccountId::of(*number)).collect();
        self.store.notices.browsers(of, NOW).await.unwrap()
    }
}

async fn a_browser_is_reached_while_its_sign_in_lasts(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    world.signed_in(operator.id, [1, 2, 3]).await;
    world.signed_in(other.id, [4]).await;
    let notices = &world.store.notices;
    assert_refused!(notices.put_browser(secret(9), browser(9), NOW), NotFound("sign-in"));
    assert_refused!(notices.put_browser(secret(1), browser(1), LATER), NotFound("sign-in"));
    for number in [1, 3, 4] {
        notices.put_browser(secret(number), browser(number), NOW).await.unwrap();
    }
    notices.put_browser(secret(3), browser(30), NOW).await.unwrap();
    assert_eq!(notices.browser(secret(3)).await.unwrap(), Some(browser(30)));
    for none in [2, 9] {
        assert_eq!(notices.browser(secret(none)).await.unwrap(), None);
    }
    let world = world.reopened().await;
    let all = [(operator.id, browser(30)), (operator.id, browser(1)), (other.id, browser(4))];
    assert_eq!(world.reached(&[1, 2, 3]).await, all);
    assert_eq!(world.reached(&[2]).await, all[2..]);
    assert_eq!(world.reached(&[]).await, []);
    let notices = &world.store.notices;
    assert_eq!(notices.browsers(vec![operator.id], LATER).await.unwrap(), [], "they expired");
    assert!(!format!("{:?}", browser(1)).contains("push.example"));
}

async fn a_browser_ends_with_its_sign_in_however_that_ends(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    world.signed_in(operator.id, 1..=4).await;
    for number in 1..=4 {
        world.store.notices.put_browser(secret(number), browser(number), NOW).await.unwrap();
    }
    world.store.notices.remove_browser(secret(4)).await.unwrap();
    world.store.notices.remove_browser(secret(4)).await.unwrap();
    let left = |numbers: &[u64]| -> Vec<_> {
        numbers.iter().map(|number| (operator.id, browser(*number))).collect()
    };
    assert_eq!(world.reached(&[1]).await, left(&[3, 2, 1]));
    accounts.close_sign_in(secret(2)).await.unwrap();
    assert_eq!(world.reached(&[1]).await, left(&[3, 1]));
    accounts.change_password(operator.id, "$argon2id$new", Some(secret(1))).await.unwrap();
    assert_eq!(world.reached(&[1]).await, left(&[1]));
    accounts.close_sign_ins(operator.id, None).await.unwrap();
    assert_eq!(world.reached(&[1]).await, []);
}

async fn a_browser_is_of_one_sign_in(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    world.signed_in(operator.id, [1]).await;
    world.signed_in(other.id, [2]).await;
    let notices = &world.store.notices;
    notices.put_browser(secret(1), browser(7), NOW).await.unwrap();
    let with_new_keys = Browser { auth: "new".into(), ..browser(7) };
    notices.put_browser(secret(2), with_new_keys.clone(), NOW).await.unwrap();
    assert_eq!(world.reached(&[1, 2]).await, [(other.id, with_new_keys)]);
}

async fn a_person_is_reached_in_so_many_browsers_at_most(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    let max = limits::BROWSERS_MAX as u64;
    world.signed_in(operator.id, 0..=max).await;
    world.signed_in(other.id, [100]).await;
    let notices = &world.store.notices;
    for number in 0..max {
        notices.put_browser(secret(number), browser(number), NOW).await.unwrap();
    }
    let one_more = || notices.put_browser(secret(max), browser(max), NOW);
    assert_refused!(one_more(), Limit { max: limits::BROWSERS_MAX, .. });
    notices.put_browser(secret(100), browser(100), NOW).await.unwrap();
    notices.put_browser(secret(0), browser(200), NOW).await.unwrap();
    notices.remove_browser(secret(1)).await.unwrap();
    one_more().await.unwrap();
    assert_eq!(world.reached(&[1]).await.len(), limits::BROWSERS_MAX);
}

async fn of_browsers_put_at_once_no_more_than_the_maximum_stay(world: World) {
    let operator = world.operator().await;
    let max = limits::BROWSERS_MAX as u64;
    world.signed_in(operator.id, 0..max + 4).await;
    let mut putting = tokio::task::JoinSet::new();
    for number in 0..max + 4 {
        let notices = world.store.notices.clone();
        putting.spawn(async move { notices.put_browser(secret(number), browser(number), NOW).await.is_ok() });
    }
    let put = putting.join_all().await.into_iter().filter(|put| *put).count();
    assert_eq!((put, world.reached(&[1]).await.len()), (limits::BROWSERS_MAX, limits::BROWSERS_MAX));
}

async fn a_browser_is_of_so_many_bytes_at_most(world: World) {
    let operator = world.operator().await;
    world.signed_in(operator.id, [1]).await;
    let (endpoint, key) = (limits::ENDPOINT_BYTES_MAX, limits::BROWSER_KEY_BYTES_MAX);
    let of = |endpoint: usize, p256dh: usize, auth: usize| Browser {
        endpoint: "e".repeat(endpoint),
        p256dh: "p".repeat(p256dh),
        auth: "a".repeat(auth),
    };
    let put = |browser| world.store.notices.put_browser(secret(1), browser, NOW);
    put(of(endpoint, key, key)).await.unwrap();
    assert_refused!(put(of(endpoint + 1, key, key)), Limit { max: limits::ENDPOINT_BYTES_MAX, .. });
    assert_refused!(put(of(endpoint, key + 1, key)), Limit { max: limits::BROWSER_KEY_BYTES_MAX, .. });
    assert_refused!(put(of(endpoint, key, key + 1)), Limit { max: limits::BROWSER_KEY_BYTES_MAX, .. });
    assert_eq!(world.reached(&[1]).await, [(operator.id, of(endpoint, key, key))]);
}

async fn a_browser_that_is_gone_is_forgotten(world: World) {
    let operator = world.operator().await;
    world.signed_in(operator.id, [1, 2]).await;
    let notices = &world.store.notices;
    for number in [1, 2] {
        notices.put_browser(secret(number), browser(number), NOW).await.unwrap();
    }
    for _ in 0..2 {
        notices.forget_browser("https://push.example/1").await.unwrap();
        assert_eq!(world.reached(&[1]).await, [(operator.id, browser(2))]);
    }
    assert!(world.store.accounts.sign_in(secret(1), NOW).await.is_ok(), "its sign-in stays");
}

async fn people_say_how_often_they_are_mailed(world: World) {
    let (operator, site) = world.founded().await;
    for number in [2, 3] {
        world.viewer(number, site.id, operator.id).await;
    }
    let notices = &world.store.notices;
    let of = [3, 2, 1, 9].map(AccountId::of).to_vec();
    assert_eq!(notices.digests(of.clone()).await.unwrap(), [], "nobody is mailed who did not ask for it");
    assert_refused!(notices.set_digest(AccountId::of(9), Digest::Daily), NotFound("account"));
    for (number, digest) in [(1, Digest::Daily), (2, Digest::Hourly), (3, Digest::Hourly), (3, Digest::Off)] {
        notices.set_digest(AccountId::of(number), digest).await.unwrap();
    }
    let world = world.reopened().await;
    let wanting = [(AccountId::of(1), Digest::Daily), (AccountId::of(2), Digest::Hourly)];
    assert_eq!(world.store.notices.digests(of).await.unwrap(), wanting);
    assert_eq!(world.store.notices.digests(vec![AccountId::of(2)]).await.unwrap(), wanting[1..]);
}
