// What the inbox asks of the server.
import type { Canned, Conversation, Deed, ListPage, OnePage } from "./inbox-protocol";
import type { View } from "./inbox-state";
import type { Step } from "./inbox-weaving";
import { JSON_BODY, Refused, ask } from "./room-api";
import type { Origin } from "./visitor-facts";

/** Visits of one visitor that are read: enough for a conversation. */
const VISITS = 5;

/** What history knows of a visitor. */
export interface Past {
  steps: Step[];
  /** Of the last visit. */
  origin: Origin;
  last: number;
  visits: number;
  identities: string[];
}

interface ProfileTold {
  identities: string[];
  last: number;
  visits: number;
  latest: Record<string, string>;
  trail: { hits: { at: number; kind: string; path: string; name: string }[] }[];
}

export class InboxApi {
  private readonly site: string;

  constructor(site: string) {
    this.site = `/api/watchfire/sites/${site}`;
  }

  list({ folder, label, q }: View, before: string | null): Promise<ListPage> {
    const query = new URLSearchParams({ folder, ...(label ? { label } : {}), ...(q ? { q } : {}), ...(before ? { before } : {}) });
    return ask(`${this.site}/conversations?${query}`);
  }

  one(room: string): Promise<OnePage> {
    return ask(`${this.site}/conversations/${room}`);
  }

  change(room: string, deed: Deed): Promise<Conversation> {
    return this.tell(`/conversations/${room}`, deed);
  }

  /** Writes to a visitor who is on the site: into the conversation that there is, or a new one. */
  call(visitor: string, id: string, body: string): Promise<Conversation> {
    return this.tell("/conversations", { id, visitor, body });
  }

  async canned(): Promise<Canned[]> {
    return (await ask<{ canned: Canned[] }>(`${this.site}/canned`)).canned;
  }

  addCanned(name: string, text: string): Promise<Canned> {
    return this.tell("/canned", { name, text });
  }

  removeCanned(id: string): Promise<void> {
    return this.tell(`/canned/${id}/remove`, {});
  }

  /** Null: history has nothing of that visitor. */
  async past(visitor: string): Promise<Past | null> {
    try {
      return pastOf(await ask<ProfileTold>(`${this.site}/visitors/${visitor}?limit=${VISITS}`));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return null;
      throw error;
    }
  }

  private tell<Told>(path: string, body: object): Promise<Told> {
    return ask(`${this.site}${path}`, { method: "POST", headers: JSON_BODY, body: JSON.stringify(body) });
  }
}

function pastOf({ identities, last, visits, latest, trail }: ProfileTold): Past {
  const text = (name: string) => latest[name] ?? "";
  const origin: Origin = {
    source: text("source"), channel: text("channel"), referrer: text("referrer"), campaign: text("utm_campaign"),
    country: text("country"), region: text("region"), city: text("city"), device: text("device"),
    browser: text("browser"), browser_version: text("browser_version"), os: text("os"), os_version: text("os_version"), language: text("language"),
  };
  const steps = trail.flatMap(({ hits }) => hits).flatMap(({ at, kind, path, name }): Step[] => {
    if (kind === "pageview") return [{ at, path }];
    return kind === "event" ? [{ at, path, event: name }] : [];
  });
  return { steps: steps.sort((one, other) => one.at - other.at), origin, last, visits, identities };
}
