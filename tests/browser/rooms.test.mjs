// A room in real Chromium with two and three people: said, edited, answered, decided; a guest by link and password; locked, kicked, away and back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { invite, launch, setUp, start, until } from "./program.mjs";

const PASSWORD = "tea and biscuits";

let program, browser, errors, olive, bob, gus, site, room;

/** A browser of somebody's own, whose page must stay free of errors. */
async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: "Europe/Paris", bypassCSP: false, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // A line that is cut on purpose is said there, too.
    if (message.type() === "error" && !/ERR_|WebSocket|status of (401|403|404|502)/.test(message.text())) errors.push(message.text());
  });
  return { context, page };
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

const live = (page) => page.locator(".room[data-state=open]").waitFor();
const message = (page, text) => page.locator(".messages-scroll .message:not(.pending)", { hasText: text });
const say = async (page, text) => {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
};
const menu = async (page, text, item) => {
  await message(page, text).hover();
  await message(page, text).getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: item }).click();
};

test("without a room the page says what to do, and the first room is opened", async () => {
  const { page } = olive;
  await page.goto(`${program.url}/`);
  await page.getByRole("link", { name: "Rooms", exact: true }).first().click();
  assert.ok(await page.getByText("No rooms yet").isVisible());
  await accessible(page, "no rooms");
  await page.getByLabel("Name").fill("Support <b>");
  await page.getByRole("button", { name: "Open the room" }).click();
  await page.waitForURL(/\/rooms\/RM-/);
  room = page.url().match(/RM-[0-9A-Z]+/)[0];
  await live(page);
  assert.equal(await page.locator("h1").innerText(), "Support <b>");
});

test("two people talk: what one says the other reads, and nothing that is typed becomes a tag", async () => {
  await bob.page.goto(`${program.url}/rooms`);
  await bob.page.getByRole("link", { name: "Support <b>" }).click();
  await bob.page.getByRole("button", { name: "Come in" }).click();
  await live(bob.page);
  await message(olive.page, "came in").first().waitFor();
  await say(olive.page, "**Good** morning <img src=x onerror=alert(1)>");
  await message(bob.page, "Good morning <img src=x onerror=alert(1)>").waitFor();
  assert.equal(await message(bob.page, "Good morning").locator("strong").innerText(), "Good");
  assert.equal(await bob.page.locator(".messages img").count(), 0);
  await bob.page.getByLabel("Message", { exact: true }).pressSequentially("Hel");
  await olive.page.getByText("Bob Builder is typing…").waitFor();
  await bob.page.keyboard.type("lo");
  await bob.page.keyboard.press("Enter");
  await message(olive.page, "Hello").waitFor();
  await until("it is there once", async () => (await message(bob.page, "Hello").count()) === 1 && (await bob.page.locator(".pending").count()) === 0);
  await olive.page.locator(".person.here", { hasText: "Bob Builder" }).waitFor();
});

test("somebody is mentioned by name, and no id is seen", async () => {
  await olive.page.getByLabel("Message", { exact: true }).pressSequentially("Thanks @bui");
  await olive.page.getByRole("option", { name: "Bob Builder" }).waitFor();
  await accessible(olive.page, "names");
  await olive.page.keyboard.press("Enter");
  assert.equal(await olive.page.getByLabel("Message", { exact: true }).inputValue(), "Thanks @Bob Builder ");
  await olive.page.keyboard.type("for that");
  await olive.page.keyboard.press("Enter");
  await message(bob.page, "Thanks @Bob Builder for that").locator(".mention").waitFor();
  await menu(olive.page, "Thanks @Bob Builder", "Edit");
  assert.equal(await olive.page.getByLabel("Edit the message").inputValue(), "Thanks @Bob Builder for that");
  await olive.page.keyboard.press("Escape");
});

