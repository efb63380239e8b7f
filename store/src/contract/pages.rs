//! Promises of `Pages`.

use model::limits::{WATCHED_PAGES_MAX, WATCHED_URL_BYTES_MAX};
use model::{Millis, PageId, SiteId, WatchedPage};

use super::fixtures::{NOW, site};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound, Unavailable};
use crate::pages::{PAGE_DAY_BYTES_MAX, PAGE_DAY_MAX, PAGE_DAYS_AT_ONCE_MAX, PageDay};

on_every_backend! {
    pages_are_listed_as_they_were_added_and_sites_that_have_any,
    a_page_is_added_once_and_to_a_site_that_there_is,
    pages_have_their_maxima,
    what_was_seen_is_read_back_by_page_and_day,
    who_was_outrun_by_another_writes_nothing,
    what_was_seen_is_of_the_sites_own_pages,
    days_of_pages_have_their_maxima,
    days_before_one_are_removed_of_one_site,
    pages_go_with_their_site_and_days_with_their_page,
    after_closing_no_page_is_added,
}

fn page(number: u64) -> WatchedPage {
    WatchedPage {
        id: PageId::of(number),
        url: format!("https://shop.example/{number}"),
        created: Millis(NOW.0 - number as i64),
    }
}

fn day(page: u64, day: u32) -> PageDay {
    PageDay { page: PageId::of(page), day, version: 0, body: format!("{{\"n\":{page}}}") }
}

fn written(day: PageDay) -> PageDay {
    PageDay { version: day.version + 1, ..day }
}

impl World {
    /// Two sites with a page each, named 1 and 2.
    async fn watching(&self) -> (SiteId, SiteId) {
        let (operator, first) = self.founded().await;
        self.store.sites.add(site(2), operator.id).await.unwrap();
        self.store.pages.add_page(first.id, page(1)).await.unwrap();
        self.store.pages.add_page(SiteId::of(2), page(2)).await.unwrap();
        (first.id, SiteId::of(2))
    }

    async fn seen(&self, site: SiteId, page: u64) -> Vec<PageDay> {
        self.store.pages.seen(site, PageId::of(page), (0, PAGE_DAY_MAX), 99).await.unwrap()
    }
}

async fn pages_are_listed_as_they_were_added_and_sites_that_have_any(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    world.store.sites.add(site(3), operator.id).await.unwrap();
    assert_eq!(world.store.pages.watched().await.unwrap(), []);
    for (of, number) in [(3, 5), (1, 3), (1, 4), (1, 9)] {
        world.store.pages.add_page(SiteId::of(of), page(number)).await.unwrap();
    }
    let world = world.reopened().await;
    assert_eq!(world.store.pages.watched().await.unwrap(), [first.id, SiteId::of(3)]);
    assert_eq!(world.store.pages.pages(first.id).await.unwrap(), [page(9), page(4), page(3)]);
    assert_eq!(world.store.pages.pages(SiteId::of(2)).await.unwrap(), []);
}

async fn a_page_is_added_once_and_to_a_site_that_there_is(world: World) {
    let (first, second) = world.watching().await;
    let pages = &world.store.pages;
    assert_refused!(pages.add_page(SiteId::of(9), page(3)), NotFound(_));
    assert_refused!(pages.add_page(first, WatchedPage { id: PageId::of(3), ..page(1) }), Conflict(_));
    assert_refused!(
        pages.add_page(second, WatchedPage { url: "https://other.example/".into(), ..page(1) }),
        Conflict(_)
    );
    pages.add_page(second, WatchedPage { id: PageId::of(3), ..page(1) }).await.unwrap();
    assert_refused!(pages.remove_page(second, PageId::of(1)), NotFound(_));
    assert_refused!(pages.remove_page(SiteId::of(9), PageId::of(1)), NotFound(_));
    pages.remove_page(first, PageId::of(1)).await.unwrap();
    assert_refused!(pages.remove_page(first, PageId::of(1)), NotFound(_));
    assert_eq!(pages.pages(first).await.unwrap(), []);
}

async fn pages_have_their_maxima(world: World) {
    let (_, site) = world.founded().await;
    let pages = &world.store.pages;
    let sized = |number, bytes| WatchedPage { url: "u".repeat(bytes), ..page(number) };
    assert_refused!(
        pages.add_page(site.id, sized(1, WATCHED_URL_BYTES_MAX + 1)),
        Limit { max: WATCHED_URL_BYTES_MAX, .. }
    );
    pages.add_page(site.id, sized(1, WATCHED_URL_BYTES_MAX)).await.unwrap();
    for number in 2..=WATCHED_PAGES_MAX as u64 {
        pages.add_page(site.id, page(number)).await.unwrap();
    }
    assert_refused!(pages.add_page(site.id, page(99)), Limit { max: WATCHED_PAGES_MAX, .. });
    assert_eq!(pages.pages(site.id).await.unwrap().len(), WATCHED_PAGES_MAX);
}

