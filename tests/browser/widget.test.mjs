// The chat on a customer's page, in real Chromium: a page of another origin under a strict policy, an agent who answers by HTTP, and a page that is
// none the worse for it.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { png } from "./picture.mjs";
import { CustomerSite, launch, setUp, start, until, visitor } from "./program.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDE = { width: 1280, height: 860 };
const META = '<meta name="viewport" content="width=device-width, initial-scale=1">';

let program, browser, olive, site, shop, policy, context, page, errors;

/** As the owner's browser asks. */
async function ask(path, data) {
  const answer = data === undefined
    ? await olive.request.get(program.url + path)
    : await olive.request.post(program.url + path, { data, headers: { origin: program.url } });
  assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

async function settings(fields = {}) {
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "", asks_email: "on", ...fields };
  if (!form.on) delete form.on;
  const answer = await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url }, maxRedirects: 0 });
  assert.equal(answer.status(), 303);
}

const newest = async () => (await ask(`/api/watchfire/sites/${site}/conversations?folder=all`)).conversations[0];
const change = (room, data) => ask(`/api/watchfire/sites/${site}/conversations/${room}`, data);
const answer = (room, body, more = {}) => ask(`/api/watchfire/rooms/${room}/messages`, { body, ...more });
const said = async (room) => (await ask(`/api/watchfire/rooms/${room}/messages`)).messages.map(({ body }) => body);

/** What stands on a page of the shop. */
const open = (options = {}) =>
  CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: 'lang="en"', body: `${META}<main><h1>Tea</h1><a href="/next" id="next">next</a></main>`, headers: { "content-security-policy": policy }, ...options });

before(async () => {
  program = await start();
  browser = await launch();
  olive = await browser.newContext();
  site = await setUp(await olive.newPage(), program);
  policy = `default-src 'none'; script-src ${program.url}; connect-src ${program.url}; frame-src ${program.url}; style-src 'self'; require-trusted-types-for 'script'`;
  await settings();
  shop = await open();
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
});

/** Somebody's browser, and a page in it that tells of all that goes wrong. */
async function somebody(options = {}) {
  const context = await visitor(browser, { viewport: WIDE, ...options });
  await context.addInitScript(() => {
    window.wrong = [];
    addEventListener("error", ({ message }) => window.wrong.push(message));
    addEventListener("unhandledrejection", ({ reason }) => window.wrong.push(String(reason)));
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => window.wrong.push(`${violatedDirective} ${blockedURI}`));
  });
  context.on("weberror", (error) => errors.push(error.error().message));
  context.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  return context;
}

beforeEach(async () => {
  errors = [];
  context = await somebody();
  page = await context.newPage();
});
afterEach(async () => {
  for (const one of context.pages()) errors.push(...(await one.evaluate(() => window.wrong).catch(() => [])));
  await context.close();
  assert.deepEqual(errors, [], "nothing goes wrong on the page, nor against its policy");
});

const launcher = (of = page) => of.locator("watchfire-chat .launcher");
const frameOf = (of = page) => of.frameLocator("watchfire-chat iframe");
const field = (of = page) => frameOf(of).getByRole("textbox", { name: "Message" });
const bubble = (text, of = page) => frameOf(of).locator(".bubble", { hasText: text });
const kept = (of = page) => of.evaluate(() => [localStorage, sessionStorage].map((storage) => Object.fromEntries(Object.entries(storage))));

async function visit(path = "/", of = page, where = shop) {
  await of.goto(where.url + path);
  await launcher(of).waitFor();
}
async function openChat(of = page) {
  await launcher(of).click();
  await field(of).waitFor();
}
/** Says it and waits until it is there, as it is shown. */
async function say(text, of = page, shown = text) {
  await field(of).fill(text);
  await field(of).press("Enter");
  await frameOf(of).locator(".own:not(.pending)", { hasText: shown }).waitFor();
}
/** A conversation that was opened just now; its room. */
async function begun(text = "Hello", of = page, shown = text) {
  await visit("/", of);
  await openChat(of);
  await say(text, of, shown);
  return (await newest()).room;
}

