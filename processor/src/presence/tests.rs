//! The cases of the definitions and the rules behind them, as small stories with a clock turned by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use live::{FeedKind, Live, MemoryLive, Snapshot};
use model::limits::LEAVE_GRACE;

use super::fixtures::*;
use super::*;

/// A machine, the live state it commits to, and a clock.
struct Story {
    presence: Presence,
    live: MemoryLive,
    now: Millis,
    pageviews: BTreeMap<i64, u32>,
    feed: Vec<FeedKind>,
}

/// Seconds after `EIGHT`.
fn s(seconds: f64) -> Millis {
    Millis(EIGHT.0 + (seconds * 1_000.0) as i64)
}

impl Story {
    fn new() -> Story {
        let (presence, live) = (Presence::new(0), MemoryLive::default());
        Story { presence, live, now: EIGHT, pageviews: BTreeMap::new(), feed: Vec::new() }
    }

    /// Turns the clock to `seconds` after `EIGHT`.
    fn until(&mut self, seconds: f64) -> &mut Story {
        assert!(s(seconds) >= self.now, "a story goes forward");
        self.now = s(seconds);
        self
    }

    /// A hit that happens and arrives now.
    fn hit(&mut self, sighting: Sighting) -> &mut Story {
        let now = self.now;
        self.late(sighting.at(now))
    }

    /// A hit that happened when it says and arrives now.
    fn late(&mut self, sighting: Sighting) -> &mut Story {
        self.presence.tick(self.now);
        self.presence.hit(SITE, &sighting, self.now);
        self
    }

    /// What live shows now.
    fn now(&mut self) -> Snapshot {
        let commits = self.presence.take_commits(self.now);
        for commit in &commits {
            commit
                .pageviews
                .iter()
                .for_each(|(minute, count)| *self.pageviews.entry(minute.0).or_default() += count);
            self.feed.extend(commit.feed.iter().map(|hit| hit.kind.clone()));
        }
        block_on(self.live.commit(commits)).unwrap();
        block_on(self.live.watch(SITE)).unwrap().snapshot
    }

    fn present(&mut self) -> u32 {
        self.now().counters.present
    }

    fn one(&mut self) -> Arc<Visitor> {
        let visitors = self.now().visitors;
        assert_eq!(visitors.len(), 1, "{visitors:?}");
        visitors[0].clone()
    }

    fn paths(&mut self) -> Vec<String> {
        self.one().pages.iter().map(|page| page.path.to_string()).collect()
    }

    fn trail(&mut self) -> Vec<String> {
        self.one().trail.iter().map(|step| step.path.to_string()).collect()
    }

    /// Pageviews of the minute that began so many minutes before `EIGHT`.
    fn pageviews_before(&mut self, minutes: i64) -> u32 {
        self.now();
        *self.pageviews.get(&(EIGHT.minute().0 - minutes)).unwrap_or(&0)
    }
}

#[test]
fn case_1_a_visitor_over_midnight_and_the_salts_change_is_one() {
    let mut story = Story::new();
    // The pipeline resolves the id (see `visits`): presence sees the same visitor, and one stay.
    story.hit(view(1)).until(30.0).hit(beat(1, 0));
    story.until(60.0).hit(leave(1, 0)).hit(view(2).on("/b"));
    assert_eq!((story.present(), story.one().since), (1, EIGHT));
}

#[test]
fn case_4_forty_minutes_of_reading_are_one_stay_present_all_along() {
    let mut story = Story::new();
    story.hit(view(1));
    for beats in 1..=160 {
        story.until(f64::from(beats) * 15.0).hit(beat(1, beats as u32 * 15_000));
        assert_eq!(story.present(), 1, "after {beats} heartbeats");
    }
    let visitor = story.one();
    assert_eq!((visitor.since, visitor.engaged_ms, visitor.active), (EIGHT, 2_400_000, true));
}

