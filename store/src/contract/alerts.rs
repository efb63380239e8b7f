//! Promises of `Alerts`.

use model::alert::{Alert, Condition, Side};
use model::chat::Who;
use model::outbox::{JobKind, NewJob};
use model::{AccountId, AlertId, BotId, IncidentId, JobId, Millis, SiteId, limits};
use tokio::task::JoinSet;

use super::conversations::SITE;
use super::fixtures::{LATER, NOW};
use super::{World, assert_refused, on_every_backend};
use crate::Store;
use crate::StoreError::{Limit, NotFound};
use crate::alerts::tests::{alert, incident};
use crate::alerts::{AlertBook, SITES_A_PAGE, Ways};

on_every_backend! {
    alerts_are_read_back_in_the_order_in_which_they_were_made,
    a_site_has_alerts_up_to_the_maximum,
    people_say_themselves_whether_an_alert_tells_them,
    an_alert_that_is_changed_keeps_whom_it_tells,
    that_it_is_so_is_kept_with_the_jobs_that_tell_of_it,
    of_those_who_see_it_at_once_one_tells,
    an_alert_asks_since_it_was_made_changed_or_put_on,
    what_an_alert_is_about_no_longer_is_over_and_nobody_is_told,
    sites_with_alerts_are_listed_page_by_page,
    alerts_go_with_their_site,
}

const BOTH: Ways = Ways { mail: true, push: true };

fn jobs(first: u128, count: u128) -> Vec<NewJob> {
    let job = |number| NewJob {
        id: JobId(number),
        kind: JobKind::AlertHook,
        owner: Who::Bot(BotId::of(1)),
        body: Vec::new(),
        created: NOW,
        due: NOW,
    };
    (first..first + count).map(job).collect()
}

async fn told(store: &Store) -> usize {
    store.outbox.jobs_of(JobKind::AlertHook, Who::Bot(BotId::of(1)), 100).await.unwrap().len()
}

async fn put(world: &World, alert: &Alert) {
    world.store.alerts.put_alert(SITE, alert.clone(), NOW).await.unwrap();
}

async fn book(world: &World) -> AlertBook {
    world.store.alerts.alerts(SITE).await.unwrap()
}

impl World {
    /// For tests of a move.
    pub async fn watched(&self) {
        for number in 1..=3 {
            put(self, &alert(number)).await;
        }
        let alerts = &self.store.alerts;
        alerts.put_alert(SiteId::of(2), alert(4), NOW).await.unwrap();
        assert!(alerts.begin_incident(SITE, incident(1, &alert(2), NOW), Vec::new()).await.unwrap());
    }

    /// Of those that came along everything works on.
    pub async fn alerts_on(store: &Store) {
        let book = store.alerts.alerts(SITE).await.unwrap();
        assert_eq!(book.alerts, [alert(1), alert(2), alert(3)]);
        assert!(!store.alerts.begin_incident(SITE, incident(2, &alert(2), NOW), Vec::new()).await.unwrap());
    }
}

async fn alerts_are_read_back_in_the_order_in_which_they_were_made(world: World) {
    assert_eq!(book(&world).await, AlertBook::default());
    for number in [3, 1, 2] {
        put(&world, &alert(number)).await;
    }
    let alerts = &world.store.alerts;
    alerts.remove_alert(SITE, AlertId::of(1), NOW).await.unwrap();
    assert_refused!(alerts.remove_alert(SITE, AlertId::of(1), NOW), NotFound("alert"));
    assert_refused!(alerts.remove_alert(SiteId::of(2), AlertId::of(2), NOW), NotFound("alert"));
    let world = world.reopened().await;
    assert_eq!(book(&world).await.alerts, [alert(3), alert(2)]);
    assert_eq!(world.store.alerts.alerts(SiteId::of(2)).await.unwrap(), AlertBook::default());
}

