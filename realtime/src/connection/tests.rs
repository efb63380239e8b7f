//! The connection's tables: messages, limits, pings, slow readers.

use model::SiteId;

use super::*;
use crate::options::{MESSAGES_A_SECOND_MAX, MESSAGES_BURST_MAX};

const NOW: Millis = Millis(1_000_000);

fn connection() -> Connection {
    Connection::new(true, NOW)
}

fn topic(site: u64) -> Arc<Topic> {
    Topic::parse(&format!("site/{}/live", SiteId::of(site)), Filter::default()).unwrap()
}

fn delta(version: u64, bytes: usize) -> Frame {
    frame::delta("k", version, &"x".repeat(bytes))
}

/// Everything that waits, as text; a close frame as its code.
fn drain(connection: &mut Connection) -> Vec<String> {
    std::iter::from_fn(|| connection.next())
        .map(|frame| match frame.kind {
            FrameKind::Close => format!("close {}", u16::from_be_bytes([frame.text()[0], frame.text()[1]])),
            _ => String::from_utf8(frame.text().to_vec()).unwrap(),
        })
        .collect()
}

fn subscribed(connection: &mut Connection, number: u16, topic: &Arc<Topic>) {
    connection.subscribed(number, topic, Some(frame::snapshot(&topic.key, 1, &0)));
    drain(connection);
}

fn check(message: &str, request: &Request, answers: &[&str]) {
    let mut connection = connection();
    subscribed(&mut connection, 1, &topic(1));
    assert_eq!(connection.receive(message, NOW), *request, "{message}");
    assert_eq!(drain(&mut connection), answers, "{message}");
}

