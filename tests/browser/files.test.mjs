// Files in a room, in real Chromium with two people: chosen, pasted, dropped, taken back; of what people send nothing runs.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessible } from "./axe.mjs";
import { png } from "./picture.mjs";
import { launch, setUp, start, until } from "./program.mjs";

/** Where to leave pictures of the pages, for somebody to look at. */
const SHOTS = process.env.WATCHFIRE_SHOTS;

let program, browser, errors, olive, bob, room;

async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, bypassCSP: false, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  const told = { context, page, asked: null };
  page.on("dialog", (dialog) => {
    if (told.asked && dialog.type() === "beforeunload") return void dialog.dismiss().then(() => told.asked(dialog.type()));
    errors.push(`a dialog: ${dialog.message()}`); void dialog.dismiss();
  });
  return told;
}

before(async () => {
  program = await start();
  browser = await launch();
  errors = [];
  olive = await person();
  const site = await setUp(olive.page, program);
  const opened = await olive.context.request.post(`${program.url}/api/watchfire/rooms`, { data: { name: "Pictures", site }, headers: { origin: program.url } });
  room = (await opened.json()).id;
  const link = await olive.context.request.post(`${program.url}/api/watchfire/rooms/${room}/link`, { data: { password: "" }, headers: { origin: program.url } });
  const address = JSON.stringify(await link.json()).match(/\/join\/[a-z0-9]+/)[0];
  bob = await person();
  await bob.page.goto(`${program.url}${address}`);
  await bob.page.getByLabel(/name/i).first().fill("Bob");
  await bob.page.getByRole("button").filter({ hasText: /come in|enter|join/i }).first().click();
  await olive.page.goto(`${program.url}/rooms/${room}`);
  for (const { page } of [olive, bob]) await page.locator(".room[data-state=open]").waitFor();
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

const chooser = (page) => page.locator(".composer input[type=file]").first();
const send = (page) => page.getByRole("button", { name: "Send", exact: true }).click();
const sent = (page, count) => until("they are sent", async () => (await page.locator(".upload.sent").count()) === count);

/** As the system hands files to a page: dropped on an element, or pasted. */
async function hand(page, how, selector, name, type, bytes) {
  await page.evaluate(({ how, selector, name, type, bytes }) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type }));
    const element = document.querySelector(selector);
    element.dispatchEvent(how === "paste"
      ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
      : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, { how, selector, name, type, bytes: [...bytes] });
}

test("a picture and a file are chosen, sent and seen by the other, with room for the picture before it comes", async () => {
  const { page } = olive;
  await chooser(page).setInputFiles([
    { name: "tea house.png", mimeType: "image/png", buffer: png(1200, 600) },
    { name: "<img src=x onerror=alert(1)>\u202Egpj.html", mimeType: "text/html", buffer: Buffer.from("<script>alert(1)</script>") },
  ]);
  await sent(page, 2);
  await page.getByLabel("Message", { exact: true }).fill("Two files");
  await page.keyboard.press("Enter");
  const image = bob.page.getByRole("img", { name: "tea house.png" });
  await image.waitFor();
  assert.deepEqual([await image.getAttribute("width"), await image.getAttribute("height")], ["400", "200"]);
  await until("it is drawn", () => image.evaluate((element) => element.complete && element.naturalWidth === 800));
  assert.equal(await bob.page.locator(".file-name").innerText(), "<img src=x onerror=alert(1)>_gpj.html");
  assert.equal(await page.locator(".upload").count(), 0);
  const download = bob.page.waitForEvent("download");
  await bob.page.locator("a.file").click();
  assert.equal(readFileSync(await (await download).path(), "utf8"), "<script>alert(1)</script>");
  await bob.page.goto(new URL(await bob.page.locator(".file-picture").getAttribute("href"), program.url).href);
  assert.equal(await bob.page.evaluate(() => self.origin), "null", "a picture alone has no origin");
  await bob.page.goto(`${program.url}/rooms/${room}`);
  await bob.page.locator(".room[data-state=open]").waitFor();
});

test("a picture is pasted, and another is dropped", async () => {
  const { page } = bob;
  await hand(page, "paste", ".composer textarea", "image.png", "image/png", png(40, 30));
  await sent(page, 1);
  await hand(page, "drop", ".messages-scroll", "dropped.gif", "image/gif", Buffer.from("R0lGODlhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=", "base64"));
  await sent(page, 2);
  await send(page);
  await olive.page.getByRole("img", { name: "image.png" }).waitFor();
  const dropped = olive.page.getByRole("img", { name: "dropped.gif" });
  await dropped.waitFor();
  await until("it is drawn", () => dropped.evaluate((element) => element.complete && element.naturalWidth === 1));
});