async fn a_site_has_alerts_up_to_the_maximum(world: World) {
    for number in 1..=limits::ALERTS_MAX as u64 {
        put(&world, &alert(number)).await;
    }
    let alerts = &world.store.alerts;
    let beyond = alert(limits::ALERTS_MAX as u64 + 1);
    assert_refused!(alerts.put_alert(SITE, beyond.clone(), NOW), Limit { max: limits::ALERTS_MAX, .. });
    put(&world, &alert(1)).await;
    alerts.put_alert(SiteId::of(2), beyond, NOW).await.unwrap();
    assert_eq!(book(&world).await.alerts.len(), limits::ALERTS_MAX);
    let many = jobs(1, limits::JOBS_A_CALL_MAX as u128 + 1);
    assert_refused!(
        alerts.begin_incident(SITE, incident(1, &alert(1), NOW), many),
        Limit { max: limits::JOBS_A_CALL_MAX, .. }
    );
    assert_eq!(book(&world).await.incidents, []);
}

async fn people_say_themselves_whether_an_alert_tells_them(world: World) {
    let (alerts, of) = (&world.store.alerts, AlertId::of(1));
    put(&world, &alert(1)).await;
    for number in 1..=limits::ALERT_PEOPLE_MAX as u64 {
        alerts.tell_by(SITE, of, AccountId::of(number), BOTH).await.unwrap();
        alerts.tell_by(SITE, of, AccountId::of(number), BOTH).await.unwrap();
    }
    let beyond = AccountId::of(limits::ALERT_PEOPLE_MAX as u64 + 1);
    assert_refused!(alerts.tell_by(SITE, of, beyond, BOTH), Limit { max: limits::ALERT_PEOPLE_MAX, .. });
    let ways = Ways { mail: false, push: true };
    alerts.tell_by(SITE, of, AccountId::of(1), ways).await.unwrap();
    let kept = &book(&world).await.alerts[0];
    assert_eq!((kept.mail.len(), kept.push.len()), (limits::ALERT_PEOPLE_MAX - 1, limits::ALERT_PEOPLE_MAX));
    assert!(!kept.mail.contains(&AccountId::of(1)) && kept.push.contains(&AccountId::of(1)));
    assert_refused!(alerts.tell_by(SITE, AlertId::of(2), beyond, BOTH), NotFound("alert"));
}

async fn an_alert_that_is_changed_keeps_whom_it_tells(world: World) {
    put(&world, &alert(1)).await;
    world.store.alerts.tell_by(SITE, AlertId::of(1), AccountId::of(7), BOTH).await.unwrap();
    let changed = Alert { name: "another".into(), mail: vec![AccountId::of(8)], ..alert(1) };
    put(&world, &changed).await;
    let people = vec![AccountId::of(7)];
    assert_eq!(book(&world).await.alerts, [Alert { mail: people.clone(), push: people, ..changed }]);
}

async fn that_it_is_so_is_kept_with_the_jobs_that_tell_of_it(world: World) {
    let alerts = &world.store.alerts;
    put(&world, &alert(1)).await;
    let first = incident(1, &alert(1), NOW);
    assert!(alerts.begin_incident(SITE, first.clone(), jobs(1, 2)).await.unwrap());
    assert!(!alerts.begin_incident(SITE, incident(2, &alert(1), LATER), jobs(3, 2)).await.unwrap());
    assert_eq!(told(&world.store).await, 2);
    let world = world.reopened().await;
    let alerts = &world.store.alerts;
    assert_eq!(book(&world).await.firing(AlertId::of(1)), Some(&first));
    assert!(alerts.end_incident(SITE, first.id, LATER, jobs(5, 1)).await.unwrap());
    assert!(!alerts.end_incident(SITE, first.id, LATER, jobs(6, 1)).await.unwrap());
    assert!(!alerts.end_incident(SITE, IncidentId::of(9), LATER, jobs(7, 1)).await.unwrap());
    assert_eq!(told(&world.store).await, 3);
    assert!(alerts.begin_incident(SITE, incident(2, &alert(1), LATER), jobs(8, 1)).await.unwrap());
    let kept = book(&world).await.incidents;
    let kept: Vec<_> = kept.iter().map(|incident| (incident.id.value(), incident.over)).collect();
    assert_eq!(kept, [(2, None), (1, Some(LATER))]);
}

