//! `docs/openapi.json` is held against the table of routes, and its schemas against real questions and answers.

use serde_json::{Map, Value, json};

use super::past::{event, identify, view};
use super::reports_api::post;
use super::{Browser, NOW, World};
use crate::router::ROUTES;

fn document() -> Value {
    serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap()
}

/// The part of JSON Schema that the document uses; any other word fails the test.
fn problem(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let schema = schema.as_object().expect("a schema is an object");
    schema.iter().find_map(|(word, says)| {
        let is_good = match word.as_str() {
            "$ref" => {
                return problem(
                    root,
                    root.pointer(says.as_str()?.strip_prefix('#')?).expect("it is there"),
                    value,
                );
            }
            "oneOf" => {
                let fit = says.as_array()?.iter().filter(|one| problem(root, one, value).is_none()).count();
                fit == 1
            }
            "type" => match says {
                Value::Array(types) => types.iter().any(|name| is_of(name.as_str().unwrap_or(""), value)),
                name => is_of(name.as_str().unwrap_or(""), value),
            },
            "properties" => return properties(root, schema, value),
            "additionalProperties" => return additional(root, schema, says, value),
            "required" => {
                says.as_array()?.iter().all(|name| value.get(name.as_str().unwrap_or("")).is_some())
            }
            "items" => return value.as_array()?.iter().find_map(|item| problem(root, says, item)),
            "propertyNames" => {
                return value.as_object()?.keys().find_map(|name| problem(root, says, &json!(name)));
            }
            "enum" => says.as_array()?.contains(value),
            "const" => says == value,
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= says.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= says.as_u64().unwrap()),
            "maxLength" => value.as_str().is_none_or(|text| text.len() as u64 <= says.as_u64().unwrap()),
            "uniqueItems" | "description" | "default" | "format" => true,
            other => panic!("the test does not know `{other}`"),
        };
        (!is_good).then(|| format!("{word}: {says} against {value}"))
    })
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the test does not know the type `{other}`"),
    }
}

fn properties(root: &Value, schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let known = schema["properties"].as_object()?;
    value.as_object()?.iter().find_map(|(name, value)| problem(root, known.get(name)?, value))
}

fn additional(root: &Value, schema: &Map<String, Value>, says: &Value, value: &Value) -> Option<String> {
    let is_known = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
    value.as_object()?.iter().filter(|(name, _)| !is_known(name)).find_map(|(name, value)| match says {
        Value::Bool(true) => None,
        Value::Bool(false) => Some(format!("`{name}` is not in the schema")),
        schema => problem(root, schema, value),
    })
}

#[track_caller]
pub fn fits(name: &str, value: &Value) {
    let root = document();
    let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    if let Some(problem) = problem(&root, &schema, value) {
        panic!("{name}: {problem}\n{value:#}");
    }
}

#[test]
fn the_document_has_every_route_of_the_api_and_no_other() {
    let document = document();
    let mut stated: Vec<(String, String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            stated.push((method.to_uppercase(), path.clone()));
            let named: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|of| of["name"].as_str())
                .collect();
            let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            in_path.for_each(|name| assert!(named.contains(&name), "{method} {path}: {name}"));
        }
    }
    let mut routes: Vec<(String, String)> = ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    stated.sort();
    routes.sort();
    assert_eq!(stated, routes);
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let root = document();
    let schema = json!({"$ref": "#/components/schemas/Funnel"});
    let good = json!({"kind": "funnel", "range": "7d", "steps": [{"is": {"by": "page", "values": ["/"]}}], "window_ms": 5});
    assert_eq!(problem(&root, &schema, &good), None);
    for (name, bad) in [
        ("range", json!("8d")),
        ("kind", json!("breakdown")),
        ("steps", json!([])),
        ("steps", json!([{"is": {"by": "page"}}])),
        ("window_ms", json!(0)),
        ("window_ms", json!("5")),
        ("more", json!(1)),
    ] {
        let mut spoilt = good.clone();
        spoilt[name] = bad;
        assert!(problem(&root, &schema, &spoilt).is_some(), "{spoilt}");
    }
}

async fn asked(owner: &mut Browser, site: &str, question: Value) -> Value {
    fits("Question", &question);
    let page = post(owner, site, &question).await;
    assert_eq!(page.status, 200, "{question} {}", page.text);
    fits("Answer", &page.json());
    question
}

