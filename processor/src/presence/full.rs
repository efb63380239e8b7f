//! Presence at its maxima: who comes past them is told apart no longer, or is counted in history only.

use super::fixtures::*;
use super::*;

fn present(presence: &mut Presence) -> usize {
    presence.take_commits(EIGHT);
    presence.present()
}

#[test]
fn browsers_past_the_maximum_count_as_one_together() {
    let mut presence = Presence::new(0);
    let come = |presence: &mut Presence, browser: u64| {
        let sighting = view(u128::from(browser)).by(1, browser).at(EIGHT);
        presence.hit(SITE, &sighting, EIGHT);
        present(presence)
    };
    for browser in 1..=BROWSERS_A_VISITOR_MAX as u64 {
        assert_eq!(come(&mut presence, browser), browser as usize);
    }
    let more = BROWSERS_A_VISITOR_MAX as u64 + 1;
    assert_eq!(come(&mut presence, more), BROWSERS_A_VISITOR_MAX + 1, "the further ones together");
    assert_eq!(come(&mut presence, more + 1), BROWSERS_A_VISITOR_MAX + 1);
    assert_eq!(come(&mut presence, 1), BROWSERS_A_VISITOR_MAX + 1, "who was told apart still is");
}

#[test]
fn who_comes_past_the_maximum_of_a_site_or_a_shard_is_not_present_and_others_stay() {
    let mut presence = Presence::new(0);
    presence.limits = Limits { of_site: 3, of_shard: 4 };
    let other = SiteId::of(2);
    let come = |presence: &mut Presence, site: SiteId, visitor: u64| {
        presence.hit(site, &view(u128::from(visitor)).by(visitor, visitor).at(EIGHT), EIGHT);
        present(presence)
    };
    assert_eq!([1, 2, 3, 4].map(|visitor| come(&mut presence, SITE, visitor)), [1, 2, 3, 3]);
    assert_eq!([5, 6].map(|visitor| come(&mut presence, other, visitor)), [4, 4]);
    presence.hit(SITE, &leave(1, 0).by(1, 1).at(EIGHT), EIGHT);
    let later = EIGHT.plus(LEAVE_GRACE);
    presence.take_commits(later);
    presence.hit(SITE, &view(7).by(7, 7).at(later), later);
    presence.take_commits(later);
    assert_eq!(presence.present(), 4, "there is room again");
}
