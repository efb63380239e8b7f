// The list of conversations: thousands in it, only those on screen in the page. Under a pointer it holds still; what came meanwhile is counted.
import { part, say } from "./element";
import { count } from "./format";
import { InboxRow } from "./inbox-row";
import type { Shown } from "./inbox-row";
import type { Conversation } from "./inbox-protocol";
import { arrange } from "./moving";

const ROWS_BEYOND = 4;
/** Nearer to the end than so many rows, more is asked for. */
const ROWS_AHEAD = 15;
/** After a touch or a scroll the list holds still for this long. */
const HOLD_MS = 2_500;

export interface ListContext {
  /** As it is shown, but for its place. */
  show: (conversation: Conversation) => Omit<Shown, "conversation" | "isGone">;
  open: (room: string) => void;
  more: () => void;
  redraw: () => void;
}

export class InboxList {
  private readonly scroller: HTMLElement;
  private readonly rows: HTMLElement;
  private readonly held: HTMLButtonElement;
  private shown: Conversation[] = [];
  private current_: string | null = null;
  private inFolder = new Set<string>();
  private readonly drawn = new Map<string, InboxRow>();
  private rowHeight = 88;
  private height = 600;
  private first = -1;
  private holdUntil = 0;
  private planned = false;
  private isEmpty = true;

  constructor(root: HTMLElement, private readonly context: ListContext) {
    this.scroller = part(root, "list-scroll");
    this.rows = part(root, "rows");
    this.held = part<HTMLButtonElement>(root, "held");
    this.listen();
  }

  /** The conversations as they are now. `anew`: another list, from its beginning; `moved`: by one's own doing, which nothing holds. */
  draw(rows: Conversation[], how: "anew" | "moved" | "" = ""): void {
    if (this.isEmpty) this.rows.replaceChildren();
    this.isEmpty = false;
    this.inFolder = new Set(rows.map(({ room }) => room));
    const holds = how === "" && this.shown.length > 0 && this.holds();
    const atTop = this.scroller.scrollTop === 0;
    if (how === "anew") this.scroller.scrollTop = 0;
    if (holds) this.refresh(rows);
    else this.sort(rows, how === "anew");
    this.drawWindow(!holds && how !== "anew" && atTop);
  }

  /** Once in a while: time goes on. */
  tick(): void {
    const now = Date.now();
    for (const row of this.drawn.values()) row.tick(now);
  }

  /** The row that the keys go from. */
  get current(): string | null {
    return this.current_;
  }

  /** Goes so many rows on, and gives that one the focus. */
  move(by: number): void {
    const at = this.shown.findIndex(({ room }) => room === this.current_);
    this.focus(at < 0 ? 0 : Math.max(0, Math.min(this.shown.length - 1, at + by)));
  }

  focusCurrent(): void {
    const at = this.shown.findIndex(({ room }) => room === this.current_);
    this.focus(Math.max(0, at));
  }

  /** The opened one is where the keys go on from. */
  mark(room: string): void {
    this.current_ = room;
    if (!this.isEmpty) this.drawWindow(false);
  }

  private listen(): void {
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("touchstart", () => this.hold(), { passive: true });
    this.scroller.addEventListener("pointerleave", () => this.context.redraw());
    this.scroller.addEventListener("keydown", (event) => this.pressed(event));
    this.rows.addEventListener("focusin", (event) => {
      const room = (event.target as Element).closest<HTMLElement>("[data-room]")?.dataset["room"];
      if (room) this.current_ = room;
      this.keepOneReachable();
    });
    this.held.addEventListener("click", () => {
      this.holdUntil = 0;
      this.scroller.scrollTop = 0;
      this.context.redraw();
      this.held.hidden = true;
    });
  }

  private holds(): boolean {
    return performance.now() < this.holdUntil || (matchMedia("(hover: hover)").matches && this.rows.matches(":hover"));
  }

  private hold(): void {
    this.holdUntil = performance.now() + HOLD_MS;
    setTimeout(this.context.redraw, HOLD_MS + 50);
  }

  /** Held: everything keeps its place; what left the folder stays, greyed; what came is only counted, but for what comes at the end. */
  private refresh(rows: Conversation[]): void {
    const now = new Map(rows.map((one) => [one.room, one]));
    const wasShown = new Set(this.shown.map(({ room }) => room));
    const last = rows.reduce((found, { room }, index) => (wasShown.has(room) ? index : found), -1);
    this.shown = this.shown.map((one) => now.get(one.room) ?? one);
    this.shown.push(...rows.slice(last + 1));
    const came = rows.slice(0, last + 1).filter(({ room }) => !wasShown.has(room)).length;
    this.held.hidden = came === 0;
    say(this.held, `${count(came)} new`);
  }

