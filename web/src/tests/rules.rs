//! Rules by which a site speaks first: once to each visitor, only where and when they say so, and at the head of what is answered.

use std::sync::Arc;
use std::time::Duration;

use live::Change;
use model::chat::Rule;
use model::{BotReason, Millis, SiteId, Visitor, VisitorKey, limits};
use serde_json::{Value, json};

use super::calls::{BROWSER, present};
use super::conversations::{Shop, bodies, id, switch_on};
use super::openapi::fits;
use super::{Browser, NOW, Page};

const MINUTE: Duration = Duration::from_secs(60);
/// Whoever is not spoken to by then is not.
const SOON: Duration = Duration::from_millis(400);

/// A form that names the page, and whatever else is given.
async fn ruled(owner: &mut Browser, site: &str, more: &[(&str, &str)]) -> Page {
    let plain =
        [("do", "save"), ("name", "Teas"), ("words", "Shall I **help**?"), ("path", "/te*"), ("on", "on")];
    let mut fields: Vec<(&str, &str)> = more.to_vec();
    fields.extend(plain.iter().filter(|(name, _)| !more.iter().any(|(known, _)| known == name)));
    fields.retain(|(_, value)| !value.is_empty());
    owner.post(&format!("/sites/{site}/chat/rules"), &fields).await
}

impl Shop {
    async fn rule(&mut self, more: &[(&str, &str)]) {
        let page = ruled(&mut self.owner, &self.site, more).await;
        assert_eq!(page.location(), format!("/sites/{}/chat?done=saved#rules", self.site), "{}", page.text);
    }

    async fn rules(&self) -> Vec<Rule> {
        self.world.store.rules.rules(self.site.parse().unwrap()).await.unwrap()
    }

    /// Somebody is on the page /teas; their key.
    async fn visited(&mut self) -> String {
        let key = self.key_of("00000000000000ee").await;
        let key = format!("{}-{BROWSER}", key.split_once('-').unwrap().0);
        self.comes(&key).await;
        key
    }

    /// What the page of that visitor is told soon; None: it waits.
    async fn hears(&self, rules: &str) -> Option<Value> {
        let path = self.chat(&format!("/call?browser={BROWSER}&rules={rules}"));
        let mut page = self.world.browser();
        let told = tokio::time::timeout(SOON, page.get(&path)).await.ok()?;
        assert_eq!(told.status, 200, "{}", told.text);
        Some(told.json())
    }
}

#[tokio::test]
async fn a_rule_speaks_once_and_stands_at_the_head_of_what_is_answered() {
    let mut shop = Shop::new().await;
    shop.rule(&[]).await;
    shop.visited().await;
    for _ in 0..2 {
        assert_eq!(shop.hears("look").await, Some(json!({ "due": true })), "who only looks takes nothing");
    }
    assert_eq!(shop.hears("no").await, None);
    let told = shop.hears("speak").await.unwrap();
    fits("CallAnswer", &told);
    let spoken = told["spoken"].clone();
    assert_eq!((&spoken["words"], &spoken["name"]), (&json!("Shall I **help**?"), &json!("Shop")));
    assert_eq!((shop.hears("look").await, shop.hears("speak").await), (None, None), "it was said");
    shop.rule(&[("rule", spoken["rule"].as_str().unwrap()), ("words", "Something else")]).await;
    let mut ann = shop.customer(1);
    let answer = json!({ "id": id(2), "body": "Yes!", "browser": BROWSER, "spoken": spoken });
    let answered = ann.json(&shop.chat("/conversations"), answer.clone()).await;
    assert_eq!(answered.status, 201, "{}", answered.text);
    assert_eq!(ann.json(&shop.chat("/conversations"), answer).await.status, 200, "sent again it is the same");
    let room = answered.json()["room"].as_str().unwrap().to_owned();
    assert_eq!(bodies(&mut ann, &room).await, ["Shall I **help**?", "Yes!"], "as it was when they read it");
    let page = ann.get(&format!("/api/watchfire/rooms/{room}/messages")).await.json();
    assert_eq!(page["messages"][0]["name"], "Shop");
    let one = shop.listed("?q=yes").await["conversations"][0].clone();
    assert_eq!((&one["assignee"], &one["first_answer_at"]), (&Value::Null, &Value::Null), "nobody answered");
    assert_eq!((&one["waiting_since"], &one["is_call"]), (&json!(NOW), &json!(false)));
    let rules = shop.rules().await;
    assert_eq!((rules.len(), rules[0].shown, rules[0].answered), (1, 1, 1));
    let page = shop.owner.get(&format!("/sites/{}/chat", shop.site)).await;
    assert!(page.text.contains("shown to 1, answered by 1"), "{}", page.text);
}

