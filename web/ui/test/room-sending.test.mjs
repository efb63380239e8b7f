// What one says is sent in the order in which it was said, and again where the network failed.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { load } from "./bundle.mjs";

const { RoomState } = await load("room-state");
const { Sending } = await load("room-sending");

const pending = (id) => ({ id, kind: "text", body: id });
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Answers in the order in which it is told to. */
class Server {
  asked = [];
  post = (message) => new Promise((resolve, reject) => {
    const number = this.asked.length + 1;
    const told = { ...message, room: "RM-1", number, author: "AC-1", name: "Ada", at: 0, html: "", removed: false, replies: 0, changed: number };
    this.asked.push({ id: message.id, answer: () => resolve(told), fail: reject });
  });
}

function page() {
  const [state, server] = [new RoomState(), new Server()];
  return { state, server, sending: new Sending(server, state, () => {}) };
}

const ids = (list) => list.map(({ id }) => id);

test("the second goes when the first is there", async () => {
  const { state, server, sending } = page();
  for (const id of ["a", "b", "c"]) sending.send(pending(id));
  assert.deepEqual(ids(server.asked), ["a"]);
  server.asked[0].answer();
  await settle();
  assert.deepEqual(ids(server.asked), ["a", "b"]);
  assert.deepEqual(ids(state.pending), ["b", "c"]);
  server.asked[1].answer();
  await settle();
  server.asked[2].answer();
  await settle();
  assert.deepEqual(ids(state.pending), []);
});

test("what the network lost is sent again under its id, and nothing overtakes it", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const { server, sending } = page();
  sending.send(pending("a"));
  sending.send(pending("b"));
  server.asked[0].fail(new TypeError("no network"));
  await settle();
  assert.deepEqual(ids(server.asked), ["a"]);
  mock.timers.tick(2_000);
  assert.deepEqual(ids(server.asked), ["a", "a"]);
  server.asked[1].fail(new TypeError("no network"));
  await settle();
  sending.again();
  assert.deepEqual(ids(server.asked), ["a", "a", "a"], "the line is back");
  server.asked[2].answer();
  await settle();
  assert.deepEqual(ids(server.asked).at(-1), "b");
});

test("a page that goes away sends what waits", async () => {
  const { server, sending } = page();
  for (const id of ["a", "b", "c"]) sending.send(pending(id));
  sending.leave();
  assert.deepEqual(ids(server.asked), ["a", "b", "c"]);
});
