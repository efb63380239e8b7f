// What one says, until the server has it: sent again with the same id as often as the network likes, and so posted once.
import { Refused } from "./room-api";
import type { RoomApi } from "./room-api";
import type { Pending, RoomState } from "./room-state";

const AGAIN_MS = 2_000;
const AGAIN_MS_MAX = 30_000;

export class Sending {
  private readonly tries = new Map<string, number>();
  private readonly underway = new Set<string>();

  constructor(private readonly api: RoomApi, private readonly state: RoomState, private readonly changed: () => void) {}

  send(pending: Pending): void {
    this.state.pending.push(pending);
    this.changed();
    void this.post(pending);
  }

  /** The line is back: whatever waits goes at once. */
  again(): void {
    for (const pending of this.state.pending) if (!pending.problem) void this.post(pending);
  }

  resend(id: string): void {
    const pending = this.find(id);
    if (!pending) return;
    delete pending.problem;
    this.changed();
    void this.post(pending);
  }

  discard(id: string): void {
    this.state.pending = this.state.pending.filter((pending) => pending.id !== id);
    this.changed();
  }

  private find(id: string): Pending | undefined {
    return this.state.pending.find((pending) => pending.id === id);
  }

  private async post(pending: Pending): Promise<void> {
    const { id, kind, body, thread, files } = pending;
    if (this.underway.has(id)) return;
    this.underway.add(id);
    try {
      const message = await this.api.post({ id, kind, body, ...(thread === undefined ? {} : { thread }), ...(files ? { files: files.map((file) => file.id) } : {}) });
      this.state.take({ messages: [message] });
      this.tries.delete(id);
    } catch (error) {
      this.failed(pending, error);
    } finally {
      this.underway.delete(id);
      this.changed();
    }
  }

  private failed(pending: Pending, error: unknown): void {
    if (error instanceof Refused && !error.isPassing) {
      pending.problem = error.message;
      return;
    }
    const tries = (this.tries.get(pending.id) ?? 0) + 1;
    this.tries.set(pending.id, tries);
    setTimeout(() => {
      const still = this.find(pending.id);
      if (still && !still.problem) void this.post(still);
    }, Math.min(AGAIN_MS * 2 ** (tries - 1), AGAIN_MS_MAX));
  }
}
