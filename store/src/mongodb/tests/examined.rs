//! What the doctor says of databases as they are: each with what to do, and of one in order nothing.

use model::{Clock, Millis, SystemClock};
use mongodb::bson::{DateTime, Document, doc};
use servers::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::super::database::Database;
use super::super::schema::V;
use super::fresh_uri;
use super::schema::at_version;
use crate::MongoStore;

/// But for how full the disk of this machine is.
async fn said_at(uri: &str, now: Millis) -> Vec<String> {
    let mut said = MongoStore::examine(uri, now).await;
    said.retain(|told| !told.starts_with("its disk is"));
    said
}

async fn said(uri: &str) -> Vec<String> {
    said_at(uri, SystemClock.now()).await
}

/// It says this, and nothing else.
async fn check(uri: &str, expected: &str) {
    let said = said(uri).await;
    assert!(said.len() == 1 && said[0].contains(expected), "{said:?} says not `{expected}` alone");
}

#[tokio::test]
async fn a_database_in_order_is_complained_of_by_nobody() {
    let uri = fresh_uri();
    MongoStore::open(&uri).await.unwrap().close().await;
    assert_eq!(said(&uri).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_database_wants_a_process_and_stays_empty() {
    let uri = fresh_uri();
    check(&uri, "the database is empty: start a process").await;
    let database = Database::connect(&uri).await.unwrap();
    assert_eq!(database.mongo.list_collection_names().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_schema_that_is_behind_or_ahead_says_which_program_is_to_run() {
    let behind = at_version(V - 1).await;
    check(&behind, "run `watchfire migrate`, start the newer").await;
    check(&behind, &format!("has schema {}, this program {V}", V - 1)).await;
    check(&at_version(V + 1).await, "this is an older program, run the newer one").await;
    let database = Database::connect(&behind).await.unwrap();
    let meta = database.mongo.collection::<Document>(super::super::META);
    let looked = meta.find_one(doc! { "_id": "examined" }).await.unwrap();
    assert_eq!(looked, None, "to look changes nothing");
}

#[tokio::test]
async fn a_clock_that_is_away_from_ours_is_told() {
    let uri = fresh_uri();
    MongoStore::open(&uri).await.unwrap().close().await;
    let now = SystemClock.now();
    for (ours, how) in [(Millis(now.0 - 60_000), "ahead"), (Millis(now.0 + 60_000), "behind")] {
        let said = said_at(&uri, ours).await;
        let is_told = said.len() == 1 && said[0].contains(how) && said[0].contains("set clocks by NTP");
        assert!(is_told, "{said:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_and_an_address_without_a_database_are_told() {
    let nobody = format!("mongodb://127.0.0.1:{}/watchfire?serverSelectionTimeoutMS=500", free_port());
    check(&nobody, "nobody listens there: start MongoDB").await;
    check("mongodb://127.0.0.1:1/", "the URI names no database").await;
    check("mongo://127.0.0.1/watchfire", "not a URI of MongoDB").await;
}

#[tokio::test]
async fn a_password_that_is_refused_is_told_from_a_server_that_is_away() {
    let refusing = Impostor::start(of_a_set(), 18, "Authentication failed.").await;
    check(&refusing.uri("ada:wrong@", "directConnection=true"), "refuses user or password").await;
}

#[tokio::test]
async fn what_a_user_may_not_is_said_with_the_grant_that_it_takes() {
    let grudging = Impostor::start(of_a_set(), 13, "not authorized on watchfire").await;
    let said = said(&grudging.uri("", "directConnection=true")).await;
    assert_eq!(said.len(), 2, "{said:?}");
    for (told, what) in said.iter().zip(["cannot be read", "cannot be written"]) {
        assert!(told.contains(what) && told.contains("grant the user the role readWrite"), "{told}");
    }
}

#[tokio::test]
async fn a_set_that_nobody_initiated_is_told_however_it_is_connected_to() {
    let ghost =
        doc! { "ismaster": false, "isreplicaset": true, "info": "Does not have a valid replica set config" };
    let ghost = Impostor::start(ghost, 94, "no replset config has been received").await;
    for options in ["directConnection=true", "replicaSet=rs0", "retryWrites=true"] {
        check(&ghost.uri("", options), "run `rs.initiate()` in mongosh, once").await;
    }
}

#[tokio::test]
async fn a_server_that_is_alone_or_too_old_is_told_what_it_is_to_become() {
    let alone = Impostor::start(doc! { "ismaster": true }, 0, "").await;
    check(&alone.uri("", "directConnection=true"), "start it as a replica set").await;
    let old = Impostor::start(doc! { "ismaster": true, "maxWireVersion": 6 }, 0, "").await;
    check(&old.uri("", "retryWrites=true"), "MongoDB 4.4 is the oldest").await;
}

fn of_a_set() -> Document {
    doc! { "ismaster": true, "isWritablePrimary": true, "setName": "rs0" }
}

/// Speaks MongoDB's protocol: says what it is, and refuses all else. Ends with this value.
struct Impostor {
    port: u16,
    answering: JoinHandle<()>,
}

impl Impostor {
    async fn start(hello: Document, code: i32, refusal: &'static str) -> Impostor {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answering = tokio::spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((line, _)) = listener.accept().await {
                lines.spawn(answer(line, hello.clone(), code, refusal));
            }
        });
        Impostor { port, answering }
    }

    fn uri(&self, user: &str, options: &str) -> String {
        format!("mongodb://{user}127.0.0.1:{}/watchfire?serverSelectionTimeoutMS=1000&{options}", self.port)
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// Until the other end hangs up. A message is 16 bytes of header (its length, its number, what it answers, 2013), 4 of flags, a 0, and a document.
async fn answer(mut line: TcpStream, hello: Document, code: i32, refusal: &str) -> Option<()> {
    loop {
        let length = line.read_i32_le().await.ok()?;
        let mut asked = vec![0; usize::try_from(length).ok()? - 4];
        line.read_exact(&mut asked).await.ok()?;
        let command: Document = mongodb::bson::deserialize_from_slice(&asked[17..]).ok()?;
        let mut said = doc! {
            "ok": 1.0, "minWireVersion": 0, "maxWireVersion": 21, "localTime": DateTime::now(),
            "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
        };
        match command.keys().next().map(String::as_str) {
            Some("hello" | "isMaster" | "ismaster") => said.extend(hello.clone()),
            _ => said = doc! { "ok": 0.0, "code": code, "errmsg": refusal },
        }
        let said = mongodb::bson::serialize_to_vec(&said).ok()?;
        line.write_i32_le(i32::try_from(said.len()).ok()? + 21).await.ok()?;
        line.write_i32_le(0).await.ok()?;
        line.write_all(&asked[..4]).await.ok()?;
        line.write_i32_le(2013).await.ok()?;
        line.write_all(&[0; 5]).await.ok()?;
        line.write_all(&said).await.ok()?;
    }
}
