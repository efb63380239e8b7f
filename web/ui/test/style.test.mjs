// All styles go into one bundle, in which the later rule wins: a class is one file's.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../style/", import.meta.url);

/** The classes that a rule of this style sheet, outside of conditions, says all of how they look. */
function definedIn(style) {
  const classes = new Set();
  let depth = 0;
  for (const [, before, end] of style.replace(/\/\*.*?\*\//gs, "").matchAll(/([^{};]*)([{};])/g)) {
    if (end === "{" && depth === 0 && !before.trim().startsWith("@")) {
      for (const selector of before.split(/,(?![^(]*\))/)) if (/^\.[\w-]+$/.test(selector.trim())) classes.add(selector.trim());
    }
    depth += { "{": 1, "}": -1, ";": 0 }[end];
  }
  assert.equal(depth, 0);
  return classes;
}

/** The classes that more than one of these files define, with the files. */
function definedTwice(files) {
  const found = new Map();
  for (const [file, style] of files) for (const name of definedIn(style)) found.set(name, [...(found.get(name) ?? []), file]);
  return [...found].filter(([, where]) => where.length > 1);
}

test("a class that two files define is found, and what narrows one is none", () => {
  const one = "/* .c {} */ .a, .b:is(.c, .d) { color: red; }\n@media print { .e { color: red; } }\n.f::before { content: \"\" }";
  const other = ".x .a, .e { color: red; }\n.f { color: red; } .a { color: blue; }";
  assert.deepEqual(definedTwice([["one", one], ["other", other]]), [[".a", ["one", "other"]]]);
});

test("no class is defined by two files", () => {
  const files = readdirSync(FOLDER).map((file) => [file, readFileSync(new URL(file, FOLDER), "utf8")]);
  assert.ok(files.reduce((sum, [, style]) => sum + definedIn(style).size, 0) > 100);
  assert.deepEqual(definedTwice(files), []);
});
