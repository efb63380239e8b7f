// How long a customer on a slow line waits for the panel: figures for docs/benchmarks.md, and that nothing is asked for once the page rests.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CustomerSite, launch, setUp, start, visitor } from "./program.mjs";

/** What Chromium's own tools call "Fast 3G": 1.6 and 0.75 Mbit/s less a tenth, 150 ms by 3.75 each request. */
const FAST_3G = { offline: false, latency: 562.5, downloadThroughput: (1.6 * 1024 * 1024 * 0.9) / 8, uploadThroughput: (750 * 1024 * 0.9) / 8 };
/** Of each kind: more of them make better figures. */
const RUNS = Number(process.env.OPENINGS ?? 2);

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

/** When the panel could be written in: its field has the focus, and what the panel shows is on the screen. */
const noteWritable = () =>
  addEventListener("focusin", ({ target }) => {
    if (target.localName === "textarea") requestAnimationFrame(() => setTimeout(() => (self.writableAt ??= performance.timeOrigin + performance.now())));
  });
const spareTheLine = () => Object.defineProperty(Navigator.prototype, "connection", { value: { saveData: true } });

/** Somebody who was never here comes over a slow line and opens the panel once `before` is done; how long until they could write, and what was asked for in between. */
async function opening(before, spares = false) {
  const context = await visitor(browser, { viewport: { width: 1280, height: 860 } });
  await context.addInitScript(noteWritable);
  if (spares) await context.addInitScript(spareTheLine);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", FAST_3G);
  await page.goto(shop.url);
  const button = page.locator("watchfire-chat .launcher");
  await button.waitFor();
  await before(page, button);
  const asked = [];
  context.on("request", (request) => request.url().startsWith(program.url) && asked.push(new URL(request.url()).pathname));
  const began = await button.evaluate((element) => {
    const now = performance.timeOrigin + performance.now();
    element.click();
    return now;
  });
  await page.frameLocator("watchfire-chat iframe").getByRole("textbox", { name: "Message" }).waitFor();
  const frame = page.frames().find((one) => one.url().includes(`/chat/${site}`));
  await frame.waitForFunction(() => self.writableAt);
  const took = (await frame.evaluate(() => self.writableAt)) - began;
  assert.deepEqual(await context.cookies(), []);
  await context.close();
  return { took, asked };
}

const median = (numbers) => [...numbers].sort((one, other) => one - other)[numbers.length >> 1];
const there = (page) => page.frameLocator("watchfire-chat iframe").locator(":root.drawn").waitFor({ state: "attached" });
const pointed = (ms) => async (page, button) => {
  await button.hover();
  await page.waitForTimeout(ms);
};
const isOf = (path) => path.startsWith("/assets/") || path === `/chat/${site}`;

for (const [words, before, spares, isAwaited] of [
  ["as soon as the button is seen", () => {}, false, null],
  ["once the page rests", there, false, false],
  ["by who spares their line", () => {}, true, true],
  ["by who spares their line, 300 ms after they pointed at it", pointed(300), true, null],
  ["by who spares their line, once that brought the panel", async (page, button) => (await button.hover(), await there(page)), true, false],
]) {
  test(`opened ${words}, on Fast 3G`, async () => {
    await opening(before, spares);
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await opening(before, spares));
    const times = runs.map(({ took }) => took);
    console.log(`the panel, opened ${words}: median ${Math.round(median(times))} ms, worst ${Math.round(Math.max(...times))} ms of ${RUNS}`);
    for (const { asked } of runs) {
      if (isAwaited === false) assert.deepEqual(asked.filter(isOf), [], "nothing stands between opening and writing");
      if (isAwaited) assert.ok(asked.includes(`/chat/${site}`), "a line that is spared carries no panel that nobody opens");
    }
  });
}
