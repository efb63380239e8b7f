//! Figures of conversations over the router: as a page and as JSON, for agents alone, and how soon there is an answer where the owner says nothing of it.

use serde_json::{Value, json};

use model::{Millis, limits};

use super::NOW;
use super::conversations::{Shop, id, say, switch_on};
use super::openapi::fits;

const MINUTE_MS: i64 = 60_000;

impl Shop {
    fn at(&self, minutes: i64) {
        self.world.clock.set(Millis(NOW.0 + minutes * MINUTE_MS));
    }

    async fn figures(&mut self, query: &str) -> Value {
        let page = self.agent.get(&format!("/api/watchfire/sites/{}/figures{query}", self.site)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        fits("Figures", &page.json());
        page.json()
    }

    /// Begun at that minute, and answered so many later.
    async fn served(&mut self, number: u8, minute: i64, after: i64) -> String {
        self.at(minute);
        let mut customer = self.customer(number);
        let room = self.opened(&mut customer, "Where is my tea?").await;
        self.at(minute + after);
        assert_eq!(say(&mut self.agent, &room, 100 + u128::from(number), "On its way").await.status, 201);
        room
    }

    async fn replies_in(&self) -> Value {
        self.world.browser().get(&self.chat("")).await.json()["replies_in"].clone()
    }
}

#[tokio::test]
async fn figures_are_of_the_days_that_are_asked_for() {
    let mut shop = Shop::new().await;
    let room = shop.served(0, 0, 4).await;
    shop.served(1, 1, 10).await;
    let mut customer = shop.customer(2);
    shop.opened(&mut customer, "Anybody?").await;
    shop.at(30);
    shop.changed(&room, json!({ "close": true })).await;
    let mut first = shop.customer(0);
    let rated = first.json(&shop.chat("/conversations/mine"), json!({ "rating": 4 })).await;
    assert_eq!(rated.status, 200, "{}", rated.text);
    let told = shop.figures("").await;
    let all = &told["all"];
    assert_eq!(
        (&all["begun"], &all["answered"], &all["closed"]),
        (&json!(3), &json!(2), &json!(1)),
        "{told}"
    );
    let (median, p90) = (&all["first_answer_median_ms"], &all["first_answer_p90_ms"]);
    assert_eq!((median, p90), (&json!(4 * MINUTE_MS), &json!(10 * MINUTE_MS)));
    assert_eq!(all["resolution_median_ms"], json!(30 * MINUTE_MS));
    assert_eq!((&all["rated"], &all["stars_mean"]), (&json!(1), &json!(4.0)));
    assert_eq!(told["days"].as_array().unwrap().len(), 28, "each day of the range has a row");
    assert_eq!(told["days"][27]["begun"], 3);
    let names: Vec<&str> =
        told["agents"].as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2);
    assert_eq!(
        (names[1], &told["agents"][1]["begun"], &told["agents"][1]["agent"]),
        ("", &json!(1), &Value::Null)
    );
    assert_eq!(told["agents"][0]["begun"], 2);
    let before = shop.figures("?from=2020-01-01&to=2020-01-03").await;
    assert_eq!((&before["all"]["begun"], before["days"].as_array().unwrap().len()), (&json!(0), 3));
    assert_eq!(before["agents"], json!([]));
    let page = shop.agent.get(&format!("/sites/{}/inbox/figures", shop.site)).await;
    assert_eq!(page.status, 200);
    for words in ["nine of ten within 10 min", "4.0", "Nobody", "By agent", "30 min"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
}

#[tokio::test]
async fn what_is_spam_counts_beside_them() {
    let mut shop = Shop::new().await;
    let mut customers = Vec::new();
    for number in 0..3 {
        let mut customer = shop.customer(number);
        customers.push(shop.opened(&mut customer, "Hello there").await);
    }
    shop.changed(&customers[0], json!({ "verdict": "spam" })).await;
    shop.changed(&customers[1], json!({ "block": true })).await;
    let told = shop.figures("").await;
    assert_eq!(told["all"]["begun"], 1);
    assert_eq!(told["judged"], json!({ "ham": 2, "held": 0, "spam": 1, "freed": 0, "caught": 1 }));
}

#[tokio::test]
async fn days_that_are_none_are_refused_and_so_are_too_many() {
    let mut shop = Shop::new().await;
    for (query, status) in [
        ("?from=x", 400),
        ("?to=2026-02-30", 400),
        ("?from=2026-01-02&to=2026-01-01", 400),
        ("?from=2000-01-01&to=2026-01-01", 409),
    ] {
        let page = shop.agent.get(&format!("/api/watchfire/sites/{}/figures{query}", shop.site)).await;
        assert_eq!(page.status, status, "{query}: {}", page.text);
    }
    let mut viewer = shop.owner.invites(&shop.site, "viewer", "eve@example.org").await;
    for path in
        [format!("/sites/{}/inbox/figures", shop.site), format!("/api/watchfire/sites/{}/figures", shop.site)]
    {
        assert_eq!(viewer.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn how_soon_there_is_an_answer_is_measured_where_the_owner_says_nothing() {
    let mut shop = Shop::new().await;
    let least = limits::ANSWERS_MEASURED_MIN as u8;
    for number in 0..least - 1 {
        shop.served(number, i64::from(number), 20).await;
    }
    assert_eq!(shop.replies_in().await, "", "of too few nothing is said");
    shop.served(least, i64::from(least), 20).await;
    assert_eq!(shop.replies_in().await, "", "it is measured now and then");
    shop.at(60);
    assert_eq!(shop.replies_in().await, "an hour");
    switch_on(&mut shop.owner, &shop.site, &[("replies_in", "no time")]).await;
    assert_eq!(shop.replies_in().await, "no time", "the owner's words come first");
    let panel = shop.world.browser().get(&format!("/chat/{}", shop.site)).await;
    assert!(panel.text.contains("no time"), "{}", panel.text);
    assert_eq!(id(1).len(), 32);
}
