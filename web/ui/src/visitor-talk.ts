// The conversation that is open with a visitor, where there is one: looked for among those that are open, and not at each glance anew.
import { InboxApi } from "./inbox-api";
import type { Conversation } from "./inbox-protocol";

const FRESH_MS = 15_000;

export class Talks {
  private readonly api: InboxApi;
  private open: Promise<Conversation[]> | null = null;
  private askedAt = -Infinity;

  constructor(private readonly site: string) {
    this.api = new InboxApi(site);
  }

  /** Its address; null: none is open with them. */
  async with(key: string): Promise<string | null> {
    const found = (await this.all()).find(({ visitor }) => visitor === key);
    return found ? `/sites/${this.site}/inbox/${found.room}` : null;
  }

  private all(): Promise<Conversation[]> {
    if (this.open && performance.now() - this.askedAt < FRESH_MS) return this.open;
    this.askedAt = performance.now();
    this.open = this.api.list({ folder: "open", label: "", q: "" }, null).then(({ conversations }) => conversations);
    this.open.catch(() => (this.open = null));
    return this.open;
  }
}
