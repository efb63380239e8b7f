//! Promises of `Moving`: each kind of row goes there and back unchanged, whatever is killed on the way.

use bytes::Bytes;
use model::chat::{Room, RoomKind, RoomRole};
use model::notice::Digest;
use model::rights::TokenSites;
use model::{Millis, PageId, Peak, Role, RoomId, SavedId, SegmentId, SiteId, TestClock, WatchedPage};

use super::chat::{BOB, ROOM, guest, member, room, text};
use super::fixtures::{
    LATER, NOW, batch, invitation, new_account, secret, segment, share, sign_in, site, token,
};
use super::notices::browser;
use super::{Place, World, assert_refused, fresh_database, on_every_backend};
use crate::accounts::SecretHash;
use crate::chat::{RoomChange, Search};
use crate::history::{NewFold, TailBatch};
use crate::moving::{
    Compared, End, House, Key, Kind, Mark, Moving, PART_BYTES, Page, Progress, Row, carry, compare,
};
use crate::pages::PageDay;
use crate::saved::{SavedItem, SavedKind};
use crate::totals::{DayTotal, TotalsTable};
use crate::uptimes::ServiceDay;
use crate::{Embedded, MongoStore, StoreError};

const SOURCE: &str = "embedded:/somewhere";

on_every_backend! {
    every_kind_goes_to_either_backend_and_back_unchanged,
    pages_are_bounded_in_order_and_without_a_gap,
    what_expired_stays_behind,
    a_page_that_comes_twice_changes_nothing,
    a_move_cut_at_any_page_goes_on_and_ends_right,
    a_target_that_holds_anything_is_refused_and_an_offer_to_set_up_is_nothing,
    a_store_that_is_half_moved_to_is_opened_by_a_move_alone,
    a_store_that_was_moved_to_works_on,
}

/// An end of a move in a place of its own.
struct Fresh {
    house: House,
    /// A folder, or the URI of a database.
    place: Result<tempfile::TempDir, String>,
}

impl Fresh {
    async fn embedded() -> Fresh {
        let folder = tempfile::tempdir().unwrap();
        let house = Embedded::open_for_move(folder.path(), End::Target).unwrap();
        Fresh { house, place: Ok(folder) }
    }

    async fn mongodb() -> Fresh {
        let uri = servers::mongodb::shared_uri(&fresh_database());
        Fresh { house: MongoStore::open_for_move(&uri, End::Target).await.unwrap(), place: Err(uri) }
    }

    fn end(&self) -> &dyn Moving {
        self.house.moving.as_ref()
    }

    async fn close(self) -> Result<tempfile::TempDir, String> {
        self.house.store.close().await;
        self.place
    }
}

impl World {
    /// As the source of a move; what is beside it is where it stands.
    pub(super) async fn into_source(self) -> (House, Place) {
        self.store.close().await;
        let house = match &self.place {
            Place::Folder(folder) => Embedded::open_for_move(folder.path(), End::Source).unwrap(),
            Place::Database(uri) => MongoStore::open_for_move(uri, End::Source).await.unwrap(),
        };
        (house, self.place)
    }