#[test]
fn messages_ask_what_the_protocol_says() {
    let live = topic(2).key.clone();
    let subscribe = |number, topic| Request::Subscribe { number, topic };
    check(&format!(r#"{{"subscribe": "{live}", "as": 7}}"#), &subscribe(7, topic(2)), &[]);
    check(
        &format!(r#"{{"as": 65535, "new": [1], "subscribe": "{live}"}}"#),
        &subscribe(65_535, topic(2)),
        &[],
    );
    check(
        &format!(r#"{{"subscribe": "{}", "as": 7}}"#, live.replace('/', r"\/")),
        &subscribe(7, topic(2)),
        &[],
    );
    let french = Topic::parse(&live, Filter::from_json(r#"{"country": "FR"}"#).unwrap()).unwrap();
    check(
        &format!(r#"{{"subscribe": "{live}", "filter": {{"country": "FR"}}, "as": 0}}"#),
        &subscribe(0, french),
        &[],
    );
    check(&format!(r#"{{"subscribe": "{live}", "filter": null, "as": 7}}"#), &subscribe(7, topic(2)), &[]);
    check(r#"{"unsubscribe": 1}"#, &Request::Leave(topic(1)), &[]);
    check(r#"{"unsubscribe": 2}"#, &Request::Nothing, &[]);
    check(r#"{"pong": 3}"#, &Request::Nothing, &[]);
}

#[test]
fn a_subscription_that_cannot_be_is_refused_by_its_number() {
    let refused = |message: &str, code: &str| {
        let mut connection = connection();
        subscribed(&mut connection, 1, &topic(1));
        assert_eq!(connection.receive(message, NOW), Request::Nothing);
        let answer = drain(&mut connection).concat();
        assert!(
            answer.starts_with(r#"{"refused":{"as":"#) && answer.contains(&format!(r#""code":"{code}""#)),
            "{answer}"
        );
        assert_eq!(connection.phase(), Phase::Open);
    };
    let live = topic(2).key.clone();
    refused(r#"{"subscribe": "weather", "as": 2}"#, "bad_topic");
    refused(&format!(r#"{{"subscribe": "{live}", "filter": {{"city": "Paris"}}, "as": 2}}"#), "bad_filter");
    refused(&format!(r#"{{"subscribe": "{live}", "filter": 5, "as": 2}}"#), "bad_filter");
    refused(&format!(r#"{{"subscribe": "{live}", "as": 1}}"#), "as_in_use");
}

#[test]
fn what_is_not_in_the_protocol_closes() {
    let live = topic(2).key.clone();
    let no_number = format!(r#"{{"subscribe": "{live}"}}"#);
    let large_number = format!(r#"{{"subscribe": "{live}", "as": 65536}}"#);
    let two_at_once = format!(r#"{{"subscribe": "{live}", "as": 2, "pong": 1}}"#);
    let deep = "[".repeat(4_000);
    for message in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "1",
        r#"{"hello": 1}"#,
        r#"{"as": 1}"#,
        r#"{"pong": -1}"#,
        r#"{"pong": "1"}"#,
        r#"{"unsubscribe": null}"#,
        r#"{"subscribe": 1, "as": 1}"#,
        &no_number,
        &large_number,
        &two_at_once,
        &deep,
    ] {
        check(message, &Request::Nothing, &["close 4400"]);
    }
    let mut connection = connection();
    connection.receive_binary();
    assert_eq!(drain(&mut connection), ["close 4400"]);
    assert_eq!(connection.phase(), Phase::Closing);
}

#[test]
fn a_connection_has_a_largest_number_of_subscriptions() {
    let mut connection = connection();
    for number in 0..SUBSCRIPTIONS_MAX as u16 {
        let message = format!(r#"{{"subscribe": "{}", "as": {number}}}"#, topic(number.into()).key);
        let Request::Subscribe { number, topic } = connection.receive(&message, NOW) else {
            panic!("{number} refused")
        };
        subscribed(&mut connection, number, &topic);
    }
    connection.receive(&format!(r#"{{"subscribe": "{}", "as": 999}}"#, topic(999).key), NOW);
    assert_eq!(drain(&mut connection), ["close 4429"]);
}

#[test]
fn messages_have_a_burst_and_a_rate() {
    let mut connection = connection();
    let mut send = |count: u32, at: i64| {
        (0..count).for_each(|_| connection.receive_control(Millis(NOW.0 + at)));
        connection.phase() == Phase::Open
    };
    assert!(send(MESSAGES_BURST_MAX, 0));
    assert!(send(1, 100), "one more after a tenth of a second");
    assert!(send(MESSAGES_A_SECOND_MAX, 1_100));
    assert!(send(MESSAGES_BURST_MAX, 10_000_000), "never more than a burst is saved up");
    assert!(send(0, 0), "a clock set back is no reason to close");
    assert!(!send(1, 10_000_000));
}

#[test]
fn a_client_that_misses_two_pings_is_closed() {
    let answers = |answered: &[bool]| {
        let mut connection = connection();
        for (number, answered) in (1..).zip(answered) {
            connection.beat(Some((number, &frame::ping(number))), &Options::default());
            if *answered {
                connection.receive(&format!(r#"{{"pong": {number}}}"#), NOW);
            }
            connection.wrote(true, false);
            drain(&mut connection);
        }
        connection.phase()
    };
    assert_eq!(answers(&[true, true, true, true, true]), Phase::Open);
    assert_eq!(answers(&[false, false]), Phase::Open);
    assert_eq!(answers(&[false, false, true]), Phase::Closing);
    assert_eq!(answers(&[false, true, false, true, false, true]), Phase::Open);
    let mut wrong = connection();
    wrong.beat(Some((1, &frame::ping(1))), &Options::default());
    wrong.receive(r#"{"pong": 2}"#, NOW);
    assert_eq!(wrong.pings.unwrap().unanswered, Some(1));
}

#[test]
fn a_reader_that_takes_nothing_is_cut() {
    let options = Options { stall_beats: 3, ..Options::default() };
    let phase = |progress: bool| {
        let mut connection = connection();
        for _ in 0..3 {
            connection.wrote(progress, true);
            connection.beat(None, &options);
        }
        connection.phase()
    };
    assert_eq!(phase(false), Phase::Dead);
    assert_eq!(phase(true), Phase::Open);
    let mut idle = connection();
    (0..100).for_each(|_| idle.beat(None, &options));
    assert_eq!(idle.phase(), Phase::Open, "nothing to take is no stall");
}

#[test]
fn a_connection_that_does_not_close_is_cut() {
    let options = Options { close_beats: 2, ..Options::default() };
    let mut connection = connection();
    connection.close(1001, "");
    connection.close(4400, "");
    connection.greet(frame::ping(1));
    assert_eq!(drain(&mut connection), ["close 1001"], "nothing comes after a close");
    connection.beat(None, &options);
    assert_eq!(connection.phase(), Phase::Closing);
    connection.beat(None, &options);
    assert_eq!(connection.phase(), Phase::Dead);
}

#[test]
fn a_backlog_has_a_largest_number_of_frames_a_topic() {
    let (mut connection, one, other) = (connection(), topic(1), topic(2));
    subscribed(&mut connection, 1, &one);
    subscribed(&mut connection, 2, &other);
    for version in 2..2 + BACKLOG_FRAMES_MAX as u64 {
        assert_eq!(connection.offer(&one, &delta(version, 1)), Offered::Queued);
    }
    assert_eq!(connection.offer(&other, &delta(2, 1)), Offered::Queued);
    assert_eq!(connection.offer(&one, &delta(99, 1)), Offered::FellBehind);
    assert_eq!(connection.offer(&one, &delta(100, 1)), Offered::Passed);
    assert!(connection.behind().is_empty(), "not before what waits was taken");
    assert_eq!(drain(&mut connection).len(), 1, "the other topic's delta stays");
    assert_eq!(connection.behind(), std::slice::from_ref(&one));
    connection.replace(&one, frame::snapshot(&one.key, 101, &0));
    assert_eq!(connection.offer(&one, &delta(102, 1)), Offered::Queued);
    assert_eq!(drain(&mut connection).len(), 2);
    assert!(connection.behind().is_empty());
}

#[test]
fn a_room_has_a_longer_backlog() {
    let mut connection = connection();
    let room = Topic::parse("room/RM-00000001", Filter::default()).unwrap();
    subscribed(&mut connection, 1, &room);
    for version in 2..2 + ROOM_BACKLOG_FRAMES_MAX as u64 {
        assert_eq!(connection.offer(&room, &delta(version, 1)), Offered::Queued);
    }
    assert_eq!(connection.offer(&room, &delta(999, 1)), Offered::FellBehind);
}

#[test]
fn a_backlog_has_a_largest_number_of_bytes() {
    let overhead = delta(2, BACKLOG_BYTES_MAX).wire().len() - BACKLOG_BYTES_MAX;
    let offered = |first: usize, second: usize| {
        let (mut connection, topic) = (connection(), topic(1));
        subscribed(&mut connection, 1, &topic);
        connection.replace(&topic, frame::snapshot("k", 1, &"x".repeat(BACKLOG_BYTES_MAX)));
        (connection.offer(&topic, &delta(2, first)), connection.offer(&topic, &delta(3, second)))
    };
    let half = BACKLOG_BYTES_MAX / 2 - overhead;
    assert_eq!(offered(half, half), (Offered::Queued, Offered::Queued));
    assert_eq!(offered(half, half + 1), (Offered::Queued, Offered::FellBehind), "one byte more");
    assert_eq!(
        offered(BACKLOG_BYTES_MAX * 4, 0),
        (Offered::Queued, Offered::FellBehind),
        "one may wait alone"
    );
}

#[test]
fn two_numbers_may_stand_for_one_topic() {
    let (mut connection, topic) = (connection(), topic(1));
    subscribed(&mut connection, 1, &topic);
    connection.subscribed(2, &topic, Some(frame::snapshot(&topic.key, 5, &0)));
    assert_eq!(drain(&mut connection).len(), 2, "subscribed, and another snapshot");
    assert_eq!(connection.offer(&topic, &delta(6, 0)), Offered::Queued);
    assert_eq!(drain(&mut connection).len(), 1, "each frame once");
    assert_eq!(connection.receive(r#"{"unsubscribe": 1}"#, NOW), Request::Nothing);
    assert_eq!(connection.offer(&topic, &delta(7, 0)), Offered::Queued);
    assert_eq!(connection.receive(r#"{"unsubscribe": 2}"#, NOW), Request::Leave(topic.clone()));
    assert!(drain(&mut connection).is_empty(), "what waited is not sent any more");
    assert_eq!(connection.offer(&topic, &delta(8, 0)), Offered::Passed);
}

#[test]
fn a_topic_that_fell_behind_stays_so_for_its_other_number() {
    let (mut connection, topic) = (connection(), topic(1));
    subscribed(&mut connection, 1, &topic);
    subscribed(&mut connection, 2, &topic);
    while connection.offer(&topic, &delta(2, 1)) == Offered::Queued {}
    connection.receive(r#"{"unsubscribe": 1}"#, NOW);
    assert_eq!(connection.offer(&topic, &delta(3, 1)), Offered::Passed);
    assert_eq!(connection.behind(), [topic]);
}

#[test]
fn a_lost_topic_ends_for_all_its_numbers() {
    let (mut connection, lost, kept) = (connection(), topic(1), topic(2));
    for (number, topic) in [(1, &lost), (2, &lost), (3, &kept)] {
        subscribed(&mut connection, number, topic);
    }
    connection.offer(&lost, &delta(2, 1));
    assert_eq!(
        connection.end(|topic| topic.of == Of::Site(SiteId::of(1)), "revoked", "m"),
        std::slice::from_ref(&lost)
    );
    let expected = format!(r#"{{"ended":{{"code":"revoked","key":"{}","message":"m"}}}}"#, lost.key);
    assert_eq!(drain(&mut connection), [expected]);
    assert_eq!(connection.offer(&lost, &delta(3, 1)), Offered::Passed);
    assert_eq!(connection.offer(&kept, &delta(3, 1)), Offered::Queued);
}
