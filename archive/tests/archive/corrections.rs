//! Verdicts corrected and taken back, over a real store, against the same hits folded all at once.

use std::sync::Arc;

use archive::{ArchiveError, Corrected, CorrectionState};
use fastrand::Rng;
use history::EnrichedHit;
use history::amend::{Correction, Verdict};
use history::fold::Fold;
use history::query::{Bots, Filter, Metric, Query, Sort};
use history::report::judged::judged;
use history::report::{self, Answer, Control, Library};
use history::zone::Zone;
use model::{AccountId, Millis, SavedId};
use store::StoreError;
use store::accounts::{NewAccount, SecretHash};
use store::saved::SavedItem;

use crate::world::World;
use crate::{Ground, everything};

/// A few reports of all numbers: of humans, of bots and of all.
fn reports() -> Vec<Query> {
    let mut queries = Vec::new();
    for bots in [Bots::Without, Bots::Only, Bots::With] {
        for by in
            [&[][..], &["page"], &["source", "country"], &["new-or-returning"], &["bot"], &["exit-page"]]
        {
            let by = by.iter().map(|by| by.parse().unwrap()).collect();
            let sort = Sort { by: Metric::Pageviews, ascending: false };
            queries.push(Query { bots, by, sort, limit: 1_000, ..everything() });
        }
    }
    queries
}

impl Ground {
    async fn numbers(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for query in reports() {
            answers.push(self.archive.answer(&self.site, query).await.unwrap());
        }
        answers
    }

    /// The same of these hits, folded all at once, by these corrections.
    fn expected(&self, seen: &[EnrichedHit], corrections: &[Correction]) -> Vec<Answer> {
        let zone = Zone::named(&self.site.time_zone).unwrap();
        let mut fold = Fold::new(zone.clone());
        fold.add_hits(seen);
        let library = Library::new(usize::MAX);
        let part = |folded: history::fold::Folded| {
            let table = judged(&folded.day, folded.table, corrections, &zone).unwrap();
            Arc::new(library.hold(&folded.day, table))
        };
        let parts: Vec<_> = fold.finish().into_iter().map(part).collect();
        let answer = |query: &Query| report::answer(&parts, &zone, query, &Control::plain()).unwrap();
        reports().iter().map(answer).collect()
    }

    async fn correct(&self, number: u64, correction: Correction) -> archive::Result<Corrected> {
        let about = (SavedId::of(number), format!("correction {number}"), "Olive".to_owned());
        archive::correct(&self.stores(), &self.site, about, correction, Millis(number as i64)).await
    }

    /// What is saved of a site needs the site.
    async fn found(&self) {
        let (secret, owner) = (SecretHash::of("set-up"), AccountId::of(1));
        let email = "ada@a.example".into();
        let account = NewAccount { id: owner, name: "Ada".into(), email, password_phc: "x".into() };
        self.store.accounts.offer_set_up(secret).await.unwrap();
        self.store.accounts.set_up(secret, account, Millis(0)).await.unwrap();
        self.store.sites.add(self.site.clone(), owner).await.unwrap();
    }
}

