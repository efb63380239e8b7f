//! Who gets what from every route of the table; a route that is new is in no row and fails.

use axum::http::{Method, StatusCode};

use super::{Browser, World};
use crate::router::{Needs, ROUTES};

/// What somebody gets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gets {
    /// Past the guard, whatever the handler then says of an empty form.
    In,
    /// Sent to sign in.
    SignIn,
    /// As if there were nothing.
    Nothing,
}
use Gets::{In, Nothing, SignIn};

/// Rows: method and path. Columns: a stranger, the owner of another site, a viewer, an admin, an owner of
/// the site, the operator.
const TABLE: &[(&str, &str, [Gets; 6])] = &[
    ("GET", "/", [In, In, In, In, In, In]),
    ("GET", "/setup/{secret}", [Nothing; 6]),
    ("POST", "/setup/{secret}", [Nothing; 6]),
    ("GET", "/sign-in", [In, In, In, In, In, In]),
    ("POST", "/sign-in", [In, In, In, In, In, In]),
    ("GET", "/account", [SignIn, In, In, In, In, In]),
    ("POST", "/account", [SignIn, In, In, In, In, In]),
    ("POST", "/account/password", [SignIn, In, In, In, In, In]),
    ("GET", "/account/tokens", [SignIn, In, In, In, In, In]),
    ("POST", "/account/tokens", [SignIn, In, In, In, In, In]),
    ("POST", "/account/tokens/{token}/revoke", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/sites/new", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("POST", "/sites/new", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("GET", "/sites/{site}", [SignIn, Nothing, In, In, In, In]),
    ("GET", "/sites/{site}/reports", [SignIn, Nothing, In, In, In, In]),
    ("GET", "/sites/{site}/availability", [SignIn, Nothing, In, In, In, In]),
    ("POST", "/sites/{site}/availability", [SignIn, Nothing, Nothing, In, In, In]),
    // There is no page of that id.
    (
        "POST",
        "/sites/{site}/availability/{page}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/sites/{site}/corrections", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/corrections", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/corrections/{saved}/undo", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/sites/{site}/profiles", [SignIn, Nothing, In, In, In, In]),
    // Nobody is called nothing, and no such visitor was here; `profiles` has who sees those that were.
    ("GET", "/sites/{site}/profiles/person", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/sites/{site}/profiles/erase", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/sites/{site}/visitors/{visitor}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/sites/{site}/visitors/{visitor}/erase", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/sites/{site}/tag", [SignIn, Nothing, Nothing, In, In, In]),
    ("GET", "/sites/{site}/settings", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/settings", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "GET",
        "/api/watchfire/rooms/{room}/files/{file}/{name}",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/sites/{site}/inbox", [SignIn, Nothing, Nothing, In, In, In]),
    ("GET", "/sites/{site}/inbox/figures", [SignIn, Nothing, Nothing, In, In, In]),
    ("GET", "/api/watchfire/sites/{site}/figures", [SignIn, Nothing, Nothing, In, In, In]),
    // Of a conversation that is not there; `inbox_page` has who sees one.
    ("GET", "/sites/{site}/inbox/{room}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/chat.js", [In, In, In, In, In, In]),
    // Off; `chat_panel` has it on.
    ("GET", "/chat/{site}", [Nothing; 6]),
    ("GET", "/sites/{site}/chat", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/chat", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/chat/rules", [SignIn, Nothing, Nothing, In, In, In]),
    ("GET", "/sites/{site}/alerts", [SignIn, Nothing, In, In, In, In]),
    // Of an alert that is not there; `alerts` has who is told by one.
    ("POST", "/sites/{site}/alerts", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/alerts/{alert}/mine", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/sites/{site}/alerts", [SignIn, Nothing, In, In, In, In]),
    ("POST", "/api/watchfire/sites/{site}/alerts", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "POST",
        "/api/watchfire/sites/{site}/alerts/{alert}",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/sites/{site}/alerts/{alert}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/sites/{site}/conversations", [SignIn, Nothing, Nothing, In, In, In]),
    // To nobody: what is sent cannot be read. `calls` has who writes to whom.
    ("POST", "/api/watchfire/sites/{site}/conversations", [SignIn, Nothing, Nothing, In, In, In]),
    // Of one that is not there; `conversations` has who gets what of one.
    (
        "GET",
        "/api/watchfire/sites/{site}/conversations/{room}",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("POST", "/api/watchfire/sites/{site}/conversations/{room}", [SignIn, Nothing, Nothing, In, In, In]),
    ("GET", "/api/watchfire/sites/{site}/canned", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/api/watchfire/sites/{site}/canned", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "POST",
        "/api/watchfire/sites/{site}/canned/{saved}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    // Where the chat is off.
    ("GET", "/api/watchfire/chat/{site}", [Nothing; 6]),
    ("GET", "/api/watchfire/chat/{site}/call", [Nothing; 6]),
    ("POST", "/api/watchfire/chat/{site}/call", [Nothing; 6]),
    ("POST", "/api/watchfire/chat/{site}/conversations", [Nothing; 6]),
    (
        "GET",
        "/api/watchfire/chat/{site}/conversations/mine",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/chat/{site}/conversations/mine",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/sites/{site}/people", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/people/{account}/role", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/invitations", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "POST",
        "/sites/{site}/invitations/{invitation}/withdraw",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("POST", "/sites/{site}/shares", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/shares/{share}/revoke", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/invitation/{secret}", [Nothing; 6]),
    ("POST", "/invitation/{secret}", [Nothing; 6]),
    ("POST", "/invitation/{secret}/new", [Nothing; 6]),
    ("GET", "/share/{secret}", [Nothing; 6]),
    ("GET", "/share/{secret}/reports", [Nothing; 6]),
    ("POST", "/hooks/{secret}", [Nothing; 6]),
    // Of a room that is not there; `hooks` has who gets what of one.
    ("GET", "/api/watchfire/rooms/{room}/hooks", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/hooks", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    (
        "POST",
        "/api/watchfire/rooms/{room}/hooks/{hook}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/hooks/{hook}",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/hooks/{hook}/renew",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/sites", [SignIn, In, In, In, In, In]),
    ("POST", "/api/watchfire/sites", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("GET", "/api/watchfire/sites/{site}", [SignIn, Nothing, In, In, In, In]),
    ("POST", "/api/watchfire/sites/{site}/reports", [SignIn, Nothing, In, In, In, In]),
    ("GET", "/api/watchfire/sites/{site}/reports/export", [SignIn, Nothing, In, In, In, In]),
    ("GET", "/api/watchfire/sites/{site}/properties", [SignIn, Nothing, In, In, In, In]),
    ("GET", "/api/watchfire/sites/{site}/saved", [SignIn, Nothing, In, In, In, In]),
    ("GET", "/api/watchfire/sites/{site}/commits", [SignIn, Nothing, In, In, In, In]),
    ("POST", "/api/watchfire/sites/{site}/saved", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "POST",
        "/api/watchfire/sites/{site}/saved/{saved}",
        // Nobody's body is good; a good one is answered as if there were nothing.
        [SignIn, Nothing, Nothing, In, In, In],
    ),
    (
        "POST",
        "/api/watchfire/sites/{site}/saved/{saved}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/sites/{site}/availability", [SignIn, Nothing, In, In, In, In]),
    ("POST", "/api/watchfire/sites/{site}/availability", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "POST",
        "/api/watchfire/sites/{site}/availability/{page}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/sites/{site}/corrections", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/api/watchfire/sites/{site}/corrections", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "POST",
        "/api/watchfire/sites/{site}/corrections/{saved}/undo",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/sites/{site}/profiles", [SignIn, Nothing, In, In, In, In]),
    (
        "GET",
        "/api/watchfire/sites/{site}/profiles/person",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("POST", "/api/watchfire/sites/{site}/profiles/erase", [SignIn, Nothing, Nothing, In, In, In]),
    (
        "GET",
        "/api/watchfire/sites/{site}/visitors/{visitor}",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("POST", "/api/watchfire/sites/{site}/visitors/{visitor}/erase", [SignIn, Nothing, Nothing, In, In, In]),
    // Of a room that is not there; `rooms::rights` has who gets what in one.
    ("GET", "/join/{secret}", [Nothing; 6]),
    ("POST", "/join/{secret}", [Nothing; 6]),
    ("GET", "/api/watchfire/rooms", [SignIn, In, In, In, In, In]),
    ("POST", "/api/watchfire/rooms", [SignIn, In, In, In, In, In]),
    ("POST", "/api/watchfire/rooms/direct", [SignIn, In, In, In, In, In]),
    ("GET", "/api/watchfire/rooms/search", [SignIn, In, In, In, In, In]),
    ("GET", "/api/watchfire/rooms/stars", [SignIn, In, In, In, In, In]),
    ("GET", "/api/watchfire/rooms/bots", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("POST", "/api/watchfire/rooms/bots", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("POST", "/api/watchfire/rooms/bots/{bot}/remove", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("GET", "/api/watchfire/rooms/bots/{bot}/hook", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/bots/{bot}/hook", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    (
        "POST",
        "/api/watchfire/rooms/bots/{bot}/hook/secret",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/bots/{bot}/hook/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/rooms/{room}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/demolish", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/enter", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/leave", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/read", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/notify", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/doing", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/screen", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/members", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/members", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    (
        "POST",
        "/api/watchfire/rooms/{room}/members/{who}/kick",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/members/{who}/ban",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/members/{who}/unban",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/members/{who}/role",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/rooms/{room}/bans", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/link", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/link", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    (
        "POST",
        "/api/watchfire/rooms/{room}/link/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/api/watchfire/rooms/{room}/messages", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/api/watchfire/rooms/{room}/messages", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    (
        "GET",
        "/api/watchfire/rooms/{room}/messages/{number}",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/edit",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/remove",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/react",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/unreact",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/decide",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/undecide",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/star",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/unstar",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/close",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "POST",
        "/api/watchfire/rooms/{room}/messages/{number}/reopen",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "GET",
        "/api/watchfire/rooms/{room}/messages/{number}/thread",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    (
        "GET",
        "/api/watchfire/rooms/{room}/messages/{number}/history",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("POST", "/api/watchfire/rooms/{room}/files", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/changes", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/days/{day}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/decisions", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/export", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/api/watchfire/rooms/{room}/releases", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    (
        "POST",
        "/api/watchfire/rooms/{room}/releases/forget",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/rooms", [SignIn, In, In, In, In, In]),
    ("POST", "/rooms", [SignIn, In, In, In, In, In]),
    ("GET", "/releases", [SignIn, In, In, In, In, In]),
    ("GET", "/rooms/search", [SignIn, In, In, In, In, In]),
    ("GET", "/rooms/stars", [SignIn, In, In, In, In, In]),
    ("GET", "/rooms/notifications", [SignIn, In, In, In, In, In]),
    ("POST", "/rooms/notifications", [SignIn, In, In, In, In, In]),
    ("POST", "/rooms/notifications/browser", [SignIn, In, In, In, In, In]),
    ("POST", "/rooms/notifications/mail", [SignIn, In, In, In, In, In]),
    ("GET", "/mail/off/{secret}", [Nothing, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/mail/off/{secret}", [Nothing, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/mail/{secret}", [Nothing; 6]),
    // Where the operator did not switch it on; `status` has what anybody reads.
    ("GET", "/status", [Nothing; 6]),
    ("GET", "/api/watchfire/status", [Nothing; 6]),
    ("GET", "/admin", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("GET", "/api/watchfire/pipeline", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("GET", "/rooms/bots", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("POST", "/rooms/bots", [SignIn, Nothing, Nothing, Nothing, Nothing, In]),
    ("GET", "/rooms/bots/{bot}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/rooms/bots/{bot}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/rooms/{room}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/settings", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/rooms/{room}/settings", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/days/{day}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/decisions", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/hooks", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("POST", "/rooms/{room}/hooks", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/releases", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/messages/{number}/history", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/files/{file}/{name}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ("GET", "/rooms/{room}/messages/{number}", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    // Of one that is none; `retelling` has who is led to the conversation of one that is.
    (
        "GET",
        "/rooms/{room}/messages/{number}/conversation",
        [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
    ),
    ("GET", "/demo", [SignIn, In, In, In, In, In]),
    ("GET", "/demo/demo.css", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}/", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}/teas", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}/teas/assam", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}/cart", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}/about", [In, In, In, In, In, In]),
    ("GET", "/demo/{site}/price-list.txt", [In, In, In, In, In, In]),
    ("GET", "/assets/{file}", [Nothing; 6]),
    ("GET", "/favicon.svg", [In, In, In, In, In, In]),
    ("GET", "/push-worker.js", [In, In, In, In, In, In]),
    ("GET", "/robots.txt", [In, In, In, In, In, In]),
    // Last: they end sign-ins, a member, and the site itself.
    ("POST", "/sites/{site}/people/{account}/remove", [SignIn, Nothing, Nothing, In, In, In]),
    ("POST", "/sites/{site}/delete", [SignIn, Nothing, Nothing, Nothing, In, In]),
    ("POST", "/account/sign-out-everywhere", [SignIn, In, In, In, In, In]),
    ("POST", "/sign-out", [In, In, In, In, In, In]),
];

#[test]
fn every_route_is_in_the_table() {
    for route in ROUTES {
        let rows =
            TABLE.iter().filter(|(method, path, _)| (*method, *path) == (route.method, route.path)).count();
        assert_eq!(rows, 1, "{} {} has no row of its own", route.method, route.path);
    }
    assert_eq!(TABLE.len(), ROUTES.len());
}

#[tokio::test]
async fn everybody_gets_what_is_theirs_and_nothing_else() {
    let (world, mut operator) = World::with_owner().await;
    let site = operator.add_site("Shop").await;
    let other = operator.add_site("Other").await;
    let stranger = world.browser();
    let elsewhere = operator.invites(&other, "owner", "eli@example.org").await;
    let viewer = operator.invites(&site, "viewer", "vic@example.org").await;
    let admin = operator.invites(&site, "admin", "ada@example.org").await;
    let owner = operator.invites(&site, "owner", "oda@example.org").await;
    let mut people = [stranger, elsewhere, viewer, admin, owner, operator];
    for (method, path, expected) in TABLE {
        // The last rows take away what the test stands on: each is asked by those who are refused alone.
        let ends = ["/remove", "/delete"].iter().any(|ending| path.ends_with(ending));
        for (person, expected) in people.iter_mut().zip(expected) {
            if ends && *expected == In {
                continue;
            }
            let got = ask(person, method, path, &site, &world).await;
            assert_eq!(got, *expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_site_that_is_not_there_looks_like_one_of_somebody_else() {
    let (world, mut operator) = World::with_owner().await;
    let (one, other) = (operator.add_site("One").await, operator.add_site("Other").await);
    let mut viewer = operator.invites(&one, "viewer", "vic@example.org").await;
    for route in ROUTES.iter().filter(|route| matches!(route.needs, Needs::Site(_))) {
        let method: Method = route.method.parse().unwrap();
        for person in [&mut viewer, &mut world.browser()] {
            let mut answers = Vec::new();
            for site in [other.as_str(), "WF-00000000"] {
                let page =
                    person.send(method.clone(), &filled(route.path, site, "AC-00000000"), &[], "").await;
                answers.push((
                    page.status,
                    page.text.replace(site, "SITE"),
                    page.location().replace(site, "SITE"),
                ));
            }
            assert_eq!(answers[0], answers[1], "{} {}", route.method, route.path);
        }
    }
}

async fn ask(person: &mut Browser, method: &str, path: &str, site: &str, world: &World) -> Gets {
    let vic = world.store.accounts.account_by_email("vic@example.org").await.unwrap();
    let path = filled(path, site, &vic.id.to_string());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = person.clone().send(method.parse().unwrap(), &path, &headers, "").await;
    let location = page.location();
    let to_sign_in = location.starts_with("/sign-in") && !location.contains("done=") && path != "/";
    match page.status {
        StatusCode::NOT_FOUND => Nothing,
        StatusCode::UNAUTHORIZED if path.starts_with("/api/") => SignIn,
        StatusCode::SEE_OTHER if to_sign_in => SignIn,
        _ => In,
    }
}

fn filled(path: &str, site: &str, account: &str) -> String {
    let path = path.replace("{site}", site).replace("{account}", account);
    let path = path.replace("{secret}", "abcdefghijklmnopqrstuvwxyz234567").replace("{file}", "none.css");
    let path = path.replace("{token}", "TK-00000000").replace("{invitation}", "IN-00000000");
    path.replace("{share}", "SH-00000000")
        .replace("{saved}", "SV-00000000")
        .replace("{page}", "PG-00000000")
        .replace("{room}", "RM-00000000")
        .replace("{who}", "AC-00000000")
        .replace("{bot}", "BT-00000000")
        .replace("{name}", "a.txt")
        .replace("{number}", "1")
        .replace("{day}", "2026-03-04")
        .replace("{hook}", "HK-00000000")
        .replace("{alert}", "AL-00000000")
        .replace("{visitor}", "00000000000000ff")
}
