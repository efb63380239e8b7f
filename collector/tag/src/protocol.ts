// What the tag sends: the types of `POST /v1/hits`, as docs/protocol.md ("Sending hits") tells them. They cost no bytes.

export type Kind = "pageview" | "heartbeat" | "leave" | "event" | "identify";

/** Strings, numbers and booleans; the server refuses anything else. */
export type Props = Record<string, unknown>;

export interface Hit {
  /** 32 hexadecimal digits; the hit counts once however often it is sent. */
  id: string;
  kind: Kind;
  /** Milliseconds since 1970, by this browser's clock. */
  at: number;
  url: string;
  /** Of a pageview. */
  referrer?: string;
  title?: string;
  /** Milliseconds until the next sign of life. */
  due?: number;
  /** The id of the pageview that the hit belongs to; a pageview has none. */
  pageview?: string;
  /** Milliseconds since the pageview began: a running total. */
  engaged?: number;
  /** Deepest point shown so far, percent of the page's height. */
  scroll?: number;
  active?: boolean;
  /** Of an event. */
  name?: string;
  /** Of an identify. */
  identity?: string;
  props?: Props;
}

export interface Request {
  site: string;
  /** When this request left, by the same clock as `at`. */
  sent: number;
  /** 16 hexadecimal digits that the open tabs of one browser agree on. */
  browser: string;
  /** 32 hexadecimal digits, with `data-storage` only. */
  visitor?: string;
  hits: Hit[];
}
