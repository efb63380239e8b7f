// Commits in conversations, in real Chromium: a hook by its page, a fix that is proposed and closed, its release, what a message said before.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, setUp, start, until } from "./program.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where to leave pictures of the pages, for somebody to look at. */
const SHOTS = process.env.WATCHFIRE_SHOTS;
const HOSTILE = "\"'><img src=x onerror=alert(1)>\u202Ecba {{7}} " + "w".repeat(90);

let program, browser, errors, context, page, site, room, hook, number;

before(async () => {
  program = await start();
  browser = await launch();
  errors = [];
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, bypassCSP: false });
  page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  site = await setUp(page, program);
  room = (await api("", { name: "Shop", site })).id;
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

async function api(path, data) {
  const answer = await context.request.post(`${program.url}/api/watchfire/rooms${path}`, { data, headers: { origin: program.url } });
  assert.ok(answer.ok(), `${path} ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

async function deliver(id, body) {
  const headers = { "x-gitlab-event": "Push Hook", "x-gitlab-token": hook.secret, "idempotency-key": id };
  const push = { before: "a0", user_name: "Grace", project: { path_with_namespace: "acme/shop" }, commits: [], ...body };
  const answer = await fetch(hook.url, { method: "POST", headers, body: JSON.stringify(push) });
  assert.equal(answer.status, 202, await answer.text());
}

const pushed = (id, ...commits) => deliver(id, {
  object_kind: "push", ref: "refs/heads/main", after: commits.at(-1)[0],
  commits: commits.map(([id, message]) => ({ id, message, url: `https://git.example/${id}`, author: { name: "Ada" } })),
});
const tagged = (tag, at) => deliver(tag, { object_kind: "tag_push", ref: `refs/tags/${tag}`, after: "f00", checkout_sha: at });

