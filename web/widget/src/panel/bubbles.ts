// What was said, as bubbles: the customer's own on one side, all others on the other, by day and by author. HTML of messages is the server's, which
// escapes all that was typed.
import { make } from "../../../ui/src/element";
import { face, prose, timeOf } from "../../../ui/src/room-message";
import { follows, sameDay } from "../../../ui/src/room-state";
import type { Put } from "../../../ui/src/kept-rows";
import type { Pending } from "../../../ui/src/room-state";
import type { Message } from "../../../ui/src/room-protocol";
import { discard, edited, newHere, notSent, removed, sendAgain, sending, sent, you } from "../words";
import type { Conversation } from "./conversation";
import type { Files } from "./files";
import type { Speech } from "./speech";

export interface BubbleContext {
  conversation: Conversation;
  files: Files;
  speech: Speech;
  /** The page's own: links to it stay in its window. */
  hostOrigin: () => string;
  /** The last message that was read when the panel was opened; null: no line is drawn. */
  readTo: number | null;
}

/** Puts the messages, and what waits to be one. */
export function putMessages(put: Put, context: BubbleContext): void {
  const { conversation, speech } = context;
  const messages = conversation.state.everything().filter(({ kind }) => typeof kind === "string");
  let lined = context.readTo === null;
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const after = messages[index + 1];
    const isOwn = conversation.isOwn(message);
    const isNewDay = !before || !sameDay(before.at, message.at);
    const isFirstNew = !lined && message.number > context.readTo! && !isOwn;
    if (isNewDay) put(`day ${new Date(message.at).toDateString()}`, speech.day(message.at, Date.now()), () => line("day", speech.day(message.at, Date.now())));
    if (isFirstNew) put("new", "", () => line("new", speech.say(newHere)));
    lined ||= isFirstNew;
    const shape = {
      isOwn,
      follows: !isFirstNew && follows(message, before),
      isLast: !after || !follows(after, message),
      isSent: isOwn && !after && conversation.state.pending.length === 0,
    };
    put(`m${message.number}`, JSON.stringify([message.changed, shape]), () => bubble(message, shape, context));
  });
  for (const pending of conversation.state.pending) put(`p${pending.id}`, pending.problem ?? "", () => waiting(pending, speech));
}

/** Said by the site and not by a person. */
export function greeting(text: string, site: string): HTMLLIElement {
  const item = make("li", "said theirs");
  const said = make("div", "bubble");
  said.dir = "auto";
  said.textContent = text;
  const main = make("div", "main");
  main.append(make("bdi", "who", site), said);
  item.append(face(site, site), main);
  return item;
}

export function line(className: string, text: string): HTMLLIElement {
  const item = make("li", `line ${className}`);
  item.append(make("span", "", text));
  return item;
}

interface Shape {
  isOwn: boolean;
  /** One of the same author, whose name stands there. */
  follows: boolean;
  /** None of the same author follows: the time stands below. */
  isLast: boolean;
  isSent: boolean;
}

function bubble(message: Message, shape: Shape, context: BubbleContext): HTMLLIElement {
  const { speech, files } = context;
  const item = make("li", `said ${shape.isOwn ? "own" : "theirs"}${shape.follows ? " follows" : ""}`);
  item.dataset["number"] = String(message.number);
  const main = make("div", "main");
  main.append(make("bdi", `who${shape.follows || shape.isOwn ? " sr-only" : ""}`, shape.isOwn ? speech.say(you) : message.name));
  if (message.removed) main.append(make("p", "bubble removed", speech.say(removed)));
  else main.append(...body(message, context, files));
  if (shape.isLast) main.append(foot(message, shape, speech));
  if (!shape.isOwn) item.append(face(message.author, message.name));
  item.append(main);
  return item;
}

function body(message: Message, { hostOrigin }: BubbleContext, files: Files): Node[] {
  const nodes: Node[] = [];
  if (message.html || message.kind === "sound") {
    const said = message.html ? prose(message.html) : make("div", "prose", `🔔 ${message.body}`);
    said.classList.add("bubble");
    aim(said, hostOrigin());
    nodes.push(said);
  }
  if (message.files?.length) nodes.push(files.draw(message.files));
  if (message.reactions?.length) nodes.push(make("p", "reactions", message.reactions.map(({ emoji, who }) => (who.length > 1 ? `${emoji} ${who.length}` : emoji)).join("  ")));
  return nodes;
}

/** A link opens beside; one to the page's own site leads its window there, the panel with it. */
function aim(said: HTMLElement, hostOrigin: string): void {
  for (const link of said.querySelectorAll("a")) {
    link.target = link.origin === hostOrigin ? "_top" : "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
}

function foot(message: Message, { isSent }: Shape, speech: Speech): HTMLElement {
  const foot = make("p", "foot");
  foot.append(timeOf(message.at, speech.locale));
  if (message.edited) foot.append(` · ${speech.say(edited)}`);
  if (isSent) foot.append(` · ${speech.say(sent)}`);
  return foot;
}

function waiting(pending: Pending, speech: Speech): HTMLLIElement {
  const item = make("li", `said own pending${pending.problem ? " failed" : ""}`);
  item.dataset["pending"] = pending.id;
  const main = make("div", "main");
  main.append(make("bdi", "who sr-only", speech.say(you)));
  if (pending.body) {
    const said = make("div", "bubble");
    said.dir = "auto";
    said.textContent = pending.body;
    main.append(said);
  }
  if (pending.files) main.append(make("p", "bubble", pending.files.map(({ name }) => name).join(", ")));
  const foot = make("p", "foot", speech.say(pending.problem ? notSent : sending));
  main.append(foot);
  if (pending.problem) {
    main.append(make("p", "problem", pending.problem));
    const row = make("p", "row");
    for (const [act, words] of [["resend", sendAgain], ["discard", discard]] as const) {
      const button = make("button", "small", speech.say(words));
      button.type = "button";
      button.dataset["act"] = act;
      row.append(button);
    }
    main.append(row);
  }
  item.append(main);
  return item;
}
