// How much of a room is unread, as the list counts it: what the server said, and what was told since. Pure.
import { meaning } from "./room-alerts";
import type { Listener } from "./room-alerts";
import type { Message } from "./room-protocol";

/** More than that since the list was read are not told apart. */
export const SINCE_MAX = 1_000;

export class RoomCount {
  /** Numbers of others' messages that came since, and those of them that are meant for oneself. */
  private since: number[] = [];
  private meantSince: number[] = [];
  /** The last one when the list was read. */
  private listed: number;

  /** The last message that was read, the last one that is known, and how many others had said in between. */
  constructor(private readonly me: string, private read: number, public last: number, private before: number) {
    this.listed = last;
  }

  get unread(): number {
    return this.before + this.since.length;
  }

  get meant(): number {
    return this.meantSince.length;
  }

  /** What was told; those that are new, whoever said them. What came without being told is not counted here. */
  take(messages: Message[], listener: Listener): Message[] {
    const fresh = messages.filter(({ number }) => number > this.last);
    for (const message of fresh) {
      // A gap: the list is read anew.
      if (message.number > this.last + 1) break;
      this.last = message.number;
      if (message.author === this.me || message.number <= this.read || this.since.length >= SINCE_MAX) continue;
      this.since.push(message.number);
      if (meaning(message, listener) === "meant") this.meantSince.push(message.number);
    }
    return fresh;
  }

  /** Read elsewhere. */
  readTo(number: number): void {
    if (number <= this.read) return;
    this.read = number;
    const isUnread = (one: number) => one > number;
    this.since = this.since.filter(isUnread);
    this.meantSince = this.meantSince.filter(isUnread);
    this.before = Math.min(this.before, Math.max(0, this.listed - number));
  }

  /** As the server has it now. */
  become(read: number, last: number, unread: number): void {
    if (last < this.last) return;
    this.meantSince = this.meantSince.filter((number) => number > read);
    [this.read, this.last, this.listed, this.before, this.since] = [read, last, last, unread, []];
  }
}
