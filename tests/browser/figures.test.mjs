// Figures of conversations, in real Chromium: a customer is answered, rates it, and the agent's page adds it up.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { launch, setUp, start } from "./program.mjs";


let program, browser, olive, page, site;

before(async () => {
  program = await start();
  browser = await launch();
  olive = await browser.newContext();
  page = await olive.newPage();
  site = await setUp(page, program);
  const form = { on: "on", colour: "#b8400e", side: "right" };
  await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url }, maxRedirects: 0 });
});
after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

async function ask(path, data, headers = { origin: program.url }) {
  const context = headers.authorization ? await browser.newContext() : olive;
  const answer = await context.request.post(program.url + path, { data, headers });
  assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

test("what was begun, answered and rated adds up", async () => {
  for (const [number, isAnswered] of [[1, true], [2, true], [3, false]]) {
    const authorization = `Bearer wfc_${String(number).repeat(43)}`;
    const id = randomBytes(16).toString("hex");
    const { room } = await ask(`/api/watchfire/chat/${site}/conversations`, { id, body: "Where is my tea?" }, { authorization });
    if (!isAnswered) continue;
    await ask(`/api/watchfire/rooms/${room}/messages`, { body: "On its way" });
    await ask(`/api/watchfire/sites/${site}/conversations/${room}`, { close: true });
    await ask(`/api/watchfire/chat/${site}/conversations/mine`, { rating: 3 + number }, { authorization });
  }
  await page.goto(`${program.url}/sites/${site}/inbox`);
  await page.getByRole("link", { name: "Figures" }).click();
  const tile = (name) => page.locator(".figures-tiles div").filter({ has: page.getByText(name, { exact: true }) }).locator(".figures-value");
  assert.equal(await tile("Begun").textContent(), "3");
  assert.equal(await tile("Answered").textContent(), "2");
  assert.equal(await tile("Closed").textContent(), "2");
  assert.equal(await tile("Stars").textContent(), "4.5");
  assert.match(await tile("First answer").textContent(), /^\d+ s$/);
  const agents = page.getByRole("region", { name: "Figures by Agent" }).locator("tbody tr");
  assert.deepEqual(await agents.locator("th").allTextContents(), ["Olive Owner", "Nobody"]);
  assert.equal(await page.getByRole("region", { name: "Figures by Day" }).locator("tbody tr").count(), 28);
  await page.getByRole("link", { name: "7 days" }).click();
  assert.equal(await page.getByRole("region", { name: "Figures by Day" }).locator("tbody tr").count(), 7);
  for (const [width, colorScheme] of [[1440, "light"], [1440, "dark"], [390, "light"], [390, "dark"]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is cut off, nor scrolls aside");
    // Colours in between are nobody's.
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
    await accessible(page, `figures at ${width}, ${colorScheme}`);
    if (process.env.FIGURES_SHOT) await page.screenshot({ path: `${process.env.FIGURES_SHOT}/figures-${width}-${colorScheme}.png`, fullPage: true });
  }
});
