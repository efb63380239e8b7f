// The list of present visitors: 10,000 in it, only those on screen in the page.
import { part, say } from "./element";
import { count } from "./format";
import { arrange } from "./moving";
import type { Visitor } from "./protocol";
import { inOrder } from "./state";
import type { VisitorOrder, VisitorsView } from "./state";
import { VisitorRow } from "./visitor-row";

const ROWS_BEYOND = 3;
/** After a touch or a scroll the list holds still for this long. */
const HOLD_MS = 2_500;

export class VisitorList {
  private readonly scroller: HTMLElement;
  private readonly spacer: HTMLElement;
  private readonly rows: HTMLElement;
  private readonly held: HTMLButtonElement;
  private readonly none: HTMLElement;
  private readonly total: HTMLElement;
  private view: VisitorsView | null = null;
  private order: VisitorOrder = "newest";
  private sorted: Visitor[] = [];
  private drawn = new Map<string, VisitorRow>();
  private first = -1;
  private rowHeight = 52;
  /** Of what shows below the column heads. */
  private height = 500;
  private top = 0;
  private holdUntil = 0;
  private scrollPlanned = false;
  private current: string | null = null;

  constructor(
    private readonly panel: HTMLElement,
    private readonly onOpen: (visitor: Visitor) => void,
    private readonly now: () => number,
    private readonly redraw: () => void,
  ) {
    this.scroller = part(panel, "visitors");
    this.spacer = part(panel, "visitor-space");
    this.rows = part(panel, "visitor-rows");
    this.held = part<HTMLButtonElement>(panel, "held");
    this.none = part(panel, "none");
    this.total = part(panel, "total");
    this.listen();
  }

  show(view: VisitorsView | null): void {
    this.view = view;
    if (view) this.draw();
  }

  /** Once a second: time goes on for those on screen. */
  tick(): void {
    const now = this.now();
    for (const row of this.drawn.values()) row.writeTime(now);
  }

