// Coming back to rooms in real Chromium: where one left off, what a cut line brings, what was read elsewhere, and messages that are led to.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { invite, launch, setUp, start, until } from "./program.mjs";

let program, browser, errors, olive, bob, site;

async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: "Europe/Paris", ...options });
  return { context, page: await pageOf(context) };
}

async function pageOf(context) {
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !/ERR_|WebSocket|status of (401|403|404|409|502)/.test(message.text())) errors.push(message.text());
  });
  return page;
}

before(async () => {
  program = await start();
  browser = await launch();
  errors = [];
  olive = await person();
  site = await setUp(olive.page, program);
  bob = await person();
  await invite(olive, bob.page, program, site, { name: "Bob Builder", email: "bob@watchfire.example", password: "correct horse battery" });
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

const rooms = () => `${program.url}/api/watchfire/rooms`;
const ask = async ({ context }, path) => (await context.request.get(rooms() + path)).json();
const tell = async ({ context }, path, data = {}) => {
  const answer = await context.request.post(rooms() + path, { data, headers: { origin: program.url } });
  assert.ok(answer.ok(), `${path} ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? null : answer.json();
};
const live = (page) => page.locator(".room[data-state=open]").waitFor();
const message = (page, text) => page.locator(".messages-scroll .message:not(.pending)", { hasText: text });
const jump = (page) => page.locator("[data-part=jump]");

/** A room of Olive that Bob is in and read to its end; its id. */
async function opened(name, ...said) {
  const { id } = await tell(olive, "", { site, name });
  await tell(bob, `/${id}/enter`);
  for (const body of said) await tell(olive, `/${id}/messages`, { body });
  const { last } = (await ask(bob, `/${id}`)).room;
  await tell(bob, `/${id}/read`, { number: last });
  return id;
}

async function says(room, ...said) {
  for (const body of said) await tell(olive, `/${room}/messages`, { body });
}

const many = (count, what) => Array.from({ length: count }, (_, index) => `${what} ${index + 1} of ${count}`);
const readTo = async (room) => (await ask(bob, `/${room}`)).you.read;
const isOnScreen = (page, text) => message(page, text).first().evaluate((element) => {
  // It is drawn anew just now.
  if (!element.isConnected) return false;
  const [one, box] = [element.getBoundingClientRect(), element.closest("[data-part=scroll]").getBoundingClientRect()];
  return one.bottom > box.top && one.top < box.bottom;
});

test("more is new than one page holds: a button leads to where one left off, and what was jumped over is not read", async () => {
  const room = await opened("Week", ...many(5, "old"));
  const before = await readTo(room);
  await says(room, ...many(150, "new"));
  const { page } = bob;
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  await jump(page).filter({ hasText: "150 new messages · go to the first" }).waitFor();
  assert.ok(await isOnScreen(page, "new 150 of 150"));
  await accessible(page, "much is new");
  assert.equal(await readTo(room), before);
  await jump(page).click();
  await page.getByText("New since you were here").waitFor();
  await until("the first one is seen", () => isOnScreen(page, "new 1 of 150"));
  await until("what is on the screen is read", async () => (await readTo(room)) > before);
  assert.ok((await readTo(room)) < before + 100);
  await until("the way down is offered", async () => (await jump(page).innerText()) === "New messages");
  await jump(page).click();
  await until("all is read", async () => (await readTo(room)) === before + 150);
  await until("nothing waits", async () => !(await jump(page).isVisible()));
});

test("what is new and does not fit is shown from its beginning, and read as it is passed", async () => {
  const room = await opened("Day", ...many(5, "old"));
  const before = await readTo(room);
  await says(room, ...many(40, "new"));
  const { page } = bob;
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  await page.getByText("New since you were here").waitFor();
  await until("the first one is seen", () => isOnScreen(page, "new 1 of 40"));
  await until("what is on the screen is read", async () => (await readTo(room)) > before);
  assert.ok((await readTo(room)) < before + 40);
  await page.locator("[data-part=scroll]").hover();
  await until("the end is reached by the wheel", async () => {
    await page.mouse.wheel(0, 300);
    return isOnScreen(page, "new 40 of 40");
  });
  await until("all is read", async () => (await readTo(room)) === before + 40);
});

test("what came while the line was cut counts as what comes now", async () => {
  const room = await opened("Away", ...many(30, "old"));
  const { page } = bob;
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  const { who } = (await ask(bob, `/${room}`)).you;
  await page.locator("[data-part=scroll]").evaluate((scroll) => { scroll.scrollTop = 0; });
  const before = await readTo(room);
  await bob.context.setOffline(true);
  await page.locator(".room[data-state=lost]").waitFor();
  await says(room, ...many(50, `missed @${who}`));
  await bob.context.setOffline(false);
  await live(page);
  await message(page, "50 of 50").waitFor();
  await until("it is counted", async () => /^\(50\)/.test(await page.title()));
  await page.getByText("New since you were here").waitFor();
  assert.equal(await jump(page).innerText(), "New messages");
  assert.equal(await readTo(room), before);
  await jump(page).click();
  await until("all is read", async () => (await readTo(room)) === before + 50 && !/^\(/.test(await page.title()));

  // Whoever reads the end finds the beginning of it.
  await bob.context.setOffline(true);
  await page.locator(".room[data-state=lost]").waitFor();
  await says(room, ...many(60, "again"));
  await bob.context.setOffline(false);
  await live(page);
  await message(page, "60 of 60").waitFor();
  await until("the first of them is seen", () => isOnScreen(page, "again 1 of 60"));
  assert.ok((await readTo(room)) < before + 110);
});

test("the list hears what is read elsewhere, and of rooms that one is brought into; one's own is not unread", async () => {
  const room = await opened("Two devices");
  const list = await pageOf(bob.context);
  await list.goto(`${program.url}/rooms`);
  const unread = async (name) => {
    const row = list.locator(".room-row", { hasText: name });
    return (await row.locator(".room-unread").isVisible()) ? Number(await row.locator("[data-part=unread]").innerText()) : 0;
  };
  await says(room, "one", "two");
  await until("it is counted", async () => (await unread("Two devices")) === 2);
  await tell(bob, `/${room}/messages`, { body: "my own" });
  await says(room, "three");
  await until("the next is counted", async () => (await unread("Two devices")) === 3);
  const title = await list.title();
  await bob.page.goto(`${program.url}/rooms/${room}`);
  await live(bob.page);
  await until("it is read here, too", async () => (await unread("Two devices")) === 0);
  assert.notEqual(await list.title(), title);

  const { id } = await tell(olive, "", { site, name: "Brought in", kind: "closed" });
  const { who } = (await ask(bob, `/${room}`)).you;
  await tell(olive, `/${id}/members`, { who });
  await list.getByRole("link", { name: "Brought in" }).waitFor();
  await tell(olive, `/${id}/messages`, { body: "welcome" });
  await until("it is followed", async () => (await unread("Brought in")) === 1);
  await accessible(list, "the list");
  await list.close();
});

test("a permalink leads into the room at that message, and what is half written stays", async () => {
  const room = await opened("Links", "the first words", ...many(120, "later"));
  const { number } = (await ask(bob, `/search?q=first+words&room=${room}`)).messages[0];
  const answer = await tell(olive, `/${room}/messages`, { body: "an answer to it", thread: number });
  const { page } = bob;
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  await page.getByLabel("Message", { exact: true }).fill("half a thou");
  await page.goto(`${program.url}/rooms/${room}/messages/${number}`);
  await live(page);
  await page.locator(".message.sought", { hasText: "the first words" }).waitFor();
  assert.ok(await isOnScreen(page, "the first words"));
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "half a thou");
  await accessible(page, "a message that is led to");

  await page.goto(`${program.url}/rooms/${room}/messages/${answer.number}`);
  await live(page);
  await page.locator("#aside .message.sought", { hasText: "an answer to it" }).waitFor();

  // As the worker of pushes asks a page that is open already.
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  const shown = await page.evaluate((show) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    navigator.serviceWorker.dispatchEvent(new MessageEvent("message", { data: { show }, ports: [port2] }));
  }), `/rooms/${room}/messages/${number}`);
  assert.equal(shown, "shown");
  await page.locator(".message.sought", { hasText: "the first words" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/rooms/${room}`);

  await page.keyboard.press("Escape");
  await page.getByLabel("Message", { exact: true }).press("Enter");
  await message(page, "half a thou").waitFor();
  await page.reload();
  await live(page);
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "", "it was sent");
});

