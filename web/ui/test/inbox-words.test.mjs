// How the inbox says it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { customerName, filledIn, initials, laters, shortTime, waited } = await load("inbox-words");

test("a customer is called by what is known of them", () => {
  const check = (known, place, expected) => assert.equal(customerName({ name: "", email: "", identity: "", visitor: null, ...known }, place), expected);
  check({ name: "Ada", email: "a@x", identity: "u-1" }, "Paris", "Ada");
  check({ email: "a@x", identity: "u-1" }, "", "a@x");
  check({ identity: "u-1" }, "", "u-1");
  check({ visitor: "5f2c9a77-1" }, "Paris, France", "Visitor from Paris, France");
  check({ visitor: "5f2c9a77-1" }, "", "Visitor 5f2c9a");
  check({}, "", "Visitor");
});

test("waiting is said in the unit that matters", () => {
  const check = (ms, expected) => assert.equal(waited(ms), expected);
  check(-5, "a moment");
  check(59_999, "a moment");
  check(60_000, "1 min");
  check(3_599_999, "59 min");
  check(3_600_000, "1 h");
  check(48 * 3_600_000 - 1, "47 h");
  check(48 * 3_600_000, "2 d");
});

test("a moment of today is a time, of this week a day, else a date", () => {
  const now = new Date(2026, 10, 20, 12).getTime();
  const check = (at, expected) => assert.match(shortTime(at.getTime(), now), expected);
  check(new Date(2026, 10, 20, 9, 5), /^09:05/);
  check(new Date(2026, 10, 19, 23, 59), /^\D+$/);
  check(new Date(2026, 10, 13, 12), /^\D*13\D*$/);
  check(new Date(2025, 10, 13, 12), /2025/);
});

test("it is put off until a full hour of today, a morning, or Monday", () => {
  const check = (now, expected) => assert.deepEqual(laters(now).map(({ name, at }) => [name, at]), expected.map(([name, at]) => [name, at.getTime()]));
  check(new Date(2026, 10, 20, 14, 20), [["Later today", new Date(2026, 10, 20, 18)], ["Tomorrow", new Date(2026, 10, 21, 9)], ["Next week", new Date(2026, 10, 23, 9)]]);
  check(new Date(2026, 10, 20, 17, 0), [["Later today", new Date(2026, 10, 20, 20)], ["Tomorrow", new Date(2026, 10, 21, 9)], ["Next week", new Date(2026, 10, 23, 9)]]);
  check(new Date(2026, 10, 23, 22, 30), [["Tomorrow", new Date(2026, 10, 24, 9)], ["Next week", new Date(2026, 10, 30, 9)]]);
  check(new Date(2026, 10, 22, 22, 30), [["Tomorrow", new Date(2026, 10, 23, 9)]]);
  check(new Date(2026, 11, 31, 23, 30), [["Tomorrow", new Date(2027, 0, 1, 9)], ["Next week", new Date(2027, 0, 4, 9)]]);
});

test("a canned answer has the customer's name, or does without one", () => {
  assert.equal(filledIn("Hello {name}, thanks, {name}!", "Ada $& Lovelace"), "Hello Ada $& Lovelace, thanks, Ada $& Lovelace!");
  assert.equal(filledIn("Hello {name},\n{name}: thanks.", ""), "Hello,\n: thanks.");
});

test("two letters stand for somebody", () => {
  assert.equal(initials("Olive van Owner"), "OO");
  assert.equal(initials(" ada "), "A");
  assert.equal(initials("😀x y"), "😀Y");
  assert.equal(initials(""), "?");
});
