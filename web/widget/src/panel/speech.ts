// The language of the panel: its words, and days and times as people of it write them.
import { LANGUAGES, isRightToLeft, languageOf } from "../language";
import { phrase } from "../words";
import type { Words } from "../words";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export class Speech {
  /** As it was asked for, with its region. */
  readonly locale: string;
  private readonly language: number;

  constructor(asked: string) {
    this.language = languageOf(asked);
    const own = LANGUAGES[this.language]!;
    // A page says of its language but the half; how times are written there, the browser knows.
    const wanted = [asked, ...navigator.languages].filter((tag) => isLocale(tag) && tag.toLowerCase().split("-")[0] === own);
    this.locale = wanted.find((tag) => tag.includes("-")) ?? own;
  }

  get direction(): "ltr" | "rtl" {
    return isRightToLeft(this.language) ? "rtl" : "ltr";
  }

  say(words: Words, values?: Record<string, string | number>): string {
    return phrase(words, this.language, values);
  }

  /** `today`, `yesterday`, `Monday 17 November`. */
  day(at: number, now: number): string {
    const ago = Math.round((startOfDay(at) - startOfDay(now)) / DAY_MS);
    if (ago === 0 || ago === -1) return new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" }).format(ago, "day");
    const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
    return new Date(at).toLocaleDateString(this.locale, { weekday: "long", day: "numeric", month: "long", year });
  }

  /** A moment to come: `09:00`, `Monday 09:00`, `Monday 1 December 09:00`. */
  until(at: number, now: number): string {
    const days = Math.round((startOfDay(at) - startOfDay(now)) / DAY_MS);
    const date = days === 0 ? {} : ({ weekday: "long", ...(days < 7 ? {} : { day: "numeric", month: "long" }) } as const);
    return new Date(at).toLocaleString(this.locale, { ...date, hour: "2-digit", minute: "2-digit" });
  }

  number(number: number): string {
    return number.toLocaleString(this.locale);
  }
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
