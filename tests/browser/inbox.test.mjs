// The inbox in real Chromium: customers speak by HTTP, agents answer, note, assign, close, put off, label; by keyboard alone; on a phone.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { CustomerSite, OWNER, Program, invite, launch, setUp, until, visitor } from "./program.mjs";

const HOSTILE = "\"><img src=x onerror=alert(1)>";
const ARABIC = "ليلى الفارسي";

let program, browser, errors, olive, bob, site;

/** A browser of somebody's own, whose page must stay free of errors. */
async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "Europe/Paris", ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // A line that is cut on purpose is said there, too; a visitor without a history is a 404.
    if (message.type() === "error" && !/ERR_|WebSocket|status of (401|404|502)/.test(message.text())) errors.push(message.text());
  });
  return { context, page };
}

/** A text that, behind the challenge, has a hash with so many zero bits at its begin. */
function done({ challenge, bits }) {
  for (let tried = 0; ; tried += 1) {
    const hash = createHash("sha256").update(`${challenge}:${tried}`).digest();
    if (Math.clz32(hash.readUInt32BE()) >= bits) return String(tried);
  }
}

let customers = 0;

/** Somebody on the customer's side, who speaks as the panel does. */
class Customer {
  constructor({ agent = "a browser", address } = {}) {
    customers += 1;
    this.secret = `wfc_${randomBytes(32).toString("base64url")}`;
    this.headers = { authorization: `Bearer ${this.secret}`, "content-type": "application/json", "user-agent": agent, ...(address === null ? {} : { "x-forwarded-for": address ?? `10.${customers >> 8}.${customers & 255}.7` }) };
  }