fn random_correction(rng: &mut Rng) -> Correction {
    let filters = [
        ("page", "/a"),
        ("page", "/"),
        ("source", "Google"),
        ("source", "direct"),
        ("country", "FR"),
        ("event", "buy"),
        ("bot", "names-itself"),
        ("bot", ""),
    ];
    let (by, value) = filters[rng.usize(..filters.len())];
    let filter = Filter::Is { by: by.parse().unwrap(), values: vec![value.to_owned()] };
    let verdict = if rng.bool() { Verdict::Bot } else { Verdict::Human };
    Correction { from: 0, to: 4_102_444_800_000, filter, verdict }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_taken_back_leaves_every_number_as_it_was_whatever_was_folded_meanwhile() {
    for seed in 1..=4 {
        let mut rng = Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let ground = Ground::new(world.zone.time_zone().iana_name().unwrap_or("UTC"));
        ground.found().await;
        let third = world.hits.len() / 3;
        let (first, rest) = world.hits.split_at(third);
        let (second, last) = rest.split_at(third);
        ground.append(&mut rng, first).await;
        ground.fold().await;
        ground.append(&mut rng, second).await;
        assert_eq!(ground.numbers().await, ground.expected(&world.hits[..third * 2], &[]), "seed {seed}");

        let mut in_force = Vec::new();
        for number in 1..=3 {
            let correction = random_correction(&mut rng);
            let made = ground.correct(number, correction.clone()).await.unwrap();
            assert_eq!((made.state, &*made.by), (CorrectionState::InForce, "Olive"));
            in_force.push((SavedId::of(number), correction));
            let list: Vec<Correction> = in_force.iter().map(|(_, one)| one.clone()).collect();
            let seen = &world.hits[..third * 2];
            assert_eq!(ground.numbers().await, ground.expected(seen, &list), "seed {seed}: {list:?}");
        }
        let list = |in_force: &[(SavedId, Correction)]| -> Vec<Correction> {
            in_force.iter().map(|(_, one)| one.clone()).collect()
        };
        // In the tail, and then folded: what comes later follows too.
        ground.append(&mut rng, last).await;
        assert_eq!(ground.numbers().await, ground.expected(&world.hits, &list(&in_force)), "seed {seed}");
        ground.fold().await;
        assert_eq!(ground.numbers().await, ground.expected(&world.hits, &list(&in_force)), "seed {seed}");
        while !in_force.is_empty() {
            let (id, _) = in_force.remove(rng.usize(..in_force.len()));
            archive::take_back(&ground.stores(), &ground.site, id).await.unwrap();
            assert_eq!(ground.numbers().await, ground.expected(&world.hits, &list(&in_force)), "seed {seed}");
        }
        assert_eq!(archive::corrections(&ground.stores(), ground.site.id).await.unwrap(), []);
        assert_eq!(ground.numbers().await, ground.expected(&world.hits, &[]), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_was_cut_off_is_gone_on_with() {
    let mut rng = Rng::with_seed(3);
    let world = World::random(&mut rng);
    let ground = Ground::new("UTC");
    ground.found().await;
    ground.append(&mut rng, &world.hits).await;
    ground.fold().await;
    let filter = Filter::Is { by: "page".parse().unwrap(), values: vec!["/".into()] };
    let correction = Correction { from: 0, to: i64::MAX, filter, verdict: Verdict::Bot };
    ground.correct(1, correction.clone()).await.unwrap();
    let with = ground.expected(&world.hits, std::slice::from_ref(&correction));
    let without = ground.expected(&world.hits, &[]);
    assert_ne!(with, without);

    // As if it had been killed right after it said what it is about to do.
    let (saved, stores) = (&ground.store.saved, ground.stores());
    let [item] = &saved.all(ground.site.id).await.unwrap()[..] else { panic!("one is saved") };
    let said = |state: &str| SavedItem { body: item.body.replace("in-force", state), ..item.clone() };
    saved.change(ground.site.id, said("taken-back")).await.unwrap();
    archive::settle(&stores, &ground.site, Millis(2)).await.unwrap();
    assert_eq!((ground.numbers().await, saved.all(ground.site.id).await.unwrap()), (without, vec![]));
    saved.add(ground.site.id, said("begun")).await.unwrap();
    archive::settle(&stores, &ground.site, Millis(2)).await.unwrap();
    let begun = archive::corrections(&stores, ground.site.id).await.unwrap();
    assert_eq!(begun[0].state, CorrectionState::Begun, "whoever made it may still be at it");
    archive::settle(&stores, &ground.site, Millis(600_002)).await.unwrap();
    let done = archive::corrections(&stores, ground.site.id).await.unwrap();
    assert_eq!(done[0].state, CorrectionState::InForce);
    assert_eq!(ground.numbers().await, with);
    let nowhere = archive::take_back(&stores, &ground.site, SavedId::of(9)).await;
    assert!(matches!(nowhere, Err(ArchiveError::Store(StoreError::NotFound(_)))));
    let bad = Correction { filter: Filter::Visitor(Box::new(correction.filter.clone())), ..correction };
    assert!(matches!(ground.correct(2, bad).await, Err(ArchiveError::Report(_))));
}
