// Every page in real Chromium: no serious finding of axe-core, no script error, no sideways scroll, hostile names shown as text.
import assert from "node:assert/strict";
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, Program, setUp, until } from "./program.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HOSTILE = `<img src=x onerror="window.hacked=1">"'& مرحبا ${"long-".repeat(5)}`;
/** With SCREENSHOTS=folder every page is kept as a picture. */
const PICTURES = process.env.SCREENSHOTS;

let browser, program, bare, context, page, site, share, invitation, setUpAddress, visitor, correction, room, said, join;

before(async () => {
  program = await Program.start();
  browser = await launch();
  context = await browser.newContext();
  page = await context.newPage();
  site = await setUp(page, program, "localhost\n*");
  await page.goto(`${program.url}/sites/${site}/settings`);
  await page.getByLabel("Name").first().fill(HOSTILE);
  await page.getByRole("button", { name: /save/i }).first().click();
  await page.goto(`${program.url}/sites/${site}/people`);
  await page.locator(`form[action$="/shares"] input[name=name]`).fill(HOSTILE);
  await page.locator(`form[action$="/shares"] button`).click();
  share = (await page.content()).match(/\/share\/[a-z0-9]+/)[0];
  await page.goto(`${program.url}/sites/${site}/people`);
  await page.locator(`form[action$="/invitations"] button`).click();
  invitation = (await page.content()).match(/\/invitation\/[a-z0-9]+/)[0];
  bare = await Program.start();
  setUpAddress = await bare.setUpAddress();
  await visit();
  const profiles = `${program.url}/api/watchfire/sites/${site}/profiles`;
  const { found } = await until("somebody is named", async () => {
    const told = await (await context.request.get(`${profiles}/person?identity=${encodeURIComponent(HOSTILE)}`)).json();
    return told.visitors?.[0];
  });
  visitor = found;
  await talk();
  const filter = { is: { by: "browser", values: [HOSTILE] } };
  correction = `/sites/${site}/corrections?${new URLSearchParams({ from: 0, to: Date.now() + 60_000, filter: JSON.stringify(filter) })}`;
});

after(async () => {
  await browser?.close();
  for (const started of [program, bare]) {
    await started?.stop();
    started?.remove();
  }
});