    /// Some of everything.
    async fn furnished(&self) {
        let store = &self.store;
        let (operator, first) = self.founded().await;
        for number in 2..=7 {
            let mut site = site(number);
            site.hostnames.clear();
            site.first_party_id = false;
            store.sites.add(site, operator.id).await.unwrap();
            self.viewer(number, first.id, operator.id).await;
        }
        for number in 0..9 {
            let account = model::AccountId::of(1 + number % 7);
            let created = Millis(NOW.0 + number as i64);
            store.accounts.open_sign_in(sign_in(number, account, created, LATER)).await.unwrap();
            let of_sign_in = (secret(number), browser(number));
            store.notices.put_browser(of_sign_in.0, of_sign_in.1, created).await.unwrap();
            store.notices.set_digest(account, Digest::ALL[number as usize % 3]).await.unwrap();
            let sites = if number % 2 == 0 { TokenSites::All } else { TokenSites::One(first.id) };
            store.accounts.mint_token(token(number, account, sites), secret(100 + number)).await.unwrap();
            let invited = invitation(number, first.id, operator.id, Role::Admin);
            store.accounts.invite(invited, secret(200 + number)).await.unwrap();
            store.accounts.share(share(number, first.id), secret(300 + number)).await.unwrap();
            store.salts.salt(&format!("Europe/Paris {number}"), LATER).await.unwrap();
        }
        for number in 0..30 {
            let body = Bytes::from(vec![number as u8; number as usize * 10]);
            let batches = (1..=3).map(|site| TailBatch { body: body.clone(), ..batch(number, site, NOW) });
            store.history.append(batches.rev().collect()).await.unwrap();
            let hour = Millis(NOW.0 + number as i64 / 3);
            let peak = Peak { site: SiteId::of(1 + number as u64 % 3), hour, count: 5 + number as u32 };
            store.history.raise_peaks(&[peak]).await.unwrap();
        }
        self.folded().await;
        let seen = |day| ServiceDay { day, version: 0, body: "{}".into() };
        store.uptimes.put_service_days(vec![seen(20_000), seen(20_001), seen(20_009)]).await.unwrap();
        self.chatted().await;
        store.sites.remove(SiteId::of(3)).await.unwrap();
        store.history.forget(SiteId::of(3)).await.unwrap();
    }
}

impl World {
    /// Sites 1 and 3 have segments and what folds took in; site 2 was folded, and all that left the tail.
    async fn folded(&self) {
        let history = &self.store.history;
        for (number, kind) in [(1, SavedKind::Goal), (2, SavedKind::Annotation)] {
            let item = SavedItem {
                id: SavedId::of(number),
                kind,
                name: format!("item {number}"),
                body: "{}".into(),
                at: (number == 2).then_some(NOW),
                created: NOW,
            };
            self.store.saved.add(SiteId::of(number), item).await.unwrap();
            let total = |table| DayTotal { day: 20_000 + number as u32, table, body: "[1]".into() };
            let totals = TotalsTable::EVERY.map(total).to_vec();
            self.store.totals.put(SiteId::of(number), totals).await.unwrap();
            for page in [number * 2, number * 2 + 1] {
                let (id, url) = (PageId::of(page), format!("https://{number}.example.org/{page}"));
                let watched = WatchedPage { id, url, created: NOW };
                self.store.pages.add_page(SiteId::of(number), watched).await.unwrap();
                let day = |day| PageDay { page: id, day, version: 0, body: "{}".into() };
                let days = vec![day(20_000), day(20_001), day(20_002)];
                self.store.pages.put_seen(SiteId::of(number), days).await.unwrap();
            }
        }
        for (site, old) in [(1, Millis(0)), (2, LATER), (3, Millis(0))] {
            let site = SiteId::of(site);
            let folded_to = history.tail_of(site, None, 12).await.unwrap().last;
            let segments =
                vec![segment(9, 2 * PART_BYTES + 7), segment(3, 0), segment(8, PART_BYTES), segment(4, 5)];
            let new = NewFold { folded_to, old, segments, ..NewFold::default() };
            history.put_fold(site, new).await.unwrap();
            let gone = vec![SegmentId(4)];
            history.put_fold(site, NewFold { after: 1, gone, ..NewFold::default() }).await.unwrap();
        }
    }
}

async fn all(end: &dyn Moving, kind: Kind, limit: usize) -> Vec<Row> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let Page { rows: some, next } = end.export(kind, after, NOW, limit).await.unwrap();
        assert!(some.len() <= limit);
        rows.extend(some);
        after = next;
        if after.is_none() {
            return rows;
        }
    }
}

async fn moved(from: &dyn Moving, to: &dyn Moving) -> Vec<Compared> {
    let mark = to.begin(SOURCE).await.unwrap();
    carry(from, to, &mark, &TestClock::at(NOW), &mut |_| {}).await.unwrap();
    let compared = compare(from, to, &TestClock::at(NOW), &mut |_| {}).await.unwrap();
    assert!(compared.iter().all(Compared::is_same), "{compared:?}");
    to.end().await.unwrap();
    compared
}

