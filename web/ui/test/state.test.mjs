// Snapshots and deltas, applied as docs/protocol.md says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const {
  applyHits, applyLive, applyVisitors, feedFrom, inOrder, lastMinutes, liveFrom, ranked, visitorsFrom, FEED_HITS_MAX,
} = await load("state");

const MINUTE = 60_000;
const none = { page: {}, source: {}, channel: {}, country: {}, device: {}, browser: {}, os: {}, language: {} };
const live = (more = {}) => liveFrom({ present: 2, active: 1, bots: 0, peak: null, minutes: [], rows: none, keys: {}, ...more });
const minute = (at, visitors, pageviews = 0) => ({ minute: at * MINUTE, visitors, pageviews });

test("a delta changes what it names and nothing else", () => {
  const view = live({ rows: { ...none, page: { "/": 2, "/tea": 1 } }, keys: { page: 2 } });
  applyLive(view, { present: 3, rows: { page: { "/tea": 2, "/new": 1 } }, keys: { page: 3 } });
  assert.equal(view.present, 3);
  assert.equal(view.active, 1);
  assert.deepEqual(ranked(view.rows.page), [["/", 2], ["/tea", 2], ["/new", 1]]);
  assert.equal(view.keys.page, 3);
});

test("a row of null leaves the rows, even one named like a built-in", () => {
  const view = live({ rows: { ...none, page: JSON.parse('{"__proto__": 3, "constructor": 2, "/": 1}') } });
  assert.deepEqual(ranked(view.rows.page), [["__proto__", 3], ["constructor", 2], ["/", 1]]);
  applyLive(view, { rows: { page: JSON.parse('{"__proto__": null}') } });
  assert.deepEqual(ranked(view.rows.page), [["constructor", 2], ["/", 1]]);
});

test("the snapshot itself is never changed by a delta", () => {
  const data = { present: 1, active: 1, bots: 0, peak: null, minutes: [], rows: { ...none, page: { "/": 1 } }, keys: { page: 1 } };
  applyLive(liveFrom(data), { rows: { page: { "/": null } }, keys: { page: 0 } });
  assert.deepEqual(data.rows.page, { "/": 1 });
  assert.equal(data.keys.page, 1);
});

test("minutes 30 or more before the newest fall away", () => {
  const view = live({ minutes: [minute(70, 1), minute(71, 2)] });
  applyLive(view, { minutes: [minute(100, 5)] });
  assert.deepEqual([...view.minutes.keys()].map((at) => at / MINUTE), [71, 100]);
});

test("thirty minutes are shown, the current one last", () => {
  const shown = lastMinutes(live({ minutes: [minute(100, 5, 7)] }), 100.5 * MINUTE, 5);
  assert.equal(shown.length, 30);
  assert.deepEqual(shown.at(-1), { ...minute(100, 5, 7), unknown: false });
  assert.equal(shown[0].minute, 71 * MINUTE);
  assert.ok(shown.slice(0, -1).every((at) => at.unknown));
});

test("a quiet minute has no more visitors than the minutes on either side", () => {
  const check = (minutes, now, present, expected) => {
    const shown = lastMinutes(live({ minutes }), now * MINUTE, present);
    assert.deepEqual(shown.slice(-expected.length).map((at) => at.visitors), expected);
  };
  check([minute(97, 8), minute(100, 3)], 100, 3, [8, 3, 3, 3]);
  check([minute(97, 3), minute(100, 8)], 100, 8, [3, 3, 3, 8]);
  check([minute(97, 40)], 100, 0, [40, 0, 0, 0]);
  check([minute(97, 4)], 100, 4, [4, 4, 4, 4]);
});

test("visitors are set, replaced and gone by key", () => {
  const view = visitorsFrom({ total: 2, visitors: [visitor("a", 1), visitor("b", 2)] });
  applyVisitors(view, { total: 3, set: [visitor("b", 2, 4), visitor("c", 3)], gone: ["a", "never-there"] });
  assert.equal(view.total, 3);
  assert.deepEqual([...view.byKey.keys()], ["b", "c"]);
  assert.equal(view.byKey.get("b").trail.length, 4);
});

test("visitors come newest, longest, or with most pages first", () => {
  const view = visitorsFrom({ total: 3, visitors: [visitor("new", 30), visitor("old", 10, 2), visitor("busy", 20, 9)] });
  const check = (order, expected) => assert.deepEqual(inOrder(view, order).map(({ key }) => key), expected);
  check("newest", ["new", "busy", "old"]);
  check("longest", ["old", "busy", "new"]);
  check("pages", ["busy", "old", "new"]);
});

test("the feed keeps the newest hits on top and no more than its maximum", () => {
  const feed = feedFrom({ hits: [hit("/1"), hit("/2")] });
  assert.deepEqual(feed.hits.map(({ path }) => path), ["/2", "/1"]);
  applyHits(feed, { hits: Array.from({ length: FEED_HITS_MAX }, (_, index) => hit(`/more-${index}`)), skipped: 3 });
  assert.equal(feed.hits.length, FEED_HITS_MAX);
  assert.equal(feed.hits[0].path, `/more-${FEED_HITS_MAX - 1}`);
  assert.equal(new Set(feed.hits.map(({ number }) => number)).size, FEED_HITS_MAX);
});

function visitor(key, since, pages = 1) {
  return { key, since, trail: Array.from({ length: pages }, () => ({ at: since, path: "/" })) };
}

function hit(path) {
  return { at: 1, visitor: "v", kind: "pageview", path, country: "", source: "Direct", channel: "direct", name: null };
}
