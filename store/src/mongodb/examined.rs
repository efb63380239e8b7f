//! Whether the database can be reached and written, has the schema of this program, the right time, and room on its disk. Makes nothing,
//! changes nothing.

use std::time::Duration;

use model::Millis;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};

use super::step::code;
use super::{Database, META, MongoStore, schema};
use crate::StoreError;

const UNAUTHORIZED: i32 = 13;
const AUTHENTICATION_FAILED: i32 = 18;
const WRONG_PASSWORD: &str = "the server is there and refuses user or password: mend them in the URI; of a user that another database knows add ?authSource=admin";
const GRANTS: &str =
    "grant the user the role readWrite on this database, see least rights in docs/operating.md";
const TOO_OLD: &str = "MongoDB 4.4 is the oldest that is spoken to: upgrade it";
const NOT_INITIATED: &str = "it was started with --replSet and nobody has initiated the replica set: run `rs.initiate()` in mongosh, once";
/// How far the server's clock may be from ours.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);
/// Percent of the disk.
const DISK_FULL: f64 = 85.0;

impl MongoStore {
    /// A sentence for each thing that is wrong, with what to do. `now`: the time of whoever asks.
    pub async fn examine(uri: &str, now: Millis) -> Vec<String> {
        let database = match Database::connect(uri).await {
            Ok(database) => database,
            Err(error) => return vec![of_no_connection(&error)],
        };
        let mut problems = Vec::new();
        match schema::version(&database).await {
            Ok(found) => problems.extend(of_schema(found)),
            Err(error) => problems.push(refused("read", &error)),
        }
        // Nothing has this id, and nothing is made.
        let meta = database.mongo.collection::<Document>(META);
        let nothing = doc! { "_id": "examined" };
        if let Err(error) = meta.update_one(nothing, doc! { "$set": { "v": 0 } }).await {
            problems.push(refused("written", &error.into()));
        }
        if let Ok(hello) = database.mongo.run_command(doc! { "hello": 1 }).await
            && let Ok(time) = hello.get_datetime("localTime")
        {
            problems.extend(clock(Millis(time.timestamp_millis()), now));
        }
        if let Ok(stats) = database.mongo.run_command(doc! { "dbStats": 1 }).await {
            problems.extend(number(&stats, "fsUsedSize").zip(number(&stats, "fsTotalSize")).and_then(disk));
        }
        database.mongo.client().clone().shutdown().await;
        problems
    }
}

fn of_schema(found: Option<i32>) -> Option<String> {
    match found {
        None => Some("the database is empty: start a process of this installation, which makes it".into()),
        Some(version) if version < schema::V => Some(format!(
            "the database has schema {version}, this program {}: stop the older programs, run `watchfire migrate`, start the newer",
            schema::V
        )),
        Some(version) if version > schema::V => Some(format!(
            "the database has schema {version}, this program {}: this is an older program, run the newer one",
            schema::V
        )),
        Some(_) => None,
    }
}

/// Why nobody could be asked at all, and what to do about that and nothing else.
fn of_no_connection(error: &anyhow::Error) -> String {
    let Some(of_driver) = of_driver(error) else { return format!("{error:#}") };
    let what = match of_driver.kind.as_ref() {
        ErrorKind::Authentication { .. } => WRONG_PASSWORD,
        ErrorKind::IncompatibleServer { .. } => TOO_OLD,
        ErrorKind::InvalidArgument { .. } => "mend the URI",
        ErrorKind::DnsResolve { .. } => "see the host in the URI, and the name server",
        ErrorKind::InvalidTlsConfig { .. } => "see the files of TLS that the URI names",
        ErrorKind::ServerSelection { message, .. } if message.contains("requires at least") => TOO_OLD,
        ErrorKind::ServerSelection { message, .. } if message.contains("RsGhost") => NOT_INITIATED,
        ErrorKind::ServerSelection { message, .. } if message.contains("Connection refused") => {
            "nobody listens there: start MongoDB, or mend host and port in the URI"
        }
        _ if code(of_driver) == Some(AUTHENTICATION_FAILED) => WRONG_PASSWORD,
        _ if code(of_driver) == Some(UNAUTHORIZED) => GRANTS,
        _ => "see that it runs and is reached: its log, the network between, TLS on both sides or none",
    };
    format!("{error:#}: {what}")
}

/// It was reached, and refused something.
fn refused(what: &str, error: &anyhow::Error) -> String {
    let code = of_driver(error).and_then(code);
    let why = if code == Some(UNAUTHORIZED) { GRANTS } else { "look at its log" };
    format!("the database cannot be {what} ({error:#}): {why}")
}

fn of_driver(error: &anyhow::Error) -> Option<&Error> {
    let unavailable = || match error.downcast_ref() {
        Some(StoreError::Unavailable(error)) => of_driver(error),
        _ => None,
    };
    error.chain().find_map(|cause| cause.downcast_ref()).or_else(unavailable)
}

fn clock(its: Millis, ours: Millis) -> Option<String> {
    let (apart, how) = if its > ours { (its.since(ours), "ahead") } else { (ours.since(its), "behind") };
    (apart > CLOCKS_APART_MAX)
        .then(|| format!("its clock is {:.1} s {how}: set clocks by NTP (chrony)", apart.as_secs_f64()))
}

fn disk((used, total): (f64, f64)) -> Option<String> {
    let percent = 100.0 * used / total.max(1.0);
    (percent > DISK_FULL)
        .then(|| format!("its disk is {percent:.0} % full: make room, or keep sites' history for fewer days"))
}

fn number(document: &Document, name: &str) -> Option<f64> {
    let value = document.get(name)?;
    let whole = value.as_i64().map(|value| value as f64).or(value.as_i32().map(f64::from));
    value.as_f64().or(whole).filter(|value| *value > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_another_version_says_what_to_do() {
        assert_eq!(of_schema(Some(schema::V)), None);
        assert!(of_schema(None).is_some_and(|told| told.contains("empty")));
        assert!(of_schema(Some(schema::V - 1)).is_some_and(|told| told.contains("watchfire migrate")));
        assert!(of_schema(Some(schema::V + 1)).is_some_and(|told| told.contains("older program")));
    }

    #[test]
    fn a_disk_may_be_so_full_and_no_fuller() {
        assert_eq!(disk((85.0, 100.0)), None);
        assert!(disk((85.1, 100.0)).is_some_and(|told| told.contains("85 % full")));
        assert_eq!(number(&doc! { "fsUsedSize": 7_i64 }, "fsUsedSize"), Some(7.0));
        assert_eq!(number(&doc! {}, "fsUsedSize"), None);
    }

    #[test]
    fn clocks_may_be_so_far_apart_and_no_farther() {
        let ours = Millis(1_000_000);
        assert_eq!(clock(ours.plus(CLOCKS_APART_MAX), ours), None);
        assert_eq!(clock(ours.minus(CLOCKS_APART_MAX), ours), None);
        assert!(clock(ours.plus(CLOCKS_APART_MAX + Duration::from_millis(1)), ours).is_some());
        assert!(clock(ours.minus(CLOCKS_APART_MAX + Duration::from_millis(1)), ours).is_some());
    }
}
