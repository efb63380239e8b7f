//! Names that try to be markup stay text, wherever they are shown.

use super::{Page, World, account};

const HOSTILE: &str = "\"'><script>alert(1)</script>{{7}}";

#[track_caller]
fn check(page: &Page, shows: bool) {
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(!page.text.contains("\"'>"), "{}", page.text);
    assert_eq!(page.text.contains("&#60;script&#62;alert(1)"), shows, "{}", page.text);
}

#[tokio::test]
async fn hostile_names_of_people_sites_links_and_tokens_are_only_text() {
    let (world, mut owner) = World::with_owner().await;
    let olive = [("name", HOSTILE), ("email", "\"'><script>alert(1)</script>@example.org")];
    let saved = owner.post("/account", &olive).await;
    assert_eq!(saved.location(), "/account?done=saved", "{}", saved.text);
    let site = owner.add_site(HOSTILE).await;
    let on = |page: &str| format!("/sites/{site}{page}");
    owner.post("/account/tokens", &[("name", HOSTILE), ("scope_read", "on"), ("sites", &site)]).await;
    let invited = owner.post(&on("/invitations"), &[("role", "viewer"), ("note", HOSTILE)]).await;
    check(&invited, true);
    let shared = owner.post(&on("/shares"), &[("name", HOSTILE)]).await;
    check(&shared, true);
    for path in [
        on(""),
        on("/tag"),
        on("/settings"),
        on("/people"),
        "/".into(),
        "/account".into(),
        "/account/tokens".into(),
    ] {
        check(&owner.get(&path).await, true);
    }
    check(&owner.get("/nothing/here").await, false);
    let wrong = owner.post(&on("/delete"), &[("confirm", &format!("{HOSTILE}x"))]).await;
    check(&wrong, true);

    let mut stranger = world.browser();
    let invitation = format!("/invitation/{}", invited.secret_behind("/invitation/"));
    check(&stranger.get(&invitation).await, true);
    check(&stranger.get(&format!("/share/{}", shared.secret_behind("/share/"))).await, true);
    let form = [("name", HOSTILE), ("email", HOSTILE), ("password", HOSTILE)];
    check(&stranger.post(&format!("{invitation}/new"), &form).await, true);
    check(
        &stranger.post("/sign-in", &[("email", HOSTILE), ("next", HOSTILE), ("password", HOSTILE)]).await,
        true,
    );
    check(
        &stranger.get("/sign-in?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E&done=%3Cscript%3E").await,
        true,
    );
    let joined = stranger.post(&format!("{invitation}/new"), &account(HOSTILE, "gus@example.org")).await;
    assert_eq!(joined.status, 303, "{}", joined.text);
    check(&owner.get(&on("/people")).await, true);
}

#[tokio::test]
async fn what_is_typed_into_a_site_comes_back_as_text() {
    let (_world, mut owner) = World::with_owner().await;
    let hostile = "</textarea><script>alert(1)</script>";
    let form = [
        ("name", ""),
        ("hostnames", hostile),
        ("time_zone", hostile),
        ("ignored_addresses", hostile),
        ("ignored_paths", hostile),
        ("mark", hostile),
    ];
    let page = owner.post("/sites/new", &form).await;
    assert!(!page.text.contains(hostile), "{}", page.text);
    check(&page, true);
}

#[tokio::test]
async fn the_tag_shows_no_host_that_is_none() {
    let (_world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    owner.headers.push(("host", "evil\"><script>alert(1)</script>".into()));
    check(&owner.get(&format!("/sites/{site}/tag")).await, false);
}
