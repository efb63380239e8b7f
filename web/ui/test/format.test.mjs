// Numbers, times and names as people read them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { brief, Clock, counted, duration, flag, niceCeiling, placeName, valueName, versioned } = await load("format");

test("durations grow coarser", () => {
  const check = (ms, expected) => assert.equal(duration(ms), expected);
  check(-5, "0:00");
  check(7_999, "0:07");
  check(725_000, "12:05");
  check(3_599_999, "59:59");
  check(7_500_000, "2 h 05");
  check(100 * 3_600_000, "4 d 4 h");
});

test("one is one, many are many", () => {
  assert.equal(counted(1, "visitor"), "1 visitor");
  assert.equal(counted(0, "visitor"), "0 visitors");
  assert.equal(counted(12_345, "visitor"), "12,345 visitors");
});

test("what came from outside is shown as it came where it is no code", () => {
  const check = (dimension, value, expected) => assert.equal(valueName(dimension, value), expected);
  check("country", "FR", "France");
  check("country", "", "Unknown");
  check("country", "<img src=x>", "<IMG SRC=X>");
  check("language", "pt-br", "Brazilian Portuguese");
  check("language", "not a language!", "not a language!");
  check("channel", "ai-assistant", "AI assistant");
  check("page", "/tea", "/tea");
});

test("places and versions leave out what is unknown", () => {
  assert.equal(placeName({ city: "Paris", region: "IDF", country: "FR" }), "Paris, France");
  assert.equal(placeName({ city: "", region: "", country: "" }), "Unknown");
  assert.equal(versioned("Firefox", "133"), "Firefox 133");
  assert.equal(versioned("", ""), "Unknown");
});

test("flags are of two letters only", () => {
  assert.equal(flag("fr"), "🇫🇷");
  for (const none of ["", "F", "FRA", "<>"]) assert.equal(flag(none), "");
});

test("a scale ends at a round even number that is not below", () => {
  for (const [number, expected] of [[0, 4], [4, 4], [5, 6], [11, 12], [13, 16], [101, 120], [1_001, 1_200], [9_900, 10_000], [10_001, 12_000]]) {
    assert.equal(niceCeiling(number), expected, `of ${number}`);
  }
  for (let number = 0; number < 5_000; number += 7) assert.ok(niceCeiling(number) >= number && niceCeiling(number) % 2 === 0, `of ${number}`);
});

test("large scale labels are brief", () => {
  assert.equal(brief(9_999), "9,999");
  assert.equal(brief(12_000), "12K");
});

test("clock times are of the site's zone, and an unknown zone is no error", () => {
  assert.equal(new Clock("Asia/Tokyo").toMinute(0), "09:00");
  assert.equal(new Clock("Pacific/Auckland").toSecond(5_000), "12:00:05");
  assert.match(new Clock("No/Where").toMinute(0), /^\d\d:\d\d$/);
});
