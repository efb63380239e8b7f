// A customer shows their screen to the agents, in real Chromium: by their own click alone, straight from browser to browser, visibly, until anybody ends
// it; and a picture of it that they look at before it goes.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { accessible } from "./axe.mjs";
import { CustomerSite, invite, launch, setUp, start, until, visitor } from "./program.mjs";

/** The customer's page, as Chromium chooses it where a person would. */
const TITLE = "Page /green";
const GREEN = 'lang="en" style="background:#00a040"';
/** Who is not heard for so long looks no more (`HEARD_MS`), and a moment. */
const LEASE_MS = 25_000;
const USERS = { bea: { name: "Bea Builder", email: "bea@watchfire.example", password: "correct horse battery" }, vera: { name: "Vera Viewer", email: "vera@watchfire.example", password: "correct horse battery" } };

let program, browser, owner, olive, bea, vera, site, shop, ann, errors;

/** A browser of somebody of the team, whose pages must stay free of errors. */
async function person() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  return page;
}

async function ask(page, path, data) {
  const answer = data === undefined
    ? await page.context().request.get(program.url + path)
    : await page.context().request.post(program.url + path, { data, headers: { origin: program.url } });
  return { status: answer.status(), told: await answer.json().catch(() => null) };
}

before(async () => {
  errors = [];
  program = await start();
  browser = await launch({ flags: [`--auto-select-tab-capture-source-by-title=${TITLE}`] });
  owner = await person();
  site = await setUp(owner, program);
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "" };
  await owner.context().request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url } });
  [olive, bea, vera] = [owner, await person(), await person()];
  await invite({ context: owner.context() }, bea, program, site, USERS.bea, "agent");
  await invite({ context: owner.context() }, vera, program, site, USERS.vera, "viewer");
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: GREEN, body: "<main><h1>Tea</h1></main>" });
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});
beforeEach(async () => {
  const context = await visitor(browser, { viewport: { width: 1280, height: 860 } });
  ann = await context.newPage();
  ann.on("pageerror", (error) => errors.push(String(error)));
});
afterEach(async () => {
  await ann.context().close();
  for (const page of [olive, bea]) await page.goto("about:blank");
  assert.deepEqual(errors, []);
});

const launcher = () => ann.locator("watchfire-chat .launcher");
const panel = () => ann.frameLocator("watchfire-chat iframe");
const bar = () => panel().locator(".screen-bar");
const video = (page) => page.locator(".talk-screen video");
const words = (page) => page.locator(".talk-screen [role=status]");

