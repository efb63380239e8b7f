// Whatever colour a site has: what stands on it, and what is written in it, can be read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../ui/test/bundle.mjs";

const { CONTRAST_MIN, asInk, contrast, inkOn } = await load("colour", new URL("../src/", import.meta.url));

/** Of our palette, by day and by night: what text stands on. */
const GROUNDS = ["#fffdfb", "#faf7f2", "#1e1915", "#16120f"];

function* colours() {
  for (let red = 0; red < 256; red += 15) {
    for (let green = 0; green < 256; green += 15) {
      for (let blue = 0; blue < 256; blue += 15) yield `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
    }
  }
}

test("contrast is that of WCAG", () => {
  assert.equal(contrast("#000000", "#ffffff"), 21);
  assert.equal(contrast("#ffffff", "#000000"), 21);
  assert.equal(contrast("#777777", "#777777"), 1);
  assert.equal(contrast("#777777", "#ffffff").toFixed(2), "4.48");
  assert.equal(contrast("#767676", "#ffffff").toFixed(2), "4.54");
  assert.equal(contrast("#0000ff", "#ffffff").toFixed(2), "8.59");
});

test("on every colour black or white can be read", () => {
  for (const colour of colours()) assert.ok(contrast(inkOn(colour), colour) >= CONTRAST_MIN, colour);
});

test("white stands wherever it can be read", () => {
  assert.equal(inkOn("#b8400e"), "#ffffff");
  assert.equal(inkOn("#767676"), "#ffffff");
  assert.equal(inkOn("#777777"), "#000000");
  assert.equal(inkOn("#f2d13c"), "#000000");
});

test("as text every colour can be read on every ground", () => {
  for (const ground of GROUNDS) {
    for (const colour of colours()) assert.ok(contrast(asInk(colour, ground), ground) >= CONTRAST_MIN, `${colour} on ${ground}`);
  }
});

test("a colour that can be read stays as it is", () => {
  assert.equal(asInk("#b8400e", "#fffdfb"), "#b8400e");
  assert.equal(asInk("#ff9a45", "#1e1915"), "#ff9a45");
  assert.notEqual(asInk("#f2d13c", "#fffdfb"), "#f2d13c");
});