async fn every_kind_goes_to_either_backend_and_back_unchanged(world: World) {
    world.furnished().await;
    let (source, _place) = world.into_source().await;
    let (sqlite, mongodb, back) = (Fresh::embedded().await, Fresh::mongodb().await, Fresh::embedded().await);
    let compared = moved(source.moving.as_ref(), sqlite.end()).await;
    moved(sqlite.end(), mongodb.end()).await;
    moved(mongodb.end(), back.end()).await;
    for Compared { kind, source: content, .. } in compared {
        let rows = all(source.moving.as_ref(), kind, 500).await;
        assert_eq!(content.rows, rows.len() as u64);
        assert!(kind == Kind::SetUp || !rows.is_empty(), "{kind:?}: nothing is tested");
        for end in [sqlite.end(), mongodb.end(), back.end()] {
            assert!(all(end, kind, 500).await == rows, "{kind:?}");
        }
    }
}

async fn pages_are_bounded_in_order_and_without_a_gap(world: World) {
    world.furnished().await;
    let (source, _place) = world.into_source().await;
    for kind in Kind::ALL {
        let whole = all(source.moving.as_ref(), kind, 500).await;
        for limit in [1, 2, 7] {
            assert!(all(source.moving.as_ref(), kind, limit).await == whole, "{kind:?} by {limit}");
        }
    }
}

async fn what_expired_stays_behind(world: World) {
    let (operator, first) = world.founded().await;
    let (soon, later) = (Millis(NOW.0 + 1), Millis(NOW.0 + 2));
    for (number, expires) in [(1, soon), (2, later)] {
        world.store.accounts.open_sign_in(sign_in(number, operator.id, NOW, expires)).await.unwrap();
        let mut invited = invitation(number, first.id, operator.id, Role::Viewer);
        (invited.created, invited.expires) = (NOW, expires);
        world.store.accounts.invite(invited, secret(10 + number)).await.unwrap();
        world.store.salts.salt(&format!("{number}"), expires).await.unwrap();
    }
    let (source, _place) = world.into_source().await;
    for kind in [Kind::SignIns, Kind::Invitations, Kind::Salts] {
        for (now, left) in [(NOW, 2), (soon, 1), (later, 0)] {
            let page = source.moving.export(kind, None, now, 10).await.unwrap();
            assert_eq!(page.rows.len(), left, "{kind:?}");
        }
    }
}

async fn a_page_that_comes_twice_changes_nothing(world: World) {
    world.furnished().await;
    let (source, _place) = world.into_source().await;
    for target in [Fresh::embedded().await, Fresh::mongodb().await] {
        target.end().begin(SOURCE).await.unwrap();
        for _ in 0..2 {
            for kind in Kind::ALL {
                let rows = all(source.moving.as_ref(), kind, 500).await;
                target.end().import(kind, rows.clone()).await.unwrap();
                assert!(all(target.end(), kind, 500).await == rows, "{kind:?}");
            }
        }
    }
}