  async ask(path, body) {
    const answer = await fetch(`${program.url}${path}`, { method: body ? "POST" : "GET", headers: this.headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: answer.status, told: answer.status === 204 ? null : await answer.json() };
  }

  async begin(body, about = {}) {
    const opening = { id: randomBytes(16).toString("hex"), body, ...about };
    const begin = (more) => this.ask(`/api/watchfire/chat/${site}/conversations`, { ...opening, ...more });
    let { status, told } = await begin();
    // So many in so short a time are a flood: whoever begins one works for it.
    if (status === 428) ({ status, told } = await begin({ work: done(told.work) }));
    assert.equal(status, 201, JSON.stringify(told));
    this.room = told.room;
    return this;
  }

  async say(body) {
    const { status } = await this.ask(`/api/watchfire/rooms/${this.room}/messages`, { id: randomBytes(16).toString("hex"), body });
    assert.equal(status, 201);
  }

  async heard() {
    return (await this.ask(`/api/watchfire/rooms/${this.room}/messages`)).told.messages.map(({ body }) => body);
  }
}

before(async () => {
  program = await Program.start(undefined, ["--trusted-proxies", "127.0.0.1"]);
  browser = await launch();
  errors = [];
  olive = await person();
  site = await setUp(olive.page, program);
  bob = await person();
  await invite(olive, bob.page, program, site, { name: "Bob Builder", email: "bob@watchfire.example", password: "correct horse battery" }, "agent");
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

const open = (page) => page.locator(".inbox[data-state=open]").waitFor();
const row = (page, name) => page.locator(".inbox-row", { hasText: name });
const message = (page, text) => page.locator(".woven .message:not(.pending)", { hasText: text });
const reply = (page) => page.getByLabel("Reply to the customer");
const note = (page) => page.getByLabel("Note for your team");
const folder = (page, name) => page.locator(".inbox-folders a", { hasText: name });
const has = (page, name, number) => until(`${name} has ${number}`, async () => (await folder(page, name).locator(".inbox-count").innerText()) === (number ? String(number) : ""));
async function inbox(page, room = "", query = "") {
  await page.goto(`${program.url}/sites/${site}/inbox${room ? `/${room}` : ""}${query}`);
  await open(page);
  if (room) await page.locator(".talk-body[data-state=there]").waitFor();
}
const fits = async (page, what) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: nothing stands beside the page`);

test("without the chat the page says how to switch it on", async () => {
  const { page } = olive;
  await inbox(page);
  await page.getByText("No conversation yet.").waitFor();
  await accessible(page, "without the chat");
  await page.getByRole("link", { name: "Switch the chat on" }).click();
  await page.getByLabel("Show the chat on pages with the tag").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/done=saved/);
  await inbox(page);
  await page.getByRole("link", { name: /first customer in the demo shop/ }).waitFor();
  await accessible(page, "without a conversation");
});

test("a customer writes and stands in the list; the answer reaches them, the note does not", async () => {
  const { page } = olive;
  const ada = await new Customer().begin("Is the **assam** fresh?", { name: "Ada Lovelace", email: "ada@example.org", page: "http://localhost/teas/assam", title: "Assam" });
  await row(page, "Ada Lovelace").getByText("waiting a moment").waitFor();
  await has(page, "Open", 1);
  await has(page, "Waiting", 1);
  await has(page, "Unassigned", 1);
  await row(page, "Ada Lovelace").click();
  await message(page, "Is the assam fresh?").waitFor();
  assert.match(page.url(), new RegExp(`/inbox/${ada.room}$`));
  assert.equal(await message(page, "Is the assam fresh?").locator("strong").innerText(), "assam");
  await page.getByText("Unproven: as they say themselves").waitFor();
  await page.keyboard.press("n");
  await note(page).fill("She asked last week, too");
  await page.keyboard.press("Enter");
  await message(page, "She asked last week, too").getByText("Only your team sees this").waitFor();
  await page.keyboard.press("Alt+r");
  await reply(page).fill("It came today.");
  await page.keyboard.press("Enter");
  await message(page, "It came today.").waitFor();
  await page.getByText("Sent", { exact: true }).waitFor();
  assert.deepEqual(await ada.heard(), ["Is the **assam** fresh?", "It came today."]);
  await has(page, "Waiting", 0);
  await has(page, "Mine", 1);
  await ada.say("Thank you!");
  await message(page, "Thank you!").waitFor();
  assert.deepEqual(await page.locator(".woven .message .prose").allInnerTexts(), ["Is the assam fresh?", "She asked last week, too", "It came today.", "Thank you!"]);
  await accessible(page, "a conversation");
});

test("what is begun as a note is never sent as an answer, and stays while one looks elsewhere", async () => {
  const { page } = olive;
  const grace = await new Customer().begin("Do you ship to Iceland?", { name: "Grace" });
  await row(page, "Ada Lovelace").click();
  await page.getByRole("tab", { name: "Note" }).click();
  await note(page).fill("half a thought");
  await page.getByRole("tab", { name: "Reply" }).click();
  assert.equal(await reply(page).inputValue(), "");
  await reply(page).fill("half an answer");
  await row(page, "Grace").click();
  await message(page, "Do you ship to Iceland?").waitFor();
  assert.equal(await reply(page).inputValue(), "");
  await row(page, "Ada Lovelace").click();
  assert.equal(await reply(page).inputValue(), "half an answer");
  assert.equal(await note(page).inputValue(), "half a thought");
  await reply(page).fill("");
  await page.getByRole("tab", { name: "Note" }).click();
  await note(page).fill("");
  assert.deepEqual(await grace.heard(), ["Do you ship to Iceland?"]);
});

test("two agents see each other, who looks after it, and what the other does", async () => {
  const grace = await new Customer().begin("And to Greenland?", { name: "Grete" });
  await inbox(olive.page, grace.room);
  await inbox(bob.page, grace.room);
  await olive.page.getByText("Bob Builder looks at this").waitFor();
  await bob.page.getByText(`${OWNER.name} looks at this`).waitFor();
  await reply(bob.page).pressSequentially("Yes");
  await olive.page.getByText("Bob Builder is answering…").waitFor();
  await bob.page.keyboard.press("Alt+n");
  await bob.page.keyboard.type("@ol");
  await bob.page.getByRole("option", { name: OWNER.name }).waitFor();
  await bob.page.keyboard.press("Enter");
  await bob.page.keyboard.type("do we?");
  await olive.page.getByText("Bob Builder is writing a note…").waitFor();
  await bob.page.keyboard.press("Enter");
  await message(olive.page, "do we?").locator(".mention").waitFor();
  await grace.ask(`/api/watchfire/rooms/${grace.room}/doing`, { what: "typing" });
  await olive.page.getByText("Grete is typing…").waitFor();
  await olive.page.getByRole("button", { name: "Assign: nobody looks after it" }).click();
  await accessible(olive.page, "who looks after it");
  await olive.page.getByRole("menuitemradio", { name: "Bob Builder" }).click();
  await bob.page.getByRole("button", { name: "Looked after by Bob Builder" }).waitFor();
  await has(bob.page, "Mine", 1);
  await bob.page.goto("about:blank");
  await until("Bob is gone", async () => (await olive.page.locator("[data-part=talk-looking]").innerText()) === "");
});

test("marks piled upon a letter do not reach over what others said", async () => {
  const { page } = olive;
  const piled = await new Customer().begin(`z${"\u0301\u0302".repeat(400)}`, { name: "Piled" });
  await inbox(page, piled.room);
  const said = page.locator(".woven .prose").first();
  await said.waitFor();
  const { x, y, width } = await said.boundingBox();
  const above = async () => createHash("sha256").update(await page.screenshot({ clip: { x, y: y - 60, width, height: 50 } })).digest("hex");
  const as = async (visibility) => {
    await said.evaluate((element, value) => element.style.setProperty("visibility", value), visibility);
    return above();
  };
  // What else is drawn there meanwhile is over in a moment.
  await until("what stands above is the same without them", async () => (await as("visible")) === (await as("hidden")));
});

test("closed it leaves the list, and a customer who writes again opens it", async () => {
  const { page } = olive;
  const kim = await new Customer().begin("One more thing", { name: "Kim" });
  await inbox(page, kim.room);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  await until("it left the list", async () => (await row(page, "Kim").count()) === 0);
  await page.locator(".quiet-line", { hasText: "Closed" }).waitFor();
  await has(page, "Closed", 1);
  await folder(page, "Closed").click();
  await row(page, "Kim").waitFor();
  await folder(page, "Open").click();
  await kim.say("No, wait");
  await row(page, "Kim").getByText("No, wait").waitFor();
  await page.getByRole("button", { name: "Close", exact: true }).waitFor();
  await has(page, "Closed", 0);
  await reply(page).fill("Gladly. Good-bye!");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  assert.equal((await kim.heard()).at(-1), "Gladly. Good-bye!");
  await kim.ask(`/api/watchfire/chat/${site}/conversations/mine`, { rating: 5, words: "quick" });
  await page.getByText("They rated it 5 of 5: quick").waitFor();
});

test("a conversation is put off until tomorrow or until a moment, and labelled; labels narrow the list", async () => {
  const { page } = olive;
  const lee = await new Customer().begin("When does it open?", { name: "Lee" });
  await inbox(page, lee.room);
  await page.keyboard.press("s");
  await accessible(page, "until when");
  await page.getByRole("menuitem", { name: /^Tomorrow/ }).click();
  await page.locator("[data-part=talk-about]", { hasText: /^Snoozed until/ }).waitFor();
  await has(page, "Snoozed", 1);
  await page.keyboard.press("s");
  await page.getByRole("menuitem", { name: /A day and a time/ }).click();
  await page.getByLabel("Day and time").fill("2020-01-01T10:00");
  await page.getByRole("button", { name: "Snooze", exact: true }).last().click();
  await page.getByText("Choose a moment of the next 366 days.").waitFor();
  await accessible(page, "a moment");
  await page.keyboard.press("Escape");
  await lee.say("Hello?");
  await page.locator("[data-part=talk-about]", { hasText: /^Waiting/ }).waitFor();
  await page.keyboard.press("l");
  await page.getByLabel("Add a label").fill("opening hours");
  await page.keyboard.press("Enter");
  await page.getByLabel("Add a label").fill(HOSTILE);
  await page.keyboard.press("Enter");
  await accessible(page, "labels");
  await page.keyboard.press("Enter");
  await row(page, "Lee").getByText("opening hours").waitFor();
  await page.getByLabel("Label", { exact: true }).selectOption("opening hours");
  await until("Lee alone", async () => (await page.locator(".inbox-row").count()) === 1);
  await page.getByLabel("Label", { exact: true }).selectOption("");
  await row(page, "Ada Lovelace").waitFor();
});

test("canned answers are kept, offered behind a slash, filled in, and removed", async () => {
  const { page } = olive;
  const mia = await new Customer().begin("Can I send it back?", { name: "Mia $& Wood" });
  await inbox(page, mia.room);
  await page.getByRole("button", { name: "Canned answers" }).first().click();
  await page.getByText("Nothing is kept ready yet.").waitFor();
  await accessible(page, "no canned answers");
  await page.getByRole("button", { name: "Keep this answer" }).click();
  await page.getByText("Fill in the name.").waitFor();
  await page.getByLabel("Name").fill("refund by post");
  await page.getByLabel("Answer", { exact: true }).fill("Hello {name},\nsend it back within 30 days.");
  await page.getByRole("button", { name: "Keep this answer" }).click();
  await page.locator(".canned-one", { hasText: "refund by post" }).waitFor();
  await page.keyboard.press("Escape");
  await reply(page).pressSequentially("/po");
  await page.getByRole("option", { name: /refund by post/ }).waitFor();
  await accessible(page, "canned answers");
  await page.keyboard.press("Enter");
  assert.equal(await reply(page).inputValue(), "Hello Mia $& Wood,\nsend it back within 30 days.");
  await page.keyboard.press("Enter");
  await until("it is heard", async () => (await mia.heard()).includes("Hello Mia $& Wood,\nsend it back within 30 days."));
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Canned answers" }).first().click();
  await page.getByRole("button", { name: "Remove refund by post" }).click();
  await page.getByText("Nothing is kept ready yet.").waitFor();
  await page.keyboard.press("Escape");
});

test("spam is marked and taken back, and who is blocked is said to be", async () => {
  const { page } = olive;
  const max = await new Customer().begin("Cheap watches", { name: "Max" });
  await inbox(page, max.room);
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Mark as spam" }).click();
  await page.getByText("This is spam.").waitFor();
  await has(page, "Spam", 1);
  await until("it left the list", async () => (await row(page, "Max").count()) === 0);
  await page.getByRole("button", { name: "Not spam" }).click();
  await row(page, "Max").waitFor();
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Block this customer" }).click();
  await page.getByText("This customer is blocked.").waitFor();
  await accessible(page, "blocked");
  await page.getByRole("button", { name: "Unblock" }).click();
  await has(page, "Spam", 0);
});

test("the customer's pages are seen as they look at them, and stand between what was said", async () => {
  const shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`);
  const ivy = await visitor(browser);
  const shopping = await ivy.newPage();
  try {
    await olive.page.goto(`${program.url}/sites/${site}/tag`);
    const snippet = (await olive.page.locator("#snippet, .code code").first().innerText()).trim();
    await shop.stop();
    const tagged = await CustomerSite.start(snippet);
    await shopping.goto(`${tagged.url}/teas`);
    const own = await until("the tag answers who it is", () => shopping.evaluate((site) => new Promise((resolve) => {
      const channel = new BroadcastChannel(site);
      channel.onmessage = ({ data }) => data && (channel.close(), resolve(data));
      channel.postMessage("");
      setTimeout(() => (channel.close(), resolve("")), 500);
    }), site));
    const agent = await shopping.evaluate(() => navigator.userAgent);
    const customer = await new Customer({ agent, address: null }).begin("Which one is mild?", { browser: own.found, page: `${tagged.url}/teas` });
    const { page } = olive;
    await inbox(page, customer.room);
    await page.locator("[data-part=visitor-state]", { hasText: "Engaged now" }).waitFor();
    await page.locator("[data-part=visitor-page]", { hasText: "/teas" }).waitFor();
    await page.locator(`.inbox-row[data-room="${customer.room}"] .live-dot`).waitFor();
    await shopping.goto(`${tagged.url}/teas/darjeeling`);
    await page.locator(".quiet-line", { hasText: "/teas/darjeeling" }).waitFor();
    await page.locator(".inbox-here", { hasText: "/teas/darjeeling" }).waitFor();
    assert.equal(await page.locator("[data-part=visitor-page] a").getAttribute("href"), `${tagged.url}/teas/darjeeling`);
    await accessible(page, "a customer who is here");
    await reply(page).fill("Darjeeling.");
    await page.keyboard.press("Enter");
    await page.getByText("Sent · they are on the site now").waitFor();
    const panel = await olive.context.newPage();
    await panel.goto(`${program.url}/sites/${site}`);
    await panel.locator(".visitor[data-visitor]").first().click();
    await panel.getByRole("link", { name: "Conversation" }).click();
    await panel.waitForURL(new RegExp(`/inbox/${customer.room}`));
    await panel.close();
    await ivy.close();
    await page.getByText("Sent · they are not on the site now").waitFor({ timeout: 60_000 });
    await page.locator("[data-part=visitor-state]", { hasText: "Not here now" }).waitFor();
    await page.getByRole("link", { name: "Their whole history" }).click();
    await page.getByRole("heading", { name: "At a glance" }).waitFor();
    await tagged.stop();
  } finally {
    await ivy.close();
  }
});

