// Keeps what a page knows of its room: changes come by the hub, what was missed is read from the server by the number of the change.
import type { Message, Page } from "./room-protocol";
import type { RoomState } from "./room-state";

interface Changes {
  changes: (after: number) => Promise<Page>;
}

export class Following {
  private catching = false;

  constructor(private readonly api: Changes, private readonly state: RoomState, private readonly changed: () => void) {}

  /** How the room is: whoever knows fewer changes reads what is behind. */
  async told({ room }: Page): Promise<void> {
    this.state.take({ room: room! });
    this.changed();
    if (this.catching || room!.changes <= this.state.known) return;
    this.catching = true;
    try {
      for (;;) {
        const page = await this.api.changes(this.state.known);
        const last = page.messages.at(-1);
        this.state.take(page);
        this.state.known = Math.max(this.state.known, last ? last.changed : page.room!.changes);
        this.changed();
        if (!last) break;
      }
    } catch (error) {
      // The next snapshot or change asks again.
      console.info(error);
    } finally {
      this.catching = false;
    }
  }

  /** What changed just now; answers what was not known before. */
  heard(page: Page): Message[] {
    const wasKnown = new Set(this.state.messages.keys());
    this.state.take(page);
    if (!this.catching) this.state.known = Math.max(this.state.known, page.room!.changes);
    return page.messages.filter(({ number }) => !wasKnown.has(number));
  }
}
