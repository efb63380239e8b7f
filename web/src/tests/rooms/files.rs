//! Files over the real router: what comes in, who gets it, and that nothing of it runs.

use axum::http::Method;
use model::limits::{FILE_BYTES_MAX, FILE_NAME_BYTES_MAX, FILES_A_MESSAGE_MAX, PICTURE_PIXELS_MAX};
use serde_json::{Value, json};

use super::super::openapi::fits;
use super::super::{Browser, Page};
use super::{API, House};

const ID: &str = "000102030405060708090a0b0c0d0e0f";

impl Browser {
    async fn sends(&mut self, room: &str, query: &str, body: Vec<u8>) -> Page {
        self.send(Method::POST, &format!("{API}/{room}/files?{query}"), &[], body).await
    }

    /// The file, posted.
    async fn posts_file(&mut self, room: &str, name: &str, body: Vec<u8>) -> Value {
        let page = self.sends(room, &format!("name={name}&say=see"), body).await;
        assert_eq!(page.status, 201, "{}", page.text);
        fits("Message", &page.json());
        page.json()
    }
}

/// A PNG of one colour, by its size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn href(message: &Value) -> String {
    message["files"][0]["href"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_that_is_sent_twice_is_one_file_and_one_message() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let query = format!("name=notes.txt&id={ID}");
    let first = house.ann.sends(&room, &query, b"tea".to_vec()).await;
    let again = house.ann.sends(&room, &query, b"tea".to_vec()).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200), "{}", first.text);
    assert_eq!(first.json(), again.json());
    fits("File", &first.json());
    let said = json!({ "id": ID, "files": [first.json()["id"]] });
    let path = format!("/{room}/messages");
    let posted = house.ann.tell(&path, said.clone()).await;
    assert_eq!(posted.status, 201, "{}", posted.text);
    assert_eq!(house.ann.tell(&path, said).await.json(), posted.json());
    let query = format!("name=b.txt&say=&id={}", ID.replace('0', "1"));
    let first = house.bob.sends(&room, &query, b"milk".to_vec()).await;
    let again = house.bob.sends(&room, &query, b"milk".to_vec()).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200), "{}", again.text);
    assert_eq!(first.json(), again.json());
}

#[tokio::test]
async fn what_is_no_picture_is_for_downloading_whatever_it_says() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let script = "<script>alert(1)</script>";
    let polyglots: [(&str, Vec<u8>); 9] = [
        ("evil.html", format!("<!doctype html>{script}").into()),
        ("evil.svg", format!("<svg xmlns='http://www.w3.org/2000/svg'>{script}</svg>").into()),
        ("evil.png", script.into()),
        ("evil.pdf", "%PDF-1.7 /JavaScript".into()),
        ("evil.js", "alert(1)".into()),
        ("evil.gif", format!("GIF89a\x01\0\x01\0{script}").into()),
        ("evil.jpg", [&[0xFF, 0xD8, 0xFF, 0xE0][..], script.as_bytes()].concat()),
        ("empty.png", Vec::new()),
        ("%22%3B+filename%3Dx.html%0D%0Aset-cookie%3A+a", script.into()),
    ];
    for (name, body) in polyglots {
        let message = house.ann.posts_file(&room, name, body.clone()).await;
        assert_eq!(message["files"][0]["type"], "application/octet-stream", "{name}");
        let page = house.bob.get(&href(&message)).await;
        assert_eq!(
            (page.status.as_u16(), page.text.len()),
            (200, String::from_utf8_lossy(&body).len()),
            "{name}"
        );
        assert_eq!(page.header("content-type"), "application/octet-stream");
        assert!(page.header("content-disposition").starts_with("attachment; filename*=UTF-8''"));
        assert!(page.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
        assert!(page.headers.get("set-cookie").is_none_or(|cookie| !cookie.to_str().unwrap().contains("a=")));
    }
}

