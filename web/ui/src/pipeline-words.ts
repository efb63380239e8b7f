// The stations that a hit passes, and their numbers as people read them. Pure.
import { count } from "./format";

export type Unit = "rate" | "count" | "seconds" | "bytes";

export interface Fact {
  label: string;
  name: string;
  unit: Unit;
  /** More than nothing of it is trouble. */
  bad?: true;
  /** Shown only where there is any. */
  rare?: true;
}

export interface Station {
  key: string;
  title: string;
  does: string;
  /** Services whose processes tell of it. */
  of: string[];
  /** What is drawn over the hour. */
  main: Fact;
  facts: Fact[];
}

const refused: Fact = { label: "refused", name: "collector_refused", unit: "rate" };

/** In the order of the pipeline. */
export const STATIONS: Station[] = [
  {
    key: "collector", title: "Collector", does: "takes hits from tags", of: ["collector"],
    main: { label: "hits a second", name: "collector_hits", unit: "rate" },
    facts: [{ label: "answered in (p99)", name: "collector_p99", unit: "seconds" }, refused],
  },
  {
    key: "bus", title: "Bus", does: "keeps them until they are worked on", of: ["collector"],
    main: { label: "messages wait", name: "bus_depth", unit: "count" },
    facts: [
      { label: "messages a second", name: "bus_messages", unit: "rate" },
      { label: "safe after (p99)", name: "bus_p99", unit: "seconds" },
      { label: "spooled", name: "bus_spooled_bytes", unit: "bytes", bad: true, rare: true },
      { label: "failures", name: "bus_failures", unit: "rate", bad: true },
      { label: "set aside", name: "bus_dead_letters", unit: "rate", bad: true, rare: true },
    ],
  },
  {
    key: "processor", title: "Processor", does: "makes visits and presence of them", of: ["processor"],
    main: { label: "hits a second", name: "processor_hits", unit: "rate" },
    facts: [
      { label: "behind (p99)", name: "processor_lag", unit: "seconds" },
      { label: "written in (p99)", name: "processor_p99", unit: "seconds" },
      { label: "dropped", name: "processor_drops", unit: "rate" },
    ],
  },
  {
    key: "live", title: "Live", does: "knows who is here", of: ["processor"],
    main: { label: "visitors right now", name: "present", unit: "count" },
    facts: [
      { label: "answers in (p99)", name: "live_p99", unit: "seconds" },
      { label: "failures", name: "live_failures", unit: "rate", bad: true },
    ],
  },
  {
    key: "realtime", title: "Realtime", does: "tells dashboards and rooms", of: ["realtime"],
    main: { label: "frames a second", name: "realtime_frames", unit: "rate" },
    facts: [
      { label: "connections", name: "realtime_connections", unit: "count" },
      { label: "told after (p99)", name: "realtime_p99", unit: "seconds" },
      { label: "fell behind", name: "realtime_lags", unit: "rate", bad: true, rare: true },
    ],
  },
  {
    key: "store", title: "Store", does: "keeps every visit and word", of: ["processor", "web"],
    main: { label: "answers in (p99)", name: "store_p99", unit: "seconds" },
    facts: [
      { label: "failures", name: "store_failures", unit: "rate", bad: true },
      { label: "folds that failed", name: "history_failures", unit: "rate", bad: true, rare: true },
      { label: "disk free", name: "disk_free_bytes", unit: "bytes" },
    ],
  },
  {
    key: "web", title: "Web", does: "answers pages, API and chat", of: ["web"],
    main: { label: "requests a second", name: "web_requests", unit: "rate" },
    facts: [
      { label: "answered in (p99)", name: "web_p99", unit: "seconds" },
      { label: "failed, of all services", name: "failed", unit: "rate", bad: true },
      { label: "panics", name: "panics", unit: "rate", bad: true, rare: true },
    ],
  },
  {
    key: "outbox", title: "Outbox", does: "sends mail, pushes and hooks", of: ["web"],
    main: { label: "sent a second", name: "outbox_jobs", unit: "rate" },
    facts: [
      { label: "under way", name: "outbox_under_way", unit: "count" },
      { label: "took (p99)", name: "outbox_p99", unit: "seconds" },
      { label: "given up", name: "outbox_given_up", unit: "rate", bad: true },
    ],
  },
];

const STEPS = ["B", "KB", "MB", "GB", "TB"];

/** `1,204`, `3.2`, `0.04`: as many digits as tell something. */
function plain(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 100) return count(Math.round(value));
  if (Math.abs(value) >= 10) return String(Math.round(value * 10) / 10);
  if (Math.abs(value) >= 0.01) return String(Math.round(value * 100) / 100);
  return value > 0 ? "< 0.01" : "0";
}

export function bytes(value: number): string {
  let step = 0;
  for (; value >= 1000 && step < STEPS.length - 1; step++) value /= 1000;
  return `${step === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${STEPS[step]}`;
}

export function seconds(value: number): string {
  if (value >= 10) return `${Math.round(value)} s`;
  if (value >= 1) return `${Math.round(value * 10) / 10} s`;
  if (value >= 0.001) return `${Math.round(value * 1000)} ms`;
  return value === 0 ? "0 ms" : "< 1 ms";
}

export function inWords(value: number | undefined, unit: Unit): string {
  if (value === undefined) return "–";
  switch (unit) {
    case "rate": return plain(value);
    case "count": return count(Math.round(value));
    case "seconds": return seconds(value);
    case "bytes": return bytes(value);
  }
}

/** What a service that is there does not tell of has not happened there; of how long it took nothing is known then. */
export function amount(told: number | undefined, unit: Unit, isThere: boolean): number | undefined {
  return told ?? (isThere && (unit === "rate" || unit === "count") ? 0 : undefined);
}

/** The points of a line over the hour, in a box of `width` by `height`; gaps are left out, each run a line of its own. */
export function lines(values: readonly (number | null)[], width: number, height: number): string[] {
  const top = Math.max(0, ...values.map((value) => value ?? 0)) || 1;
  const found: string[] = [];
  let run: string[] = [];
  const end = () => {
    if (run.length === 1) run.push(run[0]!.replace(/^[^,]+/, (x) => String(Math.min(width, Number(x) + 1))));
    if (run.length > 0) found.push(run.join(" "));
    run = [];
  };
  values.forEach((value, index) => {
    if (value === null) return end();
    const x = Math.round((index / Math.max(1, values.length - 1)) * width * 10) / 10;
    run.push(`${x},${Math.round((height - (value / top) * height) * 10) / 10}`);
  });
  end();
  return found;
}
