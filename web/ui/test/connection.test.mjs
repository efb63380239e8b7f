// The line to the hub: subscriptions, versions, silence, and how it comes back.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { load } from "./bundle.mjs";

const { Connection, delayBefore } = await load("connection");

class FakeSocket {
  readyState = 0;
  sent = [];
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.end(1005);
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  end(code) {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose({ code });
  }
}

let sockets, states, read, signedOut, line;
const socket = () => sockets.at(-1);
const hello = { hello: { version: 1, ping_seconds: 20, now: 0 } };
const reader = {
  snapshot: (data) => read.push(["snapshot", data]),
  delta: (data) => read.push(["delta", data]),
  refused: (code) => read.push(["refused", code]),
  ended: (code) => read.push(["ended", code]),
};

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  [sockets, states, read, signedOut] = [[], [], [], false];
  line = new Connection({
    url: "ws://hub",
    open: () => (sockets.push(new FakeSocket()), socket()),
    signedOut: async () => signedOut,
    random: () => 1,
    onState: (state) => states.push(state),
  });
});

function live() {
  line.subscribe("site/A/live", { country: "FR" }, reader);
  line.start();
  socket().open();
  socket().say(hello);
  socket().say({ subscribed: { as: 0, key: "k" } });
  socket().say({ snapshot: { key: "k", version: 5, data: "five" } });
}

test("it subscribes as soon as the line is open, and reads by key and version", () => {
  live();
  assert.deepEqual(socket().sent, [{ subscribe: "site/A/live", filter: { country: "FR" }, as: 0 }]);
  socket().say({ delta: { key: "k", version: 6, data: "six" } });
  socket().say({ delta: { key: "another", version: 7, data: "not ours" } });
  assert.deepEqual(read, [["snapshot", "five"], ["delta", "six"]]);
  assert.deepEqual(states, ["connecting", "open"]);
});

test("a missed version is not applied: a new snapshot is asked for", () => {
  live();
  socket().say({ delta: { key: "k", version: 8, data: "eight" } });
  assert.deepEqual(socket().sent.slice(1), [{ unsubscribe: 0 }, { subscribe: "site/A/live", filter: { country: "FR" }, as: 0 }]);
  socket().say({ delta: { key: "k", version: 9, data: "nine" } });
  socket().say({ subscribed: { as: 0, key: "k" } });
  socket().say({ snapshot: { key: "k", version: 9, data: "nine whole" } });
  assert.deepEqual(read, [["snapshot", "five"], ["snapshot", "nine whole"]]);
});

test("a delta that the snapshot holds already is left out", () => {
  live();
  socket().say({ delta: { key: "k", version: 5, data: "old" } });
  assert.deepEqual(read, [["snapshot", "five"]]);
});

test("two subscriptions to one thing share its frames until one stops", () => {
  live();
  const stop = line.subscribe("site/A/live", { country: "FR" }, { snapshot: () => read.push("second"), delta: () => read.push("second") });
  socket().say({ subscribed: { as: 1, key: "k" } });
  socket().say({ snapshot: { key: "k", version: 5, data: "five" } });
  stop();
  socket().say({ delta: { key: "k", version: 6, data: "six" } });
  assert.deepEqual(read, [["snapshot", "five"], ["snapshot", "five"], "second", ["delta", "six"]]);
  assert.deepEqual(socket().sent.at(-1), { unsubscribe: 1 });
});

test("a ping is answered", () => {
  live();
  socket().say({ ping: 17 });
  assert.deepEqual(socket().sent.at(-1), { pong: 17 });
});

test("silence for two pings is a dead line; it comes back and subscribes again", () => {
  live();
  mock.timers.tick(39_999);
  assert.equal(states.at(-1), "open");
  mock.timers.tick(1);
  assert.equal(states.at(-1), "lost");
  mock.timers.tick(1_000);
  assert.equal(sockets.length, 2);
  socket().open();
  socket().say(hello);
  assert.equal(states.at(-1), "open");
  assert.deepEqual(socket().sent, [{ subscribe: "site/A/live", filter: { country: "FR" }, as: 0 }]);
});

test("each further attempt waits twice as long, up to 30 s, with a random part", () => {
  const check = (attempt, expected) => assert.deepEqual([delayBefore(attempt, () => 0), delayBefore(attempt, () => 1)], expected);
  check(0, [500, 1_000]);
  check(1, [1_000, 2_000]);
  check(4, [8_000, 16_000]);
  check(5, [15_000, 30_000]);
  check(5_000, [15_000, 30_000]);
});

test("when the network is back there is no waiting", () => {
  live();
  socket().end(1006);
  line.hurry();
  assert.equal(sockets.length, 2);
  line.hurry();
  assert.equal(sockets.length, 2, "one attempt at a time");
});

test("after 4401 it stays away", () => {
  live();
  socket().end(4401);
  mock.timers.tick(120_000);
  line.hurry();
  assert.equal(sockets.length, 1);
  assert.equal(states.at(-1), "signed-out");
});

test("a refused handshake is asked about: signed out ends it, anything else is tried again", async () => {
  line.start();
  socket().end(1006);
  await Promise.resolve();
  mock.timers.tick(1_000);
  assert.equal(sockets.length, 2);
  signedOut = true;
  socket().end(1006);
  await new Promise(setImmediate);
  mock.timers.tick(120_000);
  assert.equal(sockets.length, 2);
  assert.equal(states.at(-1), "signed-out");
});

test("what is refused or ended is told to its reader and gone", () => {
  live();
  line.subscribe("site/B/live", undefined, reader);
  socket().say({ refused: { as: 1, code: "not_found", message: "" } });
  socket().say({ ended: { key: "k", code: "revoked", message: "" } });
  socket().say({ delta: { key: "k", version: 6, data: "six" } });
  assert.deepEqual(read.slice(1), [["refused", "not_found"], ["ended", "revoked"]]);
});

test("what was refused for a passing reason is asked for again after a while", () => {
  line.subscribe("site/A/live", { country: "FR" }, reader);
  line.subscribe("site/B/live", undefined, reader);
  line.start();
  socket().open();
  socket().say(hello);
  socket().say({ refused: { as: 0, code: "too_many_views", message: "…" } });
  socket().say({ refused: { as: 1, code: "not_found", message: "…" } });
  assert.deepEqual(read, [["refused", "too_many_views"], ["refused", "not_found"]]);
  mock.timers.tick(4_999);
  assert.equal(socket().sent.length, 2);
  mock.timers.tick(1);
  assert.deepEqual(socket().sent[2], { subscribe: "site/A/live", filter: { country: "FR" }, as: 0 });
  assert.equal(socket().sent.length, 3, "what is not there stays refused");
});

test("a room's delta may be of several changes", () => {
  line.subscribe("room/RM-1", undefined, { ...reader, jumps: true });
  line.start();
  socket().open();
  socket().say(hello);
  socket().say({ subscribed: { as: 0, key: "r" } });
  socket().say({ snapshot: { key: "r", version: 3, data: "s" } });
  const asked = socket().sent.length;
  socket().say({ delta: { key: "r", version: 6, data: "d" } });
  socket().say({ delta: { key: "r", version: 6, data: "again" } });
  assert.deepEqual(read, [["snapshot", "s"], ["delta", "d"]]);
  assert.equal(socket().sent.length, asked, "nothing is asked anew");
});
