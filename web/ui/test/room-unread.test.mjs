// What was on the screen is read where nothing was jumped over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { joined } = await load("room-unread");
const { seenIn } = await load("room-list");

test("what was seen grows as one scrolls, and begins anew where one jumps", () => {
  const check = (passed, seen, expected) => assert.deepEqual(joined({ from: passed[0], to: passed[1] }, { from: seen[0], to: seen[1] }), { from: expected[0], to: expected[1] });
  check([10, 20], [15, 25], [10, 25]);
  check([10, 20], [21, 30], [10, 30]);
  check([10, 20], [22, 30], [22, 30]);
  check([10, 20], [5, 9], [5, 20]);
  check([10, 20], [5, 8], [5, 8]);
  check([10, 20], [12, 13], [10, 20]);
});

test("rows are seen that are in the box, however little of the first one", () => {
  const rows = [[0, 50], [50, 100], [100, 150], [150, 200]].map(([top, bottom]) => ({ getBoundingClientRect: () => ({ top, bottom }) }));
  const check = (top, bottom, expected) => assert.deepEqual(seenIn(rows, { top, bottom }), expected);
  check(0, 200, [0, 3]);
  check(49, 120, [0, 2]);
  check(50, 112, [1, 1]);
  check(50, 113, [1, 2]);
  check(60, 61, [1, 1]);
  check(200, 300, null);
  assert.equal(seenIn([], { top: 0, bottom: 100 }), null);
});