test("everything is done by keyboard alone", async () => {
  const { page } = olive;
  const zoe = await new Customer().begin("By keys?", { name: "Zoe" });
  await inbox(page);
  await row(page, "Zoe").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await accessible(page, "keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  const focused = () => page.evaluate(() => document.activeElement?.closest("[data-room]")?.dataset.room);
  await until("the first row has the focus", async () => (await focused()) === zoe.room);
  await page.keyboard.press("j");
  await until("the second row has it", async () => (await focused()) !== zoe.room);
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await message(page, "By keys?").waitFor();
  await page.keyboard.press("a");
  await page.getByRole("button", { name: `Looked after by ${OWNER.name}` }).waitFor();
  await page.keyboard.press("r");
  await page.keyboard.type("By keys.");
  await page.keyboard.press("Enter");
  await message(page, "By keys.").waitFor();
  await page.keyboard.press("ArrowUp");
  await page.getByLabel("Edit the message").waitFor();
  await page.keyboard.type(" Alone.");
  await page.keyboard.press("Enter");
  await message(page, "By keys. Alone.").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("by keys");
  await until("it is found", async () => (await page.locator(".inbox-row").count()) === 1 && (await row(page, "Zoe").count()) === 1);
  await page.keyboard.press("Enter");
  await until("what is found has the focus", async () => (await focused()) === zoe.room);
  await page.keyboard.press("/");
  await page.keyboard.press("Escape");
  await row(page, "Ada Lovelace").waitFor();
  // Everything is reached with Tab, too.
  await inbox(page, zoe.room);
  const reached = new Set();
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.dataset.part ?? document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.className));
  }
  for (const name of ["assign", "snooze", "labels", "close", "more", "inbox-link", "Reply to the customer", "canned", "help", "labels-filter"]) {
    assert.ok([...reached].some((one) => String(one).includes(name)), `${name} is reached: ${[...reached].join(", ")}`);
  }
});

