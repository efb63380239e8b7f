// All that the page knows of its room. Pure: it is told, and says what it knows; nothing is fetched or drawn here.
import type { Member, Message, Names, Page, Room, SentFile } from "./room-protocol";

/** What somebody sent that the server has not yet said back. */
export interface Pending {
  id: string;
  kind: "text" | "paste" | "sound";
  body: string;
  thread?: number;
  /** Sent to the room already. */
  files?: SentFile[];
  /** What was said against it; it waits to be sent again by hand. */
  problem?: string;
}

export class RoomState {
  room: Room | null = null;
  /** All changes up to this one are known. */
  known = 0;
  /** From this message on nothing is missing. */
  oldest = Infinity;
  readonly messages = new Map<number, Message>();
  readonly names: Names = {};
  readonly stars = new Set<number>();
  /** Who looks after the room, as far as that is known. */
  hosts = new Set<string>();
  /** Of those who share their name with somebody else here: by what else they are told apart. */
  namesakes = new Map<string, string>();
  pending: Pending[] = [];
  /** The number of the message that one was led to. */
  sought: number | null = null;

  /** Takes in what was told; a message that is known in a later form stays. */
  take(page: Partial<Page>): void {
    for (const message of page.messages ?? []) {
      const known = this.messages.get(message.number);
      this.names[message.author] = message.name;
      if (known && known.changed >= message.changed) continue;
      this.messages.set(message.number, message);
      this.pending = this.pending.filter(({ id }) => id !== message.id);
    }
    Object.assign(this.names, page.names);
    if (page.room && page.room.changes >= (this.room?.changes ?? 0)) this.room = page.room;
  }

  /** Who is in the room; and the same by names that nobody shares. */
  meet(members: Member[], apart: Pick<Member, "who" | "name">[]): void {
    for (const { who, name } of members) this.names[who] = name;
    this.hosts = new Set(members.filter(({ role }) => role === "host").map(({ who }) => who));
    this.namesakes = new Map(apart.filter(({ who, name }) => name !== this.names[who]).map(({ who, name }) => [who, name]));
  }

  /** The conversation as it is shown: without answers, which stand in their threads. */
  conversation(): Message[] {
    return this.sorted((message) => message.thread === undefined && message.number >= this.oldest);
  }

  /** Answers among the rest, where there are no threads. */
  everything(): Message[] {
    return this.sorted((message) => message.number >= this.oldest);
  }

  answers(number: number): Message[] {
    return this.sorted((message) => message.thread === number);
  }

  after(number: number): Message[] {
    return this.sorted((message) => message.number > number);
  }

  /** The newest first. */
  decisions(): Message[] {
    return this.sorted((message) => message.decided !== undefined).reverse();
  }

  pendingIn(thread: number | undefined): Pending[] {
    return this.pending.filter((pending) => pending.thread === thread);
  }

  name(who: string): string {
    return this.names[who] ?? "Somebody";
  }

  private sorted(keep: (message: Message) => boolean): Message[] {
    return [...this.messages.values()].filter(keep).sort((one, other) => one.number - other.number);
  }
}

/** With which of these somebody went out of the room, or was sent, and did not come in since. */
export function outWith(messages: Message[], who: string): Message | undefined {
  const last = messages.filter((message) => comesOrGoes(message, who)).at(-1);
  return typeof last?.kind === "object" && last.kind.note !== "entered" ? last : undefined;
}

function comesOrGoes({ kind, author, body }: Message, who: string): boolean {
  if (typeof kind !== "object") return false;
  if (kind.note === "entered" || kind.note === "left") return author === who;
  return (kind.note === "kicked" || kind.note === "banned") && body === who;
}

/** Said by one person shortly after each other: shown as one. */
const TOGETHER_MS = 5 * 60_000;

export function follows(message: Message, before: Message | undefined): boolean {
  if (!before || isNote(before) || isNote(message) || before.author !== message.author) return false;
  return message.at - before.at <= TOGETHER_MS && sameDay(message.at, before.at);
}

/** Its line says what its author did, with the name. */
export function isNote(message: Message): boolean {
  return typeof message.kind === "object" || message.kind === "sound";
}

export function sameDay(one: number, other: number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

/** What its author did, in words that follow the name; null where something was said. */
export function noteOf(message: Message, name: (who: string) => string): string | null {
  if (message.kind === "sound") return `plays ${message.body}`;
  if (typeof message.kind === "string") return null;
  switch (message.kind.note) {
    case "entered": return "came in";
    case "left": return "left";
    case "kicked": return `sent ${name(message.body)} out`;
    case "banned": return `sent ${name(message.body)} out for a while`;
    case "topic": return message.body ? `set the topic: ${message.body}` : "took the topic away";
    case "name": return `named the room ${message.body}`;
    case "locked": return "locked the room";
    case "unlocked": return "unlocked the room";
    case "published": return "opened the room to be read by anybody";
    case "unpublished": return "closed the room to outside readers";
    case "turn": return "has this conversation: it was their turn";
  }
}
