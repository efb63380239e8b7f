//! A Redis of its own for each test, or the one that `WATCHFIRE_TEST_REDIS_URL` names, emptied: then with one test thread.

use std::sync::Arc;

use live::{Live, RedisLive};
use servers::redis::Redis;

pub const INSTALLATION: &str = "wf";

pub fn redis() -> (Arc<dyn Live>, Option<Redis>) {
    if let Ok(uri) = std::env::var("WATCHFIRE_TEST_REDIS_URL") {
        let mut server = redis::Client::open(uri.as_str()).unwrap().get_connection().unwrap();
        redis::cmd("FLUSHALL").exec(&mut server).unwrap();
        return (Arc::new(RedisLive::open(&uri, INSTALLATION).unwrap()), None);
    }
    let server = Redis::start().unwrap();
    (Arc::new(RedisLive::open(&server.uri(), INSTALLATION).unwrap()), Some(server))
}

pub fn cluster() -> (Arc<dyn Live>, Vec<Redis>) {
    let nodes = Redis::cluster().unwrap();
    let uris: Vec<_> = nodes.iter().map(Redis::uri).collect();
    (Arc::new(RedisLive::open(&uris.join(","), INSTALLATION).unwrap()), nodes)
}
