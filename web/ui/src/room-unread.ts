// How far one read: told to the server when the end of the conversation is on the screen, and marked at the page where it is not.
import { PageMark } from "./page-mark";
import { meaning } from "./room-alerts";
import type { Listener } from "./room-alerts";
import type { RoomApi } from "./room-api";
import type { RoomState } from "./room-state";
import type { Message } from "./room-protocol";

const TELL_MS = 600;

export class Unread {
  private came_ = 0;
  private meant = 0;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private readonly mark = new PageMark();
  /** Threads that were looked into, up to which number. */
  private readonly looked = new Map<number, number>();

  constructor(
    private readonly api: RoomApi,
    private readonly state: RoomState,
    private read: number | null,
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

  /** Whatever is there was seen, where somebody looks at the end of it; but for what waits in a thread, and what came after it. */
  look(): void {
    const last = this.state.room?.last ?? 0;
    if (document.hidden) return;
    const beside = this.beside();
    if (beside !== undefined) this.looked.set(beside, last);
    if (!this.isAtEnd()) return;
    this.forget();
    if (this.read === null || this.seen() <= this.read || this.telling !== undefined) return;
    this.telling = setTimeout(() => this.tell(), TELL_MS);
  }

  private seen(): number {
    const { waiting } = this;
    return waiting ? waiting.number - 1 : (this.state.room?.last ?? 0);
  }

  private tell(): void {
    clearTimeout(this.telling);
    this.telling = undefined;
    const seen = this.seen();
    if (this.read === null || seen <= this.read) return;
    this.read = seen;
    // Told again with the next message.
    this.api.read(seen).catch(() => {});
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
