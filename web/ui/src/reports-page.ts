// The reports of one site: which view is shown, what is asked for it, and which part draws what.
import { part, say } from "./element";
import { count } from "./format";
import { connectToHub } from "./hub";
import { WorldMap } from "./map";
import type { NowData } from "./protocol";
import { PLAIN, addressOf, viewFrom } from "./reports-address";
import type { View } from "./reports-address";
import { Problem, ReportsApi } from "./reports-api";
import type { Answered, Breakdown, BreakdownAnswer } from "./reports-api";
import { Availability } from "./reports-availability";
import { Behaviour } from "./reports-behaviour";
import { Calendar } from "./reports-calendar";
import { ReportChart } from "./reports-chart";
import { ReportChips } from "./reports-chips";
import { DatePicker } from "./reports-dates";
import { FilterDialog } from "./reports-filter-dialog";
import { apiFilter, isNarrowedTo, toggledIs, withCondition } from "./reports-filters";
import type { Condition } from "./reports-filters";
import { headlineText } from "./reports-imported";
import { Keys } from "./reports-keys";
import { Labels } from "./reports-labels";
import { NameDialog } from "./reports-name-dialog";
import { Notes } from "./reports-notes";
import { ReportPanel, exportLink } from "./reports-panel";
import { Questions } from "./reports-questions";
import { COMPARISONS, UNITS, moved, rangeText, resolve, unitsOf, wallText } from "./reports-range";
import type { Comparison, Span, Unit } from "./reports-range";
import { SavedApi } from "./reports-saved";
import { SegmentDialog } from "./reports-segments";
import { Sheet } from "./reports-sheet";
import { Tiles } from "./reports-tiles";
import { Times } from "./reports-times";
import { METRIC_WORDS, metricText, metricsOf, numberOf, panelsOf } from "./reports-words";
import type { Metric } from "./reports-words";
import { guideTabs } from "./tabs";

const SLOW_MS = 250;
/** The last moment of the server's calendar. */
const MOMENT_MAX = 7_258_118_400_000;
/** Of an address that every server on the way takes. */
const CORRECT_LENGTH_MAX = 7_000;
/** While the range goes on, its numbers are asked for anew so often. */
const REFRESH_MS = 60_000;
const UNIT_NAMES: Record<Unit, string> = { minute: "Minutes", hour: "Hours", day: "Days", week: "Weeks", month: "Months", year: "Years" };
const COMPARED_NAMES: Record<Comparison, string> = {
  previous: "in the previous period", weekdays: "on the same weekdays before", year: "a year before", none: "",
};

export class ReportsPage {
  private readonly api: ReportsApi;
  private readonly calendar: Calendar;
  private readonly labels: Labels;
  private readonly tiles: Tiles;
  private readonly chart: ReportChart;
  private readonly chips: ReportChips;
  private readonly panels: ReportPanel[];
  private readonly map: WorldMap;
  private readonly times: Times;
  private readonly behaviour: Behaviour;
  /** Null: whoever looks is not told. */
  private readonly availability: Availability | null;
  private readonly dates: DatePicker;
  private readonly filters: FilterDialog;
  private readonly sheet: Sheet;
  private readonly keys: Keys;
  private readonly saved: SavedApi | null;
  private readonly segments: SegmentDialog | null;
  private readonly notes: Notes | null;
  private savedKnown: Promise<void> = Promise.resolve();
  private view: View = PLAIN;
  private questions: Questions;
  private answers: Record<string, Answered<BreakdownAnswer>> | null = null;
  private readonly metrics: readonly Metric[];
  private under: AbortController | null = null;
  private slow = 0;
  private since: number | undefined;
  private lastComparison: Comparison = "previous";

