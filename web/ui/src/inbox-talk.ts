// One conversation as it is known: what is said in its room, what agents note in theirs, and what the customer does meanwhile.
import type { Conversation } from "./inbox-protocol";
import { nextToRead, weave } from "./inbox-weaving";
import type { Step, Threads, Told, Woven } from "./inbox-weaving";
import { RoomApi } from "./room-api";
import { Following } from "./room-following";
import { RoomState } from "./room-state";
import { Sending } from "./room-sending";
import type { Message } from "./room-protocol";

const PAGE = 60;

export type Which = "said" | "noted";

export interface TalkEvents {
  changed(): void;
  came(which: Which, message: Message): void;
  gone(why: string): void;
}

/** One of its two rooms. */
export class Half {
  readonly api: RoomApi;
  readonly state = new RoomState();
  readonly sending: Sending;
  readonly following: Following;
  private isLoaded = false;

  constructor(room: string, changed: () => void, came: (message: Message) => void, gone: (why: string) => void) {
    this.api = new RoomApi(room);
    this.sending = new Sending(this.api, this.state, changed);
    this.following = new Following(this.api, this.state, { changed, came, gone });
  }

  /** Once: what happens from then on the hub tells. */
  async load(): Promise<void> {
    if (this.isLoaded) return;
    const page = await this.api.last(PAGE);
    this.state.take(page);
    this.state.known = page.room?.changes ?? 0;
    this.state.oldest = page.messages[0]?.number ?? 1;
    this.isLoaded = true;
  }

  async loadEarlier(): Promise<void> {
    const page = await this.api.before(this.state.oldest, PAGE);
    this.state.take({ messages: page.messages, names: page.names });
    this.state.oldest = page.messages[0]?.number ?? 1;
  }

  get told(): Told {
    return { messages: this.state.everything(), isWhole: this.isLoaded && this.state.oldest <= 1 };
  }
}

export class Talk {
  readonly said: Half;
  readonly noted: Half;
  /** Read of history, and told live. */
  steps: Step[] = [];
  private reading = false;

  constructor(public conversation: Conversation, events: TalkEvents) {
    const half = (room: string, which: Which) => new Half(room, () => events.changed(), (message) => events.came(which, message), (why) => events.gone(why));
    this.said = half(conversation.room, "said");
    this.noted = half(conversation.notes, "noted");
  }

  async load(): Promise<void> {
    await Promise.all([this.said.load(), this.noted.load()]);
  }

  /** Whether more of it was read. */
  async loadEarlier(): Promise<boolean> {
    const next = nextToRead(this.threads());
    if (next === null || this.reading) return false;
    this.reading = true;
    try {
      await this[next].loadEarlier();
      return true;
    } finally {
      this.reading = false;
    }
  }

  woven(): Woven[] {
    return weave(this.threads());
  }

  /** Something was sent that the server does not have. */
  get isSending(): boolean {
    return this.said.state.pending.length + this.noted.state.pending.length > 0;
  }

  /** The line is back. */
  sendAgain(): void {
    this.said.sending.again();
    this.noted.sending.again();
  }

  /** The page goes away. */
  leave(): void {
    this.said.sending.leave();
    this.noted.sending.leave();
  }

  private threads(): Threads {
    const { opened, closed_at, state } = this.conversation;
    return { said: this.said.told, noted: this.noted.told, steps: this.steps, opened, closedAt: state === "closed" ? closed_at : null };
  }
}
