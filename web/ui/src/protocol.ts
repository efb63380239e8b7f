// What the hub says and is told: the wire types of docs/protocol.md, "Being told", version 1.

export const DIMENSIONS = ["page", "source", "channel", "country", "device", "browser", "os", "language"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** One value a dimension (empty: unknown), one visitor alone, and whether bots are in all numbers. */
export type Filter = { [dimension in Dimension]?: string } & { bots?: boolean; visitor?: string };

export interface Hello {
  version: number;
  ping_seconds: number;
  /** The server's clock, milliseconds since 1970. */
  now: number;
}

/** A snapshot replaces all that was known under its key; a delta follows the version before it. */
export interface Frame<Data> {
  key: string;
  version: number;
  data: Data;
}

/** Each text frame from the server holds one of these. */
export type FromServer =
  | { hello: Hello }
  | { subscribed: { as: number; key: string } }
  | { snapshot: Frame<unknown> }
  | { delta: Frame<unknown> }
  | { refused: { as: number; code: string; message: string } }
  | { ended: { key: string; code: string; message: string } }
  | { ping: number };

export type ToServer = { subscribe: string; filter?: Filter; as: number } | { unsubscribe: number } | { pong: number };

/** Close code: the credential was revoked or has expired. */
export const CLOSED_SIGNED_OUT = 4401;

export interface NowData {
  present: number;
}

export interface Minute {
  /** Its start, milliseconds since 1970. */
  minute: number;
  pageviews: number;
  /** The most visitors present at once during it. */
  visitors: number;
}

export interface Peak {
  hour: number;
  count: number;
}

export interface LiveData {
  present: number;
  active: number;
  bots: number;
  peak: Peak | null;
  minutes: Minute[];
  rows: Record<Dimension, Record<string, number>>;
  keys: Record<Dimension, number>;
}

/** Only what changed; a row of null left the rows. */
export interface LiveChange {
  present?: number;
  active?: number;
  bots?: number;
  peak?: Peak | null;
  minutes?: Minute[];
  rows?: { [dimension in Dimension]?: Record<string, number | null> };
  keys?: { [dimension in Dimension]?: number };
}

export interface Visitor {
  key: string;
  since: number;
  active: boolean;
  /** Milliseconds, as of the last change that shows. */
  engaged: number;
  /** Open now, the one used last at the end. */
  pages: { path: string; active: boolean; scroll: number }[];
  /** In order, the current page at the end. */
  trail: { at: number; path: string }[];
  source: string;
  channel: string;
  referrer: string;
  campaign: string;
  country: string;
  region: string;
  city: string;
  browser: string;
  browser_version: string;
  os: string;
  os_version: string;
  device: string;
  language: string;
  bot: string | null;
  identity: string | null;
}

export interface VisitorsData {
  total: number;
  visitors: Visitor[];
}

export interface VisitorsChange {
  total?: number;
  set?: Visitor[];
  gone?: string[];
}

export type HitKind = "pageview" | "event" | "identify" | "leave";

export interface FeedHit {
  at: number;
  visitor: string;
  kind: HitKind;
  path: string;
  country: string;
  source: string;
  channel: string;
  name: string | null;
}

export interface HitsData {
  hits: FeedHit[];
}

export interface HitsChange {
  hits?: FeedHit[];
  skipped?: number;
}