describe("before anybody speaks", () => {
  const listened = (of) => {
    const asked = [];
    of.on("request", (request) => request.url().startsWith(program.url) && asked.push(new URL(request.url()).pathname.replace(/-[0-9a-f]{16}\./, ".")));
    return asked;
  };
  const BUTTON = ["/wf.js", "/v1/hits", "/chat.js"];

  test("the button costs a module and the settings where a line is spared", async () => {
    const own = await somebody();
    await own.addInitScript(() => Object.defineProperty(Navigator.prototype, "connection", { value: { saveData: true } }));
    const of = await own.newPage();
    const asked = listened(of);
    await visit("/", of);
    await of.waitForTimeout(300);
    assert.deepEqual(asked, [...BUTTON, `/api/watchfire/chat/${site}`, `/api/watchfire/chat/${site}/call`]);
    assert.equal(await of.locator("watchfire-chat iframe").count(), 0);
    await launcher(of).hover();
    await of.locator("watchfire-chat iframe").waitFor({ state: "attached" });
    await own.close();
  });

  test("the panel waits unseen once the page rests; nothing is kept, and no cookie is set", async () => {
    const slow = await open({ body: `${META}<h1>Tea</h1><img src="/slow.png" alt="">`, headers: {} });
    let answer;
    await page.route("**/slow.png", async (route) => {
      await new Promise((done) => (answer = done));
      await route.fulfill({ status: 404, body: "" });
    });
    const asked = listened(page);
    await page.goto(slow.url, { waitUntil: "commit" });
    await launcher().waitFor();
    await page.waitForTimeout(500);
    assert.equal(await page.locator("watchfire-chat iframe").count(), 0, "the page itself comes first");
    answer();
    await frameOf().locator(":root.drawn").waitFor({ state: "attached" });
    assert.deepEqual(new Set(asked.filter((path) => !BUTTON.includes(path) && !path.includes("favicon"))), new Set([
      `/api/watchfire/chat/${site}`, `/api/watchfire/chat/${site}/call`, `/chat/${site}`, "/assets/panel.css", "/assets/panel.js",
    ]));
    assert.equal(await field().isVisible(), false);
    assert.deepEqual(await kept(), [{}, {}]);
    assert.deepEqual(await context.cookies(), []);
    await slow.stop();
    errors = errors.filter((error) => !error.includes("404"));
  });

  test("opening it keeps nothing but that it is open, and sets no cookie", async () => {
    await visit();
    assert.deepEqual(await kept(), [{}, {}]);
    await openChat();
    assert.deepEqual(await kept(), [{}, { [`wf-chat ${site} open`]: "1" }], "that it is open, for as long as the tab lives");
    await page.reload();
    await field().waitFor();
    await launcher().click();
    assert.deepEqual(await kept(), [{}, {}]);
    assert.deepEqual(await context.cookies(), []);
    assert.deepEqual((await ask(`/api/watchfire/sites/${site}/conversations?folder=all`)).conversations, []);
  });

  test("the page shifts no more and waits no longer than without it", async () => {
    const bare = await open({ body: `${META}<h1>Tea</h1><p>${"Assam ".repeat(2_000)}</p>`, headers: {} });
    const measure = async (withChat) => {
      const own = await somebody();
      if (!withChat) await own.route("**/chat.js*", (route) => route.abort());
      const of = await own.newPage();
      await of.addInitScript(() => {
        window.shift = window.blocked = 0;
        new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (window.shift += value))).observe({ type: "layout-shift", buffered: true });
        new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (window.blocked += duration - 50))).observe({ type: "longtask", buffered: true });
      });
      await of.goto(bare.url);
      if (withChat) await launcher(of).waitFor();
      await of.waitForTimeout(500);
      const measured = await of.evaluate(() => [window.shift, window.blocked]);
      await own.close();
      return measured;
    };
    const [with_, without] = [[], []];
    for (let time = 0; time < 3; time++) {
      without.push(await measure(false));
      with_.push(await measure(true));
    }
    errors = errors.filter((error) => !error.includes("ERR_FAILED"));
    await bare.stop();
    const least = (all, at) => Math.min(...all.map((one) => one[at]));
    assert.equal(Math.max(...with_.map(([shift]) => shift)), 0);
    assert.ok(least(with_, 1) <= least(without, 1) + 25, `blocked for ${with_} with it, ${without} without`);
  });
});

