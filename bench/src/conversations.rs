//! Conversations with customers while a site is busy: how soon an agent's screen shows the page that a visitor went to, and what either of them said; and
//! what the lists of a full inbox cost. Each run audits afterwards that everything acknowledged is there and was heard, once, by the two of it and nobody else.

mod filled;
mod lists;
mod screens;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use world::{Person, Program};

use crate::load;
use crate::process::{NO_RATES, Watchfire, cpu};
use crate::rooms::{at, bare_broadcast};
use filled::Shop;
use screens::{Board, Screen};

/// How much of everything there is.
#[derive(Clone, Copy)]
pub struct Scale {
    /// In the inbox.
    filled: u64,
    /// Of those, whose customers have the chat open.
    open: usize,
    /// Agents, each with one of these on the screen.
    agents: usize,
    hits_a_second: u64,
    /// Page changes, and messages each way.
    marks: usize,
    requests: usize,
}

impl Scale {
    /// As the bar asks; with `WATCHFIRE_BENCH_SMALL` set as little as shows that it is right, for builds that are slow.
    fn asked() -> Scale {
        match std::env::var_os("WATCHFIRE_BENCH_SMALL") {
            None => Scale {
                filled: 10_000,
                open: 1_000,
                agents: 50,
                hits_a_second: 1_000,
                marks: 600,
                requests: 200,
            },
            Some(_) => Scale { filled: 120, open: 40, agents: 8, hits_a_second: 50, marks: 40, requests: 8 },
        }
    }
}

/// From one page change or message to the next: no multiple of the hub's spacing.
const EVERY: Duration = Duration::from_millis(37);
const SETTLE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(15);

pub async fn measure() -> anyhow::Result<()> {
    let scale = Scale::asked();
    let pace = 1.0 / EVERY.as_secs_f64();
    let bare = bare_broadcast(1, pace, EVERY * scale.marks as u32).await?;
    let watchfire = Watchfire::start(&[]).await?;
    let (watchfire, shop) = filled::fill(watchfire, scale).await?;
    let talk = Talk::begin(&watchfire, &shop, scale).await?;

    let seconds = EVERY * 3 * scale.marks as u32 + SETTLE;
    let site = watchfire.place.site;
    let traffic = tokio::spawn(load::run(watchfire.program.address, site, 1, seconds, scale.hits_a_second));
    let (began, busy) = (Instant::now(), cpu(watchfire.pid())?);
    let pages = talk.changes_pages().await?;
    let asked = talk.speaks(&talk.customers, 0).await?;
    let answered = talk.speaks(&talk.agents, scale.marks).await?;
    let busy = (cpu(watchfire.pid())? - busy).as_secs_f64() / began.elapsed().as_secs_f64();
    let seen = traffic.await?;
    let (told, late) = talk.end().await?;

    let Scale { open, hits_a_second, .. } = scale;
    println!(
        "\n## {open} open conversations, {:.0} hits/s of {hits_a_second}\n",
        seen.hits as f64 / seen.elapsed.as_secs_f64()
    );
    println!("| | told | p50 ms | p99 ms | most ms |\n|---|---|---|---|---|");
    row("bare broadcast to one", &bare);
    row("page change to the agent's screen", &pages);
    row("what a customer says to the agent", &asked);
    row("what an agent says to the customer", &answered);
    println!("\nThe server used {busy:.2} processors meanwhile; {} hits were refused.", seen.refused);
    println!(
        "\nAudit: {told} messages acknowledged, each stored once, and heard once by the other side ({late} of them late); nobody else's conversation is let in."
    );
    lists::measure(&watchfire, &shop, scale).await
}

fn row(name: &str, waits: &[Duration]) {
    println!(
        "| {name} | {} | {:.1} | {:.1} | {:.1} |",
        waits.len(),
        at(waits, 0.5),
        at(waits, 0.99),
        at(waits, 1.0)
    );
}

