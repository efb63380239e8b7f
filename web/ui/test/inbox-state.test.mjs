// The list of the inbox: in order, in its folder, without doubles however pages and changes come, and counted.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./bundle.mjs";

const { InboxState, isIn } = await load("inbox-state");

const ME = "AC-00000001";
const BOB = "AC-00000002";
const view = (folder, more = {}) => ({ folder, label: "", q: "", ...more });
const one = (number, more = {}) => ({
  room: `RM-${String(number).padStart(8, "0")}`, state: "open", verdict: "ham", blocked: false, assignee: null, labels: [], last_at: number * 1_000,
  waiting_since: null, version: 1, ...more,
});
const counts = (more = {}) => ({ open: 0, mine: 0, unassigned: 0, waiting: 0, snoozed: 0, closed: 0, held: 0, spam: 0, ...more });
const page = (conversations, more = false, of = {}) => ({ conversations, more, counts: counts(of) });
const listed = (state) => state.rows().map(({ room }) => Number(room.slice(3)));

let state;
beforeEach(() => (state = new InboxState(ME, view("open"))));

test("a conversation is in the folders that the server has it in", () => {
  const check = (more, expected) => {
    const folders = ["open", "mine", "unassigned", "waiting", "snoozed", "closed", "held", "spam", "all"];
    assert.deepEqual(folders.filter((folder) => isIn(folder, one(1, more), ME)), expected);
  };
  check({}, ["open", "unassigned", "all"]);
  check({ assignee: ME, waiting_since: 5 }, ["open", "mine", "waiting", "all"]);
  check({ assignee: BOB }, ["open", "all"]);
  check({ state: "snoozed", assignee: ME, waiting_since: 5 }, ["snoozed", "all"]);
  check({ state: "closed" }, ["closed", "all"]);
  check({ verdict: "held", state: "closed" }, ["held"]);
  check({ verdict: "held", blocked: true }, ["held"]);
  check({ verdict: "spam" }, ["spam"]);
  check({ blocked: true, state: "snoozed" }, ["spam"]);
});

test("what was said last stands first, and two of one moment by their rooms", () => {
  state.take(page([one(3), one(2), one(1)]), true);
  assert.deepEqual(listed(state), [3, 2, 1]);
  state.changed(one(1, { version: 2, last_at: 9_000 }));
  state.changed(one(4, { last_at: 9_000 }));
  assert.deepEqual(listed(state), [4, 1, 3, 2]);
});

test("who waits longest stands first among those who wait", () => {
  state.look(view("waiting"));
  state.take(page([one(3, { waiting_since: 10 }), one(1, { waiting_since: 20 })]), true);
  state.changed(one(2, { waiting_since: 10 }));
  assert.deepEqual(listed(state), [2, 3, 1]);
  state.changed(one(2, { waiting_since: null, version: 2 }));
  assert.deepEqual(listed(state), [3, 1]);
});

test("pages follow each other without doubles, though rows move in between", () => {
  state.take(page([one(9), one(8), one(7)], true), true);
  assert.equal(state.before, "7000-RM-00000007");
  state.changed(one(7, { version: 2, last_at: 99_000 }));
  state.changed(one(6, { version: 2, last_at: 98_000 }));
  assert.deepEqual(listed(state), [7, 6, 9, 8]);
  assert.equal(state.before, "7000-RM-00000007");
  state.take(page([one(5), one(4)], false), false);
  assert.deepEqual(listed(state), [7, 6, 9, 8, 5, 4]);
  assert.equal(state.hasMore, false);
});

test("what stands behind the last page comes with its page, and at once where that was the last", () => {
  state.take(page([one(9), one(8)], true), true);
  state.changed(one(3, { labels: ["tea"] }));
  assert.deepEqual(listed(state), [9, 8]);
  state.take(page([one(5), one(3, { labels: ["tea"] })], false), false);
  assert.deepEqual(listed(state), [9, 8, 5, 3]);
  state.changed(one(1));
  assert.deepEqual(listed(state), [9, 8, 5, 3, 1]);
});

