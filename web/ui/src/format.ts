// Numbers, times and names as people read them. Pure.
import type { Dimension, HitKind } from "./protocol";

const locale = globalThis.document?.documentElement.lang || "en";
const counts = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const countries = new Intl.DisplayNames([locale], { type: "region", fallback: "code" });
const languages = new Intl.DisplayNames([locale], { type: "language", fallback: "code" });

export function count(number: number): string {
  return counts.format(number);
}

/** `1 visitor`, `2 visitors`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** `0:07`, `12:05`, `2 h 05`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${two(minutes % 60)}` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** Clock times in the site's own time zone; an unknown zone falls back to the browser's. */
export class Clock {
  private readonly minute: Intl.DateTimeFormat;
  private readonly second: Intl.DateTimeFormat;
  private readonly hourOfDay: Intl.DateTimeFormat;

  constructor(zone: string | undefined) {
    const timeZone = knownZone(zone);
    const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone } as const;
    this.minute = new Intl.DateTimeFormat(locale, time);
    this.second = new Intl.DateTimeFormat(locale, { ...time, second: "2-digit" });
    this.hourOfDay = new Intl.DateTimeFormat(locale, { ...time, weekday: "short", day: "numeric", month: "short" });
  }

  /** `14:05` */
  toMinute(at: number): string {
    return this.minute.format(at);
  }

  /** `14:05:09` */
  toSecond(at: number): string {
    return this.second.format(at);
  }

  /** `Fri, 21 Nov, 14:00` */
  onDay(at: number): string {
    return this.hourOfDay.format(at);
  }
}

function knownZone(zone: string | undefined): string | undefined {
  try {
    return new Intl.DateTimeFormat(locale, { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

const CHANNELS: Record<string, string> = {
  direct: "Direct", search: "Search", "paid-search": "Paid search", social: "Social", "paid-social": "Paid social",
  mail: "Mail", paid: "Paid", "ai-assistant": "AI assistant", referral: "Referral", campaign: "Campaign",
};
const DEVICES: Record<string, string> = { desktop: "Desktop", mobile: "Mobile", tablet: "Tablet", other: "Other" };
const BOTS: Record<string, string> = {
  "names-itself": "Its agent names itself a bot",
  "no-browser": "Its agent is no browser's",
  automated: "A browser driven by a program",
  "referrer-spam": "Its referrer is known for spam",
};
const KINDS: Record<HitKind, string> = { pageview: "Viewed", event: "Event", identify: "Identified", leave: "Left" };
const DIMENSION_NAMES: Record<Dimension, string> = {
  page: "Page", source: "Source", channel: "Channel", country: "Country",
  device: "Device", browser: "Browser", os: "System", language: "Language",
};

/** A row's key as people read it; empty is unknown. */
export function valueName(dimension: Dimension, value: string): string {
  if (value === "") return "Unknown";
  if (dimension === "country") return countryName(value);
  if (dimension === "language") return languageName(value);
  if (dimension === "channel") return CHANNELS[value] ?? value;
  if (dimension === "device") return DEVICES[value] ?? value;
  return value;
}

export function dimensionName(dimension: Dimension): string {
  return DIMENSION_NAMES[dimension];
}

export function botReason(reason: string): string {
  return BOTS[reason] ?? reason;
}

export function kindName(kind: HitKind): string {
  return KINDS[kind] ?? kind;
}

export function countryName(code: string): string {
  return named(countries, code.toUpperCase()) || "Unknown";
}

function languageName(code: string): string {
  return named(languages, code);
}

/** What came from outside may be no code at all: then it is shown as it came. */
function named(names: Intl.DisplayNames, code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

/** `Paris, France`, `France`, `Unknown`. */
export function placeName(place: { city: string; region: string; country: string }): string {
  const country = countryName(place.country);
  return [place.city || place.region, country].filter(Boolean).join(", ");
}

/** The two regional-indicator letters of a country; empty where it is none. */
export function flag(code: string): string {
  if (!/^[A-Za-z]{2}$/.test(code)) return "";
  return String.fromCodePoint(...[...code.toUpperCase()].map((letter) => 0x1f1e6 + letter.charCodeAt(0) - 65));
}

/** `Firefox 133`, `Firefox`, `Unknown browser`. */
export function versioned(name: string, version: string): string {
  return [name || "Unknown", version].filter(Boolean).join(" ");
}

/** `9,500`, `12K`, `1.5M`: for scales, where a number has little room. */
export function brief(number: number): string {
  return number < 10_000 ? count(number) : compact.format(number);
}

/** The next number up that a scale may end at: round, and even, so that its half is whole too. */
export function niceCeiling(number: number): number {
  if (number <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(number));
  const steps = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((step) => Math.round(step * power));
  return steps.find((step) => step >= number && step % 2 === 0) ?? 10 * power;
}