test("a line that breaks comes back: nothing is missed, nothing said twice", async () => {
  const { page, context } = olive;
  const pat = await new Customer().begin("Before", { name: "Pat" });
  await inbox(page, pat.room);
  await context.setOffline(true);
  await page.getByText("The connection is lost.").waitFor();
  await reply(page).fill("while offline");
  await page.keyboard.press("Enter");
  await page.locator(".pending", { hasText: "while offline" }).waitFor();
  await pat.say("missed");
  const quinn = await new Customer().begin("Missed, too", { name: "Quinn" });
  await context.setOffline(false);
  await open(page);
  await message(page, "missed").waitFor();
  await message(page, "while offline").waitFor();
  await row(page, "Quinn").waitFor();
  assert.deepEqual((await pat.heard()).filter((body) => body === "while offline").length, 1);
  assert.equal(await message(page, "missed").count(), 1);
  assert.equal(await row(page, "Quinn").count(), 1);
  assert.ok(quinn.room);
});

test("names that try to be markup are text, and those from right to left stay on their side", async () => {
  const { page } = olive;
  const customer = await new Customer().begin(HOSTILE, { name: HOSTILE, identity: { id: HOSTILE } });
  const layla = await new Customer().begin("هل الشاي طازج؟ yes/no", { name: ARABIC });
  await inbox(page, customer.room);
  await message(page, HOSTILE).waitFor();
  assert.equal(await page.locator("[data-part=talk-name]").innerText(), HOSTILE);
  assert.equal(await page.locator(".inbox img[src=x]").count(), 0);
  await row(page, ARABIC).click();
  await message(page, "هل الشاي طازج؟").waitFor();
  assert.equal(await message(page, "هل الشاي طازج؟").locator(".prose").evaluate((element) => getComputedStyle(element).direction), "rtl");
  await accessible(page, "from right to left");
  await fits(page, "from right to left");
  assert.ok(layla.room);
});