test("a file is taken back while it is sent, and one that is too large is not sent at all", async () => {
  const { page } = olive;
  let begun = 0;
  await page.route("**/files?*", async (route) => {
    begun += 1;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await route.continue().catch(() => {});
  });
  await chooser(page).setInputFiles({ name: "slow.bin", mimeType: "", buffer: Buffer.alloc(100_000) });
  await until("it is on its way", () => begun === 1);
  await page.getByLabel("Message", { exact: true }).fill("too early");
  await page.keyboard.press("Enter");
  await page.getByText("A file is still on its way").waitFor();
  await page.getByRole("button", { name: "Take slow.bin back" }).click();
  assert.equal(await page.locator(".upload").count(), 0);
  await page.unroute("**/files?*");
  const folder = mkdtempSync(join(tmpdir(), "watchfire-"));
  writeFileSync(join(folder, "large.bin"), Buffer.alloc(20 * 1024 * 1024 + 1));
  await chooser(page).setInputFiles(join(folder, "large.bin"));
  await page.getByText("large.bin is too large: 20.971521 MB, and a file has at most 20.971520 MB.").waitFor();
  rmSync(folder, { recursive: true });
  assert.equal(await page.locator(".upload").count(), 0);
  await page.keyboard.press("Control+a");
  await page.getByLabel("Message", { exact: true }).fill("without files");
  await page.keyboard.press("Enter");
  await bob.page.locator(".message", { hasText: "without files" }).waitFor();
});

test("code goes by itself, and what is attached is neither lost nor said as text", async () => {
  const { page } = bob;
  await chooser(page).setInputFiles({ name: "kept.txt", mimeType: "", buffer: Buffer.from("tea") });
  await sent(page, 1);
  const field = page.getByLabel("Message", { exact: true });
  await field.fill("# one\n# two");
  await page.getByLabel("As code").check();
  await send(page);
  await page.getByText("Code goes by itself: send the files first, or take them back.").waitFor();
  assert.equal(await page.locator(".upload.sent").count(), 1);
  const picture = olive.page.locator(".file-picture").first();
  const opened = olive.context.waitForEvent("page");
  await picture.click();
  await (await opened).close();
  assert.equal(olive.page.url(), `${program.url}/rooms/${room}`);
  const asked = new Promise((resolve) => { bob.asked = resolve; });
  await page.evaluate(() => { setTimeout(() => location.reload()); });
  assert.equal(await asked, "beforeunload");
  assert.equal(await page.locator(".upload.sent").count(), 1);
  await page.getByRole("button", { name: "Take kept.txt back" }).click();
  await field.focus();
  await page.keyboard.press("Control+Enter");
  const code = olive.page.locator(".message pre", { hasText: "# one" });
  await code.waitFor();
  assert.equal(await olive.page.locator(".message h1, .message h2", { hasText: "one" }).count(), 0);
  await page.reload();
  await page.locator(".room[data-state=open]").waitFor();
});

test("the page is usable by all, and nothing that was sent ran", async () => {
  await chooser(olive.page).setInputFiles([
    { name: "a very long name of a file that goes on and on and on and on and still has not come to its end.pdf", mimeType: "", buffer: Buffer.alloc(1_500_000) },
    { name: "شاي.txt", mimeType: "", buffer: Buffer.from("tea") },
  ]);
  await sent(olive.page, 2);
  await accessible(olive.page, "files");
  if (SHOTS) await shots();
  assert.deepEqual(errors, []);
});

test("the server is killed while a file is sent: there is no half file, and sent again it is there once", async () => {
  const cookies = await olive.context.cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const body = Buffer.alloc(6_000_000, "tea ");
  const id = "ab".repeat(16);
  const path = `/api/watchfire/rooms/${room}/files?name=big.bin&id=${id}&say=big`;
  const options = { host: "127.0.0.1", port: program.port, path, method: "POST", headers: { cookie, host: `localhost:${program.port}`, origin: program.url, "content-length": body.length } };
  const ended = new Promise((resolve) => {
    const half = request(options, ({ statusCode }) => resolve(statusCode)).on("error", () => resolve("cut"));
    half.write(body.subarray(0, 4_000_000), () => setTimeout(() => program.kill(), 500));
  });
  // A proxy says that nobody answers.
  assert.ok(["cut", 502].includes(await ended));
  await program.run();
  const api = `${program.url}/api/watchfire/rooms/${room}`;
  const { messages } = await (await fetch(`${api}/messages`, { headers: { cookie } })).json();
  assert.ok(!messages.some(({ files }) => files?.some(({ name }) => name === "big.bin")));
  for (const status of [201, 200]) {
    const answer = await fetch(`${program.url}${path}`, { method: "POST", body, headers: { cookie, origin: program.url } });
    assert.equal(answer.status, status);
    const { files } = await answer.json();
    const got = Buffer.from(await (await fetch(`${program.url}${files[0].href}`, { headers: { cookie } })).arrayBuffer());
    assert.ok(got.equals(body));
  }
  const now = await (await fetch(`${api}/messages`, { headers: { cookie } })).json();
  assert.equal(now.messages.filter(({ id: known }) => known === id).length, 1);
});

async function shots() {
  mkdirSync(SHOTS, { recursive: true });
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    for (const colorScheme of ["light", "dark"]) {
      await olive.page.setViewportSize({ width, height });
      await olive.page.emulateMedia({ colorScheme });
      await olive.page.waitForTimeout(400);
      await olive.page.screenshot({ path: `${SHOTS}/files-${width}-${colorScheme}.png` });
    }
  }
}
