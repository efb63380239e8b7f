//! EC2 against a stand-in that answers as EC2 does, in its XML, and lets nobody in whose signature is not right.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use model::{Millis, TestClock};
use parking_lot::Mutex;
use scale::Stage;
use sha2::{Digest, Sha256};

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What it was asked, and what it answers next.
#[derive(Default)]
struct Recorded {
    asked: Vec<BTreeMap<String, String>>,
    answers: VecDeque<(StatusCode, String)>,
}

struct Stub {
    address: SocketAddr,
    recorded: Arc<Mutex<Recorded>>,
}

impl Stub {
    async fn start(answers: &[(StatusCode, &str)]) -> Stub {
        let answers = answers.iter().map(|(status, text)| (*status, (*text).to_owned())).collect();
        let recorded = Arc::new(Mutex::new(Recorded { asked: Vec::new(), answers }));
        let routes = Router::new().route("/", post(answer)).with_state(recorded.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Stub { address, recorded }
    }

    fn asked(&self) -> Vec<BTreeMap<String, String>> {
        self.recorded.lock().asked.clone()
    }

    fn ec2(&self, secret: &str, token: Option<&str>) -> Ec2 {
        let options = Ec2Options {
            region: Some("eu-central-1".into()),
            launch_template: Some("processors".into()),
            fleet: "fleet-1".into(),
            door: 8102,
            metrics: 9102,
            endpoint: Some(format!("http://{}", self.address)),
        };
        let credentials = Credentials {
            key_id: "AKIDEXAMPLE".into(),
            secret: secret.into(),
            token: token.map(str::to_owned),
        };
        Ec2::with(options, credentials, Arc::new(TestClock::at(Millis(1_795_392_000_000)))).unwrap()
    }
}

async fn answer(
    State(recorded): State<Arc<Mutex<Recorded>>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    if !is_signed(&headers, &body) {
        return (StatusCode::UNAUTHORIZED, AUTH_FAILURE.to_owned());
    }
    let asked = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut recorded = recorded.lock();
    recorded.asked.push(asked);
    recorded.answers.pop_front().unwrap_or((StatusCode::OK, "<Empty/>".to_owned()))
}

/// As AWS checks it: out of the request as it arrived.
fn is_signed(headers: &HeaderMap, body: &str) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let told: BTreeMap<&str, &str> = header("authorization")
        .trim_start_matches("AWS4-HMAC-SHA256 ")
        .split(", ")
        .filter_map(|part| part.split_once('='))
        .collect();
    let (Some(credential), Some(names), Some(signature)) =
        (told.get("Credential"), told.get("SignedHeaders"), told.get("Signature"))
    else {
        return false;
    };
    let required = ["content-type", "host", "x-amz-date"];
    let listed: Vec<&str> = names.split(';').collect();
    let has_token = headers.contains_key("x-amz-security-token");
    if !required.iter().all(|name| listed.contains(name))
        || has_token != listed.contains(&"x-amz-security-token")
    {
        return false;
    }
    let scope: Vec<&str> = credential.split('/').collect();
    let [_key, day, region, service, end] = scope[..] else { return false };
    let mut request = String::from("POST\n/\n\n");
    for name in &listed {
        request += &format!("{name}:{}\n", header(name));
    }
    request += &format!("\n{names}\n{}", hex(&Sha256::digest(body.as_bytes())));
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{day}/{region}/{service}/{end}\n{}",
        header("x-amz-date"),
        hex(&Sha256::digest(request.as_bytes()))
    );
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let mut key = mac(format!("AWS4{SECRET}").as_bytes(), day);
    for part in [region, service, end] {
        key = mac(&key, part);
    }
    [region, service, end] == ["eu-central-1", "ec2", "aws4_request"] && hex(&mac(&key, &text)) == *signature
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const AUTH_FAILURE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided access credentials</Message></Error></Errors><RequestID>5c3f6a1e-0000-4000-8000-000000000000</RequestID></Response>"#;

const NO_CAPACITY: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>InsufficientInstanceCapacity</Code><Message>There is no Spot capacity available that matches your request.</Message></Error></Errors><RequestID>5c3f6a1e-0000-4000-8000-000000000001</RequestID></Response>"#;

