// So many hits a second until a file appears, sent again as the tag does; then whether each that was acknowledged is counted
// once. A dashboard listens meanwhile and comes back where it is let go.
// node load.mjs FILE RATE STOP-FILE
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { Person, eventually, hits, pageview } from "./person.mjs";

const HOSTS = ["10.77.0.11", "10.77.0.12"];
const [file, rate, stopFile] = process.argv.slice(2);
const { site, cookies } = JSON.parse(readFileSync(file, "utf8"));
const HITS_A_REQUEST = 10;
const TURN_MS = 20;
const BEHIND_MS_MAX = 500;
const TRIES_MAX = 60;
const owner = new Person(HOSTS);
owner.cookies = new Map(cookies);

const counted = async () => {
  const question = { kind: "breakdown", range: "7d", metrics: ["pageviews"], bots: "with" };
  const answer = JSON.parse((await owner.json(`/api/watchfire/sites/${site}/reports`, question)).text);
  return answer;
};
const numberIn = (answer) => {
  const text = JSON.stringify(answer.totals ?? answer);
  return Number(/(\d+)/.exec(text.replace(/"[^"]*"/g, ""))?.[1] ?? Number.NaN);
};

let before;
await eventually(60, "reports answer", async () => {
  before = numberIn(await counted());
  return Number.isFinite(before);
});
const told = { acknowledged: 0, given_up: 0, tries_again: 0, answers_5xx: {}, no_answer: {}, slowest_ms: 0 };
let under_way = 0;

async function deliver(browser) {
  const list = Array.from({ length: HITS_A_REQUEST }, () => pageview(randomBytes(16).toString("hex")));
  const began = Date.now();
  under_way += 1;
  for (let tried = 0; tried < TRIES_MAX; tried += 1) {
    const host = HOSTS[(tried + browser) % HOSTS.length];
    try {
      const answer = await new Person([]).ask(host, "POST", "/v1/hits", { body: hits(site, browser.toString(16).padStart(16, "0"), list) });
      if (answer.status === 202) {
        told.acknowledged += list.length;
        told.slowest_ms = Math.max(told.slowest_ms, Date.now() - began);
        under_way -= 1;
        return;
      }
      told.answers_5xx[answer.status] = (told.answers_5xx[answer.status] ?? 0) + 1;
    } catch (error) {
      const why = error.code ?? error.message;
      told.no_answer[why] = (told.no_answer[why] ?? 0) + 1;
    }
    told.tries_again += 1;
    await new Promise((go) => setTimeout(go, 200));
  }
  told.given_up += list.length;
  under_way -= 1;
}

// A dashboard: how long it was without a stream, at most.
let away_ms = 0;
let listening = true;
const dashboard = (async () => {
  let left = 0;
  for (let turn = 0; listening; turn += 1) {
    await owner.listen(HOSTS[turn % HOSTS.length], `/api/watchfire/live/events?topic=site/${site}/now`, (name) => {
      if (name !== "snapshot" || left === 0) return;
      away_ms = Math.max(away_ms, Date.now() - left);
      left = 0;
    });
    left ||= Date.now();
    await new Promise((go) => setTimeout(go, 200));
  }
})();

const began = Date.now();
let turned = began;
let due = 0;
let browser = 1;
while (!existsSync(stopFile)) {
  // A sender that stood still does not make up for it.
  due += (Math.min(Date.now() - turned, BEHIND_MS_MAX) / 1000) * Number(rate);
  turned = Date.now();
  for (; due > 0; due -= HITS_A_REQUEST) void deliver((browser = (browser % 500) + 1));
  await new Promise((go) => setTimeout(go, TURN_MS));
}
const seconds = (Date.now() - began) / 1000;
while (under_way > 0) await new Promise((go) => setTimeout(go, 50));
listening = false;
owner.hangUp?.();
let after;
await eventually(60, "every acknowledged hit is counted once", async () => {
  after = numberIn(await counted());
  return after - before === told.acknowledged || { counted: after - before, ...told };
});
const summary = { seconds: Math.round(seconds), hits_a_second: Math.round(told.acknowledged / seconds), counted: after - before, dashboard_away_ms: away_ms, ...told };
console.log(JSON.stringify(summary));
process.exit(told.given_up === 0 && told.acknowledged > 0 ? 0 : 1);
