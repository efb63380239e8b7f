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

  constructor(
    private readonly api: RoomApi,
    private readonly state: RoomState,
    private read: number | null,
    private readonly isAtEnd: () => boolean,
    private readonly listener: Listener,
  ) {
    document.addEventListener("visibilitychange", () => this.look());
    addEventListener("focus", () => this.look());
    addEventListener("pagehide", () => this.telling !== undefined && this.tell());
  }

  get hasNew(): boolean {
    return this.came_ > 0;
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

  /** Whatever is there was seen, where somebody looks at the end of it. */
  look(): void {
    const last = this.state.room?.last ?? 0;
    if (document.hidden || !this.isAtEnd()) return;
    this.forget();
    if (this.read === null || last <= this.read || this.telling !== undefined) return;
    this.telling = setTimeout(() => this.tell(), TELL_MS);
  }

  private tell(): void {
    clearTimeout(this.telling);
    this.telling = undefined;
    const now = this.state.room?.last ?? 0;
    if (this.read === null || now <= this.read) return;
    this.read = now;
    // Told again with the next message.
    this.api.read(now).catch(() => {});
  }

  private forget(): void {
    this.came_ = this.meant = 0;
    this.show();
  }

  private show(): void {
    const isMuted = this.listener.notify === "nothing";
    this.mark.show(isMuted ? 0 : this.came_, isMuted ? 0 : this.meant);
  }
}
