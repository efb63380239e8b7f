// What reaches somebody who looks elsewhere, in real Chromium: sounds that people play, counts in title and icon, a chime, notifications of the system.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { accessible } from "./axe.mjs";
import { invite, launch, Program, setUp, until } from "./program.mjs";


/** Looking elsewhere, oscillators that started, and what the system was asked to show. */
const WATCHED = () => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.tones += 1;
    return start.apply(this, when);
  };
  const buffered = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    window.tones += 1;
    return buffered.apply(this, when);
  };
  window.shown = [];
  window.asked = 0;
  class Shown {
    static permission = sessionStorage.getItem("permission") ?? "default";
    static requestPermission() {
      window.asked += 1;
      sessionStorage.setItem("permission", "granted");
      Shown.permission = "granted";
      return Promise.resolve("granted");
    }
    constructor(title, options) {
      Object.assign(this, { title, ...options });
      window.shown.push(this);
    }
    close() {}
  }
  window.Notification = Shown;
  window.isAway = false;
  Object.defineProperty(document, "hidden", { get: () => window.isAway });
  document.hasFocus = () => !window.isAway;
};

let program, browser, errors, olive, bob, room;

async function person() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addInitScript(WATCHED);
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  return { context, page };
}

before(async () => {
  program = await Program.start();
  browser = await launch();
  errors = [];
  olive = await person();
  const site = await setUp(olive.page, program);
  bob = await person();
  await invite(olive, bob.page, program, site, { name: "Bob", email: "bob@watchfire.example", password: "correct horse battery" });
  await olive.page.goto(`${program.url}/rooms`);
  await olive.page.getByLabel("Name").fill("Tea <b>");
  await olive.page.getByRole("button", { name: "Open the room" }).click();
  await olive.page.waitForURL(/\/rooms\/RM-/);
  room = olive.page.url();
  await bob.page.goto(room);
  await bob.page.getByRole("button", { name: "Come in" }).click();
  await Promise.all([live(olive.page), live(bob.page)]);
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

const live = (page) => page.locator(".room[data-state=open]").waitFor();
const say = async (page, text) => {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
};
const tones = (page) => page.evaluate(() => window.tones);
const away = (page, isAway) => page.evaluate((isAway) => {
  window.isAway = isAway;
  document.dispatchEvent(new Event("visibilitychange"));
}, isAway);
/** The icon, as the text that its address holds. */
const icon = async (page) => decodeURIComponent(await page.locator("link[rel=icon]").getAttribute("href"));

test("each of the sounds is heard, differs from all others, and ends in time", async () => {
  const entry = fileURLToPath(new URL("../../web/ui/src/room-sounds.ts", import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "iife", globalName: "made" });
  const page = await browser.newPage();
  await page.evaluate(`${outputFiles[0].text}; window.made = made`);
  const heard = await page.evaluate(async () => {
    const { NAMES, SECONDS_MAX, render } = window.made;
    const all = [];
    for (const name of [...NAMES, null]) {
      const context = new OfflineAudioContext(1, 8_000 * (SECONDS_MAX + 1), 8_000);
      render(context, name);
      const samples = (await context.startRendering()).getChannelData(0);
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      const rest = samples.slice(8_000 * SECONDS_MAX).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      all.push({ name, peak, rest, mark: samples.slice(0, 4_000).reduce((sum, sample, index) => sum + sample * index, 0) });
    }
    return all;
  });
  assert.equal(heard.length, 13);
  for (const { name, peak, rest } of heard) {
    assert.ok(peak > 0.05 && peak <= 1.2, `${name}: ${peak}`);
    assert.ok(rest < 0.001, `${name} has not ended: ${rest}`);
  }
  assert.equal(new Set(heard.map(({ mark }) => mark)).size, 13);
  await page.close();
});

test("a sound is heard by who is there, once, and again by its button; muted it is not", async () => {
  // Bob has touched nothing since the page came: it stays silent, and nothing complains.
  await say(olive.page, "/play tada");
  const line = (page) => page.locator(".message:not(.pending)", { hasText: "plays tada" });
  await Promise.all([line(olive.page).waitFor(), line(bob.page).waitFor()]);
  assert.equal(await tones(bob.page), 0);
  const one = await tones(olive.page);
  assert.ok(one > 0);
  await bob.page.getByLabel("Message", { exact: true }).click();
  await say(olive.page, "/play bell");
  await until("Bob hears it", async () => (await tones(bob.page)) > 0);
  const bell = await tones(bob.page);
  assert.equal(await tones(olive.page), one + bell, "one's own is heard once");
  await accessible(bob.page, "sounds");
  await bob.page.getByRole("button", { name: "Play tada again" }).press("Enter");
  await until("again", async () => (await tones(bob.page)) === bell + one);
  await bob.page.getByRole("button", { name: "Sounds on" }).press("Enter");
  await say(olive.page, "/play pop");
  await bob.page.locator(".message", { hasText: "plays pop" }).waitFor();
  assert.equal(await tones(bob.page), bell + one);
  await bob.page.reload();
  await live(bob.page);
  assert.equal(await tones(bob.page), 0, "what was said before is not heard");
  await bob.page.getByRole("button", { name: "Sounds off" }).click();
});

test("a sound that is not there is refused with those that are", async () => {
  for (const typed of ["/play loud", "/play"]) await say(olive.page, typed);
  await olive.page.getByRole("alert").filter({ hasText: "applause, bell" }).waitFor();
  await olive.page.getByLabel("Message", { exact: true }).fill("");
});

test("title and icon count what came, and a chime is heard where one is meant", async () => {
  await away(bob.page, true);
  const before = await tones(bob.page);
  await say(olive.page, "is anybody there?");
  await until("it is counted", async () => /^\(1\) Tea <b>/.test(await bob.page.title()));
  assert.match(await icon(bob.page), /^data:image\/svg\+xml,.*<circle cx="25"/);
  assert.equal(await tones(bob.page), before, "it is not meant for Bob");
  await olive.page.getByLabel("Message", { exact: true }).pressSequentially("@bo");
  await olive.page.getByRole("option", { name: "Bob" }).waitFor();
  await olive.page.keyboard.press("Enter");
  await olive.page.keyboard.press("Enter");
  await until("the chime", async () => (await tones(bob.page)) > before);
  assert.match(await bob.page.title(), /^\(2\) /);
  assert.match(await icon(bob.page), />1<\/text>/);
  assert.deepEqual(await bob.page.evaluate(() => window.shown.length), 0, "the system is not asked for what nobody wanted");
  await away(bob.page, false);
  await until("it is seen", async () => !(await bob.page.title()).startsWith("("));
  assert.match(await icon(bob.page), /favicon.*\.svg$/);
});

test("the system is asked when somebody ticks it, and shows what is meant; a click leads to the message", async () => {
  const { page } = bob;
  await page.goto(`${program.url}/rooms`);
  await page.getByRole("link", { name: "Notifications" }).click();
  await accessible(page, "notifications");
  assert.equal(await page.evaluate(() => window.asked), 0);
  await page.getByLabel("Desktop notifications").check();
  await until("it was asked", () => page.evaluate(() => window.asked === 1));
  await page.getByLabel("A chime").uncheck();
  await page.getByLabel("Tea <b>").selectOption("everything");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.equal(await page.getByLabel("Tea <b>").inputValue(), "everything");
  assert.ok(await page.getByLabel("Desktop notifications").isChecked());
  await page.goto(room);
  await live(page);
  await away(page, true);
  await say(olive.page, "the kettle <i>boils</i>");
  await until("it is shown", () => page.evaluate(() => window.shown.length === 1));
  const shown = await page.evaluate(() => ({ ...window.shown[0] }));
  assert.deepEqual([shown.title, shown.body], ["Olive Owner · Tea <b>", "the kettle <i>boils</i>"]);
  assert.equal(await tones(page), 0);
  const number = shown.tag.split("/")[1];
  await page.evaluate(() => window.shown[0].onclick());
  // The page that has the room open shows it there, and what is half written stays.
  await page.locator(`.message.sought[data-number="${number}"]`, { hasText: "the kettle" }).waitFor();
  assert.equal(page.url(), room);
});

test("in the list of rooms a message is counted and told, too, but nothing of a room that is muted", async () => {
  const { page } = bob;
  await page.goto(`${program.url}/rooms`);
  await until("the line is open", async () => {
    await say(olive.page, "hello list");
    return /^\(\d+\) Rooms/.test(await page.title());
  });
  await away(page, true);
  await say(olive.page, "still there?");
  await until("it is shown", () => page.evaluate(() => window.shown.some(({ body }) => body === "still there?")));
  await away(page, false);
  await page.goto(`${program.url}/rooms/notifications`);
  await page.getByLabel("Tea <b>").selectOption("nothing");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.goto(`${program.url}/rooms`);
  const counted = page.locator("[data-part=unread]");
  const was = Number(await counted.innerText());
  await away(page, true);
  await until("it is counted in the list", async () => {
    await say(olive.page, "psst");
    return Number(await counted.innerText()) > was;
  });
  assert.doesNotMatch(await page.title(), /^\(/);
  assert.equal(await page.evaluate(() => window.shown.length), 0);
});

test("no page complained", () => assert.deepEqual(errors, []));
