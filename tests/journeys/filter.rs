//! The filter of spam: what customers say is judged until an agent answered, by whichever way it comes; what is held waits, and what is answered teaches.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Person, Size, World, within};

use crate::conversations::{begins, bodies, id, say, secret, talks};
use crate::letters::{flags, hand_over, letter_to, reply, world_with};
use crate::sizes::on_both_sizes;
use crate::smtp::Server;

on_both_sizes! {
    what_is_said_later_is_judged_until_an_agent_answers,
    a_filter_learns_what_agents_answer,
}

const SPAM: &str = "CONGRATULATIONS!!! You have WON a FREE prize of $5000 cash! Click http://bit.ly/x1 http://win-cash.top now to claim, limited offer!!!";
const LEARNED_MAX: Duration = Duration::from_secs(120);

/// The folders' counts, and the conversation as agents see it.
async fn seen(world: &World, site: &str, room: &str) -> (Value, Value) {
    let path = format!("/api/watchfire/sites/{site}/conversations");
    let one = world.owner().get(&format!("{path}/{room}")).await.json()["conversation"].clone();
    (world.owner().get(&path).await.json()["counts"].clone(), one)
}

async fn verdict(world: &World, site: &str, room: &str) -> String {
    seen(world, site, room).await.1["verdict"].as_str().unwrap_or_default().to_owned()
}

async fn judge(world: &World, site: &str, room: &str, verdict: &str) {
    let path = format!("/api/watchfire/sites/{site}/conversations/{room}");
    let said = world.owner().post_json(&path, &json!({ "verdict": verdict })).await;
    assert_eq!(said.status, 200, "{}", said.text());
}

async fn what_is_said_later_is_judged_until_an_agent_answers(size: Size) {
    let smtp = Server::start().await;
    let world = world_with(size, &flags(&smtp, None)).await;
    let (owner, site) = (world.owner(), world.site().await.to_string());
    talks(owner, &site).await;

    // In the widget.
    let eve = Person::with_token(world.address(), &secret());
    let room = begins(&eve, &site, json!({})).await;
    say(&eve, &room, "Are you there?").await;
    assert_eq!(verdict(&world, &site, &room).await, "ham");
    say(&eve, &room, SPAM).await;
    let (counts, held) = seen(&world, &site, &room).await;
    assert_eq!((&held["verdict"], &counts["held"], &counts["open"]), (&json!("held"), &json!(1), &json!(0)));
    say(&eve, &room, "Hello?").await;
    let said = ["Where is my tea?", "Are you there?", SPAM, "Hello?"];
    assert_eq!(bodies(&eve, &room).await, said, "nothing is lost, and who said it learns nothing of it");
    assert_eq!(bodies(owner, &room).await, said);
    say(owner, &room, "It comes on Monday.").await;
    say(&eve, &room, SPAM).await;
    assert_eq!(verdict(&world, &site, &room).await, "ham", "whom an agent answered is no spam");
    judge(&world, &site, &room, "spam").await;
    say(&eve, &room, "Hello again").await;
    assert_eq!(verdict(&world, &site, &room).await, "spam", "but where somebody says so");

    // What is edited is said.
    let kim = Person::with_token(world.address(), &secret());
    let room = begins(&kim, &site, json!({})).await;
    let path = format!("/api/watchfire/rooms/{room}/messages/1/edit");
    let edited = kim.post_json(&path, &json!({ "body": SPAM })).await;
    assert!(edited.status.is_success(), "{}", edited.text());
    assert_eq!(verdict(&world, &site, &room).await, "held");

    // By mail: nobody answered, and the customer has all of it mailed to themselves.
    let ann = Person::with_token(world.address(), &secret());
    let room = begins(&ann, &site, json!({ "email": "ann@x.example" })).await;
    let mine = format!("/api/watchfire/chat/{site}/conversations/mine");
    assert_eq!(ann.post_json(&mine, &json!({ "transcript": true })).await.status, 200);
    let letter = letter_to(&smtp, "ann@x.example").await;
    let to = letter.header("Reply-To").split(['<', '>']).nth(1).expect("an address").to_owned();
    let stranger = world.stranger();
    let became = |became: &str| json!({ "became": became });
    assert_eq!(hand_over(&stranger, reply(&to, "one", "", "It still leaks.")).await, became("said"));
    assert_eq!(verdict(&world, &site, &room).await, "ham");
    assert_eq!(hand_over(&stranger, reply(&to, "two", "", SPAM)).await, became("said"));
    assert_eq!(verdict(&world, &site, &room).await, "held");
    assert_eq!(bodies(owner, &room).await, ["Where is my tea?", "It still leaks.", SPAM]);
    judge(&world, &site, &room, "ham").await;
    assert_eq!(hand_over(&stranger, reply(&to, "three", "", SPAM)).await, became("said"));
    assert_eq!(verdict(&world, &site, &room).await, "ham", "somebody said what it is");
    world.end().await;
}

async fn a_filter_learns_what_agents_answer(size: Size) {
    let world = World::with(size, world::world::A_MORNING, &[]).await;
    let (owner, site) = (world.owner(), world.site().await.to_string());
    talks(owner, &site).await;
    let ask = async |what: &str| {
        let customer = Person::with_token(world.address(), &secret());
        let body = format!("Can I withdraw my casino bonus as bitcoin {what}? The free spins are gone");
        begins(&customer, &site, json!({ "id": id(), "body": body })).await
    };
    let first = ask("today").await;
    assert_eq!(verdict(&world, &site, &first).await, "held");
    for what in ["tomorrow", "by hand", "at night", "in parts", "as a gift", "with a phone"] {
        let room = ask(what).await;
        say(owner, &room, "You can.").await;
        say(owner, &room, "It takes a day.").await;
    }
    within(LEARNED_MAX, "the filter learns what was answered", || async {
        let room = ask("today").await;
        let is_ham = verdict(&world, &site, &room).await == "ham";
        if !is_ham {
            // So many in so short a time would be a flood.
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        is_ham.then_some(())
    })
    .await;
    assert_eq!(verdict(&world, &site, &first).await, "held", "what nobody answered waits for somebody");
    world.end().await;
}
