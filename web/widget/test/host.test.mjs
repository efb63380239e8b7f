// The panel hears whoever made it and nobody else, and tells nobody else anything.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { load } from "../../ui/test/bundle.mjs";

const { Host, PopOut } = await load("panel/host", new URL("../src/", import.meta.url));

const SHOP = "https://shop.example";
const OURS = "https://chat.example";

/** A window that remembers what it was told. */
const windowOf = () => ({ told: [], closed: false, postMessage(data, origin) { this.told.push([data, origin]); } });

/** Stands in for the panel's window: in a frame of `maker`, or opened by it. */
function panel({ frameOf, openedBy, nonce = "n" }) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const listeners = [];
  const own = {};
  Object.assign(globalThis, { self: own, parent: frameOf ?? own, opener: openedBy ?? null });
  globalThis.location = { hash: `#${nonce}`, origin: OURS, pathname: "/chat/WF-1", search: "?lang=fr" };
  globalThis.addEventListener = (_, listener) => listeners.push(listener);
  const heard = [];
  let alone = 0;
  const host = new Host((state) => heard.push(state), () => (alone += 1));
  const say = (source, origin, data) => listeners.forEach((listener) => listener({ source, origin, data }));
  return { host, heard, say, alone: () => alone };
}

test("it says that it is there, and nothing more, before it knows where it is", () => {
  const page = windowOf();
  const { host } = panel({ frameOf: page });
  host.tell({ keep: "wfc_secret" });
  assert.deepEqual(page.told, [[{ hello: true }, "*"]]);
});

test("it hears the page that made it, and tells its origin alone", () => {
  const page = windowOf();
  const { host, heard, say, alone } = panel({ frameOf: page });
  const state = { nonce: "n", open: true };
  say(page, SHOP, state);
  assert.deepEqual(heard, [state]);
  host.tell({ keep: "wfc_secret" });
  assert.deepEqual(page.told.at(-1), [{ keep: "wfc_secret" }, SHOP]);
  mock.timers.tick(60_000);
  assert.equal(alone(), 0);
});

test("it hears nothing from anywhere else", () => {
  const [page, other] = [windowOf(), windowOf()];
  const { heard, say } = panel({ frameOf: page });
  const state = { nonce: "n", open: true };
  say(other, SHOP, state);
  say(null, SHOP, state);
  say(page, "null", state);
  say(page, SHOP, { ...state, nonce: "m" });
  say(page, SHOP, { open: true });
  say(page, SHOP, null);
  say(page, SHOP, "n");
  assert.deepEqual(heard, []);
  say(page, SHOP, state);
  say(page, "https://evil.example", state);
  say(other, SHOP, state);
  assert.deepEqual(heard, [state], "and the origin stays the first");
});

test("a panel without a nonce of its own hears nobody", () => {
  const page = windowOf();
  const { heard, say } = panel({ frameOf: page, nonce: "" });
  say(page, SHOP, { nonce: "", open: true });
  assert.deepEqual(heard, []);
});

test("a window hears another panel alone, and not any page that opened it", () => {
  const opener = windowOf();
  const { host, heard, say } = panel({ openedBy: opener });
  assert.equal(host.isPopOut, true);
  assert.deepEqual(opener.told, [[{ hello: true }, OURS]]);
  say(opener, SHOP, { nonce: "n", open: true });
  assert.deepEqual(heard, []);
  say(opener, OURS, { nonce: "n", open: true });
  assert.equal(heard.length, 1);
});

test("whom nobody made, or whose maker does not answer, is told so", () => {
  const nobody = panel({});
  mock.timers.tick(1);
  assert.equal(nobody.alone(), 1);
  const silent = panel({ frameOf: windowOf() });
  mock.timers.tick(4_999);
  assert.equal(silent.alone(), 0);
  mock.timers.tick(1);
  assert.equal(silent.alone(), 1);
});

test("a panel hands the secret to the window that it opened, in no address, and to no other", () => {
  const { say } = panel({ frameOf: windowOf() });
  const child = windowOf();
  let address;
  globalThis.open = (url) => ((address = url), child);
  const told = [];
  const popOut = new PopOut(() => ({ nonce: "n", secret: "wfc_secret", open: false }), { opened: () => told.push("opened"), told: (message) => told.push(message) });
  popOut.tell();
  popOut.open();
  assert.match(address, /^\/chat\/WF-1\?lang=fr#\d+-/);
  assert.ok(!address.includes("wfc_"));
  say(windowOf(), OURS, { hello: true });
  say(child, SHOP, { hello: true });
  assert.deepEqual(child.told, []);
  say(child, OURS, { hello: true });
  const [[state, origin]] = child.told;
  assert.deepEqual([state.secret, state.open, origin], ["wfc_secret", true, OURS]);
  assert.equal(state.nonce, address.split("#")[1]);
  assert.deepEqual(told, ["opened", { hello: true }]);
  child.closed = true;
  popOut.tell();
  assert.equal(child.told.length, 1);
});
