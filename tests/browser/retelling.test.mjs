// A conversation is shown to everybody in a public room, in real Chromium: an agent asks by keyboard, the customer says no, is asked again, says yes;
// then a stranger reads it, and the agent goes there and back.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { CustomerSite, launch, setUp, start, until, visitor } from "./program.mjs";

const HOSTILE = '<img src=x onerror=alert(1)> @[AC-1] "><script>alert(2)</script>';
const TITLE = 'How do I change my <b onclick=alert(3)>card</b>? "quoted"';

let program, browser, olive, ann, site, shop, errors, room, publicRoom;

async function ask(path, data) {
  const answer = data === undefined
    ? await olive.request.get(program.url + path)
    : await olive.request.post(program.url + path, { data, headers: { origin: program.url } });
  assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

before(async () => {
  errors = [];
  program = await start();
  browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  olive = await context.newPage();
  site = await setUp(olive, program);
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "" };
  await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url } });
  const policy = `default-src 'none'; script-src ${program.url}; connect-src ${program.url}; frame-src ${program.url}; style-src 'self'; require-trusted-types-for 'script'`;
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: 'lang="en"', body: "<main><h1>Tea</h1></main>", headers: { "content-security-policy": policy } });
  ann = await (await visitor(browser, { viewport: { width: 1280, height: 860 } })).newPage();
  for (const page of [olive, ann]) {
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("dialog", (dialog) => {
      errors.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});
afterEach(() => assert.deepEqual(errors, []));

const panel = (page = ann) => page.frameLocator("watchfire-chat iframe");
const field = () => panel().getByRole("textbox", { name: "Message" });
const card = () => panel().locator(".card.retelling");
const notice = () => olive.locator(".talk-retelling");
const box = () => olive.locator(".retelling-dialog[open]");

async function openChat() {
  await ann.goto(shop.url);
  await ann.locator("watchfire-chat .launcher").click();
  await field().waitFor();
}
async function look() {
  await olive.goto(`${program.url}/sites/${site}/inbox/${room}`);
  await olive.locator(".inbox[data-state=open]").waitFor();
  await olive.locator(".talk-body[data-state=there]").waitFor();
}
/** By keyboard alone. */
async function askFor(title) {
  await olive.locator("h2[data-part=talk-title]").focus();
  await olive.keyboard.press("p");
  await box().waitFor();
  await box().getByLabel("What it is called there").fill(title);
  await olive.keyboard.press("Enter");
  await box().waitFor({ state: "detached" }).catch(() => {});
}

test("without a public room the inbox says where one comes from", async () => {
  await openChat();
  await field().fill(HOSTILE);
  await field().press("Enter");
  await panel().locator(".own:not(.pending)").waitFor();
  const { conversations } = await ask(`/api/watchfire/sites/${site}/conversations?folder=all`);
  room = conversations[0].room;
  await ask(`/api/watchfire/rooms/${room}/messages`, { body: "Under *Cards*." });
  await look();
  await olive.getByRole("button", { name: "More", exact: true }).click();
  await olive.getByRole("menuitem", { name: "Show it to everybody in a room…" }).click();
  await box().getByText("You are in no public room of this site.").waitFor();
  await olive.keyboard.press("Escape");
});

test("an agent asks by keyboard; the customer sees what is shown and what not, and says no", async () => {
  publicRoom = (await ask("/api/watchfire/rooms", { name: "Help", kind: "open", site })).id;
  await ask(`/api/watchfire/rooms/${publicRoom}`, { public: true });
  await look();
  await olive.locator("h2[data-part=talk-title]").focus();
  await olive.keyboard.press("p");
  await box().waitFor();
  await olive.keyboard.press("Enter");
  await box().getByText("Say what it is about").waitFor();
  await accessible(olive, "asking");
  await olive.keyboard.press("Escape");
  await askFor(TITLE);
  await notice().getByText("and has not answered yet.").waitFor();
  assert.equal(await notice().locator("bdi").nth(1).innerText(), TITLE);
  await card().waitFor();
  await card().getByText("public room “Help”").waitFor();
  await card().getByText(TITLE, { exact: true }).waitFor();
  await card().getByText("Not shown are your e-mail address, files and pictures").waitFor();
  assert.equal(await card().getByRole("checkbox").count(), 0, "nobody has a name yet");
  // It is still asked on the next page, where the panel is open as before.
  await ann.reload();
  await field().waitFor();
  await card().getByRole("button", { name: "No", exact: true }).click();
  await panel().getByText("It stays between us.").waitFor();
  await card().waitFor({ state: "detached" });
  await notice().getByText("and said no.").waitFor();
});

test("at the closed chat a mark says that something is asked", async () => {
  await panel().getByRole("button", { name: "Close the chat" }).click();
  await askFor("A moment");
  await ann.getByRole("button", { name: "Unread messages: 1" }).click();
  await card().getByText("A moment", { exact: true }).waitFor();
  await panel().getByRole("button", { name: "Close the chat" }).click();
  assert.equal(await ann.getByRole("button", { name: /Unread/ }).count(), 0, "it was seen");
  await ann.locator("watchfire-chat .launcher").click();
});

test("asked again it is taken back, and asked once more the customer says yes, with their name", async () => {
  await askFor("Another");
  await card().getByText("Another", { exact: true }).waitFor();
  await olive.getByRole("button", { name: "Take the question back" }).click();
  await card().waitFor({ state: "detached" });
  await notice().waitFor({ state: "hidden" });
  const secret = await ann.evaluate((key) => localStorage.getItem(key), `wf-chat ${site}`);
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  await fetch(`${program.url}/api/watchfire/chat/${site}/conversations/mine`, { method: "POST", headers, body: JSON.stringify({ name: "Ann & Co", email: "ann@example.org" }) });
  await askFor(TITLE);
  await card().getByRole("checkbox", { name: "Show my name, Ann & Co, too" }).check();
  await card().getByRole("button", { name: "Yes, show it" }).click();
  const link = panel().getByRole("link", { name: "Everybody can read this conversation in “Help”." });
  await link.waitFor();
  await card().waitFor({ state: "detached" });
  await notice().getByText("Everybody reads this conversation in").waitFor();
  await look();
  await notice().getByText("Everybody reads this conversation in").waitFor();
  await olive.getByRole("button", { name: "More", exact: true }).click();
  await olive.getByRole("menuitem", { name: "Mark as spam" }).waitFor();
  assert.equal(await olive.getByRole("menuitem", { name: /Show it to everybody/ }).count(), 0, "once");
  await olive.keyboard.press("Escape");
  // The customer's own way there, as a stranger to the room.
  const [there] = await Promise.all([ann.context().waitForEvent("page"), link.click()]);
  await there.getByText("Under Cards.").waitFor();
  assert.deepEqual(await there.locator(".message:not(.note) .author").allInnerTexts(), ["Olive Owner", "Ann & Co", "Olive Owner"]);
  assert.equal(await there.locator(".message img").count(), 0);
  assert.doesNotMatch(await there.content(), /ann@example\.org/);
  await there.close();
});

test("in the room it is a thread, which leads the agent back, and nobody else", async () => {
  await notice().getByRole("link", { name: "Help" }).click();
  const first = olive.locator("[data-part=messages] > .message", { hasText: "How do I change my" });
  await first.waitFor();
  await first.getByRole("button", { name: "2 answers" }).click();
  const thread = olive.locator(".room-aside");
  await thread.getByText("Under Cards.").waitFor();
  await thread.getByText("onerror=alert(1)").first().waitFor();
  await accessible(olive, "the thread");
  await first.getByRole("link", { name: "From a conversation with a customer" }).click();
  await olive.waitForURL(`**/sites/${site}/inbox/${room}`);
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(`${program.url}/rooms/${publicRoom}`);
  await until("the stranger reads it", async () => (await stranger.locator(".message", { hasText: "How do I change my" }).count()) > 0);
  assert.equal(await stranger.getByRole("link", { name: "From a conversation with a customer" }).count(), 0);
  assert.equal((await stranger.goto(`${program.url}/rooms/${publicRoom}/messages/1/conversation`)).status(), 404);
  await stranger.context().close();
});

test("killed while the customer says yes, it stands there once", async () => {
  for (const [round, ms] of [0, 2, 5, 9, 15].entries()) {
    const title = `Killed in round ${round}`;
    const headers = { authorization: `Bearer wfc_${randomBytes(32).toString("base64url")}`, "content-type": "application/json" };
    const path = `${program.url}/api/watchfire/chat/${site}/conversations`;
    const tell = (where, body) => fetch(where, { method: "POST", headers, body: JSON.stringify(body) });
    const opened = await (await tell(path, { id: randomBytes(16).toString("hex"), body: "Where is it?" })).json();
    await ask(`/api/watchfire/sites/${site}/conversations/${opened.room}`, { retell: { room: publicRoom, title } });
    const { retelling } = await (await fetch(`${path}/mine`, { headers })).json();
    const yes = { retell: { asked: retelling.asked, yes: true } };
    const unheard = tell(`${path}/mine`, yes).then((answer) => answer.status, () => null);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await program.kill();
    await unheard;
    await program.run();
    await until("it is said again", async () => (await tell(`${path}/mine`, yes).catch(() => ({ ok: false }))).ok, 60_000);
    const { messages } = await ask(`/api/watchfire/rooms/${publicRoom}/messages`);
    const [first, ...twice] = messages.filter(({ body }) => body === title);
    assert.deepEqual([twice.length, first.replies], [0, 1]);
    assert.deepEqual(messages.filter(({ thread }) => thread === first.number).map(({ body }) => body), ["Where is it?"]);
  }
});