  constructor(private readonly root: HTMLElement) {
    const { site = "", zone, share, world, limited } = root.dataset;
    this.api = new ReportsApi(site, share ?? null);
    this.metrics = metricsOf(limited);
    this.saved = share === undefined ? new SavedApi(site, "mayEdit" in root.dataset) : null;
    const naming = new NameDialog();
    this.segments = this.saved && new SegmentDialog(this.saved, naming, (segment, conditions) => this.go({ segment, conditions: conditions ?? this.view.conditions }));
    this.calendar = new Calendar(zone);
    this.labels = new Labels(this.calendar.zone);
    this.questions = new Questions(this.view, this.calendar, this.api.at, undefined, undefined, this.metrics);
    this.tiles = new Tiles(root, this.metrics, (metric) => this.go({ metric }));
    this.chart = new ReportChart(root, this.labels, (span) => this.zoom(span));
    this.notes = this.saved && new Notes(root, this.saved, this.chart, this.calendar, this.labels, naming);
    this.chips = new ReportChips(root, (conditions) => this.go(conditions.length === 0 ? { conditions, segment: "" } : { conditions }), (condition) => this.filters.open(condition), () => this.go({ segment: "" }));
    const events = {
      chooseTab: (panel: { name: string; tabs: { name: string }[] }, tab: { name: string }) => this.chooseTab(panel.name, tab.name === panel.tabs[0]!.name ? null : tab.name),
      narrow: (by: string[], key: string[]) => this.narrow(by, key),
      openAll: (_: unknown, tab: Parameters<Sheet["open"]>[0]) => this.sheet.open(tab),
      retry: () => this.load(),
    };
    this.panels = panelsOf(limited).map((panel) => new ReportPanel(this.stage(panel.name), panel, events, (prop) => this.go({ prop })));
    this.map = new WorldMap(this.stage("places"), world ?? "", (country) => this.narrow(["country"], [country]));
    this.times = new Times(this.stage("times"), (weekday, hour) => this.narrow(["weekday", "hour"], [weekday, hour]));
    this.behaviour = new Behaviour(this.stage("behaviour"), {
      ask: (questions, signal) => this.api.ask(questions, signal), labels: this.labels, change: (changed) => this.go(changed),
      saved: this.saved, limited, naming, narrow: (condition) => this.filtered(condition, null),
      pick: (title, done, proposed) => this.filters.pick(title, done, proposed),
    });
    const available = root.querySelector<HTMLElement>('[data-panel="availability"]');
    this.availability = available && new Availability(available, site, this.labels, "mayEdit" in root.dataset, (stretches) => this.chart.shade(stretches));
    this.dates = new DatePicker(this.calendar, (range) => this.go({ range, unit: null }));
    this.filters = new FilterDialog((by, text, signal) => this.propose(by, text, signal), () => this.api.properties(), (added, replaced) => this.filtered(added, replaced));
    this.sheet = new Sheet({
      question: (tab, search, more) => this.questions.sheet(tab, search, more),
      ask: async (question, signal) => (await this.api.ask({ rows: question }, signal)).rows,
      exports: (question) => this.exports(question),
      narrow: (by, key) => this.narrow(by, key),
    });
    this.keys = new Keys({
      preset: (range) => this.go({ range, unit: null }),
      move: (way) => this.move(way),
      dates: () => this.openDates(),
      compare: () => this.go({ comparison: this.view.comparison === "none" ? this.lastComparison : "none" }),
      filter: () => this.filters.open(null),
      clear: () => (this.view.conditions.length > 0 || this.view.segment) && this.go({ conditions: [], segment: "" }),
      bots: () => this.go({ bots: !this.view.bots }),
      metric: (index) => this.metrics[index] && this.go({ metric: this.metrics[index] }),
      live: () => root.dataset["live"] !== undefined && location.assign(root.dataset["live"]),
    });
  }

  private viewed(): View {
    const view = viewFrom(location.search);
    return this.metrics.includes(view.metric) ? view : { ...view, metric: "visitors" };
  }

  start(): void {
    guideTabs(this.root);
    this.listen();
    if (this.root.dataset["limited"] === undefined) this.watchNow();
    for (const control of this.root.querySelectorAll<HTMLButtonElement>(":disabled[data-part]")) control.disabled = false;
    if (this.saved) this.savedKnown = this.saved.load().catch((error) => console.error(error));
    addEventListener("popstate", () => this.show(this.viewed()));
    this.show(this.viewed());
    setInterval(() => this.refresh(), REFRESH_MS);
  }

