// What a room's page knows: the later form of a message stays, what waits goes when it is there, names become ids and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { RoomState, follows, noteOf, outWith } = await load("room-state");
const { Following } = await load("room-following");
const { sizesApart } = await load("room-files");
const { toIds, toNames, toldApart } = await load("room-mentions");

const message = (number, more = {}) => ({
  room: "RM-1", number, id: `id${number}`, author: "AC-1", name: "Ada", at: number * 1_000, kind: "text", body: `m${number}`, html: "",
  removed: false, replies: 0, unrecorded: false, changed: number, ...more,
});
const room = (changes) => ({ id: "RM-1", name: "Tea", changes, last: changes });

test("the later form of a message stays, whatever comes after it", () => {
  const state = new RoomState();
  state.oldest = 1;
  state.take({ messages: [message(1, { changed: 5, body: "edited" }), message(2)], room: room(5) });
  state.take({ messages: [message(1)], room: room(4) });
  assert.equal(state.messages.get(1).body, "edited");
  assert.equal(state.room.changes, 5);
  state.take({ messages: [message(1, { changed: 6, body: "again" })] });
  assert.deepEqual(state.conversation().map(({ body }) => body), ["again", "m2"]);
});

test("answers stand in their thread, decisions newest first, and what is older than the page is not shown", () => {
  const state = new RoomState();
  state.oldest = 2;
  state.take({ messages: [message(4, { thread: 2 }), message(3, { decided: { by: "AC-1", at: 0 } }), message(2), message(1, { decided: { by: "AC-1", at: 0 } })] });
  assert.deepEqual(state.conversation().map(({ number }) => number), [2, 3]);
  assert.deepEqual(state.answers(2).map(({ number }) => number), [4]);
  assert.deepEqual(state.decisions().map(({ number }) => number), [3, 1]);
});

test("what one sent waits until it is told, by its id", () => {
  const state = new RoomState();
  state.pending = [{ id: "id1", kind: "text", body: "m1" }, { id: "id9", kind: "text", body: "m9", thread: 1 }];
  state.take({ messages: [message(1)] });
  assert.deepEqual(state.pending.map(({ id }) => id), ["id9"]);
  assert.equal(state.pendingIn(undefined).length, 0);
  assert.equal(state.pendingIn(1).length, 1);
});

test("messages of one person follow each other for five minutes, within a day", () => {
  const noon = new Date(2026, 10, 21, 12).getTime();
  const check = (before, after, expected) => assert.equal(follows(message(2, after), before && message(1, before)), expected);
  check(undefined, { at: noon }, false);
  check({ at: noon }, { at: noon + 300_000 }, true);
  check({ at: noon }, { at: noon + 300_001 }, false);
  check({ at: noon, author: "AC-2" }, { at: noon }, false);
  check({ at: noon, kind: { note: "entered" } }, { at: noon }, false);
  check({ at: noon }, { at: noon, kind: "sound" }, false);
  const midnight = new Date(2026, 10, 22).getTime();
  check({ at: midnight - 1_000 }, { at: midnight + 1_000 }, false);
});

test("a note names whom it is about", () => {
  const name = (who) => ({ "AC-2": "Bob" })[who] ?? "Somebody";
  assert.equal(noteOf(message(1, { kind: { note: "kicked" }, body: "AC-2" }), name), "sent Bob out");
  assert.equal(noteOf(message(1, { kind: { note: "topic" }, body: "" }), name), "took the topic away");
  assert.equal(noteOf(message(1, { kind: "sound", body: "tada" }), name), "plays tada");
  assert.equal(noteOf(message(1), name), null);
});

test("people are written by name and sent by id, the longer name first", () => {
  const members = [{ who: "AC-00000001", name: "Ann" }, { who: "GU-00000002", name: "Ann Lee" }, { who: "GU-00000003", name: "" }];
  const ids = toIds("@Ann Lee and @Ann, not Ann", members);
  assert.equal(ids, "@GU-00000002 and @AC-00000001, not Ann");
  assert.equal(toNames(ids, members), "@Ann Lee and @Ann, not Ann");
  assert.equal(toNames("@AC-99999999", members), "@AC-99999999");
});

