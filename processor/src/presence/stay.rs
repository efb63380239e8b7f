//! A visitor's stay: what its pages, steps and signs of life do to its state. Pure changes of one state.

use std::sync::Arc;
use std::time::Duration;

use model::limits::{HEARTBEAT_GRACE, OPEN_PAGES_MAX, TRAIL_STEPS_MAX, UNBEATING_PRESENCE};
use model::{HitId, Millis, OpenPage, Step, Visitor};

/// Until when a page is open after a sign of life at `at`: `HEARTBEAT_GRACE` after the second heartbeat missed.
pub fn alive_until(at: Millis, due_ms: Option<u32>) -> Millis {
    match due_ms {
        Some(due_ms) => at.plus(Duration::from_millis(2 * u64::from(due_ms)) + HEARTBEAT_GRACE),
        None => at.plus(UNBEATING_PRESENCE),
    }
}

/// A sign of life of one page.
pub struct Reading {
    pub engaged_ms: u32,
    pub scroll: u8,
    /// None: it is out of date, and only its totals count.
    pub sign: Option<Sign>,
}

pub struct Sign {
    pub at: Millis,
    pub active: bool,
    pub alive_until: Millis,
}

pub fn page_of(visitor: &Visitor, pageview: HitId) -> Option<usize> {
    visitor.pages.iter().position(|page| page.pageview == pageview)
}

/// Opens a page as the one used last; past `OPEN_PAGES_MAX` the longest silent goes.
pub fn open(visitor: &mut Visitor, page: OpenPage, at: Millis) {
    if visitor.pages.len() >= OPEN_PAGES_MAX {
        let silent = (0..visitor.pages.len()).min_by_key(|&index| visitor.pages[index].alive_until);
        silent.map(|index| visitor.pages.remove(index));
    }
    step(visitor, at, &page.path);
    visitor.pages.reserve_exact(1);
    visitor.pages.push(page);
    settle(visitor);
}

/// Takes a page away; its engaged time stays with the visitor.
pub fn close(visitor: &mut Visitor, index: usize) -> OpenPage {
    let page = visitor.pages.remove(index);
    settle(visitor);
    page
}

/// Takes a page's reading: totals never shrink, and what the page had is not counted again.
pub fn read(visitor: &mut Visitor, index: usize, reading: &Reading) {
    let page = &mut visitor.pages[index];
    let more = reading.engaged_ms.saturating_sub(page.engaged_ms);
    page.engaged_ms += more;
    page.scroll = reading.scroll.max(page.scroll);
    visitor.engaged_ms = visitor.engaged_ms.saturating_add(more);
    if let Some(sign) = &reading.sign {
        page.active = sign.active;
        page.alive_until = sign.alive_until;
        if sign.active {
            use_page(visitor, index, sign.at);
        }
    }
    settle(visitor);
}

/// The page is the one used last.
pub fn use_page(visitor: &mut Visitor, index: usize, at: Millis) {
    if index + 1 == visitor.pages.len() {
        return;
    }
    let page = visitor.pages.remove(index);
    step(visitor, at, &page.path);
    visitor.pages.push(page);
}

/// Adds a step where it belongs in time; a page is not stepped on twice in a row.
pub fn step(visitor: &mut Visitor, at: Millis, path: &Arc<str>) {
    let trail = &mut visitor.trail;
    let place = trail.partition_point(|step| step.at <= at);
    let before = place.checked_sub(1).map(|index| &trail[index].path);
    if before == Some(path) {
        return;
    }
    if let Some(after) = trail.get_mut(place).filter(|after| after.path == *path) {
        after.at = at;
        return;
    }
    trail.reserve_exact(1);
    trail.insert(place, Step { at, path: path.clone() });
    if trail.len() > TRAIL_STEPS_MAX {
        trail.remove(0);
    }
}

/// Closes pages that were silent for too long. Whether any was.
pub fn expire(visitor: &mut Visitor, now: Millis) -> bool {
    let open = visitor.pages.len();
    visitor.pages.retain(|page| page.alive_until > now);
    let closed = visitor.pages.len() < open;
    if closed {
        settle(visitor);
    }
    closed
}

