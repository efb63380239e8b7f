//! Whom hits are from: by salt, by first-party id, and stated by token.

use std::time::Duration;

use model::{Arrival, Millis, TokenId};
use serde_json::{Value, json};

use super::world::{Answer, Ask, NOW, OPERATOR, SITE, TOKEN, World, eventually, pageview};

const HOUR: Duration = Duration::from_secs(3_600);

/// Hits of so many people, one each.
fn crowd(people: u128) -> Vec<Value> {
    let stated =
        |id: u128| json!({ "address": format!("198.51.100.{id}"), "agent": "curl/8", "language": "de-DE" });
    (0..people).map(|id| pageview(id, stated(id))).collect()
}

async fn state(world: &World, token: &str, hits: Vec<Value>) -> Answer {
    world.ask(Ask::hits(world.request(hits)).with("authorization", format!("Bearer {token}"))).await
}

#[tokio::test]
async fn a_visitor_keeps_its_id_to_the_sites_midnight_and_is_known_by_the_last_one_after_it() {
    let world = World::start().await;
    let sent = async |now: Millis| {
        world.clock.set(now);
        world.deliver(Ask::hits(world.request(vec![pageview(1, json!({ "at": now }))]))).await;
    };
    // 10:30 UTC is 11:30 in Paris: its midnight is 12 h 30 min later.
    let midnight = NOW.plus(12 * HOUR + HOUR / 2);
    for now in [NOW, Millis(midnight.0 - 1), midnight, midnight.plus(23 * HOUR)] {
        sent(now).await;
    }
    let ids: Vec<_> =
        world.arrivals().await.iter().map(|arrival| (arrival.visitor, arrival.visitor_before)).collect();
    let (first, next) = (ids[0], ids[2]);
    assert_eq!((ids[1], ids[3]), (first, next));
    assert_ne!(first.0, next.0);
    assert_eq!(next.1, Some(first.0));
    world.end().await;
}

#[tokio::test]
async fn a_first_party_id_counts_where_the_site_takes_it() {
    let world = World::start().await;
    let with_id = |address: &str| {
        let mut request = world.request(vec![pageview(1, json!({}))]);
        request["visitor"] = json!("5d41402abc4b2a76b9719d911017c592");
        Ask::hits(request).from(address)
    };
    world.deliver(with_id("8.8.8.8")).await;
    world.deliver(with_id("8.8.4.4")).await;
    world.change_site(|site| site.first_party_id = true).await;
    eventually("the change is known", async || {
        world.deliver(with_id("8.8.8.8")).await;
        world.arrivals().await.last().is_some_and(|arrival| arrival.visitor_before.is_none())
    })
    .await;
    world.deliver(with_id("8.8.4.4")).await;
    let arrivals = world.arrivals().await;
    assert_ne!(arrivals[0].visitor, arrivals[1].visitor, "not asked for, not used");
    let [.., before, last] = &arrivals[..] else { panic!("{arrivals:?}") };
    assert_eq!((before.visitor, before.visitor_before), (last.visitor, None));
    world.end().await;
}

#[tokio::test]
async fn people_stated_by_token_are_themselves_and_share_a_message() {
    let world = World::start().await;
    let answer = state(&world, TOKEN, crowd(100)).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "accepted": 100 })));
    assert!(bus::Bus::depth(&*world.bus).await.messages <= 2, "each waited for a sync of its own");
    let arrivals = world.arrivals().await;
    let visitors: std::collections::HashSet<_> = arrivals.iter().map(|arrival| arrival.visitor).collect();
    assert_eq!((arrivals.len(), visitors.len()), (100, 100));
    let is_stated = |arrival: &Arrival<'_>| arrival.agent == "curl/8" && arrival.language == "de-de";
    assert!(arrivals.iter().all(is_stated));
    world
        .deliver(
            Ask::hits(world.request(vec![pageview(1, json!({}))]))
                .from("198.51.100.7")
                .with("user-agent", "curl/8"),
        )
        .await;
    let own = world.arrivals().await.pop().unwrap();
    assert_eq!(own.visitor, arrivals[7].visitor, "stated or not, the same sender is the same visitor");
    world.end().await;
}

#[tokio::test]
async fn who_states_people_is_not_held_to_one_visitors_rate() {
    let world = World::start().await;
    for _ in 0..10 {
        assert_eq!(state(&world, TOKEN, crowd(100)).await.status, 202);
    }
    world.end().await;
}

#[tokio::test]
async fn stating_people_takes_a_token_with_that_scope_for_this_site() {
    let world = World::start().await;
    let check = async |ask: Ask| {
        let answer = world.ask(ask).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "token"));
    };
    let ask = || Ask::hits(world.request(crowd(1)));
    check(ask()).await;
    check(ask().with("authorization", "Bearer reads")).await;
    check(ask().with("authorization", "Bearer nobody-s")).await;
    check(ask().with("cookie", format!("watchfire={TOKEN}"))).await;
    check(Ask { target: format!("/v1/hits?share={TOKEN}"), ..ask() }).await;
    let other = super::world::site(model::SiteId::of(8));
    world.store.sites.add(other.clone(), OPERATOR).await.unwrap();
    let mut elsewhere = world.request(crowd(1));
    elsewhere["site"] = json!(other.id);
    check(Ask::hits(elsewhere).with("authorization", format!("Bearer {TOKEN}"))).await;
    assert_eq!(world.arrivals().await, []);
    assert_eq!(state(&world, TOKEN, crowd(1)).await.status, 202);
    world.end().await;
}

#[tokio::test]
async fn a_revoked_token_states_nobody_once_it_is_told_and_a_second_later_at_the_latest() {
    let world = World::start().await;
    assert_eq!(state(&world, TOKEN, crowd(1)).await.status, 202);
    world.store.accounts.revoke_token(OPERATOR, TokenId::of(1)).await.unwrap();
    assert_eq!(state(&world, TOKEN, crowd(1)).await.status, 202, "remembered, so that not each request asks");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(state(&world, TOKEN, crowd(1)).await.status, 403);
    world.end().await;

    let world = World::start().await;
    assert_eq!(state(&world, TOKEN, crowd(1)).await.status, 202);
    world.store.accounts.revoke_token(OPERATOR, TokenId::of(1)).await.unwrap();
    world.tell(live::RIGHTS_TOPIC, "").await;
    eventually("the token is forgotten", async || state(&world, TOKEN, crowd(1)).await.status == 403).await;
    world.end().await;
}

#[tokio::test]
async fn one_request_may_hold_its_senders_own_hits_and_other_peoples_each_in_order() {
    let world = World::start().await;
    let other = |id: u128| pageview(id, json!({ "address": "198.51.100.1", "agent": "a" }));
    let hits = vec![pageview(1, json!({})), other(2), pageview(3, json!({})), other(4)];
    assert_eq!(state(&world, TOKEN, hits).await.json(), json!({ "accepted": 4 }));
    let ids = |arrival: &Arrival<'_>| arrival.hits.iter().map(|hit| hit.id.0).collect::<Vec<_>>();
    let arrivals = world.arrivals().await;
    assert_eq!(arrivals.iter().map(ids).collect::<Vec<_>>(), [vec![1, 3], vec![2, 4]]);
    assert_eq!(arrivals[0].site, SITE);
    world.end().await;
}
