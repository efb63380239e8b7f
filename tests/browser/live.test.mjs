// In real Chromium: a page with the pasted tag in one context, the dashboard in another.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster, CustomerSite, launch, OWNER, Program, setUp, until, visitor } from "./program.mjs";

const SIZES = [
  {
    name: "embedded",
    start: () => Program.start(),
    lastly: async (program, site) => {
      await program.stop();
      return program.tail(site);
    },
  },
  { name: "on a cluster", start: () => Cluster.start(), lastly: (program, site, pageviews) => program.tail(site, pageviews) },
];

for (const size of SIZES) describe(size.name, () => {
  let browser, program, owner, dashboard, site, customer;

  before(async () => {
    program = await size.start();
    browser = await launch();
    owner = await browser.newContext();
    dashboard = await owner.newPage();
    site = await setUp(dashboard, program);
    const snippet = await dashboard.locator("#tag").innerText();
    customer = await CustomerSite.start(snippet);
  });

  after(async () => {
    await browser?.close();
    await customer?.stop();
    await program?.stop();
    program?.remove();
  });

  const present = (page = dashboard) => page.title().then((title) => Number(/^\((\d+)\)/.exec(title)?.[1] ?? 0));
  const shows = (text, page = dashboard) => page.getByText(text, { exact: true }).first().isVisible();

  async function open() {
    await dashboard.goto(`${program.url}/sites/${site}`);
    await until("the dashboard is live", () => dashboard.locator("[data-state=live]").count());
  }

  test("the tag page notices the first hit by itself", async () => {
    assert.ok(await dashboard.getByText("Waiting for the first hit").isVisible());
    const context = await visitor(browser);
    const page = await context.newPage();
    await page.goto(`${customer.url}/first`);
    await dashboard.getByText(/received|arriving/i).first().waitFor({ timeout: 5_000 });
    await context.close();
  });

  test("the count rises within 1 s of opening, follows a client-side route, and falls within 2 s of closing", async () => {
    await open();
    await until("nobody is here", async () => (await present()) === 0, 40_000);
    const context = await visitor(browser);
    const page = await context.newPage();
    await page.goto(`${customer.url}/tea`, { waitUntil: "commit" });
    const rose = await until("the count rises", async () => (await present()) === 1);
    assert.ok(rose.took < 1_000, `rose after ${rose.took} ms`);
    await until("the page is shown", () => shows("/tea"));

    await page.evaluate(() => history.pushState({}, "", "/tea/assam"));
    const moved = await until("the page changes on a client-side route", () => shows("/tea/assam"));
    assert.ok(moved.took < 1_500, `moved after ${moved.took} ms`);

    await page.close({ runBeforeUnload: false });
    const fell = await until("the count falls", async () => (await present()) === 0);
    assert.ok(fell.took < 2_000, `fell after ${fell.took} ms`);
    await context.close();
  });

  test("a walk over full page loads is one visitor with a trail, and the count never flickers to two", async () => {
    await open();
    await until("nobody is here", async () => (await present()) === 0);
    const context = await visitor(browser);
    const page = await context.newPage();
    await page.goto(`${customer.url}/one`);
    await until("one is here", async () => (await present()) === 1);
    const counts = [];
    const watching = setInterval(() => present().then((count) => counts.push(count), () => {}), 20);
    for (const path of ["/two", "/three", "/four"]) {
      await page.goto(`${customer.url}${path}`);
      await until(`${path} is shown`, () => shows(path));
    }
    clearInterval(watching);
    assert.deepEqual([...new Set(counts)], [1]);
    await context.close();
  });

  test("what is noted of the site stands in the chart, is read by keys, and does nothing as text", async () => {
    const name = "v2 <img src=x onerror=document.title=1>";
    const answer = await owner.request.post(`${program.url}/api/watchfire/sites/${site}/saved`, {
      data: { kind: "annotation", name, body: { text: name }, at: Date.now() },
    });
    assert.equal(answer.status(), 201);
    await open();
    await until("the note is marked", async () => (await dashboard.locator(".chart-note").count()) === 1);
    assert.equal(await dashboard.locator(".chart-note title").textContent(), name);
    const chart = dashboard.locator("[data-part=chart]");
    await chart.focus();
    await dashboard.keyboard.press("End");
    const readout = dashboard.locator("[data-part=last-minutes] [data-part=readout]");
    await until("the minute's readout has it", async () => {
      if ((await readout.innerText()).includes(name)) return true;
      await dashboard.keyboard.press("ArrowLeft");
      return false;
    });
    assert.equal(await dashboard.locator(".chart img").count(), 0);
    await dashboard.locator("[data-part=last-minutes] summary").click();
    await until("the table has it", () => dashboard.locator(".minute-note", { hasText: "v2 <img" }).isVisible());
    const { id } = await answer.json();
    assert.equal((await owner.request.post(`${program.url}/api/watchfire/sites/${site}/saved/${id}/remove`, { data: {} })).status(), 204);
  });

  test("offline and back online, everything arrives and each hit counts once", async () => {
    const context = await visitor(browser);
    const page = await context.newPage();
    await page.goto(`${customer.url}/before`);
    await open();
    // Somebody of before may be here yet: their own page is what has to be counted.
    await until("they are here", () => shows("/before"));
    const before = await pageviews();
    await context.setOffline(true);
    for (const path of ["/dark-1", "/dark-2", "/dark-3"]) {
      await page.evaluate((path) => history.pushState({}, "", path), path);
      await page.waitForTimeout(300);
    }
    assert.equal(await pageviews(), before, "nothing arrives while offline");
    await context.setOffline(false);
    await until("the page of the tunnel's end is shown", () => shows("/dark-3"), 30_000);
    await until("all three pageviews are counted", async () => (await pageviews()) === before + 3, 30_000);
    await context.close();
  });

  /** Pageviews in the last 30 minutes, as the hub tells them. */
  async function pageviews() {
    const answer = await owner.request.get(`${program.url}/api/watchfire/live/now?topic=site/${site}/live`);
    const shown = await answer.json();
    const data = shown.data ?? shown.snapshot.data;
    return data.minutes.reduce((sum, minute) => sum + minute.pageviews, 0);
  }

  test("the dashboard says when the connection is lost, and recovers by itself after kill -9", async () => {
    await open();
    await program.kill();
    await until("it says that the connection is lost", () => dashboard.getByText(/reconnecting|connection lost/i).first().isVisible());
    await program.run();
    await until("it is live again", () => dashboard.locator("[data-state=live]").count(), 30_000);
    assert.equal(await dashboard.getByText(/reconnecting|connection lost/i).first().isVisible(), false);
  });

  test("the demo shop makes its visitor appear, and signing in again works", async () => {
    const context = await visitor(browser);
    const shop = await context.newPage();
    const response = await shop.goto(`${program.url}/demo/${site}/`);
    assert.equal(response.status(), 200);
    await open();
    await until("the demo's visitor is shown", () => shows(`/demo/${site}/`), 10_000);
    await context.close();

    const again = await browser.newContext();
    const page = await again.newPage();
    await page.goto(`${program.url}/sites/${site}`);
    await page.waitForURL(/\/sign-in/);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password").fill(OWNER.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${program.url}/sites/${site}`);
    await again.close();
  });

  test("what was seen is in the tail, each hit once", async () => {
    const tail = await size.lastly(program, site, 12);
    // first, tea, tea/assam, one…four, before, dark-1…3, the demo shop
    assert.equal(tail.all.pageviews, 12);
    assert.ok(tail.all.hits >= tail.all.pageviews);
  });
});
