//! A site's alerts as pages and programs have them: made and changed by who may edit the site, seen by who sees it, told to who wants to be told.

use model::alert::{Alert, Condition, Side};
use model::{Millis, SiteId, limits};
use serde_json::{Value, json};

use super::openapi::fits;
use super::{Browser, NOW, Page, World};

/// A form that says this, and whatever else is given.
async fn alerted(by: &mut Browser, site: &str, more: &[(&str, &str)]) -> Page {
    let plain = [
        ("do", "save"),
        ("name", "Crowd"),
        ("kind", "visitors"),
        ("side", "above"),
        ("than", "100"),
        ("minutes", "0"),
        ("on", "on"),
    ];
    let mut fields: Vec<(&str, &str)> = more.to_vec();
    fields.extend(plain.iter().filter(|(name, _)| !more.iter().any(|(known, _)| known == name)));
    fields.retain(|(_, value)| !value.is_empty());
    by.post(&format!("/sites/{site}/alerts"), &fields).await
}

async fn kept(world: &World, site: &str) -> Vec<Alert> {
    let site: SiteId = site.parse().unwrap();
    world.store.alerts.alerts(site).await.unwrap().alerts
}

#[tokio::test]
async fn an_alert_is_made_changed_and_removed_on_its_page() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let page = owner.get(&format!("/sites/{site}/alerts")).await;
    assert!(page.text.contains("Nothing is watched yet."), "{}", page.text);
    let hook = "https://hooks.example/a?b=1";
    let more = [("url", hook), ("quiet_from", "22:00"), ("quiet_to", "07:00"), ("mail", "on")];
    let made = alerted(&mut owner, &site, &more).await;
    assert_eq!(made.location(), format!("/sites/{site}/alerts?done=saved"), "{}", made.text);
    let alert = kept(&world, &site).await.remove(0);
    assert_eq!(alert.when, Condition::Visitors { side: Side::Above, than: 100, minutes: 0 });
    assert_eq!((alert.mail.len(), alert.push.len()), (1, 0), "who made it wanted mail");
    let secret = alert.webhook.as_ref().unwrap().secret.0.clone();
    let page = owner.get(&format!("/sites/{site}/alerts")).await.text;
    for shown in ["Crowd", "More than 100 visitors are here", &secret, "22:00", "07:00"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let id = alert.id.to_string();
    let more = [("alert", id.as_str()), ("kind", "silence"), ("minutes", "90"), ("url", hook), ("on", "")];
    assert_eq!(alerted(&mut owner, &site, &more).await.status, 303);
    let changed = kept(&world, &site).await.remove(0);
    assert_eq!((changed.id, changed.on, changed.when), (alert.id, false, Condition::Silence { minutes: 90 }));
    assert_eq!(changed.mail, alert.mail, "whom it tells is theirs to say");
    assert_eq!(changed.webhook.unwrap().secret.0, secret, "a webhook keeps its secret");
    assert_eq!(changed.quiet, None);
    let renew = [("do", "secret"), ("alert", id.as_str())];
    assert_eq!(owner.post(&format!("/sites/{site}/alerts"), &renew).await.status, 303);
    assert_ne!(kept(&world, &site).await[0].webhook.as_ref().unwrap().secret.0, secret);
    let remove = [("do", "remove"), ("alert", id.as_str())];
    assert_eq!(owner.post(&format!("/sites/{site}/alerts"), &remove).await.status, 303);
    assert_eq!(kept(&world, &site).await, []);
    assert_eq!(owner.post(&format!("/sites/{site}/alerts"), &remove).await.status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_an_alert_is_said_beside_it_and_nothing_is_kept() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let beyond = (limits::ALERT_MINUTES_MAX + 1).to_string();
    for (more, said) in [
        (&[("name", " ")][..], "Fill this in."),
        (&[("than", "-1")], "A whole number"),
        (&[("than", "")], "A whole number"),
        (&[("side", "below"), ("than", "0")], "No number is below 0"),
        (&[("minutes", beyond.as_str())], "A whole number, at most 60."),
        (&[("kind", "pageviews"), ("minutes", "0")], "Give from 1 to 60 minutes."),
        (&[("kind", "events"), ("minutes", "5")], "Give the name of the event."),
        (&[("kind", "silence"), ("minutes", "1441")], "at most 1440."),
        (&[("kind", "change")], "Choose more, fewer, or both."),
        (&[("kind", "weather")], "Choose what it is about."),
        (&[("quiet_from", "22:00")], "Give both times, or none."),
        (&[("quiet_from", "25:00"), ("quiet_to", "07:00")], "A time of the day"),
        (&[("url", "http://10.0.0.1/")], "Webhook"),
        (&[("room", "RM-00000000")], "Choose a room whose host you are."),
    ] {
        let refused = alerted(&mut owner, &site, more).await;
        assert_eq!(refused.status, 400, "{more:?}");
        assert!(refused.text.contains(said), "{more:?}: {}", refused.text);
    }
    assert_eq!(kept(&world, &site).await, []);
}

#[tokio::test]
async fn an_alert_about_pages_takes_one_that_is_watched() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let alerts = format!("/sites/{site}/alerts");
    let api = format!("/api/watchfire{alerts}");
    let page = owner.get(&alerts).await.text;
    assert!(page.contains("name it under Availability") && !page.contains("value=\"down\""), "{page}");
    let none = alerted(&mut owner, &site, &[("kind", "down")]).await;
    assert!(none.status == 400 && none.text.contains("No page of this site is watched"), "{}", none.text);
    let made = json!({ "name": "Down", "when": { "kind": "down" } });
    assert_eq!(owner.json(&api, made.clone()).await.status, 400);
    assert_eq!(kept(&world, &site).await, []);

    let url = json!({ "url": "https://shop.example/cart" });
    let watched = owner.json(&format!("/api/watchfire/sites/{site}/availability"), url).await;
    assert_eq!(watched.status, 201, "{}", watched.text);
    let watched = watched.json()["id"].as_str().unwrap().to_owned();
    let page = owner.get(&alerts).await.text;
    assert!(page.contains("value=\"down\"") && !page.contains("name it under"), "{page}");
    for other in [model::PageId::of(99).to_string().as_str(), "nothing"] {
        assert_eq!(alerted(&mut owner, &site, &[("kind", "down"), ("page", other)]).await.status, 400);
        let named = json!({ "name": "Down", "when": { "kind": "down", "page": other } });
        assert_eq!(owner.json(&api, named).await.status, 400);
    }
    for (than, status) in [("0", 400), ("9999", 303), ("10000", 400)] {
        let form = [("kind", "slow"), ("page", watched.as_str()), ("than", than), ("minutes", "5")];
        assert_eq!(alerted(&mut owner, &site, &form).await.status, status, "{than}");
    }
    let page = Some(watched.parse().unwrap());
    let when = Condition::Slow { page, than: 9_999, minutes: 5 };
    assert_eq!(kept(&world, &site).await[0].when, when);
    let shown = owner.get(&alerts).await.text;
    let asked = "A watched page answers slower than 9,999 ms for 5 minutes: https://shop.example/cart";
    assert!(shown.contains(asked), "{shown}");
    fits("NewAlert", &made);
    let answer = owner.json(&api, made).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    fits("MadeAlert", &answer.json());
    let slow =
        json!({ "name": "Slow", "when": { "kind": "slow", "page": watched, "than": 800, "minutes": 0 } });
    fits("NewAlert", &slow);
    assert_eq!(owner.json(&api, slow).await.status, 201);
    fits("Alerts", &owner.get(&api).await.json());
}