test("a message is edited, reacted to, answered in a thread, decided, starred and removed", async () => {
  await say(olive.page, "We ship on Monday");
  await message(bob.page, "We ship on Monday").waitFor();
  await menu(olive.page, "We ship on Monday", "Edit");
  await olive.page.getByLabel("Edit the message").fill("We ship on Friday");
  await olive.page.keyboard.press("Enter");
  await message(bob.page, "We ship on Friday").getByText("edited").waitFor();
  await menu(bob.page, "We ship on Friday", "🎉");
  await message(olive.page, "We ship on Friday").getByRole("button", { name: /🎉 1/ }).waitFor();
  await menu(bob.page, "We ship on Friday", "Mark as decided");
  await olive.page.locator(".decision", { hasText: "We ship on Friday" }).waitFor();
  await menu(bob.page, "We ship on Friday", "Answer in a thread");
  await bob.page.getByLabel("Answer").fill("Friday it is");
  await bob.page.keyboard.press("Enter");
  await message(olive.page, "We ship on Friday").getByRole("button", { name: "1 answer" }).click();
  await olive.page.locator("#aside .message", { hasText: "Friday it is" }).waitFor();
  await accessible(olive.page, "a thread");
  await olive.page.getByRole("button", { name: "Close the thread" }).click();
  await menu(olive.page, "We ship on Friday", "Keep with a star");
  await message(olive.page, "We ship on Friday").getByTitle("You keep this").waitFor();
  await say(bob.page, "a slip of the tongue");
  bob.page.once("dialog", (dialog) => dialog.accept());
  await menu(bob.page, "a slip of the tongue", "Remove");
  await message(olive.page, "This message was removed.").waitFor();
  assert.equal(await message(olive.page, "slip of the tongue").count(), 0);
  await accessible(olive.page, "a room");
});

