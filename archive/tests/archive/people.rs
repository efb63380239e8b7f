//! Somebody erased: nothing of them is left, and everybody else is as before.

use std::sync::Arc;

use archive::{Erased, Whom};
use fastrand::Rng;
use history::EnrichedHit;
use history::query::Bots;
use history::report::people::{self, Asked, Found, People, Whose, profile};
use history::segment::Reader;

use crate::world::{self, World};
use crate::{Ground, LATER};

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_with_every_visit_that_belonged_to_them_and_nobody_else_is() {
    for seed in 1..=8 {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::random(&mut rng);
        world.hits.iter_mut().for_each(|hit| hit.bot = None);
        let ground = Ground::new(world.zone.time_zone().iana_name().unwrap_or("UTC"));
        let (first, rest) = world.hits.split_at(world.hits.len() / 2);
        ground.append(&mut rng, first).await;
        ground.fold().await;
        ground.append(&mut rng, rest).await;
        let history = &ground.store.history;
        for identity in world::IDENTITIES {
            let before = ground.people().await;
            let whom = Whom::Person(identity.to_owned());
            let erased = archive::erase(&ground.stores(), &ground.site, &whom, LATER).await.unwrap();
            let theirs = before.people.iter().find(|person| *person.identity == *identity);
            let visits = theirs.map_or(0, |person| person.summary.visits as usize);
            assert_eq!((erased.visits, erased.hits > 0), (visits, visits > 0), "seed {seed}: {identity}");
            assert!(ground.people().await.people.iter().all(|person| *person.identity != *identity));
            assert_eq!(ground.profile(identity).await, None, "seed {seed}");
            let again = archive::erase(&ground.stores(), &ground.site, &whom, LATER).await.unwrap();
            assert_eq!(again, Erased::default(), "seed {seed}: there is nothing left to erase");
            let is_elsewhere = world::EVENTS.contains(&identity);
            for entry in history.shelf(ground.site.id).await.unwrap().segments {
                let length = entry.bytes as usize;
                let body = history.read_segment(ground.site.id, entry.id, 0, length).await.unwrap();
                let table = Reader::open(Arc::new(body)).unwrap().table().unwrap();
                let is_named = table.words.texts().iter().any(|text| **text == *identity);
                assert!(is_elsewhere || !is_named, "seed {seed}: {identity}");
            }
        }
        // Who was never named is as before.
        let named: Vec<_> = world.hits.iter().filter(|hit| hit.kind.name() == "identify").collect();
        let is_other = |hit: &&EnrichedHit| named.iter().all(|named| named.visitor != hit.visitor);
        let others: Vec<EnrichedHit> = world.hits.iter().filter(is_other).cloned().collect();
        ground.check(&others, "after everybody named went").await;
    }
}

impl Ground {
    async fn people(&self) -> Found {
        let asked = People { search: String::new(), bots: Bots::With, offset: 0, limit: 100 };
        let ask = move |on: &archive::Asked<'_>| people::people(on.parts, &asked, on.control);
        self.archive.ask(&self.site, (i64::MIN, i64::MAX), ask).await.unwrap()
    }

    async fn profile(&self, identity: &str) -> Option<people::Profile> {
        let asked =
            Asked { whose: Whose::Person(identity.to_owned()), bots: Bots::With, offset: 0, limit: 9 };
        let ask = move |on: &archive::Asked<'_>| profile(on.parts, &asked, on.control);
        self.archive.ask(&self.site, (i64::MIN, i64::MAX), ask).await.unwrap()
    }
}