#[test]
fn case_5_the_count_falls_within_2_s_of_closing_the_tab() {
    let mut story = Story::new();
    assert_eq!(story.hit(view(1)).present(), 1);
    assert_eq!(story.until(10.0).hit(leave(1, 0)).present(), 1, "the next page may be on its way");
    assert_eq!(story.until(10.9).present(), 1);
    assert_eq!(story.until(11.0).present(), 0);
}

#[test]
fn case_5_the_count_falls_within_36_s_of_the_networks_death() {
    let mut story = Story::new();
    story.hit(view(1)).until(15.0).hit(beat(1, 0));
    assert_eq!(story.until(15.0 + 34.9).present(), 1);
    assert_eq!(story.until(15.0 + 35.0).present(), 0);
}

#[test]
fn case_6_a_hidden_tab_is_present_and_idle_and_engaged_time_stands_still() {
    let mut story = Story::new();
    story.hit(view(1)).until(10.0).hit(hidden(1, 10_000));
    for beats in 1..=5 {
        story.until(10.0 + f64::from(beats) * 60.0).hit(hidden(1, 10_000));
        let visitor = story.one();
        assert_eq!((visitor.active, visitor.engaged_ms), (false, 10_000));
    }
    assert_eq!(story.now().counters.active, 0);
    assert_eq!(story.until(310.0 + 124.9).present(), 1);
    assert_eq!(story.until(310.0 + 125.0).present(), 0);
}

#[test]
fn an_idle_page_that_is_active_again_is_missed_after_35_s() {
    let mut story = Story::new();
    story.hit(view(1)).until(10.0).hit(hidden(1, 0)).until(20.0).hit(beat(1, 0));
    assert_eq!(story.until(54.9).present(), 1);
    assert_eq!(story.until(55.0).present(), 0);
}

#[test]
fn case_7_two_tabs_of_one_browser_are_one_visitor_on_two_pages() {
    let mut story = Story::new();
    story.hit(view(1).on("/a")).until(1.0).hit(view(2).on("/b"));
    assert_eq!((story.present(), story.paths()), (1, vec!["/a".into(), "/b".into()]));
    story.until(5.0).hit(leave(1, 0));
    assert_eq!((story.present(), story.paths()), (1, vec!["/b".into()]));
    assert_eq!(story.until(6.5).hit(leave(2, 0)).until(7.5).present(), 0);
}

#[test]
fn case_8_fifty_people_behind_one_address_are_fifty() {
    let mut story = Story::new();
    for browser in 1..=50 {
        story.hit(view(u128::from(browser)).by(1, browser));
    }
    assert_eq!(story.present(), 50);
    for browser in 1..=20 {
        story.hit(leave(u128::from(browser), 0).by(1, browser));
    }
    assert_eq!(story.until(2.0).present(), 30);
}

#[test]
fn case_9_a_hit_ten_minutes_late_lands_in_its_own_minute_and_makes_nobody_present() {
    let mut story = Story::new();
    story.late(view(1).at(s(-600.0)));
    assert_eq!((story.present(), story.pageviews_before(10)), (0, 1));
    assert_eq!(story.feed, [FeedKind::Pageview]);
}

#[test]
fn a_late_page_of_somebody_present_is_a_step_of_the_trail() {
    let mut story = Story::new();
    story.hit(view(1).on("/now")).late(view(2).on("/then").at(s(-600.0)));
    assert_eq!((story.trail(), story.paths()), (vec!["/then".into(), "/now".into()], vec!["/now".into()]));
}

#[test]
fn case_10_a_hit_three_months_late_is_not_in_live() {
    let mut story = Story::new();
    story.late(view(1).at(s(-90.0 * 86_400.0))).late(view(2).at(s(-30.0 * 60.0 - 0.001)));
    assert_eq!((story.present(), story.pageviews.len(), story.feed.len()), (0, 0, 0));
    story.late(view(3).at(s(-29.0 * 60.0)));
    assert_eq!(story.pageviews_before(29), 1);
}

