// One message as an element. Its HTML comes from the server, which escapes all that was typed; here nothing is made of text.
import { make } from "./element";
import { drawFiles } from "./room-files";
import { toNames } from "./room-mentions";
import { noteOf } from "./room-state";
import { calledIn } from "./room-who";
import type { Pending, RoomState } from "./room-state";
import type { Action, Message } from "./room-protocol";

export interface MessageContext {
  state: RoomState;
  me: string;
  /** Follows one of the same author, whose name stands there. */
  follows: boolean;
  mayAct: boolean;
  inThread: boolean;
  may?: Set<Action>;
  /** Where one message is found; as in its room, where nothing is said. */
  place?: { id: string; href: string };
  /** What its author is called here. */
  name?: string;
}

const HUES = 12;

export function drawMessage(message: Message, context: MessageContext): HTMLLIElement {
  const { state, follows } = context;
  const note = noteOf(message, (who) => state.name(who));
  const item = make("li", `message${follows ? " follows" : ""}${note === null ? "" : " note"}${message.author === context.me ? " own" : ""}`);
  item.id = context.place?.id ?? `${context.inThread ? "t" : "m"}${message.number}`;
  item.dataset["number"] = String(message.number);
  item.tabIndex = -1;
  item.classList.toggle("sought", state.sought === message.number);
  const main = make("div", "message-main");
  // In the inbox it is known who is the customer.
  const { shown: name, badges } = context.place ? { shown: context.name ?? message.name, badges: [] } : calledIn(state, message.author, context.name ?? message.name);
  main.append(head(message, name, badges.flatMap((badge) => [badge, " "]), context.place?.href), ...origin(message), ...body(message, note, context.may?.has("see_people") ?? false));
  if (message.decided) main.append(decided(message, state));
  if (message.fix || message.closed) main.append(closing(message, context));
  if (message.reactions?.length) main.append(reactions(message, context));
  if (message.replies > 0 && !context.inThread) main.append(replies(message));
  item.append(face(message.author, name), main);
  if (context.mayAct && !message.removed && note === null) item.append(actions(message, name, state));
  return item;
}

export function face(who: string, name: string): HTMLElement {
  const initials = [...name.trim()].slice(0, 1).join("").toUpperCase() || "?";
  const element = make("span", "face", initials);
  element.setAttribute("aria-hidden", "true");
  element.dataset["hue"] = String([...who].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % HUES);
  return element;
}

function head(message: Message, name: string, badges: (Node | string)[], href = `/rooms/${message.room}/messages/${message.number}`): HTMLElement {
  const line = make("p", "message-head");
  const when = make("a", "when");
  when.href = href;
  when.append(timeOf(message.at));
  line.append(make("bdi", "author", name), " ", ...badges, when, " ", make("span", "message-number", `#${message.number}`));
  return line;
}

