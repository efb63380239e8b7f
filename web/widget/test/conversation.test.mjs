// The customer's conversation over a server that fails: said once, found again by its secret, and begun anew where that opens nothing any more.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { load } from "../../ui/test/bundle.mjs";

const { Conversation, CustomerApi, freshSecret } = await load(["panel/conversation", "panel/customer"], new URL("../src/", import.meta.url));

/** As much of a server as the panel sees: conversations by secret, and what was said in them. */
class Server {
  rooms = new Map();
  asked = [];
  /** What the next requests meet instead of an answer. */
  troubles = [];

  fetch = async (url, request = {}) => {
    const { pathname, search } = new URL(url, "https://chat.example");
    const bearer = request.headers?.authorization?.replace("Bearer ", "");
    const body = request.body ? JSON.parse(request.body) : undefined;
    this.asked.push({ path: pathname + search, bearer, body });
    const trouble = this.troubles.shift();
    if (trouble === "lost") throw new TypeError("no network");
    if (typeof trouble === "number") return answer(trouble, { error: { code: "trouble", message: "" } }, { "retry-after": "7" });
    const told = this.answer(pathname, bearer, body, request.method ?? "GET");
    if (trouble === "unheard") throw new TypeError("the answer was lost");
    return told;
  };

  answer(path, bearer, body, method) {
    if (path.endsWith("/conversations")) {
      if (!this.rooms.has(bearer)) this.rooms.set(bearer, { room: `RM-${this.rooms.size}`, said: [], state: "open" });
      this.say(this.rooms.get(bearer), "GU-1", body);
      return answer(201, this.mine(bearer));
    }
    const room = this.rooms.get(bearer);
    if (!room) return answer(401, { error: { code: "unknown", message: "" } });
    if (path.endsWith("/mine")) return answer(200, this.mine(bearer));
    if (path.endsWith("/messages") && method === "POST") return answer(201, this.say(room, "GU-1", body));
    if (path.endsWith("/messages")) return answer(200, { room: this.told(room), messages: room.said, names: {} });
    if (path.endsWith("/read")) return answer(200, { read: body.number });
    return answer(200, { room: this.told(room), name: "", you: { who: "GU-1", standing: "guest", may: [], read: room.read ?? 0, notify: null } });
  }

  say(room, author, { id, body }) {
    const known = room.said.find((message) => message.id === id);
    if (known) return known;
    const number = room.said.length + 1;
    const message = { room: room.room, number, id, author, name: author, at: 0, kind: "text", body, html: body, removed: false, replies: 0, changed: number };
    room.said.push(message);
    return message;
  }

  mine(bearer) {
    const { room, said, state } = this.rooms.get(bearer);
    return { room, me: "GU-1", state, name: "", email: "", rating: null, asks_rating: false, last: said.length };
  }

  told(room) {
    return { id: room.room, last: room.said.length, changes: room.said.length };
  }
}

const answer = (status, told, headers = {}) => ({ status, ok: status < 300, json: async () => told, headers: new Map(Object.entries(headers)) });

let server, kept, conversation;

beforeEach(() => {
  server = new Server();
  kept = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = server.fetch;
  globalThis.location = { href: "https://chat.example/chat/WF-1" };
  globalThis.addEventListener = () => {};
  globalThis.document = { hidden: false, addEventListener: () => {} };
  globalThis.WebSocket = class { close() {} };
  console.info = () => {};
  conversation = new Conversation(new CustomerApi("WF-1"), null, {
    changed: () => {},
    came: () => {},
    keep: (secret) => kept.push(secret),
    words: ({ code }) => code,
  });
});

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const pass = async (ms) => {
  mock.timers.tick(ms);
  await settle();
};
const say = (id, body = id) => {
  conversation.sending.send({ id, kind: "text", body });
  return settle();
};
const posts = (ending) => server.asked.filter(({ path, body }) => body?.id && path.endsWith(ending));

test("a secret is one of ours in shape, and never the same", () => {
  for (let number = 0; number < 200; number++) assert.match(freshSecret(), /^wfc_[A-Za-z0-9_-]{43}$/);
  assert.notEqual(freshSecret(), freshSecret());
});

test("the first words open it, with what was said of the customer before; the secret is kept from then on", async () => {
  await conversation.tell({ email: "ada@tea.example", page: "https://shop.example/" });
  assert.deepEqual([server.asked, kept], [[], []]);
  await say("a", "hello");
  const [opening] = posts("/conversations");
  assert.deepEqual(opening.body, { email: "ada@tea.example", page: "https://shop.example/", id: "a", body: "hello" });
  assert.deepEqual(kept, [opening.bearer]);
  assert.deepEqual(conversation.state.everything().map(({ body }) => body), ["hello"]);
  assert.deepEqual(conversation.state.pending, []);
  await say("b", "more");
  assert.equal(posts("/conversations").length, 1);
  assert.equal(server.rooms.size, 1);
});

