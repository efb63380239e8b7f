// A panel of ranked rows: name, count, a bar of its share; a press narrows the whole view to it.
import { make, part, say } from "./element";
import { count, dimensionName, valueName } from "./format";
import { arrange } from "./moving";
import { placeMark } from "./place-mark";
import { DIMENSIONS } from "./protocol";
import type { Dimension, Filter } from "./protocol";
import { ranked } from "./state";
import type { LiveView } from "./state";

const ROW_HEIGHT = 34;
const ROWS_SHOWN = 8;

interface Row {
  item: HTMLLIElement;
  button: HTMLButtonElement;
  bar: HTMLElement;
  number: HTMLElement;
}

/** One panel shows one dimension at a time; where it has several, tabs choose. */
export class RowPanel {
  private readonly list: HTMLOListElement;
  private readonly more: HTMLButtonElement;
  private readonly none: HTMLElement;
  private readonly tabs: HTMLButtonElement[];
  private dimension: Dimension;
  private rows = new Map<string, Row>();
  private order: string[] = [];
  private open = false;
  private view: LiveView | null = null;
  private filter: Filter = {};

  constructor(panel: HTMLElement, private readonly onChoose: (dimension: Dimension, value: string) => void) {
    this.list = part<HTMLOListElement>(panel, "rows");
    this.more = part<HTMLButtonElement>(panel, "more");
    this.none = part(panel, "none");
    this.tabs = [...panel.querySelectorAll<HTMLButtonElement>("[role=tab]")];
    this.dimension = dimensionOf(this.tabs[0] ?? panel);
    this.tabs.forEach((tab) => tab.addEventListener("click", () => this.choose(tab)));
    this.more.addEventListener("click", () => {
      this.open = !this.open;
      this.draw();
    });
    for (const ending of ["pointerleave", "focusout"]) panel.addEventListener(ending, () => requestAnimationFrame(() => this.draw()));
  }

  show(view: LiveView | null, filter: Filter): void {
    this.view = view;
    this.filter = filter;
    const narrowed = this.tabs.find((tab) => filter[dimensionOf(tab)] !== undefined);
    if (narrowed && dimensionOf(narrowed) !== this.dimension && filter[this.dimension] === undefined) this.choose(narrowed);
    else this.draw();
  }

  private choose(tab: HTMLButtonElement): void {
    for (const other of this.tabs) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    }
    this.dimension = dimensionOf(tab);
    this.list.setAttribute("aria-label", tab.textContent ?? "");
    this.rows.clear();
    this.order = [];
    this.list.replaceChildren();
    this.draw();
  }

  private draw(): void {
    const counts = this.view?.rows[this.dimension] ?? new Map<string, number>();
    const best = ranked(counts);
    const shown = this.open ? best.length : ROWS_SHOWN;
    const order = this.held(counts, best.slice(0, shown).map(([key]) => key));
    const largest = best[0]?.[1] ?? 1;
    for (const key of this.rows.keys()) if (!order.includes(key)) this.rows.delete(key);
    for (const key of order) this.write(key, counts.get(key) ?? 0, largest);
    arrange(this.list, order.map((key) => this.rows.get(key)!.item), { rowHeight: ROW_HEIGHT, animate: !this.open });
    this.order = order;
    this.none.hidden = order.length > 0;
    this.writeMore(best.length);
  }

  /** While somebody points at rows they stay where they are, so that a press meets the row that was meant. */
  private held(counts: Map<string, number>, best: string[]): string[] {
    const pointed = this.list.matches(":hover") || this.list.contains(document.activeElement);
    if (!pointed || this.order.length === 0) return best;
    const kept = this.order.filter((key) => counts.has(key) || this.filter[this.dimension] === key);
    return [...kept, ...best.filter((key) => !kept.includes(key))].slice(0, Math.max(best.length, kept.length));
  }

  private write(key: string, number: number, largest: number): void {
    const row = this.rows.get(key) ?? this.make(key);
    say(row.number, count(number));
    // In whole percents: on a busy site every bar would else be moving all the time.
    const share = Math.min(1, number / largest).toFixed(2);
    if (row.bar.style.getPropertyValue("--share") !== share) row.bar.style.setProperty("--share", share);
    const chosen = this.filter[this.dimension] === key;
    if (row.button.ariaPressed !== String(chosen)) row.button.ariaPressed = String(chosen);
  }

  private make(key: string): Row {
    const name = valueName(this.dimension, key);
    const item = make("li");
    const button = make("button", "bar-row");
    button.type = "button";
    button.title = name;
    const bar = make("span", "bar");
    const label = make("bdi", key === "" ? "bar-name muted" : "bar-name", name);
    if (this.dimension === "page") label.dir = "ltr";
    const number = make("span", "bar-count");
    button.append(bar, ...(this.dimension === "country" ? [placeMark(key)] : []), label, number);
    button.addEventListener("click", () => this.onChoose(this.dimension, key));
    item.append(button);
    const row = { item, button, bar, number };
    this.rows.set(key, row);
    return row;
  }

  private writeMore(known: number): void {
    const all = this.view?.keys[this.dimension] ?? known;
    this.more.hidden = known <= ROWS_SHOWN;
    this.more.ariaExpanded = String(this.open);
    const largest = all > known ? `the ${count(known)} largest of ${count(all)}` : `all ${count(all)}`;
    say(this.more, this.open ? "Show fewer" : `Show ${largest}`);
  }
}

function dimensionOf(element: HTMLElement): Dimension {
  const named = DIMENSIONS.find((dimension) => dimension === element.dataset["dimension"]);
  if (!named) throw new Error(`no dimension: ${dimensionName(named ?? "page")}`);
  return named;
}
