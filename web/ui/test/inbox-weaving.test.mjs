// What was said, noted and looked at stands in one thread by time, each room in its own order, and nothing comes in between later.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { weave, nextToRead, joined } = await load("inbox-weaving");

const told = (...ats) => ({ messages: ats.map((at, index) => ({ at, number: index + 1 })), isWhole: true });
const part = (...ats) => ({ ...told(...ats), isWhole: false });
const seen = (at, path) => ({ at, path });
const threads = (more) => ({ said: told(), noted: told(), steps: [], opened: 0, closedAt: null, ...more });
/** `s10` said, `n10` noted, `/a /b` looked at, `closed`. */
const read = (more) => weave(threads(more)).map((woven) => {
  if (woven.kind === "seen") return woven.steps.map(({ path, event }) => event ?? path).join(" ");
  return woven.kind === "closed" ? "closed" : `${woven.kind[0]}${woven.at}`;
});

test("notes stand between what was said, by time, and behind what was said in the same moment", () => {
  assert.deepEqual(read({ said: told(10, 20, 30), noted: told(5, 20, 40) }), ["n5", "s10", "s20", "n20", "s30", "n40"]);
  assert.deepEqual(read({}), []);
});

test("a room keeps its order though its clock went back", () => {
  assert.deepEqual(read({ said: told(10, 30, 20), noted: told(25) }), ["s10", "n25", "s30", "s20"]);
});

test("pages between two messages are one line, and one that is loaded again is one step", () => {
  const steps = [seen(12, "/a"), seen(14, "/b"), seen(15, "/b"), { at: 16, path: "/b", event: "buy" }, seen(17, "/b"), seen(25, "/c")];
  assert.deepEqual(read({ said: told(10, 20, 30), steps }), ["s10", "/a /b buy /b", "s20", "/c", "s30"]);
});

test("pages from before it began are left out, but for the one on which it did", () => {
  const steps = [seen(1, "/first"), seen(8, "/price"), { at: 9, path: "/price", event: "ask" }, seen(15, "/buy")];
  assert.deepEqual(read({ said: told(10, 20), steps, opened: 10 }), ["/price", "s10", "/buy", "s20"]);
});

test("what stands before the part that is read is not shown", () => {
  const steps = [seen(5, "/a"), seen(25, "/b")];
  assert.deepEqual(read({ said: part(20, 30), noted: told(1, 21), steps }), ["s20", "n21", "/b", "s30"]);
  assert.deepEqual(read({ said: told(10, 40), noted: part(30), steps }), ["n30", "s40"]);
});

test("that room is read on which hides what is further back", () => {
  assert.equal(nextToRead(threads({ said: part(20), noted: told(1) })), "said");
  assert.equal(nextToRead(threads({ said: part(20), noted: part(30) })), "noted");
  assert.equal(nextToRead(threads({ said: part(30), noted: part(20) })), "said");
  assert.equal(nextToRead(threads({ said: told(1), noted: part(20) })), "noted");
  assert.equal(nextToRead(threads({ said: told(1), noted: told() })), null);
});

test("it was closed at its moment, where that is shown", () => {
  assert.deepEqual(read({ said: told(10, 20), closedAt: 15 }), ["s10", "closed", "s20"]);
  assert.deepEqual(read({ said: part(20), closedAt: 15 }), ["s20"]);
});

test("a page that live and history both tell is one", () => {
  const event = { at: 4_000, path: "/a", event: "buy" };
  const history = [seen(1_000, "/a"), event];
  assert.deepEqual(joined(history, [seen(3_000, "/a"), seen(3_001, "/a"), seen(4_000, "/a"), seen(1_000, "/b")]), [
    seen(1_000, "/a"), seen(1_000, "/b"), seen(3_001, "/a"), event, seen(4_000, "/a"),
  ]);
});
