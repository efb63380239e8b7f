// What people do with a cluster: its owner's account and a site; a hit that is seen live and in reports; a message in a room.
// node journey.mjs set-up FILE PATH       makes them, and keeps who and where in FILE
// node journey.mjs use FILE [HOST]        uses them, by this host alone where it is named
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Person, eventually, hits, pageview } from "./person.mjs";

const HOSTS = ["10.77.0.11", "10.77.0.12"];
const [task, file, more] = process.argv.slice(2);
const fresh = () => randomBytes(16).toString("hex");

async function setUp(path) {
  const owner = new Person(HOSTS);
  const fields = { name: "Olive", email: "olive@watchfire.example", password: "correct horse battery" };
  const made = await owner.post(path, fields);
  assert.equal(made.status, 303, made.text);
  const added = await owner.post("/sites/new", { name: "Shop", hostnames: "shop.example", time_zone: "UTC" });
  const site = added.headers.location.split("/")[2];
  assert.match(site, /^WF-/);
  writeFileSync(file, JSON.stringify({ site, cookies: [...owner.cookies] }));
  const sent = await owner.send("POST", "/v1/hits", { body: hits(site, "00000000000000aa", [pageview(fresh())]) });
  assert.equal(sent.status, 202, sent.text);
  await eventually(30, "the first visitor is seen live", async () => {
    const now = JSON.parse((await owner.get(`/api/watchfire/live/now?topic=site/${site}/now`)).text);
    return now.data?.present === 1 || now;
  });
}


// Who listens is at another proxy than who speaks, where there are two.
async function lastAlive(person) {
  for (const host of [...person.hosts].reverse()) {
    const answer = await person.ask(host, "GET", "/readyz").catch(() => undefined);
    if (answer?.status === 200) return host;
  }
  throw new Error("no proxy answers");
}

async function use(host) {
  const { site, cookies } = JSON.parse(readFileSync(file, "utf8"));
  const owner = new Person(host ? [host] : HOSTS);
  owner.cookies = new Map(cookies);
  const path = `/${fresh()}`;
  const sent = await owner.send("POST", "/v1/hits", {
    body: hits(site, randomBytes(8).toString("hex"), [pageview(fresh(), path)]),
  });
  assert.equal(sent.status, 202, sent.text);
  await eventually(20, "the page is seen live", async () => {
    const live = (await owner.get(`/api/watchfire/live/now?topic=site/${site}/visitors`)).text;
    return live.includes(path) || live.slice(0, 300);
  });
  const question = { kind: "breakdown", range: "7d", metrics: ["pageviews"], bots: "with", by: ["page"], filter: { is: { by: "page", values: [path] } } };
  await eventually(20, "the page is in reports", async () => {
    const answer = (await owner.json(`/api/watchfire/sites/${site}/reports`, question)).text;
    return answer.includes(path) || answer.slice(0, 300);
  });
  const room = JSON.parse((await owner.json("/api/watchfire/rooms", { name: `Support ${fresh().slice(0, 8)}` })).text).id;
  const heard = [];
  const listener = new Person(owner.hosts);
  listener.cookies = owner.cookies;
  const ended = listener.listen(await lastAlive(owner), `/api/watchfire/live/events?topic=room/${room}`, (name) => heard.push(name));
  await eventually(10, "the room is heard", () => heard.includes("snapshot"));
  const said = await owner.json(`/api/watchfire/rooms/${room}/messages`, { body: "Hello over there", id: fresh() });
  assert.equal(said.status, 201, said.text);
  await eventually(10, "the message is heard", () => heard.includes("delta"));
  const messages = (await owner.get(`/api/watchfire/rooms/${room}/messages?limit=20`)).text;
  assert.match(messages, /Hello over there/);
  listener.hangUp();
  await ended;
}

if (task === "set-up") await setUp(more);
else await use(more);
process.exit(0);
