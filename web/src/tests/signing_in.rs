//! The first run, signing in and out, and one's own account.

use std::time::Duration;

use axum::http::StatusCode;
use model::limits::{NAME_BYTES_MAX, PASSWORD_BYTES_MAX};

use super::{Browser, PASSWORD, Page, World, account};
use crate::attempts::PAIR_BURST;
use crate::{Options, set_up};

const OLIVE: &str = "olive@example.org";

fn signed_in(page: &Page) -> bool {
    page.status == StatusCode::SEE_OTHER && page.header("set-cookie").starts_with("watchfire=")
}

#[tokio::test]
async fn before_the_first_run_every_page_leads_to_the_set_up_address() {
    let world = World::empty().await;
    let mut stranger = world.browser();
    stranger.get("/").await.says("set-up address");
    assert_eq!(stranger.get("/sign-in").await.location(), "/");
    assert_eq!(stranger.get("/setup/guess").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_set_up_address_works_once() {
    let world = World::empty().await;
    let secret = set_up::offer(&world.store).await.unwrap().unwrap();
    assert!(secret.len() >= 26, "128 bits at least: {secret}");
    let path = format!("/setup/{secret}");
    let mut owner = world.browser();
    owner.get(&path).await.says("Create account");
    let made = owner.post(&path, &account("Olive", OLIVE)).await;
    assert!(signed_in(&made), "{}", made.text);
    assert_eq!(owner.get("/sites/new").await.status, StatusCode::OK);

    let mut second = world.browser();
    assert_eq!(second.get(&path).await.status, StatusCode::NOT_FOUND);
    let again = second.post(&path, &account("Mallory", "mallory@example.org")).await;
    assert_eq!((again.status, second.cookie), (StatusCode::NOT_FOUND, None));
    assert_eq!(set_up::offer(&world.store).await.unwrap(), None);
}

#[tokio::test]
async fn a_newer_set_up_address_ends_the_older() {
    let world = World::empty().await;
    let older = set_up::offer(&world.store).await.unwrap().unwrap();
    let newer = set_up::offer(&world.store).await.unwrap().unwrap();
    let mut owner = world.browser();
    assert_eq!(owner.get(&format!("/setup/{older}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.get(&format!("/setup/{newer}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn two_who_race_make_one_owner() {
    let world = World::empty().await;
    let path = format!("/setup/{}", set_up::offer(&world.store).await.unwrap().unwrap());
    let (mut one, mut other) = (world.browser(), world.browser());
    let (a, b) = (account("A", "a@example.org"), account("B", "b@example.org"));
    let (first, second) = tokio::join!(one.post(&path, &a), other.post(&path, &b));
    assert_ne!(signed_in(&first), signed_in(&second));
}

#[tokio::test]
async fn what_is_wrong_with_a_new_account_stands_at_the_field() {
    let world = World::empty().await;
    let path = format!("/setup/{}", set_up::offer(&world.store).await.unwrap().unwrap());
    let mut owner = world.browser();
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let page = owner.post(&path, &[("name", &long), ("email", "olive"), ("password", "qwertz")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says(&format!("at most {NAME_BYTES_MAX} fit"));
    page.says("Give an e-mail address");
    page.says("Use at least 10 characters");
    page.says(&format!("value=\"{long}\""));
    page.says("aria-invalid=\"true\"");
    assert!(!page.text.contains("qwertz"), "a password is never shown again");
    let longest = "n".repeat(NAME_BYTES_MAX);
    assert!(signed_in(&owner.post(&path, &account(&longest, OLIVE)).await));
}

#[tokio::test]
async fn the_right_password_signs_in_and_leads_on() {
    let (world, _) = World::with_owner().await;
    let mut browser = world.browser();
    assert_eq!(browser.get("/account").await.location(), "/sign-in?next=%2Faccount");
    let fields = [("email", "Olive@Example.org"), ("password", PASSWORD), ("next", "/account")];
    let answer = browser.post("/sign-in", &fields).await;
    assert!(signed_in(&answer), "{}", answer.text);
    assert_eq!(answer.location(), "/account");
    browser.get("/account").await.says("Olive Owner");
    assert_eq!(browser.get("/sign-in").await.location(), "/");
    let fields = [("email", OLIVE), ("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(world.browser().post("/sign-in", &fields).await.location(), "/");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_person_look_the_same() {
    let (world, _) = World::with_owner().await;
    let wrong = world.browser().sign_in(OLIVE, "wrong password").await;
    let unknown = world.browser().sign_in("nobody@example.org", "wrong password").await;
    let too_long = world.browser().sign_in(OLIVE, &"p".repeat(PASSWORD_BYTES_MAX + 1)).await;
    for page in [&wrong, &unknown, &too_long] {
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        page.says("The e-mail address or the password is not right");
        assert!(!page.headers.contains_key("set-cookie"));
    }
    assert_eq!(wrong.text, unknown.text.replace("nobody@example.org", OLIVE));
}

#[tokio::test]
async fn too_many_tries_wait_and_then_work_again() {
    let (world, _) = World::with_owner().await;
    let mut guesser = world.browser();
    for _ in 0..PAIR_BURST {
        assert_eq!(guesser.sign_in(OLIVE, "a wrong one").await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = guesser.sign_in(OLIVE, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "60");
    refused.says("Wait 60 seconds");
    let mut elsewhere = Browser { address: [192, 0, 2, 99].into(), ..world.browser() };
    assert!(signed_in(&elsewhere.sign_in(OLIVE, PASSWORD).await));
    world.clock.advance(Duration::from_secs(60));
    assert!(signed_in(&guesser.sign_in(OLIVE, PASSWORD).await));
}

#[tokio::test]
async fn a_sign_in_lasts_thirty_days_and_ends_when_left() {
    let (world, mut owner) = World::with_owner().await;
    let stolen = owner.cookie.clone();
    world.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    assert_eq!(owner.get("/account").await.status, StatusCode::OK);
    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    let left = owner.post("/sign-out", &[]).await;
    assert_eq!(left.location(), "/sign-in?done=signed-out");
    let kept = owner.cookie.as_deref().map(|cookies| cookies.split_once('=').map(|(name, _)| name));
    assert_eq!(kept, Some(Some("watchfire_browser")), "what a ban knows the browser by");
    assert_eq!(owner.cookie.iter().flat_map(|cookies| cookies.split("; ")).count(), 1);
    assert!(rights.0.try_recv().is_ok(), "open sockets are told");
    owner.cookie = stolen;
    assert_eq!(owner.get("/account").await.status, StatusCode::SEE_OTHER);

    owner.sign_in(OLIVE, PASSWORD).await;
    world.clock.advance(Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(owner.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins() {
    let (world, mut owner) = World::with_owner().await;
    let mut other = world.browser();
    other.sign_in(OLIVE, PASSWORD).await;
    let change = |current: &'static str, new: &'static str| [("current", current), ("password", new)];
    let refused = owner.post("/account/password", &change("not this one", "another good one")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("This is not your password now");
    let refused = owner.post("/account/password", &change(PASSWORD, "short")).await;
    refused.says("Use at least 10 characters");
    assert_eq!(other.get("/account").await.status, StatusCode::OK);

    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    let changed = owner.post("/account/password", &change(PASSWORD, "another good one")).await;
    assert_eq!(changed.location(), "/account?done=password");
    assert!(rights.0.try_recv().is_ok());
    assert_eq!(owner.get("/account").await.status, StatusCode::OK);
    assert_eq!(other.get("/account").await.status, StatusCode::SEE_OTHER);
    assert!(!signed_in(&other.sign_in(OLIVE, PASSWORD).await));
    assert!(signed_in(&other.sign_in(OLIVE, "another good one").await));
}

#[tokio::test]
async fn guessing_the_password_of_an_open_browser_is_limited() {
    let (_world, mut owner) = World::with_owner().await;
    let guess = [("current", "a wrong guess"), ("password", "another good one")];
    for _ in 0..PAIR_BURST {
        assert_eq!(owner.post("/account/password", &guess).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(owner.post("/account/password", &guess).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn signing_out_everywhere_ends_this_browser_too() {
    let (world, mut owner) = World::with_owner().await;
    let mut other = world.browser();
    other.headers.push(("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/144.0".into()));
    other.sign_in(OLIVE, PASSWORD).await;
    owner.get("/account").await.says("Firefox on Linux");
    owner.post("/account/sign-out-everywhere", &[]).await;
    assert_eq!(other.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(owner.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn name_and_email_can_be_changed_but_not_to_another_persons() {
    let (_world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut guest = owner.invites(&site, "viewer", "gus@example.org").await;
    let taken = guest.post("/account", &[("name", "Gus"), ("email", "OLIVE@example.org")]).await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST);
    taken.says("Another account has this e-mail address");
    let saved = guest.post("/account", &[("name", "Gustav"), ("email", "gustav@example.org")]).await;
    assert_eq!(saved.location(), "/account?done=saved");
    guest.get("/account?done=saved").await.says("Saved.");
    guest.get("/account").await.says("gustav@example.org");
}

#[tokio::test]
async fn nobody_is_called_as_we_are() {
    let world = World::empty().await;
    let path = format!("/setup/{}", set_up::offer(&world.store).await.unwrap().unwrap());
    let mut owner = world.browser();
    let names = ["Commits", "commits ", "C\u{43E}mmits", "ＡＬＥＲＴＳ", "Alerts."];
    for taken in names {
        let refused = owner.post(&path, &account(taken, OLIVE)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{taken}");
        refused.says("Watchfire itself speaks under that name");
    }
    assert!(signed_in(&owner.post(&path, &account("Olive", OLIVE)).await));
    for taken in names {
        let refused = owner.post("/account", &[("name", taken), ("email", OLIVE)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{taken}");
        refused.says("Watchfire itself speaks under that name");
    }
    let free = owner.post("/account", &[("name", "Olive Commits"), ("email", OLIVE)]).await;
    assert_eq!(free.location(), "/account?done=saved");
}

#[tokio::test]
async fn cookies_are_secure_where_the_server_is() {
    let world =
        World::with(Options { public_url: Some("https://stats.example".into()), ..Default::default() }).await;
    let path = format!("/setup/{}", set_up::offer(&world.store).await.unwrap().unwrap());
    let mut owner = world.browser();
    let headers = [("origin", "https://stats.example"), ("sec-fetch-site", "same-origin")];
    let made = owner.submit(&path, &headers, &account("Olive", OLIVE)).await;
    let cookie = made.header("set-cookie");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Secure", "; Max-Age=2592000"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
}