#[tokio::test]
async fn a_picture_is_made_anew_and_its_size_stands_in_the_page() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let mut sent = png(1_600, 300);
    sent.extend(b"<script>alert(1)</script>");
    let message = house.ann.posts_file(&room, "%3Cb%3E.html", sent).await;
    let file = &message["files"][0];
    assert_eq!((&file["type"], &file["name"]), (&json!("image/png"), &json!("<b>.html")));
    let picture = &file["picture"];
    assert_eq!((&picture["width"], &picture["height"]), (&json!(1600), &json!(300)));
    assert_eq!((&picture["thumbnail_width"], &picture["thumbnail_height"]), (&json!(800), &json!(150)));
    for path in [href(&message), picture["thumbnail"].as_str().unwrap().to_owned()] {
        let page = house.bob.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "image/png", "{path}");
        assert!(page.header("content-disposition").starts_with("inline"));
        assert!(page.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert!(!page.text.contains("script") && page.text.contains("IHDR"), "{path}");
    }
    let page = house.bob.get(&format!("/rooms/{room}")).await;
    page.says(r#"width="400" height="75" alt="&#60;b&#62;.html""#);
}

#[tokio::test]
async fn a_file_is_for_who_may_read_the_room_and_gone_with_its_message() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let message = house.ann.posts_file(&room, "plan.txt", b"a plan".to_vec()).await;
    let path = href(&message);
    let link = house.ann.links(&room, "").await;
    let mut kicked = house.guest(&link, "Kim").await;
    assert_eq!(kicked.get(&path).await.status, 200);
    let kim = kicked.who_in(&room).await;
    house.ann.tell(&format!("/{room}/members/{kim}/kick"), json!({})).await;
    let elsewhere = house.operator.add_site("Other").await;
    let mut outsider = house.operator.invites(&elsewhere, "owner", "eve@example.org").await;
    let other = house.ann.opens(json!({ "name": "Other", "site": house.site })).await;
    let other_link = house.ann.links(&other, "").await;
    let mut other_guest = house.guest(&other_link, "Oli").await;
    for person in [&mut kicked, &mut outsider, &mut other_guest, &mut house.world.browser()] {
        let page = person.get(&path).await;
        assert!([303, 401, 404].contains(&page.status.as_u16()), "{}", page.status);
        assert!(!page.text.contains("a plan"));
    }
    let there = path.replace(&room, &other);
    assert_eq!(house.ann.get(&there).await.status, 404, "it is another room's");
    let unposted = house.ann.sends(&room, "name=x", b"draft".to_vec()).await.json();
    assert_eq!(house.ann.get(unposted["href"].as_str().unwrap()).await.status, 404);
    let stolen = json!({ "files": [unposted["id"]] });
    assert_eq!(house.bob.tell(&format!("/{room}/messages"), stolen).await.status, 404);
    let number = message["number"].as_u64().unwrap();
    house.ann.tell(&format!("/{room}/messages/{number}/remove"), json!({})).await;
    assert_eq!(house.bob.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_is_sent_has_its_limits() {
    let mut house = House::new().await;
    let room = house.room.clone();
    let most = house.ann.sends(&room, "name=most", vec![7; FILE_BYTES_MAX]).await;
    assert_eq!(most.status, 201, "{}", most.text);
    let over = house.ann.sends(&room, "name=over", vec![7; FILE_BYTES_MAX + 1]).await;
    assert_eq!(over.status, 409);
    over.says(&FILE_BYTES_MAX.to_string());
    for (length, status) in [(FILE_NAME_BYTES_MAX, 201), (FILE_NAME_BYTES_MAX + 1, 409)] {
        let page = house.ann.sends(&room, &format!("name={}", "n".repeat(length)), vec![1]).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    let mut ids = Vec::new();
    for number in 0..=FILES_A_MESSAGE_MAX {
        let sent = house.ann.sends(&room, &format!("name={number}"), vec![1]).await.json();
        ids.push(sent["id"].clone());
    }
    let path = format!("/{room}/messages");
    assert_eq!(house.ann.tell(&path, json!({ "files": ids })).await.status, 409);
    assert_eq!(house.ann.tell(&path, json!({ "files": ids[1..] })).await.status, 201);
    assert_eq!(house.ann.tell(&path, json!({ "files": [] })).await.status, 400);
    let bomb = house.ann.sends(&room, "name=bomb.png", said(5_001, 5_000)).await;
    assert_eq!(bomb.status, 409);
    bomb.says(&PICTURE_PIXELS_MAX.to_string());
    assert_eq!(house.ann.sends(&room, "name=x&id=1", vec![1]).await.status, 400);
}

/// A PNG that says it is so large, and has no pixels.
fn said(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}
