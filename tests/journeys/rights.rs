//! Who gets what: a table over all routes, which fails when a route is not in it, and over all topics.

mod table;

use std::collections::BTreeSet;
use std::path::Path;

use hyper::Method;
use model::SiteId;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::{Answer, Person, Push, Size, World};

use crate::sizes::on_both_sizes;
use table::*;

on_both_sizes! {
    everybody_is_served_what_the_table_says_and_nothing_else,
    topics_are_told_to_those_who_see_the_site_and_to_nobody_else,
    another_origin_cannot_use_a_browsers_cookie,
    a_right_that_is_revoked_cuts_the_open_socket,
    signing_out_closes_the_socket_of_that_browser,
    a_token_and_a_share_link_open_what_they_are_for_and_nothing_else,
}

/// A name that only those who may see the site ever read.
const SITE_NAME: &str = "Quiet Pebble Shop";
const PASSWORD: &str = "a long enough password";

const TOPICS: [&str; 4] = ["now", "live", "visitors", "hits"];

struct Cast {
    world: World,
    site: SiteId,
    other_site: SiteId,
    people: Vec<(Who, Person)>,
}

impl Cast {
    async fn gather(size: Size) -> Cast {
        let world = World::start(size).await;
        let site = world.site_with(&[("name", SITE_NAME)]).await;
        let other_site = world.site_with(&[("name", "Elsewhere")]).await;
        let mut people = vec![(Stranger, world.stranger()), (Operator, world.owner().at(world.address()))];
        for (who, on, role) in [
            (Viewer, site, "viewer"),
            (Admin, site, "admin"),
            (Owner, site, "owner"),
            (OtherOwner, other_site, "owner"),
        ] {
            people.push((who, join(&world, on, role, &format!("{role}-{on}@watchfire.example")).await));
        }
        Cast { world, site, other_site, people }
    }

    fn person(&self, who: Who) -> &Person {
        &self.people.iter().find(|(known, _)| *known == who).expect("everybody was gathered").1
    }
}

impl Cast {
    /// A path of the table as it is asked: with ids of things that are there.
    async fn filled(&self, path: &str) -> String {
        let mut asked = path.replace("{site}", &self.site.to_string()).replace("{file}", "nothing.js");
        asked = asked.replace("{secret}", "abcdefghijklmnopqrstuvwxyz234567");
        asked = asked.replace("{visitor}", "00000000000000ff");
        asked = asked
            .replace("{room}", "RM-00000000")
            .replace("{hook}", "HK-00000000")
            .replace("{alert}", "AL-00000000");
        asked = asked.replace("{who}", "AC-00000000").replace("{bot}", "BT-00000000");
        asked = asked.replace("{name}", "tea.txt");
        asked = asked.replace("{number}", "1").replace("{day}", "2026-03-04");
        for (name, start) in
            [("{account}", "AC-"), ("{invitation}", "IN-"), ("{share}", "SH-"), ("{token}", "TK-")]
        {
            if asked.contains(name) {
                asked = asked.replace(name, &self.fresh(start).await);
            }
        }
        asked = asked.replace("{page}", "PG-00000000");
        if path.contains("{saved}") {
            asked = asked.replace("{saved}", &self.saved().await);
        }
        if path.starts_with("/api/watchfire/live/") {
            asked = format!("{asked}?topic=site/{}/live", self.site);
        }
        asked
    }

    /// The id of a goal that the operator just saved.
    async fn saved(&self) -> String {
        let goal = serde_json::json!({"kind": "goal", "name": "g", "body": {"filter": {"is": {"by": "event", "values": []}}}});
        let path = format!("/api/watchfire/sites/{}/saved", self.site);
        let made = self.person(Operator).post_json(&path, &goal).await.json();
        made["id"].as_str().expect("it is saved").to_owned()
    }

    /// The id of something that the operator just made: a member, an invitation, a share link, a token.
    async fn fresh(&self, start: &str) -> String {
        let (site, operator) = (self.site, self.person(Operator));
        let page =
            if start == "TK-" { "/account/tokens".to_owned() } else { format!("/sites/{site}/people") };
        let before = ids_in(&operator.get(&page).await.text(), start);
        match start {
            "AC-" => {
                let email = format!("{}@watchfire.example", before.len());
                drop(
                    join(&self.world, site, "viewer", &format!("fresh-{}-{email}", fastrand::u64(..))).await,
                );
            }
            "IN-" => drop(operator.post(&format!("/sites/{site}/invitations"), &[("role", "viewer")]).await),
            "SH-" => drop(operator.post(&format!("/sites/{site}/shares"), &[("name", "press")]).await),
            _ => drop(
                operator
                    .post("/account/tokens", &[("name", "t"), ("scope_read", "on"), ("sites", "all")])
                    .await,
            ),
        }
        let after = ids_in(&operator.get(&page).await.text(), start);
        after.difference(&before).next().expect("the page lists what was made").clone()
    }
}