#[test]
fn a_heartbeat_delivered_five_times_counts_once() {
    let mut story = Story::new();
    story.hit(view(1)).until(15.0);
    for _ in 0..5 {
        story.hit(beat(1, 9_000));
    }
    let once = story.one();
    assert_eq!((once.engaged_ms, once.alive_until), (9_000, s(50.0)));
    story.until(40.0).late(beat(1, 9_000).at(s(15.0)));
    assert_eq!(story.one().alive_until, s(50.0), "delivered again later");
}

#[test]
fn the_next_page_under_a_new_browser_id_is_the_same_stay() {
    let mut story = Story::new();
    story.hit(view(1).on("/a").by(1, 1).named("Google")).until(20.0).hit(leave(1, 7_000).by(1, 1));
    story.until(20.4).hit(view(2).on("/b").by(1, 2).from("/a"));
    let visitor = story.one();
    assert_eq!((visitor.key, visitor.since, visitor.engaged_ms), (key(1, 2), EIGHT, 7_000));
    assert_eq!((&*visitor.source.name, story.trail()), ("Google", vec!["/a".into(), "/b".into()]));
}

#[test]
fn the_next_page_goes_on_from_the_one_it_names() {
    let mut story = Story::new();
    story.hit(view(1).on("/a").by(1, 1)).hit(view(2).on("/b").by(1, 2));
    story.until(5.0).hit(leave(1, 0).by(1, 1)).until(5.2).hit(leave(2, 0).by(1, 2));
    story.until(5.5).hit(view(3).on("/c").by(1, 3).from("/a"));
    let trails = |story: &mut Story| {
        let visitors = story.now().visitors;
        let mut trails: Vec<_> = visitors
            .iter()
            .map(|visitor| {
                (visitor.key.browser.0, visitor.trail.iter().map(|step| step.path.to_string()).collect())
            })
            .collect();
        trails.sort();
        trails
    };
    let expected: Vec<(u64, Vec<String>)> = vec![(2, vec!["/b".into()]), (3, vec!["/a".into(), "/c".into()])];
    assert_eq!(trails(&mut story), expected);
    story.hit(view(4).on("/d").by(1, 4));
    let expected: Vec<(u64, Vec<String>)> =
        vec![(3, vec!["/a".into(), "/c".into()]), (4, vec!["/b".into(), "/d".into()])];
    assert_eq!(trails(&mut story), expected, "without a referrer: the one that left last");
}

#[test]
fn a_next_page_that_overtakes_the_leave_is_the_same_stay() {
    let mut story = Story::new();
    story.hit(view(1).on("/a").by(1, 1)).until(20.0).hit(view(2).on("/b").by(1, 2).from("/a"));
    story.until(20.3).late(leave(1, 0).by(1, 1).at(s(19.9)));
    assert_eq!((story.one().key, story.one().since), (key(1, 2), EIGHT));
    assert_eq!(story.trail(), ["/a", "/b"]);
}

#[test]
fn a_client_side_route_never_lets_the_count_fall() {
    let mut story = Story::new();
    story.hit(view(1).on("/a")).until(5.0).hit(leave(1, 5_000)).hit(view(2).on("/b"));
    assert_eq!(
        (story.present(), story.paths(), story.trail()),
        (1, vec!["/b".into()], vec!["/a".into(), "/b".into()])
    );
    assert_eq!(story.until(7.0).one().engaged_ms, 5_000);
}

#[test]
fn a_tab_that_agrees_late_moves_to_its_browser() {
    let mut story = Story::new();
    story.hit(view(1).on("/a").by(1, 1)).until(1.0).hit(view(2).on("/b").by(1, 2));
    assert_eq!(story.present(), 2);
    story.until(15.0).hit(beat(2, 4_000).on("/b").by(1, 1));
    assert_eq!((story.present(), story.one().key), (1, key(1, 1)));
    assert_eq!((story.paths(), story.one().engaged_ms), (vec!["/a".into(), "/b".into()], 4_000));
    assert_eq!(story.trail(), ["/a", "/b"]);
}

