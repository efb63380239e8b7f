//! Plausible's export, imported with the real program: its days are counted by their totals beside days of hits, once however often it is
//! imported, in either size; an export of ours takes them along, and so does a move.

use std::path::{Path, PathBuf};

use model::SiteId;
use serde_json::{Value, json};
use tokio::process::Command;
use world::{Person, Program};

use crate::crash::set_up;
use crate::import::{imported, importer, installation};

/// As Plausible writes it: a file a table.
const FILES: [(&str, &str); 5] = [
    (
        "imported_visitors_20240101_20240103.csv",
        "\"date\",\"visitors\",\"pageviews\",\"bounces\",\"visits\",\"visit_duration\"\n\
         \"2024-01-01\",\"10\",\"30\",\"5\",\"12\",\"1200\"\n\"2024-01-03\",\"20\",\"40\",\"10\",\"20\",\"400\"\n",
    ),
    (
        "imported_pages_20240101_20240103.csv",
        "\"date\",\"hostname\",\"page\",\"visits\",\"visitors\",\"pageviews\",\"total_scroll_depth\",\"total_scroll_depth_visits\"\n\
         \"2024-01-01\",\"shop.example\",\"/\",9,8,20,100,2\n\"2024-01-01\",\"shop.example\",\"/=a,b\",\"3\",\"3\",\"10\",0,0\n\
         \"2024-01-03\",\"shop.example\",\"/\",\"19\",\"19\",\"40\",,\n\"2024-13-01\",\"shop.example\",\"/\",1,1,1,0,0\n",
    ),
    (
        "imported_sources_20240101_20240103.csv",
        "\"date\",\"source\",\"referrer\",\"utm_source\",\"utm_medium\",\"utm_campaign\",\"utm_content\",\"utm_term\",\"pageviews\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\"\n\
         \"2024-01-01\",\"Google\",\"google.com\",\"\",\"\",\"\",\"\",\"\",20,7,8,100,2\n\"2024-01-01\",\"Direct / None\",\"\",\"\",\"\",\"\",\"\",\"\",10,3,4,100,2\n",
    ),
    (
        "imported_locations_20240101_20240103.csv",
        "\"date\",\"country\",\"region\",\"city\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\",\"pageviews\"\n\
         \"2024-01-01\",\"FR\",\"FR-IDF\",\"2988507\",10,12,1200,5,30\n",
    ),
    (
        "imported_custom_events_20240101_20240103.csv",
        "\"date\",\"name\",\"link_url\",\"path\",\"visitors\",\"events\"\n\"2024-01-03\",\"Signup\",\"\",\"/\",4,5\n",
    ),
];

fn written(folder: &Path) -> Vec<PathBuf> {
    let write = |(name, text): &(&str, &str)| {
        std::fs::write(folder.join(name), text).expect("written");
        folder.join(name)
    };
    FILES.iter().map(write).collect()
}

/// What the command says of a store, as JSON.
async fn reported(store: &str, site: SiteId, more: &[&str]) -> Value {
    let mut command = Command::new(Program::binary());
    command.args(["report", "--site", &site.to_string(), "--store", store, "--format", "json"]);
    command.args(["--from", "2024-01-01", "--to", "2024-01-31"]).args(more);
    let (succeeded, said) = imported(command).await;
    assert!(succeeded, "{said}");
    serde_json::from_str(&said).expect("it is JSON")
}

async fn answers(store: &str, site: SiteId) -> Vec<Value> {
    let mut answers = Vec::new();
    for more in [
        &["--metrics", "visitors,visits,pageviews,events,bounce-rate,visit-duration", "--bucket", "day"][..],
        &["--by", "page", "--metrics", "pageviews,visitors", "--bots", "with"],
        &["--by", "source"],
        &["--by", "country,region"],
        &["--by", "event", "--metrics", "events"],
    ] {
        let mut answer = reported(store, site, more).await;
        answer["at"] = Value::Null;
        answers.push(answer);
    }
    answers
}

