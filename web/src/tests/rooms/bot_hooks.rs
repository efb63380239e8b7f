//! Where bots hear of their rooms: the operator's to say, with a secret that is shown once.

use serde_json::json;

use super::super::openapi::fits;
use super::House;

#[tokio::test]
async fn the_operator_gives_a_bot_a_hook_whose_secret_is_told_once() {
    let House { mut operator, mut ann, .. } = House::new().await;
    let made = operator.tell("/bots", json!({ "name": "<b>Echo</b>" })).await.json();
    let bot = made["bot"]["id"].as_str().unwrap().to_owned();
    let hook = format!("/bots/{bot}/hook");
    let none = operator.ask(&hook).await.json();
    fits("BotHookSeen", &none);
    assert_eq!(none, json!({ "hook": null, "deliveries": [] }));
    for bad in
        ["", "http://bots.example/", "https://127.0.0.1/", "https://10.0.0.1/", "https://me@bots.example/"]
    {
        let refused = operator.tell(&hook, json!({ "url": bad })).await;
        assert_eq!((refused.status.as_u16(), refused.json()["field"].as_str()), (400, Some("url")));
    }
    let longest = format!("https://bots.example/{}", "x".repeat(2_048 - 21));
    assert_eq!(operator.tell(&hook, json!({ "url": format!("{longest}x") })).await.status, 400);
    assert_eq!(operator.tell(&hook, json!({ "url": longest, "events": [] })).await.status, 400);
    assert_eq!(ann.tell(&hook, json!({ "url": "https://bots.example/" })).await.status, 404);

    let first = operator.tell(&hook, json!({ "url": longest, "events": ["mention", "message"] })).await;
    assert_eq!(first.status, 201, "{}", first.text);
    fits("FreshBotHook", &first.json());
    let secret = first.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() > 40);
    assert_eq!(first.json()["hook"]["events"], json!(["message", "mention"]));

    let changed = operator.tell(&hook, json!({ "url": "https://bots.example/a?b=c" })).await;
    assert_eq!(changed.status, 200);
    fits("BotHookSet", &changed.json());
    let seen = operator.ask(&hook).await;
    fits("BotHookSeen", &seen.json());
    assert_eq!(seen.json()["hook"]["url"], "https://bots.example/a?b=c");
    assert_eq!(seen.json()["hook"]["events"], json!(["message", "mention", "room"]));
    let renewed = operator.tell(&format!("{hook}/secret"), json!({})).await.json();
    fits("FreshBotHook", &renewed);
    assert_ne!(renewed["secret"], secret.as_str());
    for page in [changed.text, seen.text, operator.get(&format!("/rooms/bots/{bot}")).await.text] {
        assert!(!page.contains("whsec_"), "{page}");
    }

    assert_eq!(operator.tell(&format!("{hook}/remove"), json!({})).await.status, 204);
    assert_eq!(operator.ask(&hook).await.json()["hook"], json!(null));
    assert_eq!(operator.tell(&format!("{hook}/secret"), json!({})).await.status, 404);
}

#[tokio::test]
async fn the_page_of_a_bot_does_the_same() {
    let House { mut operator, mut ann, .. } = House::new().await;
    let made = operator.tell("/bots", json!({ "name": "<b>Echo</b>" })).await.json();
    let path = format!("/rooms/bots/{}", made["bot"]["id"].as_str().unwrap());
    let empty = operator.get(&path).await;
    assert!(empty.text.contains("&#60;b&#62;Echo") && !empty.text.contains("<b>Echo"), "{}", empty.text);
    assert_eq!(ann.get(&path).await.status, 404);
    let refused = operator.post(&path, &[("url", "https://127.0.0.1/\"><script>"), ("message", "on")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("aria-invalid") && !refused.text.contains("\"><script>"));
    let nothing = operator.post(&path, &[("url", "https://bots.example/")]).await;
    assert_eq!(nothing.status, 400);
    let set = operator.post(&path, &[("url", "https://bots.example/"), ("mention", "on")]).await;
    assert!(set.status == 200 && set.text.contains("whsec_"), "{}", set.text);
    let again = operator.post(&path, &[("url", "https://bots.example/b"), ("room", "on")]).await;
    assert_eq!((again.status.as_u16(), again.location()), (303, format!("{path}?done=saved")));
    let renewed = operator.post(&path, &[("do", "renew")]).await;
    assert!(renewed.status == 200 && renewed.text.contains("whsec_"));
    assert_eq!(operator.post(&path, &[("do", "remove")]).await.status, 303);
    assert!(!operator.get(&path).await.text.contains("Last deliveries"));
}
