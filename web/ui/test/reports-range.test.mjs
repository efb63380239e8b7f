// Ranges of a site's own calendar, and the buckets that fit them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { Calendar, addDays, addMonths, isDate, weekday } = await load("reports-calendar");
const { PRESETS, moved, rangeAsked, rangeFrom, rangeText, resolve, unitsOf } = await load("reports-range");

const HOUR = 3_600_000;
const paris = new Calendar("Europe/Paris");
const utc = (text) => Date.parse(`${text}Z`);

test("a day of the clock change has 23 or 25 hours", () => {
  const hours = (date) => (paris.at(addDays(date, 1)) - paris.at(date)) / HOUR;
  assert.equal(hours("2026-03-29"), 23);
  assert.equal(hours("2026-10-25"), 25);
  assert.equal(hours("2026-06-01"), 24);
});

test("a moment and what the clock shows go back and forth", () => {
  assert.equal(paris.at("2026-01-01"), utc("2025-12-31T23:00:00"));
  assert.deepEqual(paris.wall(utc("2026-07-14T22:05:00")), { date: "2026-07-15", hour: 0, minute: 5 });
  // 02:30 does not exist on 29 March, and exists twice on 25 October: the first counts.
  assert.equal(paris.at("2026-03-29", 2, 30), utc("2026-03-29T01:30:00"));
  assert.equal(paris.at("2026-10-25", 2, 30), utc("2026-10-25T00:30:00"));
  // In Beirut the clock jumps over midnight: the day begins at one.
  const beirut = new Calendar("Asia/Beirut");
  assert.equal(beirut.wall(beirut.at("2026-03-29")).hour, 1);
  assert.equal(new Calendar("Nowhere/Else").zone, "UTC");
});

test("dates", () => {
  assert.equal(addMonths("2026-03-31", -1), "2026-02-28");
  assert.equal(addMonths("2026-01-15", 12), "2027-01-15");
  assert.equal(weekday("2026-11-22"), 7);
  for (const [text, is] of [["2026-02-28", true], ["2026-02-29", false], ["2026-13-01", false], ["26-01-01", false], ["", false]]) assert.equal(isDate(text), is, text);
});

test("presets end with the day that goes on", () => {
  const now = utc("2026-11-21T15:30:00");
  const shown = (range) => {
    const { from, to } = resolve(range, paris, now);
    return [paris.wall(from), paris.wall(to)].map(({ date, hour }) => `${date} ${hour}`);
  };
  assert.deepEqual(shown("today"), ["2026-11-21 0", "2026-11-22 0"]);
  assert.deepEqual(shown("yesterday"), ["2026-11-20 0", "2026-11-21 0"]);
  assert.deepEqual(shown("24h"), ["2026-11-20 17", "2026-11-21 17"]);
  assert.deepEqual(shown("7d"), ["2026-11-15 0", "2026-11-22 0"]);
  assert.deepEqual(shown("28d"), ["2026-10-25 0", "2026-11-22 0"]);
  assert.deepEqual(shown("last-month"), ["2026-10-01 0", "2026-11-01 0"]);
  assert.deepEqual(shown("this-year"), ["2026-01-01 0", "2026-11-22 0"]);
  assert.deepEqual(shown("12mo"), ["2025-12-01 0", "2026-11-22 0"]);
  assert.deepEqual(shown({ first: "2026-10-25", last: "2026-10-25" }), ["2026-10-25 0", "2026-10-26 0"]);
});

test("a range comes back from the address as it went; nonsense is none", () => {
  const ranges = [...PRESETS, { first: "2026-01-01", last: "2026-01-31" }, { first: "2026-01-01", last: "2026-01-01" }, { first: "2026-01-01T10:00", last: "2026-01-01T15:30" }];
  for (const range of ranges) assert.deepEqual(rangeFrom(rangeText(range)), range);
  for (const text of ["", "8d", "2026-01-31..2026-01-01", "2026-02-30..2026-03-01", "2026-01-01..2026-01-02..2026-01-03", "2026-01-01T25:00..2026-01-02T10:00", "2026-01-01..2026-01-02T10:00", "2026-01-01T10:00..2026-01-01T10:00"]) {
    assert.equal(rangeFrom(text), null, text);
  }
});

test("the API is asked by name, by days, or by moments", () => {
  const now = utc("2026-11-21T15:30:00");
  assert.equal(rangeAsked("28d", paris, now), "28d");
  assert.deepEqual(rangeAsked({ first: "2026-01-01", last: "2026-01-31" }, paris, now), { from: "2026-01-01", to: "2026-01-31" });
  assert.deepEqual(rangeAsked({ first: "2026-01-01T10:00", last: "2026-01-01T11:00" }, paris, now), { from: utc("2026-01-01T09:00:00"), to: utc("2026-01-01T10:00:00") });
});

test("buckets fit the range, and are never more than a chart can show", () => {
  const best = (days) => unitsOf({ from: 0, to: days * 24 * HOUR }).best;
  assert.deepEqual([0.1, 1, 2, 7, 28, 90, 200, 365, 3650, 9000].map(best), ["minute", "hour", "hour", "day", "day", "day", "week", "month", "month", "year"]);
  for (const days of [0.01, 1, 7, 90, 400, 20_000]) {
    const { units, best } = unitsOf({ from: 0, to: days * 24 * HOUR });
    assert.ok(units.includes(best), `${days} days`);
  }
  assert.ok(!unitsOf({ from: 0, to: 90 * 24 * HOUR }).units.includes("hour"));
});

test("earlier and later move by the range's own length, and never past now", () => {
  const now = utc("2026-11-21T15:30:00");
  assert.deepEqual(moved("7d", -1, paris, now), { first: "2026-11-08", last: "2026-11-14" });
  assert.deepEqual(moved("yesterday", -1, paris, now), { first: "2026-11-19", last: "2026-11-19" });
  assert.deepEqual(moved("this-month", -1, paris, now), { first: "2026-10-01", last: "2026-10-31" });
  assert.deepEqual(moved("last-month", -1, paris, now), { first: "2026-09-01", last: "2026-09-30" });
  assert.deepEqual(moved({ first: "2026-01-01", last: "2026-12-31" }, -1, paris, now), { first: "2025-01-01", last: "2025-12-31" });
  assert.deepEqual(moved("yesterday", 1, paris, now), { first: "2026-11-21", last: "2026-11-21" });
  assert.equal(moved("7d", 1, paris, now), null);
  assert.deepEqual(moved({ first: "2026-11-01T10:00", last: "2026-11-01T12:00" }, -1, paris, now), { first: "2026-11-01T08:00", last: "2026-11-01T10:00" });
});