test("a name is one where it stands alone: addresses, other names and code stay as they are typed", () => {
  const members = [{ who: "GU-00000001", name: "ex" }, { who: "GU-00000002", name: "Al" }, { who: "AC-00000003", name: "Zoë (Ops)" }, { who: "GU-00000004", name: "A" }, { who: "GU-00000005", name: "g" }];
  const check = (typed, sent = typed) => assert.equal(toIds(typed, members), sent);
  check("Write to ann@example.org or bob@gmail.com about it");
  check("Ask @Alice when she is back, and @Alé, @Al_x, @Al-Amin, @Al.b");
  check("https://git.example/@ex/repo http://git.example/@ex git.example/@ex ssh://x/@ex, npm i @ex/repo, @ex@social.example");
  check("in `@Al` and\n```\n@Al\n```\nand `so`");
  check("```\n@Al is never closed");
  check("@Al, @A: (@ex) *@g* @Al's @Zoë (Ops)! @Al.", "@GU-00000002, @GU-00000004: (@GU-00000001) *@GU-00000005* @GU-00000002's @AC-00000003! @GU-00000002.");
  check("@Al/@ex\n@Al", "@GU-00000002/@GU-00000001\n@GU-00000002");
});

test("those of one name are told apart, and each is meant by their own", () => {
  const members = [
    { who: "GU-00000009", name: "Olive" }, { who: "AC-00000001", name: "Olive" }, { who: "BT-00000002", name: "Olive" },
    { who: "AC-00000003", name: "Bob" }, { who: "AC-00000004", name: "Bob" },
    { who: "GU-00000005", name: "Guest" }, { who: "GU-00000006", name: "Guest" }, { who: "GU-00000007", name: "Guest (guest 2)" },
  ];
  const apart = toldApart(members);
  assert.deepEqual(Object.fromEntries(apart.map(({ who, name }) => [who, name])), {
    "AC-00000001": "Olive", "BT-00000002": "Olive (bot)", "GU-00000009": "Olive (guest)",
    "AC-00000003": "Bob (member 1)", "AC-00000004": "Bob (member 2)",
    "GU-00000005": "Guest (guest 1)", "GU-00000006": "Guest (guest 3)", "GU-00000007": "Guest (guest 2)",
  });
  for (const { who, name } of apart) {
    assert.equal(toIds(`Hi @${name}, there`, members), `Hi @${who}, there`);
    assert.equal(toNames(`Hi @${who}, there`, apart), `Hi @${name}, there`);
  }
  assert.equal(toIds("Hi @Bob", members), "Hi @Bob");
});

test("one is out with the last word of it, whoever said that, until one came in", () => {
  const note = (number, kind, more = {}) => message(number, { kind: { note: kind }, body: "", ...more });
  const [left, entered] = [note(2, "left"), note(3, "entered")];
  assert.equal(outWith([message(1), left], "AC-1"), left);
  assert.equal(outWith([left, entered], "AC-1"), undefined);
  assert.equal(outWith([left], "AC-2"), undefined);
  for (const kind of ["kicked", "banned"]) {
    const sent = note(4, kind, { body: "AC-2" });
    assert.equal(outWith([entered, sent], "AC-2"), sent);
    assert.equal(outWith([entered, sent], "AC-1"), undefined);
  }
  assert.equal(outWith([note(5, "topic", { body: "AC-1" }), message(6, { body: "AC-1" })], "AC-1"), undefined);
});

test("a refusal that passes by itself sends nobody out", () => {
  const told = [];
  const reader = new Following(null, new RoomState(), { changed() {}, came() {}, gone: (why) => told.push(why) }).reader();
  for (const code of ["unavailable", "too_many_views", "not_found"]) reader.refused(code, code);
  assert.deepEqual(told, ["not_found"]);
});

test("two sizes are told apart by their digits", () => {
  const max = 20 * 1024 * 1024;
  assert.deepEqual(sizesApart(max + 1, max), ["20.971521 MB", "20.971520 MB"]);
  assert.deepEqual(sizesApart(max + 40_000, max), ["21.01 MB", "20.97 MB"]);
  assert.deepEqual(sizesApart(30e6, max), ["30.0 MB", "21.0 MB"]);
});

test("of those in a room it is known who looks after it, and who shares a name", () => {
  const state = new RoomState();
  const members = [
    { who: "AC-1", name: "Olive", role: "host" }, { who: "AC-2", name: "Olive", role: "member" },
    { who: "GU-1", name: "Gus", role: "member" }, { who: "AC-3", name: "Bob", role: "member" },
  ];
  state.meet(members, toldApart(members));
  assert.deepEqual([...state.hosts], ["AC-1"]);
  assert.deepEqual([...state.namesakes], [["AC-1", "Olive (member 1)"], ["AC-2", "Olive (member 2)"]]);
  assert.equal(state.name("AC-2"), "Olive");
  state.meet(members.slice(1), toldApart(members.slice(1)));
  assert.deepEqual([...state.hosts, ...state.namesakes], []);
});