async fn a_move_cut_at_any_page_goes_on_and_ends_right(world: World) {
    world.furnished().await;
    let (source, _place) = world.into_source().await;
    let source = source.moving.as_ref();
    for target in [Fresh::embedded().await, Fresh::mongodb().await] {
        let mut mark = target.end().begin(SOURCE).await.unwrap();
        for kept in [0, 3, 10, 40] {
            // As a process that is killed when it has sent `kept` batches of the tail, and perhaps told so.
            for kind in Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Tail | Kind::Folds)) {
                target.end().import(kind, all(source, kind, 500).await).await.unwrap();
            }
            let page = source.export(Kind::Tail, None, NOW, kept.max(1)).await.unwrap();
            if kept > 0 {
                target.end().import(Kind::Tail, page.rows).await.unwrap();
            }
            if let (10, Some(Key::Number(cursor))) = (kept, page.next) {
                target.end().reached(cursor as u64).await.unwrap();
                target.end().reached(1).await.unwrap();
            }
            mark = target.end().mark().await.unwrap().expect("it began");
        }
        assert!(mark.tail > 1 && !mark.ended, "{mark:?}");
        let mut last = None;
        let mut tell = |progress: Progress| {
            if progress.kind == Kind::Tail {
                last = Some(progress.rows);
            }
        };
        carry(source, target.end(), &mark, &TestClock::at(NOW), &mut tell).await.unwrap();
        let whole = all(source, Kind::Tail, 500).await.len() as u64;
        assert_eq!(last, Some(whole - 10), "not from the beginning again");
        let compared = compare(source, target.end(), &TestClock::at(NOW), &mut |_| {}).await.unwrap();
        assert!(compared.iter().all(Compared::is_same), "{compared:?}");
    }
}

async fn a_target_that_holds_anything_is_refused_and_an_offer_to_set_up_is_nothing(world: World) {
    let offered = SecretHash::of("offered");
    world.store.accounts.offer_set_up(offered).await.unwrap();
    world.store.history.append(vec![batch(1, 1, NOW)]).await.unwrap();
    let (source, _place) = world.into_source().await;
    assert_refused!(source.moving.begin(SOURCE), StoreError::Conflict(_));
    assert_eq!(source.moving.mark().await.unwrap(), None);
    for target in [Fresh::embedded().await, Fresh::mongodb().await] {
        target.house.store.accounts.offer_set_up(offered).await.unwrap();
        let seen = ServiceDay { day: 20_000, version: 0, body: "{}".into() };
        target.house.store.uptimes.put_service_days(vec![seen]).await.unwrap();
        let begun = Mark { source: SOURCE.into(), tail: 0, ended: false };
        assert_eq!(target.end().begin(SOURCE).await.unwrap(), begun);
        assert_eq!(target.end().mark().await.unwrap(), Some(begun));
        assert!(!target.house.store.accounts.set_up_offered(offered).await.unwrap());
        assert_eq!(target.house.store.uptimes.service_days((0, 30_000), 9).await.unwrap(), []);
        for kind in Kind::ALL {
            let rows = all(source.moving.as_ref(), kind, 10).await;
            target.end().import(kind, rows).await.unwrap();
        }
        assert!(
            target.house.store.accounts.set_up_offered(offered).await.unwrap(),
            "the source's comes along"
        );
        assert_refused!(target.end().begin("another"), StoreError::Conflict(_));
    }
}

async fn a_store_that_is_half_moved_to_is_opened_by_a_move_alone(world: World) {
    let half = {
        let target = if matches!(world.place, Place::Folder(_)) {
            Fresh::embedded().await
        } else {
            Fresh::mongodb().await
        };
        target.end().begin(SOURCE).await.unwrap();
        target.close().await
    };
    let (refused, as_source) = match &half {
        Ok(folder) => {
            (Embedded::open(folder.path()).err(), Embedded::open_for_move(folder.path(), End::Source).err())
        }
        Err(uri) => {
            (MongoStore::open(uri).await.err(), MongoStore::open_for_move(uri, End::Source).await.err())
        }
    };
    for refused in [refused, as_source] {
        let refused = format!("{:#}", refused.expect("it is refused"));
        assert!(refused.contains("a part of a move from embedded:/somewhere"), "{refused}");
    }
    let again = match &half {
        Ok(folder) => Embedded::open_for_move(folder.path(), End::Target).unwrap(),
        Err(uri) => MongoStore::open_for_move(uri, End::Target).await.unwrap(),
    };
    again.moving.end().await.unwrap();
    again.store.close().await;
    match &half {
        Ok(folder) => drop(Embedded::open(folder.path()).unwrap()),
        Err(uri) => MongoStore::open(uri).await.unwrap().close().await,
    }
}

