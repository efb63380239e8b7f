//! Bots hear of their rooms, and answer, whatever dies meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use world::receiver::{self, listener, serve};
use world::{Ground, Person, Program, within};

use crate::crash::set_up;

const KILLS: usize = 4;
/// Messages that are acknowledged at least between two kills.
const A_ROUND: usize = 8;
/// A lease runs out, and what waits is looked for.
const FOUND_MAX: Duration = Duration::from_secs(180);
/// Of so many messages one is refused at first. After each the receiver is left alone for some seconds.
const REFUSED_EACH: usize = 60;

/// What a receiver was sent: the number of each message, by the id of its delivery.
#[derive(Default)]
struct Heard {
    deliveries: BTreeMap<String, u64>,
    authors: HashSet<String>,
    asked: usize,
}

/// A receiver that answers each message, refuses some the first time, and takes its time.
async fn receiver() -> (SocketAddr, Arc<Mutex<Heard>>) {
    let (listener, address) = listener().await;
    let heard = Arc::new(Mutex::new(Heard::default()));
    let hears = Arc::clone(&heard);
    serve(listener, move |request| hear(Arc::clone(&hears), request));
    (address, heard)
}

async fn hear(heard: Arc<Mutex<Heard>>, request: Request<Incoming>) -> receiver::Heard {
    let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
    let (id, signature) = (header("webhook-id"), header("webhook-signature"));
    assert!(signature.starts_with("v1,") && header("webhook-timestamp").parse::<u32>().is_ok());
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let sent: Value = serde_json::from_slice(&body).expect("JSON");
    let message = &sent["data"]["message"];
    let number = message["number"].as_u64().expect("a number");
    let is_refused = {
        let mut heard = heard.lock().expect("no panic while held");
        heard.authors.insert(message["author"].as_str().expect("text").to_owned());
        let before = heard.deliveries.insert(id, number);
        assert!(before.is_none_or(|before| before == number), "one id, one message");
        heard.asked += 1;
        before.is_none() && heard.deliveries.len() % REFUSED_EACH == 3
    };
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..60))).await;
    let mut answer = Response::new(Full::new(Bytes::from(format!("answer to {number}"))));
    answer.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().expect("a header value"));
    if is_refused {
        *answer.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_webhooks_are_delivered_by_a_cluster_each_message_arrives_under_one_id_and_is_answered_once()
 {
    let ground = Ground::start(2).await;
    let webs = [ground.web("web-0").await, ground.web("web-1").await];
    kill_while_delivering(webs.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_webhooks_are_delivered_each_message_arrives_under_one_id_and_is_answered_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), &["--bot-hooks", "loopback"]).await;
    kill_while_delivering(vec![program]).await;
}

/// One or several processes over one store, one after the other killed while all of them deliver.
async fn kill_while_delivering(mut programs: Vec<Program>) {
    let set_up_path = programs.last().and_then(|program| program.set_up_path.clone());
    let owner = Person::new(programs[0].address);
    set_up(set_up_path.as_deref(), &owner).await;
    let made = owner.post_json("/api/watchfire/rooms", &json!({ "name": "Support" })).await;
    let room = format!("/api/watchfire/rooms/{}", made.json()["id"].as_str().expect("text"));
    let made = owner.post_json("/api/watchfire/rooms/bots", &json!({ "name": "Echo" })).await.json();
    let bot = made["bot"]["id"].as_str().expect("text").to_owned();
    let (address, heard) = receiver().await;
    let hook = format!("/api/watchfire/rooms/bots/{bot}/hook");
    let refused = owner.post_json(&hook, &json!({ "url": "http://10.0.0.1/" })).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let set = owner.post_json(&hook, &json!({ "url": format!("http://{address}/echo?x=1") })).await;
    assert_eq!(set.status, 201, "{}", set.text());
    assert!(set.json()["secret"].as_str().expect("text").starts_with("whsec_"));
    assert_eq!(owner.post_json(&format!("{room}/members"), &json!({ "who": bot })).await.status, 204);

    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    for _ in 0..KILLS {
        let mut program = programs.remove(0);
        let posting: Vec<_> = (0..4)
            .map(|_| tokio::spawn(post(owner.at(program.address), room.clone(), acknowledged.clone())))
            .collect();
        let count = || acknowledged.lock().expect("no panic while held").len();
        let before = count();
        within(FOUND_MAX, "some are acknowledged", || async { (count() >= before + A_ROUND).then_some(()) })
            .await;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..700))).await;
        program.kill_now();
        for posting in posting {
            posting.await.expect("who posts ends well");
        }
        programs.push(program.replaced().await);
    }
    let owner = owner.at(programs[0].address);
    let acknowledged = acknowledged.lock().expect("no panic while held").clone();
    println!("{} acknowledged", acknowledged.len());

    within(FOUND_MAX, "every message arrives and is answered", || async {
        let answers = answers(&owner, &room, &bot).await;
        let distinct: BTreeSet<u64> = answers.iter().copied().collect();
        assert_eq!(distinct.len(), answers.len(), "each is answered once");
        acknowledged.is_subset(&distinct).then_some(())
    })
    .await;
    let heard = std::mem::take(&mut *heard.lock().expect("no panic while held"));
    let numbers: BTreeSet<u64> = heard.deliveries.values().copied().collect();
    assert_eq!(numbers.len(), heard.deliveries.len(), "each message has one id");
    assert!(acknowledged.is_subset(&numbers));
    let entered = heard.authors.contains(&bot);
    assert!(entered && heard.authors.len() == 2, "of itself it hears no more than that it came in");
    assert!(heard.asked > heard.deliveries.len(), "nothing was sent again");
    let told = owner.get(&hook).await.json();
    let done = told["deliveries"].as_array().expect("a list").iter().filter(|one| one["state"] == "done");
    assert!(done.count() > 0, "{told}");
    assert!(!told.to_string().contains("whsec_"));
    for program in programs {
        assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
    }
}

/// Posts until the server is gone, and keeps what was acknowledged.
async fn post(owner: Person, room: String, acknowledged: Arc<Mutex<BTreeSet<u64>>>) {
    loop {
        let id = format!("{:032x}", fastrand::u128(..));
        let body = Bytes::from(json!({ "id": id, "body": "tea" }).to_string());
        let headers = [(CONTENT_TYPE.as_str(), "application/json")];
        let path = format!("{room}/messages");
        match owner.try_send(Method::POST, &path, &headers, body).await {
            Ok(answer) if answer.status == 201 => {
                let number = answer.json()["number"].as_u64().expect("a number");
                acknowledged.lock().expect("no panic while held").insert(number);
            }
            Ok(answer) => panic!("{} {}", answer.status, answer.text()),
            Err(_) => return,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The numbers that the bot answered.
async fn answers(owner: &Person, room: &str, bot: &str) -> Vec<u64> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = owner.get(&format!("{room}/messages?after={after}&limit=200")).await;
        if page.status == 429 {
            // Who looks as often as this meets the rate of one.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        let page = page.json();
        let messages = page["messages"].as_array().expect("a list").clone();
        let Some(last) = messages.last() else {
            return found;
        };
        after = last["number"].as_u64().expect("a number");
        for message in messages.iter().filter(|message| message["author"] == bot) {
            let body = message["body"].as_str().expect("text");
            if let Some(number) = body.strip_prefix("answer to ") {
                found.push(number.parse().expect("a number"));
            }
        }
    }
}
