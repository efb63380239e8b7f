// A panel of the reports: tabs, the largest groups of the chosen one as rows, and the ways on: all of them, CSV, JSON.
import { make, part, say } from "./element";
import { count, countryName } from "./format";
import { placeMark } from "./place-mark";
import type { Answered, BreakdownAnswer, Row } from "./reports-api";
import { ROWS_SHOWN } from "./reports-questions";
import { isNarrowedTo } from "./reports-filters";
import type { Condition } from "./reports-filters";
import { leftNote } from "./reports-imported";
import { fadeTabs, showTab } from "./tabs";
import { METRIC_WORDS, metricText, numberOf, readsFromLeft, valueText } from "./reports-words";
import type { Panel, Tab } from "./reports-words";


export interface PanelEvents {
  chooseTab: (panel: Panel, tab: Tab) => void;
  /** A press on a row: dimensions with its values. */
  narrow: (by: string[], key: string[]) => void;
  openAll: (panel: Panel, tab: Tab) => void;
  retry: () => void;
}

export class ReportPanel {
  private readonly head: HTMLElement;
  private readonly body: HTMLElement;
  private readonly foot: HTMLElement;
  private readonly list = make("ol", "bar-rows report-rows");
  private readonly nothing = make("p", "nothing");
  private readonly more = make("button", "more", "Show all");
  private readonly links = make("span", "exports");
  private readonly unit = make("span", "panel-unit");
  private readonly prop = make("input", "search prop-name");
  private readonly hint = make("p", "hint-text");
  private readonly tabs = new Map<string, HTMLButtonElement>();
  private tab: Tab;

  constructor(root: HTMLElement, readonly panel: Panel, private readonly events: PanelEvents, onProp: (prop: string) => void) {
    this.head = part(root, "panel-head");
    this.body = part(root, "panel-body");
    this.foot = part(root, "panel-foot");
    this.tab = panel.tabs[0]!;
    this.list.setAttribute("role", "list");
    this.nothing.hidden = true;
    this.more.type = "button";
    this.more.hidden = true;
    this.more.addEventListener("click", () => this.events.openAll(this.panel, this.tab));
    this.writeHead();
    this.body.id = `${panel.name}-rows`;
    this.body.setAttribute("role", "tabpanel");
    this.prop.placeholder = "Name of a property, such as url";
    this.prop.setAttribute("aria-label", "Name of a property");
    this.prop.maxLength = 64;
    this.prop.hidden = true;
    this.prop.addEventListener("change", () => onProp(this.prop.value.trim()));
    this.body.append(this.prop, this.list, this.nothing);
    this.foot.append(this.more, this.links);
  }

  private writeHead(): void {
    const list = make("div", "choices");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", this.panel.title);
    for (const tab of this.panel.tabs) {
      const button = make("button", "", tab.title);
      button.type = "button";
      button.setAttribute("role", "tab");
      button.dataset["tab"] = tab.name;
      button.setAttribute("aria-controls", `${this.panel.name}-rows`);
      button.addEventListener("click", () => this.events.chooseTab(this.panel, tab));
      this.tabs.set(tab.name, button);
      list.append(button);
    }
    fadeTabs(list);
    this.hint.id = `what-${this.panel.name}`;
    this.hint.setAttribute("popover", "");
    const what = make("button", "what", "?");
    what.type = "button";
    what.setAttribute("popovertarget", this.hint.id);
    what.setAttribute("aria-label", `What ${this.panel.title.toLowerCase()} means`);
    this.head.append(list, what, this.hint, this.unit);
  }

  showTab(tab: Tab, prop: string): void {
    this.tab = tab;
    for (const [name, button] of this.tabs) {
      const chosen = name === tab.name;
      button.ariaSelected = String(chosen);
      button.tabIndex = chosen ? 0 : -1;
      if (chosen) showTab(button.parentElement!, button);
    }
    this.body.setAttribute("aria-label", tab.title);
    this.list.setAttribute("aria-label", tab.title);
    this.prop.hidden = tab.name !== "prop";
    if (document.activeElement !== this.prop) this.prop.value = prop;
    say(this.hint, tab.means);
    say(this.unit, METRIC_WORDS[tab.metric].name);
  }

