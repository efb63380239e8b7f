//! Promises of `DayTotals`.

use model::SiteId;

use super::fixtures::site;
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound, Unavailable};
use crate::totals::{DayTotal, TOTALS_AT_ONCE_MAX, TOTALS_BYTES_MAX, TOTALS_DAY_MAX, TotalsTable};

on_every_backend! {
    daily_totals_are_read_back_by_table_and_day,
    a_second_put_of_a_day_and_table_takes_the_place_of_the_first,
    daily_totals_of_an_unknown_site_are_not_found,
    daily_totals_have_their_maxima,
    totals_before_a_day_are_removed_of_every_table,
    daily_totals_go_with_their_site,
    after_closing_no_totals_are_put,
}

fn total(table: TotalsTable, day: u32) -> DayTotal {
    DayTotal { day, table, body: format!("[\"{}\", {day}]", table.name()) }
}

async fn daily_totals_are_read_back_by_table_and_day(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let days = [0, 9, 10, 11, TOTALS_DAY_MAX];
    for table in TotalsTable::EVERY {
        let all = days.iter().rev().map(|day| total(table, *day)).collect();
        world.store.totals.put(first.id, all).await.unwrap();
    }
    let world = world.reopened().await;
    let totals = &world.store.totals;
    for table in TotalsTable::EVERY {
        let of = |days: &[u32]| days.iter().map(|day| total(table, *day)).collect::<Vec<_>>();
        for ((from, to), limit, found) in [
            ((0, TOTALS_DAY_MAX), 9, &days[..]),
            ((0, TOTALS_DAY_MAX), 2, &days[..2]),
            ((9, 10), 9, &days[1..3]),
            ((12, 12), 9, &[]),
        ] {
            assert_eq!(totals.between(first.id, table, (from, to), limit).await.unwrap(), of(found));
        }
    }
    let elsewhere = totals.between(SiteId::of(2), TotalsTable::All, (0, TOTALS_DAY_MAX), 9).await.unwrap();
    assert_eq!(elsewhere, []);
}

async fn a_second_put_of_a_day_and_table_takes_the_place_of_the_first(world: World) {
    let (_, site) = world.founded().await;
    let totals = &world.store.totals;
    let second = DayTotal { body: "[]".into(), ..total(TotalsTable::Pages, 5) };
    totals.put(site.id, vec![total(TotalsTable::Pages, 5), total(TotalsTable::Pages, 6)]).await.unwrap();
    totals.put(site.id, vec![second.clone()]).await.unwrap();
    totals.put(site.id, vec![]).await.unwrap();
    let found = totals.between(site.id, TotalsTable::Pages, (0, 9), 9).await.unwrap();
    assert_eq!(found, [second, total(TotalsTable::Pages, 6)]);
}

async fn daily_totals_of_an_unknown_site_are_not_found(world: World) {
    world.founded().await;
    assert_refused!(world.store.totals.put(SiteId::of(9), vec![total(TotalsTable::All, 1)]), NotFound(_));
}

async fn daily_totals_have_their_maxima(world: World) {
    let (_, site) = world.founded().await;
    let totals = &world.store.totals;
    let sized = |bytes| vec![DayTotal { body: "b".repeat(bytes), ..total(TotalsTable::All, 1) }];
    let days = |days: usize| (0..days as u32).map(|day| total(TotalsTable::All, day)).collect();
    assert_refused!(totals.put(site.id, sized(TOTALS_BYTES_MAX + 1)), Limit { max: TOTALS_BYTES_MAX, .. });
    assert_refused!(totals.put(site.id, days(TOTALS_AT_ONCE_MAX + 1)), Limit { max: TOTALS_AT_ONCE_MAX, .. });
    let late = vec![total(TotalsTable::All, TOTALS_DAY_MAX + 1)];
    assert_refused!(totals.put(site.id, late), Limit { .. });
    totals.put(site.id, days(TOTALS_AT_ONCE_MAX)).await.unwrap();
    totals.put(site.id, sized(TOTALS_BYTES_MAX)).await.unwrap();
    let found = totals.between(site.id, TotalsTable::All, (0, TOTALS_DAY_MAX), 500).await.unwrap();
    assert_eq!(found.len(), TOTALS_AT_ONCE_MAX);
}

async fn totals_before_a_day_are_removed_of_every_table(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let totals = &world.store.totals;
    for id in [first.id, SiteId::of(2)] {
        for table in TotalsTable::EVERY {
            totals.put(id, vec![total(table, 4), total(table, 5)]).await.unwrap();
        }
    }
    totals.remove_before(first.id, 5).await.unwrap();
    for table in TotalsTable::EVERY {
        assert_eq!(totals.between(first.id, table, (0, 9), 9).await.unwrap(), [total(table, 5)]);
        assert_eq!(totals.between(SiteId::of(2), table, (0, 9), 9).await.unwrap().len(), 2);
    }
}

async fn daily_totals_go_with_their_site(world: World) {
    let (_, first) = world.founded().await;
    world.store.totals.put(first.id, vec![total(TotalsTable::All, 1)]).await.unwrap();
    world.store.sites.remove(first.id).await.unwrap();
    assert_eq!(world.store.totals.between(first.id, TotalsTable::All, (0, 9), 9).await.unwrap(), []);
}

async fn after_closing_no_totals_are_put(world: World) {
    let (_, site) = world.founded().await;
    world.store.close().await;
    assert_refused!(world.store.totals.put(site.id, vec![total(TotalsTable::All, 1)]), Unavailable(_));
    assert_refused!(world.store.totals.between(site.id, TotalsTable::All, (0, 9), 9), Unavailable(_));
}
