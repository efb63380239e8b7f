// Keeps what is known of a room level with the server: the hub tells what happens, and what was missed is read.
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
  gone(why: string): void;
}

export class Following {
  private catching = false;

  constructor(private readonly api: RoomApi, private readonly state: RoomState, private readonly follower: Follower) {}

  /** What a subscription to the room's topic reads. */
  reader(): Reader {
    return {
      jumps: true,
      snapshot: (data) => void this.told(data as Page),
      delta: (data) => this.heard(data as Page),
      refused: (_, message) => this.follower.gone(message),
      ended: () => this.follower.gone(""),
    };
  }

  /** How the room is: whoever knows fewer changes reads what is behind. */
  private async told({ room }: Page): Promise<void> {
    const { state } = this;
    state.take({ room: room! });
    this.follower.changed();
    if (this.catching || room!.changes <= state.known) return;
    this.catching = true;
    try {
      for (;;) {
        const page = await this.api.changes(state.known);
        const last = page.messages.at(-1);
        state.take(page);
        state.known = Math.max(state.known, last ? last.changed : page.room!.changes);
        this.follower.changed();
        if (!last) break;
      }
    } catch (error) {
      // The next snapshot or change asks again.
      console.info(error);
    } finally {
      this.catching = false;
    }
  }

  private heard(page: Page): void {
    const { state, follower } = this;
    const wasKnown = new Set(state.messages.keys());
    const heard = follower.hears?.();
    state.take(page);
    if (!this.catching) state.known = Math.max(state.known, page.room!.changes);
    for (const message of page.messages) if (!wasKnown.has(message.number)) follower.came(message);
    follower.changed();
    heard?.();
  }
}
