//! What visitors do is in reports at once: through the API, and through the command.

use std::process::Stdio;
use std::time::Duration;

use model::SiteId;
use serde_json::{Value, json};
use world::{Program, Size, World};

use crate::sizes::on_both_sizes;

on_both_sizes! {
    the_latest_second_is_in_every_report,
    the_command_prints_what_the_api_answers,
}

async fn asked(world: &World, site: SiteId, question: Value) -> Value {
    world.settle().await;
    let path = format!("/api/watchfire/sites/{site}/reports");
    let answer = world.owner().post_json(&path, &question).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn the_latest_second_is_in_every_report(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let question =
        json!({"kind": "breakdown", "range": "today", "by": ["page"], "metrics": ["visitors", "pageviews"]});
    assert_eq!(asked(&world, site, question.clone()).await["totals"], json!({"visitors": 0, "pageviews": 0}));
    let mut tag = world.visitor(site, "198.51.100.1");
    for views in 1..=3 {
        tag.show("/teas").await;
        let answer = asked(&world, site, question.clone()).await;
        assert_eq!(answer["totals"], json!({"visitors": 1, "pageviews": views}));
        world.pass(Duration::from_secs(1)).await;
    }
    let mut other = world.visitor(site, "198.51.100.2");
    other.show("/cart").await;
    let questions = json!({"questions": [question, {"kind": "funnel", "range": "7d", "window_ms": 1_000, "steps": [{"is": {"by": "page", "values": ["/cart"]}}]}]});
    let answers = asked(&world, site, questions).await["answers"].clone();
    let rows = json!([
        {"key": ["/cart"], "values": {"visitors": 1, "pageviews": 1}},
        {"key": ["/teas"], "values": {"visitors": 1, "pageviews": 3}},
    ]);
    assert_eq!(answers[0]["rows"], rows);
    assert_eq!(answers[1]["steps"][0]["visitors"], 1);
    world.end().await;
}

async fn the_command_prints_what_the_api_answers(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    world.visitor(site, "198.51.100.1").show("/teas").await;
    world.visitor(site, "198.51.100.2").show("/=cart,1").await;
    world.settle().await;
    let fields = [("name", "report"), ("sites", "all"), ("scope_read", "on")];
    let page = world.owner().post("/account/tokens", &fields).await.text();
    let at = page.find("wft_").expect("a token is shown once");
    let token: String = page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let run = |arguments: &'static [&'static str]| {
        let mut command = tokio::process::Command::new(Program::binary());
        command.args([
            "report",
            "--site",
            &site.to_string(),
            "--url",
            &format!("http://{}", world.address()),
        ]);
        command.args(["--range", "today", "--metrics", "pageviews"]).args(arguments);
        command.env("WATCHFIRE_TOKEN", &token).stdin(Stdio::null());
        async move {
            let output = command.output().await.expect("the program runs");
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
            (output.status.success(), text(output.stdout), text(output.stderr))
        }
    };
    let (done, csv, problem) = run(&["--by", "page", "--format", "csv"]).await;
    assert!(done, "{problem}");
    assert_eq!(csv, "page,pageviews\r\n\"/=cart,1\",1\r\n/teas,1\r\n");
    let (_, json, _) = run(&["--format", "json", "--filter", "page is /teas"]).await;
    let told: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(told["totals"], json!({"pageviews": 1}));
    let (_, table, _) = run(&["--by", "page"]).await;
    let lines: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(lines, ["page      pageviews", "/=cart,1          1", "/teas             1"], "{table}");
    let (done, _, problem) = run(&["--by", "pgae"]).await;
    assert!(!done && problem.contains("`pgae` is not a dimension"), "{problem}");
    world.end().await;
}
