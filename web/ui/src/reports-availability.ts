// Whether the site's pages were there: the panel of the reports, and outages as bands over the chart.
import { make } from "./element";
import { count, counted, duration } from "./format";
import { problemOf, reach } from "./reports-api";
import type { Labels } from "./reports-labels";

export interface Outage {
  from: number;
  to: number;
  reason: string;
  /** The reason as people read it. */
  sentence: string;
  began_before: boolean;
  is_open: boolean;
}

export interface WatchedPage {
  id: string;
  url: string;
  now: "up" | "down" | "unknown";
  /** Milliseconds of the last look; null: no answer, or not known. */
  took_ms: number | null;
  /** 0 to 1; null: nobody looked. */
  uptime: number | null;
  known_ms: number;
  down_ms: number;
  outages: Outage[];
  /** Earlier ones that are not told. */
  outages_more: number;
}

/** Of one page at one time; `pages` are all that were down then. */
export interface Stretch {
  from: number;
  to: number;
  pages: string[];
}

/** Outages of one page in the list. */
const SHOWN_MAX = 8;
/** Of all pages, on the chart. */
const BANDS_MAX = 200;
const NOW_NAMES = { up: "up", down: "down", unknown: "not known" };

export class Availability {
  constructor(private readonly stage: HTMLElement, private readonly site: string, private readonly labels: Labels, private readonly mayEdit: boolean, private readonly mark: (stretches: Stretch[]) => void) {}

  async load(from: number, to: number, signal: AbortSignal): Promise<void> {
    const address = `/api/watchfire/sites/${encodeURIComponent(this.site)}/availability?from=${Math.floor(from)}&to=${Math.ceil(to)}`;
    try {
      const answer = await reach(address, { signal });
      const told = await answer.json().catch(() => null);
      if (signal.aborted) return;
      if (!answer.ok || told === null) throw problemOf(answer.status, told);
      this.show((told as { pages: WatchedPage[] }).pages);
    } catch (error) {
      if (signal.aborted) return;
      this.stage.hidden = false;
      this.put(make("p", "nothing", error instanceof Error ? error.message : String(error)));
      this.mark([]);
    }
  }

  private show(pages: WatchedPage[]): void {
    this.mark(stretchesOf(pages).slice(-BANDS_MAX));
    this.stage.hidden = pages.length === 0 && !this.mayEdit;
    if (pages.length === 0) return this.put(make("p", "nothing", "No page is looked at. Name one, and reports show when it was not there."));
    const list = make("ul", "availability-list");
    list.setAttribute("role", "list");
    list.append(...pages.map((page) => this.row(page)));
    this.put(list);
  }

  private put(drawn: HTMLElement): void {
    this.stage.querySelector('[data-part="panel-body"]')?.replaceChildren(drawn);
  }

  private row(page: WatchedPage): HTMLElement {
    const row = make("li", "availability-page");
    const name = make("p", "availability-name");
    const badge = make("span", `badge is-${page.now}`, NOW_NAMES[page.now]);
    name.append(make("bdi", "address", page.url), " ", badge);
    if (page.now === "up" && page.took_ms !== null) name.append(" ", make("span", "muted small", `took ${count(page.took_ms)} ms`));
    row.append(name, make("p", "muted small", summary(page)));
    const latest = page.outages.slice(-SHOWN_MAX).reverse();
    if (latest.length > 0) row.append(this.outages(page.url, latest));
    const more = page.outages.length - latest.length + page.outages_more;
    if (more > 0) row.append(make("p", "muted small", `and ${count(more)} earlier`));
    return row;
  }

  private outages(url: string, outages: Outage[]): HTMLElement {
    const box = make("div", "table-scroll");
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Outages of ${url}`);
    const table = make("table", "table");
    const head = make("tr");
    head.append(...["From", "To", "Lasted", "Reason"].map((title) => {
      const cell = make("th", title === "Lasted" ? "number" : "", title);
      cell.scope = "col";
      return cell;
    }));
    const body = make("tbody");
    body.append(...outages.map((outage) => {
      const row = make("tr");
      const from = `${outage.began_before ? "before " : ""}${this.labels.bucket(outage.from, "minute")}`;
      const to = outage.is_open ? "still down" : this.labels.bucket(outage.to, "minute");
      row.append(make("td", "", from), make("td", "", to), make("td", "number", duration(outage.to - outage.from)), make("td", "", outage.sentence));
      return row;
    }));
    const top = make("thead");
    top.append(head);
    table.append(top, body);
    box.append(table);
    return box;
  }
}

function summary(page: WatchedPage): string {
  if (page.uptime === null) return "Nothing is known of this time.";
  const many = page.outages.length + page.outages_more;
  const down = many === 0 ? "never down" : `${duration(page.down_ms)} down in ${counted(many, "outage")}`;
  return `${uptimeText(page.uptime)} up, ${down}`;
}

/** Never rounded up to all, where it was not all. */
export function uptimeText(share: number): string {
  return share >= 1 ? "100 %" : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

/** When any page was down, stretches that touch as one. */
export function stretchesOf(pages: { url: string; outages: { from: number; to: number }[] }[]): Stretch[] {
  const all = pages.flatMap(({ url, outages }) => outages.map(({ from, to }) => ({ from, to, pages: [url] })));
  all.sort((one, other) => one.from - other.from);
  const stretches: Stretch[] = [];
  for (const stretch of all) {
    const last = stretches.at(-1);
    if (!last || stretch.from > last.to) {
      stretches.push(stretch);
      continue;
    }
    last.to = Math.max(last.to, stretch.to);
    last.pages = [...new Set([...last.pages, ...stretch.pages])];
  }
  return stretches;
}
