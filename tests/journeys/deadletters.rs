//! `watchfire deadletters` beside the running program: what poisons it is set aside, looked at, put back and dropped.

use std::path::Path;
use std::time::Duration;

use bus::amqp::AmqpBus;
use bus::embedded::EmbeddedBus;
use bus::{Bus, Message};
use bytes::Bytes;
use model::hit::{Arrival, Hit, HitKind, Place, append_arrival, begin_message};
use model::{BatchId, BrowserId, Clock, HitId, SiteId, SystemClock, VisitorId};
use serde_json::Value;
use servers::rabbitmq::RabbitMq;
use world::{Program, within};

/// A slow machine's broker included.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than what is shown of it.
const POISON_BYTES: usize = 5_000;

/// What the program and its command are told of the bus.
struct Ground {
    folder: tempfile::TempDir,
    flags: Vec<String>,
    /// None: the bus is in the folder.
    broker: Option<RabbitMq>,
}

impl Ground {
    fn data(&self) -> &Path {
        self.folder.path()
    }

    async fn program(&self) -> Program {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        Program::start(self.data(), &flags).await
    }

    /// Whether it succeeded, and what it printed.
    async fn command(&self, words: &[&str]) -> (bool, String) {
        let output = tokio::process::Command::new(Program::binary())
            .arg("deadletters")
            .args(words)
            .args(&self.flags)
            .arg("--data")
            .arg(self.data())
            .output()
            .await
            .expect("the command runs");
        let told = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8(told).expect("it speaks in text"))
    }

    async fn told(&self, words: &[&str]) -> String {
        let (succeeded, told) = self.command(words).await;
        assert!(succeeded, "{words:?}: {told}");
        told
    }

    async fn listed(&self) -> Vec<Value> {
        let told = self.told(&["list", "--json"]).await;
        told.lines().map(|line| serde_json::from_str(line).expect("a JSON line a letter")).collect()
    }

    fn bus(&self) -> Box<dyn Bus> {
        match &self.broker {
            None => Box::new(EmbeddedBus::open(&self.data().join("bus"), Default::default()).expect("a bus")),
            Some(broker) => Box::new(AmqpBus::open(&broker.url(), Default::default()).expect("a bus")),
        }
    }

    /// The running program has set so many messages aside.
    async fn until_dead(&self, count: usize) {
        within(PATIENCE, "the processor sets it aside", || async {
            let dead = match &self.broker {
                Some(_) => self.listed().await.len(),
                None => letters_in(&self.data().join("bus/dead-letters")),
            };
            (dead == count).then_some(())
        })
        .await;
    }
}

/// The folder is the running program's: only the names of its files are looked at.
fn letters_in(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    names.filter(|path| path.extension().is_some_and(|extension| extension == "letter")).count()
}

fn id(number: u128) -> BatchId {
    BatchId((SystemClock.now().0 as u128) << 80 | number)
}

fn readable(site: SiteId) -> Message {
    let now = SystemClock.now();
    let kind = HitKind::Event { name: "sign-up".into(), props: Vec::new(), pageview: None };
    let arrival = Arrival {
        site,
        received: now,
        visitor: VisitorId(7),
        visitor_before: None,
        browser: BrowserId(0),
        agent: "Firefox".into(),
        language: "fr".into(),
        screen: None,
        place: Place::default(),
        hits: vec![Hit { id: HitId(9), at: now, url: "https://shop.example/a".into(), kind }],
    };
    let mut body = Vec::new();
    begin_message(&mut body);
    append_arrival(&mut body, &arrival);
    Message { id: id(1), body: Bytes::from(body) }
}

/// Sets one readable message aside, and leaves one that is poison for the program.
async fn poison(bus: &dyn Bus) -> (BatchId, BatchId) {
    let (readable, poison) =
        (readable(SiteId::of(5)), Message { id: id(2), body: vec![0xEE; POISON_BYTES].into() });
    let ids = (readable.id, poison.id);
    bus.publish(0, readable).await.expect("published");
    let mut consumer = bus.consume(0).await.expect("nobody else consumes");
    let taken = consumer.next(1).await.expect("a message");
    consumer.reject(taken[0].position, "set aside\nby hand").await.expect("set aside");
    drop(consumer);
    bus.publish(0, poison).await.expect("published");
    bus.close().await;
    ids
}

