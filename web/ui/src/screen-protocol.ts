// What browsers say to each other of a screen that a customer shows: the words of `POST …/screen`, and the same as the hub tells them.

/** Said again so often, as long as it is so: by who shows that they show, by who looks that they look. */
export const SAID_EVERY_MS = 5_000;
/** Whoever was not heard for so long shows no more, or looks no more: twice were missed, and some. */
export const HEARD_MS = 16_000;
/** More pages than so many do not look at one showing: each is sent a picture of its own. */
export const WATCHERS_MAX = 4;

export type Sign = "asks" | "declines" | "shows" | "ends" | "watches" | "leaves" | "full" | "offer" | "answer" | "candidate";

export interface ScreenSignal {
  what: Sign;
  /** Of one showing, made by the customer's page. */
  showing?: string;
  /** Of one page that looks, made by that page. */
  link?: string;
  /** The agent whom the customer means. */
  to?: string;
  text?: string;
}

export interface ScreenWord extends ScreenSignal {
  room: string;
  who: string;
}

export interface IceServers {
  ice_servers: RTCIceServer[];
}

/** 16 hexadecimal digits that nobody else has. */
export function freshShortId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One that cannot be read says that there are no more. */
export function candidateOf(text: string): RTCIceCandidateInit {
  try {
    return JSON.parse(text) as RTCIceCandidateInit;
  } catch {
    return { candidate: "" };
  }
}

/** Says words one after the other, so that they are heard in that order. What fails is told, and what comes after it is said all the same. */
export class InTurn {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly send: (signal: ScreenSignal) => Promise<IceServers>, private readonly failed: (error: unknown, signal: ScreenSignal) => void) {}

  /** Null: it was not heard. */
  say(signal: ScreenSignal): Promise<RTCIceServer[] | null> {
    const said = this.last.then(() => this.send(signal)).then(({ ice_servers: servers }) => servers, (error: unknown) => {
      this.failed(error, signal);
      return null;
    });
    this.last = said;
    return said;
  }
}
