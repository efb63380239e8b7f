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
