// What reports speak of: metrics with their definitions, dimensions with their names, the panels and their tabs. Pure.
import { count, duration, valueName } from "./format";
import type { Dimension } from "./protocol";

export const METRICS = ["visitors", "visits", "pageviews", "views-a-visit", "bounce-rate", "visit-duration", "engaged-time", "scroll-depth"] as const;
export type Metric = (typeof METRICS)[number];
/** `events` and `revenue` stand in panels alone. */
export type AnyMetric = Metric | "events" | "revenue";

/** As docs/definitions.md has them. */
export const METRIC_WORDS: Record<AnyMetric, { name: string; means: string; lessIsBetter?: true }> = {
  visitors: { name: "Visitors", means: "Distinct browsers with a hit in the range, exact. Without an identifier a browser is another visitor each day; where the site keeps an id in the browser, the same one." },
  visits: { name: "Visits", means: "Runs of one visitor’s hits with no gap over 30 minutes; a heartbeat counts as activity. Never cut at midnight. A visit belongs to the day on which it began, in the site’s time zone." },
  pageviews: { name: "Pageviews", means: "Pages shown, client-side routes included; a prerendered page when it is shown; a page restored from the back-forward cache is one more." },
  "views-a-visit": { name: "Views a visit", means: "Pageviews divided by visits." },
  "bounce-rate": { name: "Bounce rate", lessIsBetter: true, means: "Of the visits, those of one pageview, no event, and under 10 s engaged." },
  "visit-duration": { name: "Visit duration", means: "Mean of the visits: last sign of life minus first. A visit of one moment counts as zero." },
  "engaged-time": { name: "Engaged a visit", means: "Time in which a page was visible and focused and there was input (scroll, key, pointer, touch) within the last 15 s, divided by visits." },
  "scroll-depth": { name: "Scroll depth", means: "Mean of the deepest point of each page that was shown, over pageviews." },
  events: { name: "Events", means: "Something that the site names with watchfire('event', …) or data-wf-event; the tag itself names outbound and download." },
  revenue: { name: "Revenue", means: "Sum of the property “revenue” of events." },
};

/** Of a question with a goal. */
export type GoalMetric = "converted" | "conversions" | "conversion-rate";

export type Values = Partial<Record<AnyMetric | GoalMetric, number>>;

/** The number that a tile shows: engaged time is told a visit. */
export function numberOf(metric: AnyMetric, values: Values): number {
  const value = values[metric] ?? 0;
  if (metric !== "engaged-time") return value;
  const visits = values.visits ?? 0;
  return visits === 0 ? 0 : value / visits;
}

const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const wholePercents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });

export function metricText(metric: AnyMetric, number: number): string {
  switch (metric) {
    case "views-a-visit": case "revenue": return tenths.format(number);
    case "bounce-rate": case "scroll-depth": return percents.format(number);
    case "visit-duration": case "engaged-time": return duration(number);
    default: return count(number);
  }
}

export function percent(share: number): string {
  return percents.format(share);
}

/** `+12 %` by what a number grew; null: there was nothing to grow from. */
export function growth(now: number, before: number): number | null {
  return before === 0 ? null : (now - before) / before;
}

export function growthText(growth: number): string {
  const text = wholePercents.format(Math.abs(growth));
  return `${growth > 0 ? "+" : growth < 0 ? "−" : ""}${text}`;
}

export const DIMENSION_WORDS: Record<string, string> = {
  page: "Page", "entry-page": "Entry page", "exit-page": "Exit page", title: "Title", hostname: "Hostname", query: "Query",
  channel: "Channel", source: "Source", referrer: "Referrer", utm_source: "UTM source", utm_medium: "UTM medium",
  utm_campaign: "UTM campaign", utm_term: "UTM term", utm_content: "UTM content", country: "Country", region: "Region", city: "City",
  language: "Language", browser: "Browser", browser_version: "Browser version", os: "System", os_version: "System version",
  device: "Device", screen: "Screen", event: "Event", hour: "Hour", weekday: "Weekday", "new-or-returning": "New or returning", bot: "Bot",
};

const PROP_LENGTH_MAX = 128;

export function isDimension(by: string): boolean {
  return Object.hasOwn(DIMENSION_WORDS, by) || (/^prop:./.test(by) && by.length <= PROP_LENGTH_MAX);
}

export function dimensionText(by: string): string {
  return by.startsWith("prop:") ? by.slice(5) : DIMENSION_WORDS[by] ?? by;
}

export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const EMPTY: Record<string, string> = {
  source: "Direct or unknown", referrer: "No referrer", "entry-page": "No pageview", "exit-page": "No pageview", title: "No title", query: "No query", bot: "No bot",
};