/// `from` turned out to be the same person as `visitor`: one stay, from its first sign of life on.
pub fn merge(visitor: &mut Visitor, from: &Visitor) {
    if from.since < visitor.since {
        visitor.since = from.since;
        visitor.source = from.source.clone();
    }
    visitor.engaged_ms = visitor.engaged_ms.saturating_add(from.engaged_ms);
    visitor.identity = visitor.identity.take().or_else(|| from.identity.clone());
    visitor.bot = visitor.bot.or(from.bot);
    let mut steps = [&visitor.trail[..], &from.trail[..]].concat();
    steps.sort_by_key(|step| step.at);
    steps.dedup_by(|after, before| after.path == before.path);
    steps.drain(..steps.len().saturating_sub(TRAIL_STEPS_MAX));
    visitor.trail = steps;
    settle(visitor);
}

/// What follows from the pages: active while one is, alive as long as one is. Without any: as it was left.
fn settle(visitor: &mut Visitor) {
    visitor.active = visitor.pages.iter().any(|page| page.active);
    if let Some(last) = visitor.pages.iter().map(|page| page.alive_until).max() {
        visitor.alive_until = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::fixtures;

    fn check_trail(steps: &[(i64, &str)], expected: &[(i64, &str)]) {
        let mut visitor = fixtures::visitor(fixtures::key(1, 0));
        visitor.trail.clear();
        steps.iter().for_each(|(at, path)| step(&mut visitor, Millis(*at), &Arc::from(*path)));
        let trail: Vec<_> = visitor.trail.iter().map(|step| (step.at.0, &*step.path)).collect();
        assert_eq!(trail, expected, "{steps:?}");
    }

    #[test]
    fn a_trail_is_in_order_of_time_without_repeats() {
        check_trail(&[(1, "/a"), (2, "/b"), (3, "/a")], &[(1, "/a"), (2, "/b"), (3, "/a")]);
        check_trail(&[(1, "/a"), (2, "/a")], &[(1, "/a")]);
        check_trail(&[(2, "/a"), (1, "/a")], &[(1, "/a")]);
        check_trail(&[(1, "/a"), (3, "/c"), (2, "/b")], &[(1, "/a"), (2, "/b"), (3, "/c")]);
    }

    #[test]
    fn a_trail_keeps_its_newest_steps() {
        let paths: Vec<String> = (0..=TRAIL_STEPS_MAX).map(|index| format!("/{index}")).collect();
        let steps: Vec<_> = paths.iter().zip(0..).map(|(path, at)| (at, path.as_str())).collect();
        check_trail(&steps[..TRAIL_STEPS_MAX], &steps[..TRAIL_STEPS_MAX]);
        check_trail(&steps, &steps[1..]);
    }

    #[test]
    fn past_the_maximum_of_open_pages_the_longest_silent_goes() {
        let mut visitor = fixtures::visitor(fixtures::key(1, 0));
        visitor.pages.clear();
        for number in 0..=OPEN_PAGES_MAX as u128 {
            let alive_until = Millis(if number == 3 { 0 } else { 100 });
            let page = fixtures::page(number, "/", alive_until);
            open(&mut visitor, page, Millis(0));
            assert_eq!(visitor.pages.len(), (number as usize + 1).min(OPEN_PAGES_MAX));
        }
        assert_eq!(page_of(&visitor, HitId(3)), None);
    }

    #[test]
    fn engaged_time_is_a_running_total_a_page() {
        let mut visitor = fixtures::visitor(fixtures::key(1, 0));
        visitor.pages = vec![fixtures::page(1, "/a", Millis(9)), fixtures::page(2, "/b", Millis(9))];
        for (index, engaged_ms, expected) in [(0, 5, 5), (1, 4, 9), (0, 7, 11), (0, 6, 11)] {
            read(&mut visitor, index, &Reading { engaged_ms, scroll: 0, sign: None });
            assert_eq!(visitor.engaged_ms, expected);
        }
        close(&mut visitor, 0);
        assert_eq!(visitor.engaged_ms, 11);
    }
}
