// One metric over the range's buckets as a line, what it is compared with as a dashed one, and both as a table.
import { countOf, markedIn, wordsOf } from "./commits";
import type { Marked } from "./commits";
import type { Stretch } from "./reports-availability";
import uPlot from "uplot";
import { make, part, say } from "./element";
import { brief, niceCeiling } from "./format";
import type { BreakdownAnswer, Series } from "./reports-api";
import { METRIC_WORDS, metricText, numberOf } from "./reports-words";
import type { Metric } from "./reports-words";
import type { Labels } from "./reports-labels";
import type { Span, Unit } from "./reports-range";

const HEIGHT = 260;
const TICK_SPACE = 76;

interface Point {
  at: number;
  now: number | null;
  /** The bucket is not over yet. */
  isOpen: boolean;
  /** Days of which only totals are known are in it. */
  isImported: boolean;
  beforeAt: number | null;
  before: number | null;
}

export class ReportChart {
  private readonly stage: HTMLElement;
  private readonly readout: HTMLElement;
  private readonly table: HTMLDetailsElement;
  private plot: uPlot | null = null;
  private points: Point[] = [];
  private metric: Metric = "visitors";
  private unit: Unit = "day";
  private pointed: number | null = null;
  private marked: Marked = { notes: [], commits: [], more: false };
  private outages: Stretch[] = [];
  private onOpen: (from: number, to: number) => void = () => undefined;

