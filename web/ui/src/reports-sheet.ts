// A panel in full: every group, sought, sorted and paged, with more numbers than the panel has room for.
import { make, say } from "./element";
import { count, counted } from "./format";
import type { Answered, Breakdown, BreakdownAnswer, Row } from "./reports-api";
import { dialog } from "./reports-dialog";
import { exportLink, nameParts, rowName } from "./reports-panel";
import { METRIC_WORDS, growth, growthText, metricText, numberOf } from "./reports-words";
import type { AnyMetric, Tab } from "./reports-words";

const ROWS_A_PAGE = 100;
const SEARCH_WAIT_MS = 200;
const COLUMNS: AnyMetric[] = ["visitors", "visits", "pageviews", "bounce-rate", "visit-duration"];
const EVENT_COLUMNS: AnyMetric[] = ["events", "visitors", "visits"];

export interface Sheeted {
  question: (tab: Tab, search: string, more: Partial<Breakdown>) => Breakdown;
  ask: (question: Breakdown, signal: AbortSignal) => Promise<Answered<BreakdownAnswer>>;
  exports: (question: Breakdown) => [string, string][];
  narrow: (by: string[], key: string[]) => void;
}

export class Sheet {
  private readonly box = dialog("", "panel-dialog");
  private readonly search = make("input", "search");
  private readonly table = make("table", "table sheet-table");
  private readonly stage = make("div", "sheet-scroll");
  private readonly said = make("p", "muted small");
  private readonly links = make("span", "exports");
  private readonly back = pager("Page before", "back");
  private readonly on = pager("Next page", "");
  private tab: Tab | null = null;
  private sort: { by: AnyMetric; ascending: boolean } = { by: "visitors", ascending: false };
  private offset = 0;
  private under: AbortController | null = null;
  private timer = 0;

  constructor(private readonly means: Sheeted) {
    this.search.type = "search";
    this.search.placeholder = "Search";
    this.search.setAttribute("aria-label", "Search");
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.go(0), SEARCH_WAIT_MS);
    });
    this.box.form.addEventListener("submit", (event) => event.preventDefault());
    this.box.element.addEventListener("close", () => this.under?.abort());
    this.back.addEventListener("click", () => this.go(Math.max(0, this.offset - ROWS_A_PAGE)));
    this.on.addEventListener("click", () => this.go(this.offset + ROWS_A_PAGE));
    this.said.setAttribute("role", "status");
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "group");
    this.stage.setAttribute("aria-label", "Rows");
    this.stage.append(this.table);
    const foot = make("div", "row sheet-foot");
    const pages = make("span", "range-steps");
    pages.append(this.back, this.on);
    foot.append(this.said, pages, this.links);
    this.box.body.append(this.search, this.stage, foot);
  }

  open(tab: Tab): void {
    this.tab = tab;
    this.search.value = "";
    this.sort = { by: tab.metric, ascending: false };
    say(this.box.title, tab.title);
    this.table.replaceChildren();
    this.box.element.showModal();
    this.go(0);
  }

  private get columns(): AnyMetric[] {
    return this.tab?.metric === "events" ? EVENT_COLUMNS : COLUMNS;
  }

  private go(offset: number): void {
    this.offset = offset;
    void this.load();
  }

  private async load(): Promise<void> {
    const tab = this.tab;
    if (!tab) return;
    this.under?.abort();
    this.under = new AbortController();
    const { signal } = this.under;
    const question = this.means.question(tab, this.search.value.trim(), {
      metrics: this.columns, sort: this.sort, limit: ROWS_A_PAGE, offset: this.offset,
    });
    this.box.element.dataset["busy"] = "";
    try {
      const answered = await this.means.ask(question, signal);
      if (signal.aborted) return;
      if ("trouble" in answered) throw new Error(answered.trouble.message);
      const { compare: _, limit: __, offset: ___, ...whole } = question;
      this.links.replaceChildren(...this.means.exports(whole).map(([name, url]) => exportLink(name, url, tab.title)));
      this.show(tab, answered.answer);
    } catch (error) {
      if (!signal.aborted) say(this.said, error instanceof Error ? error.message : String(error));
    } finally {
      if (!signal.aborted) delete this.box.element.dataset["busy"];
    }
  }

  private show(tab: Tab, answer: BreakdownAnswer): void {
    const rows = answer.rows ?? [];
    const groups = answer.groups ?? rows.length;
    const head = make("thead");
    const compared = answer.before !== undefined;
    const names = make("tr");
    const first = make("th", "", tab.title);
    first.scope = "col";
    names.append(first, ...this.columns.map((metric) => this.columnHead(metric)));
    if (compared) {
      const change = make("th", "number", "Change");
      change.scope = "col";
      change.title = `Change of ${METRIC_WORDS[this.columns[0]!].name.toLowerCase()}`;
      names.append(change);
    }
    head.append(names);
    const body = make("tbody");
    body.append(...rows.map((row) => this.row(tab, row, compared)));
    this.table.replaceChildren(head, body);
    this.stage.scrollTop = 0;
    this.back.disabled = this.offset === 0;
    this.on.disabled = answer.next === null || answer.next === undefined;
    const told = groups === 0 ? "Nothing found." : groups > rows.length ? `${count(this.offset + 1)}–${count(this.offset + rows.length)} of ${count(groups)}` : counted(groups, "row");
    say(this.said, told);
  }

  private columnHead(metric: AnyMetric): HTMLElement {
    const head = make("th", "number");
    head.scope = "col";
    const chosen = this.sort.by === metric;
    head.ariaSort = chosen ? (this.sort.ascending ? "ascending" : "descending") : "none";
    const button = make("button", "sort", METRIC_WORDS[metric].name);
    button.type = "button";
    button.title = METRIC_WORDS[metric].means;
    button.addEventListener("click", () => {
      this.sort = { by: metric, ascending: chosen && !this.sort.ascending };
      this.go(0);
    });
    head.append(button);
    return head;
  }

  private row(tab: Tab, row: Row, compared: boolean): HTMLElement {
    const line = make("tr");
    const head = make("th");
    head.scope = "row";
    const button = make("button", "row-name");
    button.type = "button";
    const name = rowName(tab.by, row.key);
    button.title = name;
    button.append(...nameParts(tab.by, row.key, name));
    button.addEventListener("click", () => {
      this.box.element.close();
      this.means.narrow(tab.by, row.key);
    });
    head.append(button);
    line.append(head, ...this.columns.map((metric) => make("td", "number", metricText(metric, numberOf(metric, row.values)))));
    if (compared) line.append(changeCell(this.columns[0]!, row));
    return line;
  }
}

function changeCell(metric: AnyMetric, row: Row): HTMLElement {
  const [now, before] = [numberOf(metric, row.values), numberOf(metric, row.before ?? {})];
  const by = growth(now, before);
  const cell = make("td", "number", by === null ? "new" : Math.abs(by) < 0.005 ? "±0%" : growthText(by));
  if (by !== null && Math.abs(by) >= 0.005) cell.classList.add(by > 0 ? "better" : "worse");
  cell.title = `before: ${metricText(metric, before)}`;
  return cell;
}

function pager(name: string, kind: string): HTMLButtonElement {
  const button = make("button", "button small step");
  button.type = "button";
  button.setAttribute("aria-label", name);
  button.append(make("span", `chevron ${kind}`));
  return button;
}