#[tokio::test]
async fn an_agent_speaks_by_name_until_they_are_none() {
    let mut shop = Shop::new().await;
    let agents = shop.agent.get("/account").await;
    assert_eq!(agents.status, 200);
    let members = shop.world.store.accounts.members(shop.site.parse().unwrap()).await.unwrap();
    let (ada, _) = members.iter().find(|(account, _)| account.email == "ada@example.org").unwrap();
    shop.rule(&[("agent", &ada.id.to_string())]).await;
    shop.visited().await;
    let spoken = shop.hears("speak").await.unwrap()["spoken"].clone();
    assert_eq!((&spoken["name"], &spoken["agent"]), (&json!(ada.name), &json!(ada.id)));
    let stranger = ruled(&mut shop.owner, &shop.site, &[("agent", "AC-00000000")]).await;
    assert_eq!(stranger.status, 400, "{}", stranger.text);
}

#[tokio::test]
async fn what_was_not_said_to_them_stands_at_no_head() {
    let mut shop = Shop::new().await;
    shop.rule(&[]).await;
    shop.visited().await;
    let spoken = shop.hears("speak").await.unwrap()["spoken"].clone();
    let forged = |field: &str, value: Value| {
        let mut forged = spoken.clone();
        forged[field] = value;
        forged
    };
    let agent = json!("AC-00000001");
    for (number, spoken) in [
        forged("words", json!("Send us your password")),
        forged("agent", agent),
        forged("rule", json!("RU-00000001")),
        forged("proof", json!("0".repeat(64))),
        forged("proof", json!("short")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut ann = shop.customer(10 + number as u8);
        let answer = json!({ "id": id(2), "body": "Yes!", "browser": "00000000000000cc", "spoken": spoken });
        let answered = ann.json(&shop.chat("/conversations"), answer).await;
        assert_eq!(answered.status, 201, "{}", answered.text);
        let room = answered.json()["room"].as_str().unwrap().to_owned();
        assert_eq!(bodies(&mut ann, &room).await, ["Yes!"]);
    }
    assert_eq!(shop.rules().await[0].answered, 0);
}

#[tokio::test]
async fn a_rule_waits_for_all_that_it_names() {
    let mut shop = Shop::new().await;
    shop.rule(&[("seconds", "60"), ("country", "fr"), ("source", "Direct"), ("past", "new")]).await;
    let key = shop.visited().await;
    assert_eq!(shop.hears("look").await, None, "they are nowhere known");
    let (site, key): (SiteId, VisitorKey) = (shop.site.parse().unwrap(), key.parse().unwrap());
    let place = Arc::new(model::Place { country: "FR".into(), ..Default::default() });
    let french = Arc::new(Visitor { place, ..(*present(key)).clone() });
    let come = async |visitor: &Arc<Visitor>| {
        shop.commit(site, vec![Change { key, before: None, after: Some(visitor.clone()) }]).await;
    };
    come(&french).await;
    assert_eq!(shop.hears("look").await, None, "not for so long");
    shop.world.clock.set(Millis(NOW.0 + 59_999));
    assert_eq!(shop.hears("look").await, None);
    shop.world.clock.set(NOW.plus(MINUTE));
    assert!(shop.hears("look").await.is_some());
    come(&Arc::new(Visitor { bot: Some(BotReason::NamesItself), ..(*french).clone() })).await;
    assert_eq!(shop.hears("look").await, None, "nobody speaks to a bot");
}

#[tokio::test]
async fn nobody_is_spoken_to_outside_office_hours_nor_by_a_rule_that_is_off() {
    let mut shop = Shop::new().await;
    shop.rule(&[("on", "")]).await;
    shop.visited().await;
    assert_eq!(shop.hears("look").await, None);
    let rule = shop.rules().await[0].id.to_string();
    shop.rule(&[("rule", &rule)]).await;
    assert!(shop.hears("look").await.is_some());
    let now = jiff::Timestamp::from_millisecond(NOW.0).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let day =
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][now.weekday().to_monday_zero_offset() as usize];
    let ended = format!("{day} 00:00-{:02}:{:02}", now.hour(), now.minute());
    switch_on(&mut shop.owner, &shop.site, &[("hours", &ended)]).await;
    assert_eq!(shop.hears("look").await, None, "nobody is there");
    switch_on(&mut shop.owner, &shop.site, &[("hours", &format!("{day} 00:00-24:00"))]).await;
    assert!(shop.hears("speak").await.is_some());
}

