//! Hooks over HTTP: deliveries that are signed are told once, all others are refused.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use commits::limits::BODY_BYTES_MAX;
use commits::{Plain, Script};
use model::chat::{Member, Notify, Room, RoomKind, RoomRole, Who};
use model::{AccountId, Clock, Millis, RoomId, SiteId, SystemClock};
use serde_json::{Value, json};
use store::chat::Place;

use super::{Browser, NOW, Page, World};

const ROOM: RoomId = RoomId::of(7);
const HOOKS: &str = "/api/watchfire/rooms/RM-00000007/hooks";

/// A server whose owner is host of a room.
async fn world() -> (World, Browser) {
    let (world, owner) = World::with_owner().await;
    let account = world.store.accounts.account_by_email("olive@example.org").await.unwrap().id;
    open(&world, ROOM, None, account).await;
    (world, owner)
}

async fn open(world: &World, id: RoomId, site: Option<SiteId>, host: AccountId) {
    let room = Room {
        id,
        site,
        kind: RoomKind::Closed,
        name: "Tea".into(),
        topic: String::new(),
        zone: "UTC".into(),
        public: false,
        locked: false,
        members_max: 100,
        created: NOW,
        by: None,
        last: 0,
        changes: 0,
        last_at: Millis(0),
    };
    let host = Member {
        room: id,
        who: Who::Account(host),
        role: RoomRole::Host,
        joined: NOW,
        read: 0,
        notify: Notify::default(),
    };
    world.store.rooms.open(room, vec![host]).await.unwrap();
}

async fn post(browser: &mut Browser, path: &str, body: &Value) -> Page {
    browser.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

/// The path of a new hook's address, and its secret.
async fn hook(owner: &mut Browser, stated: Value) -> (String, String) {
    let made = post(owner, HOOKS, &stated).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let url = made["url"].as_str().unwrap();
    let path = url.strip_prefix("http://stats.example:8080").unwrap();
    (path.to_owned(), made["secret"].as_str().unwrap().to_owned())
}

/// A delivery of GitLab, whose token is easy to send.
async fn deliver(
    world: &World,
    path: &str,
    token: &str,
    id: &str,
    body: impl Into<axum::body::Body>,
) -> Page {
    let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", token), ("idempotency-key", id)];
    world.browser().send(Method::POST, path, &headers, body).await
}

fn push(commit: &str) -> String {
    json!({
        "object_kind": "push", "ref": "refs/heads/main", "before": "a1", "after": commit, "user_name": "Grace",
        "project": { "path_with_namespace": "acme/shop" },
        "commits": [{ "id": commit, "message": "Fix <script>alert(1)</script>", "author": { "name": "Ada" } }]
    })
    .to_string()
}

async fn said(world: &World) -> Vec<String> {
    let page = world.store.messages.page(ROOM, Place::After(0), 200).await.unwrap();
    page.into_iter().map(|message| message.body).filter(|body| !body.is_empty()).collect()
}

#[tokio::test]
async fn a_signed_delivery_is_told_once() {
    let (world, mut owner) = world().await;
    let (path, secret) = hook(&mut owner, json!({})).await;
    let told = deliver(&world, &path, &secret, "d1", push("abc1")).await;
    assert_eq!((told.status, told.json()), (StatusCode::ACCEPTED, json!({ "told": 1 })), "{}", told.text);
    let expected = "**Grace** pushed 1 commit to `main` of `acme/shop`\n- `abc1` `Fix <script>alert(1)</script>` · **Ada**";
    assert_eq!(said(&world).await, [expected]);
    // Without an id it is another delivery, and neither its commit nor where the branch is now is news.
    for id in ["d1", ""] {
        let again = deliver(&world, &path, &secret, id, push("abc1")).await;
        assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, json!({ "told": 0 })), "{id}");
    }
    assert_eq!(said(&world).await, [expected]);
    // Where the branch goes with a commit that is known is.
    let back = push("abc1").replace("\"after\":\"abc1\"", "\"after\":\"abc0\"");
    assert_eq!(deliver(&world, &path, &secret, "d2", back).await.json(), json!({ "told": 1 }));
    assert_eq!(said(&world).await.len(), 2);
    assert!(!said(&world).await[1].contains("Fix"));
}