  private listen(): void {
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("touchstart", () => this.hold(), { passive: true });
    this.scroller.addEventListener("pointerleave", () => this.redraw());
    this.scroller.addEventListener("focusout", () => this.redraw());
    this.scroller.addEventListener("keydown", (event) => this.press(event));
    this.rows.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[role=row]");
      if (row) this.open(row.dataset["visitor"]!);
    });
    this.held.addEventListener("click", () => {
      this.holdUntil = 0;
      this.scroller.scrollTop = 0;
      this.draw(true);
    });
    for (const button of this.panel.querySelectorAll<HTMLButtonElement>("[data-order]")) {
      button.addEventListener("click", () => this.sortBy(button));
    }
  }

  private sortBy(button: HTMLButtonElement): void {
    this.order = button.dataset["order"] as VisitorOrder;
    for (const other of this.panel.querySelectorAll<HTMLButtonElement>("[data-order]")) {
      other.ariaPressed = String(other === button);
    }
    this.scroller.scrollTop = 0;
    this.top = 0;
    this.draw(true);
  }

  private measure(): void {
    const height = this.scroller.clientHeight - this.spacer.offsetTop;
    const rowHeight = Number.parseFloat(getComputedStyle(this.scroller).getPropertyValue("--visitor-height")) || this.rowHeight;
    if (height === this.height && rowHeight === this.rowHeight) return;
    this.height = height;
    this.rowHeight = rowHeight;
    this.draw();
  }

  private hold(): void {
    this.holdUntil = performance.now() + HOLD_MS;
    setTimeout(this.redraw, HOLD_MS + 50);
  }

  private scrolled(): void {
    this.top = this.scroller.scrollTop;
    if (this.scrollPlanned) return;
    this.scrollPlanned = true;
    requestAnimationFrame(() => {
      this.scrollPlanned = false;
      this.drawWindow(false);
    });
  }

  private holds(): boolean {
    return performance.now() < this.holdUntil || this.scroller.matches(":hover") || this.rows.contains(document.activeElement);
  }

  private draw(anew = false): void {
    if (!this.view) return;
    const holds = !anew && this.sorted.length > 0 && this.holds();
    if (holds) this.refresh(this.view);
    else this.sort(this.view, anew);
    this.none.hidden = this.sorted.length > 0;
    say(this.total, this.view.total > this.view.byKey.size ? `newest ${count(this.view.byKey.size)} of ${count(this.view.total)}` : count(this.view.total));
    this.drawWindow(!anew && !holds && this.top === 0);
  }

  /** Held: everybody keeps their place; who left stays, greyed; who came is only counted. */
  private refresh(view: VisitorsView): void {
    let still = 0;
    this.sorted = this.sorted.map((visitor) => {
      const known = view.byKey.get(visitor.key);
      if (known) still += 1;
      return known ?? visitor;
    });
    const came = view.byKey.size - still;
    this.held.hidden = came === 0;
    say(this.held, `${count(came)} new`);
  }

  /** Whoever stands first on screen stays there when others come in above. */
  private sort(view: VisitorsView, anew: boolean): void {
    const anchor = anew || this.top === 0 ? undefined : this.sorted[Math.floor(this.top / this.rowHeight)]?.key;
    const offset = this.top % this.rowHeight;
    this.sorted = inOrder(view, this.order);
    this.held.hidden = true;
    const index = anchor === undefined ? -1 : this.sorted.findIndex((visitor) => visitor.key === anchor);
    if (index < 0) return;
    const top = index * this.rowHeight + offset;
    if (top === this.top) return;
    this.spacer.style.blockSize = `${this.sorted.length * this.rowHeight}px`;
    this.scroller.scrollTop = top;
    this.top = top;
  }

  private drawWindow(animate: boolean): void {
    const all = this.sorted;
    const size = Math.ceil(this.height / this.rowHeight) + 2 * ROWS_BEYOND;
    const first = Math.max(0, Math.min(Math.floor(this.top / this.rowHeight) - ROWS_BEYOND, all.length - size));
    const shown = all.slice(first, first + size);
    const now = this.now();
    const keys = new Set(shown.map((visitor) => visitor.key));
    for (const key of this.drawn.keys()) if (!keys.has(key)) this.drawn.delete(key);
    this.spacer.style.blockSize = `${all.length * this.rowHeight}px`;
    this.scroller.setAttribute("aria-rowcount", String(all.length + 1));
    if (first !== this.first) this.rows.style.transform = `translateY(${first * this.rowHeight}px)`;
    const wanted = shown.map((visitor, index) => this.row(visitor, first + index, now).element);
    arrange(this.rows, wanted, { rowHeight: this.rowHeight, animate: animate && first === this.first });
    this.first = first;
    this.keepOneReachable(shown);
  }

  private row(visitor: Visitor, index: number, now: number): VisitorRow {
    const row = this.drawn.get(visitor.key) ?? new VisitorRow(visitor);
    this.drawn.set(visitor.key, row);
    row.write(visitor, index, !this.view!.byKey.has(visitor.key), now);
    return row;
  }

  /** One row is in the tab order; arrow keys go to the others. */
  private keepOneReachable(shown: Visitor[]): void {
    if (this.current === null || !this.drawn.has(this.current)) {
      this.current = shown[Math.min(shown.length - 1, Math.ceil((this.top - this.first * this.rowHeight) / this.rowHeight))]?.key ?? null;
    }
    for (const [key, row] of this.drawn) row.element.tabIndex = key === this.current ? 0 : -1;
  }

  private press(event: KeyboardEvent): void {
    const key = (document.activeElement as HTMLElement | null)?.dataset["visitor"];
    if (key === undefined) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.open(key);
    }
    const at = this.sorted.findIndex((visitor) => visitor.key === key);
    const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: Infinity }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.sorted.length - 1, to)));
  }

  private focus(index: number): void {
    const from = index * this.rowHeight;
    if (from < this.top) this.top = from;
    else if (from + this.rowHeight > this.top + this.height) this.top = from + this.rowHeight - this.height;
    this.scroller.scrollTop = this.top;
    this.current = this.sorted[index]!.key;
    this.drawWindow(false);
    this.drawn.get(this.current)?.element.focus({ preventScroll: true });
  }

  private open(key: string): void {
    const visitor = this.sorted.find((other) => other.key === key);
    if (visitor) this.onOpen(visitor);
  }
}