describe("an agent who writes first", () => {
  const call = (key, body) => ask(`/api/watchfire/sites/${site}/conversations`, { id: randomBytes(16).toString("hex"), visitor: key, body });

  /** The visitor of the page, as agents see them. */
  async function seen(of = page) {
    const watching = await olive.newPage();
    await watching.goto(`${program.url}/sites/${site}`);
    const path = new URL(of.url()).pathname;
    const row = watching.locator(".visitor-rows [role=row]", { hasText: path }).first();
    await row.waitFor();
    const key = await row.getAttribute("data-visitor");
    await watching.close();
    return key;
  }

  test("is seen within a second, beside the button and in the panel, and nothing is kept before one answers", async () => {
    await visit("/called");
    const key = await seen();
    await page.evaluate(() => {
      window.told = [];
      for (const event of ["unread", "message"]) watchfire("chat", "on", event, (detail) => window.told.push([event, detail]));
    });
    const { room } = await call(key, "Shall I **help** you choose?");
    await page.locator("watchfire-chat .teaser", { hasText: "Shall I help you choose?" }).waitFor({ timeout: 1_000 });
    assert.match(await page.locator("watchfire-chat .teaser").innerText(), /^Olive Owner/);
    assert.equal(await page.locator("watchfire-chat .launcher b").innerText(), "1");
    await call(key, "We are here");
    await page.locator("watchfire-chat .launcher b", { hasText: "2" }).waitFor({ timeout: 1_000 });
    assert.deepEqual((await page.evaluate(() => window.told)).filter(([event]) => event === "message").map(([, { by, text }]) => [by, text]), [["agent", "Shall I help you choose?"], ["agent", "We are here"]]);
    assert.deepEqual(await kept(), [{}, {}]);
    assert.deepEqual(await context.cookies(), []);
    await page.goto(`${shop.url}/called/next`);
    await page.locator("watchfire-chat .launcher b", { hasText: "2" }).waitFor();
    await page.locator("watchfire-chat .teaser").click();
    await bubble("We are here").waitFor();
    assert.equal(await bubble("Shall I help").locator("strong").innerText(), "help");
    await until("it was read", async () => (await launcher().getAttribute("aria-label")) === "Chat");
    await page.goto(`${shop.url}/called/again`);
    await launcher().waitFor();
    await bubble("We are here").waitFor({ state: "attached" });
    assert.equal(await page.locator("watchfire-chat .launcher b").innerText(), "", "it was read already");
    await say("Yes, please");
    const [local] = await kept();
    assert.match(local[`wf-chat ${site}`], /^wfc_/, "from their first word on");
    assert.deepEqual(await said(room), ["Shall I **help** you choose?", "We are here", "Yes, please"]);
    assert.equal((await newest()).room, room);
    await answer(room, "Green or black?");
    await bubble("Green or black?").waitFor();
    assert.equal(await frameOf().locator(".bubble", { hasText: "We are here" }).count(), 1);
  });

  test("is heard by that visitor alone, and by all of their pages", async () => {
    await visit("/mine");
    const other = await somebody();
    const otherPage = await other.newPage();
    await visit("/theirs", otherPage);
    const second = await context.newPage();
    await visit("/mine/too", second);
    const key = await seen(second);
    await page.bringToFront();
    await call(key, "Only for you");
    for (const one of [page, second]) {
      await one.bringToFront();
      await one.locator("watchfire-chat .teaser", { hasText: "Only for you" }).waitFor();
    }
    assert.equal(await otherPage.locator("watchfire-chat .teaser").isVisible(), false);
    assert.equal(await otherPage.locator("watchfire-chat .launcher b").innerText(), "");
    await openChat(otherPage);
    await say("I am somebody else", otherPage);
    assert.equal(await bubble("Only for you", otherPage).count(), 0);
    await other.close();
  });

  test("is heard where one comes back to a page", async () => {
    await visit("/kept");
    await page.waitForTimeout(300);
    await page.goto("about:blank");
    await page.goBack();
    await launcher().waitFor();
    const key = await seen();
    await call(key, "Back again?");
    await page.locator("watchfire-chat .teaser", { hasText: "Back again?" }).waitFor();
  });
});

