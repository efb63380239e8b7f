// The conversation as a list: by day and author, with the line where one left off. What did not change stays the same element.
import { make } from "./element";
import { KeptRows } from "./kept-rows";
import type { Put } from "./kept-rows";
import { drawMessage, drawPending } from "./room-message";
import type { MessageContext } from "./room-message";
import { follows, sameDay } from "./room-state";
import type { Pending, RoomState } from "./room-state";
import type { Action, Message } from "./room-protocol";

/** Of a message so much is to be seen for it to be read. */
const SEEN_PX = 12;

export interface ListOptions {
  inThread: boolean;
  may: Set<Action>;
  /** The last message that was read when the page opened; null: no line. */
  readTo: number | null;
}

export class MessageList {
  private readonly rows: KeptRows;
  /** Being edited: stays as it is until that ends. */
  readonly editing = new Set<number>();

  constructor(
    list: HTMLOListElement,
    private readonly state: RoomState,
    private readonly me: string,
    private readonly options: ListOptions,
  ) {
    this.rows = new KeptRows(list);
  }

  draw(messages: Message[], pending: Pending[], mayAct: boolean): void {
    this.rows.draw((put) => {
      let before: Message | undefined;
      let lined = this.options.readTo === null;
      let isFirst = true;
      for (const message of messages) {
        if (!before || !sameDay(before.at, message.at)) {
          putDay(put, message.at);
          before = undefined;
        }
        if (!lined && message.number > this.options.readTo! && message.author !== this.me) {
          lined = true;
          if (!isFirst) put("unread", "", unreadLine);
          before = undefined;
        }
        const isNext = follows(message, before);
        const context: MessageContext = { state: this.state, me: this.me, follows: isNext, mayAct, inThread: this.options.inThread, may: this.options.may };
        put(`m${message.number}`, this.markOf(message, isNext, mayAct), () => drawMessage(message, context));
        before = message;
        isFirst = false;
      }
      for (const one of pending) {
        put(`p${one.id}`, one.problem ?? "", () => drawPending(one, this.me, this.state));
      }
    });
  }

  /** The line stands behind that message from now on. */
  lineBehind(number: number | null): void {
    this.options.readTo = number;
  }

  get line(): HTMLLIElement | undefined {
    return this.rows.elementOf("unread");
  }

  elementOf(number: number): HTMLLIElement | undefined {
    return this.rows.elementOf(`m${number}`);
  }

  private markOf(message: Message, isNext: boolean, mayAct: boolean): string {
    if (this.editing.has(message.number)) return this.rows.markOf(`m${message.number}`) ?? "";
    return markOfMessage(message, this.state, isNext, mayAct);
  }
}

/** All that a message is drawn from. */
export function markOfMessage(message: Message, state: RoomState, isNext: boolean, mayAct: boolean): string {
  const people = [message.decided?.by, message.closed?.by, ...(message.reactions ?? []).flatMap(({ who }) => who.slice(0, 10))];
  const names = people.map((who) => (who ? state.name(who) : "")).join();
  return [message.changed, isNext, mayAct, state.stars.has(message.number), state.sought === message.number, names, state.hosts.has(message.author), state.namesakes.get(message.author)].join("|");
}

/** The first and the last of rows that are to be seen in a box, by their place in the order; null: none. */
export function seenIn(rows: HTMLElement[], box: { top: number; bottom: number }): [number, number] | null {
  const first = rows.findIndex((row) => row.getBoundingClientRect().bottom > box.top);
  if (first < 0) return null;
  let last = first;
  while (last + 1 < rows.length && rows[last + 1]!.getBoundingClientRect().top < box.bottom - SEEN_PX) last += 1;
  return [first, last];
}

/** The line on which the day of that moment begins. */
export function putDay(put: Put, at: number): void {
  const day = new Date(at);
  put(`day ${day.toDateString()}`, "", () => dayLine(day));
}

function dayLine(day: Date): HTMLLIElement {
  const line = make("li", "day");
  line.append(make("h2", "", day.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" })));
  return line;
}

function unreadLine(): HTMLLIElement {
  const line = make("li", "unread-line");
  line.append(make("span", "", "New since you were here"));
  return line;
}
