//! What a present visitor takes in memory, in the processor and in live together, by the allocator's own count.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bus::Message;
use live::{Live, MemoryLive};
use model::hit::{append_arrival, begin_message};
use model::{Arrival, BatchId, BrowserId, Hit, HitId, HitKind, Millis, Place, Screen, SiteId, VisitorId};
use processor::work::{Prepared, Work};

const VISITORS: u64 = 100_000;
const BYTES_A_VISITOR_MAX: usize = 500;
const EIGHT: Millis = Millis(1_763_712_000_000);
const SITE: SiteId = SiteId::of(1);

/// The system's allocator, which adds up what is held, with 16 bytes for its own book-keeping of each piece.
struct Counting(AtomicUsize);

const PIECE_BYTES: usize = 16;

// SAFETY: everything is the system allocator's own work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(layout.size() + PIECE_BYTES, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        self.0.fetch_sub(layout.size() + PIECE_BYTES, Ordering::Relaxed);
        unsafe { System.dealloc(piece, layout) }
    }
}

#[global_allocator]
static HELD: Counting = Counting(AtomicUsize::new(0));

fn arrivals(number: u64) -> Vec<Arrival<'static>> {
    let visitors = number * 500..(number + 1) * 500;
    let arrival = |visitor: u64| Arrival {
        site: SITE,
        received: EIGHT,
        visitor: VisitorId(visitor.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        visitor_before: None,
        browser: BrowserId(visitor + 1),
        agent: format!("Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/133.0", visitor % 20)
            .into(),
        language: "fr".into(),
        screen: Some(Screen { width: 1440, height: 900 }),
        place: Place { country: ["FR", "DE", "US"][visitor as usize % 3].into(), ..Place::default() },
        hits: vec![Hit {
            id: HitId(u128::from(visitor) << 64 | u128::from(visitor.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
            at: EIGHT,
            url: format!("https://shop.example/tea/{}", visitor % 500).into(),
            kind: HitKind::Pageview { referrer: "".into(), title: "Tea".into(), due_ms: Some(15_000) },
        }],
    };
    visitors.map(arrival).collect()
}

/// One message of 500 visitors, all the way.
async fn take(work: &mut Work, live: &MemoryLive, number: u64) {
    let mut body = Vec::new();
    begin_message(&mut body);
    arrivals(number).iter().for_each(|arrival| append_arrival(&mut body, arrival));
    let mut prepared = Prepared::default();
    work.prepare(&Message { id: BatchId(number.into()), body: body.into() }, &mut prepared).unwrap();
    work.settle(&prepared, EIGHT);
    live.commit(work.take_commits(EIGHT)).await.unwrap();
}

#[tokio::test]
async fn a_hundred_thousand_present_visitors_take_at_most_500_bytes_each() {
    let live = MemoryLive::default();
    let mut work = Work::new(0, Arc::default());
    // The tables of agents and sources are read with the first hits, and stay the same however many come.
    take(&mut work, &live, 0).await;
    let before = HELD.0.load(Ordering::Relaxed);
    for number in 1..=VISITORS / 500 {
        take(&mut work, &live, number).await;
    }
    assert_eq!(live.present(&[SITE]).await.unwrap(), [VISITORS as u32 + 500]);
    let bytes = (HELD.0.load(Ordering::Relaxed) - before) / VISITORS as usize;
    assert!(bytes <= BYTES_A_VISITOR_MAX, "{bytes} bytes a visitor");
}
