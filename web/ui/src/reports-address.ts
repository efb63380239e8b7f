// A view of the reports, and how it stands in the address so that it can be shared, kept and gone back to. Pure.
import { VALUE_LENGTH_MAX, conditionsFrom, writeConditions } from "./reports-filters";
import type { Condition } from "./reports-filters";
import { COMPARISONS, PRESET_DEFAULT, UNITS, rangeFrom, rangeText } from "./reports-range";
import type { Comparison, Range, Unit } from "./reports-range";
import { isDimension, METRICS, PANELS } from "./reports-words";
import type { Metric } from "./reports-words";

export const BEHAVIOUR_TABS = ["goals", "funnel", "retention", "journeys"] as const;
export type BehaviourTab = (typeof BEHAVIOUR_TABS)[number];
export const WINDOWS = ["1h", "1d", "7d", "30d", "365d"] as const;
export type FunnelWindow = (typeof WINDOWS)[number];
export const COHORT_UNITS = ["day", "week", "month"] as const;
export type CohortUnit = (typeof COHORT_UNITS)[number];
export const STEPS_MAX = 10;

export interface View {
  range: Range;
  comparison: Comparison;
  metric: Metric;
  /** Null: what fits the range best. */
  unit: Unit | null;
  conditions: Condition[];
  bots: boolean;
  /** The tab of each panel that does not show its first. */
  tabs: Record<string, string>;
  /** The property of events whose values are listed. */
  prop: string;
  /** Id of the saved segment that narrows the page; empty: none. */
  segment: string;
  behaviour: BehaviourTab;
  /** Of the funnel, in order: each one condition. */
  steps: Condition[];
  window: FunnelWindow;
  /** Of retention. */
  cohort: CohortUnit;
  /** Of journeys: the page that they start at; empty: the visit's begin. */
  start: string;
  backwards: boolean;
}

export const PLAIN: View = {
  range: PRESET_DEFAULT, comparison: "previous", metric: "visitors", unit: null, conditions: [], bots: false, tabs: {}, prop: "",
  segment: "", behaviour: "goals", steps: [], window: "1d", cohort: "week", start: "", backwards: false,
};

/** Reads `?range=7d&compare=year&metric=visits&country.is=FR&bots=1`; what is not understood is left out. */
export function viewFrom(search: string): View {
  const parameters = new URLSearchParams(search);
  const named = <Name extends string>(name: string, names: readonly Name[]) => names.find((known) => known === parameters.get(name));
  const tabs: Record<string, string> = {};
  for (const panel of PANELS) {
    const tab = named(panel.name, panel.tabs.map((tab) => tab.name));
    if (tab && tab !== panel.tabs[0]!.name) tabs[panel.name] = tab;
  }
  return {
    range: rangeFrom(parameters.get("range") ?? "") ?? PLAIN.range,
    comparison: named("compare", COMPARISONS) ?? PLAIN.comparison,
    metric: named("metric", METRICS) ?? PLAIN.metric,
    unit: named("by", UNITS) ?? null,
    conditions: conditionsFrom(parameters, isDimension),
    bots: parameters.get("bots") === "1",
    tabs,
    prop: isDimension(`prop:${parameters.get("prop")}`) ? parameters.get("prop") ?? "" : "",
    segment: /^[A-Z0-9-]{1,32}$/.test(parameters.get("segment") ?? "") ? parameters.get("segment")! : PLAIN.segment,
    behaviour: named("behaviour", BEHAVIOUR_TABS) ?? PLAIN.behaviour,
    steps: stepsFrom(parameters),
    window: named("window", WINDOWS) ?? PLAIN.window,
    cohort: named("cohort", COHORT_UNITS) ?? PLAIN.cohort,
    start: (parameters.get("start") ?? "").slice(0, VALUE_LENGTH_MAX),
    backwards: parameters.get("way") === "back",
  };
}

/** Empty where nothing differs from the plain view. */
export function addressOf(view: View): string {
  const parameters = new URLSearchParams();
  if (rangeText(view.range) !== PLAIN.range) parameters.set("range", rangeText(view.range));
  if (view.comparison !== PLAIN.comparison) parameters.set("compare", view.comparison);
  if (view.metric !== PLAIN.metric) parameters.set("metric", view.metric);
  if (view.unit) parameters.set("by", view.unit);
  writeConditions(view.conditions, parameters);
  if (view.bots) parameters.set("bots", "1");
  for (const [panel, tab] of Object.entries(view.tabs)) parameters.set(panel, tab);
  if (view.prop) parameters.set("prop", view.prop);
  if (view.segment) parameters.set("segment", view.segment);
  if (view.behaviour !== PLAIN.behaviour) parameters.set("behaviour", view.behaviour);
  for (const step of view.steps) parameters.append("step", stepText(step));
  if (view.window !== PLAIN.window) parameters.set("window", view.window);
  if (view.cohort !== PLAIN.cohort) parameters.set("cohort", view.cohort);
  if (view.start) parameters.set("start", view.start);
  if (view.backwards) parameters.set("way", "back");
  const text = parameters.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
  return text && `?${text}`;
}

/** `step=page.is=/tea&step=event.is=sign-up`: each as a condition stands in an address. */
function stepsFrom(parameters: URLSearchParams): Condition[] {
  return parameters.getAll("step").slice(0, STEPS_MAX).flatMap((text) => conditionsFrom(new URLSearchParams(text), isDimension).slice(0, 1));
}

function stepText(step: Condition): string {
  const parameters = new URLSearchParams();
  writeConditions([step], parameters);
  return parameters.toString();
}