export function timeOf(at: number, locale?: string): HTMLTimeElement {
  const moment = new Date(at);
  const time = make("time", "", moment.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = moment.toISOString();
  time.title = moment.toLocaleString(locale, { dateStyle: "full", timeStyle: "medium" });
  return time;
}

/** That it was said to a customer first, at what begins the thread of it; whoever may looks at the conversation. */
function origin({ retold, thread, removed, room, number }: Message): Node[] {
  if (!retold || thread !== undefined || removed) return [];
  const line = make("p", "muted small retold");
  const words = "From a conversation with a customer";
  if (!document.querySelector("[data-leads-back]")) line.append(words);
  else {
    const link = make("a", "", words);
    link.href = `/rooms/${room}/messages/${number}/conversation`;
    line.append(link);
  }
  return [line];
}

function body(message: Message, note: string | null, seesHistory: boolean): Node[] {
  if (message.removed) return [make("p", "muted", "This message was removed.")];
  if (note !== null) {
    const line = make("p", "said-note");
    line.append(make("bdi", "", note));
    if (message.kind === "sound") line.append(" ", replay(message));
    return [line];
  }
  const nodes: Node[] = message.html ? [prose(message.html)] : [];
  if (message.files?.length) nodes.push(drawFiles(message.files));
  if (message.edited) nodes.push(seesHistory ? historyLink(message) : make("span", "muted small edited", "edited"));
  return nodes;
}

function replay(message: Message): HTMLElement {
  const button = make("button", "replay", "▶");
  button.type = "button";
  button.dataset["act"] = "play";
  button.title = "Play again";
  button.setAttribute("aria-label", `Play ${message.body} again`);
  return button;
}

/** The server's own HTML. Scripts in it would not run: the policy of the page forbids them. */
export function prose(html: string): HTMLElement {
  const element = make("div", "prose");
  element.dir = "auto";
  element.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  // A long one scrolls in itself, also by keyboard.
  for (const code of element.querySelectorAll("pre")) code.tabIndex = 0;
  return element;
}

function decided(message: Message, state: RoomState): HTMLElement {
  const line = make("p", "decided");
  line.append(make("span", "badge", "decided"), " by ", make("bdi", "", state.name(message.decided!.by)));
  return line;
}

function historyLink(message: Message): HTMLElement {
  const link = make("a", "muted small edited", "edited");
  link.href = `/rooms/${message.room}/messages/${message.number}/history`;
  link.title = "What it said before";
  return link;
}

/** That the conversation is closed, and which commit fixes it; whoever may closes it here. */
function closing(message: Message, { state, mayAct, may }: MessageContext): HTMLElement {
  const element = make("div", "closing");
  const { fix, closed } = message;
  if (closed) {
    const line = make("p");
    line.append(make("span", "badge ok", "closed"), " by ", make("bdi", "", state.name(closed.by)));
    // What the line of the fix says is not said twice.
    if (closed.note && !(fix && closed.note === fixedBy(fix.commit))) line.append(": ", make("bdi", "", closed.note));
    element.append(line);
  }
  if (fix) {
    const line = make("p", "", closed ? "Fixed by " : "A commit says that it fixes this: ");
    line.append(commitLink(fix.commit), " ", make("bdi", "", fix.commit.subject));
    if (fix.release && fix.href) {
      const release = make("a");
      release.href = fix.href;
      release.append(make("bdi", "", fix.release));
      line.append(" · in ", release);
    }
    element.append(line);
  }
  if (fix && !closed && mayAct && may?.has("decide")) {
    const button = make("button", "button small", "Close…");
    button.type = "button";
    button.dataset["act"] = "close";
    element.append(button);
  }
  return element;
}

/** The note that a conversation is closed with by a commit that has no words for those who asked. */
export function fixedBy({ id, subject }: { id: string; subject: string }): string {
  return `Fixed by ${id.slice(0, 7)}: ${subject}`;
}

export function commitLink({ id, link }: { id: string; link?: string }): HTMLElement {
  const code = make("code", "", id.slice(0, 7));
  if (!link) return code;
  const element = make("a");
  element.href = link;
  element.rel = "noopener noreferrer nofollow";
  element.append(code);
  return element;
}

function reactions(message: Message, { state, me, mayAct }: MessageContext): HTMLElement {
  const line = make("p", "reactions");
  for (const { emoji, who } of message.reactions!) {
    const isMine = who.includes(me);
    const chip = mayAct ? make("button", "reaction") : make("span", "reaction");
    const named = who.slice(0, 10).map((one) => state.name(one)).join(", ");
    const more = who.length > 10 ? ` and ${who.length - 10} more` : "";
    chip.title = named + more;
    chip.append(`${emoji} `, make("span", "number", String(who.length)), make("span", "sr-only", ` from ${named}${more}`));
    if (chip instanceof HTMLButtonElement) {
      chip.type = "button";
      chip.dataset["act"] = isMine ? "unreact" : "react";
      chip.dataset["emoji"] = emoji;
      chip.setAttribute("aria-pressed", String(isMine));
    }
    line.append(chip, " ");
  }
  return line;
}

function replies(message: Message): HTMLElement {
  const line = make("p", "replies");
  const open = make("button", "button small", message.replies === 1 ? "1 answer" : `${message.replies} answers`);
  open.type = "button";
  open.dataset["act"] = "thread";
  line.append(open);
  return line;
}

function actions(message: Message, name: string, state: RoomState): HTMLElement {
  const tools = make("div", "message-tools");
  if (state.stars.has(message.number)) {
    const star = make("span", "star", "★");
    star.title = "You keep this";
    star.append(make("span", "sr-only", "starred"));
    tools.append(star);
  }
  const more = make("button", "message-more", "⋯");
  more.type = "button";
  more.dataset["act"] = "more";
  more.setAttribute("aria-haspopup", "true");
  more.setAttribute("aria-label", `Actions for the message of ${name}`);
  tools.append(more);
  return tools;
}

/** What was sent and is not yet there. */
export function drawPending(pending: Pending, me: string, state: RoomState): HTMLLIElement {
  const name = state.name(me);
  const shown = toNames(pending.body, Object.entries(state.names).map(([who, name]) => ({ who, name })));
  const item = make("li", `message own pending${pending.problem ? " failed" : ""}`);
  item.dataset["pending"] = pending.id;
  const main = make("div", "message-main");
  const said = make(pending.kind === "paste" ? "pre" : "p", "pending-body", shown);
  said.dir = "auto";
  const head = make("p", "message-head");
  head.append(make("bdi", "author", name), " ", make("span", "muted small", pending.problem ? "not sent" : "sending…"));
  main.append(head, said);
  if (pending.files) main.append(make("p", "muted small", pending.files.map(({ name }) => name).join(", ")));
  if (pending.problem) {
    const line = make("p", "row");
    line.append(make("span", "error", pending.problem));
    for (const [act, text] of [["resend", "Send again"], ["discard", "Discard"]] as const) {
      const button = make("button", "button small", text);
      button.type = "button";
      button.dataset["act"] = act;
      line.append(button);
    }
    main.append(line);
  }
  item.append(face(me, name), main);
  return item;
}