#[tokio::test]
async fn who_sees_the_site_says_whether_they_are_told_and_changes_nothing_else() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let other = owner.add_site("Other").await;
    let mut viewer = owner.invites(&site, "viewer", "vic@example.org").await;
    let more = [("url", "https://hooks.example/secret-path"), ("push", "on")];
    assert_eq!(alerted(&mut owner, &site, &more).await.status, 303);
    let alert = kept(&world, &site).await.remove(0);
    let page = viewer.get(&format!("/sites/{site}/alerts")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Crowd") && !page.text.contains("New alert"), "{}", page.text);
    for hidden in [alert.webhook.as_ref().unwrap().secret.0.as_str(), "secret-path"] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let mine = format!("/sites/{site}/alerts/{}/mine", alert.id);
    assert_eq!(viewer.post(&mine, &[("mail", "on"), ("push", "on")]).await.status, 303);
    let told = kept(&world, &site).await.remove(0);
    assert_eq!((told.mail.len(), told.push.len()), (1, 2));
    assert_eq!(viewer.post(&mine, &[]).await.status, 303);
    let told = kept(&world, &site).await.remove(0);
    assert_eq!((told.mail.len(), told.push.clone()), (0, alert.push));
    let elsewhere = format!("/sites/{other}/alerts/{}/mine", alert.id);
    assert_eq!(owner.post(&elsewhere, &[("mail", "on")]).await.status, 404);
}