const FIRST_PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8f7724cf-496f-496e-8fe3-000000000000</requestId>
    <reservationSet>
        <item>
            <reservationId>r-1234567890abcdef0</reservationId><ownerId>123456789012</ownerId><groupSet/>
            <instancesSet>
                <item>
                    <instanceId>i-1234567890abcdef0</instanceId><imageId>ami-bff32ccc</imageId>
                    <instanceState><code>16</code><name>running</name></instanceState>
                    <privateDnsName>ip-192-168-1-88.eu-central-1.compute.internal</privateDnsName>
                    <reason/><instanceType>c7g.medium</instanceType><launchTime>2026-11-22T23:00:00.000Z</launchTime>
                    <privateIpAddress>192.168.1.88</privateIpAddress>
                    <tagSet><item><key>watchfire-fleet</key><value>fleet-1</value></item></tagSet>
                </item>
                <item>
                    <instanceId>i-0aaaaaaaaaaaaaaa1</instanceId>
                    <instanceState><code>0</code><name>pending</name></instanceState>
                    <launchTime>2026-11-22T23:59:00.000Z</launchTime><instanceLifecycle>spot</instanceLifecycle>
                    <spotInstanceRequestId>sir-08b93456</spotInstanceRequestId>
                    <privateIpAddress>192.168.1.89</privateIpAddress>
                </item>
            </instancesSet>
        </item>
    </reservationSet>
    <nextToken>more</nextToken>
</DescribeInstancesResponse>"#;

const SECOND_PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8f7724cf-496f-496e-8fe3-000000000001</requestId>
    <reservationSet>
        <item><instancesSet>
            <item><instanceId>i-2</instanceId><instanceState><code>64</code><name>stopping</name></instanceState><launchTime>2026-11-22T20:00:00.000Z</launchTime></item>
            <item><instanceId>i-3</instanceId><instanceState><code>80</code><name>stopped</name></instanceState><launchTime>2026-11-22T20:00:00.000Z</launchTime></item>
            <item><instanceId>i-4</instanceId><instanceState><code>48</code><name>terminated</name></instanceState><launchTime>2026-11-22T20:00:00.000Z</launchTime></item>
        </instancesSet></item>
    </reservationSet>
</DescribeInstancesResponse>"#;

const TAKEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeSpotInstanceRequestsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <spotInstanceRequestSet>
        <item><spotInstanceRequestId>sir-08b93456</spotInstanceRequestId><state>active</state>
            <status><code>marked-for-termination</code><updateTime>2026-11-22T23:59:30.000Z</updateTime><message>Your Spot Instance is marked for termination.</message></status>
            <instanceId>i-0aaaaaaaaaaaaaaa1</instanceId></item>
        <item><spotInstanceRequestId>sir-2</spotInstanceRequestId><state>active</state>
            <status><code>fulfilled</code></status><instanceId>i-2</instanceId></item>
    </spotInstanceRequestSet>
</DescribeSpotInstanceRequestsResponse>"#;

const OK: StatusCode = StatusCode::OK;

#[tokio::test]
async fn the_fleet_is_read_page_by_page_with_what_will_be_taken() {
    let stub = Stub::start(&[(OK, FIRST_PAGE), (OK, SECOND_PAGE), (OK, TAKEN)]).await;
    let fleet = stub.ec2(SECRET, Some("a session's token/+=")).fleet().await.unwrap();
    let told: Vec<_> = fleet.iter().map(|one| (one.id.as_str(), one.stage, one.spot, one.noticed)).collect();
    assert_eq!(
        told,
        [
            ("i-1234567890abcdef0", None, false, false),
            ("i-0aaaaaaaaaaaaaaa1", None, true, true),
            ("i-2", Some(Stage::Draining), false, false),
            ("i-3", Some(Stage::Drained), false, false),
        ]
    );
    assert_eq!(fleet[0].door, Some(SocketAddr::from(([192, 168, 1, 88], 8102))));
    assert_eq!(fleet[0].metrics, Some(SocketAddr::from(([192, 168, 1, 88], 9102))));
    assert_eq!(fleet[0].since, Millis(1_795_392_000_000 - 3_600_000));
    let asked = stub.asked();
    let actions: Vec<&str> = asked.iter().map(|one| one["Action"].as_str()).collect();
    assert_eq!(actions, ["DescribeInstances", "DescribeInstances", "DescribeSpotInstanceRequests"]);
    assert_eq!(
        (asked[0]["Filter.1.Name"].as_str(), asked[0]["Filter.1.Value.1"].as_str()),
        ("tag:watchfire-fleet", "fleet-1")
    );
    assert_eq!((asked[0].get("NextToken"), asked[1]["NextToken"].as_str()), (None, "more"));
}

