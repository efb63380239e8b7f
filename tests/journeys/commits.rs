//! Commits on their way into a room: a real `git push` by the script that the program prints, what GitHub sends, and deliveries that a client sends
//! again until they are acknowledged while the server is killed.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use model::{Clock, Millis};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use world::{Person, Program, Size, World};

use crate::crash::set_up;
use crate::sizes::on_both_sizes;

on_both_sizes! {
    what_is_pushed_is_told_and_released,
}

const KILLS: usize = 5;
/// Acknowledged between two kills.
const DELIVERIES: usize = 6;

/// A room, and a hook of it: the path of its address, and its secret.
struct Followed {
    room: String,
    path: String,
    secret: String,
}

async fn followed(owner: &Person) -> Followed {
    let opened = owner.post_json("/api/watchfire/rooms", &json!({ "name": "Shop" })).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    let room = opened.json()["id"].as_str().expect("an id").to_owned();
    let made = owner.post_json(&format!("/api/watchfire/rooms/{room}/hooks"), &json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let text = |name: &str| made[name].as_str().expect("it is told once").to_owned();
    let url = text("url");
    let path = url[url.find("/hooks/").expect("an address")..].to_owned();
    Followed { room, path, secret: text("secret") }
}

async fn said(owner: &Person, room: &str) -> Vec<String> {
    let (mut said, mut after) = (Vec::new(), 0);
    loop {
        let page = owner.get(&format!("/api/watchfire/rooms/{room}/messages?after={after}&limit=200")).await;
        let messages = page.json()["messages"].as_array().expect("messages").clone();
        let Some(last) = messages.last() else { return said };
        after = last["number"].as_u64().expect("a number");
        let told = messages.iter().filter(|message| message["kind"] == "text");
        said.extend(told.filter_map(|message| Some(message["body"].as_str()?.to_owned())));
    }
}

async fn run(mut command: Command) -> String {
    let output = command.output().await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A `date` that tells the time of the world, for whoever signs by it; what `PATH` is with it.
fn told_the_time(folder: &Path, now: Millis) -> String {
    let date = folder.join("date");
    std::fs::write(&date, format!("#!/bin/sh\necho {}\n", now.0 / 1_000)).expect("it is written");
    std::fs::set_permissions(&date, PermissionsExt::from_mode(0o755)).expect("it may run");
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

/// A bare repository with the script of `watchfire hook git`, `shop.git`, and a clone of it, `work`.
struct Repository {
    folder: TempDir,
    path: String,
}

impl Repository {
    async fn with_hook(now: Millis, url: &str, secret: &str) -> Repository {
        let folder = tempfile::tempdir().expect("a folder");
        let path = told_the_time(folder.path(), now);
        let repository = Repository { folder, path };
        repository.git("init -q --bare -b main shop.git").await;
        repository.git("clone -q shop.git work").await;
        let folder = repository.folder.path();
        std::fs::write(folder.join("secret"), secret).expect("the secret is kept");
        let mut hook = Command::new(Program::binary());
        hook.args(["hook", "git", "--url", url, "--secret-file"]).arg(folder.join("secret"));
        let script = folder.join("shop.git/hooks/post-receive");
        std::fs::write(&script, run(hook).await).expect("the hook is written");
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("the hook may run");
        repository
    }

    /// Words with a space between.
    async fn git(&self, words: &str) {
        self.run(words.split(' ').collect()).await;
    }

    async fn commit(&self, message: &str) {
        self.run(vec!["-C", "work", "commit", "-q", "--allow-empty", "-m", message]).await;
    }

    async fn run(&self, arguments: Vec<&str>) {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(arguments);
        command.current_dir(self.folder.path()).env("no_proxy", "127.0.0.1").env_remove("REMOTE_USER");
        command.env("PATH", &self.path);
        run(command).await;
    }
}

async fn what_is_pushed_is_told_and_released(size: Size) {
    let world = World::start(size).await;
    let owner = world.owner();
    let Followed { room, path, secret } = followed(owner).await;
    let posted = json!({ "body": "The till is slow" });
    let asked = owner.post_json(&format!("/api/watchfire/rooms/{room}/messages"), &posted).await.json();
    let number = asked["number"].as_u64().expect("a number");

    let url = format!("http://{}{path}", world.address());
    let repository = Repository::with_hook(world.clock.now(), &url, &secret).await;
    repository.commit(&format!("Mend the till, fixes #{number}")).await;
    repository.git("-C work tag -a -m First v1").await;
    repository.git("-C work push -q origin main v1").await;
    let told = said(owner, &room).await;
    assert!(
        told.iter().any(|body| body.contains("pushed 1 commit") && body.contains("Mend the till")),
        "{told:?}"
    );
    let message = format!("/api/watchfire/rooms/{room}/messages/{number}");
    assert_eq!(
        owner.get(&message).await.json()["fix"]["release"],
        "v1",
        "an annotated tag stands at its commit"
    );
    let release = owner.get(&format!("/rooms/{room}/releases?repository=shop&tag=v1")).await.text();
    assert!(release.contains("The till is slow") && release.contains("Olive"), "{release}");
    let closed = owner.post_json(&format!("{message}/close"), &json!({ "note": "Out now." })).await;
    assert_eq!(closed.json()["closed"]["note"], "Out now.");

    // Two branches at once, one ahead of the other; then a third, that brings nothing.
    repository.commit("Count the change").await;
    repository.git("-C work checkout -q -b next").await;
    repository.commit("Weigh the tea").await;
    repository.git("-C work push -q --all origin").await;
    repository.git("-C work push -q origin next:again").await;
    let told = said(owner, &room).await;
    let [.., first, second, third] = &told[..] else { panic!("{told:?}") };
    assert!(
        first.contains("main") && first.contains("Count the change") && !first.contains("Weigh"),
        "{first}"
    );
    assert!(
        second.contains("next") && second.contains("Weigh the tea") && !second.contains("Count"),
        "{second}"
    );
    assert!(third.contains("again") && !third.contains("Weigh") && !third.contains("Count"), "{third}");

    // As GitLab sends it, with a token that is easy to sign with; and again, as after a lost answer.
    for _ in 0..2 {
        assert_eq!(deliver(owner, &path, &secret, "abc").await.expect("the server answers"), 202);
    }
    let told = said(owner, &room).await;
    assert_eq!(told.iter().filter(|body| body.contains("delivery abc")).count(), 1, "{told:?}");
    world.end().await;
}

/// A push of one commit; its status.
async fn deliver(person: &Person, path: &str, secret: &str, id: &str) -> anyhow::Result<u16> {
    let body: Value = json!({
        "object_kind": "push", "ref": "refs/heads/main", "before": "a1", "after": id,
        "user_name": "Grace", "project": { "path_with_namespace": "acme/shop" },
        "commits": [{ "id": id, "message": format!("delivery {id}"), "author": { "name": "Ada" } }]
    });
    let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", secret), ("idempotency-key", id)];
    let answer = person.try_send(Method::POST, path, &headers, Bytes::from(body.to_string())).await?;
    Ok(answer.status.as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_deliveries_come_each_that_was_acknowledged_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path(), &[]).await;
    let mut owner = Person::new(program.address);
    set_up(program.set_up_path.as_deref(), &owner).await;
    let Followed { room, path, secret } = followed(&owner).await;
    let mut acknowledged = HashSet::new();
    let mut waiting: Option<String> = None;
    for round in 0..KILLS {
        let person = Person::new(program.address);
        let (path, secret, first) = (path.clone(), secret.clone(), waiting.take());
        // Sends one after the other, each again until it is acknowledged; what it was at when the server died goes on after the kill.
        let sender = tokio::spawn(async move {
            let (mut done, mut number) = (Vec::new(), 0);
            let mut id = first.unwrap_or_else(|| format!("d{round}x0"));
            while let Ok(status) = deliver(&person, &path, &secret, &id).await {
                if status == 202 {
                    done.push(id);
                    number += 1;
                    id = format!("d{round}x{number}");
                }
            }
            (done, id)
        });
        let before = said(&owner, &room).await.len();
        world::within(Duration::from_secs(60), "deliveries are told", || async {
            (said(&owner, &room).await.len() >= before + DELIVERIES).then_some(())
        })
        .await;
        program.kill().await;
        let (done, next) = sender.await.expect("the sender ends well");
        acknowledged.extend(done);
        waiting = Some(next);
        program = Program::start(folder.path(), &[]).await;
        owner = owner.at(program.address);
    }
    let last = waiting.expect("one was under way");
    assert_eq!(deliver(&owner, &path, &secret, &last).await.expect("the server answers"), 202);
    acknowledged.insert(last);
    let told = said(&owner, &room).await;
    assert!(acknowledged.len() >= KILLS * (DELIVERIES - 1), "the load was no load: {}", acknowledged.len());
    for id in &acknowledged {
        let count = told.iter().filter(|body| body.contains(&format!("`delivery {id}`"))).count();
        assert_eq!(count, 1, "{id} of {told:?}");
    }
    assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
}

const PUSHES: usize = 50;
const COMMITS_A_PUSH: usize = 20;
/// Within which a forge has its answer.
const ANSWER_MAX: Duration = Duration::from_millis(100);

/// A time, so it is run alone, by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a time"]
async fn pushes_of_twenty_commits_are_answered_within_100_ms() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), &[]).await;
    let owner = Person::new(program.address);
    set_up(program.set_up_path.as_deref(), &owner).await;
    let Followed { room, path, secret } = followed(&owner).await;
    let mut times = Vec::with_capacity(PUSHES);
    for number in 0..PUSHES {
        let commits: Vec<Value> = (0..COMMITS_A_PUSH)
            .map(|of| {
                let id = format!("{:040x}", number * COMMITS_A_PUSH + of);
                json!({ "id": id, "message": format!("Mend part {of} of the till"), "author": { "name": "Ada" } })
            })
            .collect();
        let body = json!({
            "object_kind": "push", "ref": "refs/heads/main", "before": "a1", "after": commits[COMMITS_A_PUSH - 1]["id"],
            "user_name": "Grace", "project": { "path_with_namespace": "acme/shop" }, "commits": commits
        });
        let id = number.to_string();
        let headers =
            [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", &*secret), ("idempotency-key", &*id)];
        let began = std::time::Instant::now();
        let answer = owner.send(Method::POST, &path, &headers, Bytes::from(body.to_string())).await;
        times.push(began.elapsed());
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    assert_eq!(said(&owner, &room).await.len(), PUSHES, "a message each");
    times.sort();
    let (median, most) = (times[PUSHES / 2], times[PUSHES - 1]);
    println!("{PUSHES} pushes of {COMMITS_A_PUSH} commits: median {median:?}, at most {most:?}");
    assert!(median < ANSWER_MAX, "median {median:?}");
    assert!(program.terminate(Duration::from_secs(10)).await, "SIGTERM drains within 10 s");
}
