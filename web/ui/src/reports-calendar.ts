// The calendar of a site's time zone: moments as dates and clock times, and back. Pure.

/** `2026-03-29`. Dates of four-digit years sort as texts. */
export type PlainDate = string;

export interface Wall {
  date: PlainDate;
  hour: number;
  minute: number;
}

const DAY_MS = 86_400_000;

export class Calendar {
  readonly zone: string;
  private readonly reader: Intl.DateTimeFormat;

  constructor(zone: string | undefined) {
    this.zone = known(zone);
    this.reader = new Intl.DateTimeFormat("en-CA", {
      timeZone: this.zone, hourCycle: "h23", calendar: "gregory", numberingSystem: "latn",
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
  }

  wall(at: number): Wall {
    const shown = new Date(this.shown(at));
    return { date: shown.toISOString().slice(0, 10), hour: shown.getUTCHours(), minute: shown.getUTCMinutes() };
  }

  date(at: number): PlainDate {
    return this.wall(at).date;
  }

  /** The first moment that shows this; where the clock jumps over it, the jump. */
  at(date: PlainDate, hour = 0, minute = 0): number {
    const wanted = utc(date) + hour * 3_600_000 + minute * 60_000;
    const before = wanted - this.offset(wanted - DAY_MS);
    const after = wanted - this.offset(wanted + DAY_MS);
    const shows = [before, after].filter((at) => this.shown(at) === wanted);
    return shows.length > 0 ? Math.min(...shows) : before;
  }

  private offset(at: number): number {
    return this.shown(at) - Math.floor(at / 1000) * 1000;
  }

  /** What the zone's clock shows, as if it were UTC; whole seconds. */
  private shown(at: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.reader.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }
}

function known(zone: string | undefined): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}

function utc(date: PlainDate): number {
  return Date.parse(`${date}T00:00:00Z`);
}

function plain(at: number): PlainDate {
  return new Date(at).toISOString().slice(0, 10);
}

export function isDate(text: string): boolean {
  return /^(19[789]\d|20\d\d|21\d\d)-\d\d-\d\d$/.test(text) && Number.isFinite(utc(text)) && plain(utc(text)) === text;
}

export function addDays(date: PlainDate, days: number): PlainDate {
  return plain(utc(date) + days * DAY_MS);
}

/** The same day of another month; its last where it is shorter. */
export function addMonths(date: PlainDate, months: number): PlainDate {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return plain(Date.UTC(year, month - 1 + months, Math.min(day, last)));
}

export function daysBetween(from: PlainDate, to: PlainDate): number {
  return Math.round((utc(to) - utc(from)) / DAY_MS);
}

export function monthStart(date: PlainDate): PlainDate {
  return `${date.slice(0, 7)}-01`;
}

/** 1 (Monday) to 7. */
export function weekday(date: PlainDate): number {
  return ((new Date(utc(date)).getUTCDay() + 6) % 7) + 1;
}
