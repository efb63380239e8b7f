// Being told in a browser while no page is open, in real Chromium with its real service worker. Its push service is not to be reached from here:
// what is sent to it is taken by a server of this test, opened as the browser would, and handed to the worker.
import assert from "node:assert/strict";
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { invite, launch, Program, setUp, until } from "./program.mjs";


/** Subscribes at the server of this test, as if its push service were there. */
const SUBSCRIBES = ({ endpoint, keys }) => {
  let subscription = null;
  const kept = () => sessionStorage.getItem("subscribed");
  const made = (key) => ({
    endpoint,
    options: { applicationServerKey: Uint8Array.from(JSON.parse(key)).buffer },
    toJSON: () => ({ endpoint, keys }),
    unsubscribe: async () => {
      subscription = null;
      sessionStorage.removeItem("subscribed");
      return true;
    },
  });
  PushManager.prototype.getSubscription = async () => subscription ?? (kept() ? (subscription = made(kept())) : null);
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error("not as browsers want it");
    sessionStorage.setItem("subscribed", JSON.stringify([...applicationServerKey]));
    return (subscription = made(kept()));
  };
};

const device = createECDH("prime256v1");
const auth = randomBytes(16);
let program, service, taken, browser, errors, olive, bob, room;

/** RFC 8291, as the browser reads it. */
function opened(body) {
  const [salt, length] = [body.subarray(0, 16), body[20]];
  const [sender, sealed] = [body.subarray(21, 21 + length), body.subarray(21 + length)];
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), device.getPublicKey(), sender]);
  const input = hkdfSync("sha256", device.computeSecret(sender), auth, info, 32);
  const expand = (name, bytes) => Buffer.from(hkdfSync("sha256", input, salt, Buffer.from(`Content-Encoding: ${name}\0`), bytes));
  const decipher = createDecipheriv("aes-128-gcm", expand("aes128gcm", 16), expand("nonce", 12));
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  assert.equal(plain.at(-1), 2);
  return plain.subarray(0, -1).toString();
}

async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  return { context, page };
}

before(async () => {
  device.generateKeys();
  taken = [];
  service = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    taken.push(opened(Buffer.concat(parts)));
    response.writeHead(201).end();
  });
  await new Promise((resolve) => service.listen(0, "127.0.0.1", resolve));
  program = await Program.start(undefined, ["--bot-hooks", "loopback"]);
  browser = await launch();
  errors = [];
  olive = await person();
  const site = await setUp(olive.page, program);
  bob = await person();
  await bob.context.grantPermissions(["notifications"], { origin: program.url });
  const endpoint = `http://127.0.0.1:${service.address().port}/bob`;
  const keys = { p256dh: device.getPublicKey("base64url"), auth: auth.toString("base64url") };
  await bob.context.addInitScript(SUBSCRIBES, { endpoint, keys });
  await invite(olive, bob.page, program, site, { name: "Bob", email: "bob@watchfire.example", password: "correct horse battery" });
  await olive.page.goto(`${program.url}/rooms`);
  await olive.page.getByLabel("Name").fill("Tea <b>");
  await olive.page.getByRole("button", { name: "Open the room" }).click();
  await olive.page.waitForURL(/\/rooms\/RM-/);
  room = new URL(olive.page.url()).pathname;
  await bob.page.goto(program.url + room);
  await bob.page.getByRole("button", { name: "Come in" }).click();
  await bob.page.locator(".room[data-state=open]").waitFor();
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
  service?.close();
});