test("a long list is read on as one scrolls, without doubles, and only what is seen is in the page", async () => {
  for (let number = 0; number < 60; number += 1) await new Customer().begin(`Question ${number} of many`, { name: `Customer ${number}` });
  const { page } = olive;
  await inbox(page);
  await has(page, "Unassigned", await page.locator("[data-part=count-unassigned]").innerText().then(Number));
  const scroller = page.locator("[data-part=list-scroll]");
  await row(page, "Customer 59").waitFor();
  await scroller.hover();
  const seen = new Set();
  let most = 0;
  await until("the end is reached", async () => {
    const rooms = await page.locator(".inbox-row").evaluateAll((rows) => rows.map(({ dataset }) => dataset.room));
    assert.equal(new Set(rooms).size, rooms.length);
    rooms.forEach((room) => seen.add(room));
    most = Math.max(most, rooms.length);
    await page.mouse.wheel(0, 500);
    return (await row(page, "Ada Lovelace").count()) === 1;
  }, 30_000);
  assert.ok(seen.size > 60, `${seen.size} rows`);
  assert.ok(most < 40, `${most} rows at once`);
  await page.mouse.move(800, 400);
});

test("under a pointer the list holds still, and says what came", async () => {
  const { page } = olive;
  await inbox(page);
  await page.locator(".inbox-row").nth(2).hover();
  const before = await page.locator(".inbox-row").nth(2).getAttribute("data-room");
  await new Customer().begin("While you point", { name: "Newcomer" });
  await page.getByRole("button", { name: "1 new" }).waitFor();
  assert.equal(await page.locator(".inbox-row").nth(2).getAttribute("data-room"), before);
  await page.getByRole("button", { name: "1 new" }).click();
  await row(page, "Newcomer").waitFor();
});

