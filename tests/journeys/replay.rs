//! Real access logs through the real door: the tail holds exactly what an independent recount counted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::SiteId;
use serde_json::Value;
use watchfire::replay::{ReplayOptions, replay};
use world::{Size, World};

use crate::sizes::on_both_sizes;

on_both_sizes! {
    a_week_of_a_site_equals_the_recount,
    the_week_after_equals_the_recount,
    four_days_of_a_blog_equal_the_recount_and_the_line_cut_short_is_named,
    a_replay_as_if_it_happened_now_moves_the_live_view,
}

/// The logs stand outside the project; where they are absent the test says so and goes on.
pub fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the access logs are not here ({})", folder.display());
    None
}

async fn token(world: &World) -> String {
    let fields = [("name", "replay"), ("sites", "all"), ("scope_read", "on"), ("scope_state_sender", "on")];
    let answer = world.owner().post("/account/tokens", &fields).await;
    let page = answer.text();
    let at = page.find("wft_").unwrap_or_else(|| panic!("a token is shown once: {page}"));
    page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn options(
    world: &World,
    site: SiteId,
    token: String,
    file: PathBuf,
    speed: f64,
    keep_times: bool,
) -> ReplayOptions {
    ReplayOptions {
        file,
        site,
        url: format!("http://{}", world.address()),
        token,
        hostname: None,
        speed,
        keep_times,
    }
}

pub fn truth(data: &Path, log: &str) -> Value {
    let text = std::fs::read_to_string(data.join(format!("truth/{log}.json")))
        .expect("the recount is beside the log");
    serde_json::from_str(&text).expect("the recount is JSON")
}

/// Replays a log with its own times and compares every number with the recount.
async fn check(size: Size, log: &str, unreadable: u64) {
    let Some(data) = data() else { return };
    let world = World::start(size).await;
    let site = world.site_with(&[("hostnames", "*")]).await;
    let file = data.join(format!("logs/{log}.log.gz"));
    let token = token(&world).await;
    let outcome = replay(&options(&world, site, token, file, 0.0, true)).await.expect("the log is sent");
    let all = &truth(&data, log)["all"];
    assert_eq!((outcome.unreadable, outcome.refused, outcome.ignored), (unreadable, 0, 0), "{outcome:?}");
    assert_eq!(outcome.accepted, all["pageviews"]);
    let tail = world.tail(site).await;
    for number in ["pageviews", "visitors", "visits", "bounces"] {
        assert_eq!(tail["all"][number], all[number], "{number} of {log}");
    }
    world.end().await;
}

async fn a_week_of_a_site_equals_the_recount(size: Size) {
    check(size, "site-week-48", 0).await;
}

async fn the_week_after_equals_the_recount(size: Size) {
    check(size, "site-week-49", 0).await;
}

async fn four_days_of_a_blog_equal_the_recount_and_the_line_cut_short_is_named(size: Size) {
    check(size, "blog-4-days", 1).await;
}

async fn a_replay_as_if_it_happened_now_moves_the_live_view(size: Size) {
    let Some(data) = data() else { return };
    let world = World::start(size).await;
    let site = world.site_with(&[("hostnames", "*")]).await;
    let mut dashboard = world.dashboard(site, "live").await;
    let file = data.join("logs/site-week-48.log.gz");
    let options = options(&world, site, token(&world).await, file, 600.0 * 60.0, false);
    let replayed = tokio::spawn(async move { replay(&options).await });
    dashboard.until("visitors of the log", |shown| shown["present"].as_u64() > Some(5)).await;
    let first = dashboard.data["present"].clone();
    dashboard.until("more of them", |shown| shown["present"].as_u64() > first.as_u64()).await;
    let outcome = replayed.await.expect("no panic").expect("the log is sent");
    assert_eq!(outcome.accepted, truth(&data, "site-week-48")["all"]["pageviews"]);
    assert_eq!(world.tail(site).await["all"]["pageviews"], outcome.accepted);
    dashboard.listen(Duration::from_millis(500)).await;
    world.end().await;
}
