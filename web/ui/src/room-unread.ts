// How far one read: what was on the screen, or was passed on the way, from where one left off; told to the server, and marked at the page.
import { PageMark } from "./page-mark";
import { meaning } from "./room-alerts";
import type { Listener } from "./room-alerts";
import type { RoomApi } from "./room-api";
import type { RoomState } from "./room-state";
import type { Message } from "./room-protocol";

const TELL_MS = 600;

/** Numbers of messages, both ends included. */
export interface Span {
  from: number;
  to: number;
}

/** What was seen without a gap: whoever jumps over something begins anew. */
export function joined(passed: Span, seen: Span): Span {
  const touches = seen.from <= passed.to + 1 && seen.to >= passed.from - 1;
  return touches ? { from: Math.min(passed.from, seen.from), to: Math.max(passed.to, seen.to) } : seen;
}

export class Unread {
  private came_ = 0;
  private meant = 0;
  private passed: Span | null = null;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private readonly mark = new PageMark();
  /** Threads that were looked into, up to which number. */
  private readonly looked = new Map<number, number>();

  constructor(
    private readonly api: RoomApi,
    private readonly state: RoomState,
    private read: number | null,
    /** What of the conversation is on the screen; null: nothing is drawn yet. */
    private readonly onScreen: () => Span | null,
    private readonly isAtEnd: () => boolean,
    /** The thread that stands beside the conversation. */
    private readonly beside: () => number | undefined,
    private readonly listener: Listener,
  ) {
    document.addEventListener("visibilitychange", () => this.look());
    addEventListener("focus", () => this.look());
    addEventListener("pagehide", () => this.telling !== undefined && this.tell());
  }

  get hasNew(): boolean {
    return this.came_ > 0;
  }

  /** The last message that one read; null: one is not in the room. */
  get readTo(): number | null {
    return this.read;
  }

  /** Whether others said something between what one read and what is on the screen. */
  get isPassedOver(): boolean {
    const { read, passed, state } = this;
    if (read === null || !passed || passed.from <= read + 1) return false;
    return state.oldest > read + 1 || this.unread().some(({ number }) => number < passed.from);
  }

  /** How many messages are new: as far as they are known, those of others. */
  get count(): number {
    const { read, state } = this;
    if (read === null || state.oldest > read + 1) return (state.room?.last ?? 0) - (read ?? 0);
    return this.unread().length;
  }

  private unread(): Message[] {
    const { read, listener: { me } } = this;
    return this.state.conversation().filter(({ number, author }) => number > (read ?? Infinity) && author !== me);
  }

  /** The first unread answer that is meant for oneself, in a thread that nobody looked into: the conversation does not show it. */
  get waiting(): Message | undefined {
    return this.state.after(this.read ?? Infinity).find((message) =>
      message.thread !== undefined && message.number > (this.looked.get(message.thread) ?? 0) && meaning(message, this.listener) === "meant");
  }

  came(message: Message): void {
    if (message.author === this.listener.me) return;
    this.came_ += 1;
    if (meaning(message, this.listener) === "meant") this.meant += 1;
    this.show();
  }

  readElsewhere(number: number): void {
    this.read = Math.max(this.read ?? 0, number);
    if (number >= (this.state.room?.last ?? 0)) this.forget();
  }

  /** Whoever goes to the end on purpose, or says something there, has passed all that is before it. */
  pass(): void {
    if (this.read === null) return;
    this.passed = { from: this.read + 1, to: this.state.room?.last ?? this.read };
  }

  /** Whatever is on the screen was seen, where somebody looks; but for what waits in a thread, and what came after it. */
  look(): void {
    if (document.hidden) return;
    const beside = this.beside();
    if (beside !== undefined) this.looked.set(beside, this.state.room?.last ?? 0);
    const seen = this.onScreen();
    if (!seen) return;
    this.passed = this.passed ? joined(this.passed, seen) : seen;
    if (this.isAtEnd() && !this.isPassedOver) this.forget();
    if (this.read === null || this.reached() <= this.read || this.telling !== undefined) return;
    this.telling = setTimeout(() => this.tell(), TELL_MS);
  }

  private reached(): number {
    const { read, passed, waiting } = this;
    if (read === null || !passed || this.isPassedOver) return read ?? 0;
    return waiting ? Math.min(waiting.number - 1, passed.to) : passed.to;
  }

  private tell(): void {
    clearTimeout(this.telling);
    this.telling = undefined;
    const reached = this.reached();
    if (this.read === null || reached <= this.read) return;
    this.read = reached;
    // Told again with the next message.
    this.api.read(reached).catch(() => {});
  }

  private forget(): void {
    this.came_ = this.meant = this.waiting ? 1 : 0;
    this.show();
  }

  private show(): void {
    const isMuted = this.listener.notify === "nothing";
    this.mark.show(isMuted ? 0 : this.came_, isMuted ? 0 : this.meant);
  }
}
