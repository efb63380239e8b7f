// The line to the hub: one WebSocket, its subscriptions, and how it comes back by itself.
import { CLOSED_SIGNED_OUT } from "./protocol";
import type { Filter, Frame, FromServer, ToServer } from "./protocol";

/** `lost`: it will be back by itself. `signed-out`: only signing in again helps. */
export type LineState = "connecting" | "open" | "lost" | "signed-out";

/** What a subscription reads. */
export interface Reader {
  /** One delta may be of several versions, and none is ever missing: a room's. */
  jumps?: boolean;
  snapshot(data: unknown): void;
  delta(data: unknown): void;
  refused?(code: string, message: string): void;
  ended?(code: string, message: string): void;
}

export interface ConnectionOptions {
  url: string;
  open: (url: string) => WebSocket;
  /** Whether the server says that the credential is not good: a refused handshake cannot be told from a dead line. */
  signedOut: () => Promise<boolean>;
  random: () => number;
  onState: (state: LineState) => void;
}

const FIRST_DELAY_MS = 1_000;
const DELAY_MS_MAX = 30_000;
const NUMBERS = 65_536;
const UNTIL_HELLO_MS = 15_000;
/** Refusals that pass by themselves; the topic is asked for again after a while. */
export const PASSING = new Set(["unavailable", "too_many_views"]);
const ASK_AGAIN_MS = 5_000;

/** About a second, twice as long each further time up to 30 s; the random part keeps a crowd from coming back at once. */
export function delayBefore(attempt: number, random: () => number): number {
  const full = Math.min(FIRST_DELAY_MS * 2 ** attempt, DELAY_MS_MAX);
  return Math.round(full * (0.5 + random() / 2));
}

interface Subscription {
  topic: string;
  filter: Filter | undefined;
  reader: Reader;
  /** Null until the server names it. */
  key: string | null;
  /** Null until a snapshot has come. */
  version: number | null;
}

export class Connection {
  /** The server's clock less ours, as the last hello told. */
  clockDifference = 0;
  private socket: WebSocket | null = null;
  private state: LineState | null = null;
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private silenceMax = UNTIL_HELLO_MS;
  private readonly subscriptions = new Map<number, Subscription>();
  private nextNumber = 0;

  constructor(private readonly options: ConnectionOptions) {}

  start(): void {
    this.connect();
  }

  /** Starts to read a topic; the answer stops it. */
  subscribe(topic: string, filter: Filter | undefined, reader: Reader): () => void {
    const number = this.freeNumber();
    this.subscriptions.set(number, { topic, filter, reader, key: null, version: null });
    this.ask(number);
    return () => {
      if (this.subscriptions.delete(number)) this.send({ unsubscribe: number });
    };
  }

  /** The network is back or somebody looks: no reason to wait any longer. */
  hurry(): void {
    if (this.state !== "lost" || this.socket) return;
    this.attempt = 0;
    this.connect();
  }

  /** For good. */
  stop(): void {
    const socket = this.socket;
    this.socket = null;
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    socket?.close();
  }

  /** The network says it is gone: believed, and tried again. */
  doubt(): void {
    if (this.socket) this.lose();
  }

  private freeNumber(): number {
    while (this.subscriptions.has(this.nextNumber)) this.nextNumber = (this.nextNumber + 1) % NUMBERS;
    const number = this.nextNumber;
    this.nextNumber = (this.nextNumber + 1) % NUMBERS;
    return number;
  }

  private connect(): void {
    clearTimeout(this.retry);
    const socket = this.options.open(this.options.url);
    this.socket = socket;
    if (this.state === null) this.become("connecting");
    this.silenceMax = UNTIL_HELLO_MS;
    this.heard();
    let opened = false;
    socket.onopen = () => {
      opened = true;
      for (const number of this.subscriptions.keys()) this.ask(number);
    };
    socket.onmessage = (event) => {
      if (socket === this.socket) this.read(JSON.parse(String(event.data)) as FromServer);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event.code, opened);
    };
  }

  private ask(number: number): void {
    const subscription = this.subscriptions.get(number)!;
    const { topic, filter } = subscription;
    subscription.key = null;
    subscription.version = null;
    this.send(filter && Object.keys(filter).length > 0 ? { subscribe: topic, filter, as: number } : { subscribe: topic, as: number });
  }

  private send(message: ToServer): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  private read(message: FromServer): void {
    this.heard();
    if ("delta" in message) this.delta(message.delta);
    else if ("snapshot" in message) this.snapshot(message.snapshot);
    else if ("ping" in message) this.send({ pong: message.ping });
    else if ("subscribed" in message) this.subscribed(message.subscribed.as, message.subscribed.key);
    else if ("hello" in message) this.hello(message.hello.ping_seconds, message.hello.now);
    else if ("refused" in message) this.refused(message.refused.as, message.refused.code, message.refused.message);
    else if ("ended" in message) this.ended(message.ended.key, message.ended.code, message.ended.message);
  }

  private hello(pingSeconds: number, now: number): void {
    this.clockDifference = now - Date.now();
    this.attempt = 0;
    this.silenceMax = 2_000 * pingSeconds;
    this.heard();
    this.become("open");
  }

  private subscribed(number: number, key: string): void {
    const subscription = this.subscriptions.get(number);
    if (subscription) subscription.key = key;
  }

  private snapshot(frame: Frame<unknown>): void {
    for (const subscription of this.subscriptions.values()) {
      if (subscription.key !== frame.key) continue;
      subscription.version = frame.version;
      subscription.reader.snapshot(frame.data);
    }
  }

  private delta(frame: Frame<unknown>): void {
    for (const [number, subscription] of this.subscriptions) {
      if (subscription.key !== frame.key || subscription.version === null) continue;
      if (frame.version <= subscription.version) continue;
      if (frame.version !== subscription.version + 1 && !subscription.reader.jumps) {
        this.askAgain(number, subscription);
        continue;
      }
      subscription.version = frame.version;
      subscription.reader.delta(frame.data);
    }
  }

  /** A version was missed: asked anew, a snapshot comes. */
  private askAgain(number: number, subscription: Subscription): void {
    this.subscriptions.delete(number);
    this.send({ unsubscribe: number });
    this.subscriptions.set(number, subscription);
    this.ask(number);
  }

  private refused(number: number, code: string, message: string): void {
    const subscription = this.subscriptions.get(number);
    subscription?.reader.refused?.(code, message);
    if (!subscription || !PASSING.has(code)) return;
    setTimeout(() => {
      if (this.subscriptions.get(number) === subscription && subscription.version === null) this.ask(number);
    }, ASK_AGAIN_MS);
  }

  private ended(key: string, code: string, message: string): void {
    for (const [number, subscription] of [...this.subscriptions]) {
      if (subscription.key !== key) continue;
      this.subscriptions.delete(number);
      subscription.reader.ended?.(code, message);
    }
  }

  /** Each word from the server proves the line; silence for two pings ends it. */
  private heard(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lose(), this.silenceMax);
  }

  private lose(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.wait();
  }

  private closed(code: number, opened: boolean): void {
    this.socket = null;
    clearTimeout(this.silence);
    if (code === CLOSED_SIGNED_OUT) return this.become("signed-out");
    this.wait();
    if (opened) return;
    void this.options.signedOut().then((signedOut) => {
      if (!signedOut || this.state === "open") return;
      clearTimeout(this.retry);
      this.become("signed-out");
    });
  }

  private wait(): void {
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    this.become("lost");
    this.retry = setTimeout(() => this.connect(), delayBefore(this.attempt, this.options.random));
    this.attempt += 1;
  }

  private become(state: LineState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onState(state);
  }
}
