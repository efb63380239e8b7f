// Buckets and ranges in words, in the site's time zone. Pure.
import { isPreset } from "./reports-range";
import type { Preset, Range, Span, Unit } from "./reports-range";

const LOCALE = globalThis.document?.documentElement.lang || "en";
const DAY_MS = 86_400_000;

export const PRESET_NAMES: Record<Preset, string> = {
  today: "Today", yesterday: "Yesterday", "24h": "Last 24 hours", "7d": "Last 7 days", "28d": "Last 28 days", "90d": "Last 90 days",
  "this-month": "This month", "last-month": "Last month", "this-year": "This year", "12mo": "Last 12 months", all: "All time",
};

export class Labels {
  private readonly formats = new Map<string, Intl.DateTimeFormat>();

  constructor(private readonly zone: string) {}

  /** On the axis: short. */
  tick(at: number, unit: Unit): string {
    switch (unit) {
      case "minute": case "hour": return this.format(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      case "day": case "week": return this.format(at, { day: "numeric", month: "short" });
      case "month": return this.format(at, { month: "short", year: "2-digit" });
      case "year": return this.format(at, { year: "numeric" });
    }
  }

  /** In a sentence or a table: whole. */
  bucket(at: number, unit: Unit): string {
    switch (unit) {
      case "minute": case "hour": return this.format(at, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      case "day": return this.format(at, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
      case "week": return `Week of ${this.format(at, { day: "numeric", month: "short", year: "numeric" })}`;
      case "month": return this.format(at, { month: "long", year: "numeric" });
      case "year": return this.format(at, { year: "numeric" });
    }
  }

  range(range: Range, span: Span): string {
    return isPreset(range) ? PRESET_NAMES[range] : this.span(span, range.first.includes("T"));
  }

  /** `1–28 Nov 2026`; with clock times where days say too little. */
  span(span: Span, ofClock = false): string {
    const time: Intl.DateTimeFormatOptions = ofClock ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : {};
    const format = this.formatter({ day: "numeric", month: "short", year: "numeric", ...time });
    return format.formatRange(span.from, Math.max(span.from, span.to - (ofClock ? 0 : DAY_MS / 24)));
  }

  private format(at: number, how: Intl.DateTimeFormatOptions): string {
    return this.formatter(how).format(at);
  }

  private formatter(how: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify(how);
    const format = this.formats.get(key) ?? new Intl.DateTimeFormat(LOCALE, { ...how, timeZone: this.zone });
    this.formats.set(key, format);
    return format;
  }
}
