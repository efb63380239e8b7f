// What the page asks the API for a view: one question for each part of it. Pure.
import type { View } from "./reports-address";
import type { Breakdown } from "./reports-api";
import type { Calendar } from "./reports-calendar";
import { apiFilter, patternOf } from "./reports-filters";
import type { ApiFilter } from "./reports-filters";
import { rangeAsked, resolve, unitsOf } from "./reports-range";
import type { Unit } from "./reports-range";
import { METRICS, PANELS } from "./reports-words";
import type { Metric, Panel, Tab } from "./reports-words";

export const ROWS_SHOWN = 9;
const COUNTRIES_MAX = 300;
const TIMES_MAX = 7 * 24;
const PROPOSALS_MAX = 12;

export class Questions {
  constructor(readonly view: View, private readonly calendar: Calendar, private readonly now: number, private readonly since?: number, private readonly segment?: ApiFilter, private readonly metrics: readonly Metric[] = METRICS) {}

  /** The bucket of the chart: as chosen, or as fits. */
  get unit(): Unit {
    const { units, best } = unitsOf(resolve(this.view.range, this.calendar, this.now, this.since));
    return this.view.unit && units.includes(this.view.unit) ? this.view.unit : best;
  }

  totals(): Breakdown {
    const compare = this.view.comparison === "none" || this.view.range === "all" ? undefined : this.view.comparison;
    return { ...this.plain(), metrics: [...this.metrics], bucket: this.unit, compare };
  }

  /** The tab that a panel shows, its dimensions filled in. */
  tabOf(panel: Panel): Tab {
    const tab = panel.tabs.find((tab) => tab.name === this.view.tabs[panel.name]) ?? panel.tabs[0]!;
    return tab.name === "prop" && this.view.prop ? { ...tab, by: [`prop:${this.view.prop}`], title: this.view.prop } : tab;
  }

  rows(tab: Tab, limit = ROWS_SHOWN): Breakdown {
    const metrics = tab.metric === "visitors" ? [tab.metric] : [tab.metric, "visitors" as const];
    return { ...this.plain(...this.ofTab(tab)), by: tab.by, metrics, limit };
  }

  map(): Breakdown {
    return { ...this.plain(), by: ["country"], metrics: ["visitors"], limit: COUNTRIES_MAX };
  }

  times(): Breakdown {
    return { ...this.plain(), by: ["weekday", "hour"], metrics: ["visitors"], limit: TIMES_MAX, totals: false };
  }

  /** A panel in full; `search` in the finest of its dimensions. */
  sheet(tab: Tab, search: string, more: Partial<Breakdown>): Breakdown {
    const sought: ApiFilter[] = search ? [{ or: tab.by.map((by) => ({ matches: { by, pattern: patternOf(search) } })) }] : [];
    const compare = this.totals().compare;
    return { ...this.plain(...this.ofTab(tab), ...sought), by: tab.by, metrics: ["visitors"], compare, totals: false, ...more };
  }

  proposals(by: string, text: string): Breakdown {
    const sought: ApiFilter[] = text ? [{ matches: { by, pattern: patternOf(text) } }] : [];
    const others = this.view.conditions.filter((condition) => condition.by !== by);
    return { ...this.plain(), filter: apiFilter(others, ...(this.segment ? [this.segment] : []), ...sought), by: [by], metrics: ["visitors"], limit: PROPOSALS_MAX, totals: false };
  }

  /** All that one look at the page needs. */
  page(): Record<string, Breakdown> {
    const questions: Record<string, Breakdown> = { totals: this.totals(), map: this.map(), times: this.times() };
    for (const panel of PANELS) {
      const tab = this.tabOf(panel);
      if (tab.by.length > 0 && tab.name !== "country") questions[panel.name] = this.rows(tab);
    }
    return questions;
  }

  goal(filter: ApiFilter): Breakdown {
    return { ...this.plain(), goal: filter, metrics: ["converted", "conversions", "conversion-rate"], compare: this.totals().compare };
  }

  /** What every kind of question has. */
  common(): { range: unknown; filter: ApiFilter | undefined; bots: "with" | undefined } {
    const { kind: _, metrics: __, ...common } = this.plain();
    return { range: common.range, filter: common.filter, bots: common.bots };
  }

  /** Properties of the events that the view is narrowed to, not of all in the same visits. */
  private ofTab(tab: Tab): ApiFilter[] {
    if (!tab.by[0]?.startsWith("prop:")) return [];
    return this.view.conditions.flatMap(({ by, operator, values }) => (by === "event" && operator === "is" ? [{ is: { by, values } }] : []));
  }

  private plain(...more: ApiFilter[]): Breakdown {
    const { range, conditions, bots } = this.view;
    return {
      kind: "breakdown", metrics: ["visitors"], range: rangeAsked(range, this.calendar, this.now),
      filter: apiFilter(conditions, ...(this.segment ? [this.segment] : []), ...more), bots: bots ? "with" : undefined,
    };
  }
}
