// A customer who begins a conversation while their site is under a flood of them, in real Chromium.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CustomerSite, Program, launch, setUp, visitor } from "./program.mjs";

/** As many as a site has begun without ado (`CALM_BURST`), and those that it lets begin while these are sent. */
const FLOOD = 90;

let program, browser, olive, site, shop;

before(async () => {
  program = await Program.start(undefined, ["--trusted-proxies", "127.0.0.0/8"]);
  browser = await launch();
  olive = await browser.newContext();
  site = await setUp(await olive.newPage(), program);
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "", asks_email: "on" };
  await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url }, maxRedirects: 0 });
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: 'lang="en"' });
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});

function begin(number) {
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer wfc_${String(number).padStart(43, "0")}`,
    "x-forwarded-for": `198.18.${number >> 6}.${number & 63}`,
  };
  const body = JSON.stringify({ id: String(number).padStart(32, "0"), body: "flood" });
  return fetch(`${program.url}/api/watchfire/chat/${site}/conversations`, { method: "POST", headers, body });
}

test("a customer's browser works for a moment, and their message is there", async (t) => {
  const statuses = [];
  for (let number = 0; number < FLOOD; number++) statuses.push((await begin(number)).status);
  // One a second is let in without work, perhaps the last.
  assert.ok(statuses.slice(-10).includes(428), String(statuses));
  let more = FLOOD;
  const going = setInterval(() => void begin(more++).catch(() => {}), 100);
  t.after(() => clearInterval(going));
  // A customer may happen to be that one; the next is not.
  for (let tries = 5; tries > 0; tries--) {
    const asked = await write();
    if (tries > 1 && asked.length === 1) continue;
    assert.deepEqual(asked, [428, 201]);
    break;
  }
});

/** Somebody new writes; what their browser was answered until it was there. */
async function write() {
  const context = await visitor(browser, {});
  const page = await context.newPage();
  const asked = [];
  page.on("response", (answer) => answer.request().method() === "POST" && /\/conversations$/.test(answer.url()) && asked.push(answer.status()));
  await page.goto(shop.url);
  await page.locator("watchfire-chat .launcher").click();
  const frame = page.frameLocator("watchfire-chat iframe");
  await frame.getByRole("textbox", { name: "Message" }).fill("My kettle whistles.");
  await frame.getByRole("textbox", { name: "Message" }).press("Enter");
  await frame.locator(".own:not(.pending)", { hasText: "My kettle whistles." }).waitFor({ timeout: 30_000 });
  await context.close();
  return asked;
}
