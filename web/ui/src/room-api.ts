// What a room's page asks of the server. Nothing is sent twice by itself but what has an id of its own.
import type { Doing, Member, Message, Page, Seen } from "./room-protocol";
import type { IceServers, ScreenSignal } from "./screen-protocol";

const ROOMS = "/api/watchfire/rooms";

/** What the server said against it. */
export class Refused extends Error {
  /** `seconds`: as long as the server asks to wait, or 0; `told`: all that it said. */
  constructor(readonly status: number, readonly code: string, message: string, readonly seconds = 0, readonly told: unknown = null) {
    super(message);
  }

  /** It may be well the next time: the server is busy, or away behind its proxy. */
  get isPassing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

export interface ToPost {
  id: string;
  kind: "text" | "paste" | "sound";
  body: string;
  thread?: number;
  /** Their ids. */
  files?: string[];
}

export class RoomApi {
  /** Whoever has a secret of their own says it with each request; all others are known by their cookie. */
  constructor(readonly room: string, private readonly bearer?: string) {}

  seen(): Promise<Seen> {
    return this.get("");
  }

  members(): Promise<{ members: Member[] }> {
    return this.get("/members");
  }

  async stars(): Promise<number[]> {
    const told = await ask<{ stars: { number: number }[] }>(`${ROOMS}/stars?room=${this.room}`, {}, this.bearer);
    return told.stars.map(({ number }) => number);
  }

  last(limit: number): Promise<Page> {
    return this.get(`/messages?limit=${limit}`);
  }

  before(number: number, limit: number): Promise<Page> {
    return this.get(`/messages?before=${number}&limit=${limit}`);
  }

  after(number: number, limit: number): Promise<Page> {
    return this.get(`/messages?after=${number}&limit=${limit}`);
  }

  changes(after: number): Promise<Page> {
    return this.get(`/changes?after=${after}`);
  }

  thread(number: number, after: number): Promise<Page> {
    return this.get(`/messages/${number}/thread?after=${after}`);
  }

  message(number: number): Promise<Message> {
    return this.get(`/messages/${number}`);
  }

  decisions(): Promise<Page> {
    return this.get("/decisions");
  }

  post(message: ToPost): Promise<Message> {
    return this.tell("/messages", message);
  }

  change(number: number, what: string, body: object = {}): Promise<Message> {
    return this.tell(`/messages/${number}/${what}`, body);
  }

  read(number: number): Promise<{ read: number }> {
    return this.tell("/read", { number });
  }

  /** Heard by who is there; a page that goes away still says it. */
  doing(what: Doing, text?: string): void {
    const body = JSON.stringify({ what, text });
    // Of no lasting interest: what is not heard is said again.
    fetch(`${ROOMS}/${this.room}/doing`, as(this.bearer, { method: "POST", headers: JSON_BODY, body, keepalive: true })).catch(() => {});
  }

  /** A word of a screen that is shown: heard by whom it is for, and kept nowhere. */
  signal(signal: ScreenSignal): Promise<IceServers> {
    return this.tell("/screen", signal);
  }

  private get<Told>(path: string): Promise<Told> {
    return ask(`${ROOMS}/${this.room}${path}`, {}, this.bearer);
  }

  private tell<Told>(path: string, body: object): Promise<Told> {
    return tell(`${ROOMS}/${this.room}${path}`, body, this.bearer);
  }
}

/** Browsers carry 64 KiB at most beyond the end of a page. */
const KEEPALIVE_CHARS_MAX = 8 * 1024;
/** A line that takes longer is none. */
const ANSWER_MS_MAX = 30_000;
export const JSON_BODY = { "content-type": "application/json" };

export function tell<Told>(url: string, body: object, bearer?: string): Promise<Told> {
  return ask(url, { method: "POST", headers: JSON_BODY, body: JSON.stringify(body) }, bearer);
}

/** The request of whoever has that secret: it goes without cookies. */
function as(bearer: string | undefined, request: RequestInit): RequestInit {
  return bearer ? { ...request, credentials: "omit", headers: { ...request.headers, authorization: `Bearer ${bearer}` } } : request;
}

export async function ask<Told>(url: string, request: RequestInit = {}, bearer?: string): Promise<Told> {
  // A page that goes away still sends what it began.
  const keepalive = request.method === "POST" && String(request.body).length < KEEPALIVE_CHARS_MAX;
  const answer = await fetch(url, { cache: "no-store", keepalive, signal: AbortSignal.timeout(ANSWER_MS_MAX), ...as(bearer, request) });
  if (answer.status === 204) return undefined as Told;
  const told = await answer.json().catch(() => null);
  if (answer.ok) return told as Told;
  const { code = "failed", message = "The server cannot be reached right now." } = told?.error ?? {};
  throw new Refused(answer.status, code, message, Number(answer.headers.get("retry-after")) || 0, told);
}

/** 32 hexadecimal digits that nobody else has. */
export function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