test("a page that was asked for before something changed does not take that back", () => {
  state.take(page([one(2)]), true);
  state.changed(one(2, { version: 5, state: "closed" }));
  state.take(page([one(2, { version: 4 })]), true);
  assert.deepEqual(listed(state), []);
  assert.equal(state.changed(one(2, { version: 5 })), false);
});

test("a conversation leaves the folder that it is no longer in, and comes into the one that it is", () => {
  state.look(view("mine"));
  state.take(page([one(2, { assignee: ME })]), true);
  state.changed(one(2, { assignee: BOB, version: 2 }));
  assert.deepEqual(listed(state), []);
  state.changed(one(3, { assignee: ME }));
  assert.deepEqual(listed(state), [3]);
});

test("labels narrow the list", () => {
  state.look(view("open", { label: "tea" }));
  state.take(page([one(2, { labels: ["tea"] })]), true);
  state.changed(one(3));
  state.changed(one(4, { labels: ["pots", "tea"] }));
  assert.deepEqual(listed(state), [4, 2]);
  state.changed(one(2, { version: 2 }));
  assert.deepEqual(listed(state), [4]);
  assert.deepEqual([...state.labels].sort(), ["pots", "tea"]);
});

test("what is searched for is what the server found; what is found stays up to date", () => {
  state.look(view("open", { q: "biscuits" }));
  state.take(page([one(2), one(1)]), true);
  state.changed(one(3));
  assert.deepEqual(listed(state), [2, 1]);
  state.changed(one(1, { version: 2, last_at: 9_000 }));
  assert.deepEqual(listed(state), [1, 2]);
  state.changed(one(1, { version: 3, state: "closed", last_at: 9_000 }));
  assert.deepEqual(listed(state), [2]);
});

test("folders are counted on from what was known, and by the server where something was not", () => {
  state.take(page([one(1), one(2, { assignee: ME })], false, { open: 2, mine: 1, unassigned: 1 }), true);
  state.changed(one(1, { version: 2, assignee: ME, waiting_since: 3 }));
  assert.deepEqual(state.counts, counts({ open: 2, mine: 2, waiting: 1 }));
  state.changed(one(2, { version: 2, assignee: ME, state: "closed" }));
  assert.deepEqual(state.counts, counts({ open: 1, mine: 1, waiting: 1, closed: 1 }));
  assert.equal(state.countsAreOld, false);
  state.changed(one(7));
  assert.equal(state.countsAreOld, true);
  state.take(page([one(7), one(1, { version: 2, assignee: ME, waiting_since: 3 })], false, { open: 2 }), true);
  assert.equal(state.countsAreOld, false);
  assert.equal(state.counts.open, 2);
});

test("counted anew, the list keeps what was read", () => {
  state.take(page([one(9), one(8)], true, { open: 5 }), true);
  state.take(page([one(5)], true, { open: 5 }), false);
  state.changed(one(1));
  state.recount(page([one(10), one(9, { version: 2, state: "closed" })], true, { open: 4, closed: 1 }));
  assert.deepEqual(listed(state), [10, 8, 5]);
  assert.equal(state.before, "5000-RM-00000005");
  assert.deepEqual([state.countsAreOld, state.counts.open, state.hasMore], [false, 4, true]);
});

test("after something was missed nothing that was known counts, but what was told since", () => {
  state.take(page([one(1), one(2), one(3)]), true);
  state.doubt();
  assert.deepEqual(listed(state), [3, 2, 1]);
  state.changed(one(3, { version: 2 }));
  state.take(page([one(2, { version: 9 })]), true);
  assert.deepEqual(listed(state), [3, 2]);
});

test("ten thousand conversations are put in order in a moment", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => one(index + 1));
  for (let at = 0; at < many.length; at += 50) state.take(page(many.slice(at, at + 50), at + 50 < many.length), at === 0);
  const began = performance.now();
  state.changed(one(77, { version: 2, last_at: 99_999_999 }));
  assert.equal(listed(state)[0], 77);
  assert.equal(state.rows().length, 10_000);
  assert.ok(performance.now() - began < 500);
});