async fn a_store_that_was_moved_to_works_on(world: World) {
    world.furnished().await;
    let salt = world.store.salts.salt("Europe/Paris 1", LATER).await.unwrap();
    let (source, _place) = world.into_source().await;
    for target in [Fresh::embedded().await, Fresh::mongodb().await] {
        moved(source.moving.as_ref(), target.end()).await;
        let store = &target.house.store;
        assert_eq!(
            store.salts.salt("Europe/Paris 1", LATER).await.unwrap(),
            salt,
            "today's visitors stay who they are"
        );
        let (_, account) = store.accounts.sign_in(secret(0), NOW).await.unwrap();
        assert!(account.operator);
        let newest = sign_in(50, account.id, Millis(NOW.0 + 7), LATER);
        store.accounts.open_sign_in(newest.clone()).await.unwrap();
        assert_eq!(store.accounts.sign_ins(account.id, NOW).await.unwrap()[0], newest);
        let another = crate::accounts::NewAccount { email: "2@EXAMPLE.org".into(), ..new_account(60) };
        store
            .accounts
            .invite(invitation(70, SiteId::of(1), account.id, Role::Viewer), secret(70))
            .await
            .unwrap();
        assert_refused!(store.accounts.accept_as_new(secret(70), another, NOW), StoreError::Conflict(_));
        store.history.append(vec![batch(500, 3, NOW), batch(500, 1, NOW), batch(1, 1, NOW)]).await.unwrap();
        let page = store.history.tail_of(SiteId::of(1), None, 100).await.unwrap();
        let ids: Vec<u128> = page.batches.iter().map(|batch| batch.id.0).collect();
        let shelf = store.history.shelf(SiteId::of(1)).await.unwrap();
        assert_eq!((shelf.fold, shelf.segments.len()), (2, 3));
        let unfolded = store.history.tail_of(SiteId::of(1), shelf.folded_to, 100).await.unwrap().batches;
        assert_eq!(unfolded.len(), 19, "behind what folds took in");
        let whole = segment(9, 2 * PART_BYTES + 7);
        let read =
            store.history.read_segment(SiteId::of(1), whole.id, 1, whole.body.len() - 1).await.unwrap();
        assert!(read == whole.body[1..]);
        let left = store.history.shelf(SiteId::of(2)).await.unwrap();
        assert_eq!((left.fold, left.folded_to), (2, None), "all that folds took in has left");
        let next = NewFold { after: 2, segments: vec![segment(50, 10)], ..NewFold::default() };
        assert_eq!(store.history.put_fold(SiteId::of(1), next).await.unwrap(), 3);
        assert_eq!(ids, (0..30).chain([500]).collect::<Vec<_>>(), "behind what was moved, and each once");
        let removed = store.history.tail_of(SiteId::of(3), None, 100).await.unwrap();
        assert_eq!(removed.batches, [], "a removed site stays removed");
        let search =
            |text: &str| Search { rooms: vec![ROOM], text: text.into(), limit: 9, ..Search::default() };
        let found = store.messages.search(search("tea 300")).await.unwrap();
        assert_eq!(found.iter().map(|message| message.number).collect::<Vec<_>>(), [301]);
        assert_eq!(store.messages.search(search("coffee")).await.unwrap().len(), 3);
        assert_eq!(store.messages.search(search("between")).await.unwrap(), []);
        assert_eq!(store.messages.post(text(903, BOB, "on")).await.unwrap().message.number, 305);
        assert!(!store.messages.post(text(903, BOB, "on")).await.unwrap().fresh);
        store.rooms.change(ROOM, RoomChange::Unlock, None).await.unwrap();
        assert_eq!(store.messages.message(ROOM, 304).await.unwrap().body, "");
        assert_eq!(store.rooms.admitted(secret(601)).await.unwrap(), guest(1));
        let direct = vec![member(RoomId::of(9), BOB, RoomRole::Host)];
        let same = Room { kind: RoomKind::Direct, ..room(9) };
        assert_eq!(store.rooms.open(same, direct).await.unwrap().id, RoomId::of(3));
        World::converses_on(store).await;
    }
}
