//! What a segment says of itself reads back, and what this program cannot read is named.

use super::*;
use crate::table::Table;
use crate::zone::Zone;

#[test]
fn a_head_reads_back_from_its_own_json() {
    let day = Zone::utc().day_of(model::Millis(1_763_712_000_000));
    let head = Head::of(&Table::default(), &day);
    assert_eq!(Head::from_json(&head.to_json()).unwrap(), head);
    let newer = head.to_json().replace("\"version\":2", "\"version\":99");
    assert!(matches!(Head::from_json(&newer), Err(BadSegment::Version(99))));
    for text in ["", "{}", "[]", "{\"version\":1}"] {
        assert!(matches!(Head::from_json(text), Err(BadSegment::NoSegment(_))), "{text}");
    }
}

/// Visits of one hit before the day's end and one after it, and between them visits of one hit.
fn over_midnight(count: usize) -> (Table, crate::zone::Day) {
    let day = Zone::utc().day_of(model::Millis(1_763_712_000_000));
    let mut table = Table::default();
    for number in 0..2 * count as u64 {
        let start = table.hits.len() as u32;
        let moments = [day.end - 1, day.end];
        for at in &moments[..1 + number as usize % 2] {
            table.hits.push(crate::table::Hit {
                at: *at,
                kind: crate::table::Kind::Pageview,
                id: number,
                texts: [0; crate::table::HIT_TEXTS],
                engaged_ms: 0,
                engaged_before_ms: 0,
                scroll: 0,
                alive_ms: 0,
            });
        }
        table.visits.push(crate::table::Visit {
            visitor: model::VisitorId(number),
            bot: false,
            first: day.end - 1,
            texts: [0; crate::table::VISIT_TEXTS],
            hits: start..table.hits.len() as u32,
        });
    }
    (table, day)
}

#[test]
fn visits_past_the_days_end_are_named_up_to_a_maximum() {
    for count in [0, 2, OVER_MAX, OVER_MAX + 1] {
        let (table, day) = over_midnight(count);
        let (_, bytes) = write(&table, &day).unwrap();
        let reader = Reader::open(std::sync::Arc::new(Bytes::from(bytes))).unwrap();
        match reader.over() {
            Some(over) => {
                assert!(count <= OVER_MAX && over.len() == count, "{count}");
                assert!(
                    over.iter()
                        .zip(0..)
                        .all(|(over, n)| *over == [2 * n + 1, 3 * n + 1, 3 * n + 2, 3 * n + 3])
                );
            }
            None => assert_eq!(count, OVER_MAX + 1),
        }
    }
}