#[tokio::test]
async fn whatever_is_not_signed_is_refused_and_told_to_nobody() {
    let (world, mut owner) = world().await;
    let (path, secret) = hook(&mut owner, json!({})).await;
    for bad in ["", "another", &secret[1..]] {
        let refused = deliver(&world, &path, bad, "d1", push("abc1")).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["error"]["code"], "signature");
    }
    let nameless = world.browser().send(Method::POST, &path, &[], push("abc1")).await;
    assert_eq!(
        (nameless.status, &nameless.json()["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!("no_forge"))
    );
    let broken = deliver(&world, &path, &secret, "d1", "{").await;
    assert_eq!(
        (broken.status, &broken.json()["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!("malformed"))
    );
    for unknown in ["/hooks/x", "/hooks/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/hooks/a%2Fb"] {
        let refused = deliver(&world, unknown, &secret, "d1", push("abc1")).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
    }
    assert_eq!(world.browser().get(&path).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(said(&world).await, Vec::<String>::new());
    // The same delivery, signed.
    deliver(&world, &path, &secret, "d1", push("abc1")).await;
    assert_eq!(said(&world).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_has_a_maximum() {
    let (world, mut owner) = world().await;
    let (path, secret) = hook(&mut owner, json!({})).await;
    let longest = |length: usize| {
        let mut body = push("abc1").into_bytes();
        body.resize(length, b' ');
        body
    };
    let told = deliver(&world, &path, &secret, "d1", longest(BODY_BYTES_MAX)).await;
    assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.text);
    let refused = deliver(&world, &path, &secret, "d2", longest(BODY_BYTES_MAX + 1)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(said(&world).await.len(), 1);
}

#[tokio::test]
async fn long_deliveries_take_turns_and_short_ones_do_not_wait_for_them() {
    let (world, mut owner) = world().await;
    let (path, secret) = hook(&mut owner, json!({})).await;
    let mut slow: Vec<_> = (0..8)
        .map(|_| {
            let (mut forge, path) = (world.browser(), path.clone());
            let endless = futures_util::stream::pending::<Result<&[u8], std::io::Error>>();
            let body = axum::body::Body::from_stream(endless);
            Box::pin(async move { forge.send(Method::POST, &path, &[], body).await })
        })
        .collect();
    for one in &mut slow {
        assert!(tokio::time::timeout(Duration::from_millis(200), one).await.is_err());
    }
    let refused = deliver(&world, &path, &secret, "d1", push("abc1")).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.header("retry-after").is_empty());
    let body = push("abc1");
    let headers = [
        ("x-gitlab-event", "Push Hook"),
        ("x-gitlab-token", &*secret),
        ("idempotency-key", "d1"),
        ("content-length", &body.len().to_string()),
    ];
    let told = world.browser().send(Method::POST, &path, &headers, body.clone()).await;
    assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.text);
}

#[tokio::test]
async fn only_who_configures_the_room_has_to_do_with_its_hooks() {
    let (world, mut owner) = world().await;
    let site = owner.add_site("Shop").await;
    let mut viewer = owner.invites(&site, "viewer", "vic@example.org").await;
    let account = world.store.accounts.account_by_email("vic@example.org").await.unwrap().id;
    let mut stranger = world.browser();
    assert_eq!(post(&mut stranger, HOOKS, &json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.get(HOOKS).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&mut viewer, HOOKS, &json!({})).await.status, StatusCode::NOT_FOUND);
    let member = Member {
        room: ROOM,
        who: Who::Account(account),
        role: RoomRole::Member,
        joined: NOW,
        read: 0,
        notify: Notify::default(),
    };
    world.store.rooms.enter(member, vec![], None).await.unwrap();
    assert_eq!(post(&mut viewer, HOOKS, &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(viewer.get(HOOKS).await.status, StatusCode::FORBIDDEN);

    let (path, secret) = hook(&mut owner, json!({ "repositories": "acme/*", "branches": "main" })).await;
    let listed = owner.get(HOOKS).await;
    assert!(!listed.text.contains(&secret) && !listed.text.contains(&path[7..]), "{}", listed.text);
    let hooks = listed.json()["hooks"].clone();
    assert_eq!((&hooks[0]["repositories"], &hooks[0]["branches"]), (&json!("acme/*"), &json!("main")));
    let remove = format!("{HOOKS}/{}/remove", hooks[0]["id"].as_str().unwrap());
    assert_eq!(post(&mut viewer, &remove, &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(&mut owner, &remove, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(post(&mut owner, &remove, &json!({})).await.status, StatusCode::NOT_FOUND);
    let gone = deliver(&world, &path, &secret, "d1", push("abc1")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_hook_cannot_be_is_refused() {
    let (_world, mut owner) = world().await;
    for (stated, field) in [
        (json!({ "repositories": "a !" }), "repositories"),
        (json!({ "branches": "a ".repeat(21) }), "branches"),
        (json!({ "secret": "short" }), "secret"),
        (json!({ "secret": "s".repeat(257) }), "secret"),
        (json!({ "secret": "whsec_not base 64" }), "secret"),
        (json!({ "secret": "sixteen letters\n." }), "secret"),
        (json!({ "more": 1 }), "more"),
    ] {
        let refused = post(&mut owner, HOOKS, &stated).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{stated}");
        refused.says(field);
    }
    for own in ["s".repeat(16), "s".repeat(256), "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=".into()]
    {
        let (_, secret) = hook(&mut owner, json!({ "secret": own })).await;
        assert_eq!(secret, own);
    }
}

/// npm `@octokit/webhooks-examples`, signed as GitHub does, where it is installed.
#[tokio::test]
async fn every_example_of_github_is_answered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("not tested: {} is not there; `npm ci` brings it", path.display());
        return;
    };
    let events: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let (world, mut owner) = world().await;
    let (path, secret) = hook(&mut owner, json!({})).await;
    let (mut number, mut slowest) = (0, Duration::ZERO);
    for event in &events {
        let name = event["name"].as_str().unwrap();
        for example in event["examples"].as_array().unwrap() {
            number += 1;
            let (body, id) = (example.to_string(), format!("delivery-{number}"));
            let signature = format!("sha256={}", hmac(secret.as_bytes(), body.as_bytes()));
            let headers =
                [("x-github-event", name), ("x-github-delivery", &id), ("x-hub-signature-256", &signature)];
            let mut changed = body.clone().into_bytes();
            let at = number * 31 % changed.len();
            changed[at] ^= 1;
            let refused = world.browser().send(Method::POST, &path, &headers, changed).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}");
            for _ in 0..2 {
                let started = Instant::now();
                let told = world.browser().send(Method::POST, &path, &headers, body.clone()).await;
                slowest = slowest.max(started.elapsed());
                assert_eq!(told.status, StatusCode::ACCEPTED, "{name} {}", told.text);
            }
        }
    }
    eprintln!("{number} deliveries, the slowest took {slowest:?}");
    assert!(number >= 329);
    // Pushes and published releases, each once: of the tag and the branch, some examples tell the same.
    let said = said(&world).await;
    let pushes: Vec<&String> = said.iter().filter(|body| !body.contains("released")).collect();
    let different: HashSet<&String> = pushes.iter().copied().collect();
    assert_eq!((pushes.len(), different.len()), (3, 3), "{said:#?}");
}

/// As GitHub sends a merge into `main` of what `feature` had before.
#[tokio::test]
async fn what_another_branch_had_is_news_to_a_room_that_hears_of_this_one_only() {
    let (world, mut owner) = world().await;
    for (stated, expected) in [(json!({}), 0), (json!({ "branches": "main" }), 1)] {
        let (path, secret) = hook(&mut owner, stated).await;
        for id in ["m1", "m2"] {
            let body = json!({
                "ref": "refs/heads/main", "before": "a1".repeat(20), "after": "b2".repeat(20),
                "repository": { "full_name": "acme/shop" }, "pusher": { "name": "Grace" },
                "commits": [{ "id": "b2".repeat(20), "distinct": false, "message": "Mend the till", "author": { "name": "Ada" } }]
            })
            .to_string();
            let signature = format!("sha256={}", hmac(secret.as_bytes(), body.as_bytes()));
            let headers =
                [("x-github-event", "push"), ("x-github-delivery", id), ("x-hub-signature-256", &signature)];
            let told = world.browser().send(Method::POST, &path, &headers, body).await;
            assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.text);
        }
        let said = said(&world).await;
        assert_eq!(said.iter().filter(|body| body.contains("Mend the till")).count(), expected, "{said:#?}");
    }
}

fn hmac(key: &[u8], body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A real push to a bare repository, over a real socket, by the hook that `watchfire hook git` prints.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_push_arrives_in_the_room() {
    for tool in ["git", "curl", "openssl"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("not tested: `{tool}` is not installed");
            return;
        }
    }
    let (world, mut owner) = world().await;
    let (path, secret) = hook(&mut owner, json!({ "branches": "main" })).await;
    // The script signs with the machine's time.
    world.clock.set(SystemClock.now());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let served = tokio::spawn(axum::serve(listener, world.routes.clone()).into_future());

    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, &secret).unwrap();
    let at = folder.path().to_owned();
    let git = move |arguments: &'static [&'static str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(arguments);
        command.current_dir(&at).env("no_proxy", "127.0.0.1").env_remove("REMOTE_USER");
        async move {
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
    };
    git(&["init", "-q", "--bare", "-b", "main", "shop.git"]).await;
    git(&["init", "-q", "-b", "main", "work"]).await;
    let script = Script {
        of: Plain::Git,
        url: &url,
        secret_file: &secret_file,
        repository: "",
        commit_url: "https://git.example/{id}",
    };
    let file = folder.path().join("shop.git/hooks/post-receive");
    std::fs::write(&file, script.written().unwrap()).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    git(&["-C", "work", "commit", "-q", "--allow-empty", "-m", "Mend the till"]).await;
    let id = git(&["-C", "work", "rev-parse", "HEAD"]).await;
    git(&["-C", "work", "push", "-q", "../shop.git", "main", "main:wip"]).await;
    let expected = format!(
        "Somebody pushed 1 commit to new branch `main` of `shop`\n- [{}](https://git.example/{id}) `Mend the till` · **Ada**",
        &id[..7]
    );
    assert_eq!(said(&world).await, [expected]);
    served.abort();
}