test("what was said is found: by words, by day, among decisions and stars", async () => {
  const { page } = olive;
  await page.goto(`${program.url}/rooms/search?q=friday`);
  assert.equal(await page.locator(".found-one").count(), 2);
  await accessible(page, "search");
  await page.locator(".found-one", { hasText: "We ship on Friday" }).getByRole("link").nth(1).click();
  await page.waitForURL(/\/days\/.*#m\d+$/);
  assert.match(await page.locator(".message:target").innerText(), /We ship on Friday/);
  await accessible(page, "a day");
  await page.goto(`${program.url}/rooms/${room}/decisions`);
  assert.match(await page.locator(".message").innerText(), /We ship on Friday.*decided by Bob Builder/s);
  await page.goto(`${program.url}/rooms/stars`);
  assert.equal(await page.locator(".found-one").count(), 1);
  await page.goto(`${program.url}/rooms/search?q=nowhere`);
  assert.ok(await page.getByText("Nothing is found").isVisible());
});

test("what is unread is counted while one is elsewhere, and a line says where one left off", async () => {
  const list = async () => (await olive.context.request.get(`${program.url}/api/watchfire/rooms`)).json();
  await olive.page.goto(`${program.url}/rooms/${room}`);
  await until("all is read", async () => (await list()).rooms[0].unread === 0);
  await olive.page.goto(`${program.url}/rooms`);
  await say(bob.page, "while you were out");
  await until("it is counted", async () => (await olive.page.locator("[data-part=unread]").innerText()) === "1");
  await accessible(olive.page, "the list");
  await olive.page.getByRole("link", { name: "Support <b>" }).click();
  await live(olive.page);
  await olive.page.getByText("New since you were here").waitFor();
  await until("it is read", async () => (await list()).rooms[0].unread === 0);
});

test("what is meant for one in a thread waits until one looks into it", async () => {
  const mine = async () => (await (await olive.context.request.get(`${program.url}/api/watchfire/rooms`)).json()).rooms[0];
  await olive.page.goto(`${program.url}/rooms/${room}`);
  await live(olive.page);
  await until("all is read", async () => (await mine()).unread === 0);
  await menu(bob.page, "We ship on Friday", "Answer in a thread");
  await bob.page.getByLabel("Answer").pressSequentially("@oli");
  await bob.page.getByRole("option", { name: "Olive Owner" }).waitFor();
  await bob.page.keyboard.press("Enter");
  await bob.page.keyboard.type("have a look");
  await bob.page.keyboard.press("Enter");
  const waits = olive.page.getByRole("button", { name: "A thread has something for you" });
  await waits.waitFor();
  assert.match(await olive.page.title(), /^\(1\)/);
  assert.equal((await mine()).unread, 1);
  await accessible(olive.page, "a thread waits");
  await waits.click();
  await olive.page.locator("#aside .message", { hasText: "have a look" }).waitFor();
  await until("it is read", async () => (await mine()).unread === 0);
  await until("nothing waits", async () => !(await waits.isVisible()) && !/^\(/.test(await olive.page.title()));
  await olive.page.getByRole("button", { name: "Close the thread" }).click();
});

test("who touches nothing for ten minutes is idle, until they do", async () => {
  const away = await person({ storageState: await bob.context.storageState() });
  await bob.page.goto("about:blank");
  await away.page.clock.install();
  await away.page.goto(`${program.url}/rooms/${room}`);
  await live(away.page);
  const beside = olive.page.locator(".person", { hasText: "Bob Builder" });
  await until("they are here", async () => /\bhere\b/.test(await beside.getAttribute("class")));
  await until("they are idle", async () => {
    await away.page.clock.runFor(11 * 60_000);
    return (await beside.innerText()).includes("idle");
  });
  await away.page.mouse.move(200, 200);
  await until("they are no more", async () => !(await beside.innerText()).includes("idle"));
  await away.context.close();
  await bob.page.goto(`${program.url}/rooms/${room}`);
  await live(bob.page);
});

test("a guest comes in by link and password, and sees this room alone", async () => {
  await olive.page.goto(`${program.url}/rooms/${room}/settings`);
  await accessible(olive.page, "settings");
  await olive.page.getByLabel(/^Password/).fill(PASSWORD);
  await olive.page.getByRole("button", { name: "Make a link" }).click();
  const link = await olive.page.locator("#fresh-link").innerText();
  await olive.page.goto(`${program.url}/rooms/${room}`);
  await live(olive.page);
  gus = await person({ viewport: { width: 390, height: 780 } });
  await gus.page.goto(link);
  await accessible(gus.page, "at the door");
  await gus.page.getByLabel(/Your name/).fill("Gus");
  await gus.page.getByLabel("The room’s password").fill("wrong");
  await gus.page.getByRole("button", { name: "Come in" }).click();
  assert.ok(await gus.page.getByText("This is not the room's password.").isVisible());
  await gus.page.getByLabel("The room’s password").fill(PASSWORD);
  await gus.page.getByRole("button", { name: "Come in" }).click();
  await gus.page.waitForURL(/\/rooms\/RM-/);
  await live(gus.page);
  await say(gus.page, "Hello from outside");
  await message(olive.page, "Hello from outside").waitFor();
  await say(olive.page, "Welcome, Gus");
  await message(gus.page, "Welcome, Gus").waitFor();
  await accessible(gus.page, "a guest's room");
  assert.equal((await gus.page.goto(`${program.url}/rooms/${room}/messages/1`)).status(), 200);
  await gus.page.goto(`${program.url}/`);
  assert.match(gus.page.url(), /\/sign-in/);
  await gus.page.goto(`${program.url}/rooms/${room}`);
  await live(gus.page);
});

test("whoever reads the end goes on reading it when the window turns narrow", async () => {
  const { page } = olive;
  await say(page, `a long one ${"and another word ".repeat(150)}`);
  await say(page, "the end");
  await message(page, "the end").waitFor();
  const behind = () => page.locator("[data-part=scroll]").evaluate((scroll) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight);
  await until("the end is seen", async () => (await behind()) < 2);
  await page.setViewportSize({ width: 390, height: 500 });
  await until("the end is seen in a narrow window", async () => (await behind()) < 2);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("a line that breaks comes back, and nothing is missed or said twice", async () => {
  await bob.context.setOffline(true);
  await bob.page.locator(".room[data-state=lost]").waitFor();
  await say(bob.page, "sent while offline");
  await bob.page.locator(".pending", { hasText: "sent while offline" }).waitFor();
  await say(olive.page, "missed one");
  await say(olive.page, "missed two");
  await bob.context.setOffline(false);
  await live(bob.page);
  await message(bob.page, "missed two").waitFor();
  await message(olive.page, "sent while offline").waitFor();
  await until("all is there once", async () => {
    const counts = await Promise.all(["missed one", "missed two", "sent while offline"].map((text) => message(bob.page, text).count()));
    return counts.every((count) => count === 1) && (await bob.page.locator(".pending").count()) === 0;
  });
});

test("what was typed into a message is not lost where it cannot be saved", async () => {
  await say(bob.page, "Monday at noon");
  await menu(bob.page, "Monday at noon", "Edit");
  const field = bob.page.getByLabel("Edit the message");
  await field.fill("Monday at one");
  await bob.context.setOffline(true);
  await bob.page.keyboard.press("Enter");
  await bob.page.getByRole("alert").getByText(/cannot be reached/).waitFor();
  await bob.context.setOffline(false);
  assert.equal(await field.inputValue(), "Monday at one");
  await bob.page.getByRole("button", { name: "Save" }).click();
  await message(olive.page, "Monday at one").getByText("edited").waitFor();
});

test("the server is killed while somebody talks: what was acknowledged is there, what waits is sent", async () => {
  await say(bob.page, "before the crash");
  await message(olive.page, "before the crash").waitFor();
  await program.kill();
  await say(bob.page, "during the crash");
  await program.run();
  for (const page of [olive.page, bob.page]) {
    await message(page, "during the crash").waitFor({ timeout: 45_000 });
    assert.equal(await message(page, "before the crash").count(), 1);
    assert.equal(await message(page, "during the crash").count(), 1);
  }
});

test("a locked room says so, and who is sent out is out at once", async () => {
  const tell = (path, data) => olive.context.request.post(`${program.url}/api/watchfire/rooms/${room}${path}`, { data, headers: { origin: program.url } });
  assert.ok((await tell("", { locked: true })).ok());
  for (const { page } of [olive, bob, gus]) await page.getByText("This room is locked.").waitFor({ timeout: 45_000 });
  await say(bob.page, "between us");
  await message(olive.page, "between us").waitFor();
  assert.ok((await tell("", { locked: false })).ok());
  await until("it is gone", async () => (await message(olive.page, "between us").count()) === 0);
  const { members } = await (await olive.context.request.get(`${program.url}/api/watchfire/rooms/${room}/members`)).json();
  const { who } = members.find(({ name }) => name === "Gus");
  assert.ok((await tell(`/members/${who}/kick`, {})).ok());
  await gus.page.getByText("You are no longer in this room.").waitFor();
  await say(olive.page, "Gus does not hear this");
  await message(bob.page, "Gus does not hear this").waitFor();
  assert.equal(await message(gus.page, "Gus does not hear this").count(), 0);
});

test("who leaves on another page, or is sent out of an open room, sees it there and comes in again", async () => {
  const { page } = bob;
  const headers = { origin: program.url };
  const api = `${program.url}/api/watchfire/rooms/${room}`;
  const comesIn = async () => {
    await page.getByRole("link", { name: "Come in again" }).click();
    await page.getByRole("button", { name: "Come in" }).click();
    await live(page);
  };
  const isOut = async (why) => {
    await page.getByText(`You are no longer in this room. ${why}`).waitFor();
    assert.ok(await page.getByLabel("Message", { exact: true }).isDisabled());
    assert.equal(await page.getByRole("button", { name: "Leave", exact: true }).count(), 0);
    await until("nothing is done to messages", async () => (await page.locator(".message-more").count()) === 0);
  };
  assert.ok((await bob.context.request.post(`${api}/leave`, { data: {}, headers })).ok());
  await isOut("You left it on another page.");
  await accessible(page, "a room that one left");
  await comesIn();
  await page.getByRole("button", { name: "Leave", exact: true }).waitFor();
  const { members } = await (await olive.context.request.get(`${api}/members`)).json();
  const { who } = members.find(({ name }) => name === "Bob Builder");
  assert.ok((await olive.context.request.post(`${api}/members/${who}/kick`, { data: {}, headers })).ok());
  await isOut("Olive Owner sent you out.");
  await comesIn();
  await say(page, "here again");
  await message(olive.page, "here again").waitFor();
});

test("who signs out on another page is told so, and comes back by signing in", async () => {
  const { page } = bob;
  await bob.context.request.post(`${program.url}/sign-out`, { headers: { origin: program.url } });
  await page.getByText("You are signed out.").waitFor({ timeout: 45_000 });
  assert.equal(await page.getByText("You are no longer in this room.").count(), 0);
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.getByLabel("E-mail").fill("bob@watchfire.example");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(new RegExp(`/rooms/${room}`));
  await live(page);
});

test("the field grows with what is written in it, and shrinks again", async () => {
  const { page } = bob;
  const field = page.getByLabel("Message", { exact: true });
  const shape = () => field.evaluate(({ rows, scrollHeight, clientHeight }) => ({ rows, hides: scrollHeight > clientHeight + 2 }));
  assert.equal((await shape()).rows, 1);
  await field.fill("a line that is broken where the field ends ".repeat(10));
  const { rows, hides } = await shape();
  assert.ok(rows > 1 && rows < 12, `${rows} rows`);
  assert.ok(!hides);
  await page.setViewportSize({ width: 390, height: 800 });
  await until("it is higher where it is narrow", async () => (await shape()).rows > rows);
  await field.fill("word ".repeat(1_500));
  assert.deepEqual(await shape(), { rows: 12, hides: true });
  await page.setViewportSize({ width: 1280, height: 800 });
  await field.fill("short");
  assert.equal((await shape()).rows, 1);
  await field.fill("");
});

test("what does not work is said on the page, beside what one writes, until one closes it", async () => {
  const { page } = bob;
  const asked = [];
  const dialog = (one) => (asked.push(one.message()), one.dismiss());
  page.on("dialog", dialog);
  await say(page, "what does not work");
  await message(page, "what does not work").waitFor();
  await page.route("**/react", (route) => route.fulfill({ status: 404, contentType: "application/json", body: JSON.stringify({ error: { code: "limit", message: "No more <b>of that</b>." } }) }));
  const trouble = page.locator("[data-part=trouble]");
  const field = page.getByLabel("Message", { exact: true });
  await page.getByRole("button", { name: "Who is here" }).click();
  for (const [width, scheme, dir] of [[1280, "light", "ltr"], [390, "dark", "rtl"], [390, "light", "ltr"]]) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate((dir) => (document.documentElement.dir = dir), dir);
    await menu(page, "what does not work", "👍");
    await trouble.getByText("No more <b>of that</b>.").waitFor();
    assert.equal(await trouble.getAttribute("role"), "alert");
    const [notice, composer] = [await trouble.boundingBox(), await page.locator("[data-part=composer]").boundingBox()];
    assert.ok(notice.y + notice.height <= composer.y && notice.x >= 0 && notice.x + notice.width <= width, JSON.stringify([notice, composer, width]));
    await accessible(page, `trouble at ${width} in ${scheme}`);
    await field.fill("still writing");
    await trouble.getByRole("button", { name: "Close this" }).click();
    await trouble.waitFor({ state: "hidden" });
    assert.equal(await field.inputValue(), "still writing");
  }
  // On a phone a thread fills the page: it is seen there, too.
  await menu(page, "what does not work", "Answer in a thread");
  await page.getByLabel("Answer").fill("in the thread");
  await page.keyboard.press("Enter");
  const answer = page.locator("#aside .message:not(.pending)", { hasText: "in the thread" });
  await answer.getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: "👍" }).click();
  await trouble.waitFor();
  const top = await trouble.evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  });
  assert.ok(top, "it lies above the thread");
  await page.unroute("**/react");
  await answer.getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: "👍" }).click();
  await answer.getByRole("button", { name: /👍 1/ }).waitFor();
  assert.ok(await trouble.isHidden(), "what works heals it");
  await page.getByRole("button", { name: "Close the thread" }).click();
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: null });
  await field.fill("");
  page.off("dialog", dialog);
  assert.deepEqual(asked, []);
});

