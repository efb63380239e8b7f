//! How a site's watched pages are, and which of them are down or slow. What nobody saw is not known: it neither begins nor ends anything.

use model::alert::{Ailing, Side};
use model::{PageId, limits};

use crate::verdict::compare;
use crate::words::number;
use crate::{Judged, Verdict};

/// A page, as it was at the last look.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub id: PageId,
    pub url: String,
    pub state: PageState,
    /// How long the answer took. None: there was none, or it is not known of late.
    pub took_ms: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PageState {
    There,
    /// One look failed; whether it is down the next one says.
    Doubtful,
    Down {
        why: String,
    },
    /// Nobody looked of late.
    Unknown,
}

/// `asked`: which page. None: any. One that is watched no longer is neither down nor slow.
pub fn down(pages: Option<&[Page]>, asked: Option<PageId>) -> Judged {
    let Some(pages) = pages else {
        return Judged::plain(Verdict::Unknown, 0, 0);
    };
    let verdicts = of(pages, asked).map(|page| match page.state {
        PageState::Down { .. } => Verdict::So,
        PageState::Doubtful => Verdict::Between,
        PageState::There => Verdict::Not,
        PageState::Unknown => Verdict::Unknown,
    });
    let verdict = of_all(verdicts);
    let mut ailing = Vec::new();
    for page in of(pages, asked) {
        if let PageState::Down { why } = &page.state {
            ailing.push(Ailing { url: clipped(&page.url), why: why.clone() });
        }
    }
    let value = ailing.len() as u32;
    ailing.truncate(limits::AILING_MAX);
    Judged { pages: ailing, ..Judged::plain(verdict, value, 0) }
}

/// The slowest first.
pub fn slow(pages: Option<&[Page]>, asked: Option<PageId>, than: u32, minutes: u32) -> Judged {
    let Some(pages) = pages else {
        return Judged::plain(Verdict::Unknown, 0, minutes);
    };
    let by_time =
        |page: &Page| page.took_ms.map_or(Verdict::Unknown, |took| compare(Side::Above, than, took));
    let verdict = of_all(of(pages, asked).map(by_time));
    let mut slow: Vec<(u32, &Page)> = of(pages, asked)
        .filter_map(|page| page.took_ms.filter(|took| *took > than).map(|took| (took, page)))
        .collect();
    slow.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
    let value = slow.first().map_or(0, |(took, _)| *took);
    let ailing = slow
        .iter()
        .take(limits::AILING_MAX)
        .map(|(took, page)| Ailing { url: clipped(&page.url), why: why_slow(*took) });
    Judged { pages: ailing.collect(), ..Judged::plain(verdict, value, minutes) }
}

fn of(pages: &[Page], asked: Option<PageId>) -> impl Iterator<Item = &Page> {
    pages.iter().filter(move |page| asked.is_none_or(|asked| page.id == asked))
}

/// So where one is; over only where it is known of all that they are not.
fn of_all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let verdicts: Vec<Verdict> = verdicts.collect();
    let worst = [Verdict::So, Verdict::Unknown, Verdict::Between];
    worst.into_iter().find(|worst| verdicts.contains(worst)).unwrap_or(Verdict::Not)
}

fn why_slow(took_ms: u32) -> String {
    match took_ms > limits::ALERT_SLOW_MS_MAX {
        true => "no answer within 10 seconds".to_owned(),
        false => format!("it answered in {} ms", number(took_ms)),
    }
}

