// Who is told of which message, and that the sounds of the pages are those of the server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { meaning, wants } = await load("room-alerts");
const { NAMES } = await load("room-sounds");

const ME = "AC-1";
const message = (more = {}) => ({ author: "AC-2", kind: "text", removed: false, mentions: [], ...more });

test("a message is meant for who it mentions, and in a direct room for all", () => {
  const check = (more, isDirect, expected) => assert.equal(meaning(message(more), { me: ME, notify: "mentions", isDirect }), expected, JSON.stringify(more));
  check({}, false, "said");
  check({ mentions: ["AC-3", ME] }, false, "meant");
  check({ mentions: ["AC-3"] }, false, "said");
  check({}, true, "meant");
  check({ mentions: undefined }, false, "said");
  check({ kind: "sound", body: "tada" }, true, "meant");
  check({ author: ME, mentions: [ME] }, true, null);
  check({ removed: true }, true, null);
  check({ kind: { note: "entered" } }, true, null);
});

test("everything, mentions, nothing", () => {
  const told = (notify) => ["meant", "said"].filter((means) => wants(notify, means));
  assert.deepEqual(told("everything"), ["meant", "said"]);
  assert.deepEqual(told("mentions"), ["meant"]);
  assert.deepEqual(told("nothing"), []);
});

test("the sounds are those that the server takes", () => {
  const source = readFileSync(new URL("../../../chat/src/lib.rs", import.meta.url), "utf8");
  const list = source.match(/SOUNDS: \[&str; 12\] = \[([^\]]*)\]/)[1];
  assert.deepEqual(NAMES, [...list.matchAll(/"([a-z]+)"/g)].map(([, name]) => name));
});