/** A value as people read it. */
export function valueText(by: string, value: string): string {
  if (value === "") return EMPTY[by] ?? (by.startsWith("utm_") ? "None" : by.startsWith("prop:") ? "Empty" : "Unknown");
  if (by === "weekday") return WEEKDAYS[Number(value) - 1] ?? value;
  if (by === "hour") return `${value}:00`;
  return isOfAddress(by) ? readable(value) : valueName(by as Dimension, value);
}

function isOfAddress(by: string): boolean {
  return ["page", "entry-page", "exit-page", "referrer", "query"].includes(by);
}

/** Addresses come with their letters as percents; people read letters. */
function readable(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

/** Paths and addresses read from the left, whatever they are written in. */
export function readsFromLeft(by: string): boolean {
  return ["page", "entry-page", "exit-page", "hostname", "referrer", "query"].includes(by);
}

export interface Tab {
  name: string;
  title: string;
  /** What it is broken down by: the last of two is the finer. */
  by: string[];
  metric: AnyMetric;
  means: string;
}

export interface Panel {
  name: string;
  title: string;
  tabs: Tab[];
}

const tab = (name: string, title: string, by: string[], means: string, metric: AnyMetric = "visitors"): Tab => ({ name, title, by, means, metric });
const ORIGIN = "Decided by the visit’s first hit: UTM first, then referrer, then direct.";
const PLACE = "Looked up from the address in a file on this server; the address itself is never kept.";
const AGENT = "As the browser’s own agent says.";

export const PANELS: Panel[] = [
  { name: "pages", title: "Pages", tabs: [
    tab("page", "Pages", ["page"], "Visitors with a hit on that page. Somebody who saw two pages counts on both, so rows may add up to more than the total."),
    tab("entry", "Entry", ["entry-page"], "The page of the visit’s first pageview."),
    tab("exit", "Exit", ["exit-page"], "The page of the visit’s last pageview."),
    tab("title", "Titles", ["title"], "The document’s title when the page was shown."),
    tab("hostname", "Hosts", ["hostname"], "The host that the page was served from."),
  ] },
  { name: "sources", title: "Sources", tabs: [
    tab("source", "Sources", ["source"], ORIGIN),
    tab("channel", "Channels", ["channel"], `${ORIGIN} Direct, search, paid search, social, paid social, mail, paid, AI assistant, referral or campaign.`),
    tab("referrer", "Referrers", ["referrer"], "The page that linked here, as the browser told it at the visit’s first hit."),
    tab("campaign", "Campaigns", ["utm_campaign"], "utm_campaign of the visit’s first address."),
    tab("utm-source", "UTM source", ["utm_source"], "utm_source of the visit’s first address."),
    tab("medium", "Medium", ["utm_medium"], "utm_medium of the visit’s first address."),
    tab("term", "Term", ["utm_term"], "utm_term of the visit’s first address."),
    tab("content", "Content", ["utm_content"], "utm_content of the visit’s first address."),
  ] },
  { name: "places", title: "Places", tabs: [
    tab("country", "Countries", ["country"], PLACE),
    tab("region", "Regions", ["country", "region"], PLACE),
    tab("city", "Cities", ["country", "city"], PLACE),
    tab("language", "Languages", ["language"], "The first language that the browser asks for."),
  ] },
  { name: "devices", title: "Devices", tabs: [
    tab("device", "Devices", ["device"], AGENT),
    tab("browser", "Browsers", ["browser"], AGENT),
    tab("browser-version", "Versions", ["browser", "browser_version"], AGENT),
    tab("os", "Systems", ["os"], AGENT),
    tab("os-version", "System versions", ["os", "os_version"], AGENT),
    tab("screen", "Screens", ["screen"], "Width and height of the screen in CSS pixels."),
  ] },
  { name: "events", title: "Events", tabs: [
    tab("event", "Events", ["event"], METRIC_WORDS.events.means, "events"),
    tab("prop", "Properties", [], "Values of one property of events.", "events"),
  ] },
];

/** What a link that is limited to hits is told: not how long whole visits were. */
export function metricsOf(limited: string | undefined): readonly Metric[] {
  return limited === "hits" ? METRICS.filter((metric) => metric !== "bounce-rate" && metric !== "visit-duration") : METRICS;
}

/** What a link that is limited to hits is not told: where their visits began and ended. */
export function panelsOf(limited: string | undefined): Panel[] {
  if (limited !== "hits") return PANELS;
  const isTold = ({ name }: Tab) => name !== "entry" && name !== "exit";
  return PANELS.map((panel) => ({ ...panel, tabs: panel.tabs.filter(isTold) }));
}
