// What is known about a site now: snapshots and deltas applied. Pure: no page, no clock.
import { DIMENSIONS } from "./protocol";
import type {
  Dimension, FeedHit, HitsChange, HitsData, LiveChange, LiveData, Minute, Peak, Visitor, VisitorsChange, VisitorsData,
} from "./protocol";

export const MINUTES_SHOWN = 30;
export const FEED_HITS_MAX = 60;
const MINUTE_MS = 60_000;

export interface LiveView {
  present: number;
  active: number;
  bots: number;
  peak: Peak | null;
  /** By start of the minute. */
  minutes: Map<number, Minute>;
  rows: Record<Dimension, Map<string, number>>;
  keys: Record<Dimension, number>;
}

export function liveFrom(data: LiveData): LiveView {
  const rows = {} as Record<Dimension, Map<string, number>>;
  for (const dimension of DIMENSIONS) rows[dimension] = new Map(Object.entries(data.rows[dimension] ?? {}));
  return {
    present: data.present,
    active: data.active,
    bots: data.bots,
    peak: data.peak,
    minutes: new Map(data.minutes.map((minute) => [minute.minute, minute])),
    rows,
    keys: { ...data.keys },
  };
}

/** Changes `view` in place. */
export function applyLive(view: LiveView, change: LiveChange): void {
  if (change.present !== undefined) view.present = change.present;
  if (change.active !== undefined) view.active = change.active;
  if (change.bots !== undefined) view.bots = change.bots;
  if (change.peak !== undefined) view.peak = change.peak;
  if (change.keys) Object.assign(view.keys, change.keys);
  for (const minute of change.minutes ?? []) view.minutes.set(minute.minute, minute);
  if (change.minutes) forgetOldMinutes(view.minutes);
  for (const dimension of DIMENSIONS) {
    const rows = view.rows[dimension];
    for (const [key, count] of Object.entries(change.rows?.[dimension] ?? {})) {
      if (count === null) rows.delete(key);
      else rows.set(key, count);
    }
  }
}

function forgetOldMinutes(minutes: Map<number, Minute>): void {
  const newest = Math.max(...minutes.keys());
  for (const minute of minutes.keys()) {
    if (minute <= newest - MINUTES_SHOWN * MINUTE_MS) minutes.delete(minute);
  }
}

/** Largest first, then by key, as the server orders them. */
export function ranked(rows: Map<string, number>): [string, number][] {
  return [...rows].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : a > b ? 1 : 0));
}

export interface ShownMinute extends Minute {
  /** Before the first minute that is known of. */
  unknown: boolean;
}

/**
 * Each of the last 30 minutes up to `now`, oldest first. The server leaves out minutes in which nothing changed: nobody
 * came or went in them, so the count stood still at no more than the minutes on either side had.
 */
export function lastMinutes(view: LiveView, now: number, presentNow: number): ShownMinute[] {
  const current = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const shown: ShownMinute[] = [];
  for (let back = MINUTES_SHOWN - 1; back >= 0; back -= 1) {
    const minute = current - back * MINUTE_MS;
    const known = view.minutes.get(minute);
    shown.push(known ? { ...known, unknown: false } : { minute, pageviews: 0, visitors: 0, unknown: true });
  }
  let after = presentNow;
  for (let index = shown.length - 1; index >= 0; index -= 1) {
    const at = shown[index]!;
    if (at.unknown) at.visitors = after;
    else after = at.visitors;
  }
  let before: number | null = earlier(view, shown[0]!.minute);
  for (const at of shown) {
    if (!at.unknown) {
      before = at.visitors;
    } else if (before !== null) {
      at.visitors = Math.min(before, at.visitors);
      at.unknown = false;
    } else {
      at.visitors = 0;
    }
  }
  return shown;
}

/** The count of the newest minute before `minute`, where one is known. */
function earlier(view: LiveView, minute: number): number | null {
  let newest: Minute | null = null;
  for (const known of view.minutes.values()) {
    if (known.minute < minute && (!newest || known.minute > newest.minute)) newest = known;
  }
  return newest && newest.visitors;
}

export interface VisitorsView {
  total: number;
  byKey: Map<string, Visitor>;
}

export function visitorsFrom(data: VisitorsData): VisitorsView {
  return { total: data.total, byKey: new Map(data.visitors.map((visitor) => [visitor.key, visitor])) };
}

/** Changes `view` in place. */
export function applyVisitors(view: VisitorsView, change: VisitorsChange): void {
  if (change.total !== undefined) view.total = change.total;
  for (const key of change.gone ?? []) view.byKey.delete(key);
  for (const visitor of change.set ?? []) view.byKey.set(visitor.key, visitor);
}

export type VisitorOrder = "newest" | "longest" | "pages";

export function inOrder(view: VisitorsView, order: VisitorOrder): Visitor[] {
  const newest = (a: Visitor, b: Visitor) => b.since - a.since || (a.key < b.key ? -1 : 1);
  const by = {
    newest,
    longest: (a: Visitor, b: Visitor) => newest(b, a),
    pages: (a: Visitor, b: Visitor) => b.trail.length - a.trail.length || newest(a, b),
  };
  return [...view.byKey.values()].sort(by[order]);
}

export interface FeedView {
  /** Newest first, each with a number of its own that never comes again. */
  hits: (FeedHit & { number: number })[];
  next: number;
}

export function feedFrom(data: HitsData): FeedView {
  const feed: FeedView = { hits: [], next: 0 };
  applyHits(feed, { hits: data.hits });
  return feed;
}

/** Changes `feed` in place. */
export function applyHits(feed: FeedView, change: HitsChange): void {
  const added = (change.hits ?? []).map((hit) => ({ ...hit, number: feed.next++ }));
  feed.hits = [...added.reverse(), ...feed.hits].slice(0, FEED_HITS_MAX);
}