/// Who speaks for a side.
struct Voice {
    person: Person,
    headers: Vec<(&'static str, String)>,
}

/// All sockets of customers and agents, and who speaks.
struct Talk<'s> {
    shop: &'s Shop,
    scale: Scale,
    program: &'s Program,
    site: model::SiteId,
    owner: &'s Person,
    customers: Vec<Voice>,
    agents: Vec<Voice>,
    /// Of pages, and of messages.
    pages: Arc<Board>,
    said: Arc<Board>,
    screens: Vec<Screen>,
}

impl<'s> Talk<'s> {
    async fn begin(watchfire: &'s Watchfire, shop: &'s Shop, scale: Scale) -> anyhow::Result<Talk<'s>> {
        let (program, site, owner) = (&watchfire.program, watchfire.place.site, &watchfire.place.owner);
        let address = program.address;
        let customer = |number: usize| Voice {
            person: Person::new(address),
            headers: vec![("authorization", format!("Bearer {}", shop.secrets[number]))],
        };
        let agent = |number: usize| Voice {
            person: Person::new(address),
            headers: vec![
                ("cookie", shop.cookies[number].clone()),
                ("origin", format!("http://{address}")),
                ("sec-fetch-site", "same-origin".to_owned()),
            ],
        };
        let customers = (0..scale.agents).map(customer).collect();
        let agents = (0..scale.agents).map(agent).collect();
        let (pages, said) = (Arc::new(Board::new(scale.marks)), Arc::new(Board::new(2 * scale.marks)));
        let mut talk =
            Talk { shop, scale, program, site, owner, customers, agents, pages, said, screens: Vec::new() };
        talk.connect().await?;
        Ok(talk)
    }

    /// Every customer has the chat open, and is where they say; each agent has the inbox open, and one conversation in it.
    async fn connect(&mut self) -> anyhow::Result<()> {
        let address = self.program.address;
        for number in 0..self.scale.agents {
            let path = format!("/api/watchfire/chat/{}/conversations/mine", self.site);
            let about = json!({ "browser": browser(number), "page": "https://shop.example/" });
            let told = self.customers[number].post(&path, &about).await?;
            ensure!(told.status == 200, "{}", told.text());
            // Whoever is on the site is seen there.
            self.step(number, "/here").await?;
        }
        for some in (0..self.scale.open).collect::<Vec<_>>().chunks(50) {
            let connecting = some.iter().map(|number| {
                let headers = vec![("authorization", format!("Bearer {}", self.shop.secrets[*number]))];
                let room = format!("room/{}", self.shop.rooms[*number]);
                Screen::open(address, headers, vec![(room, json!({}))], self.pages.clone(), self.said.clone())
            });
            self.screens.extend(try_join_all(connecting).await?);
        }
        for number in 0..self.scale.agents {
            let topics = vec![
                (format!("inbox/{}", self.site), json!({})),
                (format!("room/{}", self.shop.rooms[number]), json!({})),
                (format!("site/{}/visitors", self.site), json!({ "visitor": self.visitor(number).await? })),
            ];
            let headers = self.agents[number].headers.clone();
            let screen = Screen::open(address, headers, topics, self.pages.clone(), self.said.clone());
            self.screens.push(screen.await?);
        }
        let stranger = vec![("authorization", format!("Bearer {}", self.shop.secrets[0]))];
        let other = vec![(format!("room/{}", self.shop.rooms[1]), json!({}))];
        let refused = Screen::open(address, stranger, other, self.pages.clone(), self.said.clone()).await;
        ensure!(refused.is_err(), "a customer hears nobody else's conversation");
        Ok(())
    }

    /// Who the customer is on the site, as agents are told.
    async fn visitor(&self, number: usize) -> anyhow::Result<String> {
        let path = format!("/api/watchfire/sites/{}/conversations/{}", self.site, self.shop.rooms[number]);
        let told = self.owner.get(&path).await.json();
        Ok(told["conversation"]["visitor"].as_str().context("the visitor of a conversation")?.to_owned())
    }

    /// One of the customers goes to a page.
    async fn step(&self, number: usize, path: &str) -> anyhow::Result<()> {
        let now = model::Clock::now(&model::SystemClock).0;
        let hit = json!({
            "id": format!("{:032x}", fastrand::u128(..)), "kind": "pageview", "at": now, "due": 60_000,
            "url": format!("https://shop.example{path}"),
        });
        let body = json!({ "site": self.site, "sent": now, "browser": browser(number), "hits": [hit] });
        let answer = self.customers[number].post("/v1/hits", &body).await?;
        ensure!(answer.status.is_success(), "{}", answer.text());
        Ok(())
    }

    async fn changes_pages(&self) -> anyhow::Result<Vec<Duration>> {
        for mark in 0..self.scale.marks {
            tokio::time::sleep(EVERY).await;
            self.pages.sent(mark);
            self.step(mark % self.scale.agents, &format!("/step/{mark}")).await?;
        }
        Ok(self.pages.waits(0..self.scale.marks, PATIENCE).await)
    }

    /// Those of one side say something in turn, numbered from `first` on.
    async fn speaks(&self, voices: &[Voice], first: usize) -> anyhow::Result<Vec<Duration>> {
        for mark in 0..self.scale.marks {
            tokio::time::sleep(EVERY).await;
            let (number, who) = (first + mark, mark % voices.len());
            let said = json!({ "id": format!("{:032x}", number + 1_000_000), "body": format!("m{number} is the assam fresh?") });
            let path = format!("/api/watchfire/rooms/{}/messages", self.shop.rooms[who]);
            self.said.sent(number);
            let posted = voices[who].post(&path, &said).await?;
            ensure!(posted.status == 201, "{number}: {}", posted.text());
        }
        Ok(self.said.waits(first..first + self.scale.marks, PATIENCE).await)
    }

    /// Closes all sockets, and looks at what is stored and was heard; how many messages, and how many came only after they were waited for.
    async fn end(self) -> anyhow::Result<(usize, usize)> {
        tokio::time::sleep(SETTLE).await;
        let count = 2 * self.scale.marks;
        let late = count - self.said.in_time();
        let mut stored = Vec::with_capacity(count);
        for (place, room) in self.shop.rooms.iter().take(self.scale.open).enumerate() {
            let page =
                self.owner.get(&format!("/api/watchfire/rooms/{room}/messages?limit=200")).await.json();
            for message in page["messages"].as_array().context("messages")? {
                let Some(number) = screens::numbered(message["body"].as_str().unwrap_or_default()) else {
                    continue;
                };
                ensure!(
                    number % self.scale.marks % self.scale.agents == place,
                    "m{number} is in another's room"
                );
                stored.push(number);
            }
        }
        let once: HashSet<usize> = stored.iter().copied().collect();
        ensure!(stored.len() == count && once.len() == count, "{} stored of {count}", stored.len());
        let mut heard = vec![0_usize; count];
        for screen in self.screens {
            for number in screen.close().await {
                heard[number] += 1;
            }
        }
        // By the customer and by the one agent who has it open, whoever of them said it.
        let wrong = heard.iter().filter(|times| **times != 2).count();
        ensure!(wrong == 0, "{wrong} messages were not heard by just the two of it");
        Ok((count, late))
    }
}

impl Voice {
    async fn post(&self, path: &str, body: &serde_json::Value) -> anyhow::Result<world::Answer> {
        let mut headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("content-type", "application/json"), ("user-agent", world::tag::FIREFOX)]);
        self.person.try_send(hyper::Method::POST, path, &headers, body.to_string().into()).await
    }
}

/// As the tabs of a browser agree on.
fn browser(number: usize) -> String {
    format!("{:016x}", number + 1)
}

/// The program again on the folder that was filled.
async fn started(folder: &std::path::Path) -> Program {
    Program::start(folder, &NO_RATES).await
}