test("who edits what is removed meanwhile is told so, and keeps what they typed", async () => {
  const { page } = bob;
  await say(page, "to be removed");
  await message(page, "to be removed").waitFor();
  const number = await message(page, "to be removed").getAttribute("data-number");
  await menu(page, "to be removed", "Edit");
  const field = page.getByLabel("Edit the message");
  await field.fill("to be removed, and much more");
  await olive.context.request.post(`${program.url}/api/watchfire/rooms/${room}/messages/${number}/remove`, { headers: { origin: program.url } });
  await page.getByText("This message was removed, so that it cannot be changed.").waitFor();
  assert.equal(await field.inputValue(), "to be removed, and much more");
  assert.ok(!(await field.isEditable()));
  assert.equal(await page.getByRole("button", { name: "Save" }).count(), 0);
  await accessible(page, "an edit of what is gone");
  await page.locator(".edit-form").getByRole("button", { name: "Close" }).click();
  await page.locator(`#m${number}`, { hasText: "This message was removed." }).waitFor();
  assert.equal(await page.locator(`#m${number}`, { hasText: "to be removed" }).count(), 0);
  assert.equal(await page.locator(".edit-form").count(), 0);
});

test("the room is used by keyboard alone", async () => {
  const { page } = bob;
  await say(page, "by keyboard");
  await message(page, "by keyboard").waitFor();
  await message(page, "by keyboard").getByRole("button", { name: /^Actions for/ }).focus();
  await page.keyboard.press("Enter");
  await until("the menu has the focus", () => page.evaluate(() => document.activeElement?.getAttribute("role") === "menuitem"));
  await page.keyboard.press("Enter");
  await message(olive.page, "by keyboard").getByRole("button", { name: /👍 1/ }).waitFor();
  await page.getByLabel("Message", { exact: true }).focus();
  await page.keyboard.press("ArrowUp");
  await page.getByLabel("Edit the message").waitFor();
  await page.keyboard.type(" alone");
  await page.keyboard.press("Enter");
  await message(olive.page, "by keyboard alone").waitFor();
  await page.keyboard.press("Escape");
});

