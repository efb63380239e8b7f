// Which time a report is about: presets, any range, and the buckets that fit. Pure.
import { Calendar, addDays, addMonths, daysBetween, isDate, monthStart } from "./reports-calendar";
import type { PlainDate } from "./reports-calendar";

export const PRESETS = ["today", "yesterday", "24h", "7d", "28d", "90d", "this-month", "last-month", "this-year", "12mo", "all"] as const;
export type Preset = (typeof PRESETS)[number];
export const PRESET_DEFAULT: Preset = "28d";

/** A preset, or first and last: dates, or with clock times `2026-03-29T14:00`. Both count. */
export type Range = Preset | { first: string; last: string };

/** What the numbers are held against. */
export const COMPARISONS = ["previous", "weekdays", "year", "none"] as const;
export type Comparison = (typeof COMPARISONS)[number];

export const UNITS = ["minute", "hour", "day", "week", "month", "year"] as const;
export type Unit = (typeof UNITS)[number];

/** Milliseconds since 1970; `to` does not count. */
export interface Span {
  from: number;
  to: number;
}

/** Buckets of one chart; more would be thinner than a pixel. */
const BUCKETS_SHOWN_MAX = 1_500;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const UNIT_MS: Record<Unit, number> = {
  minute: 60_000, hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS, month: 30.44 * DAY_MS, year: 365.25 * DAY_MS,
};

export function isPreset(range: Range): range is Preset {
  return typeof range === "string";
}

/** The span of a range as of `now`; `since` is when the site's history begins, where that is known. */
export function resolve(range: Range, calendar: Calendar, now: number, since?: number): Span {
  if (range === "24h") return { from: Math.floor(now / HOUR_MS) * HOUR_MS - 23 * HOUR_MS, to: Math.floor(now / HOUR_MS) * HOUR_MS + HOUR_MS };
  if (!isPreset(range)) return custom(range, calendar);
  const today = calendar.date(now);
  const days = (first: PlainDate, after: PlainDate): Span => ({ from: calendar.at(first), to: calendar.at(after) });
  const tomorrow = addDays(today, 1);
  switch (range) {
    case "today": return days(today, tomorrow);
    case "yesterday": return days(addDays(today, -1), today);
    case "7d": return days(addDays(today, -6), tomorrow);
    case "28d": return days(addDays(today, -27), tomorrow);
    case "90d": return days(addDays(today, -89), tomorrow);
    case "this-month": return days(monthStart(today), tomorrow);
    case "last-month": return days(addMonths(monthStart(today), -1), monthStart(today));
    case "this-year": return days(`${today.slice(0, 4)}-01-01`, tomorrow);
    case "12mo": return days(addMonths(monthStart(today), -11), tomorrow);
    case "all": return days(since === undefined ? addMonths(monthStart(today), -60) : calendar.date(since), tomorrow);
  }
}

function custom({ first, last }: { first: string; last: string }, calendar: Calendar): Span {
  return { from: moment(first, calendar), to: last.includes("T") ? moment(last, calendar) : calendar.at(addDays(last, 1)) };
}

function moment(text: string, calendar: Calendar): number {
  const [date = "", time = "00:00"] = text.split("T");
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return calendar.at(date, hour, minute);
}

/** `2026-01-01..2026-01-31`, with clock times too; null: is none, or ends before it begins. */
export function rangeFrom(text: string): Range | null {
  const preset = PRESETS.find((preset) => preset === text);
  if (preset) return preset;
  const [first = "", last = "", more] = text.split("..");
  if (more !== undefined || !isMoment(first) || !isMoment(last)) return null;
  if (first.includes("T") !== last.includes("T")) return null;
  return first < last || (first === last && !first.includes("T")) ? { first, last } : null;
}

/** As the API takes it: presets of its own by name, days as days, clock times as moments. */
export function rangeAsked(range: Range, calendar: Calendar, now: number): string | { from: string | number; to: string | number } {
  if (range === "24h") return resolve(range, calendar, now);
  if (isPreset(range)) return range;
  return range.first.includes("T") ? resolve(range, calendar, now) : { from: range.first, to: range.last };
}

export function rangeText(range: Range): string {
  return isPreset(range) ? range : `${range.first}..${range.last}`;
}

function isMoment(text: string): boolean {
  const [date = "", time, more] = text.split("T");
  return more === undefined && isDate(date) && (time === undefined || /^([01]\d|2[0-3]):[0-5]\d$/.test(time));
}

/** The units that give a chart something to show, and the one that fits best. */
export function unitsOf(span: Span): { units: Unit[]; best: Unit } {
  const long = span.to - span.from;
  const units = UNITS.filter((unit) => long / UNIT_MS[unit] <= BUCKETS_SHOWN_MAX && (long / UNIT_MS[unit] >= 1.9 || unit === "minute"));
  const best: Unit = long <= 3 * HOUR_MS ? "minute" : long < 3 * DAY_MS ? "hour" : long <= 100 * DAY_MS ? "day" : long <= 300 * DAY_MS ? "week" : long <= 12 * 366 * DAY_MS ? "month" : "year";
  return { units: units.includes(best) ? units : [...units, best], best };
}

/** The range as far before or after itself as it is long; null: nothing lies there yet. */
export function moved(range: Range, way: -1 | 1, calendar: Calendar, now: number, since?: number): Range | null {
  const span = resolve(range, calendar, now, since);
  if (way > 0 && span.to > now) return null;
  if (range === "24h" || (!isPreset(range) && range.first.includes("T"))) {
    const long = (span.to - span.from) * way;
    return { first: wallText(calendar, span.from + long), last: wallText(calendar, span.to + long) };
  }
  const first = calendar.date(span.from);
  const after = calendar.date(span.to);
  const isOfMonths = first.endsWith("-01") && (after.endsWith("-01") || range === "this-month" || range === "this-year" || range === "12mo");
  if (isOfMonths) {
    const months = Math.max(1, monthsBetween(first, after));
    return { first: addMonths(first, months * way), last: addDays(addMonths(first, months * way + months), -1) };
  }
  const days = daysBetween(first, after) * way;
  return { first: addDays(first, days), last: addDays(after, days - 1) };
}

function monthsBetween(first: PlainDate, after: PlainDate): number {
  const [fromYear = 0, fromMonth = 0] = first.split("-").map(Number);
  const [toYear = 0, toMonth = 0] = addDays(after, -1).split("-").map(Number);
  return (toYear - fromYear) * 12 + toMonth - fromMonth + 1;
}

export function wallText(calendar: Calendar, at: number): string {
  const { date, hour, minute } = calendar.wall(at);
  return `${date}T${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}