test("on a phone it is three steps: list, conversation, customer, and back", async () => {
  const { page, context } = await person({ viewport: { width: 390, height: 780 }, storageState: await olive.context.storageState() });
  await inbox(page);
  await fits(page, "the list on a phone");
  await accessible(page, "the list on a phone");
  await row(page, "Newcomer").click();
  await message(page, "While you point").waitFor();
  assert.ok(await page.locator(".inbox-lists").isHidden());
  await fits(page, "a conversation on a phone");
  await accessible(page, "a conversation on a phone");
  await reply(page).fill("From a phone");
  await page.getByRole("button", { name: "Send" }).click();
  await message(page, "From a phone").waitFor();
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Labels…" }).click();
  await fits(page, "labels on a phone");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Visitor", exact: true }).click();
  assert.ok(await page.getByRole("heading", { name: "Newcomer" }).last().isVisible());
  await fits(page, "a customer on a phone");
  await accessible(page, "a customer on a phone");
  await page.getByRole("button", { name: "Back to the conversation" }).click();
  await page.getByRole("link", { name: "Back to the conversations" }).click();
  assert.ok(await page.locator(".inbox-lists").isVisible());
  await page.goBack();
  await message(page, "From a phone").waitFor();
  await context.close();
  assert.deepEqual(errors, []);
});

test("at night it reads as well", async () => {
  const { page, context } = await person({ colorScheme: "dark", storageState: await olive.context.storageState() });
  await inbox(page);
  await row(page, "Ada Lovelace").or(row(page, "Newcomer")).first().click();
  await page.locator(".talk-body[data-state=there]").waitFor();
  await page.keyboard.press("n");
  await accessible(page, "at night");
  await context.close();
});

test("an agent writes to a visitor first, from the live page and from the inbox, once", async () => {
  const shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { body: "<h1>Tea</h1>" });
  const [first, second] = [await visitor(browser), await visitor(browser)];
  const [one, two] = [await first.newPage(), await second.newPage()];
  await one.goto(`${shop.url}/called-one`);
  await two.goto(`${shop.url}/called-two`);
  for (const one of [first, second]) await one.pages()[0].locator("watchfire-chat .launcher").waitFor();
  const { page } = bob;
  await page.goto(`${program.url}/sites/${site}`);
  await page.locator(".visitor-rows [role=row]", { hasText: "/called-one" }).first().click();
  const panel = page.locator("[data-part=visitor-panel]");
  await panel.getByLabel("Write to them").fill("Shall I help?");
  await accessible(page, "the visitor's panel with a field");
  await panel.getByRole("button", { name: "Send" }).dblclick();
  await panel.getByRole("link", { name: "Said. Go on in the inbox" }).waitFor();
  await one.locator("watchfire-chat .launcher b", { hasText: "1" }).waitFor();
  await panel.getByRole("link", { name: "Said. Go on in the inbox" }).click();
  await page.locator(".talk-body[data-state=there]").waitFor();
  await page.getByText("Your team wrote first; no answer yet").waitFor();
  assert.equal(await message(page, "Shall I help?").count(), 1, "once, though it was pressed twice");
  await page.getByRole("button", { name: "Write to a visitor" }).click();
  const box = page.getByRole("dialog", { name: "Write to a visitor" });
  await box.getByLabel("Who is on the site now").fill("called-two");
  await box.locator(".write-visitor", { hasText: "/called-two" }).click();
  await box.getByLabel("Write to them").fill("And you?");
  await accessible(page, "the dialog of who is there");
  await page.keyboard.press("Control+Enter");
  await message(page, "And you?").waitFor();
  assert.equal(await box.count(), 0);
  await two.locator("watchfire-chat .launcher b", { hasText: "1" }).waitFor();
  await page.goto(`${program.url}/sites/${site}`);
  await page.locator(".visitor-rows [role=row]", { hasText: "/called-one" }).first().click();
  await panel.getByLabel("Write to them").fill("Too late");
  await first.close();
  await panel.getByText("Left", { exact: true }).waitFor({ timeout: 30_000 });
  assert.ok(await panel.getByLabel("Write to them").isHidden(), "who is gone is not written to");
  await second.close();
  await shop.stop();
});

