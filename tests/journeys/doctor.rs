//! `watchfire doctor` of a cluster: what it says before there is one, of one in order, and of one that lacks something.

use tokio::process::Command;
use world::{Ground, Program};

const SHARDS: u16 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_says_what_a_cluster_lacks_and_what_to_do() {
    let ground = Ground::start(SHARDS).await;
    let empty = said(&ground, &[]).await;
    empty.complains("the queue `watchfire.hits.3` is not there: start a process");
    empty.complains("the database is empty: start a process");
    empty.complains("collector: no process was heard");

    let cluster = ground.cluster(2).await;
    let whole = said(&ground, &[]).await;
    assert!(whole.is_success, "{}", whole.text);
    for good in [
        "RabbitMQ: it answers",
        "Redis: it answers",
        "MongoDB: it answers",
        "collector: 2 processes",
        "processor: 2 processes",
        "web: 2 processes",
        "shards: all 4 are worked on",
    ] {
        assert!(whole.text.contains(&format!("ok       {good}")), "{good}: {}", whole.text);
    }

    let fewer = said(&ground, &["--installation", "another"]).await;
    fewer.complains("the queue `another.shards` is not there");
    ground.redis.ask("ACL SETUSER default -hvals").expect("Redis takes a right away");
    ground
        .rabbitmq
        .control(&["set_permissions", "guest", ".*", ".*", "^nothing$"])
        .expect("RabbitMQ takes a right away");
    let lacking = said(&ground, &[]).await;
    lacking.complains("the user may not hvals: ACL SETUSER");
    lacking.complains("the user may not read `watchfire.shards`");
    ground.redis.ask("ACL SETUSER default +hvals").expect("Redis gives the right back");
    ground
        .rabbitmq
        .control(&["set_permissions", "guest", ".*", ".*", ".*"])
        .expect("RabbitMQ gives the right back");
    cluster.terminate().await;
}

struct Said {
    is_success: bool,
    text: String,
}

impl Said {
    #[track_caller]
    fn complains(&self, of: &str) {
        let is_told = self.text.lines().any(|line| line.contains("PROBLEM") && line.contains(of));
        assert!(is_told && !self.is_success, "`{of}` is not said: {}", self.text);
    }
}

/// What it prints, told as the processes are, and more.
async fn said(ground: &Ground, more: &[&str]) -> Said {
    let data = tempfile::tempdir().expect("a folder of our own");
    let flags = ground.flags();
    let output = Command::new(Program::binary())
        .args(["doctor", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .args(flags)
        .args(more)
        .output()
        .await
        .expect("the doctor answers");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("guest:guest"), "a password is never printed: {text}");
    Said { is_success: output.status.success(), text }
}
