// What the panel asks of the server for its customer: the site's settings, and the one conversation that the secret opens.
import { Refused, ask, tell } from "../../../ui/src/room-api";
import type { Page } from "../../../ui/src/room-protocol";
import type { Identity, Settings } from "../talk";
import { done, workIn } from "./work";

/** The conversation as the customer is told of it. */
export interface Mine {
  room: string;
  /** The customer, in the room. */
  me: string;
  state: "open" | "closed";
  name: string;
  email: string;
  rating: number | null;
  asks_rating: boolean;
  /** The number of its last message. */
  last: number;
  /** What agents ask just now: whether it may be told again in that public room, by that title. */
  retelling: AskedToRetell | null;
  /** Where everybody reads it. */
  retold: { room: string; href: string } | null;
}

export interface AskedToRetell {
  /** Names the question. */
  asked: number;
  room: string;
  title: string;
  /** The name of who asks. */
  by: string;
}

/** What the customer and their page say of the customer; what is left out stays as it was. */
export interface About {
  name?: string;
  email?: string;
  identity?: Identity;
  browser?: string | null;
  visitor?: string | null;
  page?: string;
  title?: string;
  rating?: number;
  words?: string;
}

/** Who of the site's visitors the customer is, before they are a customer. */
export interface Whereabouts {
  browser: string;
  visitor: string;
}

/** What an agent wrote first. */
export interface Call {
  /** The last change of it. */
  change: number;
  /** The last message that was seen. */
  read: number;
  told: Partial<Page>;
}

/** What a rule of the site said to the visitor; who answers says it again with its proof. */
export interface Spoken {
  rule: string;
  agent: string | null;
  words: string;
  /** Who says it. */
  name: string;
  proof: string;
}

export class CustomerApi {
  private readonly path: string;

  constructor(site: string) {
    this.path = `/api/watchfire/chat/${site}`;
  }

  settings(): Promise<Settings> {
    return ask(this.path, { credentials: "omit" });
  }

  mine(secret: string): Promise<Mine> {
    return ask(`${this.path}/conversations/mine`, {}, secret);
  }

  /** As soon as an agent wrote behind that change, or a rule speaks where one may; nothing where neither is so for a while. */
  call({ browser, visitor }: Whereabouts, after: number, rules: "speak" | "no", signal: AbortSignal): Promise<Call | { spoken: Spoken } | undefined> {
    return ask(`${this.path}/call?${new URLSearchParams({ browser, visitor, after: String(after), rules })}`, { credentials: "omit", signal });
  }

  sawCall(who: Whereabouts, seen: number): Promise<void> {
    return tell(`${this.path}/call`, { ...who, seen });
  }

  async begin(secret: string, opening: { id: string; body: string; spoken?: Spoken } & About): Promise<Mine> {
    const begin = (more: { work?: string }) => tell<Mine>(`${this.path}/conversations`, { ...opening, ...more }, secret);
    try {
      return await begin({});
    } catch (error) {
      const work = error instanceof Refused && error.code === "work" ? workIn(error.told) : null;
      if (!work) throw error;
      return begin({ work: await done(work) });
    }
  }

  /** To the address that they gave. */
  mail(secret: string): Promise<Mine> {
    return tell(`${this.path}/conversations/mine`, { transcript: true }, secret);
  }

  consent(secret: string, retell: { asked: number; yes: boolean; named: boolean }): Promise<Mine> {
    return tell(`${this.path}/conversations/mine`, { retell }, secret);
  }

  tell(secret: string, about: About): Promise<Mine> {
    return tell(`${this.path}/conversations/mine`, about, secret);
  }
}

/** 32 random bytes, as the server knows secrets of customers by their beginning. */
export function freshSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const text = btoa(String.fromCharCode(...bytes));
  return `wfc_${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}