  private listen(): void {
    const on = (name: string, kind: string, act: (control: any) => void) => part(this.root, name).addEventListener(kind, (event) => act(event.currentTarget));
    on("range", "click", () => this.openDates());
    on("earlier", "click", () => this.move(-1));
    on("later", "click", () => this.move(1));
    on("compare", "change", (select: HTMLSelectElement) => this.go({ comparison: COMPARISONS.find((name) => name === select.value) ?? "previous" }));
    on("unit", "change", (select: HTMLSelectElement) => this.go({ unit: UNITS.find((name) => name === select.value) ?? null }));
    on("bots", "change", (box: HTMLInputElement) => this.go({ bots: box.checked }));
    on("add-filter", "click", () => this.filters.open(null));
    if (this.segments) on("segments", "click", () => this.segments?.open(this.view.conditions));
    else part(this.root, "segments").hidden = true;
    on("keys", "click", () => this.keys.open());
    on("retry", "click", () => this.load());
  }

  private stage(name: string): HTMLElement {
    const stage = this.root.querySelector<HTMLElement>(`[data-panel="${name}"]`);
    if (!stage) throw new Error(`the page has no panel ${name}`);
    return stage;
  }

  /** By a press: the address follows, so that back undoes it and the view can be shared. */
  private go(changed: Partial<View>): void {
    const view = { ...this.view, ...changed };
    const address = addressOf(view);
    if (address !== location.search) history.pushState(null, "", location.pathname + address);
    this.show(view);
  }

  private show(view: View): void {
    if (view.comparison !== "none") this.lastComparison = view.comparison;
    this.view = view;
    this.writeControls();
    this.load();
  }

  private writeControls(): void {
    const { view } = this;
    this.questions = new Questions(view, this.calendar, this.api.at, this.since, this.segment?.body.filter, this.metrics);
    const span = resolve(view.range, this.calendar, this.api.at, this.since);
    say(part(this.root, "range-name"), this.labels.range(view.range, span));
    part(this.root, "range").title = view.range === "all" ? "" : this.labels.span(span, view.range === "24h");
    part<HTMLButtonElement>(this.root, "earlier").disabled = view.range === "all";
    part<HTMLButtonElement>(this.root, "later").disabled = view.range === "all" || moved(view.range, 1, this.calendar, this.api.at, this.since) === null;
    const compare = part<HTMLSelectElement>(this.root, "compare");
    compare.value = view.comparison;
    compare.disabled = view.range === "all";
    part<HTMLInputElement>(this.root, "bots").checked = view.bots;
    this.chips.show(view.conditions, view.segment ? this.segment?.name ?? "…" : null);
    this.writeCorrect(span);
    this.tiles.choose(view.metric);
    this.writeUnits(span);
    for (const panel of this.panels) panel.showTab(this.questions.tabOf(panel.panel), view.prop);
  }

  /** What the page is narrowed to can be said to be bots, or not. */
  private writeCorrect(span: Span): void {
    const link = part<HTMLAnchorElement>(this.root, "correct");
    const { view } = this;
    const filter = apiFilter(view.conditions, ...(this.segment ? [this.segment.body.filter] : []));
    const [from, to] = view.range === "all" ? [0, MOMENT_MAX] : [span.from, span.to];
    const address = `/sites/${this.root.dataset["site"]}/corrections?${new URLSearchParams({ from: String(from), to: String(to), filter: JSON.stringify(filter ?? null) })}`;
    link.hidden = !("mayEdit" in this.root.dataset) || filter === undefined || address.length > CORRECT_LENGTH_MAX;
    link.href = link.hidden ? "#" : address;
  }

  private writeUnits(span: Span): void {
    const select = part<HTMLSelectElement>(this.root, "unit");
    const { units } = unitsOf(span);
    const names = units.map((unit) => {
      const option = document.createElement("option");
      option.value = unit;
      option.textContent = UNIT_NAMES[unit];
      return option;
    });
    select.replaceChildren(...names);
    select.value = this.questions.unit;
  }

