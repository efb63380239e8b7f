// The operator's picture of the services, in real Chromium: what runs, what passes through it, what is silent.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { CustomerSite, launch, setUp, start, until, visitor } from "./program.mjs";

/** Where to leave pictures of the page, for somebody to look at. */
const SHOTS = process.env.WATCHFIRE_SHOTS;

let program, browser, owner, page, shop, errors;

before(async () => {
  program = await start();
  browser = await launch();
  owner = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await owner.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await setUp(page, program);
  shop = await CustomerSite.start(await page.locator("#tag").innerText());
});

after(async () => {
  await browser?.close();
  await shop?.stop();
  await program?.stop();
  program?.remove();
});

const station = (name) => page.locator(`.station-${name}`);
const number = async (name) => Number((await station(name).locator(".station-number").innerText()).replace(/[<,\s]/g, ""));

test("the operator finds the picture in the menu, and nobody else does", async () => {
  await page.locator(".menu summary").click();
  await page.getByRole("link", { name: "Pipeline" }).click();
  await page.getByRole("heading", { name: "Pipeline", level: 1 }).waitFor();
  const stranger = await browser.newContext();
  const there = await (await stranger.newPage()).goto(`${program.url}/admin`);
  assert.match(there.url(), /sign-in/);
  assert.equal((await stranger.request.get(`${program.url}/api/watchfire/pipeline`)).status(), 401);
  await stranger.close();
});

test("hits are seen on their way, and who works on them", async () => {
  const somebody = await visitor(browser);
  const tab = await somebody.newPage();
  await tab.goto(`${shop.url}/`);
  await until("the visitor is here", async () => (await number("live")) === 1, 30_000);
  const clicking = setInterval(() => void tab.goto(`${shop.url}/${Math.floor(Math.random() * 9)}`).catch(() => {}), 400);
  try {
    await until("hits come in and are worked on", async () => (await number("collector")) > 0 && (await number("processor")) > 0, 30_000);
  } finally {
    clearInterval(clicking);
  }
  assert.match(await station("processor").locator(".station-peak").innerText(), /at most [\d.]+ in the last hour/);
  assert.ok(await station("processor").locator("polyline").count() > 0, "the hour is drawn");
  const rows = page.locator("[data-part=rows] tr");
  assert.ok(await rows.count() >= 1);
  assert.match(await rows.first().innerText(), /collector|processor|web|realtime/);
  assert.match(await rows.first().innerText(), /\d MB/);
  assert.equal(await page.locator(".station.trouble").count(), 0);
  await somebody.close();
});

test("the page is read by machines, and fits", async () => {
  await accessible(page, "the pipeline");
  for (const [width, scheme] of [[1440, "light"], [1440, "dark"], [390, "light"], [390, "dark"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}: nothing is cut off`);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/pipeline-${width}-${scheme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("who lost the server is told, and goes on by itself", async () => {
  await page.route("**/api/watchfire/pipeline", (route) => route.abort());
  await page.getByText("The server does not answer.").waitFor();
  await page.unroute("**/api/watchfire/pipeline");
  await page.getByText("The server does not answer.").waitFor({ state: "hidden" });
  assert.deepEqual(errors, []);
});