describe("a conversation", () => {
  test("goes there and back, outlives the page, and sets no cookie", async () => {
    const room = await begun("My order **1234** has not come <b>yet</b>", page, "My order 1234");
    const { page: where, title, last_by, visitor: who } = await newest();
    assert.deepEqual([where, title, last_by], [`${shop.url}/`, "Page /", "customer"]);
    assert.match(who, /^[0-9a-f]{16,32}-[0-9a-f]{16}$/, "the visitor that agents see on the page");
    assert.equal(await bubble("My order").locator("strong").innerText(), "1234");
    assert.match(await bubble("My order").innerText(), /<b>yet<\/b>/);
    await answer(room, "It left *this morning*: https://shop.example/1234");
    await bubble("It left").waitFor();
    assert.equal(await bubble("It left").locator("em").innerText(), "this morning");
    assert.deepEqual(await bubble("It left").locator("a").evaluate(({ target, rel }) => [target, rel]), ["_blank", "noopener noreferrer nofollow"]);
    assert.equal(await frameOf().locator(".theirs .who").last().innerText(), "Olive Owner");
    const [local] = await kept();
    assert.deepEqual(Object.keys(local), [`wf-chat ${site}`]);
    assert.match(local[`wf-chat ${site}`], /^wfc_[A-Za-z0-9_-]{43}$/);
    await page.click("#next");
    await bubble("It left").waitFor();
    await until("agents see where the customer is", async () => (await newest()).page === `${shop.url}/next`);
    await say("Thank you");
    assert.deepEqual(await said(room), ["My order **1234** has not come <b>yet</b>", "It left *this morning*: https://shop.example/1234", "Thank you"]);
    assert.equal((await newest()).room, room);
    assert.deepEqual(await context.cookies(), []);
  });

  test("is said once, though the answers are lost", async () => {
    const lose = (pattern) => {
      let lost = 0;
      return context.route(pattern, async (route) => {
        if (route.request().method() !== "POST" || lost++ > 0) return route.fallback();
        await route.fetch();
        await route.abort();
      });
    };
    await lose(/\/conversations$/);
    await lose(/\/messages$/);
    await visit();
    await openChat();
    await say("Once");
    const { room } = await newest();
    await lose(/\/messages$/);
    await say("Twice");
    assert.deepEqual(await said(room), ["Once", "Twice"]);
    errors = errors.filter((error) => !error.includes("ERR_FAILED"));
  });

  test("waits while one is offline, says so, and catches up", async () => {
    const room = await begun();
    await context.setOffline(true);
    await field().fill("From a tunnel");
    await field().press("Enter");
    await frameOf().getByText("You are offline. What you write is sent once you are back.").waitFor();
    await frameOf().locator(".pending", { hasText: "From a tunnel" }).getByText("Sending…").waitFor();
    await answer(room, "Said meanwhile");
    await context.setOffline(false);
    await frameOf().locator(".own:not(.pending)", { hasText: "From a tunnel" }).waitFor();
    await bubble("Said meanwhile").waitFor();
    await until("the notice is gone", () => frameOf().locator(".notice").isHidden());
    assert.deepEqual(await said(room), ["Hello", "Said meanwhile", "From a tunnel"]);
    errors = errors.filter((error) => !error.includes("ERR_INTERNET_DISCONNECTED"));
  });

  test("goes on when the server says that it was too much", async () => {
    await begun();
    let refused = 0;
    await context.route(/\/messages$/, (route) => route.request().method() === "POST" && refused++ === 0
      ? route.fulfill({ status: 429, headers: { "retry-after": "3" }, json: { error: { code: "rate", message: "" } } })
      : route.fallback());
    await field().fill("Quick");
    await field().press("Enter");
    await frameOf().getByText("That was a lot at once. It goes on in 3 s.").waitFor();
    await frameOf().locator(".own:not(.pending)", { hasText: "Quick" }).waitFor();
    errors = errors.filter((error) => !error.includes("429"));
  });

  test("shows who is typing, what is new, and that it was read", async () => {
    const room = await begun();
    const types = () => olive.request.post(`${program.url}/api/watchfire/rooms/${room}/doing`, { data: { what: "typing" }, headers: { origin: program.url } });
    await until("it is seen that somebody types", async () => {
      await types();
      return frameOf().getByText("The Shop is typing…").isVisible();
    });
    await answer(room, "One");
    await bubble("One").waitFor();
    await types();
    await frameOf().getByText("Olive Owner is typing…").waitFor();
    await answer(room, "One and a half");
    await until("nobody types", async () => (await frameOf().locator(".typing").innerText()) === "");
    await launcher().click();
    await page.evaluate(() => {
      window.told = [];
      for (const event of ["unread", "message", "opened", "closed"]) watchfire("chat", "on", event, (detail) => window.told.push([event, detail]));
    });
    await answer(room, "Two");
    await answer(room, "Three, and it is longer: https://shop.example/");
    await page.locator("watchfire-chat .launcher b", { hasText: "2" }).waitFor();
    assert.equal(await launcher().getAttribute("aria-label"), "Chat. Unread messages: 2");
    await page.locator("watchfire-chat .teaser", { hasText: "Three, and it is longer" }).waitFor();
    const told = await page.evaluate(() => window.told);
    assert.deepEqual(told.filter(([event]) => event === "message").map(([, { by, name, text }]) => [by, name, text]), [
      ["agent", "Olive Owner", "Two"],
      ["agent", "Olive Owner", "Three, and it is longer: https://shop.example/"],
    ]);
    assert.deepEqual(told.filter(([event]) => event === "unread").at(-1), ["unread", 2]);
    await page.reload();
    await page.locator("watchfire-chat .launcher b", { hasText: "2" }).waitFor();
    assert.equal(await page.locator("watchfire-chat .box").evaluate((box) => getComputedStyle(box).visibility), "hidden", "though nobody opened it");
    await page.locator("watchfire-chat .teaser").click();
    await frameOf().locator(".line.new", { hasText: "New" }).waitFor();
    await until("it was read", async () => (await launcher().getAttribute("aria-label")) === "Chat");
    await page.reload();
    await bubble("Three").waitFor();
    assert.equal(await frameOf().locator(".line.new").count(), 0);
    assert.equal(await page.locator("watchfire-chat .launcher b").innerText(), "");
  });

  test("that is closed says so, asks how it was, and goes on when one writes", async () => {
    const room = await begun();
    await answer(room, "Done");
    await bubble("Done").waitFor();
    await change(room, { close: true });
    await frameOf().getByText("This conversation is closed. Write to open it again.").waitFor();
    await frameOf().getByRole("radio", { name: "4 of 5" }).check({ force: true });
    await frameOf().getByRole("textbox", { name: "Anything you would like to add?" }).fill("Quick and kind");
    await frameOf().locator(".card .primary").click();
    await frameOf().getByText("Thank you for telling us!").waitFor();
    assert.deepEqual((await newest()).rating, { score: 4, words: "Quick and kind" });
    await say("One more thing");
    await until("it is open again", async () => (await newest()).state === "open");
    await frameOf().getByText("This conversation is closed").waitFor({ state: "detached" });
  });

  test("asks for an address once one spoke, and says who one is", async () => {
    await visit();
    await openChat();
    assert.equal(await frameOf().locator(".card").count(), 0);
    await say("Hello");
    const address = frameOf().locator(".card").getByRole("textbox", { name: "E-mail address" });
    await address.fill("nonsense");
    await address.press("Enter");
    await frameOf().getByText("This does not look like an e-mail address.").waitFor();
    await address.fill("ada@tea.example");
    await address.press("Enter");
    await frameOf().getByText("Answers reach you at ada@tea.example, too.").waitFor();
    await frameOf().getByRole("button", { name: "Your details" }).click();
    assert.equal(await frameOf().locator(".details").getByRole("textbox", { name: "E-mail address" }).inputValue(), "ada@tea.example");
    await frameOf().locator(".details").getByRole("textbox", { name: "Name" }).fill("Ada <script>");
    await frameOf().locator(".details").getByRole("button", { name: "Save" }).click();
    await until("agents know", async () => (await newest()).name === "Ada <script>");
    assert.equal((await newest()).email, "ada@tea.example");
  });

  test("thanks for an address also where something is said while it is on its way", async () => {
    const room = await begun("Hello");
    let release;
    await page.route("**/conversations/mine", async (route) => {
      if (route.request().postData()?.includes("late@tea.example")) await new Promise((resolve) => (release = resolve));
      await route.continue();
    });
    const address = frameOf().locator(".card").getByRole("textbox", { name: "E-mail address" });
    await address.fill("late@tea.example");
    await address.press("Enter");
    await until("it is on its way", () => release);
    await answer(room, "A moment, please");
    await bubble("A moment, please").waitFor();
    release();
    await frameOf().getByText("Answers reach you at late@tea.example, too.").waitFor();
  });

  test("is spoken in, whatever the page says of its visitor", async () => {
    await visit();
    await page.evaluate(() => window.watchfire("identify", { id: 42, name: `Ada\n${"n".repeat(90)}`, email: "nonsense", hash: 7, plan: {} }));
    await openChat();
    await say("Am I heard?");
    const { name, identity, email, proven } = await newest();
    assert.deepEqual([name, identity, email, proven], [`Ada ${"n".repeat(76)}`, "42", "", false]);
  });

  test("takes it that a page knows no address of its visitor", async () => {
    await visit();
    const hit = page.waitForResponse((answer) => answer.url().endsWith("/v1/hits") && answer.request().postData()?.includes("u-null"));
    await page.evaluate(() => window.watchfire("identify", { id: "u-null", name: "Nil", email: null }));
    assert.ok((await hit).ok());
    await openChat();
    await say("No address");
    assert.deepEqual([(await newest()).identity, (await newest()).email], ["u-null", ""]);
  });

  test("outside office hours says when, and takes an address before a word", async () => {
    await settings({ hours: "Mon 09:00-09:01" });
    await visit();
    await openChat();
    await frameOf().getByText(/^Away until (Monday )?(.*)9:00/).waitFor();
    const address = frameOf().locator(".card").getByRole("textbox", { name: "E-mail address" });
    await address.fill("late@tea.example");
    await address.press("Enter");
    await frameOf().getByText("Answers reach you at late@tea.example, too.").waitFor();
    await say("Are you there?");
    assert.equal((await newest()).email, "late@tea.example");
    await settings();
  });

  test("says of a file that is not taken why, in the panel's own words", async () => {
    await begun();
    const send = async (status) => {
      await context.unroute(/\/files\?/);
      await context.route(/\/files\?/, (route) => route.fulfill({ status, json: { error: { code: "x", message: "In the server's words" } } }));
      await frameOf().locator("input[type=file]").setInputFiles({ name: "tea.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(2_000_000) });
    };
    await send(413);
    await frameOf().getByText("tea.pdf is too large: 2.0 MB, and a file has at most 21.0 MB.").waitFor();
    await frameOf().getByRole("button", { name: "Take tea.pdf back" }).click();
    await send(400);
    await frameOf().getByText("tea.pdf: This was not taken (400). Change it, or try again.").waitFor();
    assert.equal(await frameOf().getByText("In the server's words").count(), 0);
    errors = errors.filter((error) => !/status of 4(13|00)/.test(error));
  });

  test("carries files, also with its first words, and shows pictures that only the secret opens", async () => {
    await visit();
    await openChat();
    await frameOf().locator("input[type=file]").setInputFiles([
      { name: "pot.png", mimeType: "image/png", buffer: png(1000, 600) },
      { name: "<img onerror=alert(1)>.html", mimeType: "text/html", buffer: Buffer.from("<script>alert(1)</script>") },
    ]);
    await field().press("Enter");
    await frameOf().getByText("Add a few words, so that we know what it is about.").waitFor();
    await say("It came broken");
    const image = frameOf().getByRole("img", { name: "pot.png" });
    await until("it is drawn", () => image.evaluate((element) => element.complete && element.naturalWidth > 0));
    assert.match(await image.getAttribute("src"), /^blob:/);
    const { room } = await newest();
    assert.equal((await ask(`/api/watchfire/rooms/${room}/messages`)).messages.at(-1).files.length, 2);
    const asked = [];
    page.on("request", (request) => asked.push(request));
    await frameOf().getByRole("button", { name: "pot.png" }).click();
    await until("it is drawn larger", () => frameOf().locator("dialog img").evaluate((element) => element.complete && element.naturalWidth === 1000));
    assert.ok(asked.length > 0);
    assert.deepEqual(asked.map((request) => request.url()).filter((url) => url.includes("wfc_")), []);
    await page.keyboard.press("Escape");
    await frameOf().locator("dialog").waitFor({ state: "hidden" });
    assert.equal(await launcher().getAttribute("aria-expanded"), "true", "Escape closed the picture alone");
    const download = page.waitForEvent("download");
    await frameOf().getByRole("button", { name: ".html" }).click();
    assert.equal(readFileSync(await (await download).path(), "utf8"), "<script>alert(1)</script>");
    await paste(png(40, 30));
    await frameOf().locator(".upload.sent").waitFor();
    await say("And this is the lid");
    await frameOf().getByRole("img", { name: "lid.png" }).waitFor();
  });

  test("is one in all tabs", async () => {
    const other = await context.newPage();
    await visit("/other", other);
    await openChat(other);
    const room = await begun("From the first tab");
    await bubble("From the first tab", other).waitFor();
    await say("From the second", other);
    await bubble("From the second").waitFor();
    assert.equal((await newest()).room, room);
    for (const one of [page, other]) await launcher(one).click();
    await answer(room, "Seen by both");
    for (const one of [page, other]) await one.locator("watchfire-chat .launcher b", { hasText: "1" }).waitFor();
    await launcher(other).click();
    await until("it is read in the other, too", async () => (await page.locator("watchfire-chat .launcher b").innerText()) === "");
  });

  test("moves to a window of its own, whose address has no secret", async () => {
    await visit();
    await openChat();
    const opened = context.waitForEvent("page");
    await frameOf().getByRole("button", { name: "Open in a window of its own" }).click();
    const child = await opened;
    const box = child.getByRole("textbox", { name: "Message" });
    await box.waitFor();
    await until("the panel on the page is closed", async () => (await launcher().getAttribute("aria-expanded")) === "false");
    await box.fill("From my own window");
    await box.press("Enter");
    await child.locator(".own:not(.pending)", { hasText: "From my own window" }).waitFor();
    assert.ok(!child.url().includes("wfc_"));
    const [local] = await kept();
    assert.match(local[`wf-chat ${site}`], /^wfc_/, "the page keeps it");
    assert.deepEqual(await child.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ""]);
    await openChat();
    await bubble("From my own window").waitFor();
    await child.close();
  });
});

describe("the page", () => {
  test("is spoken with by the keyboard alone", async () => {
    await visit();
    await page.focus("#next");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "launcher");
    await page.keyboard.press("Enter");
    await until("one may write", () => field().evaluate((element) => element === document.activeElement));
    assert.equal(await launcher().getAttribute("aria-expanded"), "true");
    await page.keyboard.type("first line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("second line");
    await page.keyboard.press("Enter");
    await frameOf().locator(".own:not(.pending)").waitFor();
    assert.deepEqual(await said((await newest()).room), ["first line\nsecond line"]);
    await page.keyboard.press("Escape");
    await until("the button has the focus", async () => (await focused()) === "launcher");
    assert.equal(await launcher().getAttribute("aria-expanded"), "false");
    await page.keyboard.press("Enter");
    await until("one may write", () => field().evaluate((element) => element === document.activeElement));
    await launcher().focus();
    await page.keyboard.press("Escape");
    assert.equal(await launcher().getAttribute("aria-expanded"), "false");
  });

  test("does not send what is still being composed", async () => {
    await visit();
    await openChat();
    await field().fill("你");
    const press = (more) => field().evaluate((element, more) => element.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more })), more);
    await press({ isComposing: true });
    await press({ keyCode: 229 });
    await page.waitForTimeout(100);
    assert.equal(await frameOf().locator(".own").count(), 0);
    await press({});
    await frameOf().locator(".own:not(.pending)", { hasText: "你" }).waitFor();
  });

  test("is filled on a phone, and comes back", async () => {
    await context.close();
    context = await somebody({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    page = await context.newPage();
    await visit();
    await openChat();
    await until("it fills the window", async () => JSON.stringify(await page.locator("watchfire-chat iframe").boundingBox()) === JSON.stringify({ x: 0, y: 0, ...page.viewportSize() }));
    assert.equal(await launcher().isVisible(), false);
    assert.equal(await frameOf().getByRole("button", { name: "Open in a window of its own" }).isVisible(), false);
    const sideways = await page.frames()[1].evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(sideways, false);
    await say("From my phone");
    await page.reload();
    await launcher().waitFor();
    assert.equal(await launcher().getAttribute("aria-expanded"), "false", "the next page is seen first");
    await openChat();
    await bubble("From my phone").waitFor();
    await frameOf().getByRole("button", { name: "Close the chat" }).click();
    await launcher().waitFor();
  });

  test("in Arabic has it on the other side, from right to left", async () => {
    const arabic = await open({ root: 'lang="ar" dir="rtl"' });
    await visit("/", page, arabic);
    const { x } = await launcher().boundingBox();
    assert.ok(x < 100, `the button is at ${x}`);
    assert.equal(await launcher().getAttribute("aria-label"), "محادثة");
    await launcher().click();
    await frameOf().getByRole("textbox", { name: "رسالة" }).waitFor();
    const panel = page.frames()[1];
    assert.deepEqual(await panel.evaluate(() => [document.documentElement.lang.slice(0, 2), getComputedStyle(document.body).direction]), ["ar", "rtl"]);
    const [send, box] = await Promise.all([".send", "textarea"].map((part) => frameOf().locator(part).boundingBox()));
    assert.ok(send.x < box.x);
    await arabic.stop();
  });

  test("finds nothing against it by axe-core, closed and open, by day and by night", async () => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const room = await begun(`Hello by ${colorScheme}`);
      await answer(room, "Hi! `code`, and https://shop.example/");
      await bubble("Hi!").waitFor();
      await frameOf().getByRole("button", { name: "Your details" }).click();
      await page.waitForTimeout(300);
      const panel = page.frames()[1];
      await panel.evaluate(AXE);
      await page.evaluate(AXE);
      const check = async (where) => {
        // What comes in is looked at once it is there.
        await where.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
        const { violations } = await where.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], iframes: false }));
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], colorScheme);
      };
      await check(panel);
      await check(page);
      await change(room, { close: true });
      await frameOf().getByText("This conversation is closed").waitFor();
      await check(panel);
      await launcher().click();
      await page.waitForTimeout(300);
      await check(page);
      await page.evaluate(() => watchfire("chat", "forget"));
    }
  });

  test("may change all that it has, and the chat stays", async () => {
    await begun("Still here");
    const panel = page.frames()[1];
    await panel.evaluate(() => (window.same = true));
    await page.evaluate(() => {
      history.pushState({}, "", "/route");
      document.body.replaceWith(document.createElement("body"));
      document.body.append(Object.assign(document.createElement("h1"), { textContent: "Another view" }));
    });
    await page.waitForTimeout(100);
    assert.equal(await panel.evaluate(() => window.same), true, "not even loaded again");
    await page.evaluate(() => document.documentElement.replaceChildren(document.createElement("body")));
    await bubble("Still here").waitFor();
    await say("And still");
  });

  test("asks for what it likes", async () => {
    await context.close();
    context = await somebody();
    await context.addInitScript((secretOf) => {
      (window.watchfireChat = window.watchfireChat || []).push(["identify", secretOf]);
    }, { id: "u-17", name: "Ada", email: "ada@tea.example", hash: await proof("u-17") });
    page = await context.newPage();
    const hits = [];
    page.on("request", (request) => request.url().endsWith("/v1/hits") && hits.push(...JSON.parse(request.postData()).hits));
    await visit();
    await until("the tag says who it is", () => hits.find(({ kind }) => kind === "identify"));
    const identify = hits.find(({ kind }) => kind === "identify");
    assert.deepEqual([identify.identity, identify.props], ["u-17", { name: "Ada", email: "ada@tea.example" }]);
    await page.evaluate(() => {
      watchfire("event", "seen", { item: "Assam" });
      watchfire("chat", "show", "Shall I help you choose?");
    });
    await until("the tag's calls are the tag's", () => hits.find(({ kind, name }) => kind === "event" && name === "seen"));
    await page.locator("watchfire-chat .teaser", { hasText: "Shall I help you choose?" }).waitFor();
    assert.equal(await page.locator("watchfire-chat .box").evaluate((box) => getComputedStyle(box).visibility), "hidden", "the panel is there, and unseen");
    await page.evaluate(() => watchfire("chat", "open"));
    await bubble("Shall I help you choose?").waitFor();
    assert.deepEqual(await kept(), [{}, {}], "the page opened it, and not the customer");
    await say("Yes");
    const { identity, proven, name, email } = await newest();
    assert.deepEqual([identity, proven, name, email], ["u-17", true, "Ada", "ada@tea.example"]);
    assert.deepEqual(await said((await newest()).room), ["Yes"], "what was shown is not said");
    await page.evaluate(() => watchfireChat.push(["chat", "close"]));
    await until("it is closed", async () => (await launcher().getAttribute("aria-expanded")) === "false");
    await page.evaluate(() => {
      const circle = {};
      circle.circle = circle;
      for (const call of [[], ["chat"], ["chat", "on"], ["chat", "nothing"], ["identify", null], ["identify", { id: "u", circle }], ["chat", "on", "opened", 7]]) watchfire(...call);
    });
    await page.evaluate(() => watchfire("chat", "forget"));
    assert.deepEqual(await kept(), [{}, {}]);
    await openChat();
    assert.equal(await bubble("Yes").count(), 0, "who comes next sees nothing of it");
    errors = errors.filter((error) => !error.includes("is not a function"));
    await page.evaluate(() => (window.wrong = window.wrong.filter((error) => !error.includes("is not a function"))));
  });

  test("cannot be made to believe others, nor the panel", async () => {
    await begun();
    const before = await kept();
    await page.evaluate(() => {
      for (const message of [{ keep: "wfc_evil" }, { close: true }, { waiting: { count: 9, label: "", name: "Evil", text: "" } }, null, "x"]) postMessage(message, "*");
    });
    const panel = page.frames()[1];
    await panel.evaluate(() => postMessage({ nonce: location.hash.slice(1), secret: "wfc_evil", open: false }, "*"));
    await page.waitForTimeout(200);
    assert.deepEqual(await kept(), before);
    assert.equal(await launcher().getAttribute("aria-expanded"), "true");
    await say("All is as it was");
  });

  test("of anybody else cannot frame the panel", async () => {
    const stranger = await CustomerSite.start("", { body: `<iframe src="${program.url}/chat/${site}#1"></iframe>` });
    await page.goto(stranger.url.replace("localhost", "127.0.0.1"));
    await until("the browser refuses", () => errors.some((error) => error.includes("frame-ancestors")));
    await page.goto("about:blank");
    await stranger.stop();
    errors = [];
  });

  test("comes back from the back-forward cache, and the chat with it", async () => {
    const caching = await launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
    const own = await visitor(caching, { viewport: WIDE });
    const of = await own.newPage();
    const room = await begun("Before", of);
    // Frames of a page that comes back are not the test's to look into; the page's own script hears of them.
    await of.evaluate(() => {
      window.told = [];
      watchfire("chat", "on", "message", ({ text }) => window.told.push(text));
    });
    await of.goto(`${shop.url}/elsewhere`);
    await launcher(of).waitFor();
    await answer(room, "While you were away");
    await of.evaluate(() => void setTimeout(() => history.back()));
    await of.waitForFunction(() => window.told?.includes("While you were away"));
    await answer(room, "And now");
    await of.waitForFunction(() => window.told.includes("And now"));
    await of.evaluate(() => watchfire("chat", "close"));
    await until("the page's calls are answered", async () => (await launcher(of).getAttribute("aria-expanded")) === "false");
    await caching.close();
  });

  test("has no button where the chat is off, and it goes on where it was", async () => {
    const room = await begun("Before it was off");
    const answers = async (status) => {
      const hits = page.waitForResponse((response) => response.url().endsWith("/v1/hits"));
      await page.reload();
      return (await hits).status() === status;
    };
    await settings({ on: "" });
    await until("the tag learns of it", () => answers(202));
    await page.waitForTimeout(500);
    assert.equal(await page.locator("watchfire-chat").count(), 0);
    await settings();
    await until("the tag learns of it", () => answers(203));
    await bubble("Before it was off").waitFor();
    await say("And after");
    assert.deepEqual(await said(room), ["Before it was off", "And after"]);
  });
});

/** The class of what has the focus, in the shadow of the button. */
const focused = () => page.evaluate(() => document.querySelector("watchfire-chat").shadowRoot.activeElement?.className);

/** As the site's own server proves who somebody is. */
async function proof(id) {
  const chat = await (await olive.request.get(`${program.url}/sites/${site}/chat`)).text();
  const [, secret] = chat.match(/id="secret">([0-9a-f]{64})</);
  return createHmac("sha256", secret).update(id).digest("hex");
}

/** As the system hands a picture to the field. */
function paste(bytes) {
  return field().evaluate((element, bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "lid.png", { type: "image/png" }));
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...bytes]);
}
