// Days of which only totals are known, in words: which they are, and whether they are in the numbers.
import { make } from "./element";
import { counted } from "./format";
import { METRIC_WORDS } from "./reports-words";
import type { AnyMetric } from "./reports-words";

export interface Imported {
  days: number;
  first: string;
  last: string;
  counted: boolean;
  because?: string;
  without?: AnyMetric[];
}

const FORMAT = new Intl.DateTimeFormat(globalThis.document?.documentElement.lang || "en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

function daysText({ days, first, last }: Imported): string {
  const span = FORMAT.formatRange(Date.parse(first), Date.parse(last));
  return `${span} (${counted(days, "day", "days")})`;
}

/** Of the headline: what the numbers are made of. */
export function headlineText(imported: Imported): string {
  const without = (imported.without ?? []).map((metric) => METRIC_WORDS[metric].name.toLowerCase());
  const left = without.length > 0 ? ` They are not in ${without.join(", ")}.` : "";
  return imported.counted
    ? `Daily totals imported from elsewhere: ${daysText(imported)}. Visitors of these days are added up: who came on two of them counts twice.${left}`
    : leftText(imported);
}

function leftText(imported: Imported): string {
  return `Without ${daysText(imported)} of daily totals imported from elsewhere: ${imported.because ?? "they do not tell this"}.`;
}

/** Below a panel that such days are not in; null where they are, or there are none. */
export function leftNote(imported: Imported | undefined): HTMLElement | null {
  return imported && !imported.counted ? make("p", "hint imported-left", leftText(imported)) : null;
}
