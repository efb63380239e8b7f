// Keeps what is known of a room level with the server: the hub tells what happens, and what was missed is read.
import { PASSING } from "./connection";
import type { Reader } from "./connection";
import type { RoomApi } from "./room-api";
import type { RoomState } from "./room-state";
import type { Message, Page } from "./room-protocol";

export interface Follower {
  /** Something of it changed. */
  changed(): void;
  /** Said just now, and not known before. */
  came(message: Message): void;
  /** Before and after what the hub tells is taken in. */
  hears?(): () => void;
  /** Said while the line was cut: all of it is known now. */
  missed?(messages: Message[]): void;
  gone(why: string): void;
}

export class Following {
  private catching = false;

  /** What was missed is being read. */
  get isCatching(): boolean {
    return this.catching;
  }

  constructor(private readonly api: RoomApi, private readonly state: RoomState, private readonly follower: Follower) {}

  /** What a subscription to the room's topic reads. */
  reader(): Reader {
    return {
      jumps: true,
      snapshot: (data) => void this.told(data as Page),
      delta: (data) => this.heard(data as Page),
      refused: (code, message) => PASSING.has(code) || this.follower.gone(message),
      ended: () => this.follower.gone(""),
    };
  }

  /** How the room is: whoever knows fewer changes reads what is behind. */
  private async told({ room }: Page): Promise<void> {
    const { state } = this;
    const last = state.room?.last ?? 0;
    state.take({ room: room! });
    this.follower.changed();
    if (this.catching || room!.changes <= state.known) return;
    this.follower.hears?.();
    this.catching = true;
    const missed: Message[] = [];
    try {
      for (;;) {
        const page = await this.api.changes(state.known);
        const touched = page.messages.at(-1);
        missed.push(...page.messages.filter(({ number }) => number > last && !state.messages.has(number)));
        state.take(page);
        state.known = Math.max(state.known, touched ? touched.changed : page.room!.changes);
        this.follower.changed();
        if (!touched) break;
      }
    } catch (error) {
      // The next snapshot or change asks again.
      console.info(error);
    } finally {
      this.catching = false;
      if (missed.length > 0) this.follower.missed?.(missed);
    }
  }

  private heard(page: Page): void {
    const { state, follower } = this;
    const last = state.room?.last ?? 0;
    const wasKnown = new Set(state.messages.keys());
    const heard = follower.hears?.();
    state.take(page);
    if (!this.catching) state.known = Math.max(state.known, page.room!.changes);
    for (const message of page.messages) if (message.number > last && !wasKnown.has(message.number)) follower.came(message);
    follower.changed();
    heard?.();
  }
}