fn clipped(url: &str) -> String {
    url[..url.floor_char_boundary(limits::AILING_URL_BYTES_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: u64, state: PageState, took_ms: Option<u32>) -> Page {
        Page { id: PageId::of(id), url: format!("https://a.example/{id}"), state, took_ms }
    }

    fn gone() -> PageState {
        PageState::Down { why: "it answered 503".into() }
    }

    fn named(judged: &Judged) -> Vec<&str> {
        judged.pages.iter().map(|page| page.url.rsplit('/').next().unwrap()).collect()
    }

    #[test]
    fn any_page_that_is_down_is_named_with_its_reason_and_one_that_nobody_saw_ends_nothing() {
        use PageState::{Doubtful, There, Unknown};
        let check = |states: &[PageState], asked: Option<u64>, verdict: Verdict, names: &[&str]| {
            let pages: Vec<Page> =
                states.iter().zip(1..).map(|(state, id)| page(id, state.clone(), None)).collect();
            let judged = down(Some(&pages), asked.map(PageId::of));
            assert_eq!((judged.verdict, named(&judged)), (verdict, names.to_vec()), "{states:?} {asked:?}");
            assert!(judged.pages.iter().all(|page| page.why == "it answered 503"));
        };
        check(&[There, There], None, Verdict::Not, &[]);
        check(&[There, gone()], None, Verdict::So, &["2"]);
        check(&[Unknown, gone()], None, Verdict::So, &["2"]);
        check(&[There, Unknown], None, Verdict::Unknown, &[]);
        check(&[There, Doubtful], None, Verdict::Between, &[]);
        check(&[There, gone()], Some(1), Verdict::Not, &[]);
        check(&[There, gone()], Some(2), Verdict::So, &["2"]);
        check(&[Unknown, gone()], Some(1), Verdict::Unknown, &[]);
        check(&[gone()], Some(9), Verdict::Not, &[]);
        check(&[], None, Verdict::Not, &[]);
        assert_eq!(down(None, None).verdict, Verdict::Unknown);
    }

    #[test]
    fn so_many_pages_are_named_and_all_are_counted() {
        let pages: Vec<Page> = (1..=limits::AILING_MAX as u64 + 2).map(|id| page(id, gone(), None)).collect();
        let judged = down(Some(&pages), None);
        assert_eq!((judged.pages.len(), judged.value as usize), (limits::AILING_MAX, pages.len()));
        let long = Page { url: "é".repeat(limits::AILING_URL_BYTES_MAX), ..page(1, gone(), None) };
        assert_eq!(down(Some(&[long]), None).pages[0].url.len(), limits::AILING_URL_BYTES_MAX);
    }

    #[test]
    fn a_page_is_slow_that_took_longer_and_the_slowest_comes_first() {
        let check =
            |took: &[Option<u32>], asked: Option<u64>, verdict: Verdict, value: u32, names: &[&str]| {
                let pages: Vec<Page> =
                    took.iter().zip(1..).map(|(took, id)| page(id, PageState::There, *took)).collect();
                let judged = slow(Some(&pages), asked.map(PageId::of), 1_000, 5);
                assert_eq!((judged.verdict, judged.value), (verdict, value), "{took:?} {asked:?}");
                assert_eq!((named(&judged), judged.minutes), (names.to_vec(), 5), "{took:?} {asked:?}");
            };
        check(&[Some(900)], None, Verdict::Not, 0, &[]);
        check(&[Some(1_000)], None, Verdict::Between, 0, &[]);
        check(&[Some(1_001)], None, Verdict::So, 1_001, &["1"]);
        check(&[Some(2_000), None, Some(3_000)], None, Verdict::So, 3_000, &["3", "1"]);
        check(&[Some(900), None], None, Verdict::Unknown, 0, &[]);
        check(&[Some(900), Some(2_000)], Some(1), Verdict::Not, 0, &[]);
        check(&[Some(900), Some(2_340)], Some(2), Verdict::So, 2_340, &["2"]);
        let judged = slow(Some(&[page(1, PageState::There, Some(2_340))]), None, 1_000, 0);
        assert_eq!(judged.pages[0].why, "it answered in 2,340 ms");
        let late = slow(Some(&[page(1, PageState::Doubtful, Some(10_000))]), None, 1_000, 0);
        assert_eq!((late.verdict, late.pages[0].why.as_str()), (Verdict::So, "no answer within 10 seconds"));
        assert_eq!(slow(None, None, 1, 0).verdict, Verdict::Unknown);
    }
}
