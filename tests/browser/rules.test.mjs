// Rules by which a site speaks first, in real Chromium: an owner makes one, a visitor reads it beside the button and answers, an agent finds it at the head.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { CustomerSite, launch, setUp, start, until, visitor } from "./program.mjs";

/** As often as the server looks, and then some. */
const QUIET_MS = 5_000;
const WORDS = "Shall I help you choose?";

let program, browser, olive, owner, site, shop;

before(async () => {
  program = await start();
  browser = await launch();
  olive = await browser.newContext();
  owner = await olive.newPage();
  site = await setUp(owner, program);
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: 'lang="en"', body: "<h1>Tea</h1>" });
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});

async function settings(fields = {}) {
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "", asks_email: "on", ...fields };
  const answer = await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url }, maxRedirects: 0 });
  assert.equal(answer.status(), 303, await answer.text());
}

/** By the owner's form, which stands open. */
async function fill(form, fields) {
  for (const [label, value] of Object.entries(fields)) await form.getByLabel(label, { exact: true }).fill(value);
  await form.getByRole("button", { name: /^(Save|Make the rule)$/ }).click();
  await owner.getByText("Saved.").waitFor();
}

async function rules() {
  await owner.goto(`${program.url}/sites/${site}/chat`);
  return owner.locator("details.rule");
}

const teaser = (page) => page.locator("watchfire-chat .teaser");
const panel = (page) => page.frameLocator("watchfire-chat iframe");

/** Somebody whom nobody saw before: of a browser of another name. */
let people = 0;
async function somebody() {
  people += 1;
  const context = await visitor(browser, { userAgent: `Mozilla/5.0 (X11; Linux x86_64; rv:${100 + people}.0) Gecko/20100101 Firefox/${100 + people}.0` });
  return context.newPage();
}

/** Nothing is said to them, though there was time for it. */
async function silent(page) {
  await page.locator("watchfire-chat .launcher").waitFor();
  await page.waitForTimeout(QUIET_MS);
  assert.equal(await teaser(page).isVisible(), false);
}

describe("a rule of the page and the time on it", () => {
  beforeEach(() => settings());

  test("is made, speaks once, and stands at the head of what is answered", async () => {
    const list = await rules();
    await list.last().locator("summary").click();
    await fill(list.last(), { Name: "Slow choosers", "What it says": WORDS, "They are on the page": "/choose*", "For so many seconds": "3" });
    const page = await somebody();
    await page.goto(`${shop.url}/elsewhere`);
    await silent(page);
    await page.goto(`${shop.url}/choose/tea`);
    await teaser(page).filter({ hasText: WORDS }).waitFor({ timeout: 15_000 });
    assert.match(await teaser(page).textContent(), /The Shop/);
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0], "nothing is kept of who said nothing");
    await page.screenshot({ path: process.env.RULES_SHOT ? `${process.env.RULES_SHOT}/teaser.png` : undefined });
    await page.reload();
    await silent(page);
    await page.goto(`${shop.url}/choose/more`);
    await silent(page);

    const other = await somebody();
    await other.goto(`${shop.url}/choose/tea`);
    await teaser(other).filter({ hasText: WORDS }).click({ timeout: 15_000 });
    await panel(other).locator(".bubble", { hasText: WORDS }).waitFor();
    await panel(other).getByRole("textbox", { name: "Message" }).fill("Yes, please");
    await panel(other).getByRole("textbox", { name: "Message" }).press("Enter");
    await panel(other).locator(".own:not(.pending)", { hasText: "Yes, please" }).waitFor();
    await until("it stands there once", async () => (await panel(other).locator(".bubble", { hasText: WORDS }).count()) === 1);
    await panel(other).getByText("Where can we reach you").waitFor();
    await owner.goto(`${program.url}/sites/${site}/inbox`);
    await owner.getByText("Yes, please").first().click();
    const said = owner.locator("[data-number]");
    await said.filter({ hasText: "Yes, please" }).first().waitFor();
    const texts = await said.allTextContents();
    assert.match(texts[0], new RegExp(WORDS.replace("?", "\\?")));
    assert.match(texts[1], /Yes, please/);
    if (process.env.RULES_SHOT) await owner.screenshot({ path: `${process.env.RULES_SHOT}/inbox.png` });
    assert.match(await (await rules()).first().locator("summary").textContent(), /shown to 2, answered by 1/);

    await other.goto(`${shop.url}/choose/again`);
    await silent(other);
  });

  test("is silent out of hours, and while it is off", async () => {
    const day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][(new Date().getUTCDay() + 3) % 7];
    await settings({ hours: `${day} 09:00-17:00` });
    const late = await somebody();
    await late.goto(`${shop.url}/choose/late`);
    await silent(late);
    await settings();
    const list = await rules();
    await list.first().locator("summary").click();
    await list.first().getByLabel("It speaks").uncheck();
    await fill(list.first(), {});
    const off = await somebody();
    await off.goto(`${shop.url}/choose/off`);
    await silent(off);
    await (await rules()).first().locator("summary").click();
    await (await rules()).first().locator("summary").click();
    await list.first().getByLabel("It speaks").check();
    await fill(list.first(), {});
    await teaser(off).filter({ hasText: WORDS }).waitFor({ timeout: 45_000 });
  });

  test("spoke once, whatever is killed", async () => {
    const page = await somebody();
    await page.goto(`${shop.url}/choose/kill`);
    await teaser(page).filter({ hasText: WORDS }).waitFor({ timeout: 15_000 });
    await program.kill();
    await program.run();
    await page.goto(`${shop.url}/choose/after`);
    await silent(page);
    const fresh = await somebody();
    await fresh.goto(`${shop.url}/choose/fresh`);
    await teaser(fresh).filter({ hasText: WORDS }).waitFor({ timeout: 30_000 });
  });

  test("is shown with what is wrong with it", async () => {
    const list = await rules();
    await list.last().locator("summary").click();
    await list.last().getByLabel("Name", { exact: true }).fill("Nothing named");
    await list.last().getByLabel("What it says").fill("Hello");
    await list.last().getByRole("button", { name: "Make the rule" }).click();
    await owner.getByText("Name at least one thing that has to be so.").waitFor();
    assert.equal(await owner.locator("details.rule[open]").count(), 1);
    if (!process.env.RULES_SHOT) return;
    for (const [width, scheme] of [[1440, "light"], [1440, "dark"], [390, "light"], [390, "dark"]]) {
      await owner.emulateMedia({ colorScheme: scheme });
      await owner.setViewportSize({ width, height: 900 });
      await owner.locator("#rules").scrollIntoViewIfNeeded();
      await owner.screenshot({ path: `${process.env.RULES_SHOT}/rules-${width}-${scheme}.png`, fullPage: true });
    }
  });
});