async fn letters_are_listed_shown_requeued_and_dropped(ground: Ground) {
    let (good, bad) = poison(ground.bus().as_ref()).await;
    let (good, bad) = (&good.to_string()[..], &bad.to_string()[..]);
    let running = ground.program().await;
    ground.until_dead(2).await;
    if ground.broker.is_none() {
        let (succeeded, told) = ground.command(&["list"]).await;
        assert!(
            !succeeded && told.contains("another process uses") && told.contains("stop it first"),
            "{told}"
        );
    }
    assert!(running.terminate(Duration::from_secs(10)).await);

    let table = ground.told(&["list"]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].contains(good) && lines[1].ends_with("set aside by hand"), "{table}");
    assert!(
        lines[2].contains(bad) && lines[2].contains(" s  ") && lines[2].contains("version 238"),
        "{table}"
    );
    assert_eq!(ground.told(&["list", "--limit", "1"]).await.lines().count(), 2);
    let listed = ground.listed().await;
    assert_eq!(
        (&listed[0]["hits"], &listed[1]["hits"], &listed[0]["shard"]),
        (&1.into(), &Value::Null, &0.into())
    );

    let hit: Value =
        serde_json::from_str(ground.told(&["show", good]).await.trim()).expect("a JSON line a hit");
    assert_eq!((&hit["hit"]["url"], &hit["language"]), (&"https://shop.example/a".into(), &"fr".into()));
    let shown = ground.told(&["show", bad]).await;
    assert!(shown.contains("eeeeeeee") && shown.len() < 3_000 && shown.contains("bytes more"), "{shown}");
    let (succeeded, told) = ground.command(&["show", &"0".repeat(32)]).await;
    assert!(!succeeded && told.contains("there is no dead letter 0000"), "{told}");

    assert!(ground.told(&["requeue", bad]).await.starts_with("1 dead letter is back on the bus"));
    assert_eq!(ground.listed().await.len(), 1);
    let running = ground.program().await;
    ground.until_dead(2).await;
    assert!(running.terminate(Duration::from_secs(10)).await);
    assert_eq!(ground.listed().await[1]["id"], bad, "it comes back as dead");

    assert!(ground.told(&["drop", bad]).await.starts_with("1 dead letter is dropped"));
    assert_eq!(ground.listed().await[0]["id"], good);
    let (succeeded, told) = ground.command(&["drop", "--all"]).await;
    assert!(!succeeded && told.contains("--all --yes"), "{told}");
    assert!(ground.told(&["requeue", "--all"]).await.starts_with("1 dead letter is back on the bus"));
    let running = ground.program().await;
    within(PATIENCE, "what can be read is processed", || async {
        (ground.broker.is_none() || ground.bus().depth().await.messages == 0).then_some(())
    })
    .await;
    assert!(running.terminate(Duration::from_secs(10)).await);
    assert!(ground.told(&["list"]).await.contains("no dead letters"));
    assert_eq!(ground.bus().depth().await.messages, 0);
    assert!(ground.told(&["drop", "--all", "--yes"]).await.starts_with("0 dead letters are dropped"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_on_the_embedded_bus_are_listed_shown_requeued_and_dropped() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    letters_are_listed_shown_requeued_and_dropped(Ground { folder, flags: Vec::new(), broker: None }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_on_rabbitmq_are_listed_shown_requeued_and_dropped() {
    let broker = tokio::task::spawn_blocking(|| RabbitMq::start().expect("RabbitMQ starts"));
    let broker = broker.await.expect("RabbitMQ starts");
    let folder = tempfile::tempdir().expect("a folder of our own");
    // A file of settings for both, with more in it than the command is asked about.
    let file = folder.path().join("watchfire.toml");
    std::fs::write(&file, format!("bus = \"{}\"\nsite-rate = 1000\n", broker.url())).expect("a file");
    let flags = vec!["--config".to_owned(), file.to_str().expect("a plain path").to_owned()];
    letters_are_listed_shown_requeued_and_dropped(Ground { folder, flags, broker: Some(broker) }).await;
}