async fn of_those_who_see_it_at_once_one_tells(world: World) {
    put(&world, &alert(1)).await;
    let mut seeing = JoinSet::new();
    for number in 1..=8_u64 {
        let alerts = world.store.alerts.clone();
        let (seen, jobs) = (incident(number, &alert(1), NOW), jobs(u128::from(number), 1));
        seeing.spawn(async move { alerts.begin_incident(SITE, seen, jobs).await.unwrap() });
    }
    let told_by = seeing.join_all().await;
    assert_eq!(told_by.iter().filter(|told| **told).count(), 1);
    assert_eq!((told(&world.store).await, book(&world).await.incidents.len()), (1, 1));
}

async fn an_alert_asks_since_it_was_made_changed_or_put_on(world: World) {
    let alerts = &world.store.alerts;
    let since = async |put: Alert, at: Millis| {
        alerts.put_alert(SITE, put, at).await.unwrap();
        book(&world).await.alerts[0].asked_since
    };
    let later = |seconds: i64| Millis(NOW.0 + seconds * 1_000);
    let when = Condition::Silence { minutes: 5 };
    assert_eq!(since(Alert { asked_since: Millis(1), ..alert(1) }, NOW).await, NOW);
    assert_eq!(since(Alert { name: "another".into(), ..alert(1) }, later(1)).await, NOW);
    let other = Alert { when, ..alert(1) };
    assert_eq!(since(other.clone(), later(2)).await, later(2));
    assert_eq!(since(Alert { on: false, ..other.clone() }, later(3)).await, later(3));
    assert_eq!(since(other, later(4)).await, later(4));
}

async fn what_an_alert_is_about_no_longer_is_over_and_nobody_is_told(world: World) {
    let alerts = &world.store.alerts;
    for number in 1..=4 {
        put(&world, &alert(number)).await;
        assert!(alerts.begin_incident(SITE, incident(number, &alert(number), NOW), vec![]).await.unwrap());
    }
    put(&world, &Alert { name: "another".into(), ..alert(1) }).await;
    let when = Condition::Visitors { side: Side::Below, than: 1, minutes: 0 };
    alerts.put_alert(SITE, Alert { when, ..alert(2) }, LATER).await.unwrap();
    alerts.put_alert(SITE, Alert { on: false, ..alert(3) }, LATER).await.unwrap();
    alerts.remove_alert(SITE, AlertId::of(4), LATER).await.unwrap();
    let over: Vec<Option<Millis>> =
        book(&world).await.incidents.iter().rev().map(|incident| incident.over).collect();
    assert_eq!(over, [None, Some(LATER), Some(LATER), Some(LATER)]);
    for number in 2..=4 {
        let seen = incident(10 + number, &alert(number), LATER);
        assert!(!alerts.begin_incident(SITE, seen, jobs(1, 1)).await.unwrap(), "of {number}, as it was");
    }
    assert_eq!(told(&world.store).await, 0);
}

async fn sites_with_alerts_are_listed_page_by_page(world: World) {
    let alerts = &world.store.alerts;
    let sites = SITES_A_PAGE as u64 + 1;
    for site in 1..=sites {
        alerts.put_alert(SiteId::of(site), alert(site), NOW).await.unwrap();
    }
    let first = alerts.alerted(None).await.unwrap();
    let second = alerts.alerted(first.last().map(|(site, _)| *site)).await.unwrap();
    assert_eq!((first.len(), second.len()), (SITES_A_PAGE, 1));
    assert_eq!(second[0].0, SiteId::of(sites));
    assert_eq!(second[0].1.alerts, [alert(sites)]);
    assert!(alerts.alerted(Some(SiteId::of(sites))).await.unwrap().is_empty());
}

async fn alerts_go_with_their_site(world: World) {
    let (_, first) = world.founded().await;
    let alerts = &world.store.alerts;
    alerts.put_alert(first.id, alert(1), NOW).await.unwrap();
    world.store.sites.remove(first.id).await.unwrap();
    world.store.history.forget(first.id).await.unwrap();
    world.store.rooms.forget_rooms(first.id).await.unwrap();
    assert_eq!(alerts.alerts(first.id).await.unwrap(), AlertBook::default());
}
