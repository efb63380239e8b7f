// The reports page in real Chromium: its numbers are the API's, and everything that narrows it stands in the address.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Program, setUp, until } from "./program.mjs";

const DAY = 86_400_000;
const HOSTILE = `<img src=x onerror="window.hacked=1">"'& مرحبا`;
const AGENTS = {
  firefox: "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
  chrome: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  safari: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
};
const METRICS = ["visitors", "visits", "pageviews", "views-a-visit", "bounce-rate", "visit-duration", "engaged-time", "scroll-depth"];

let program, browser, owner, page, site, share, errors;

before(async () => {
  program = await Program.start();
  browser = await launch();
  owner = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "Europe/Paris" });
  page = await owner.newPage();
  errors = watched(page);
  site = await setUp(page, program, "shop.example");
  await page.goto(`${program.url}/sites/${site}/people`);
  await page.locator(`form[action$="/shares"] input[name=name]`).fill("For everybody");
  await page.locator(`form[action$="/shares"] button`).click();
  share = (await page.content()).match(/\/share\/[a-z0-9]+/)[0];
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

function watched(tab) {
  const found = [];
  tab.on("pageerror", (error) => found.push(String(error)));
  tab.on("console", (message) => message.type() === "error" && found.push(message.text()));
  return found;
}

