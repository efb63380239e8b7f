// A customer's screen and the pages that look at it, over a line that carries words between them and browsers that are made up: so many and no more,
// for as long as each says that it looks, until anybody ends it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { load } from "../../ui/test/bundle.mjs";

const SRC = new URL("../src/", import.meta.url);
const { HEARD_MS, SAID_EVERY_MS, Showing, WATCHERS_MAX, Watching } = await load(["panel/showing", "../../ui/src/inbox-watching", "../../ui/src/screen-protocol"], SRC);
const ROOM = "RM-1";
const TICK_MS = 1_000;

/** As much of a peer connection as both sides use. */
class Peer {
  connectionState = "new";
  done = [];
  addTransceiver() {}
  async createOffer() {
    return { type: "offer", sdp: "an offer" };
  }
  async createAnswer() {
    return { type: "answer", sdp: "an answer" };
  }
  async setLocalDescription({ type }) {
    this.done.push(`local ${type}`);
    this.onicecandidate?.({ candidate: { candidate: type } });
    this.onicecandidate?.({ candidate: null });
  }
  async setRemoteDescription({ type, sdp }) {
    this.done.push(`remote ${type} ${sdp}`);
    if (type === "offer") this.ontrack?.({ streams: ["the picture"], track: null });
  }
  async addIceCandidate({ candidate }) {
    this.done.push(`way ${candidate}`);
  }
  close() {
    this.connectionState = "closed";
  }
}

class Track extends EventTarget {
  readyState = "live";
  stop() {
    this.readyState = "ended";
  }
}

let now, said, track, peers, showing, watchers, refusals;
const settle = async () => {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
};
/** Time goes on, a tick after the other. */
async function pass(ms) {
  for (let left = ms; left > 0; left -= TICK_MS) {
    now += TICK_MS;
    mock.timers.tick(TICK_MS);
    await settle();
  }
}
/** Carries a word as the hub does. */
async function carry(who, signal) {
  said.push(`${who} ${signal.what}`);
  const refused = refusals.get(who);
  if (refused) throw Object.assign(new Error("refused"), { status: refused });
  const word = { ...signal, who, room: ROOM };
  queueMicrotask(() => {
    for (const [name, { watching }] of watchers) {
      if (name !== who && (!signal.to || signal.to === name)) watching.hear(word);
    }
    if (who !== "GU-1") showing.hear(word);
  });
  return { ice_servers: [] };
}
const peerOf = (name, servers) => {
  const peer = new Peer();
  peers.push({ name, peer, servers });
  return peer;
};
function looks(name) {
  // Whoever looks clicks as soon as it is there to be looked at.
  const changed = () => watching.state === "offered" && watching.watch();
  const watching = new Watching({ connect: (servers) => peerOf(name, servers), send: (signal) => carry(name, signal), changed, now: () => now });
  watchers.set(name, { watching });
  return watching;
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  now = 1_000_000;
  [said, peers, watchers, refusals] = [[], [], new Map(), new Map()];
  track = new Track();
  const stream = { getTracks: () => [track], getVideoTracks: () => [track] };
  showing = new Showing({ capture: async () => stream, connect: (servers) => peerOf("GU-1", servers), send: (signal) => carry("GU-1", signal), changed: () => {}, now: () => now });
});
afterEach(() => {
  showing.stop();
  for (const { watching } of watchers.values()) watching.close();
  mock.timers.reset();
});
const begin = async () => {
  await showing.start();
  await settle();
};
const ofTheirs = (name) => peers.filter((one) => one.name === name).map(({ peer }) => peer);

test("who looks is offered the picture, and sees it", async () => {
  const ada = looks("AC-1");
  await begin();
  assert.deepEqual([ada.state, ada.stream, showing.count], ["there", "the picture", 1]);
  assert.deepEqual(ofTheirs("GU-1")[0].done, ["local offer", "remote answer an answer", "way answer"]);
  assert.deepEqual(ofTheirs("AC-1")[0].done, ["remote offer an offer", "local answer", "way offer"]);
});