#[test]
fn rebuilt_pages_of_many_behind_one_address_part_at_their_heartbeats() {
    let mut story = Story::new();
    for page in 1..=3 {
        story.hit(view(page).by(1, 0).on(&format!("/{page}")));
    }
    assert_eq!(story.present(), 1);
    for page in 1..=3 {
        story.until(10.0).hit(beat(page, 1_000).by(1, page as u64));
    }
    let snapshot = story.now();
    assert_eq!(snapshot.counters.present, 3);
    for visitor in &snapshot.visitors {
        assert_eq!((visitor.pages.len(), visitor.engaged_ms, visitor.since), (1, 1_000, EIGHT));
    }
    assert_eq!(story.until(46.0).present(), 0);
}

#[test]
fn a_heartbeat_of_an_unknown_page_opens_it() {
    let mut story = Story::new();
    story.hit(beat(1, 30_000).on("/tea"));
    assert_eq!((story.present(), story.paths(), story.one().active), (1, vec!["/tea".into()], true));
    story.late(view(1).on("/tea").at(s(-30.0)));
    assert_eq!((story.one().since, story.paths()), (s(-30.0), vec!["/tea".into()]));
}

#[test]
fn what_comes_after_a_leave_does_not_open_the_page_again() {
    let mut story = Story::new();
    story.hit(view(1)).until(5.0).hit(leave(1, 5_000)).until(7.0);
    story.late(beat(1, 4_000).at(s(4.0))).late(event(2, Some(1)).at(s(4.0)));
    assert_eq!(story.present(), 0);
    story.hit(leave(3, 0)).hit(view(3).by(2, 2));
    assert_eq!(story.present(), 0, "the leave overtook its own pageview");
}

#[test]
fn a_sender_that_never_beats_is_present_for_five_minutes_on_one_page() {
    let mut story = Story::new();
    story.hit(pixel(1).on("/a")).until(100.0).hit(pixel(2).on("/b"));
    assert_eq!((story.paths(), story.trail()), (vec!["/b".into()], vec!["/a".into(), "/b".into()]));
    assert_eq!(story.until(399.9).present(), 1);
    assert_eq!(story.until(400.0).present(), 0);
    story.hit(event(3, None).by(7, 0));
    story.until(500.0).hit(event(4, None).by(7, 0));
    assert_eq!(story.until(799.9).present(), 1);
    assert_eq!(story.until(800.0).present(), 0);
}

#[test]
fn bots_are_visitors_in_no_counter_no_feed_and_no_chart() {
    let mut story = Story::new();
    story.hit(view(1).bot()).hit(event(2, Some(1)).bot()).hit(leave(1, 0).bot());
    let snapshot = story.now();
    assert_eq!((snapshot.counters.present, snapshot.counters.bots, snapshot.visitors.len()), (0, 1, 1));
    assert_eq!((story.pageviews.len(), story.feed.len()), (0, 0));
}

#[test]
fn an_identity_is_shown_and_events_are_fed() {
    let mut story = Story::new();
    story.hit(view(1)).hit(identify(2, "ada")).hit(event(3, Some(1))).until(1.0).hit(leave(1, 0));
    assert_eq!(story.one().identity.as_deref(), Some("ada"));
    let expected = [
        FeedKind::Pageview,
        FeedKind::Identify("ada".into()),
        FeedKind::Event("buy".into()),
        FeedKind::Leave,
    ];
    assert_eq!(story.feed, expected);
}

