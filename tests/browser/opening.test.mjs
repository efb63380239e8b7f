// How long a customer on a slow line waits for the panel: figures for docs/benchmarks.md, and that who points at the button first waits for no answer.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CustomerSite, launch, setUp, start, visitor } from "./program.mjs";

/** What Chromium's own tools call "Fast 3G": 1.6 and 0.75 Mbit/s less a tenth, 150 ms by 3.75 each request. */
const FAST_3G = { offline: false, latency: 562.5, downloadThroughput: (1.6 * 1024 * 1024 * 0.9) / 8, uploadThroughput: (750 * 1024 * 0.9) / 8 };
const RUNS = 7;

let program, browser, site, shop;

before(async () => {
  program = await start();
  browser = await launch();
  const owner = await browser.newContext();
  site = await setUp(await owner.newPage(), program);
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "" };
  await owner.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url } });
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { body: "<main><h1>Tea</h1></main>" });
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});

/** Somebody who was never here points at the button, opens it after that time, and could write; how long that took, and what was asked for meanwhile. */
async function opening(pointed) {
  const context = await visitor(browser, { viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  await page.goto(shop.url);
  const button = page.locator("watchfire-chat .launcher");
  await button.waitFor();
  await page.waitForTimeout(300);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", FAST_3G);
  if (pointed !== null) {
    await button.hover();
    await page.waitForTimeout(pointed);
  }
  const asked = [];
  page.on("request", (request) => request.url().includes(site) && asked.push(new URL(request.url()).pathname));
  const began = performance.now();
  await button.evaluate((element) => element.click());
  await page.frameLocator("watchfire-chat iframe").getByRole("textbox", { name: "Message" }).waitFor();
  const took = performance.now() - began;
  await context.close();
  return { took, asked };
}

const median = (numbers) => [...numbers].sort((one, other) => one - other)[numbers.length >> 1];

for (const [words, pointed, isThere] of [
  ["as soon as the button is seen", null, false],
  ["300 ms after it was pointed at", 300, false],
  ["2 s after it was pointed at", 2_000, true],
]) {
  test(`opened ${words}, on Fast 3G`, async () => {
    await opening(pointed);
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await opening(pointed));
    const times = runs.map(({ took }) => took);
    console.log(`the panel, opened ${words}: median ${Math.round(median(times))} ms, worst ${Math.round(Math.max(...times))} ms of ${RUNS}`);
    const waited = runs.filter(({ asked }) => asked.includes(`/chat/${site}`)).length;
    assert.equal(waited, isThere || pointed !== null ? 0 : RUNS, "whoever points at it has asked for it");
  });
}