async function openChat() {
  await launcher().click();
  await panel().getByRole("textbox", { name: "Message" }).waitFor();
}
/** The customer says something on the green page; the room. */
async function begun(text = "It looks odd here") {
  await ann.goto(`${shop.url}/green`);
  await launcher().waitFor();
  await openChat();
  await panel().getByRole("textbox", { name: "Message" }).fill(text);
  await panel().getByRole("button", { name: "Send", exact: true }).click();
  await panel().locator(".own:not(.pending)", { hasText: text }).waitFor();
  const { told } = await ask(olive, `/api/watchfire/sites/${site}/conversations?folder=all`);
  return told.conversations[0].room;
}
async function look(page, room) {
  await page.goto(`${program.url}/sites/${site}/inbox/${room}`);
  await page.locator(".inbox[data-state=open]").waitFor();
  await page.locator(".talk-body[data-state=there]").waitFor();
}
async function show() {
  await panel().getByRole("button", { name: "Your screen" }).click();
  await panel().getByRole("button", { name: "Show the screen live" }).click();
  await bar().waitFor();
}
/** Looks at what the customer shows by themselves. */
const watch = (page) => page.getByRole("button", { name: "Look at it" }).click();
/** What the agent sees of it: how large, and the colour at its edge. */
const seen = (page) => video(page).evaluate((shown) => {
  if (!shown.videoWidth) return null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [shown.videoWidth, shown.videoHeight];
  const on = canvas.getContext("2d");
  on.drawImage(shown, 0, 0);
  const [red, green, blue] = on.getImageData(20, canvas.height >> 1, 1, 1).data;
  return { width: canvas.width, red, green, blue };
});
const isGreen = (page) => until("the customer's green page is seen", async () => {
  const { width = 0, red = 0, green = 0, blue = 0 } = (await seen(page)) ?? {};
  return width > 100 && green > 120 && red < 60 && blue < 120;
});
const isOver = async (page, ms) => until("nothing is shown any more", async () => !(await video(page).isVisible()) && (await video(page).evaluate(({ srcObject }) => srcObject === null)), ms);
const captures = () => panel().locator("body").evaluate(() => window.tracks.map(({ readyState }) => readyState));
/** From then on the panel tells what it was given of the screen. */
const noted = () => panel().locator("body").evaluate(() => {
  window.tracks = [];
  const given = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getDisplayMedia = async (wanted) => {
    const stream = await given(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
});

test("an agent asks, the customer shows by a click, and either side ends it", async () => {
  const room = await begun();
  await noted();
  await look(olive, room);
  await olive.getByRole("button", { name: "Screen" }).click();
  await words(olive).getByText("You asked").waitFor();
  await panel().getByText("The Shop asks to see your screen").waitFor();
  assert.deepEqual(await captures(), [], "nothing is taken before they click");
  await panel().locator(".card").getByRole("button", { name: "Show the screen live" }).click();
  await bar().getByText("Your screen is shown live").waitFor();
  await isGreen(olive);
  assert.match(await words(olive).innerText(), /shows their screen$/);
  assert.equal(await panel().locator(".card", { hasText: "asks to see" }).count(), 0);
  await accessible(olive, "a screen that is shown");
  await bar().getByRole("button", { name: "Stop" }).click();
  await isOver(olive);
  assert.deepEqual(await captures(), ["ended"]);
  assert.equal(await bar().isVisible(), false);

  await show();
  await watch(olive);
  await isGreen(olive);
  await olive.locator(".talk-screen").getByRole("button", { name: "Stop" }).click();
  await until("the customer's browser takes nothing any more", async () => (await captures()).every((state) => state === "ended"));
  assert.equal(await bar().isVisible(), false);
  await isOver(olive);
});

test("the customer may say no", async () => {
  const room = await begun();
  await look(olive, room);
  await olive.getByRole("button", { name: "Screen" }).click();
  await panel().locator(".card", { hasText: "asks to see your screen" }).getByRole("button", { name: "Not now" }).click();
  await words(olive).getByText("would rather not").waitFor();
  assert.equal(await panel().locator(".card", { hasText: "asks to see" }).count(), 0);
  await olive.getByRole("button", { name: "Close this" }).click();
  assert.equal(await olive.locator(".talk-screen").isVisible(), false);
});

test("minimised, the button says that it is shown; it ends with the conversation, and with the page", async () => {
  const room = await begun();
  await noted();
  await look(olive, room);
  await show();
  await watch(olive);
  await isGreen(olive);
  await ann.keyboard.press("Escape");
  const teaser = ann.locator("watchfire-chat .teaser");
  await teaser.getByText("Your screen is shown live").waitFor();
  assert.equal(await ann.locator("watchfire-chat .launcher b").innerText(), "●");
  assert.match(await launcher().getAttribute("aria-label"), /Your screen is shown live/);
  await isGreen(olive);
  await teaser.click();
  await bar().waitFor();

  await ask(olive, `/api/watchfire/sites/${site}/conversations/${room}`, { close: true });
  await until("the browser takes nothing any more", async () => (await captures()).every((state) => state === "ended"));
  await isOver(olive);
  await panel().getByRole("textbox", { name: "Message" }).fill("One more thing");
  await panel().getByRole("textbox", { name: "Message" }).press("Enter");
  await panel().locator(".own:not(.pending)", { hasText: "One more thing" }).waitFor();
  await until("it is open again", () => panel().locator(".closed").count().then((count) => count === 0));
  await show();
  await watch(olive);
  await isGreen(olive);
  await ann.goto("about:blank");
  await isOver(olive);
});

test("who comes later sees it as well; whose right is taken sees it no more; nobody else is heard", async () => {
  const room = await begun();
  await noted();
  await look(olive, room);
  await show();
  await watch(olive);
  await isGreen(olive);
  await look(bea, room);
  await watch(bea);
  await isGreen(bea);

  const other = await visitor(browser);
  const page = await other.newPage();
  const secret = `wfc_${"z".repeat(43)}`;
  const as = (headers, data, path = `/api/watchfire/rooms/${room}/screen`) => page.request.post(program.url + path, { headers, data });
  const begins = await as({ authorization: `Bearer ${secret}` }, { id: "0".repeat(31) + "5", body: "Let me see" }, `/api/watchfire/chat/${site}/conversations`);
  assert.equal(begins.status(), 201);
  const { told: me } = await ask(olive, "/api/watchfire/rooms/" + room);
  for (const what of ["asks", "watches", "shows", "ends", "offer", "candidate"]) {
    const signal = { what, showing: "0", link: "0", to: me.you.who };
    assert.equal((await as({ authorization: `Bearer ${secret}` }, signal)).status(), 404, `another customer: ${what}`);
    assert.equal((await as({}, signal)).status(), 401, `a stranger: ${what}`);
    assert.equal((await ask(vera, `/api/watchfire/rooms/${room}/screen`, signal)).status, 404, `a viewer: ${what}`);
  }
  await other.close();
  await isGreen(olive);

  const beas = (await ask(bea, "/api/watchfire/rooms/" + room)).told.you.who;
  const removed = await olive.context().request.post(`${program.url}/sites/${site}/people/${beas}/remove`, { headers: { origin: program.url } });
  assert.ok(removed.ok());
  await isOver(bea, LEASE_MS);
  await isGreen(olive);
  assert.deepEqual(await captures(), ["live"]);
});

test("a picture of the screen is looked at before it goes, and goes with a message", async () => {
  const room = await begun();
  await noted();
  const take = async () => {
    await panel().getByRole("button", { name: "Your screen" }).click();
    await panel().getByRole("button", { name: "Attach a picture of the screen" }).click();
    await panel().locator(".consent img").waitFor();
  };
  const sent = [];
  ann.on("request", (request) => request.url().includes("/files") && sent.push(request.url()));
  await take();
  assert.deepEqual(await captures(), ["ended"], "one picture was taken");
  await panel().getByRole("button", { name: "Discard" }).click();
  await take();
  assert.deepEqual(sent, [], "nothing goes before they say so");
  await panel().getByRole("button", { name: "Attach", exact: true }).click();
  await panel().locator(".upload.sent", { hasText: "screen.png" }).waitFor();
  await panel().getByRole("textbox", { name: "Message" }).fill("See the corner");
  await panel().getByRole("textbox", { name: "Message" }).press("Enter");
  await panel().locator(".own:not(.pending)", { hasText: "See the corner" }).waitFor();
  const { told } = await ask(olive, `/api/watchfire/rooms/${room}/messages`);
  const [picture] = told.messages.at(-1).files;
  assert.equal(picture.name, "screen.png");
  assert.ok(picture.picture.width > 100, JSON.stringify(picture));
});