  constructor(private readonly root: HTMLElement, private readonly labels: Labels, private readonly onSelect: (span: Span) => void) {
    this.stage = part(root, "chart");
    this.readout = part(root, "readout");
    this.table = part<HTMLDetailsElement>(root, "as-table");
    this.stage.addEventListener("keydown", (event) => this.press(event));
    this.stage.addEventListener("blur", () => this.point(null));
    this.table.addEventListener("toggle", () => this.writeTable());
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry!.contentRect.width);
      if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
    }).observe(this.stage);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", () => this.draw());
  }

  show(answer: BreakdownAnswer, metric: Metric, unit: Unit, at: number): void {
    this.metric = metric;
    this.unit = unit;
    this.points = pointsOf(answer, metric, at);
    this.pointed = null;
    this.draw();
    this.writeTable();
    this.writeReadout();
  }

  /** Marks the buckets in which something is noted; a press hands over the bucket. */
  mark(marked: Marked, onOpen: (from: number, to: number) => void): void {
    this.marked = marked;
    this.onOpen = onOpen;
    this.drawMarks();
  }

  /** Marks when pages of the site were down. */
  shade(outages: Stretch[]): void {
    this.outages = outages;
    this.drawMarks();
    this.writeLegend();
  }

  private drawMarks(): void {
    for (const mark of this.stage.querySelectorAll(".note-mark, .imported-stretch, .outage-stretch")) mark.remove();
    const { plot, points } = this;
    if (!plot) return;
    this.shadeImported(plot);
    this.shadeOutages(plot);
    points.forEach((point, index) => {
      const to = points[index + 1]?.at ?? this.end;
      const within = markedIn(this.marked, point.at, to);
      const texts = wordsOf(within);
      if (texts.length === 0) return;
      const mark = make("button", "note-mark");
      mark.type = "button";
      mark.title = texts.join("\n");
      mark.append(make("span", "sr-only", `${this.labels.bucket(point.at, this.unit)}: ${texts.join("; ")}`));
      if (countOf(within) > 1) mark.append(count(countOf(within)));
      mark.style.left = `${plot.over.offsetLeft + plot.valToPos(index, "x")}px`;
      mark.addEventListener("click", () => this.onOpen(point.at, to));
      this.stage.append(mark);
    });
  }

  /** Behind the line, where it is made of daily totals. */
  private shadeImported(plot: uPlot): void {
    const { points } = this;
    const half = points.length > 1 ? (plot.valToPos(1, "x") - plot.valToPos(0, "x")) / 2 : plot.over.clientWidth / 2;
    for (let from = 0; from < points.length; from++) {
      if (!points[from]!.isImported) continue;
      let to = from;
      while (points[to + 1]?.isImported) to++;
      const [start, end] = [Math.max(0, plot.valToPos(from, "x") - half), Math.min(plot.over.clientWidth, plot.valToPos(to, "x") + half)];
      const stretch = make("div", "imported-stretch");
      stretch.style.left = `${plot.over.offsetLeft + start}px`;
      stretch.style.width = `${end - start}px`;
      stretch.style.top = `${plot.over.offsetTop}px`;
      stretch.style.height = `${plot.over.clientHeight}px`;
      this.stage.prepend(stretch);
      from = to;
    }
  }

  /** Behind the line, where a page was down; the list beneath says which and why. */
  private shadeOutages(plot: uPlot): void {
    for (const { from, to } of this.outages) {
      if (to <= (this.points[0]?.at ?? 0) || from >= this.end) continue;
      const [start, end] = [Math.max(0, this.place(plot, from)), Math.min(plot.over.clientWidth, this.place(plot, to))];
      const stretch = make("div", "outage-stretch");
      stretch.setAttribute("aria-hidden", "true");
      stretch.style.left = `${plot.over.offsetLeft + start}px`;
      stretch.style.width = `${end - start}px`;
      stretch.style.top = `${plot.over.offsetTop}px`;
      stretch.style.height = `${plot.over.clientHeight}px`;
      this.stage.prepend(stretch);
    }
  }

  /** Where a moment is on the axis: a bucket is drawn at its begin, and one alone has all of it. */
  private place(plot: uPlot, at: number): number {
    const { points } = this;
    const next = points.findIndex((point) => point.at > at);
    const index = next < 0 ? points.length - 1 : Math.max(0, next - 1);
    const [begin, end] = [points[index]?.at ?? at, points[index + 1]?.at ?? this.end];
    const within = end > begin ? Math.min(1, Math.max(0, (at - begin) / (end - begin))) : 0;
    return plot.valToPos(index + within - (points.length <= 2 ? 0.5 : 0), "x");
  }

  private draw(): void {
    this.plot?.destroy();
    this.stage.querySelector(".bone")?.remove();
    this.writeLegend();
    this.plot = new uPlot(this.options(), this.data(), this.stage);
    this.plot.root.setAttribute("aria-hidden", "true");
  }

  private data(): uPlot.AlignedData {
    const open = this.points.findIndex((point) => point.isOpen);
    const solid = this.points.map((point) => (point.isOpen ? null : point.now));
    // The bucket that is not over yet hangs on a dashed end.
    const dashed = this.points.map((point, index) => (open >= 0 && (index === open || index === open - 1) ? point.now : null));
    return [this.points.map((_, index) => index), this.points.map((point) => point.before), solid, dashed];
  }

  private options(): uPlot.Options {
    const colour = (name: string) => getComputedStyle(this.stage).getPropertyValue(name).trim();
    const [line, grid, ink, flame] = [colour("--control"), colour("--line"), colour("--muted"), colour("--flame")];
    const few = this.points.length <= 2;
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const last = this.points.length - 1;
    return {
      width: Math.max(240, Math.floor(this.stage.clientWidth)),
      height: HEIGHT,
      padding: [10, 8, 0, 24],
      legend: { show: false },
      cursor: {
        y: false, drag: { x: this.points.length > 2, y: false, setScale: false }, points: { size: 9 },
        focus: { prox: -1 },
      },
      scales: { x: { time: false, range: () => (few ? [-0.5, last + 0.5] : [0, last]) }, y: { range: (_, __, most) => [0, ceiling(this.metric, most)] } },
      axes: [
        {
          stroke: ink, font, grid: { show: false }, ticks: { show: false }, space: TICK_SPACE, size: 30,
          splits: (plot) => this.ticks(plot.bbox.width / devicePixelRatio),
          values: (_, splits) => splits.map((index) => this.tick(index)),
        },
        {
          side: 1, stroke: ink, font, size: 52, gap: 6, ticks: { show: false }, grid: { stroke: grid, width: 1 },
          values: (_, splits) => splits.map((number) => this.scale(number)),
          splits: (_, __, ___, most) => [0, most / 2, most],
        },
      ],
      series: [
        {},
        { stroke: line, width: 1.5, dash: [4, 4], points: { show: few, size: 6 }, spanGaps: false },
        { stroke: flame, width: 2.25, fill: `${flame}1c`, points: { show: few || this.points.length - 1 === this.points.findIndex((point) => point.isOpen) - 1, size: 6, fill: flame } },
        { stroke: flame, width: 2.25, dash: [3, 4], points: { show: true, size: 6, fill: flame, filter: (_, index) => (index === 3 ? this.openPoint() : null) } },
      ],
      hooks: {
        setCursor: [(plot) => this.pointAt(plot.cursor.idx ?? null)],
        setSelect: [(plot) => this.select(plot)],
        // Only then are the scales as they will be, after a change of size too.
        draw: [() => this.drawMarks()],
      },
    };
  }

  private openPoint(): number[] {
    const open = this.points.findIndex((point) => point.isOpen);
    return open < 0 ? [] : [open];
  }

  /** Never two labels closer than they are wide; days of a month that hold a Monday first. */
  private ticks(width: number): number[] {
    const every = Math.max(1, Math.ceil(this.points.length / Math.max(1, Math.floor(width / TICK_SPACE))));
    const natural = { minute: [1, 5, 10, 15, 30, 60, 120, 180], hour: [1, 2, 3, 4, 6, 12, 24, 48, 72, 96, 168], day: [1, 2, 3, 7, 14, 28, 56, 91], week: [1, 2, 4, 8, 13, 26], month: [1, 2, 3, 6, 12], year: [1, 2, 5, 10] }[this.unit];
    const step = natural.find((step) => step >= every) ?? every;
    return this.points.flatMap((_, index) => (index % step === 0 ? [index] : []));
  }

  private tick(index: number): string {
    const point = this.points[index];
    if (!point) return "";
    const isOfDays = this.unit === "hour" && this.points.length > 50;
    return this.labels.tick(point.at, isOfDays ? "day" : this.unit);
  }

  private scale(number: number): string {
    return ["visitors", "visits", "pageviews"].includes(this.metric) ? brief(number) : metricText(this.metric, number);
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 8) return;
    const index = (at: number) => Math.min(this.points.length - 1, Math.max(0, Math.round(plot.posToVal(at, "x"))));
    const [from, to] = [index(left), index(left + width)];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const after = this.points[to + 1]?.at ?? this.end;
    if (this.points[from]) this.onSelect({ from: this.points[from].at, to: after });
  }

  /** Where the last bucket ends; told by the page. */
  end = 0;

  private press(event: KeyboardEvent): void {
    const last = this.points.length - 1;
    const at = this.pointed ?? (event.key === "ArrowLeft" ? last + 1 : -1);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.point(Math.min(last, Math.max(0, to)));
  }

  private point(index: number | null): void {
    const left = index === null ? -10 : this.plot?.valToPos(index, "x") ?? -10;
    this.plot?.setCursor({ left, top: index === null ? -10 : 10 });
    this.pointAt(index);
  }

  private pointAt(index: number | null): void {
    if (index === this.pointed) return;
    this.pointed = index;
    this.writeReadout();
  }

  private writeReadout(): void {
    const point = this.pointed === null ? undefined : this.points[this.pointed];
    this.readout.classList.toggle("pointed", point !== undefined);
    if (!point) return say(this.readout, "");
    const name = METRIC_WORDS[this.metric].name;
    const now = point.now === null ? "not yet" : `${metricText(this.metric, point.now)}${point.isOpen ? " so far" : ""}`;
    const before = point.before === null || point.beforeAt === null ? "" : ` · ${this.labels.bucket(point.beforeAt, this.unit)}: ${metricText(this.metric, point.before)}`;
    const imported = point.isImported ? " · daily totals" : "";
    say(this.readout, `${this.labels.bucket(point.at, this.unit)} · ${name}: ${now}${imported}${before}`);
  }

  private writeLegend(): void {
    const items = [make("li", "legend-line", METRIC_WORDS[this.metric].name)];
    if (this.points.some((point) => point.before !== null)) items.push(make("li", "legend-dashes", "Compared"));
    if (this.points.some((point) => point.isImported)) items.push(make("li", "legend-imported", "Daily totals"));
    if (this.outages.length > 0) items.push(make("li", "legend-outage", "Page down"));
    part(this.root, "legend").replaceChildren(...items);
  }

  private writeTable(): void {
    if (!this.table.open) return;
    const compared = this.points.some((point) => point.before !== null);
    const head = make("tr");
    const names = ["Time", METRIC_WORDS[this.metric].name, ...(compared ? ["Compared time", "Compared"] : [])];
    head.append(...names.map((name, index) => {
      const cell = make("th", index % 2 ? "number" : "", name);
      cell.scope = "col";
      return cell;
    }));
    part(this.root, "table-head").replaceChildren(head);
    const told = (number: number | null) => (number === null ? "–" : metricText(this.metric, number));
    part(this.root, "table-body").replaceChildren(...this.points.map((point) => {
      const row = make("tr");
      const time = make("th", "", `${this.labels.bucket(point.at, this.unit)}${point.isImported ? " (daily totals)" : ""}`);
      time.scope = "row";
      row.append(time, make("td", "number", told(point.now)));
      if (compared) row.append(make("td", "", point.beforeAt === null ? "–" : this.labels.bucket(point.beforeAt, this.unit)), make("td", "number", told(point.before)));
      return row;
    }));
  }
}