  show(answered: Answered<BreakdownAnswer>, conditions: Condition[], exports: [string, string][]): void {
    this.clearBones();
    this.body.querySelector(".imported-left")?.remove();
    this.links.replaceChildren(...exports.map(([name, url]) => exportLink(name, url, this.tab.title)));
    if ("trouble" in answered) return this.showTrouble(answered.trouble.message);
    const { rows = [], groups = 0, totals } = answered.answer;
    const largest = Math.max(...rows.map((row) => numberOf(this.tab.metric, row.values)), 0) || 1;
    const whole = totals ? numberOf(this.tab.metric, totals) : 0;
    this.list.replaceChildren(...rows.slice(0, ROWS_SHOWN).map((row) => this.row(row, largest, whole, conditions)));
    this.nothing.hidden = rows.length > 0;
    this.nothing.replaceChildren(this.panel.name === "events" ? "No events in this range. A site names them with watchfire('event', …)." : "Nothing in this range");
    const left = leftNote(answered.answer.imported);
    if (left) this.list.after(left);
    this.more.hidden = groups <= ROWS_SHOWN;
    say(this.more, `Show all ${count(groups)}`);
    this.links.hidden = rows.length === 0;
  }

  /** Nothing can be asked yet: no property is named. */
  wait(): void {
    this.clearBones();
    this.list.replaceChildren();
    this.nothing.hidden = false;
    this.nothing.replaceChildren("Name a property of events: outbound links and downloads have url.");
    this.more.hidden = true;
    this.links.hidden = true;
  }

  private clearBones(): void {
    this.body.querySelector("[data-part=bones]")?.remove();
  }

  private showTrouble(message: string): void {
    this.list.replaceChildren();
    this.more.hidden = true;
    this.links.hidden = true;
    const again = make("button", "button small", "Try again");
    again.type = "button";
    again.addEventListener("click", () => this.events.retry());
    this.nothing.hidden = false;
    this.nothing.replaceChildren(message, " ", again);
  }

  private row(row: Row, largest: number, whole: number, conditions: Condition[]): HTMLElement {
    const item = make("li");
    const button = make("button", "bar-row");
    button.type = "button";
    const number = numberOf(this.tab.metric, row.values);
    const share = whole > 0 ? ` · ${Math.round((number / whole) * 100)} %` : "";
    const name = rowName(this.tab.by, row.key);
    button.title = `${name}\n${metricText(this.tab.metric, number)} ${METRIC_WORDS[this.tab.metric].name.toLowerCase()}${share}`;
    const bar = make("span", "bar");
    bar.style.setProperty("--share", (number / largest).toFixed(3));
    const value = make("span", "bar-count", metricText(this.tab.metric, number));
    const part = make("span", "bar-part", whole > 0 ? `${Math.round((number / whole) * 100)}%` : "");
    button.append(bar, ...nameParts(this.tab.by, row.key, name), part, value);
    button.ariaPressed = String(this.tab.by.every((by, index) => isNarrowedTo(conditions, by, row.key[index] ?? "")));
    button.addEventListener("click", () => this.events.narrow(this.tab.by, row.key));
    item.append(button);
    return item;
  }
}

/** `Firefox 133`; of a place its own name alone, for its country's flag stands beside it. */
export function rowName(by: string[], key: string[]): string {
  if (by[0] === "country" && by.length === 2) {
    const own = key[1] === "" ? "Unknown" : key[1]!;
    return key[0] === "" ? own : `${own}, ${countryName(key[0]!)}`;
  }
  const texts = key.map((value, index) => (index > 0 && value === "" ? "" : valueText(by[index] ?? "", value)));
  return texts.filter(Boolean).join(" ");
}

export function nameParts(by: string[], key: string[], name: string): HTMLElement[] {
  const label = make("bdi", key.at(-1) === "" ? "bar-name muted" : "bar-name", name);
  if (readsFromLeft(by[0] ?? "")) label.dir = "ltr";
  return by[0] === "country" ? [placeMark(key[0] ?? ""), label] : [label];
}

export function exportLink(name: string, url: string, of: string): HTMLAnchorElement {
  const link = make("a", "export", name);
  link.href = url;
  link.download = "";
  link.setAttribute("aria-label", `${of} as ${name}`);
  return link;
}