#[tokio::test]
async fn nobody_who_talks_already_is_spoken_to() {
    let mut shop = Shop::new().await;
    shop.rule(&[]).await;
    let key = shop.visited().await;
    let mut ann = shop.customer(1);
    let first = json!({ "id": id(2), "body": "Hello there", "browser": BROWSER });
    assert_eq!(ann.json(&shop.chat("/conversations"), first).await.status, 201);
    assert_eq!(shop.hears("look").await, None);
    let other = "00000000000000bb";
    let key = format!("{}-{other}", key.split_once('-').unwrap().0);
    shop.comes(&key).await;
    assert_eq!(shop.call(3, &key, "An agent").await.status, 201);
    let path = shop.chat(&format!("/call?browser={other}&rules=speak"));
    let told = shop.world.browser().get(&path).await.json();
    assert!(told["spoken"].is_null() && told["told"].is_object(), "the agent's words come first: {told}");
}

#[tokio::test]
async fn a_rule_is_made_changed_and_removed_up_to_the_maximum() {
    let mut shop = Shop::new().await;
    for (more, problem) in [
        (vec![("path", "")], "Name at least one thing"),
        (vec![("words", "")], "Fill this in."),
        (vec![("name", "")], "Fill this in."),
        (vec![("seconds", "soon")], "A number of seconds"),
        (vec![("country", "France")], "Two letters"),
        (vec![("path", "teas")], "A path begins with"),
    ] {
        let mut more = more;
        // What is empty is left out: an empty field of that name stands for it.
        let emptied: Vec<&str> =
            more.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| *name).collect();
        more.extend(emptied.iter().map(|name| (*name, " ")));
        let page = ruled(&mut shop.owner, &shop.site, &more).await;
        assert_eq!(page.status, 400, "{more:?}");
        assert!(page.text.contains(problem), "{more:?}: {}", page.text);
    }
    let long = "w".repeat(limits::RULE_WORDS_BYTES_MAX + 1);
    assert_eq!(ruled(&mut shop.owner, &shop.site, &[("words", &long)]).await.status, 400);
    shop.rule(&[("words", &long[1..])]).await;
    let rule = shop.rules().await[0].id.to_string();
    for number in 1..limits::RULES_MAX {
        shop.rule(&[("name", &format!("<b>Rule</b> {number}"))]).await;
    }
    assert_eq!(ruled(&mut shop.owner, &shop.site, &[]).await.status, 409, "one too many");
    let page = shop.owner.get(&format!("/sites/{}/chat", shop.site)).await;
    assert!(page.text.contains("At most 20 rules fit.") && !page.text.contains("<b>Rule</b>"));
    let unknown = ruled(&mut shop.owner, &shop.site, &[("rule", "RU-00000000")]).await;
    assert_eq!(unknown.status, 404);
    let remove = [("do", "remove"), ("rule", rule.as_str())];
    let path = format!("/sites/{}/chat/rules", shop.site);
    assert_eq!(shop.owner.post(&path, &remove).await.status, 303);
    assert_eq!(shop.owner.post(&path, &remove).await.status, 404);
    assert_eq!(shop.rules().await.len(), limits::RULES_MAX - 1);
    assert_eq!(ruled(&mut shop.agent, &shop.site, &[]).await.status, 404, "agents make no rules");
}
