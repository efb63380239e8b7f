// The last 30 minutes: the most visitors present in each as a line, pageviews as bars below, one time axis.
import { MarkedDialog, countOf, markedIn, wordsOf } from "./commits";
import type { Marked } from "./commits";
import { draw, make, part, say } from "./element";
import { brief, count, counted, niceCeiling } from "./format";
import type { Clock } from "./format";
import type { ShownMinute } from "./state";

const MINUTE_MS = 60_000;
const WIDTH_MIN = 280;
const LINE = { top: 10, bottom: 132 };
const BARS = { top: 152, bottom: 212 };
const HEIGHT = 236;
/** Where the head of a note stands. */
const NOTE_TOP = 142;
const SCALE_WIDTH = 44;
const LABEL_EVERY = 5;

export class MinuteChart {
  private readonly svg: SVGSVGElement;
  private readonly readout: HTMLElement;
  private readonly table: HTMLTableSectionElement;
  private readonly stage: HTMLElement;
  private minutes: ShownMinute[] = [];
  private marked: Marked = { notes: [], commits: [], more: false };
  private readonly happened = new MarkedDialog();
  private pointed: number | null = null;
  private width = 0;

  constructor(panel: HTMLElement, private readonly clock: Clock) {
    this.stage = part(panel, "chart");
    this.readout = part(panel, "readout");
    this.table = part<HTMLTableSectionElement>(panel, "minutes");
    this.svg = draw("svg", { "aria-hidden": "true", class: "chart-drawing" });
    this.stage.append(this.svg);
    this.stage.addEventListener("pointermove", (event) => this.point(this.indexAt(event.clientX)));
    this.stage.addEventListener("pointerleave", () => this.point(null));
    this.stage.addEventListener("blur", () => this.point(null));
    this.stage.addEventListener("keydown", (event) => this.press(event));
    this.stage.addEventListener("click", (event) => this.open(this.indexAt(event.clientX)));
    part<HTMLDetailsElement>(panel, "as-table").addEventListener("toggle", () => this.writeTable());
    new ResizeObserver(([entry]) => {
      this.width = Math.max(WIDTH_MIN, Math.round(entry!.contentRect.width));
      this.drawAll();
    }).observe(this.stage);
  }

  show(minutes: ShownMinute[]): void {
    this.minutes = minutes;
    this.drawAll();
    this.writeTable();
  }

  mark(marked: Marked): void {
    this.marked = marked;
    this.drawAll();
    this.writeTable();
  }

  private markedIn(minute: ShownMinute): Marked {
    return markedIn(this.marked, minute.minute, minute.minute + MINUTE_MS);
  }

  private noted(minute: ShownMinute): string {
    return wordsOf(this.markedIn(minute)).join("; ");
  }

  /** Who presses a minute in which something happened sees all of it. */
  private open(index: number | null): void {
    const minute = index === null ? undefined : this.minutes[index];
    if (!minute) return;
    const marked = this.markedIn(minute);
    if (countOf(marked) > 0) this.happened.open(marked, (at) => this.clock.toMinute(at));
  }

  private drawAll(): void {
    if (this.minutes.length === 0 || this.width === 0) return;
    const width = this.width;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const right = width - SCALE_WIDTH;
    const step = right / this.minutes.length;
    const mostVisitors = niceCeiling(Math.max(...this.minutes.map((minute) => minute.visitors)));
    const mostPageviews = niceCeiling(Math.max(...this.minutes.map((minute) => minute.pageviews)));
    const x = (index: number) => (index + 0.5) * step;
    const y = (visitors: number) => LINE.bottom - (visitors / mostVisitors) * (LINE.bottom - LINE.top);
    this.svg.replaceChildren(
      ...grid(right, mostVisitors, mostPageviews, y),
      ...this.bars(step, mostPageviews),
      ...this.line(x, y),
      ...this.labels(x, width),
      ...this.marks(x),
      ...this.cursor(x, y),
    );
    this.writeReadout();
  }

  private bars(step: number, most: number): SVGElement[] {
    return this.minutes.map((minute, index) => {
      const height = minute.pageviews === 0 ? 0 : Math.max(2, (minute.pageviews / most) * (BARS.bottom - BARS.top));
      const gap = Math.min(3, step * 0.25);
      const kind = index === this.pointed ? "chart-bar pointed" : "chart-bar";
      return draw("rect", {
        class: kind, x: index * step + gap / 2, y: BARS.bottom - height, width: step - gap, height, rx: Math.min(2, step / 4),
      });
    });
  }

  private line(x: (index: number) => number, y: (visitors: number) => number): SVGElement[] {
    const first = this.minutes.findIndex((minute) => !minute.unknown);
    if (first < 0) return [];
    const known = this.minutes.slice(first);
    const path = smooth(known.map((minute, index) => [x(first + index), y(minute.visitors)]));
    const last = x(this.minutes.length - 1);
    return [
      draw("path", { class: "chart-area", d: `${path}L${last} ${LINE.bottom}L${x(first)} ${LINE.bottom}Z` }),
      draw("path", { class: "chart-line", d: path }),
      draw("circle", { class: "chart-end", cx: last, cy: y(known.at(-1)!.visitors), r: 4 }),
    ];
  }

