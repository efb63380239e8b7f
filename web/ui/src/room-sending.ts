// What one says, until the server has it: one after the other, so that it stands as it was said; sent again with the same
// id as often as the network likes, and so posted once.
import { Refused } from "./room-api";
import type { ToPost } from "./room-api";
import type { Message } from "./room-protocol";
import type { Pending, RoomState } from "./room-state";

const AGAIN_MS = 2_000;
const AGAIN_MS_MAX = 30_000;

interface Post {
  post: (message: ToPost) => Promise<Message>;
}

export class Sending {
  /** Why what is said waits; null: it goes. */
  held: unknown = null;
  private tries = 0;
  private underway: Pending | undefined;

  /** `words` are those for what the server said against a message. */
  constructor(
    private readonly api: Post,
    private readonly state: RoomState,
    private readonly changed: () => void,
    private readonly words = ({ message }: Refused) => message,
  ) {}

  send(pending: Pending): void {
    this.state.pending.push(pending);
    this.changed();
    void this.go();
  }

  /** The line is back: whatever waits goes at once. */
  again(): void {
    void this.go();
  }

  /** The page goes away: there is no time for one after the other. */
  leave(): void {
    for (const pending of this.state.pending) if (pending !== this.underway && !pending.problem) this.api.post(toPost(pending)).catch(() => {});
  }

  resend(id: string): void {
    const pending = this.state.pending.find((one) => one.id === id);
    if (!pending) return;
    delete pending.problem;
    this.changed();
    void this.go();
  }

  discard(id: string): void {
    this.state.pending = this.state.pending.filter((pending) => pending.id !== id);
    this.changed();
  }

  private async go(): Promise<void> {
    if (this.underway) return;
    try {
      while ((this.underway = this.state.pending.find(({ problem }) => !problem))) {
        await this.post(this.underway);
        this.tries = 0;
        this.held = null;
      }
    } catch (error) {
      const asked = error instanceof Refused ? error.seconds * 1_000 : 0;
      setTimeout(() => void this.go(), Math.max(asked, Math.min(AGAIN_MS * 2 ** this.tries, AGAIN_MS_MAX)));
      this.tries += 1;
      this.held = error;
    } finally {
      this.underway = undefined;
      this.changed();
    }
  }

  /** Fails where it may go well later. */
  private async post(pending: Pending): Promise<void> {
    try {
      this.state.take({ messages: [await this.api.post(toPost(pending))] });
    } catch (error) {
      if (!(error instanceof Refused) || error.isPassing) throw error;
      pending.problem = this.words(error);
    }
    this.changed();
  }
}

function toPost({ id, kind, body, thread, files }: Pending): ToPost {
  return { id, kind, body, ...(thread === undefined ? {} : { thread }), ...(files ? { files: files.map((file) => file.id) } : {}) };
}