/** The page is right for who reads by ear, fits, and is kept as a picture in both sizes and colours. */
async function looks(name) {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      // Colours that are still on their way are read as too pale.
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${name} is ${overflow} px too wide at ${width}`);
      if (SHOTS) {
        mkdirSync(SHOTS, { recursive: true });
        await page.screenshot({ path: `${SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
    }
    await page.evaluate(AXE);
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    assert.deepEqual(found.violations.map(({ id, nodes }) => `${name} ${width} ${id} ${nodes.map(({ html }) => html).join(" ")}`), []);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

test("a hook is made by its page, which shows its secret once", async () => {
  await page.goto(`${program.url}/rooms/${room}/releases`);
  await looks("releases-empty");
  await page.getByRole("link", { name: "Let this room follow a repository" }).click();
  await looks("hooks-empty");
  await page.getByLabel("Where the code is").selectOption("gitlab");
  await page.getByRole("button", { name: "Make the hook" }).click();
  await page.getByRole("heading", { name: "The hook is ready" }).waitFor();
  hook = { url: await page.locator("#fresh-url").textContent(), secret: await page.locator("#fresh-secret").textContent() };
  await looks("hooks-fresh");
  await page.goto(`${program.url}/rooms/${room}/hooks`);
  assert.ok(!(await page.content()).includes(hook.secret));
});

test("a fix is proposed where the problem is told, and closed with better words", async () => {
  number = (await api(`/${room}/messages`, { body: `The till is slow ${HOSTILE}` })).number;
  await page.goto(`${program.url}/rooms/${room}`);
  await page.locator(".room[data-state=open]").waitFor();
  await pushed("d1", ["c0ffee1234", `Mend the till ${HOSTILE}\n\nfixes #${number}`]);
  const message = page.locator(`#m${number}`);
  await message.getByText("A commit says that it fixes this").waitFor();
  await looks("room-proposed");
  await message.getByRole("button", { name: "Close…" }).click();
  const field = page.getByLabel("What those who asked are told");
  assert.match(await field.inputValue(), /^Fixed by c0ffee1: Mend the till/);
  await field.fill("The till is fast again from tonight on.");
  await page.getByRole("button", { name: "Close the conversation" }).click();
  await message.getByText("The till is fast again").waitFor();
  await tagged("v1", "c0ffee1234");
  await message.getByRole("link", { name: "v1" }).waitFor();
  await looks("room-closed");
});

test("a release says whose problems it fixes, and what is not released stands in a list", async () => {
  const other = (await api(`/${room}/messages`, { body: "Prices are wrong in the cart" })).number;
  await pushed("d2", ["beef56789a", `Right prices, fixes #${other}`], ["cafe567890", "Tidy up"]);
  await page.goto(`${program.url}/rooms/${room}`);
  await page.locator(`#m${number}`).getByRole("link", { name: "v1" }).click();
  await page.getByRole("heading", { name: "Problems that it fixes" }).waitFor();
  assert.match(await page.locator(".concerned-one").innerText(), /The till is slow[^]*Mend the till/);
  await looks("release");
  await page.getByRole("link", { name: "Releases", exact: true }).click();
  const waiting = page.locator(".concerned-one");
  assert.equal(await waiting.count(), 1);
  assert.match(await waiting.innerText(), /Prices are wrong/);
  await looks("releases");
  await page.goto(`${program.url}/rooms/${room}/hooks`);
  await page.getByText("Change or remove").click();
  await looks("hooks");
});

test("what was edited leads to what it said before", async () => {
  const { number: said } = await api(`/${room}/messages`, { body: `At nine ${HOSTILE}` });
  await api(`/${room}/messages/${said}/edit`, { body: "At ten" });
  await page.goto(`${program.url}/rooms/${room}`);
  await page.locator(".room[data-state=open]").waitFor();
  await page.locator(`#m${said}`).getByRole("link", { name: "edited" }).click();
  await page.getByText("At nine").waitFor();
  await looks("history");
});

test("charts mark commits, many as their number, and list them with their conversations", async () => {
  await page.goto(`${program.url}/sites/${site}`);
  const noted = page.locator(".chart-note");
  await noted.first().waitFor();
  assert.match(await noted.first().locator("title").textContent(), /commits?: /i);
  const stage = page.locator("[data-part=chart]").first();
  await stage.focus();
  const readout = page.locator("[data-part=readout]").first();
  await until("a minute with commits is pointed at", async () => {
    await page.keyboard.press("ArrowLeft");
    return /Tidy up|Right prices|Mend the till/.test(await readout.textContent());
  });
  await looks("live-commits");
  await stage.focus();
  await page.keyboard.press("End");
  await until("the list is open", async () => {
    await page.keyboard.press("Enter");
    if (await page.getByRole("dialog", { name: "What happened" }).isVisible()) return true;
    await page.keyboard.press("ArrowLeft");
    return false;
  });
  await looks("live-commits-list");
  await page.keyboard.press("Escape");

  await page.goto(`${program.url}/sites/${site}/reports?range=today`);
  const mark = page.locator(".note-mark");
  await mark.first().waitFor();
  await looks("reports-commits");
  await mark.first().focus();
  await page.keyboard.press("Enter");
  const list = page.locator("dialog[open] .saved-row");
  await list.first().waitFor();
  assert.ok((await list.allInnerTexts()).some((text) => /Ada/.test(text) && /acme\/shop, main/.test(text)));
  await looks("reports-commits-list");
  await list.getByRole("link", { name: /^Conversation/ }).first().click();
  await page.waitForURL(/\/rooms\/RM-/);
});

test("what the room knows of a repository is forgotten", async () => {
  await page.goto(`${program.url}/rooms/${room}/hooks`);
  await page.getByRole("heading", { name: "What this room knows" }).waitFor();
  await looks("hooks-known");
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Forget acme/shop" }).click();
  await page.getByText("is forgotten").waitFor();
  await page.goto(`${program.url}/rooms/${room}/releases`);
  assert.equal(await page.getByText("acme/shop").count(), 0);
  await page.goto(`${program.url}/rooms/${room}/settings`);
  await looks("settings-export");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download the room" }).click()]);
  assert.equal(download.suggestedFilename(), `watchfire-${room}.tar`);
  assert.match(readFileSync(await download.path(), "latin1"), /manifest\.json[^]*watchfire-rooms/);
});

test("nothing of what was sent runs", async () => {
  await until("no errors", async () => true);
  assert.deepEqual(errors, []);
});

test("a customer's problem that a commit fixes is closed with better words, which the customer hears", async () => {
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "" };
  assert.ok((await context.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url } })).ok());
  const headers = { authorization: `Bearer wfc_${"c".repeat(43)}`, "content-type": "application/json" };
  const body = JSON.stringify({ id: "c".repeat(32), body: "The till does not add up", name: "Cara", email: "cara@customer.example" });
  const begun = await fetch(`${program.url}/api/watchfire/chat/${site}/conversations`, { method: "POST", headers, body });
  assert.equal(begun.status, 201, await begun.clone().text());
  const talk = (await begun.json()).room;
  const heard = async () => (await (await fetch(`${program.url}/api/watchfire/rooms/${talk}/messages`, { headers })).json()).messages.map((message) => message.body);

  await page.goto(`${program.url}/rooms/${room}/hooks`);
  await page.getByText("Change or remove").click();
  await page.locator(".hook-acts").getByLabel("Conversations with customers hear of it, too").check();
  await page.locator(".hook-acts").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").first().waitFor();
  await page.goto(`${program.url}/sites/${site}/inbox/${talk}`);
  await page.locator(".inbox[data-state=open]").waitFor();
  await pushed("customer", ["abad1dea00", `Mend the till ${HOSTILE}\n\nFixes ${program.url}/sites/${site}/inbox/${talk}\nAnswer: It adds up again.`]);
  const notice = page.locator(".talk-fix");
  await notice.getByText("A commit says that it fixes this").waitFor();
  await page.locator(".message.noted", { hasText: "fixes this" }).waitFor();
  await tagged("v2", "abad1dea00");
  await notice.getByRole("link", { name: "v2" }).waitFor();
  await looks("inbox-fix");
  await notice.getByRole("button", { name: "Close and tell the customer…" }).click();
  const field = page.getByLabel("What the customer is told");
  assert.equal(await field.inputValue(), "It adds up again.");
  await field.fill(" ");
  await page.getByRole("button", { name: "Tell them, and close it" }).click();
  await page.getByText("Say something, or close it").waitFor();
  await looks("inbox-fix-dialog");
  await field.fill("It adds up again, from tonight on.");
  await page.getByRole("button", { name: "Tell them, and close it" }).click();
  await notice.getByText("Fixed by").waitFor();
  await until("the customer heard it", async () => (await heard()).length === 2);
  assert.deepEqual(await heard(), ["The till does not add up", "It adds up again, from tonight on."]);
  const told = await context.request.get(`${program.url}/api/watchfire/sites/${site}/conversations/${talk}`);
  assert.equal((await told.json()).conversation.state, "closed");
  await notice.getByRole("link", { name: "v2" }).click();
  await page.getByRole("link", { name: "The till does not add up" }).waitFor();
  assert.deepEqual(errors, []);
});