test("a guest is called one wherever they speak, and takes nobody's name", async () => {
  const room = await opened("Door");
  const { url } = await tell(olive, `/${room}/link`, {});
  const gus = await person({ viewport: { width: 390, height: 780 } });
  await gus.page.goto(url);
  await gus.page.getByLabel(/Your name/).fill("OIive 0wner");
  await gus.page.getByRole("button", { name: "Come in" }).click();
  await gus.page.getByText("somebody here has that name").waitFor();
  await accessible(gus.page, "a name that is taken");
  await gus.page.getByLabel(/Your name/).fill("Olive Oil");
  await gus.page.getByRole("button", { name: "Come in" }).click();
  await gus.page.waitForURL(/\/rooms\/RM-/);
  await live(gus.page);
  await gus.page.getByLabel("Message", { exact: true }).fill("from the kitchen");
  await gus.page.keyboard.press("Enter");
  const { page } = olive;
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  await message(page, "from the kitchen").locator(".badge", { hasText: "guest" }).waitFor();
  await says(room, "from the office");
  await message(page, "from the office").waitFor();
  assert.deepEqual(await message(page, "from the office").locator(".badge").allTextContents(), ["host"]);
  await accessible(page, "a guest among members");

  // What a commit calls a message.
  const { number } = (await ask(olive, `/search?q=kitchen&room=${room}`)).messages[0];
  await olive.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: program.url });
  await message(page, "from the kitchen").hover();
  await message(page, "from the kitchen").getByText(`#${number}`).waitFor();
  await message(page, "from the kitchen").getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: `Copy #${number}` }).click();
  await until("it is copied", async () => (await page.evaluate(() => navigator.clipboard.readText())) === `#${number}`);

  await page.goto(`${program.url}/rooms/search?room=${room}`);
  await page.getByLabel("By", { exact: true }).selectOption({ label: "Olive Oil (guest)" });
  await page.locator(".search-form").getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/author=GU-/);
  assert.match(await page.locator(".found-one", { hasText: "kitchen" }).innerText(), /guest/);
  assert.equal(await page.locator(".found-one", { hasText: "office" }).count(), 0);
  await accessible(page, "found by author");

  await bob.page.goto(`${program.url}/rooms/${room}`);
  await live(bob.page);
  await bob.page.getByLabel("Message", { exact: true }).fill("for my eyes");
  assert.match(await bob.page.evaluate(() => JSON.stringify({ ...sessionStorage })), /for my eyes/);
  await bob.page.locator("details.menu summary, summary").first().click();
  await bob.page.getByRole("button", { name: "Sign out" }).click();
  await bob.page.waitForURL(/sign-in/);
  assert.doesNotMatch(await bob.page.evaluate(() => JSON.stringify({ ...sessionStorage })), /for my eyes/);
  assert.deepEqual(errors, []);
});