test("an agent's browser speaks with a customer's only where the agent asked, or clicks", async () => {
  const watching = new Watching({ connect: (servers) => peerOf("AC-1", servers), send: (signal) => carry("AC-1", signal), changed: () => {}, now: () => now });
  watchers.set("AC-1", { watching });
  await begin();
  await pass(2 * SAID_EVERY_MS);
  assert.deepEqual([watching.state, peers.length, said.filter((word) => word.startsWith("AC-1"))], ["offered", 0, []]);
  watching.watch();
  await settle();
  assert.deepEqual([watching.state, showing.count], ["there", 1]);
  showing.stop();
  await settle();
  watching.ask();
  await begin();
  assert.equal(watching.state, "there");
});

test("so many pages look, and no more; a place that is given back is another's", async () => {
  const all = Array.from({ length: WATCHERS_MAX }, (_, number) => looks(`AC-${number}`));
  await begin();
  assert.deepEqual(all.map(({ state }) => state), all.map(() => "there"));
  const last = looks("AC-late");
  await pass(SAID_EVERY_MS);
  assert.deepEqual([showing.count, last.state], [WATCHERS_MAX, "full"]);
  all[0].close();
  watchers.delete("AC-0");
  await settle();
  assert.equal(showing.count, WATCHERS_MAX - 1);
  const next = looks("AC-next");
  await pass(SAID_EVERY_MS);
  assert.deepEqual([showing.count, next.state], [WATCHERS_MAX, "there"]);
});

test("who may not say any more that they look is shown nothing, and nobody else is the worse for it", async () => {
  const [ada, ben] = [looks("AC-1"), looks("AC-2")];
  await begin();
  refusals.set("AC-1", 404);
  await pass(SAID_EVERY_MS);
  assert.deepEqual([ada.state, ada.stream], ["none", null]);
  await pass(HEARD_MS);
  assert.deepEqual([showing.count, ben.state, track.readyState], [1, "there", "live"]);
  assert.deepEqual(ofTheirs("GU-1").map(({ connectionState }) => connectionState), ["closed", "new"]);
});

test("a server that is away for a moment ends nothing; one that says no does", async () => {
  const ada = looks("AC-1");
  await begin();
  refusals.set("GU-1", 503);
  await pass(SAID_EVERY_MS);
  assert.equal(showing.isOn, true);
  refusals.set("GU-1", 409);
  await pass(SAID_EVERY_MS);
  assert.deepEqual([showing.isOn, track.readyState, showing.count], [false, "ended", 0]);
  await pass(HEARD_MS);
  assert.equal(ada.state, "none", "nobody shows any more");
});

test("either side ends it, and so does the browser's own button", async () => {
  const ada = looks("AC-1");
  await begin();
  ada.end();
  await settle();
  assert.deepEqual([showing.isOn, track.readyState, ada.state], [false, "ended", "none"]);
  await begin();
  assert.equal(ada.state, "there");
  showing.stop();
  await settle();
  assert.deepEqual([showing.isOn, ada.state], [false, "none"]);
  await begin();
  track.dispatchEvent(new Event("ended"));
  await settle();
  assert.deepEqual([showing.isOn, ada.state], [false, "none"]);
});

test("words of another showing, of another agent, and of nobody do nothing", async () => {
  const ada = looks("AC-1");
  await begin();
  const { showing: id, link } = ada;
  for (const word of [{ what: "ends", showing: "another" }, { what: "leaves", showing: id, link, who: "AC-2" }, { what: "answer", showing: id, link: "none", text: "x" }]) {
    showing.hear({ who: "AC-1", room: ROOM, ...word });
  }
  ada.hear({ who: "GU-1", room: ROOM, what: "candidate", showing: id, link, text: "no JSON" });
  await settle();
  assert.deepEqual([showing.isOn, showing.count, ada.state], [true, 1, "there"]);
});

test("an agent who asks hears that the customer would rather not, and forgets it in time", async () => {
  const ada = looks("AC-1");
  ada.ask();
  await settle();
  assert.deepEqual([ada.state, said], ["asked", ["AC-1 asks"]]);
  ada.hear({ who: "GU-1", room: ROOM, what: "declines" });
  assert.equal(ada.state, "declined");
  ada.end();
  ada.ask();
  await pass(121_000);
  assert.equal(ada.state, "none");
});
