// People in real Chromium: named by the tag of a customer's site, found, followed from the live page, erased; and verdicts corrected.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, CustomerSite, Program, setUp, until, visitor } from "./program.mjs";

let program, browser, owner, page, site, shop, errors;

before(async () => {
  program = await Program.start();
  browser = await launch();
  owner = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "Europe/Paris" });
  page = await owner.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  site = await setUp(page, program);
  const snippet = await page.locator("#tag").innerText();
  shop = await CustomerSite.start(snippet);
});

after(async () => {
  await browser?.close();
  await shop?.stop();
  await program?.stop();
  program?.remove();
});

const at = (path) => `${program.url}/sites/${site}${path}`;
const api = async (path) => {
  const told = await owner.request.get(`${program.url}/api/watchfire/sites/${site}/${path}`);
  return told.ok() ? told.json() : null;
};

test("a site that names nobody yet says how to", async () => {
  await page.goto(at("/profiles"));
  assert.ok(await page.getByText("Nobody said who they are yet").isVisible());
  assert.match(await page.locator("#identify").innerText(), /watchfire\('identify'/);
  assert.equal(await page.getByRole("link", { name: "Profiles", exact: true }).getAttribute("aria-current"), "page");
});

test("who is named by the tag has a profile, with what that browser did before", async () => {
  const customer = await visitor(browser);
  const tab = await customer.newPage();
  // What a page sends as it goes has not the context's user agent: the first one stays until it was heard.
  const heard = tab.waitForResponse((response) => response.url().endsWith("/v1/hits"));
  await tab.goto(`${shop.url}/before?utm_source=news`);
  await heard;
  await tab.goto(`${shop.url}/basket`);
  await until("the tag is there", () => tab.evaluate(() => typeof window.watchfire === "function"));
  await tab.evaluate(() => window.watchfire("identify", "ada@shop.example", { plan: "pro" }));
  // Not in the same millisecond: the trail is in order of time.
  await tab.waitForTimeout(5);
  await tab.evaluate(() => window.watchfire("event", "order", { items: "3" }));
  await until("all of it is counted", async () => {
    const told = await api("profiles/person?identity=ada%40shop.example");
    return told?.pageviews === 2 && told.events === 1;
  });

  await page.goto(at("/profiles"));
  await page.getByLabel("Search profiles").fill("PLAN:pro");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: "ada@shop.example" }).click();
  await page.waitForURL(/identity=ada%40shop\.example/);
  assert.equal(await page.locator("h1").innerText(), "ada@shop.example");
  const steps = await page.locator(".step-what").allInnerTexts();
  assert.deepEqual(steps.map((step) => step.split(/\s/)[0]), ["/before?utm_source=news", "/basket", "named", "event"]);
  assert.match(await page.locator(".facts").first().innerText(), /First came by\s+news/);
  assert.match(await page.locator("[aria-labelledby=properties]").innerText(), /plan\s+pro/);

  await page.goto(at(""));
  await page.locator("[data-board][data-state=live]").waitFor();
  await page.locator("[data-part=visitor-rows] [role=row]").first().click();
  await page.getByRole("link", { name: "Their whole history" }).click();
  await page.waitForURL(/\/visitors\/[0-9a-f]{16}$/);
  assert.match(await page.locator(".profile-head").innerText(), /Known as ada@shop\.example/);
  assert.equal(await page.locator(".trail-step").count(), 4);
  await customer.close();
});

test("a filtered report is marked as bots, and taken back every number is as it was", async () => {
  const visits = async () => Number(await page.locator(`[data-metric="visits"] .tile-value`).innerText());
  const report = at("/reports?range=today&page.is=/basket");
  const ready = () => page.locator("[data-reports][data-state=ready]:not([data-busy])").waitFor();
  await page.goto(at("/reports?range=today"));
  await ready();
  const before = await visits();
  assert.equal(before, 1);
  assert.ok(await page.locator("[data-part=correct]").isHidden(), "nothing is narrowed");
  await page.goto(report);
  await ready();
  await page.getByRole("link", { name: "Bots or not" }).click();
  await page.waitForURL(/\/corrections\?/);
  assert.match(await page.locator("[aria-labelledby=correct]").innerText(), /page is “\/basket”.*1 visit with 4 hits/s);
  await page.getByLabel("Why").fill("It was us");
  await page.getByRole("button", { name: "Correct", exact: true }).click();
  await page.getByText("Corrected: every report follows.").waitFor();
  assert.match(await page.locator(".correction").innerText(), /It was us.*bots.*1 visit, 4 hits.*Olive Owner/s);
  await page.goto(at("/reports?range=today"));
  await ready();
  assert.equal(await visits(), 0);
  await page.goto(at("/corrections"));
  await page.getByRole("button", { name: "Take back It was us" }).click();
  await page.getByText("Taken back: every number is as it was.").waitFor();
  await page.goto(at("/reports?range=today"));
  await ready();
  assert.equal(await visits(), before);
});

test("what is saved is renamed and changed", async () => {
  await page.goto(at("/reports?range=today&page.is=/basket"));
  await page.locator("[data-reports][data-state=ready]:not([data-busy])").waitFor();
  await page.getByRole("button", { name: "Segments" }).click();
  await page.getByLabel("Name of the segment").first().fill("Basket");
  await page.locator(".segment-dialog").getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/segment=SV-/);
  await page.getByRole("button", { name: "Segments" }).click();
  await page.getByRole("button", { name: "Rename Basket" }).click();
  await page.locator(".name-dialog").getByLabel("Name of the segment").fill("Buyers");
  await page.locator(".name-dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Buyers is its name now.").waitFor();
  const { saved } = await api("saved");
  assert.deepEqual(saved.map(({ name, body }) => [name, body]), [["Buyers", { filter: { is: { by: "page", values: ["/basket"] } } }]]);
});

test("an erased person is nowhere any more", async () => {
  await page.goto(at("/profiles/person?identity=ada%40shop.example"));
  await page.getByRole("button", { name: "Erase this person" }).click();
  assert.equal(page.url(), at("/profiles/person?identity=ada%40shop.example"), "the box must be ticked");
  await page.getByLabel("I am sure: this cannot be undone").check();
  await page.getByRole("button", { name: "Erase this person" }).click();
  await page.waitForURL(/done=erased/);
  assert.ok(await page.getByText("Erased: nothing of that history is left here.").isVisible());
  assert.ok(await page.getByText("Nobody said who they are yet").isVisible());
  assert.equal(await api("profiles/person?identity=ada%40shop.example"), null);
  assert.deepEqual(errors, []);
});

test("without scripts a person is found and read, and the reports have their numbers", async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await owner.storageState() });
  const tab = await plain.newPage();
  await tab.goto(at("/reports"));
  await tab.getByRole("link", { name: /headline numbers/ }).click();
  assert.match(await tab.locator("noscript, table").last().innerText(), /Visitors/);
  await tab.goto(at("/profiles"));
  assert.ok(await tab.locator("h1").isVisible());
  await plain.close();
});