const id = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A visit: pages a minute apart, an event after them. */
async function visit(agent, began, paths, { referrer, event } = {}) {
  const hits = paths.map((path, index) => ({
    id: id(), kind: "pageview", at: began + index * 60_000, url: `https://shop.example${encodeURI(path)}`, title: `Page ${path}`,
    ...(index === 0 && referrer ? { referrer } : {}),
  }));
  const at = began + paths.length * 60_000;
  hits.push({ id: id(), kind: "leave", at: at - 1_000, url: hits.at(-1).url, pageview: hits.at(-1).id, engaged: 42_000, scroll: 80 });
  if (event) hits.push({ id: id(), kind: "event", at: at - 2_000, url: hits.at(-1).url, name: event, props: { url: "https://elsewhere.example/" } });
  const answer = await fetch(`${program.url}/v1/hits`, {
    method: "POST", headers: { "user-agent": AGENTS[agent] }, body: JSON.stringify({ site, sent: Date.now(), hits }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

const reports = (search = "") => `${program.url}/sites/${site}/reports${search}`;

async function open(search = "", tab = page) {
  await tab.goto(reports(search));
  await ready(tab);
}

const ready = (tab = page) => tab.locator("[data-reports][data-state=ready]:not([data-busy])").waitFor();

async function ask(question) {
  const { found: answer } = await until("the server has time", async () => {
    const told = await owner.request.post(`${program.url}/api/watchfire/sites/${site}/reports`, { data: question });
    return told.status() !== 429 && told;
  });
  assert.equal(answer.status(), 200, await answer.text());
  return answer.json();
}

const headline = (more = {}) => ask({ kind: "breakdown", range: "28d", metrics: METRICS, ...more });
const tile = (metric, tab = page) => tab.locator(`[data-metric="${metric}"] .tile-value`).innerText();
const rowsOf = async (panel, tab = page) => {
  const rows = await tab.locator(`[data-panel="${panel}"] .bar-row`).all();
  return Promise.all(rows.map(async (row) => [await row.locator(".bar-name").innerText(), await row.locator(".bar-count").innerText()]));
};
const clock = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
const percent = (share) => `${new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(share * 100)}%`;

/** What the tiles must say of the API's totals. */
const told = (totals) => ({
  visitors: String(totals.visitors),
  visits: String(totals.visits),
  pageviews: String(totals.pageviews),
  "views-a-visit": new Intl.NumberFormat("en", { maximumFractionDigits: 2 }).format(totals["views-a-visit"]),
  "bounce-rate": percent(totals["bounce-rate"]),
  "visit-duration": clock(totals["visit-duration"]),
  "engaged-time": clock(totals.visits ? totals["engaged-time"] / totals.visits : 0),
  "scroll-depth": percent(totals["scroll-depth"]),
});
const shown = async (tab = page) => Object.fromEntries(await Promise.all(METRICS.map(async (metric) => [metric, await tile(metric, tab)])));

test("a site without a hit says what to do next, and counts nothing", async () => {
  await open();
  assert.ok(await page.getByText("Nothing is counted yet.").isVisible());
  assert.equal(await page.getByRole("link", { name: "Get the tag" }).getAttribute("href"), `/sites/${site}/tag`);
  assert.equal(await tile("visitors"), "0");
  assert.deepEqual(await rowsOf("pages"), []);
});

test("the numbers are the API's, and what was sent", async () => {
  const now = Date.now();
  await visit("firefox", now - 3 * DAY, ["/", "/teas", "/teas/assam"], { referrer: "https://www.google.com/", event: "add-to-cart" });
  await visit("chrome", now - 3 * DAY + 600_000, ["/teas"]);
  await visit("safari", now - 10 * DAY, ["/", "/about"], { referrer: "https://news.ycombinator.com/" });
  await visit("firefox", now - 40 * DAY, ["/"]);
  await visit("chrome", now - 40 * DAY, ["/teas", "/about"]);
  await until("everything sent is counted", async () => (await ask({ kind: "breakdown", range: "90d" })).totals.pageviews === 9);
  await open();
  const answer = await headline({ by: ["page"], compare: "previous" });
  assert.equal(answer.totals.pageviews, 6);
  assert.equal(answer.totals.visits, 3);
  assert.equal(answer.before.totals.pageviews, 3);
  assert.deepEqual(await shown(), told(answer.totals));
  assert.equal(await page.locator(`[data-metric="pageviews"] .tile-change`).innerText(), "+100%");
  assert.deepEqual(await rowsOf("pages"), answer.rows.map((row) => [row.key[0], String(row.values.visitors)]));
  const days = await headline({ bucket: "day" });
  await page.getByText("As a table").click();
  await page.locator(`[data-metric="pageviews"] .tile-button`).click();
  await until("the table is of pageviews", async () => (await page.locator("[data-part=table-head] th").nth(1).innerText()) === "Pageviews");
  const cells = await page.locator("[data-part=table-body] tr > :nth-child(2)").allInnerTexts();
  assert.deepEqual(cells, days.series.pageviews.map(String));
  assert.equal(cells.length, 28);
});

test("a press on a row narrows everything; chip, address, reload and back agree", async () => {
  await open();
  const all = await shown();
  await page.locator(`[data-panel="pages"] .bar-row`, { hasText: "/teas/assam" }).click();
  await page.waitForURL(/page\.is=\/teas\/assam/);
  const filter = { is: { by: "page", values: ["/teas/assam"] } };
  const narrowed = told((await headline({ filter })).totals);
  await until("the tiles are narrowed", async () => (await tile("pageviews")) === narrowed.pageviews);
  assert.deepEqual(await shown(), narrowed);
  assert.match(await page.locator(".split-chip").innerText(), /Page is\s+\/teas\/assam/);
  assert.equal(await page.locator(`[data-panel="pages"] .bar-row[aria-pressed=true] .bar-name`).innerText(), "/teas/assam");

  await page.reload();
  await ready();
  assert.deepEqual(await shown(), narrowed);
  await page.locator(`[data-panel="devices"] .bar-row`).first().click();
  await until("two chips", async () => (await page.locator(".split-chip").count()) === 2);
  await page.goBack();
  await until("one chip again", async () => (await page.locator(".split-chip").count()) === 1);
  await page.getByRole("button", { name: /^Remove: Page is/ }).click();
  await until("nothing is narrowed", async () => (await tile("pageviews")) === all.pageviews);
  assert.equal(new URL(page.url()).search, "");
});

test("the filter dialog proposes values and says is not, contains and matches as the API does", async () => {
  await open();
  await page.keyboard.press("f");
  const dialog = page.locator("dialog[open]");
  await dialog.getByLabel("Dimension").selectOption("page");
  await dialog.getByLabel("How it is held").selectOption("not");
  await dialog.getByLabel("Value", { exact: true }).fill("ABOUT");
  await until("one value is proposed", async () => (await dialog.locator(".proposals .bar-name").allInnerTexts()).join() === "/about");
  await dialog.locator(".proposals button").first().click();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/page\.not=\/about/);
  const expected = told((await headline({ filter: { not: { is: { by: "page", values: ["/about"] } } } })).totals);
  await until("it is narrowed", async () => (await tile("pageviews")) === expected.pageviews);
  assert.deepEqual(await shown(), expected);

  await page.locator(".chip-edit").click();
  await dialog.getByLabel("How it is held").selectOption("matches");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByLabel("Value", { exact: true }).fill("^/teas(/|$)");
  await page.keyboard.press("Enter");
  const matching = told((await headline({ filter: { matches: { by: "page", pattern: "^/teas(/|$)" } } })).totals);
  await until("it matches", async () => (await tile("pageviews")) === matching.pageviews);
  assert.equal(matching.pageviews, "3");
});

test("a pattern that is none is told, and the page goes on", async () => {
  await open();
  await page.goto(reports("?page.matches=("));
  await page.locator("[data-part=trouble]").waitFor();
  assert.match(await page.locator("[data-part=trouble-text]").innerText(), /pattern/);
  await page.getByRole("button", { name: /^Remove: Page matches/ }).click();
  await ready();
  await page.locator("[data-part=trouble]").waitFor({ state: "hidden" });
});

test("the date picker takes any days, by press and by key", async () => {
  await open();
  await page.getByRole("button", { name: "Last 28 days" }).click();
  const dialog = page.locator("dialog[open]");
  const [first, last] = [40, 10].map((days) => new Date(Date.now() - days * DAY).toLocaleDateString("en-CA", { timeZone: "Europe/Paris" }));
  await dialog.getByLabel("First day").fill(first);
  await dialog.getByLabel("Last day").fill(last);
  await dialog.getByRole("button", { name: "Show these days" }).click();
  await page.waitForURL((url) => url.search === `?range=${first}..${last}`);
  const chosen = told((await headline({ range: { from: first, to: last } })).totals);
  await until("the days are shown", async () => (await tile("pageviews")) === chosen.pageviews);
  assert.deepEqual(await shown(), chosen);
  assert.equal(chosen.pageviews, "5");

  await page.keyboard.press("c");
  await dialog.locator(`[data-date="${last}"]`).click();
  await dialog.locator(`[data-date="${last}"]`).click();
  await dialog.getByRole("button", { name: "Show these days" }).click();
  await page.waitForURL((url) => url.search === `?range=${last}..${last}`);
  await until("one day is shown by the hour", async () => (await page.locator("[data-part=unit]").inputValue()) === "hour");
});

test("everything goes by keyboard", async () => {
  await open();
  await page.keyboard.press("q");
  await page.waitForURL(/range=90d/);
  await ready();
  assert.equal(await page.locator("[data-part=range-name]").innerText(), "Last 90 days");
  await page.keyboard.press("2");
  await page.waitForURL(/metric=visits/);
  await page.keyboard.press("x");
  await page.waitForURL(/compare=none/);
  await page.keyboard.press("b");
  await page.waitForURL(/bots=1/);
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/range=\d{4}-\d\d-\d\d\.\./);
  await page.keyboard.press("?");
  assert.ok(await page.getByRole("heading", { name: "Keyboard shortcuts" }).isVisible());
  await page.keyboard.press("Escape");
  await page.keyboard.press("w");
  await page.waitForURL(/range=7d/);
  await ready();
  await until("the last day is read", async () => {
    // The chart may just then be drawn anew.
    await page.locator("[data-part=chart]").focus();
    await page.keyboard.press("End");
    return /so far$/.test(await page.locator("[data-part=readout]").innerText());
  });
  await page.keyboard.press("ArrowLeft");
  await until("the day before is read", async () => /Visits: \d+$/.test(await page.locator("[data-part=readout]").innerText()));
  assert.match(page.url(), /range=7d/, "the chart's own arrows move no range");
});

test("a panel exports what it shows", async () => {
  await open();
  const csv = await page.getByRole("link", { name: "Pages as CSV" }).getAttribute("href");
  const told = await owner.request.get(program.url + csv);
  assert.equal(told.status(), 200, await told.text());
  assert.match(told.headers()["content-type"], /^text\/csv/);
  const lines = (await told.text()).trim().split(/\r?\n/);
  const rows = await rowsOf("pages");
  assert.match(lines[0], /^page,visitors/);
  assert.deepEqual(lines.slice(1).map((line) => line.split(",").slice(0, 2)), rows);
  const json = await owner.request.get(program.url + (await page.getByRole("link", { name: "Pages as JSON" }).getAttribute("href")));
  assert.deepEqual((await json.json()).rows.map((row) => [row.key[0], String(row.values.visitors)]), rows);
});

test("a panel in full is sought, sorted and narrows", async () => {
  for (const path of Array.from({ length: 12 }, (_, index) => `/shelf/${index}`)) await visit("chrome", Date.now() - 2 * DAY, [path]);
  await until("all are counted", async () => (await ask({ kind: "breakdown", range: "28d", by: ["page"] })).groups === 16);
  await open();
  await page.getByRole("button", { name: "Show all 16" }).click();
  const dialog = page.locator("dialog[open]");
  await until("all are listed", async () => (await dialog.locator("tbody tr").count()) === 16);
  await dialog.getByRole("button", { name: "Pageviews" }).click();
  const sorted = await ask({ kind: "breakdown", range: "28d", by: ["page"], sort: { by: "pageviews" }, limit: 100 });
  await until("they are sorted", async () => (await dialog.locator("tbody .bar-name").allInnerTexts()).join() === sorted.rows.map((row) => row.key[0]).join());
  await dialog.getByLabel("Search").fill("SHELF/1");
  await until("three are found", async () => (await dialog.locator("tbody .bar-name").allInnerTexts()).sort().join() === "/shelf/1,/shelf/10,/shelf/11");
  await dialog.getByRole("button", { name: "/shelf/10" }).click();
  await page.waitForURL(/page\.is=\/shelf\/10/);
  await until("it is narrowed", async () => (await tile("pageviews")) === "1");
});

test("tabs stay in the address, and every tab has an answer", async () => {
  await open();
  for (const panel of ["pages", "sources", "places", "devices", "events"]) {
    const tabs = page.locator(`[data-panel="${panel}"] [role=tab]`);
    for (let index = 1; index < (await tabs.count()); index += 1) {
      await tabs.nth(index).click();
      await page.waitForURL(new RegExp(`[?&]${panel}=${await tabs.nth(index).getAttribute("data-tab")}`));
      await ready();
      assert.equal(await page.locator(`[data-panel="${panel}"] .nothing button`).count(), 0, `${panel} ${index} has trouble`);
    }
  }
  await page.reload();
  await ready();
  assert.equal(await page.locator(`[data-panel="sources"] [role=tab][aria-selected=true]`).getAttribute("data-tab"), "content");
});

test("a funnel of a page and an event", async () => {
  await open(`?behaviour=funnel&step=${encodeURIComponent("page.is=/")}&step=${encodeURIComponent("event.is=add-to-cart")}`);
  const answer = await ask({
    kind: "funnel", range: "28d", window_ms: DAY, steps: [{ is: { by: "page", values: ["/"] } }, { is: { by: "event", values: ["add-to-cart"] } }],
  });
  await until("the funnel is drawn", async () => (await page.locator(".funnel-step strong").allInnerTexts()).join() === answer.steps.map((step) => step.visitors).join());
  assert.deepEqual(answer.steps.map((step) => step.visitors), [2, 1]);
});

test("retention and journeys are the API's", async () => {
  await open("?behaviour=retention&cohort=day");
  const { cohorts } = await ask({ kind: "retention", range: "28d", unit: "day", periods: 8 });
  const seen = cohorts.filter((cohort) => cohort.visitors > 0);
  assert.ok(seen.length > 0);
  await until("every cohort is drawn", async () => (await page.locator(".retention tbody tr").count()) === seen.length);
  const drawn = await page.locator(".retention tbody tr > :nth-child(2)").allInnerTexts();
  assert.deepEqual(drawn, seen.map((cohort) => String(cohort.visitors)));

  await page.getByRole("tab", { name: "Journeys" }).click();
  await page.waitForURL(/behaviour=journeys/);
  const { tree } = await ask({ kind: "journeys", range: "28d", direction: "next", depth: 3, limit: 4 });
  const top = page.locator("[data-panel=behaviour] .behaviour-stage > .journey > li > .bar-row");
  await until("the ways are drawn", async () => (await top.locator(".bar-name").allInnerTexts()).join() === tree.map((branch) => branch.page).join());
  assert.deepEqual(await top.locator(".bar-count").allInnerTexts(), tree.map((branch) => String(branch.visits)));
  await top.first().click();
  await page.waitForURL(/start=\//);
});

test("goals, segments, funnels and notes are saved, shown again, and removed", async () => {
  await open();
  const dialog = page.locator("dialog[open]");
  await page.getByRole("button", { name: "Add a goal" }).click();
  await dialog.getByLabel("Dimension").selectOption("event");
  await dialog.getByLabel("Value", { exact: true }).fill("add-to-cart");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await dialog.getByLabel("Name of the goal").fill("Filled <b>carts</b>");
  await dialog.getByRole("button", { name: "Save" }).click();
  const goal = { is: { by: "event", values: ["add-to-cart"] } };
  const { totals } = await ask({ kind: "breakdown", range: "28d", metrics: ["converted", "conversions", "conversion-rate"], goal });
  const row = page.locator(".goals tbody tr", { hasText: "Filled <b>carts</b>" });
  await row.waitFor();
  assert.deepEqual((await row.locator("td").allInnerTexts()).slice(0, 3), [String(totals.converted), String(totals.conversions), percent(totals["conversion-rate"])]);

  await open("?page.starts=/teas");
  await page.getByRole("button", { name: "Segments" }).click();
  await dialog.getByLabel("Name of the segment").fill("Tea readers");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/segment=/);
  const expected = told((await headline({ filter: { starts: { by: "page", values: ["/teas"] } } })).totals);
  await page.reload();
  await ready();
  assert.deepEqual(await shown(), expected);
  await page.getByRole("button", { name: "Leave the segment Tea readers" }).click();
  await until("the whole site is shown", async () => (await tile("pageviews")) !== expected.pageviews);

  await page.getByRole("button", { name: "Note" }).click();
  await dialog.getByLabel("What happened").fill("A sale began");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.locator(".note-mark").click();
  await dialog.getByText("A sale began").waitFor();
  await dialog.getByRole("button", { name: "Remove A sale began" }).click();
  await until("the mark is gone", async () => (await page.locator(".note-mark").count()) === 0);

  await open(`?behaviour=funnel&step=${encodeURIComponent("page.is=/")}&step=${encodeURIComponent("page.starts=/teas")}&window=7d`);
  await page.locator(".behaviour-controls").getByRole("button", { name: "Save" }).click();
  await dialog.getByLabel("Name of the funnel").fill("To the teas");
  await dialog.getByRole("button", { name: "Save" }).click();
  await open("?behaviour=funnel");
  await page.getByLabel("Saved funnels").selectOption({ label: "To the teas" });
  await page.waitForURL(/step=page\.starts/);
  await until("its steps are drawn", async () => (await page.locator(".funnel-step").count()) === 2);
});

test("hostile names are text, wherever they stand", async () => {
  await visit("firefox", Date.now() - DAY, [`/${HOSTILE}`], { event: "<script>window.hacked=1</script>" });
  await until("it is counted", async () => (await ask({ kind: "breakdown", range: "28d" })).totals.pageviews === 19);
  await open(`?page.contains=${encodeURIComponent("<img")}&source.not=${encodeURIComponent(HOSTILE)}&pages=title&prop=${encodeURIComponent("<b>x")}&events=prop`);
  assert.equal(await page.locator(".split-chip").count(), 2);
  await open();
  await until("addresses are read as letters", async () => (await rowsOf("pages")).some(([name]) => name.includes(HOSTILE)));
  assert.ok((await page.locator(`[data-panel="events"]`).innerText()).includes("<script>window.hacked=1</script>"));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("[data-reports] img").count(), 0);
});

test("a new choice gives up the request under way; a failure is told and mended by a press", async () => {
  await open();
  const url = "**/api/watchfire/sites/*/reports";
  let release;
  const held = new Promise((resolve) => (release = resolve));
  let first = true;
  await page.route(url, async (route) => {
    if (!first) return route.continue();
    first = false;
    await held;
    await route.continue().catch(() => undefined);
  });
  const gaveUp = page.waitForEvent("requestfailed", (request) => request.url().includes("/reports"));
  await page.keyboard.press("t");
  await page.locator("[data-part=progress]").waitFor({ state: "visible" });
  await page.keyboard.press("q");
  await gaveUp;
  release();
  const expected = told((await headline({ range: "90d" })).totals);
  await until("the second choice is shown", async () => (await tile("pageviews")) === expected.pageviews);
  await page.unroute(url);
  assert.deepEqual(errors, []);

  await page.route(url, (route) => route.fulfill({ status: 503, contentType: "application/json", body: `{"error":{"code":"too_long","message":"The report took longer than one may."}}` }));
  await page.keyboard.press("y");
  await page.getByText("The report took longer than one may.").waitFor();
  await page.unroute(url);
  await page.getByRole("button", { name: "Try again" }).first().click();
  await page.locator("[data-part=trouble]").waitFor({ state: "hidden" });
  errors.length = 0;
});

test("the share link shows the same numbers to whoever has it", async () => {
  const stranger = await browser.newContext();
  const tab = await stranger.newPage();
  const found = watched(tab);
  await tab.goto(`${program.url}${share}`);
  await tab.getByRole("link", { name: "Reports" }).click();
  await ready(tab);
  assert.deepEqual(await shown(tab), told((await headline()).totals));
  const csv = await tab.getByRole("link", { name: "Pages as CSV" }).getAttribute("href");
  assert.equal((await stranger.request.get(program.url + csv)).status(), 200);
  assert.deepEqual(found, []);
  await stranger.close();
});

test("live and reports are one product", async () => {
  await open();
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Live" }).click();
  await page.locator("[data-state=live]").first().waitFor();
  await page.getByRole("navigation", { name: "Site" }).getByRole("link", { name: "Reports" }).click();
  await ready();
  assert.deepEqual(errors, []);
});
