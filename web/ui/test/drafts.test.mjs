// What is begun is kept until it is sent: so much of it, and so many.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { Drafts, DRAFTS_MAX, DRAFT_CHARS_MAX } = await load("drafts");

function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key), kept };
}

test("a draft is kept at its place, and gone once it is sent", () => {
  const store = storage();
  const drafts = new Drafts(() => store);
  assert.equal(drafts.of("AC-1/RM-1"), "");
  drafts.keep("AC-1/RM-1", "half a wo");
  drafts.keep("AC-2/RM-1", "of another");
  assert.equal(new Drafts(() => store).of("AC-1/RM-1"), "half a wo");
  drafts.keep("AC-1/RM-1", "  \n");
  assert.deepEqual([drafts.of("AC-1/RM-1"), drafts.of("AC-2/RM-1")], ["", "of another"]);
  drafts.forgetAll();
  assert.equal(store.kept.size, 0);
});

test("so much, and so many", () => {
  const drafts = new Drafts(storage);
  const store = storage();
  const all = new Drafts(() => store);
  all.keep("long", "x".repeat(DRAFT_CHARS_MAX));
  assert.equal(all.of("long").length, DRAFT_CHARS_MAX);
  all.keep("long", "y".repeat(DRAFT_CHARS_MAX + 1));
  assert.equal(all.of("long")[0], "x");
  for (let number = 1; number <= DRAFTS_MAX; number += 1) all.keep(`place ${number}`, "text");
  assert.deepEqual([all.of("long"), all.of("place 1")], ["", "text"]);
  all.keep("place 1", "again");
  all.keep("one more", "text");
  assert.deepEqual([all.of("place 1"), all.of("place 2")], ["again", ""]);
  assert.equal(drafts.of("nothing"), "");
});

test("without a place to keep it nothing breaks", () => {
  const broken = new Drafts(() => { throw new Error("none"); });
  broken.keep("here", "text");
  assert.equal(broken.of("here"), "");
  const strange = storage();
  strange.setItem("watchfire.drafts", "{");
  assert.equal(new Drafts(() => strange).of("here"), "");
});