  /** Asks for what the view shows; a request that is under way for an earlier view is given up. */
  private load(quietly = false): void {
    this.under?.abort();
    this.under = new AbortController();
    const { signal } = this.under;
    clearTimeout(this.slow);
    if (!quietly) this.slow = window.setTimeout(() => this.busy(true), SLOW_MS);
    void this.answer(signal).catch((error) => {
      if (!signal.aborted && !quietly) this.fail(error);
    }).finally(() => {
      if (signal.aborted) return;
      clearTimeout(this.slow);
      this.busy(false);
    });
  }

  private get segment() {
    return this.saved?.of("segment").find((item) => item.id === this.view.segment);
  }

  private async answer(signal: AbortSignal): Promise<void> {
    if (this.view.segment) {
      // What is saved is asked for once; the segment's filter is in every question.
      await this.savedKnown;
      if (signal.aborted) return;
      if (!this.segment) throw new Problem("segment", "This segment is not there, or no longer. Take it away to see the whole site.");
      this.writeControls();
    }
    const answers = await this.api.ask<string>(this.questions.page(), signal);
    const totals = answers["totals"];
    if (totals && "trouble" in totals) throw new Problem(totals.trouble.code, totals.trouble.message);
    if (signal.aborted) return;
    if (this.view.range === "all" && this.since === undefined && totals) {
      // How long the history is was not known: now the buckets can fit it.
      this.since = (totals.answer as BreakdownAnswer).range.from;
      this.writeControls();
      return this.answer(signal);
    }
    this.answers = answers;
    this.draw();
    await this.savedKnown;
    if (signal.aborted) return;
    this.notes?.show();
    const shown = (totals as { answer: BreakdownAnswer } | undefined)?.answer.range;
    if (shown) void this.notes?.load(shown.from, shown.to, signal);
    if (shown) void this.availability?.load(shown.from, shown.to, signal);
    await this.behaviour.show(this.view, this.questions, signal);
  }

  private draw(): void {
    const { answers, view, questions } = this;
    if (!answers) return;
    this.root.dataset["state"] = "ready";
    part(this.root, "trouble").hidden = true;
    const totals = (answers["totals"] as { answer: BreakdownAnswer }).answer;
    this.tiles.show(totals, COMPARED_NAMES[view.comparison]);
    this.chart.end = totals.range.to;
    this.chart.show(totals, view.metric, questions.unit, this.api.at);
    part(this.root, "chart-exports").replaceChildren(...this.exports(questions.totals()).map(([name, url]) => exportLink(name, url, "Chart")));
    this.drawPanels(answers);
    this.drawNoMatch(totals);
    const imported = part(this.root, "imported");
    imported.hidden = totals.imported === undefined;
    if (totals.imported) say(imported, headlineText(totals.imported));
    const spoken = this.metrics.slice(0, 3).map((metric) => `${METRIC_WORDS[metric].name} ${metricText(metric, numberOf(metric, totals.totals ?? {}))}`);
    say(part(this.root, "spoken"), `${this.labels.range(view.range, totals.range)}: ${spoken.join(", ")}`);
  }

  private drawPanels(answers: Record<string, Answered<BreakdownAnswer>>): void {
    const { view, questions } = this;
    for (const panel of this.panels) {
      const tab = questions.tabOf(panel.panel);
      const answered = tab.name === "country" ? answers["map"] : answers[panel.panel.name];
      if (answered) panel.show(answered, view.conditions, this.exports({ ...questions.rows(tab), limit: undefined! }));
      else panel.wait();
    }
    const map = answers["map"];
    const countries = map && "answer" in map ? map.answer.rows ?? [] : [];
    const chosen = view.conditions.find(({ by, operator }) => by === "country" && operator === "is")?.values[0];
    this.map.show(new Map(countries.map((row) => [row.key[0] ?? "", row.values.visitors ?? 0])), chosen);
    if (answers["times"]) this.times.show(answers["times"], this.exports(questions.times()));
  }