#[test]
fn a_page_used_again_is_the_current_one() {
    let mut story = Story::new();
    story.hit(view(1).on("/a")).until(1.0).hit(view(2).on("/b")).until(2.0).hit(beat(1, 0).on("/a"));
    assert_eq!(
        (story.paths(), story.trail()),
        (vec!["/b".into(), "/a".into()], vec!["/a".into(), "/b".into(), "/a".into()])
    );
}

#[test]
fn somebody_who_comes_back_before_the_commit_is_one_change() {
    let mut story = Story::new();
    story.hit(view(1));
    story.now();
    story.until(1.0).hit(leave(1, 0)).until(5.0).hit(view(2).on("/b"));
    let commits = story.presence.take_commits(story.now);
    assert_eq!(commits[0].changes.len(), 1);
    let change = &commits[0].changes[0];
    assert_eq!(change.before.as_ref().unwrap().since, EIGHT);
    assert_eq!(change.after.as_ref().unwrap().since, s(5.0));
    story.until(6.0).hit(view(9).by(9, 9)).hit(leave(9, 0).by(9, 9)).until(8.0);
    let commits = story.presence.take_commits(story.now);
    assert!(commits[0].changes.is_empty(), "came and went between two commits");
}

#[test]
fn a_machine_goes_on_from_the_states_of_another() {
    let mut story = Story::new();
    story.hit(view(1)).hit(view(2).by(2, 2)).until(5.0).hit(leave(2, 0).by(2, 2));
    story.now();
    let visitors = block_on(story.live.watch(SITE)).unwrap().snapshot.visitors;
    let states = vec![(SITE, visitors)];
    story.presence = Presence::new(0);
    story.presence.restore(states);
    assert_eq!(story.until(5.9).present(), 2);
    assert_eq!(story.until(6.0).present(), 1);
    assert_eq!(story.until(15.0).hit(beat(1, 0)).until(49.9).present(), 1);
    assert_eq!(story.until(50.0).present(), 0);
}

#[test]
fn who_left_by_a_clock_that_was_ahead_is_gone_a_moment_after_it_is_set_right() {
    let mut story = Story::new();
    story.hit(view(1)).now();
    story.now = s(45.0);
    story.presence.hit(SITE, &leave(1, 0).at(s(0.5)), story.now);
    assert_eq!(story.present(), 1);
    // Here, and where another processor goes on from these states.
    let mut other = Presence::new(0);
    other.restore(vec![(SITE, vec![story.one()])]);
    story.now = s(1.0);
    assert_eq!((story.present(), other.take_commits(s(1.0)).len()), (1, 1));
    assert_eq!(story.until(1.0).until(1.0 + LEAVE_GRACE.as_secs_f64()).present(), 0);
    let gone = other.take_commits(story.now);
    assert!(gone[0].changes.iter().all(|change| change.after.is_none()), "{gone:?}");
}

#[test]
fn a_forgotten_site_has_nobody_and_tells_nothing() {
    let mut story = Story::new();
    story.hit(view(1));
    story.now();
    story.until(1.0).hit(leave(1, 0)).hit(view(2).by(2, 2));
    story.presence.forget(SITE);
    assert!(story.presence.take_commits(s(100.0)).is_empty());
    assert_eq!(story.presence.visitors().count(), 0);
    story.until(100.0).hit(view(3).by(1, 1));
    assert_eq!(story.presence.visitors().count(), 1);
}

#[test]
fn nothing_is_left_of_who_is_gone() {
    let mut story = Story::new();
    for id in 1..100 {
        story.hit(view(id.into()).by(id, id).from("/x"));
    }
    for id in 1..50 {
        story.hit(leave(id.into(), 0).by(id, id));
    }
    story.until(60.0).now();
    let presence = &story.presence;
    assert_eq!((presence.slots.iter().count(), presence.timers.len(), presence.leaving.len()), (0, 0, 0));
    assert!(presence.is_quiet());
    assert!(LEAVE_GRACE < Duration::from_secs(60));
}
