//! Rooms over the real router: who gets what, what is said, who comes in.

mod bot_hooks;
mod commits;
mod files;
mod guests;
mod limits;
mod pages;
mod rights;
mod saying;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Browser, Page, World};

pub const API: &str = "/api/watchfire/rooms";

/// A site with people, and an open room of it that Ann looks after and Bob is in.
pub struct House {
    pub world: World,
    pub operator: Browser,
    pub ann: Browser,
    pub bob: Browser,
    pub site: String,
    pub room: String,
}

impl Browser {
    pub async fn ask(&mut self, path: &str) -> Page {
        self.get(&format!("{API}{path}")).await
    }

    pub async fn tell(&mut self, path: &str, body: Value) -> Page {
        let headers = [("content-type", "application/json")];
        self.send(Method::POST, &format!("{API}{path}"), &headers, body.to_string()).await
    }

    /// Opens a room; its id.
    pub async fn opens(&mut self, room: Value) -> String {
        let page = self.tell("", room).await;
        assert_eq!(page.status, 201, "{}", page.text);
        super::openapi::fits("Room", &page.json());
        page.json()["id"].as_str().unwrap().to_owned()
    }

    /// Says something; its number.
    pub async fn says_in(&mut self, room: &str, body: &str) -> u64 {
        let page = self.tell(&format!("/{room}/messages"), json!({ "body": body })).await;
        assert_eq!(page.status, 201, "{}", page.text);
        page.json()["number"].as_u64().unwrap()
    }

    pub async fn who_in(&mut self, room: &str) -> String {
        self.ask(&format!("/{room}")).await.json()["you"]["who"].as_str().unwrap().to_owned()
    }

    /// A bot's token.
    pub async fn makes_bot(&mut self, room: &str, name: &str) -> Browser {
        let made = self.tell("/bots", json!({ "name": name })).await.json();
        super::openapi::fits("FreshBot", &made);
        let id = made["bot"]["id"].as_str().unwrap();
        let brought = self.tell(&format!("/{room}/members"), json!({ "who": id })).await;
        assert_eq!(brought.status, 204, "{}", brought.text);
        let token = made["token"].as_str().unwrap().to_owned();
        Browser { cookie: None, headers: vec![("authorization", format!("Bearer {token}"))], ..self.clone() }
    }

    /// The path of a new guest link of the room.
    pub async fn links(&mut self, room: &str, password: &str) -> String {
        let page = self.tell(&format!("/{room}/link"), json!({ "password": password })).await;
        assert_eq!(page.status, 201, "{}", page.text);
        super::openapi::fits("FreshLink", &page.json());
        format!("/join/{}", page.secret_behind("/join/"))
    }
}

impl House {
    pub async fn new() -> House {
        let (world, mut operator) = World::with_owner().await;
        let site = operator.add_site("Shop").await;
        let mut ann = operator.invites(&site, "viewer", "ann@example.org").await;
        let mut bob = operator.invites(&site, "viewer", "bob@example.org").await;
        let room = ann.opens(json!({ "name": "Support", "site": site, "zone": "Europe/Paris" })).await;
        assert_eq!(bob.tell(&format!("/{room}/enter"), json!({})).await.status, 204);
        House { world, operator, ann, bob, site, room }
    }

    /// Somebody who comes in by a link.
    pub async fn guest(&self, link: &str, name: &str) -> Browser {
        let mut guest = self.world.browser();
        let page = guest.post(link, &[("name", name)]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        guest
    }
}