/** A visitor whose pages have hostile names. */
async function visit() {
  const now = Date.now();
  const id = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const hit = (path, more) => ({ id: id(), kind: "pageview", at: now, url: `http://localhost/${path}`, due: 60000, ...more });
  const hits = [
    hit(encodeURIComponent(HOSTILE), { title: HOSTILE, referrer: "https://www.google.com/" }),
    { ...hit("x"), kind: "identify", identity: HOSTILE, props: { plan: HOSTILE, city: "Köln" } },
    { ...hit("x"), kind: "event", name: `<script>window.hacked=1</script>` },
  ];
  const answer = await fetch(`${program.url}/v1/hits`, {
    method: "POST",
    headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0" },
    body: JSON.stringify({ site, sent: now, browser: "00000000000000aa", hits }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

/** A room whose names and messages are hostile. */
async function talk() {
  const tell = async (path, data) => {
    const answer = await context.request.post(`${program.url}/api/watchfire/rooms${path}`, { data, headers: { origin: program.url } });
    assert.ok(answer.ok(), await answer.text());
    return answer.status() === 204 ? null : answer.json();
  };
  room = (await tell("", { name: HOSTILE, site, topic: HOSTILE })).id;
  for (const kind of ["text", "paste", "text"]) said = (await tell(`/${room}/messages`, { kind, body: `${HOSTILE} ${"x".repeat(300)}` })).number;
  await tell(`/${room}/messages/${said}/decide`, {});
  await tell(`/${room}/messages/${said}/star`, {});
  await tell(`/${room}/messages`, { body: HOSTILE, thread: said });
  join = new URL((await tell(`/${room}/link`, { password: "x" })).url).pathname;
}

/** Fills in and sends the form that a button is in, past the browser's own checks. */
const sent = (fields, button) => async (tab) => {
  for (const [name, value] of Object.entries(fields)) await tab.locator(`[name=${name}]`).first().fill(value);
  await tab.evaluate(() => document.querySelectorAll("form").forEach((form) => (form.noValidate = true)));
  await tab.getByRole("button", { name: button }).click();
  await tab.waitForLoadState("load");
};

/** What is done on a page before it is looked at. */
const ACTS = {
  "new-site-refused": sent({ name: HOSTILE, hostnames: "not a hostname", time_zone: "Nowhere/Else" }, "Add site"),
  "sign-in-refused": sent({ email: "nobody@watchfire.example", password: "wrong wrong wrong" }, "Sign in"),
  "dates-of-reports": (tab) => tab.keyboard.press("c"),
  "filter-of-reports": async (tab) => {
    await tab.keyboard.press("f");
    await tab.locator(".proposals button").first().waitFor();
  },
  "keys-of-reports": (tab) => tab.keyboard.press("?"),
  "erase-unsure-profile": sent({}, "Erase this visitor"),
  corrections: sent({ name: HOSTILE }, "Correct"),
  room: (tab) => tab.locator(".room[data-state=open]").waitFor(),
  "room-thread": (tab) => tab.getByRole("button", { name: "1 answer" }).click(),
  "fresh-guest-link": sent({}, "Make a new link"),
  "fresh-bot": sent({ name: HOSTILE }, "Make the bot"),
  "fresh-token": sent({ name: HOSTILE }, "Make the token"),
  "fresh-invitation": sent({ note: HOSTILE }, "Make an invitation link"),
};

const PAGES = {
  "set-up": () => setUpAddress,
  invitation: () => invitation,
  "new-site-refused": () => "/sites/new",
  "sign-in-refused": () => "/sign-in",
  "fresh-token": () => "/account/tokens",
  "fresh-invitation": () => `/sites/${site}/people`,
  overview: () => "/",
  live: () => `/sites/${site}`,
  reports: () => `/sites/${site}/reports?range=today&behaviour=journeys`,
  "retention-reports": () => `/sites/${site}/reports?range=7d&behaviour=retention&cohort=day`,
  "dates-of-reports": () => `/sites/${site}/reports`,
  "filter-of-reports": () => `/sites/${site}/reports`,
  "keys-of-reports": () => `/sites/${site}/reports`,
  profiles: () => `/sites/${site}/profiles`,
  "nobody-found-profiles": () => `/sites/${site}/profiles?search=${encodeURIComponent(HOSTILE)}zzz`,
  "person-profile": () => `/sites/${site}/profiles/person?identity=${encodeURIComponent(HOSTILE)}`,
  "visitor-profile": () => `/sites/${site}/visitors/${visitor}`,
  "erase-unsure-profile": () => `/sites/${site}/visitors/${visitor}`,
  "no-corrections": () => `/sites/${site}/corrections`,
  "new-correction": () => correction,
  corrections: () => correction,
  tag: () => `/sites/${site}/tag`,
  settings: () => `/sites/${site}/settings`,
  people: () => `/sites/${site}/people`,
  join: () => join,
  rooms: () => "/rooms",
  room: () => `/rooms/${room}`,
  "room-thread": () => `/rooms/${room}`,
  "room-settings": () => `/rooms/${room}/settings`,
  "fresh-guest-link": () => `/rooms/${room}/settings`,
  "room-transcript": () => `/rooms/${room}/messages/${said}`,
  "room-decisions": () => `/rooms/${room}/decisions`,
  "rooms-search": () => `/rooms/search?q=window`,
  "rooms-stars": () => "/rooms/stars",
  "fresh-bot": () => "/rooms/bots",
  "new-site": () => "/sites/new",
  account: () => "/account",
  tokens: () => "/account/tokens",
  share: () => share,
  "share-reports": () => `${share}/reports`,
  "sign-in": () => "/sign-in",
  absent: () => "/no-such-page",
  "demo-home": () => `/demo/${site}/`,
  "demo-category": () => `/demo/${site}/teas`,
  "demo-product": () => `/demo/${site}/teas/assam`,
  "demo-cart": () => `/demo/${site}/cart`,
  "demo-about": () => `/demo/${site}/about`,
};

for (const [name, path] of Object.entries(PAGES)) {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${name} at ${width} px, ${colorScheme}`, () => check(name, path(), { width, height }, colorScheme));
    }
  }
}

async function check(name, path, viewport, colorScheme) {
  const stranger = ["share", "share-reports", "sign-in", "sign-in-refused", "set-up", "invitation", "join"].includes(name);
  const own = stranger ? await browser.newContext({ viewport, colorScheme }) : context;
  const tab = await own.newPage();
  const errors = [];
  tab.on("pageerror", (error) => errors.push(String(error)));
  tab.on("console", (message) => {
    const expected = { absent: "404", "new-site-refused": "400", "sign-in-refused": "401" }[name];
    if (message.type() === "error" && !(expected && message.text().includes(expected))) errors.push(message.text());
  });
  await tab.setViewportSize(viewport);
  await tab.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await tab.goto(new URL(path, program.url).href);
  if (name.endsWith("reports")) await tab.locator("[data-state=ready]").first().waitFor();
  await ACTS[name]?.(tab);
  if (["live", "share"].includes(name)) await tab.locator("[data-state=live]").first().waitFor();
  if (PICTURES) {
    mkdirSync(PICTURES, { recursive: true });
    await tab.screenshot({ path: `${PICTURES}/${name}-${viewport.width}-${colorScheme}.png`, fullPage: true });
  }
  const hacked = await tab.evaluate(() => window.hacked);
  assert.equal(hacked, undefined, "a hostile name ran");
  const sideways = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(sideways <= 0, `scrolls sideways by ${sideways} px`);
  assert.deepEqual(errors, []);
  // The page's own policy forbids injected scripts, so axe comes in through the protocol.
  await tab.evaluate(AXE);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter((found) => ["serious", "critical"].includes(found.impact));
  const words = serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(words, []);
  await (stranger ? own.close() : tab.close());
}
