// What a page says of its visitor becomes what the server takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../ui/test/bundle.mjs";

const { claimOf } = await load("panel/claim", new URL("../src/", import.meta.url));

const claimed = (told) => claimOf({ id: "u-17", ...told });
const name = (text) => claimed({ name: text }).name;
const email = (text) => claimed({ email: text }).email;

test("what is right stays as it is, and what is not said is empty", () => {
  const all = { id: "u-17", name: "Ada", email: "ada@shop.example", hash: "ab" };
  assert.deepEqual(claimOf(all), all);
  assert.deepEqual(claimOf({ id: "u-17" }), { id: "u-17", name: "", email: "", hash: "" });
});

test("ids are numbers, too", () => {
  assert.equal(claimOf({ id: 42, name: 7 }).id, "42");
  assert.equal(claimOf({ id: 42, name: 7 }).name, "7");
});

test("without an id that can be kept it names nobody", () => {
  assert.equal(claimOf({ id: "i".repeat(80) }).id.length, 80);
  for (const id of ["", " ", "i".repeat(81), "é".repeat(41), "a\nb", "\u200b", {}, null, undefined, true, ["u"]]) assert.equal(claimOf({ id, name: "Ada" }), undefined, String(id));
  for (const told of [undefined, null, "ada", 5]) assert.equal(claimOf(told), undefined);
});

test("a name is one line of at most 80 bytes", () => {
  assert.equal(name("n".repeat(80)), "n".repeat(80));
  assert.equal(name("n".repeat(81)), "n".repeat(80));
  assert.equal(name("é".repeat(41)), "é".repeat(40));
  assert.equal(name("🎉".repeat(21)), "🎉".repeat(20));
  assert.equal(name("Ada\r\nLovelace"), "Ada Lovelace");
  assert.equal(name("\u202eadA"), "adA");
  for (const none of ["\u200b\u2060", "\u3164", " ", {}, null, false]) assert.equal(name(none), "", String(none));
  assert.equal(name("\ud800"), "\ufffd");
});

test("what is no address is left out, and the rest is kept", () => {
  const address = `${"a".repeat(244)}@x.example`;
  assert.equal(email(address), address);
  for (const none of [`a${address}`, "x", "a@b@c", "a b@c.example", "a@b\n", "@b", "a@", 5, null, {}]) assert.equal(email(none), none === "a@b\n" ? "a@b" : "", String(none));
});

test("a proof is text", () => {
  for (const hash of [5, null, {}, ["a"]]) assert.equal(claimed({ hash }).hash, "");
});
