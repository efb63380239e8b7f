// Pages that are looked at, in real Chromium: named on their page, seen to go and come again there and in the reports.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Program, launch, setUp, until } from "./program.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Two looks in a row, half a minute apart, on a busy machine. */
const LOOKED_MS = 180_000;

let program, browser, page, site, host, status;

before(async () => {
  status = 200;
  host = createServer((_, answer) => answer.writeHead(status).end("tea"));
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
  program = await Program.start(undefined, ["--bot-hooks", "loopback"]);
  browser = await launch();
  const olive = await browser.newContext();
  page = await olive.newPage();
  site = await setUp(page, program, "127.0.0.1");
});
after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
  host?.closeAllConnections();
  host?.close();
});

/** Not more often than anybody may ask. */
const told = async () => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  const answer = await page.request.get(`${program.url}/api/watchfire/sites/${site}/availability?range=today`);
  return (await answer.json()).pages[0];
};

async function looksGood(name) {
  for (const [width, colorScheme] of [[1440, "light"], [1440, "dark"], [390, "light"], [390, "dark"]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} ${width}: nothing is cut off, nor scrolls aside`);
    await page.evaluate(AXE);
    const found = await page.evaluate(() => axe.run());
    assert.deepEqual(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${name} ${width} ${colorScheme}`);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
  }
}

test("nothing is looked at before a page is named, and only the site's own", async () => {
  await page.goto(`${program.url}/sites/${site}/alerts`);
  await page.getByRole("link", { name: "name it under Availability" }).waitFor();
  assert.equal(await page.locator('option[value="down"], option[value="slow"]').count(), 0);
  await page.goto(`${program.url}/sites/${site}/reports`);
  const panel = page.getByRole("region", { name: "Availability" });
  await panel.getByText("No page is looked at.").waitFor();
  await panel.getByRole("link", { name: "Name pages" }).click();
  await page.getByText("No page is looked at yet.").waitFor();
  await looksGood("availability-empty");
  await page.getByLabel("Address").fill("https://other.example/");
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.getByText("none of the site's hostnames").waitFor();
  assert.equal(await page.getByLabel("Address").inputValue(), "https://other.example/");
  assert.equal(await page.getByLabel("Address").getAttribute("aria-invalid"), "true");
  await looksGood("availability-refused");
  await page.getByLabel("Address").fill(`http://127.0.0.1:${host.address().port}/`);
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.getByText("It is looked at from now on").waitFor();
});

/** What of a form is seen, by its labels. */
const asked = (form) => form.locator("label:visible").evaluateAll((labels) => labels.map((label) => label.textContent.trim()));

test("an alert is about a page that is watched, and its form asks for what that takes", async () => {
  await page.goto(`${program.url}/sites/${site}/alerts`);
  const form = page.locator(".alert-form");
  const kind = form.getByLabel("What it is about");
  await kind.selectOption("visitors");
  assert.ok(!(await asked(form)).includes("Page"));
  await kind.selectOption("slow");
  let labels = await asked(form);
  assert.ok(["Page", "This number", "Minutes"].every((label) => labels.includes(label)) && !labels.includes("It is"), labels.join());
  await looksGood("alerts-slow");
  await kind.selectOption("down");
  labels = await asked(form);
  assert.ok(labels.includes("Page") && !labels.includes("This number") && !labels.includes("Minutes"), labels.join());
  await form.getByLabel("Name", { exact: true }).fill("Front page");
  await form.getByLabel("Page", { exact: true }).selectOption({ label: `http://127.0.0.1:${host.address().port}/` });
  await form.getByRole("button", { name: "Make the alert" }).click();
  await page.getByText(`A watched page is down: http://127.0.0.1:${host.address().port}/`).waitFor();
});

test("a page that goes and comes again is told of", async () => {
  await until("it is up", async () => (await told()).now === "up", LOOKED_MS);
  status = 503;
  await until("it is down", async () => (await told()).now === "down", LOOKED_MS);
  await page.goto(`${program.url}/sites/${site}/availability`);
  await page.getByText("still down").waitFor();
  await looksGood("availability-down");
  await until("the alert says so", async () => {
    await page.goto(`${program.url}/sites/${site}/alerts`);
    return page.getByText("is down: it answered 503.").isVisible();
  }, LOOKED_MS);
  await looksGood("alerts-down");
  status = 200;
  await until("it is up again", async () => (await told()).now === "up", LOOKED_MS);
  await page.goto(`${program.url}/sites/${site}/reports?range=today`);
  const panel = page.getByRole("region", { name: "Availability" });
  await panel.getByText("it answered 503").waitFor();
  assert.match(await panel.textContent(), /took [\d,]+ ms/);
  assert.match(await panel.textContent(), /down in 1 outage/);
  await page.locator(".outage-stretch").waitFor({ state: "attached" });
  await page.getByText("Page down", { exact: true }).waitFor();
  await looksGood("availability-reports");
});
