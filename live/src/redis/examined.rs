//! Whether every Redis server that the address names answers, lets us do what we do, and has the right time. What has to be
//! written for that is removed at once.

use std::time::Duration;

use model::Millis;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ErrorKind, RedisError, ServerErrorKind, cmd};
use tokio::time::timeout;

use super::address::Address;
use super::scripts::Names;

/// All questions to one server are answered within this.
const ANSWERS_MAX: Duration = Duration::from_secs(5);
/// How far a server's clock may be from ours.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);

/// A sentence for each thing that is wrong, with what to do. `now`: the time of whoever asks.
pub async fn examine(uri: &str, installation: &str, now: Millis) -> anyhow::Result<Vec<String>> {
    let address = Address::parse(uri)?;
    let names = Names::of(installation);
    let mut problems = Vec::new();
    for ((host, port), client) in address.nodes().into_iter().zip(address.clients()?) {
        let found = match timeout(ANSWERS_MAX, of_one(&client, &names, now)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                vec![format!("it cannot be asked ({error}): see that it runs, and user and password")]
            }
            Err(_) => vec![format!("it did not answer within {ANSWERS_MAX:?}: see that it runs")],
        };
        problems.extend(found.into_iter().map(|problem| format!("{host}:{port}: {problem}")));
    }
    Ok(problems)
}

async fn of_one(client: &Client, names: &Names, now: Millis) -> Result<Vec<String>, RedisError> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    let missing = missing_rights(&mut connection, names).await?;
    let mut problems = Vec::new();
    if !missing.is_empty() {
        problems.push(format!(
            "the user may not {}: ACL SETUSER as in least rights in docs/operating.md",
            missing.join(", ")
        ));
    }
    if !missing.contains(&"time") {
        let (seconds, micros): (i64, i64) = cmd("TIME").query_async(&mut connection).await?;
        problems.extend(clock(Millis(seconds * 1_000 + micros / 1_000), now));
    }
    Ok(problems)
}

/// A sentence, where its clock is too far from ours.
fn clock(its: Millis, ours: Millis) -> Option<String> {
    let (apart, how) = if its > ours { (its.since(ours), "ahead") } else { (ours.since(its), "behind") };
    (apart > CLOCKS_APART_MAX)
        .then(|| format!("its clock is {:.1} s {how}: set clocks by NTP (chrony)", apart.as_secs_f64()))
}

/// What its rights leave out, by the names that ACL has for it.
async fn missing_rights(
    connection: &mut MultiplexedConnection,
    names: &Names,
) -> Result<Vec<&'static str>, RedisError> {
    let (key, number) = (names.examined("hash"), names.examined("number"));
    let mut missing = Vec::new();
    for (right, command) in asked(&key, &number, &names.topic_channel("examined")) {
        match command.query_async::<redis::Value>(connection).await {
            Err(error) if is_refused(&error) => missing.push(right),
            // Another node's slot, or a value of another kind: it would have been allowed.
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            _ => {}
        }
    }
    Ok(missing)
}

/// Each right once; what is written is removed by the last.
fn asked(key: &str, number: &str, channel: &str) -> Vec<(&'static str, Cmd)> {
    let of = |words: &[&str]| {
        let mut command = cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        command
    };
    let unknown = "0".repeat(40);
    vec![
        ("ping", of(&["PING"])),
        ("time", of(&["TIME"])),
        ("eval", of(&["EVAL", "return 1", "0"])),
        ("evalsha", of(&["EVALSHA", &unknown, "0"])),
        ("exists", of(&["EXISTS", key])),
        ("hset", of(&["HSET", key, "a", "1"])),
        ("expire", of(&["EXPIRE", key, "60"])),
        ("hincrby", of(&["HINCRBY", key, "a", "1"])),
        ("hget", of(&["HGET", key, "a"])),
        ("hgetall", of(&["HGETALL", key])),
        ("hkeys", of(&["HKEYS", key])),
        ("hvals", of(&["HVALS", key])),
        ("hmget", of(&["HMGET", key, "a"])),
        ("hscan", of(&["HSCAN", key, "0"])),
        ("hdel", of(&["HDEL", key, "a"])),
        ("zadd", of(&["ZADD", key, "none", "a"])),
        ("zrange", of(&["ZRANGE", key, "0", "0"])),
        ("zrem", of(&["ZREM", key, "a"])),
        ("zremrangebyscore", of(&["ZREMRANGEBYSCORE", key, "1", "1"])),
        ("incr", of(&["INCR", number])),
        ("publish", of(&["PUBLISH", channel, ""])),
        ("del", of(&["DEL", key, number])),
    ]
}

fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) || error.code() == Some("NOPERM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_be_so_far_apart_and_no_farther() {
        let ours = Millis(1_000_000);
        assert_eq!(clock(ours.plus(CLOCKS_APART_MAX), ours), None);
        assert_eq!(clock(ours.minus(CLOCKS_APART_MAX), ours), None);
        let told = clock(ours.plus(CLOCKS_APART_MAX + Duration::from_millis(100)), ours).unwrap();
        assert!(told.contains("2.1 s ahead") && told.contains("NTP"), "{told}");
        let told = clock(ours.minus(CLOCKS_APART_MAX + Duration::from_millis(1)), ours).unwrap();
        assert!(told.contains("behind"), "{told}");
    }
}
