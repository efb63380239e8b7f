// The life of a pageview: it begins, beats while the page is there, and leaves. With it the visitor's attention: how long
// the page was engaged with (visible, focused, and input within the last 15 s) and how deep it was shown.
import { now } from "./clock";
import { hit } from "./delivery";
import { guard } from "./guard";
import type { Hit } from "./protocol";
import { hash } from "./script";

const enum Beat {
  /** Input keeps a page active as long. */
  ActiveMs = 15e3,
  /** Idle or hidden: browsers let a hidden page's timers run once a minute. */
  IdleMs = 6e4,
}

const enum Limit {
  AddressLength = 2e3,
}

/** The pageview begun last. */
export let shown = {} as Hit;
/** Milliseconds to the next heartbeat, as the server was told; 0 when the page left. */
export let due = 0;
let timer: number;

/** When the engagement ends unless there is input before. Nothing is polled. */
export let until = 0;
/** Together with `until`, or now if that is earlier, the milliseconds engaged. */
let engaged = 0;
/** In pixels: the page's height may still change. */
export let deepest = 0;

/** Milliseconds since the pageview began. */
export const engagement = (): number => engaged + Math.min(now(), until);

export const measureDepth = (): number => (deepest = Math.max(deepest, scrollY + innerHeight));

/** Input, or a change of visibility or focus: the server is told at once when the page became active or idle by it. */
export const attend = (): void => {
  const attended: any = document.hasFocus() && !document.hidden;
  engaged = engagement() - (until = now());
  until += attended * Beat.ActiveMs;
  if (attended != due < Beat.IdleMs) beat();
};

const address = (): string => location.href.split(hash == null ? "#" : " ")[0].slice(0, Limit.AddressLength);

const expectBeat = (ms: number): void => {
  clearTimeout(timer);
  timer = setTimeout(beat, (due = ms));
};

export const begin = (referrer: string): void => {
  engaged -= engagement();
  expectBeat(Beat.ActiveMs);
  shown = { url: address() } as Hit;
  shown = hit("pageview", { referrer });
  // Only now: a single-page site may still be scrolled as the page before was.
  deepest = 0;
  if (document.hidden) beat();
};

/** Tells that the page is there; nothing once it left. */
const beat = guard(() => {
  if (due) {
    expectBeat(now() < until ? Beat.ActiveMs : Beat.IdleMs);
    hit("heartbeat");
  }
});

/** A client-side route ends the pageview and begins the next; the same address again is none. */
export const route = guard(() => {
  if (address() != shown.url) {
    hit("leave");
    begin(shown.url);
  }
});

export const end = (): void => {
  due = 0;
};