fn are_of_plausible(answers: &[Value]) {
    let totals = json!({"visitors": 30, "visits": 32, "pageviews": 70, "events": 5, "bounce-rate": 15.0 / 32.0, "visit-duration": 50_000.0});
    assert_eq!(answers[0]["totals"], totals);
    assert_eq!(answers[0]["series"]["visitors"].as_array().expect("a line")[..4], [10, 0, 20, 0]);
    let imported = json!({"days": 2, "first": "2024-01-01", "last": "2024-01-03", "counted": true});
    assert_eq!(answers[0]["imported"], imported);
    let rows = |index: usize| answers[index]["rows"].clone();
    let pages = json!([
        {"key": ["/"], "values": {"pageviews": 60, "visitors": 27}},
        {"key": ["/=a,b"], "values": {"pageviews": 10, "visitors": 3}},
    ]);
    assert_eq!(rows(1), pages);
    assert_eq!(
        rows(2)[0],
        json!({"key": ["Google"], "values": {"visitors": 7, "visits": 8, "pageviews": 20}})
    );
    assert_eq!(rows(2)[1]["key"], json!([""]));
    assert_eq!(rows(3)[0]["key"], json!(["FR", "FR-IDF"]));
    assert_eq!(rows(4), json!([{"key": ["Signup"], "values": {"events": 5}}]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_of_plausible_are_counted_once_exported_and_moved() {
    let (folder, sites) = installation(2).await;
    let (folder, site) = (folder.path(), sites[0]);
    let files = written(folder);
    let store = format!("embedded:{}", folder.display());
    for _ in 0..2 {
        let (succeeded, said) = imported(importer(folder, site, &files)).await;
        assert!(succeeded && said.contains("1 unreadable"), "{said}");
        are_of_plausible(&answers(&store, site).await);
    }
    std::fs::write(folder.join("again.csv"), FILES[0].1.replace("\"20\"", "\"21\"")).expect("written");
    let (succeeded, said) = imported(importer(folder, site, &[folder.join("again.csv")])).await;
    assert!(succeeded, "{said}");
    let changed = reported(&store, site, &["--metrics", "visitors,visits"]).await;
    assert_eq!(changed["totals"], json!({"visitors": 31, "visits": 33}), "a day takes the place of itself");
    let (succeeded, said) = imported(importer(folder, site, &files)).await;
    assert!(succeeded, "{said}");

    let lines = folder.join("all.jsonl");
    let mut export = Command::new(Program::binary());
    export.args(["export", "--site", &site.to_string(), "--format", "jsonl", "--data"]).arg(folder);
    let (succeeded, said) = imported({
        export.arg("--out").arg(&lines);
        export
    })
    .await;
    assert!(succeeded && said.contains("2 days"), "{said}");
    let (succeeded, said) = imported(importer(folder, sites[1], &[lines])).await;
    assert!(succeeded && said.contains("0 unreadable"), "{said}");
    are_of_plausible(&answers(&store, sites[1]).await);

    let mongodb = tokio::task::spawn_blocking(|| servers::mongodb::Mongodb::start().expect("it starts"));
    let mongodb = mongodb.await.expect("the MongoDB of tests starts");
    let uri = mongodb.uri("watchfire");
    let mut moving = Command::new(Program::binary());
    moving.args(["move", "--from", &store, "--to", &uri]);
    let (succeeded, said) = imported(moving).await;
    assert!(succeeded, "{said}");
    are_of_plausible(&answers(&uri, site).await);

    // A database takes an import while servers run, and its site takes the days along when it goes.
    let place = tempfile::tempdir().expect("a folder");
    let running = Program::start(place.path(), &["--store", &mongodb.uri("fresh")]).await;
    let owner = Person::new(running.address);
    let site = set_up(running.set_up_path.as_deref(), &owner).await;
    let mut import = importer(place.path(), site, &files);
    import.args(["--store", &mongodb.uri("fresh")]);
    let (succeeded, said) = imported(import).await;
    assert!(succeeded, "{said}");
    are_of_plausible(&answers(&mongodb.uri("fresh"), site).await);
    let question = json!({"kind": "breakdown", "range": {"from": "2024-01-01", "to": "2024-01-31"}, "metrics": ["visitors"]});
    let told = owner.post_json(&format!("/api/watchfire/sites/{site}/reports"), &question).await.json();
    assert_eq!(told["totals"], json!({"visitors": 30}));
    assert_eq!(owner.post(&format!("/sites/{site}/delete"), &[("confirm", "Shop")]).await.status, 303);
    let left = store::MongoStore::open(&mongodb.uri("fresh")).await.expect("the store opens");
    let totals = left.totals.between(site, store::totals::TotalsTable::All, (0, 50_000), 9).await;
    assert_eq!(totals.expect("they can be read"), []);
    left.close().await;
}