test("words whose answer is lost are sent again under their id and secret, and said once", async () => {
  server.troubles = ["unheard"];
  await say("a");
  assert.equal(conversation.state.pending.length, 1);
  await pass(2_000);
  const openings = posts("/conversations");
  assert.deepEqual(openings.map(({ body, bearer }) => [body.id, bearer]), [["a", kept[0]], ["a", kept[0]]]);
  assert.deepEqual([...server.rooms.values()].map(({ said }) => said.length), [1]);
  assert.deepEqual(conversation.state.pending, []);
  server.troubles = ["unheard"];
  await say("b");
  await pass(2_000);
  assert.deepEqual([...server.rooms.values()][0].said.map(({ id }) => id), ["a", "b"]);
});

test("what is too much at once waits as long as the server says", async () => {
  server.troubles = [429];
  await say("a");
  await pass(6_900);
  assert.equal(posts("/conversations").length, 1);
  assert.equal(conversation.sending.held.status, 429);
  await pass(200);
  assert.equal(posts("/conversations").length, 2);
  assert.equal(conversation.sending.held, null);
});

test("what is refused for good is not sent again by itself", async () => {
  server.troubles = [400];
  await say("a");
  await pass(60_000);
  assert.equal(posts("/conversations").length, 1);
  assert.equal(conversation.state.pending[0].problem, "trouble");
  conversation.sending.resend("a");
  await settle();
  assert.deepEqual(conversation.state.pending, []);
});

test("it is found again by its secret, with what was not read of it", async () => {
  const room = { room: "RM-7", said: [], state: "open", read: 1 };
  server.rooms.set("wfc_known", room);
  server.say(room, "GU-1", { id: "1", body: "hello" });
  server.say(room, "AC-1", { id: "2", body: "hi" });
  server.say(room, "AC-1", { id: "3", body: "how are you?" });
  await conversation.resume("wfc_known");
  await settle();
  assert.deepEqual(conversation.unread().map(({ body }) => body), ["hi", "how are you?"]);
  assert.deepEqual([...conversation.agents()], [["AC-1", "AC-1"]]);
  conversation.reads(3);
  assert.deepEqual(conversation.unread(), []);
  assert.deepEqual(server.asked.at(-1).body, { number: 3 });
  conversation.reads(2);
  assert.equal(server.asked.at(-1).body.number, 3, "and nothing is unread by it");
  assert.deepEqual(kept, [], "it is kept already");
});

test("a line that is down is tried again, and forgets nothing", async () => {
  server.rooms.set("wfc_known", { room: "RM-7", said: [], state: "open" });
  server.troubles = ["lost", 503, 404];
  void conversation.resume("wfc_known");
  await settle();
  assert.equal(conversation.line, "lost");
  for (const ms of [2_000, 4_000, 8_000]) await pass(ms);
  assert.equal(conversation.mine.room, "RM-7");
  assert.deepEqual(kept, []);
});

test("a secret that opens nothing is forgotten, and what is written begins a new conversation", async () => {
  await conversation.resume("wfc_old");
  await pass(2_900);
  assert.deepEqual(kept, [], "it may be begun just now");
  await pass(100);
  assert.deepEqual(kept, [null]);
  assert.equal(conversation.isGone, true);
  await say("a");
  assert.match(kept[1], /^wfc_/);
  assert.notEqual(kept[1], "wfc_old");
  assert.equal(conversation.isGone, false);
});

test("one that another tab begins just now is found", async () => {
  await conversation.resume("wfc_fresh");
  server.answer("/conversations", "wfc_fresh", { id: "a", body: "hello" });
  await pass(3_000);
  assert.deepEqual(kept, []);
  assert.deepEqual(conversation.state.everything().map(({ body }) => body), ["hello"]);
});

test("one that is spoken in before it is found is begun", async () => {
  await conversation.resume("wfc_fresh");
  await say("a");
  await pass(3_000);
  assert.deepEqual([...server.rooms.keys()], ["wfc_fresh"]);
  assert.deepEqual(conversation.state.everything().map(({ body }) => body), ["a"]);
});

test("one that goes while words are under way does not lose them", async () => {
  await say("a");
  const [first] = kept;
  server.rooms.clear();
  await say("b");
  assert.deepEqual(conversation.state.everything(), []);
  await pass(2_000);
  assert.deepEqual([...server.rooms.values()].map(({ said }) => said.map(({ id }) => id)), [["b"]]);
  assert.equal(kept.length, 3);
  assert.notEqual(kept[2], first);
  assert.deepEqual(conversation.state.pending, []);
});