#[tokio::test]
async fn real_questions_and_answers_fit_their_schemas() {
    let (world, mut owner) = World::with_owner().await;
    let api = "/api/watchfire/sites";
    let site = owner.add_site("Shop").await;
    fits("Sites", &owner.get(api).await.json());
    fits("Site", &owner.get(&format!("{api}/{site}")).await.json());
    let new = json!({"name": "Two", "hostnames": ["*"]});
    fits("NewSite", &new);
    let added = owner.send(axum::http::Method::POST, api, &[], new.to_string()).await;
    assert_eq!(added.status, 201);
    fits("Site", &added.json());
    world
        .happened(
            &site,
            &[view(1, NOW.0 - 5_000, "/"), event(1, NOW.0 - 4_000, "order", &[("revenue", "3")])],
        )
        .await;
    let is = json!({"is": {"by": "event", "values": ["order"]}});
    let all = document()["components"]["schemas"]["Metric"]["enum"].clone();
    let mut questions = vec![
        json!({"kind": "breakdown", "range": "today"}),
        json!({"kind": "breakdown", "range": {"from": 0, "to": "2026-12-31"}, "by": ["page", "hour"], "bucket": "month", "metrics": all, "goal": is, "compare": "year",
               "sort": {"by": "visits"}, "limit": 3, "bots": "with", "totals": false, "filter": {"or": [{"not": is}, {"visit": is}, {"visitor": {"matches": {"by": "page", "pattern": "^/"}}}]}}),
        json!({"kind": "breakdown", "range": "7d", "compare": {"range": {"from": 0, "to": 5}}, "bucket": "day"}),
        json!({"kind": "funnel", "range": "28d", "steps": [is, is], "window_ms": 1_000, "filter": null}),
        json!({"kind": "retention", "range": "28d", "unit": "week", "periods": 3}),
        json!({"kind": "journeys", "range": "28d", "depth": 5, "page": "/"}),
    ];
    for question in &mut questions {
        *question = asked(&mut owner, &site, question.take()).await;
    }
    for preset in document()["components"]["schemas"]["Range"]["oneOf"][0]["enum"].as_array().unwrap() {
        asked(&mut owner, &site, json!({"kind": "breakdown", "range": preset, "limit": 1})).await;
    }
    questions.push(json!({"kind": "breakdown", "range": "nonsense"}));
    let page = post(&mut owner, &site, json!({ "questions": questions })).await;
    fits("Answers", &page.json());
    fits("Error", &post(&mut owner, &site, json!({"kind": "breakdown"})).await.json());
    fits("Error", &owner.get(&format!("{api}/WF-00000000")).await.json());
    let saved = json!({"kind": "goal", "name": "g", "body": {"filter": is}});
    fits("NewSaved", &saved);
    let path = format!("{api}/{site}/saved");
    fits("SavedItem", &owner.send(axum::http::Method::POST, &path, &[], saved.to_string()).await.json());
    fits("SavedItems", &owner.get(&path).await.json());
    world.happened(&site, &[identify(1, NOW.0 - 3_000, "ada", &[("plan", "pro")])]).await;
    fits("Profiles", &owner.get(&format!("{api}/{site}/profiles")).await.json());
    for profile in ["profiles/person?identity=ada", "visitors/0000000000000001"] {
        fits("Profile", &owner.get(&format!("{api}/{site}/{profile}")).await.json());
    }
    let correction = json!({"name": "c", "range": "7d", "filter": is, "verdict": "bot"});
    fits("NewCorrection", &correction);
    let told = owner.get(&format!("{api}/{site}/properties?range=7d")).await.json();
    fits("Properties", &told);
    assert_eq!(told["properties"], json!([{"name": "revenue", "events": 1}]));
    assert_eq!(owner.get(&format!("{api}/{site}/properties?range=8d")).await.status, 400);
    assert_eq!(
        owner.get(&format!("{api}/{site}/properties?range=all")).await.json()["properties"],
        told["properties"]
    );
    let path = format!("{api}/{site}/corrections");
    fits(
        "Correction",
        &owner.send(axum::http::Method::POST, &path, &[], correction.to_string()).await.json(),
    );
    fits("Corrections", &owner.get(&path).await.json());
    let path = format!("{api}/{site}/availability");
    let page = json!({"url": "https://shop.example/"});
    fits("NewWatchedPage", &page);
    fits("WatchedPage", &owner.send(axum::http::Method::POST, &path, &[], page.to_string()).await.json());
    fits("Availability", &owner.get(&path).await.json());
    let path = format!("{api}/{site}/visitors/00000000000000ff/erase");
    fits("Erased", &owner.send(axum::http::Method::POST, &path, &[], String::new()).await.json());
}