/// Ids of a kind that a page names.
fn ids_in(page: &str, start: &str) -> BTreeSet<String> {
    page.match_indices(start).filter_map(|(at, _)| page.get(at..at + 11)).map(str::to_owned).collect()
}

/// The status of an answer whose body does not end.
async fn stream_status(cast: &Cast, cookie: Option<String>, path: &str) -> u16 {
    let mut stream = TcpStream::connect(cast.world.address()).await.expect("the server listens");
    let cookie = cookie.map_or(String::new(), |cookie| format!("cookie: {cookie}\r\n"));
    let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{cookie}\r\n", cast.world.address());
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.expect("the server answers");
    String::from_utf8_lossy(&line[9..]).parse().expect("a status")
}

/// Somebody accepts an invitation and makes an account.
async fn join(world: &World, site: SiteId, role: &str, email: &str) -> Person {
    let page = world.owner().post(&format!("/sites/{site}/invitations"), &[("role", role)]).await.text();
    let path = link_in(&page, "/invitation/");
    let person = world.stranger();
    let fields = [("name", "Somebody"), ("email", email), ("password", PASSWORD)];
    let answer = person.post(&format!("{path}/new"), &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    person
}

/// A link with a secret that a page shows once.
fn link_in(page: &str, start: &str) -> String {
    let at = page.find(start).unwrap_or_else(|| panic!("no link in {page}"));
    let rest = &page[at + start.len()..];
    let secret: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("{start}{secret}")
}

async fn ask(person: &Person, method: &str, path: &str) -> Answer {
    match method {
        "POST" if path.starts_with("/v1/") || path.starts_with("/api/") => {
            person.post_json(path, &json!({})).await
        }
        "POST" => person.post(path, &[]).await,
        _ => person.send(Method::GET, path, &[("accept", "text/html")], Vec::new().into()).await,
    }
}

/// Told to sign in, or that there is nothing: which of the two a stranger is told depends on the page.
fn is_refused(answer: &Answer) -> bool {
    let to_sign_in = answer.status == 303 && answer.location().starts_with("/sign-in");
    to_sign_in || matches!(answer.status.as_u16(), 401 | 403 | 404)
}

async fn everybody_is_served_what_the_table_says_and_nothing_else(size: Size) {
    let cast = Cast::gather(size).await;
    let mut wrong = Vec::new();
    for (method, path, served) in TABLE {
        // These end somebody's sign-in or need a body that says more: their own tests try them.
        if ["/sign-out", "/account/sign-out-everywhere", "/api/watchfire/live"].contains(path) {
            continue;
        }
        for who in EVERYBODY {
            let asked = cast.filled(path).await;
            if path.ends_with("/events") {
                let status = stream_status(&cast, cast.person(who).cookie_header(), &asked).await;
                let refused = if who == Stranger { 401 } else { 404 };
                let expected = if served.contains(&who) { 200 } else { refused };
                assert_eq!(status, expected, "{who:?} {asked}");
                continue;
            }
            let answer = ask(cast.person(who), method, &asked).await;
            assert!(answer.status.as_u16() < 500, "{who:?} {method} {asked}: {}", answer.status);
            let refused = is_refused(&answer) && *path != "/v1/hits";
            if refused == served.contains(&who) {
                wrong.push(format!("{who:?} {method} {asked}: {} {}", answer.status, answer.location()));
            }
            let may_know = SEES.contains(&who);
            assert!(
                may_know || !answer.text().contains(SITE_NAME),
                "{who:?} {method} {asked} tells the site's name"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cast.world.end().await;
}

#[test]
fn every_route_is_in_the_table() {
    let listed: BTreeSet<(String, String)> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    for route in web::router::ROUTES {
        let known = listed.contains(&(route.method.to_owned(), route.path.to_owned()));
        assert!(known, "{} {} is not in the rights table", route.method, route.path);
    }
    for folder in ["collector/src", "realtime/src", "server/src", "web/src"] {
        for path in written_routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)) {
            let known = listed.iter().any(|(_, listed)| *listed == path) || path == "/metrics";
            assert!(known, "{path} in {folder} is not in the rights table");
        }
    }
}

/// Every path that the sources hand to a router, outside of tests.
fn written_routes(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sources are here").flatten() {
        if entry.path().is_dir() {
            paths.extend(written_routes(&entry.path()));
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for start in [".route(\"", ".route(\n            \"", ".route(\n        \""] {
            let found = text.split(start).skip(1).filter_map(|rest| rest.split('"').next());
            paths.extend(found.map(str::to_owned));
        }
    }
    paths
}

fn headers_of(cast: &Cast, who: Who) -> Vec<(&'static str, String)> {
    let origin = ("origin", format!("http://{}", cast.world.address()));
    let cookie = cast.person(who).cookie_header().map(|cookie| ("cookie", cookie));
    cookie.into_iter().chain([origin]).collect()
}

async fn topics_are_told_to_those_who_see_the_site_and_to_nobody_else(size: Size) {
    let cast = Cast::gather(size).await;
    for who in EVERYBODY {
        for topic in TOPICS {
            let socket = Push::connect(cast.world.address(), "", &headers_of(&cast, who)).await;
            if who == Stranger {
                assert_eq!(socket.err(), Some(401), "a stranger is not let in");
                continue;
            }
            let mut socket = socket.expect("somebody signed in is let in");
            let told = socket.subscribe(&format!("site/{}/{topic}", cast.site), json!({})).await;
            let expected = if SEES.contains(&who) { Ok(()) } else { Err("not_found".to_owned()) };
            assert_eq!(told, expected, "{who:?} {topic}");
        }
    }
    let mut socket =
        Push::connect(cast.world.address(), "", &headers_of(&cast, Viewer)).await.expect("let in");
    let absent = SiteId::of(cast.site.value() ^ cast.other_site.value() ^ 5);
    let told = socket.subscribe(&format!("site/{absent}/live"), json!({})).await;
    assert_eq!(told, Err("not_found".to_owned()), "absent and foreign sites look alike");
    cast.world.end().await;
}

async fn another_origin_cannot_use_a_browsers_cookie(size: Size) {
    let cast = Cast::gather(size).await;
    let cookie = cast.person(Viewer).cookie_header().expect("signed in");
    let headers = [("cookie", cookie), ("origin", "https://evil.example".to_owned())];
    assert_eq!(Push::connect(cast.world.address(), "", &headers).await.err(), Some(403));
    let path = format!("/sites/{}/delete", cast.site);
    let evil = [("origin", "https://evil.example"), ("content-type", "application/x-www-form-urlencoded")];
    let body = format!("confirm={}", SITE_NAME.replace(' ', "+"));
    let answer = cast.person(Owner).send(Method::POST, &path, &evil, body.into()).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(
        cast.person(Owner).get(&format!("/sites/{}", cast.site)).await.status,
        200,
        "the site is still there"
    );
    cast.world.end().await;
}

/// The socket ends its subscription, or closes, and tells nothing more.
async fn is_cut(socket: &mut Push) {
    let cut = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        loop {
            match socket.frame().await {
                Ok(frame) if frame.get("ended").is_some() => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    assert!(cut.await.is_ok(), "the socket was not cut");
}

async fn a_right_that_is_revoked_cuts_the_open_socket(size: Size) {
    let cast = Cast::gather(size).await;
    let (world, site) = (&cast.world, cast.site);
    let topic = format!("site/{site}/live");

    let mut viewer = Push::connect(world.address(), "", &headers_of(&cast, Viewer)).await.expect("let in");
    viewer.subscribe(&topic, json!({})).await.expect("a viewer sees it");
    let people = cast.person(Owner).get(&format!("/sites/{site}/people")).await.text();
    for account in accounts_in(&people, site) {
        world.owner().post(&format!("/sites/{site}/people/{account}/remove"), &[]).await;
    }
    is_cut(&mut viewer).await;
    assert_eq!(cast.person(Viewer).get(&format!("/sites/{site}")).await.status, 404);

    let page = world.owner().post(&format!("/sites/{site}/shares"), &[("name", "press")]).await.text();
    let secret = link_in(&page, "/share/").replace("/share/", "");
    let mut shared = Push::connect(world.address(), &format!("?share={secret}"), &[]).await.expect("let in");
    shared.subscribe(&topic, json!({})).await.expect("a share link sees it");
    let page = world.owner().get(&format!("/sites/{site}/people")).await.text();
    let at = page.find("SH-").expect("share links are listed");
    let share = &page[at..at + 11];
    world.owner().post(&format!("/sites/{site}/shares/{share}/revoke"), &[]).await;
    is_cut(&mut shared).await;
    assert_eq!(Push::connect(world.address(), &format!("?share={secret}"), &[]).await.err(), Some(401));

    let mut operator =
        Push::connect(world.address(), "", &headers_of(&cast, Operator)).await.expect("let in");
    operator.subscribe(&topic, json!({})).await.expect("the operator sees it");
    let answer = world.owner().post(&format!("/sites/{site}/delete"), &[("confirm", SITE_NAME)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    is_cut(&mut operator).await;
    cast.world.end().await;
}

/// Accounts whose membership a people page offers to change.
fn accounts_in(page: &str, site: SiteId) -> Vec<String> {
    let start = format!("/sites/{site}/people/");
    let mut found: Vec<String> = page.split(&start).skip(1).map(|rest| rest[..11].to_owned()).collect();
    found.sort();
    found.dedup();
    found
}

async fn signing_out_closes_the_socket_of_that_browser(size: Size) {
    let cast = Cast::gather(size).await;
    let mut socket =
        Push::connect(cast.world.address(), "", &headers_of(&cast, Viewer)).await.expect("let in");
    socket.subscribe(&format!("site/{}/now", cast.site), json!({})).await.expect("a viewer sees it");
    cast.person(Viewer).post("/sign-out", &[]).await;
    is_cut(&mut socket).await;
    cast.world.end().await;
}

async fn a_token_and_a_share_link_open_what_they_are_for_and_nothing_else(size: Size) {
    let cast = Cast::gather(size).await;
    let (site, operator) = (cast.site, cast.person(Operator));
    let fields = [("name", "reader"), ("scope_read", "on"), ("sites", "all")];
    let page = operator.post("/account/tokens", &fields).await.text();
    let at = page.find("id=\"fresh-token\">").expect("a token is shown once") + "id=\"fresh-token\">".len();
    let token = page[at..].split('<').next().expect("it ends").trim().to_owned();
    let shares = operator.post(&format!("/sites/{site}/shares"), &[("name", "press")]).await.text();
    let share = link_in(&shares, "/share/").replace("/share/", "");

    let filter = json!({ "filter": { "is": { "by": "country", "values": ["FR"] } } });
    let segment = json!({ "kind": "segment", "name": "French", "body": filter });
    let saved = operator.post_json(&format!("/api/watchfire/sites/{site}/saved"), &segment).await.json();
    let fields = [("name", "part"), ("segment", saved["id"].as_str().expect("an id"))];
    let parts = operator.post(&format!("/sites/{site}/shares"), &fields).await.text();
    let part = link_in(&parts, "/share/").replace("/share/", "");

    let reader = Person::with_token(cast.world.address(), &token);
    let watcher = cast.world.stranger();
    let (reports, export) =
        ("/api/watchfire/sites/{site}/reports", "/api/watchfire/sites/{site}/reports/export");
    let of_token = [
        "/api/watchfire/sites",
        "/api/watchfire/sites/{site}",
        "/api/watchfire/sites/{site}/saved",
        "/api/watchfire/sites/{site}/profiles",
        "/api/watchfire/sites/{site}/properties",
        "/api/watchfire/sites/{site}/availability",
        "/api/watchfire/sites/{site}/alerts",
        // Those of public rooms alone: a token takes part in none.
        "/api/watchfire/sites/{site}/commits",
        "/api/watchfire/live/now",
        export,
    ];
    let mut opened = Vec::new();
    for (method, path, served) in TABLE {
        let is_stream = ["/api/watchfire/live", "/api/watchfire/live/events"].contains(path);
        if is_stream || served.contains(&Stranger) || served.is_empty() {
            continue;
        }
        let asked = cast.filled(path).await;
        if !is_refused(&ask(&reader, method, &asked).await) {
            opened.push(("token", *method, *path));
        }
        for (name, secret) in [("share", &share), ("part", &part)] {
            let with_share = format!("{asked}{}share={secret}", if asked.contains('?') { '&' } else { '?' });
            if !is_refused(&ask(&watcher, method, &with_share).await) {
                opened.push((name, *method, *path));
            }
        }
    }
    opened.sort_unstable();
    let mut expected: Vec<_> = of_token.iter().map(|path| ("token", "GET", *path)).collect();
    expected.push(("share", "GET", "/api/watchfire/live/now"));
    for with in ["token", "share", "part"] {
        expected.push((with, "POST", reports));
    }
    for with in ["share", "part"] {
        expected.push((with, "GET", export));
    }
    // What the shared page shows too: the site's name and hostnames, and how many are there; what may be asked about.
    expected.push(("share", "GET", "/api/watchfire/sites/{site}"));
    expected.push(("share", "GET", "/api/watchfire/sites/{site}/properties"));
    expected.sort_unstable();
    assert_eq!(opened, expected);
    let elsewhere = format!("/api/watchfire/live/now?topic=site/{}/live&share={share}", cast.other_site);
    assert_eq!(watcher.get(&elsewhere).await.status, 404, "a share link is of one site");
    let mut socket =
        Push::connect(cast.world.address(), &format!("?share={part}"), &[]).await.expect("let in");
    for topic in ["now", "live", "visitors", "hits"] {
        let topic = format!("site/{site}/{topic}");
        assert!(
            socket.subscribe(&topic, json!({})).await.is_err(),
            "of a part nothing live is told: {topic}"
        );
    }
    cast.world.end().await;
}