  private drawNoMatch(totals: BreakdownAnswer): void {
    const isEmpty = (totals.totals?.visitors ?? 0) === 0;
    const note = part(this.root, "no-match");
    note.hidden = !isEmpty || this.root.querySelector(".waiting") !== null;
    const narrowed = this.view.conditions.length > 0 || this.view.segment !== "";
    say(note, narrowed ? "Nothing in this range matches these filters. Take one away, or choose a longer range." : "Nothing was counted in this range. Choose a longer one.");
    if (!isEmpty) this.root.querySelector(".waiting")?.remove();
  }

  private exports(question: Breakdown): [string, string][] {
    return [["CSV", this.api.exportUrl(question, "csv")], ["JSON", this.api.exportUrl(question, "json")]];
  }

  private busy(is: boolean): void {
    part(this.root, "progress").hidden = !is;
    this.root.toggleAttribute("data-busy", is);
    this.root.ariaBusy = String(is);
  }

  private fail(error: unknown): void {
    const known = error instanceof Problem;
    if (!known) console.error(error);
    if (known && error.code === "sign_in") return location.reload();
    if (this.root.dataset["state"] === "loading") this.root.dataset["state"] = "failed";
    say(part(this.root, "trouble-text"), known ? error.message : "Something went wrong in this page.");
    part(this.root, "trouble").hidden = false;
  }

  private refresh(): void {
    const goesOn = resolve(this.view.range, this.calendar, Date.now(), this.since).to > Date.now();
    if (!goesOn || document.hidden || this.root.dataset["state"] !== "ready" || document.querySelector("dialog[open]")) return;
    this.api.forget();
    this.load(true);
  }

  private chooseTab(panel: string, tab: string | null): void {
    const { [panel]: _, ...others } = this.view.tabs;
    this.go({ tabs: tab === null ? others : { ...others, [panel]: tab } });
  }

  private narrow(by: string[], key: string[]): void {
    const { conditions } = this.view;
    const isChosen = by.every((name, index) => isNarrowedTo(conditions, name, key[index] ?? ""));
    const next = by.reduce((all, name, index) => {
      const value = key[index] ?? "";
      return isChosen || !isNarrowedTo(all, name, value) ? toggledIs(all, name, value) : all;
    }, conditions);
    this.go({ conditions: next });
  }

  private filtered(added: Condition, replaced: Condition | null): void {
    this.go({ conditions: withCondition(this.view.conditions.filter((condition) => condition !== replaced), added) });
  }

  private async propose(by: string, text: string, signal: AbortSignal) {
    const { proposals } = await this.api.ask({ proposals: this.questions.proposals(by, text) }, signal);
    return "answer" in proposals ? proposals.answer.rows ?? [] : [];
  }

  private move(way: -1 | 1): void {
    if (this.view.range === "all") return;
    const range = moved(this.view.range, way, this.calendar, this.api.at, this.since);
    if (range) this.go({ range });
  }

  private zoom(span: Span): void {
    const isOfDays = !["minute", "hour"].includes(this.questions.unit);
    const range = isOfDays
      ? { first: this.calendar.date(span.from), last: this.calendar.date(span.to - 1) }
      : { first: wallText(this.calendar, span.from), last: wallText(this.calendar, span.to) };
    if (rangeText(range) !== rangeText(this.view.range)) this.go({ range, unit: null });
  }

  private openDates(): void {
    this.dates.open(this.view.range, resolve(this.view.range, this.calendar, this.api.at, this.since), this.api.at);
  }

  /** Who is here now, beside what was: one press away. */
  private watchNow(): void {
    const { site, share, live } = this.root.dataset;
    const topic = `site/${site}/now`;
    const link = part<HTMLAnchorElement>(this.root, "now");
    link.href = live ?? "/";
    const line = connectToHub(topic, share ?? null, () => undefined);
    const tell = (data: unknown) => {
      link.hidden = false;
      say(part(this.root, "now-count"), count((data as NowData).present));
    };
    line.subscribe(topic, undefined, { snapshot: tell, delta: tell, refused: () => (link.hidden = true), ended: () => (link.hidden = true) });
    line.start();
  }
}