function pointsOf(answer: BreakdownAnswer, metric: Metric, at: number): Point[] {
  const buckets = answer.buckets ?? [];
  const before = answer.before;
  const valueAt = (series: Series | undefined, index: number): number | null => {
    const value = series?.[metric]?.[index];
    return value === undefined ? null : numberOf(metric, { [metric]: value, visits: series?.visits?.[index] ?? 0 });
  };
  return buckets.map((bucket, index) => ({
    at: bucket.from,
    now: bucket.from > at ? null : valueAt(answer.series, index),
    isOpen: bucket.from <= at && (buckets[index + 1]?.from ?? answer.range.to) > at,
    isImported: bucket.imported === true,
    beforeAt: before?.buckets?.[index]?.from ?? null,
    before: valueAt(before?.series, index),
  }));
}

/** Where the scale ends: round, and its half too. */
function ceiling(metric: Metric, most: number | null): number {
  const number = most ?? 0;
  if (metric === "visit-duration" || metric === "engaged-time") {
    const steps = [10, 20, 30, 60, 120, 180, 240, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800].map((seconds) => seconds * 1000);
    return steps.find((step) => step >= number) ?? number;
  }
  if (metric === "bounce-rate" || metric === "scroll-depth") return number <= 0.5 ? (number <= 0.2 ? 0.2 : 0.5) : 1;
  return niceCeiling(number);
}

/** How much is marked: told in words beside it. */
function count(many: number): HTMLElement {
  const element = make("span", "note-count", String(many));
  element.setAttribute("aria-hidden", "true");
  return element;
}