test("switched on, what is said is shown while no page of rooms is open, and no more once it is off", async () => {
  const { page, context } = bob;
  await page.goto(`${program.url}/rooms/notifications`);
  const box = page.getByLabel("Also while no page is open");
  assert.equal(await box.isChecked(), false);
  await box.check({ noWaitAfter: true }).catch(() => {});
  await page.waitForURL(/done=saved/);
  await until("it is on", () => box.isChecked());
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await accessible(page, `notifications at ${width}`);
  }
  await page.goto(`${program.url}/rooms/notifications`);
  await until("it is on still", () => box.isChecked());

  await page.getByLabel("Tea <b>").selectOption("everything");
  await page.getByRole("button", { name: "Save" }).last().click();
  await page.waitForURL(/done=saved/);
  await olive.page.getByLabel("Message", { exact: true }).fill("the **kettle** is on");
  await olive.page.keyboard.press("Enter");
  await until("it is pushed", () => taken.length === 1, 30_000);
  const pushed = JSON.parse(taken[0]);
  assert.deepEqual({ title: pushed.title, body: pushed.body }, { title: "Olive Owner · Tea <b>", body: "the kettle is on" });
  assert.match(pushed.url, new RegExp(`^${room}/messages/\\d+$`));

  // What the browser would hand to the worker.
  const session = await context.newCDPSession(page);
  const registered = new Promise((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const of = registrations.find(({ scopeURL }) => scopeURL.endsWith("/rooms/"));
      if (of) resolve(of.registrationId);
    });
  });
  await session.send("ServiceWorker.enable");
  const registrationId = await registered;
  const shown = () => page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration("/rooms/");
    return (await registration.getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data }));
  });
  const deliver = () => session.send("ServiceWorker.deliverPushMessage", { origin: program.url, registrationId, data: taken[0] });
  for (const _ of [1, 2]) await deliver();
  const { found } = await until("it is shown", async () => {
    const all = await shown();
    return all.length > 0 && all;
  });
  assert.deepEqual(found, [{ title: pushed.title, body: pushed.body, tag: pushed.tag, data: pushed.url }]);
  await session.send("ServiceWorker.deliverPushMessage", { origin: program.url, registrationId, data: "not JSON" });
  await until("what cannot be read is shown as something", async () => (await shown()).some(({ title }) => title === "Watchfire"));

  await clicked(pushed, deliver);

  await page.goto(`${program.url}/rooms/notifications`);
  await until("it is on", () => box.isChecked());
  await box.uncheck({ noWaitAfter: true }).catch(() => {});
  await page.waitForURL(/done=saved/);
  assert.equal(await box.isChecked(), false);
  assert.match(await page.content(), /data-endpoint=""/);
  assert.deepEqual(errors, []);
});

/** The click on a notification, which no headless browser shows: the worker hears of it as it would, and where it leads is seen. */
async function clicked({ title, url }, deliver) {
  const { page, context } = bob;
  const worker = context.serviceWorkers().find((worker) => worker.url().includes("push-worker"));
  assert.ok(worker, "there is no worker");
  const click = () =>
    worker.evaluate(async (title) => {
      const opened = [];
      // Without a hand on the mouse no window may be opened.
      self.clients.openWindow = async (url) => (opened.push(url), null);
      WindowClient.prototype.focus = async function focus() { return this; };
      const [notification] = (await self.registration.getNotifications()).filter((shown) => shown.title === title);
      const event = new NotificationEvent("notificationclick", { notification });
      const waits = [];
      event.waitUntil = (work) => waits.push(work);
      self.dispatchEvent(event);
      await Promise.all(waits);
      return { opened, left: (await self.registration.getNotifications()).filter((shown) => shown.title === title).length };
    }, title);

  assert.deepEqual(await click(), { opened: [program.url + url], left: 0 });
  await page.goto(program.url + url);
  const said = page.locator(`#m${url.split("/").at(-1)}`);
  await said.getByText("the kettle is on").waitFor();

  // A page that has the room open shows it there, and what is half written stays.
  await page.goto(program.url + room);
  await page.locator(".room[data-state=open]").waitFor();
  assert.equal(await page.locator(".sought").count(), 0);
  await page.getByLabel("Message", { exact: true }).fill("half a cup");
  await deliver();
  await until("it is shown again", () => worker.evaluate(async (title) => (await self.registration.getNotifications()).some((shown) => shown.title === title), title));
  assert.deepEqual(await click(), { opened: [], left: 0 });
  await page.locator(".sought", { hasText: "the kettle is on" }).waitFor();
  assert.equal(new URL(page.url()).pathname, room);
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "half a cup");
}

test("a browser that cannot is told why", async () => {
  const { page, context } = await person({ storageState: await bob.context.storageState() });
  await context.addInitScript(() => delete window.PushManager);
  await page.goto(`${program.url}/rooms/notifications`);
  const box = page.getByLabel("Also while no page is open");
  await until("it says so", async () => (await page.content()).includes("This browser cannot be reached"));
  assert.equal(await box.isDisabled(), true);
  await accessible(page, "where it cannot");
});
