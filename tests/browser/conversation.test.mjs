// A conversation from its first words to its stars, in real Chromium on both sides: the chat on a page of another origin under a strict policy, the inbox
// of an agent; both pages are loaded anew in the midst. And who the page says its visitor is: proven, claimed, or wrong.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { CustomerSite, launch, setUp, start, visitor } from "./program.mjs";

let program, browser, olive, site, shop, secret, errors;

before(async () => {
  errors = [];
  program = await start();
  browser = await launch();
  olive = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  olive.on("pageerror", (error) => errors.push(String(error)));
  site = await setUp(olive, program);
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "" };
  await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url } });
  const settings = await (await olive.request.get(`${program.url}/sites/${site}/chat`)).text();
  [, secret] = settings.match(/id="secret">([0-9a-f]{64})</);
  const policy = `default-src 'none'; script-src ${program.url}; connect-src ${program.url}; frame-src ${program.url}; style-src 'self'; require-trusted-types-for 'script'`;
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: 'lang="en"', body: "<main><h1>Tea</h1></main>", headers: { "content-security-policy": policy } });
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});
afterEach(() => assert.deepEqual(errors, []));

/** Somebody's browser on the shop's page, which identifies them or does not. */
async function customer(identity = null) {
  const context = await visitor(browser, { viewport: { width: 1280, height: 860 } });
  await context.addInitScript((identity) => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => console.error(`${violatedDirective} ${blockedURI}`));
    if (identity) (window.watchfireChat = window.watchfireChat || []).push(["identify", identity]);
  }, identity);
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(shop.url);
  await page.locator("watchfire-chat .launcher").click();
  await field(page).waitFor();
  return page;
}
const panel = (page) => page.frameLocator("watchfire-chat iframe");
const field = (page) => panel(page).getByRole("textbox", { name: "Message" });
async function say(page, text) {
  await field(page).fill(text);
  await field(page).press("Enter");
  await panel(page).locator(".own:not(.pending)", { hasText: text }).waitFor();
}
const row = (name) => olive.locator(".inbox-row", { hasText: name });
const message = (text) => olive.locator(".woven .message:not(.pending)", { hasText: text });
async function inbox() {
  await olive.goto(`${program.url}/sites/${site}/inbox`);
  await olive.locator(".inbox[data-state=open]").waitFor();
}
async function there() {
  await olive.locator(".inbox[data-state=open]").waitFor();
  await olive.locator(".talk-body[data-state=there]").waitFor();
}

test("from the first words to the stars, with both pages loaded anew", async () => {
  await inbox();
  const ann = await customer();
  await say(ann, "Is the assam fresh?");
  await olive.locator(".inbox-row", { hasText: "Is the assam fresh?" }).click();
  await there();
  await message("Is the assam fresh?").waitFor();
  await olive.getByLabel("Reply to the customer").fill("It came today.");
  await olive.keyboard.press("Enter");
  await message("It came today.").waitFor();
  await panel(ann).locator(".bubble", { hasText: "It came today." }).waitFor();
  await Promise.all([olive.reload(), ann.reload()]);
  await there();
  await panel(ann).locator(".bubble", { hasText: "It came today." }).waitFor();
  for (const text of ["Is the assam fresh?", "It came today."]) {
    await message(text).waitFor();
    assert.deepEqual([await message(text).count(), await panel(ann).locator(".bubble", { hasText: text }).count()], [1, 1], text);
  }
  await say(ann, "Then I take two.");
  await message("Then I take two.").waitFor();
  await olive.locator(".talk-tools").getByRole("button", { name: "Close", exact: true }).click();
  await panel(ann).getByText("This conversation is closed.").waitFor();
  await panel(ann).getByRole("radio", { name: "4 of 5" }).check({ force: true });
  await panel(ann).getByRole("textbox", { name: "Anything you would like to add?" }).fill("Quick and kind");
  await panel(ann).locator(".card").getByRole("button", { name: "Send" }).click();
  await panel(ann).getByText("Thank you for telling us!").waitFor();
  await olive.locator(".visitor-rating", { hasText: "They rated it 4 of 5" }).waitFor();
  await olive.locator(".inbox-folders a", { hasText: "Closed" }).click();
  await olive.locator(".inbox-row", { hasText: "Then I take two." }).waitFor();
  await say(ann, "One more thing");
  await olive.locator(".inbox-folders a", { hasText: "Open" }).click();
  await olive.locator(".inbox-row", { hasText: "One more thing" }).waitFor();
  await ann.context().close();
});

test("who somebody is is proven by the right hash alone; a wrong one and a missing one are claims", async () => {
  const hash = (id) => createHmac("sha256", secret).update(id).digest("hex");
  for (const [name, identity, proven] of [
    ["Right", { id: "u-1", hash: hash("u-1") }, true],
    ["Wrong", { id: "u-2", hash: hash("u-1") }, false],
    ["Missing", { id: "u-3" }, false],
  ]) {
    await inbox();
    const page = await customer({ ...identity, name: `${name} Hash` });
    await say(page, `I am ${name}`);
    await row(`${name} Hash`).click();
    await there();
    await message(`I am ${name}`).waitFor();
    const words = proven ? "Proven: your site vouches for them" : "Unproven: as they say themselves";
    await olive.getByText(words).waitFor();
    const told = await (await olive.request.get(`${program.url}/api/watchfire/sites/${site}/conversations?folder=all`)).json();
    const found = told.conversations.find((one) => one.name === `${name} Hash`);
    assert.deepEqual([found.identity, found.proven], [identity.id, proven]);
    await page.context().close();
  }
  // Nobody is somebody else by saying so: the proven one's conversation is not among a claimant's earlier ones.
  const liar = await customer({ id: "u-1", hash: hash("u-2"), name: "Liar" });
  await say(liar, "I am the first");
  const { conversations } = await (await olive.request.get(`${program.url}/api/watchfire/sites/${site}/conversations?folder=all`)).json();
  const { room, proven } = conversations.find(({ name }) => name === "Liar");
  assert.equal(proven, false);
  const { earlier } = await (await olive.request.get(`${program.url}/api/watchfire/sites/${site}/conversations/${room}`)).json();
  assert.deepEqual(earlier, []);
  await liar.context().close();
});
