// What the list of rooms counts as unread: of others, since one read it, wherever that was.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { RoomCount, SINCE_MAX } = await load("rooms-unread");

const ME = "AC-1";
const listener = { me: ME, notify: "mentions", isDirect: false };
const message = (number, more = {}) => ({ number, author: "AC-2", kind: "text", removed: false, mentions: [], ...more });
const count = (of) => [of.unread, of.meant, of.last];

test("what others say is unread, and what one says oneself is not", () => {
  const room = new RoomCount(ME, 3, 5, 1);
  assert.deepEqual(count(room), [1, 0, 5]);
  const fresh = room.take([message(6), message(7, { author: ME }), message(8, { mentions: [ME] })], listener);
  assert.deepEqual(fresh.map(({ number }) => number), [6, 7, 8]);
  assert.deepEqual(count(room), [3, 1, 8]);
  assert.deepEqual(room.take([message(6, { changed: 9 })], listener), [], "it was edited");
  assert.deepEqual(count(room), [3, 1, 8]);
});

test("what is read elsewhere is read here", () => {
  const room = new RoomCount(ME, 3, 10, 5);
  room.take([message(11), message(12, { mentions: [ME] }), message(13, { author: ME }), message(14)], listener);
  room.readTo(8);
  assert.deepEqual(count(room), [5, 1, 14]);
  room.readTo(12);
  assert.deepEqual(count(room), [1, 0, 14]);
  room.readTo(11);
  assert.deepEqual(count(room), [1, 0, 14], "never backwards");
  room.readTo(14);
  assert.deepEqual(count(room), [0, 0, 14]);
  room.take([message(15)], listener);
  assert.deepEqual(count(room), [1, 0, 15]);
});

test("behind a gap nothing is counted until the list is read anew", () => {
  const room = new RoomCount(ME, 5, 5, 0);
  room.take([message(9)], listener);
  assert.deepEqual(count(room), [0, 0, 5]);
  room.become(5, 9, 4);
  assert.deepEqual(count(room), [4, 0, 9]);
  room.take([message(10, { mentions: [ME] })], listener);
  room.become(5, 9, 4);
  assert.deepEqual(count(room), [5, 1, 10], "an older list changes nothing");
  room.become(9, 10, 1);
  assert.deepEqual(count(room), [1, 1, 10]);
});

test("so many since the list was read", () => {
  const room = new RoomCount(ME, 0, 0, 0);
  const all = Array.from({ length: SINCE_MAX + 1 }, (_, index) => message(index + 1));
  room.take(all.slice(0, SINCE_MAX), listener);
  assert.deepEqual(count(room), [SINCE_MAX, 0, SINCE_MAX]);
  room.take(all, listener);
  assert.deepEqual(count(room), [SINCE_MAX, 0, SINCE_MAX + 1]);
});