test("without scripts a room is read, and one can come in and say something", async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await bob.context.storageState() });
  const page = await plain.newPage();
  await page.goto(`${program.url}/rooms/${room}`);
  assert.match(await page.locator(".messages").innerText(), /Good morning[\s\S]*by keyboard alone/);
  await page.getByLabel("Message", { exact: true }).fill("said without scripts");
  await page.getByRole("button", { name: "Send" }).click();
  assert.match(await page.locator(".messages").innerText(), /said without scripts/);
  await plain.close();
  await message(olive.page, "said without scripts").waitFor();
  assert.deepEqual(errors, []);
});

test("nobody passes for somebody else: hosts are marked, and namesakes are told apart", async () => {
  const { page } = bob;
  const rename = (name) => bob.context.request.post(`${program.url}/account`, { headers: { origin: program.url }, form: { name, email: "bob@watchfire.example" } });
  assert.equal((await rename("Commits")).status(), 400);
  await rename("Olive Owner");
  await page.goto(`${program.url}/rooms/${room}`);
  await live(page);
  await say(page, "trust me");
  await message(page, "trust me").locator(".author", { hasText: /^Olive Owner \(member \d\)$/ }).waitFor({ state: "attached" });
  assert.equal(await message(page, "trust me").locator(".message-head .badge").count(), 0);
  const good = message(page, "Good morning").first();
  await good.locator(".message-head .badge", { hasText: "host" }).waitFor();
  const people = await page.locator(".person").allInnerTexts();
  assert.equal(new Set(people.map((text) => text.match(/Olive Owner \(member (\d)\)/)?.[1]).filter(Boolean)).size, 2, people.join("|"));
  await accessible(page, "namesakes");
  await rename("Bob Builder");
  assert.deepEqual(errors, []);
});

test("a page of somebody who may not see it leads to the sign-in, and says nothing of the room", async () => {
  const stranger = await person();
  const answer = await stranger.page.goto(`${program.url}/rooms/${room}`);
  assert.match(stranger.page.url(), /\/sign-in\?next=/);
  assert.ok(!(await answer.text()).includes("Support"));
  await stranger.context.close();
});