  private labels(x: (index: number) => number, width: number): SVGElement[] {
    const every = width < 480 ? 2 * LABEL_EVERY : LABEL_EVERY;
    return this.minutes.flatMap((minute, index) => {
      const clock = Math.round(minute.minute / 60_000);
      if (clock % every !== 0 || x(index) < 18) return [];
      const label = draw("text", { class: "chart-label", x: x(index), y: HEIGHT - 6, "text-anchor": "middle" });
      label.textContent = this.clock.toMinute(minute.minute);
      return [label];
    });
  }

  /** A line with a head at each minute that something is noted of. */
  private marks(x: (index: number) => number): SVGElement[] {
    return this.minutes.flatMap((minute, index) => {
      const text = this.noted(minute);
      if (text === "") return [];
      const mark = draw("g", { class: "chart-note" });
      const title = draw("title", {});
      title.textContent = text;
      const at = x(index);
      const many = countOf(this.markedIn(minute));
      if (many > 1) {
        const count = draw("text", { class: "chart-note-count", x: at + 7, y: NOTE_TOP + 4 });
        count.textContent = String(many);
        mark.append(count);
      }
      mark.append(title, draw("line", { x1: at, x2: at, y1: NOTE_TOP, y2: BARS.bottom }), draw("rect", { x: at - 4, y: NOTE_TOP - 4, width: 8, height: 8, rx: 2 }));
      return [mark];
    });
  }

  private cursor(x: (index: number) => number, y: (visitors: number) => number): SVGElement[] {
    const minute = this.pointed === null ? undefined : this.minutes[this.pointed];
    if (!minute || this.pointed === null) return [];
    const at = x(this.pointed);
    return [
      draw("line", { class: "chart-cursor", x1: at, x2: at, y1: LINE.top - 6, y2: BARS.bottom }),
      draw("circle", { class: "chart-point", cx: at, cy: y(minute.visitors), r: 4 }),
    ];
  }

  private indexAt(clientX: number): number {
    const box = this.svg.getBoundingClientRect();
    const share = (clientX - box.left) / (box.width - SCALE_WIDTH);
    return Math.min(this.minutes.length - 1, Math.max(0, Math.floor(share * this.minutes.length)));
  }

  private point(index: number | null): void {
    if (index === this.pointed) return;
    this.pointed = index;
    this.drawAll();
  }

  private press(event: KeyboardEvent): void {
    if (event.key === "Enter") {
      // Else it would press what the list begins with: its cross.
      event.preventDefault();
      return this.open(this.pointed);
    }
    const last = this.minutes.length - 1;
    const at = this.pointed ?? last + 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.point(Math.min(last, Math.max(0, to)));
  }

  private writeReadout(): void {
    const minute = this.pointed === null ? undefined : this.minutes[this.pointed];
    this.readout.classList.toggle("pointed", minute !== undefined);
    say(this.readout, minute ? this.sentence(minute) : "");
  }

  private sentence(minute: ShownMinute): string {
    const counts = minute.unknown ? "nothing known" : `${counted(minute.visitors, "visitor")} · ${counted(minute.pageviews, "pageview")}`;
    return [this.clock.toMinute(minute.minute), counts, this.noted(minute)].filter((said) => said !== "").join(" · ");
  }

  private writeTable(): void {
    if (!this.table.closest("details")?.open) return;
    this.table.replaceChildren(...[...this.minutes].reverse().map((minute) => {
      const row = make("tr");
      const time = make("th", "", this.clock.toMinute(minute.minute));
      time.scope = "row";
      const noted = this.noted(minute);
      if (noted !== "") time.append(make("bdi", "minute-note", noted));
      row.append(time, make("td", "number", minute.unknown ? "–" : count(minute.visitors)), make("td", "number", count(minute.pageviews)));
      return row;
    }));
  }
}

function grid(right: number, mostVisitors: number, mostPageviews: number, y: (visitors: number) => number): SVGElement[] {
  const at = (line: number, text: string) => {
    const label = draw("text", { class: "chart-label", x: right + 8, y: line + 4 });
    label.textContent = text;
    return [draw("line", { class: "chart-grid", x1: 0, x2: right, y1: line, y2: line }), label];
  };
  return [
    ...at(y(mostVisitors), brief(mostVisitors)),
    ...at(y(mostVisitors / 2), brief(mostVisitors / 2)),
    ...at(LINE.bottom, "0"),
    ...at(BARS.top, brief(mostPageviews)),
    ...at(BARS.bottom, "0"),
  ];
}

/** A line through every point that never overshoots: each piece's handles stay level. */
function smooth(points: [number, number][]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let [beforeX, beforeY] = first;
  let path = `M${beforeX} ${beforeY}`;
  for (const [x, y] of rest) {
    const middle = (beforeX + x) / 2;
    path += `C${middle} ${beforeY} ${middle} ${y} ${x} ${y}`;
    [beforeX, beforeY] = [x, y];
  }
  return path;
}
