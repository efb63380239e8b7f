//! Dead letters as a person or a program reads them.

use std::io::{self, Write};
use std::time::Duration;

use bus::DeadLetter;
use model::hit::{Arrival, Hit, read_message};
use model::{BatchId, Millis};
use serde_json::{Value, json};

/// Bytes of an unreadable message that are shown, and a line.
const HEX_BYTES_MAX: usize = 1_024;
const HEX_BYTES_A_LINE: usize = 32;

pub fn list(out: &mut impl Write, letters: &[DeadLetter], now: Millis) -> io::Result<()> {
    if letters.is_empty() {
        return writeln!(out, "There are no dead letters.");
    }
    writeln!(out, "{:>5}  {:<32}  {:>6}  {:>8}  reason", "shard", "id", "hits", "age")?;
    for letter in letters {
        let hits = hits(letter).map_or("?".to_owned(), |hits| hits.to_string());
        let age = made(letter.message.id, now).map_or("?".to_owned(), |made| age(now, made));
        let reason: String = letter.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(out, "{:>5}  {}  {hits:>6}  {age:>8}  {reason}", letter.shard, letter.message.id)?;
    }
    Ok(())
}

/// `hits` is null where the message cannot be read.
pub fn list_json(out: &mut impl Write, letters: &[DeadLetter]) -> io::Result<()> {
    for letter in letters {
        let line = json!({
            "shard": letter.shard,
            "id": letter.message.id.to_string(),
            "hits": hits(letter),
            "made": made(letter.message.id, Millis(i64::MAX)).map(|made| made.0),
            "bytes": letter.message.body.len(),
            "reason": letter.reason,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// A message holds no address: it never left the collector.
pub fn show(out: &mut impl Write, letter: &DeadLetter) -> io::Result<()> {
    let body = &letter.message.body;
    let arrivals = match read_message(body) {
        Ok(arrivals) => arrivals,
        Err(error) => {
            writeln!(out, "{error}; {} bytes:", body.len())?;
            return hex(out, body);
        }
    };
    for arrival in &arrivals {
        for hit in &arrival.hits {
            writeln!(out, "{}", line(arrival, hit))?;
        }
    }
    Ok(())
}

fn line(arrival: &Arrival<'_>, hit: &Hit<'_>) -> Value {
    json!({
        "site": arrival.site,
        "received": arrival.received,
        "visitor": arrival.visitor.to_string(),
        "agent": arrival.agent,
        "language": arrival.language,
        "screen": arrival.screen,
        "place": arrival.place,
        "hit": hit,
    })
}

fn hex(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let shown = &bytes[..bytes.len().min(HEX_BYTES_MAX)];
    for some in shown.chunks(HEX_BYTES_A_LINE) {
        let digits: String = some.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{digits}")?;
    }
    match bytes.len() - shown.len() {
        0 => Ok(()),
        more => writeln!(out, "… and {more} bytes more"),
    }
}

fn hits(letter: &DeadLetter) -> Option<usize> {
    let arrivals = read_message(&letter.message.body).ok()?;
    Some(arrivals.iter().map(|arrival| arrival.hits.len()).sum())
}

/// A collector's batch id begins with the millisecond it was made in. What another program sent has an id of no such
/// kind: its age is not known.
fn made(id: BatchId, now: Millis) -> Option<Millis> {
    let made = i64::try_from(id.0 >> 80).ok()?;
    (made > 0 && made <= now.0).then_some(Millis(made))
}

fn age(now: Millis, made: Millis) -> String {
    let age = Duration::from_millis(now.0.abs_diff(made.0)).as_secs();
    match age {
        0..120 => format!("{age} s"),
        120..7_200 => format!("{} min", age / 60),
        7_200..172_800 => format!("{} h", age / 3_600),
        _ => format!("{} d", age / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_where_the_id_tells_it() {
        let now = Millis(1_700_000_000_000);
        let id = |millis: i64| BatchId((millis as u128) << 80 | 7);
        assert_eq!(made(id(now.0 - 5_000), now), Some(Millis(now.0 - 5_000)));
        assert_eq!(made(id(now.0 + 1), now), None);
        assert_eq!(made(BatchId(9), now), None);
        let told = |seconds: i64| age(now, Millis(now.0 - seconds * 1_000));
        assert_eq!(
            [119, 120, 7_199, 7_200, 172_799, 172_800].map(told),
            ["119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]
        );
    }

    #[test]
    fn unreadable_bytes_are_shown_up_to_a_bound() {
        let shown = |bytes: usize| {
            let mut out = Vec::new();
            hex(&mut out, &vec![0xAB; bytes]).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(3), "ababab\n");
        assert_eq!(shown(HEX_BYTES_MAX).lines().count(), HEX_BYTES_MAX / HEX_BYTES_A_LINE);
        assert!(shown(HEX_BYTES_MAX + 1).ends_with("… and 1 bytes more\n"));
    }
}
