// When any page was down, as the chart shades it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { stretchesOf, uptimeText } = await load("reports-availability");

test("outages of several pages that touch are one stretch", () => {
  const page = (url, ...outages) => ({ url, outages: outages.map(([from, to]) => ({ from, to })) });
  const check = (pages, expected) => assert.deepEqual(stretchesOf(pages).map(({ from, to, pages }) => [from, to, pages.join()]), expected);
  check([], []);
  check([page("a")], []);
  check([page("a", [1, 2], [5, 9])], [[1, 2, "a"], [5, 9, "a"]]);
  check([page("a", [1, 4], [8, 9]), page("b", [3, 6], [20, 21])], [[1, 6, "a,b"], [8, 9, "a"], [20, 21, "b"]]);
  check([page("a", [1, 9]), page("b", [2, 3], [9, 10])], [[1, 10, "a,b"]]);
});

test("what was not all of the time is never said to be", () => {
  assert.equal(uptimeText(1), "100 %");
  assert.equal(uptimeText(0.999999), "99.99 %");
  assert.equal(uptimeText(0), "0.00 %");
});