test("what a customer types is seen where the site says so, and who is revoked is out at once", async () => {
  const settings = (fields) => olive.context.request.post(`${program.url}/sites/${site}/chat`, { form: { on: "on", colour: "#b8400e", side: "right", greeting: "", hours: "", replies_in: "", ...fields }, headers: { origin: program.url }, maxRedirects: 0 });
  await settings({ previews: "on", in_turn: "on" });
  const shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { body: "<h1>Tea</h1>" });
  const context = await visitor(browser);
  const theirs = await context.newPage();
  await theirs.goto(shop.url);
  await theirs.locator("watchfire-chat .launcher").click();
  const panel = theirs.frameLocator("watchfire-chat iframe");
  await panel.getByText("Our team sees what you type before you send it.").waitFor();
  const field = panel.getByRole("textbox", { name: "Message" });
  await field.fill("Is the sencha fresh?");
  await field.press("Enter");
  const { page } = bob;
  await inbox(page);
  await row(page, "Is the sencha fresh?").click();
  await message(page, "Is the sencha fresh?").waitFor();
  await page.locator(".woven .note", { hasText: "has this conversation: it was their turn" }).waitFor();
  await until("it is seen what is typed", async () => {
    await field.pressSequentially(" and the gyokuro");
    return page.getByText(/is typing: .*and the gyokuro/).isVisible();
  });
  await accessible(page, "while it is typed");
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "More" }).first().click();
  await page.getByRole("menuitem", { name: "Revoke the customer’s access" }).click();
  await panel.getByText("The earlier conversation is no longer there. What you write begins a new one.").waitFor({ timeout: 3_000 });
  assert.equal(await panel.locator(".bubble", { hasText: "sencha" }).count(), 0);
  assert.equal(await theirs.evaluate(() => localStorage.length), 0);
  await page.getByText("access revoked").waitFor();
  await reply(page).fill("Are you still there?");
  await reply(page).press("Enter");
  await page.getByText("Nobody reads this: the customer’s access is revoked").waitFor();
  await field.fill("It is me again");
  await field.press("Enter");
  await row(page, "It is me again").waitFor();
  await context.close();
  await shop.stop();
  await settings({});
});

test("who is no agent any more is told so, and sees nothing new", async () => {
  const { page } = bob;
  await inbox(page);
  const { members } = await (await olive.context.request.get(`${program.url}/sites/${site}/people`)).text().then((text) => ({ members: text.match(/AC-[0-9A-Z]{8}(?=\/role)/g) }));
  const answer = await olive.context.request.post(`${program.url}/sites/${site}/people/${members.at(-1)}/role`, { form: { role: "viewer" }, headers: { origin: program.url } });
  assert.ok(answer.ok());
  await page.locator("[data-part=trouble]:not([hidden]), [data-part=signed-out]:not([hidden])").first().waitFor();
  await new Customer().begin("A secret", { name: "Unheard" });
  await row(olive.page, "Unheard").waitFor();
  assert.equal(await row(page, "Unheard").count(), 0);
  assert.equal((await page.goto(`${program.url}/sites/${site}/inbox`)).status(), 404);
});