#[tokio::test]
async fn instances_are_launched_with_their_tag_stopped_and_ended() {
    let stub = Stub::start(&[]).await;
    let ec2 = stub.ec2(SECRET, None);
    let fleet = |id: &str, spot| Seen {
        id: id.into(),
        since: Millis(0),
        spot,
        noticed: false,
        stage: None,
        door: None,
        metrics: None,
    };
    let fleet = [fleet("i-1", false), fleet("i-2", true)];
    let ids = vec!["i-1".to_owned(), "i-2".to_owned()];
    ec2.act(&Act::Launch { count: 3, spot: false }, &fleet).await.unwrap();
    ec2.act(&Act::Drain { ids: ids.clone() }, &fleet).await.unwrap();
    ec2.act(&Act::Terminate { ids }, &fleet).await.unwrap();
    ec2.act(&Act::Wait, &fleet).await.unwrap();
    let asked = stub.asked();
    let actions: Vec<&str> = asked.iter().map(|one| one["Action"].as_str()).collect();
    // A spot instance cannot be stopped: its end is its shutdown.
    assert_eq!(actions, ["RunInstances", "StopInstances", "TerminateInstances", "TerminateInstances"]);
    let launched = &asked[0];
    assert_eq!((launched["MinCount"].as_str(), launched["MaxCount"].as_str()), ("1", "3"));
    assert_eq!(launched["TagSpecification.1.Tag.1.Value"], "fleet-1");
    assert_eq!(launched["LaunchTemplate.LaunchTemplateName"], "processors");
    assert!(!launched.contains_key("InstanceMarketOptions.MarketType"));
    assert_eq!((asked[1]["InstanceId.1"].as_str(), asked[1].get("InstanceId.2")), ("i-1", None));
    assert_eq!(asked[2]["InstanceId.1"], "i-2");
    assert_eq!((asked[3]["InstanceId.1"].as_str(), asked[3]["InstanceId.2"].as_str()), ("i-1", "i-2"));
}

#[tokio::test]
async fn where_there_are_no_spot_instances_others_are_launched() {
    let stub = Stub::start(&[(StatusCode::INTERNAL_SERVER_ERROR, NO_CAPACITY), (OK, "<Empty/>")]).await;
    stub.ec2(SECRET, None).act(&Act::Launch { count: 2, spot: true }, &[]).await.unwrap();
    let asked = stub.asked();
    assert_eq!(asked[0]["InstanceMarketOptions.MarketType"], "spot");
    assert!(!asked[1].contains_key("InstanceMarketOptions.MarketType"));
    assert_ne!(asked[0]["ClientToken"], asked[1]["ClientToken"]);
}

#[tokio::test]
async fn a_refusal_says_its_code_and_no_secret() {
    let stub = Stub::start(&[]).await;
    let error = stub.ec2("another secret", None).fleet().await.unwrap_err();
    let told = format!("{error:#}");
    assert!(told.contains("AuthFailure") && told.contains("DescribeInstances"), "{told}");
    assert!(!told.contains("another secret") && stub.asked().is_empty());
}

#[tokio::test]
async fn pages_without_end_are_an_error_and_so_is_what_is_no_answer() {
    let pages = vec![(OK, FIRST_PAGE); PAGES_MAX + 1];
    let stub = Stub::start(&pages).await;
    assert!(stub.ec2(SECRET, None).fleet().await.is_err());
    assert_eq!(stub.asked().len(), PAGES_MAX);
    let pages = [vec![(OK, FIRST_PAGE); PAGES_MAX - 1], vec![(OK, SECOND_PAGE), (OK, TAKEN)]].concat();
    assert!(Stub::start(&pages).await.ec2(SECRET, None).fleet().await.is_ok());
    for wrong in ["", "nonsense", "<a>", &SECOND_PAGE.replace("i-2<", "--all<")] {
        assert!(Stub::start(&[(OK, wrong)]).await.ec2(SECRET, None).fleet().await.is_err(), "{wrong}");
    }
}

#[test]
fn an_endpoint_is_reached_by_https_or_on_this_machine() {
    for good in [
        "https://ec2.eu-central-1.amazonaws.com",
        "https://x:8443/",
        "http://127.0.0.1:1",
        "http://localhost",
    ] {
        assert!(checked(good).is_ok(), "{good}");
    }
    for bad in [
        "http://ec2.eu-central-1.amazonaws.com",
        "ftp://x",
        "https://x/path",
        "x",
        "http://127.0.0.1.evil.example",
    ] {
        assert!(checked(bad).is_err(), "{bad}");
    }
}
