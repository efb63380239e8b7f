//! What a ban of a guest bars: keyed hashes of browser and address. The key is a salt that is destroyed after a time,
//! and with it whatever the hashes could tell.

use std::net::IpAddr;
use std::time::Duration;

use model::Millis;

use crate::Web;
use crate::attempts::network;
use crate::error::Problem;

/// Marks are made with one key for so long. A guest's cookie and a ban both last half of it at most, so that whoever
/// comes back while a ban holds has a mark under the key of then or under the one before.
const PERIOD: Duration = Duration::from_secs(60 * 86_400);

/// Of the browser and of the address, under this period's key and the last one's. No address is kept.
pub async fn of(web: &Web, browser: &str, address: IpAddr) -> Result<Vec<[u8; 32]>, Problem> {
    let now = web.clock.now();
    let mut marks = Vec::with_capacity(4);
    for back in [0, 1] {
        let number = now.0 / millis(PERIOD) - back;
        let expires = Millis((number + 2) * millis(PERIOD));
        let key = web.store.salts.salt(&format!("guests {number}"), expires).await?;
        marks.push(mark(&key, b"browser", browser.as_bytes()));
        let network = network(address).to_string();
        marks.push(mark(&key, b"address", network.as_bytes()));
    }
    Ok(marks)
}

fn millis(time: Duration) -> i64 {
    time.as_millis() as i64
}

fn mark(key: &[u8; 32], what: &[u8], value: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(what).update(&[0]).update(value);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_thing_under_one_key() {
        let marks = [
            mark(&[1; 32], b"browser", b"a"),
            mark(&[1; 32], b"browser", b"b"),
            mark(&[1; 32], b"address", b"a"),
            mark(&[2; 32], b"browser", b"a"),
        ];
        for (number, one) in marks.iter().enumerate() {
            assert!(marks.iter().skip(number + 1).all(|other| other != one));
        }
    }
}
