// A view of the reports in the address, and its conditions in the query language.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { PLAIN, addressOf, viewFrom } = await load("reports-address");
const filters = await load("reports-filters");
const { apiFilter, isNarrowedTo, patternOf, stepFilter, toggledIs, withCondition } = filters;

const check = (changed) => assert.deepEqual(viewFrom(addressOf({ ...PLAIN, ...changed })), { ...PLAIN, ...changed });

test("every view comes back from the address as it went", () => {
  check({});
  assert.equal(addressOf(PLAIN), "");
  check({ range: "7d", comparison: "none", metric: "bounce-rate", unit: "hour", bots: true });
  check({ range: { first: "2026-01-01", last: "2026-02-03" } });
  check({ tabs: { pages: "exit", sources: "utm-source" }, prop: "plan" });
  check({ conditions: [{ by: "page", operator: "is", values: ["/tea?x=1&y=2#z", "/شاي/ %"] }, { by: "country", operator: "not", values: ["FR", ""] }] });
  check({ conditions: [{ by: "prop:a.b", operator: "matches", values: ["^<b>&.*$"] }, { by: "source", operator: "lacks", values: ["=+"] }] });
  check({ behaviour: "retention", cohort: "day" });
  check({ steps: [{ by: "page", operator: "is", values: ["/a&b=c", "/d"] }, { by: "event", operator: "starts", values: ["sign"] }], window: "7d" });
  check({ behaviour: "journeys", start: "/tea", backwards: true });
});

test("what is not understood in the address is left out", () => {
  for (const search of ["?nonsense=1", "?range=8d&compare=x&metric=y&by=z&bots=yes", "?nosuch.is=1&page.was=2&.is=3&is=4", "?__proto__.is=1&constructor.is=2&prop:.is=3", "?pages=nosuch&behaviour=x&prop=", `?page.is=${"a".repeat(2049)}`]) {
    assert.deepEqual(viewFrom(search), PLAIN, search);
  }
  assert.equal(viewFrom(`?page.is=${"a".repeat(2048)}`).conditions.length, 1);
});

test("as many conditions, values and steps as the address may hold, and no more", () => {
  const conditions = (count) => viewFrom(`?${Array.from({ length: count }, (_, index) => `prop:p${index}.is=x`).join("&")}`).conditions.length;
  assert.deepEqual([conditions(20), conditions(21)], [20, 20]);
  const values = (count) => viewFrom(`?${Array.from({ length: count }, (_, index) => `page.is=/${index}`).join("&")}`).conditions[0].values.length;
  assert.deepEqual([values(50), values(51)], [50, 50]);
  const steps = (count) => viewFrom(`?${Array.from({ length: count }, () => `step=${encodeURIComponent("page.is=/")}`).join("&")}`).steps.length;
  assert.deepEqual([steps(10), steps(11)], [10, 10]);
});

test("conditions in the query language", () => {
  assert.equal(apiFilter([]), undefined);
  assert.deepEqual(apiFilter([{ by: "page", operator: "is", values: ["/a", "/b"] }]), { is: { by: "page", values: ["/a", "/b"] } });
  assert.deepEqual(
    apiFilter([{ by: "country", operator: "not", values: ["FR"] }, { by: "page", operator: "starts", values: ["/blog"] }]),
    { and: [{ not: { is: { by: "country", values: ["FR"] } } }, { starts: { by: "page", values: ["/blog"] } }] },
  );
  assert.deepEqual(apiFilter([{ by: "source", operator: "lacks", values: ["x"] }]), { not: { contains: { by: "source", values: ["x"] } } });
  assert.deepEqual(apiFilter([{ by: "page", operator: "matches", values: ["^/a", "b$"] }]), { or: [{ matches: { by: "page", pattern: "^/a" } }, { matches: { by: "page", pattern: "b$" } }] });
});

test("an event is of the visit in a filter, and of the hit in a step", () => {
  const event = (operator) => ({ by: "event", operator, values: ["buy"] });
  assert.deepEqual(apiFilter([event("is")]), { visit: { is: { by: "event", values: ["buy"] } } });
  assert.deepEqual(apiFilter([event("not")]), { not: { visit: { is: { by: "event", values: ["buy"] } } } });
  assert.deepEqual(stepFilter(event("is")), { is: { by: "event", values: ["buy"] } });
});

test("a press narrows, another value replaces, the same again widens", () => {
  const france = toggledIs([], "country", "FR");
  assert.deepEqual(france, [{ by: "country", operator: "is", values: ["FR"] }]);
  assert.ok(isNarrowedTo(france, "country", "FR") && !isNarrowedTo(france, "country", "DE"));
  assert.deepEqual(toggledIs(france, "country", "DE"), [{ by: "country", operator: "is", values: ["DE"] }]);
  assert.deepEqual(toggledIs(france, "country", "FR"), []);
  assert.deepEqual(withCondition(france, { by: "country", operator: "not", values: ["DE"] }).length, 2);
});

test("what is searched for is taken as it stands", () => {
  assert.equal(patternOf("a.b(c)"), "(?i)a\\.b\\(c\\)");
  const hostile = "\\^$.*+?()[]{}|#&~-/<b>";
  assert.match(hostile, new RegExp(patternOf(hostile).slice(4)));
});