  /** What stands first on screen stays there when others come in above. */
  private sort(rows: Conversation[], anew: boolean): void {
    const top = this.scroller.scrollTop;
    const anchor = anew || top === 0 ? undefined : this.shown[Math.floor(top / this.rowHeight)]?.room;
    const at = this.shown.findIndex(({ room }) => room === this.current_);
    this.shown = rows;
    this.held.hidden = true;
    // The one that the keys were at went: they go on from the one in its place.
    if (at >= 0 && !this.inFolder.has(this.current_!)) this.current_ = rows[Math.min(at, rows.length - 1)]?.room ?? null;
    const index = anchor === undefined ? -1 : rows.findIndex(({ room }) => room === anchor);
    if (index < 0) return;
    this.rows.style.blockSize = `${rows.length * this.rowHeight}px`;
    this.scroller.scrollTop = index * this.rowHeight + (top % this.rowHeight);
  }

  private drawWindow(animate: boolean): void {
    const all = this.shown;
    const top = this.scroller.scrollTop;
    const size = Math.ceil(this.height / this.rowHeight) + 2 * ROWS_BEYOND;
    const first = Math.max(0, Math.min(Math.floor(top / this.rowHeight) - ROWS_BEYOND, all.length - size));
    const shown = all.slice(first, first + size);
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-room]")?.dataset["room"];
    const hadFocus = focused !== undefined && this.rows.contains(document.activeElement);
    const rooms = new Set(shown.map(({ room }) => room));
    for (const room of this.drawn.keys()) if (!rooms.has(room)) this.drawn.delete(room);
    this.rows.style.blockSize = `${all.length * this.rowHeight}px`;
    this.rows.style.paddingBlockStart = `${first * this.rowHeight}px`;
    const wanted = shown.map((conversation, index) => this.row(conversation, first + index, all.length).element);
    arrange(this.rows, wanted, { rowHeight: this.rowHeight, animate: animate && first === this.first });
    this.first = first;
    this.keepOneReachable();
    // Whoever went through the list by keys goes on in it, though their row is gone.
    if (hadFocus && !this.rows.contains(document.activeElement) && !this.drawn.has(focused)) this.drawn.get(this.current_ ?? "")?.link.focus({ preventScroll: true });
    if (first + size + ROWS_AHEAD >= all.length) this.context.more();
  }

  private row(conversation: Conversation, index: number, total: number): InboxRow {
    const { room } = conversation;
    const row = this.drawn.get(room) ?? new InboxRow(room);
    this.drawn.set(room, row);
    row.write({ conversation, isGone: !this.inFolder.has(room), ...this.context.show(conversation) }, index, total);
    return row;
  }

  /** One row is in the tab order; the keys go to the others. */
  private keepOneReachable(): void {
    if (this.current_ === null || !this.drawn.has(this.current_)) {
      const at = Math.ceil(this.scroller.scrollTop / this.rowHeight);
      const reachable = this.shown[Math.min(this.shown.length - 1, at)]?.room ?? null;
      // The one that the keys are at is further up or down: they find back to it.
      for (const [room, row] of this.drawn) row.link.tabIndex = room === reachable ? 0 : -1;
      this.current_ ??= reachable;
      return;
    }
    for (const [room, row] of this.drawn) row.link.tabIndex = room === this.current_ ? 0 : -1;
  }

  private measure(): void {
    const rowHeight = Number.parseFloat(getComputedStyle(this.scroller).getPropertyValue("--inbox-row")) || this.rowHeight;
    const height = this.scroller.clientHeight;
    if (height === this.height && rowHeight === this.rowHeight) return;
    this.height = height;
    this.rowHeight = rowHeight;
    if (!this.isEmpty) this.drawWindow(false);
  }

  private scrolled(): void {
    if (this.planned || this.isEmpty) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      this.drawWindow(false);
    });
  }

  private pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 1);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || this.shown.length === 0) return;
    event.preventDefault();
    this.move(by);
  }

  private focus(index: number): void {
    const one = this.shown[index];
    if (!one) return;
    const from = index * this.rowHeight;
    const { scrollTop } = this.scroller;
    if (from < scrollTop) this.scroller.scrollTop = from;
    else if (from + this.rowHeight > scrollTop + this.height) this.scroller.scrollTop = from + this.rowHeight - this.height;
    this.current_ = one.room;
    this.drawWindow(false);
    this.drawn.get(one.room)?.link.focus({ preventScroll: true });
  }
}