async fn what_was_seen_is_read_back_by_page_and_day(world: World) {
    let (first, second) = world.watching().await;
    world.store.pages.add_page(first, page(3)).await.unwrap();
    let days = [0, 9, 10, 11, PAGE_DAY_MAX];
    for number in [1, 3] {
        let all = days.iter().rev().map(|of| day(number, *of)).collect();
        world.store.pages.put_seen(first, all).await.unwrap();
    }
    let world = world.reopened().await;
    let of = |days: &[u32]| days.iter().map(|of| written(day(3, *of))).collect::<Vec<_>>();
    for ((from, to), limit, found) in [
        ((0, PAGE_DAY_MAX), 9, &days[..]),
        ((0, PAGE_DAY_MAX), 2, &days[..2]),
        ((9, 10), 9, &days[1..3]),
        ((12, 12), 9, &[]),
    ] {
        let seen = world.store.pages.seen(first, PageId::of(3), (from, to), limit).await.unwrap();
        assert_eq!(seen, of(found));
    }
    assert_eq!(world.seen(second, 3).await, []);
    assert_eq!(world.seen(second, 2).await, []);
}

async fn who_was_outrun_by_another_writes_nothing(world: World) {
    let (first, _) = world.watching().await;
    let pages = &world.store.pages;
    pages.put_seen(first, vec![day(1, 5)]).await.unwrap();
    assert_refused!(pages.put_seen(first, vec![day(1, 4), day(1, 5)]), Conflict(_));
    let next = PageDay { version: 1, body: "[]".into(), ..day(1, 5) };
    pages.put_seen(first, vec![next.clone()]).await.unwrap();
    assert_refused!(
        pages.put_seen(first, vec![PageDay { body: "late".into(), ..next.clone() }]),
        Conflict(_)
    );
    assert_refused!(pages.put_seen(first, vec![PageDay { version: 3, ..day(1, 6) }]), Conflict(_));
    assert_eq!(world.seen(first, 1).await, [written(next)], "and nothing of day 4");
    pages.put_seen(first, vec![]).await.unwrap();
}

async fn what_was_seen_is_of_the_sites_own_pages(world: World) {
    let (first, second) = world.watching().await;
    let pages = &world.store.pages;
    assert_refused!(pages.put_seen(first, vec![day(1, 5), day(2, 5)]), NotFound(_));
    assert_refused!(pages.put_seen(SiteId::of(9), vec![day(1, 5)]), NotFound(_));
    assert_eq!(world.seen(first, 1).await, []);
    pages.put_seen(second, vec![day(2, 5)]).await.unwrap();
}

async fn days_of_pages_have_their_maxima(world: World) {
    let (first, _) = world.watching().await;
    let pages = &world.store.pages;
    let sized = |bytes| vec![PageDay { body: "b".repeat(bytes), ..day(1, 99) }];
    let days = |days: usize| (0..days as u32).map(|of| day(1, of)).collect();
    assert_refused!(
        pages.put_seen(first, sized(PAGE_DAY_BYTES_MAX + 1)),
        Limit { max: PAGE_DAY_BYTES_MAX, .. }
    );
    assert_refused!(
        pages.put_seen(first, days(PAGE_DAYS_AT_ONCE_MAX + 1)),
        Limit { max: PAGE_DAYS_AT_ONCE_MAX, .. }
    );
    assert_refused!(pages.put_seen(first, vec![day(1, PAGE_DAY_MAX + 1)]), Limit { .. });
    pages.put_seen(first, days(PAGE_DAYS_AT_ONCE_MAX)).await.unwrap();
    pages.put_seen(first, sized(PAGE_DAY_BYTES_MAX)).await.unwrap();
    assert_eq!(world.seen(first, 1).await.len(), PAGE_DAYS_AT_ONCE_MAX + 1);
}

async fn days_before_one_are_removed_of_one_site(world: World) {
    let (first, second) = world.watching().await;
    let pages = &world.store.pages;
    pages.put_seen(first, vec![day(1, 4), day(1, 5)]).await.unwrap();
    pages.put_seen(second, vec![day(2, 4), day(2, 5)]).await.unwrap();
    pages.remove_seen_before(first, 5).await.unwrap();
    assert_eq!(world.seen(first, 1).await, [written(day(1, 5))]);
    assert_eq!(world.seen(second, 2).await.len(), 2);
}

async fn pages_go_with_their_site_and_days_with_their_page(world: World) {
    let (first, second) = world.watching().await;
    let pages = &world.store.pages;
    pages.put_seen(first, vec![day(1, 4)]).await.unwrap();
    pages.put_seen(second, vec![day(2, 4)]).await.unwrap();
    pages.remove_page(first, PageId::of(1)).await.unwrap();
    assert_eq!(world.seen(first, 1).await, []);
    assert_eq!(world.seen(second, 2).await.len(), 1);
    world.store.sites.remove(second).await.unwrap();
    assert_eq!(world.seen(second, 2).await, []);
    assert_eq!(pages.watched().await.unwrap(), []);
}

async fn after_closing_no_page_is_added(world: World) {
    let (first, _) = world.watching().await;
    world.store.close().await;
    assert_refused!(world.store.pages.add_page(first, page(3)), Unavailable(_));
    assert_refused!(world.store.pages.pages(first), Unavailable(_));
    assert_refused!(world.store.pages.put_seen(first, vec![day(1, 4)]), Unavailable(_));
}
