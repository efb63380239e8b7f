// Filters and how they stand in the address.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { admits, filterFromHash, hashFromFilter, narrowed, toggled, withBots, without } = await load("filters");

test("a filter comes back from the address as it went", () => {
  for (const filter of [
    {},
    { country: "FR" },
    { page: "/tea?x=1&y=2#z", source: "<b>&", bots: true },
    { country: "" },
    { page: "/شاي/ %" },
  ]) {
    assert.deepEqual(filterFromHash(hashFromFilter(filter)), filter);
  }
  assert.equal(hashFromFilter({}), "");
});

test("what is not understood in the address is left out", () => {
  assert.deepEqual(filterFromHash("#content"), {});
  assert.deepEqual(filterFromHash("#nonsense=1&country=DE&__proto__=x&bots=yes"), { country: "DE" });
  assert.deepEqual(filterFromHash(`#page=${"a".repeat(2048)}`), { page: "a".repeat(2048) });
  assert.deepEqual(filterFromHash(`#page=${"a".repeat(2049)}`), {});
});

test("a press narrows, another value replaces, the same again widens", () => {
  const france = toggled({}, "country", "FR");
  assert.deepEqual(france, { country: "FR" });
  assert.deepEqual(toggled(france, "country", "DE"), { country: "DE" });
  assert.deepEqual(toggled(france, "country", "FR"), {});
  assert.deepEqual(toggled(france, "device", ""), { country: "FR", device: "" });
});

test("bots narrow nothing and stay when filters go", () => {
  const filter = withBots({ country: "FR" }, true);
  assert.deepEqual(narrowed(filter), [["country", "FR"]]);
  assert.deepEqual(without(filter, "country"), { bots: true });
  assert.deepEqual(withBots(filter, false), { country: "FR" });
});

test("the feed shows hits that match, by what the hit says and by who made it", () => {
  const hit = { path: "/tea", source: "Google", channel: "search", country: "FR", visitor: "v", kind: "pageview", name: null, at: 1 };
  const check = (filter, visitor, expected) => assert.equal(admits(filter, hit, visitor), expected);
  check({}, undefined, true);
  check({ page: "/tea", country: "FR" }, undefined, true);
  check({ page: "/" }, undefined, false);
  check({ device: "mobile" }, { device: "mobile" }, true);
  check({ device: "mobile" }, { device: "desktop" }, false);
  check({ device: "mobile" }, undefined, false);
});