#[tokio::test]
async fn programs_make_change_list_and_remove_alerts() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let path = format!("/api/watchfire/sites/{site}/alerts");
    let when = json!({ "kind": "events", "name": "error", "side": "above", "than": 3, "minutes": 5 });
    let quiet = json!({ "from": "22:00", "to": "07:00" });
    let new = json!({ "name": "Errors", "when": when, "quiet": quiet, "webhook": "https://h.example/x" });
    fits("NewAlert", &new);
    let made = owner.json(&path, new.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    fits("MadeAlert", &made);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let id = made["alert"]["id"].as_str().unwrap().to_owned();
    let mut changed = new.clone();
    changed["when"] = json!({ "kind": "change", "more": true, "fewer": false });
    changed["on"] = json!(false);
    let answer = owner.json(&format!("{path}/{id}"), changed).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    fits("MadeAlert", &answer);
    assert_eq!((&answer["secret"], &answer["alert"]["on"]), (&Value::Null, &json!(false)));
    for (field, value, said) in [
        ("name", json!(""), "name"),
        ("when", json!({ "kind": "silence", "minutes": 0 }), "when"),
        ("when", json!({ "kind": "weather" }), "when"),
        ("quiet", json!({ "from": "7", "to": "8" }), "quiet"),
        ("webhook", json!("ftp://h.example/"), "webhook"),
        ("extra", json!(1), "extra"),
    ] {
        let mut bad = new.clone();
        bad[field] = value;
        let refused = owner.json(&path, bad).await;
        assert_eq!(refused.status, 400, "{field}");
        assert!(refused.text.contains(said), "{field}: {}", refused.text);
    }
    fired(&world, &site).await;
    let listed = owner.get(&path).await.json();
    fits("Alerts", &listed);
    assert_eq!(
        (listed["alerts"].as_array().unwrap().len(), &listed["alerts"][0]["webhook"]),
        (2, &json!(true))
    );
    assert_eq!(listed["incidents"][0]["causes"][0]["key"], "/launch");
    assert!(!listed.to_string().contains("whsec_") && !listed.to_string().contains("h.example"));
    let page = owner.get(&format!("/sites/{site}/alerts")).await.text;
    assert!(page.contains("page /launch (+52, 88 %)"), "{page}");
    assert_eq!(owner.json(&format!("{path}/{id}/remove"), json!({})).await.status, 204);
    assert_eq!(owner.json(&format!("{path}/{id}/remove"), json!({})).await.status, 404);
    for number in 1..limits::ALERTS_MAX {
        let made = owner.json(&path, new.clone()).await;
        assert_eq!(made.status, 201, "{number}: {}", made.text);
    }
    assert_eq!(owner.json(&path, new).await.status, 409);
}

/// A change that is so, with its cause.
async fn fired(world: &World, site: &str) {
    use model::alert::{Ailing, By, Cause, Incident};
    let site: SiteId = site.parse().unwrap();
    let alert = Alert {
        id: model::AlertId::of(77),
        name: "<b>Change</b>".into(),
        on: true,
        when: Condition::Change { more: true, fewer: true },
        asked_since: NOW,
        quiet: None,
        mail: vec![],
        push: vec![],
        webhook: None,
        room: None,
    };
    let incident = Incident {
        id: model::IncidentId::of(7),
        alert: alert.id,
        name: alert.name.clone(),
        when: alert.when.clone(),
        began: Millis(NOW.0 - 60_000),
        value: 63,
        minutes: 1,
        expected: Some(4),
        causes: vec![Cause { by: By::Page, key: "/launch".into(), more: 52, percent: 88 }],
        pages: vec![Ailing { url: "https://shop.example/".into(), why: "it answered 503".into() }],
        told: NOW,
        over: None,
    };
    world.store.alerts.put_alert(site, alert, NOW).await.unwrap();
    assert!(world.store.alerts.begin_incident(site, incident, vec![]).await.unwrap());
}
