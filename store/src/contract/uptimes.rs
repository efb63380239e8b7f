//! Promises of `Uptimes`.

use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, Unavailable};
use crate::uptimes::{SERVICE_DAY_BYTES_MAX, SERVICE_DAY_MAX, SERVICE_DAYS_AT_ONCE_MAX, ServiceDay};

on_every_backend! {
    what_was_seen_of_services_is_read_back_by_day,
    who_was_outrun_writes_nothing_of_services,
    two_who_begin_a_day_at_once_are_one,
    days_of_services_have_their_maxima,
    days_of_services_before_one_are_removed,
    after_closing_nothing_is_kept_of_services,
}

fn day(day: u32) -> ServiceDay {
    ServiceDay { day, version: 0, body: format!("{{\"n\":{day}}}") }
}

fn written(day: ServiceDay) -> ServiceDay {
    ServiceDay { version: day.version + 1, ..day }
}

impl World {
    async fn service_days(&self) -> Vec<ServiceDay> {
        self.store.uptimes.service_days((0, SERVICE_DAY_MAX), 999).await.unwrap()
    }
}

async fn what_was_seen_of_services_is_read_back_by_day(world: World) {
    let days = [0, 9, 10, 11, SERVICE_DAY_MAX];
    world.store.uptimes.put_service_days(days.iter().rev().map(|of| day(*of)).collect()).await.unwrap();
    let world = world.reopened().await;
    for ((from, to), limit, found) in [
        ((0, SERVICE_DAY_MAX), 9, &days[..]),
        ((0, SERVICE_DAY_MAX), 2, &days[..2]),
        ((9, 10), 9, &days[1..3]),
        ((12, 12), 9, &[]),
    ] {
        let seen = world.store.uptimes.service_days((from, to), limit).await.unwrap();
        assert_eq!(seen, found.iter().map(|of| written(day(*of))).collect::<Vec<_>>());
    }
}

async fn who_was_outrun_writes_nothing_of_services(world: World) {
    let uptimes = &world.store.uptimes;
    uptimes.put_service_days(vec![day(5)]).await.unwrap();
    assert_refused!(uptimes.put_service_days(vec![day(4), day(5)]), Conflict(_));
    let next = ServiceDay { version: 1, body: "[]".into(), ..day(5) };
    uptimes.put_service_days(vec![next.clone()]).await.unwrap();
    assert_refused!(
        uptimes.put_service_days(vec![ServiceDay { body: "late".into(), ..next.clone() }]),
        Conflict(_)
    );
    assert_refused!(uptimes.put_service_days(vec![ServiceDay { version: 3, ..day(6) }]), Conflict(_));
    assert_eq!(world.service_days().await, [written(next)], "and nothing of day 4");
    uptimes.put_service_days(vec![]).await.unwrap();
}

async fn two_who_begin_a_day_at_once_are_one(world: World) {
    let uptimes = &world.store.uptimes;
    let ours = |who: &str| vec![ServiceDay { body: who.into(), ..day(7) }];
    let (one, other) =
        tokio::join!(uptimes.put_service_days(ours("one")), uptimes.put_service_days(ours("other")));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let first = if one.is_ok() { "one" } else { "other" };
    assert_eq!(world.service_days().await, [ServiceDay { version: 1, body: first.into(), ..day(7) }]);
}

async fn days_of_services_have_their_maxima(world: World) {
    let uptimes = &world.store.uptimes;
    let sized = |bytes| vec![ServiceDay { body: "b".repeat(bytes), ..day(999) }];
    let days = |days: usize| (0..days as u32).map(day).collect();
    assert_refused!(
        uptimes.put_service_days(sized(SERVICE_DAY_BYTES_MAX + 1)),
        Limit { max: SERVICE_DAY_BYTES_MAX, .. }
    );
    assert_refused!(
        uptimes.put_service_days(days(SERVICE_DAYS_AT_ONCE_MAX + 1)),
        Limit { max: SERVICE_DAYS_AT_ONCE_MAX, .. }
    );
    assert_refused!(uptimes.put_service_days(vec![day(SERVICE_DAY_MAX + 1)]), Limit { .. });
    uptimes.put_service_days(days(SERVICE_DAYS_AT_ONCE_MAX)).await.unwrap();
    uptimes.put_service_days(sized(SERVICE_DAY_BYTES_MAX)).await.unwrap();
    assert_eq!(world.service_days().await.len(), SERVICE_DAYS_AT_ONCE_MAX + 1);
}

async fn days_of_services_before_one_are_removed(world: World) {
    let uptimes = &world.store.uptimes;
    uptimes.put_service_days(vec![day(3), day(4), day(5)]).await.unwrap();
    uptimes.remove_service_days_before(5).await.unwrap();
    assert_eq!(world.service_days().await, [written(day(5))]);
}

async fn after_closing_nothing_is_kept_of_services(world: World) {
    world.store.close().await;
    assert_refused!(world.store.uptimes.put_service_days(vec![day(4)]), Unavailable(_));
    assert_refused!(world.store.uptimes.service_days((0, 9), 9), Unavailable(_));
    assert_refused!(world.store.uptimes.remove_service_days_before(9), Unavailable(_));
}
