// What people do in order: funnels, who comes back, and the ways they take. Each asks for itself, after the rest.
import { make, part, say } from "./element";
import { count, duration } from "./format";
import { BEHAVIOUR_TABS, COHORT_UNITS, STEPS_MAX, WINDOWS } from "./reports-address";
import type { BehaviourTab, View } from "./reports-address";
import type { Answered, Asked } from "./reports-api";
import { conditionText } from "./reports-chips";
import { stepFilter } from "./reports-filters";
import type { Condition } from "./reports-filters";
import { drawJourneys } from "./reports-journeys";
import type { JourneysAnswer } from "./reports-journeys";
import type { Labels } from "./reports-labels";
import type { Questions } from "./reports-questions";
import { drawRetention } from "./reports-retention";
import type { RetentionAnswer } from "./reports-retention";

const NAMES: Record<BehaviourTab, string> = { funnel: "Funnel", retention: "Retention", journeys: "Journeys" };
const MEANS: Record<BehaviourTab, string> = {
  funnel: "Visitors who take the steps in order within the window, which begins with the first step; across visits and days. One hit is at most one step.",
  retention: "Visitors by when they were first seen in the range, and how many of them had a hit so many units later. Where the site keeps no id in the browser, a visitor is another one each day, and nobody returns.",
  journeys: "The pages of visits, in order. A visit ends where no further page follows.",
};
const WINDOW_NAMES = { "1h": "within 1 hour", "1d": "within 1 day", "7d": "within 7 days", "30d": "within 30 days", "365d": "within a year" };
const WINDOW_MS = { "1h": 3_600_000, "1d": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000, "365d": 365 * 86_400_000 };
const COHORT_NAMES = { day: "by day", week: "by week", month: "by month" };
const PERIODS = 8;
const DEPTH = 3;
const BRANCHES = 4;

interface FunnelAnswer {
  steps: { visitors: number; share: number; of_previous: number; lost: number; time_ms: number }[];
  limited: string | null;
}

export interface BehaviourMeans {
  ask: (questions: Record<string, Asked>, signal: AbortSignal) => Promise<Record<string, Answered<any>>>;
  labels: Labels;
  change: (changed: Partial<View>) => void;
  /** Asks for one condition and hands it over. */
  pick: (title: string, done: (condition: Condition) => void) => void;
}

export class Behaviour {
  private readonly body: HTMLElement;
  private readonly controls = make("div", "behaviour-controls");
  private readonly stage = make("div", "behaviour-stage");
  private readonly hint = make("p", "hint-text");
  private readonly tabs = new Map<BehaviourTab, HTMLButtonElement>();

  constructor(root: HTMLElement, private readonly means: BehaviourMeans) {
    this.body = part(root, "panel-body");
    this.body.setAttribute("role", "tabpanel");
    this.body.id = "behaviour-rows";
    const list = make("div", "choices");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Behaviour");
    for (const name of BEHAVIOUR_TABS) {
      const tab = make("button", "", NAMES[name]);
      tab.type = "button";
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", this.body.id);
      tab.addEventListener("click", () => means.change({ behaviour: name }));
      this.tabs.set(name, tab);
      list.append(tab);
    }
    this.hint.id = "what-behaviour";
    this.hint.setAttribute("popover", "");
    const what = make("button", "what", "?");
    what.type = "button";
    what.setAttribute("popovertarget", this.hint.id);
    what.setAttribute("aria-label", "What this means");
    part(root, "panel-head").append(list, what, this.hint, this.controls);
  }

  /** The controls at once, the numbers when they come. */
  async show(view: View, questions: Questions, signal: AbortSignal): Promise<void> {
    for (const [name, tab] of this.tabs) {
      tab.ariaSelected = String(name === view.behaviour);
      tab.tabIndex = name === view.behaviour ? 0 : -1;
    }
    say(this.hint, MEANS[view.behaviour]);
    this.body.setAttribute("aria-label", NAMES[view.behaviour]);
    this.writeControls(view);
    if (view.behaviour === "funnel" && view.steps.length === 0) return this.put(this.invitation());
    const { asked } = await this.means.ask({ asked: this.question(view, questions) }, signal);
    if (signal.aborted || !asked) return;
    if ("trouble" in asked) return this.put(make("p", "nothing", asked.trouble.message));
    if (view.behaviour === "funnel") return this.put(this.funnel(view, asked.answer));
    if (view.behaviour === "retention") return this.put(drawRetention(asked.answer as RetentionAnswer, this.means.labels));
    this.put(drawJourneys(asked.answer as JourneysAnswer, (start) => this.means.change({ start })));
  }

  private put(drawn: HTMLElement): void {
    this.stage.replaceChildren(drawn);
    if (this.stage.parentElement !== this.body) this.body.replaceChildren(this.stage);
  }

  private question(view: View, questions: Questions): Asked {
    const common = questions.common();
    switch (view.behaviour) {
      case "funnel": return { kind: "funnel", ...common, steps: view.steps.map(stepFilter), window_ms: WINDOW_MS[view.window] };
      case "retention": return { kind: "retention", ...common, unit: view.cohort, periods: PERIODS };
      case "journeys": {
        const from = view.start ? { from: { is: { by: "page", values: [view.start] } } } : {};
        return { kind: "journeys", ...common, ...from, direction: view.backwards ? "previous" : "next", depth: DEPTH, limit: BRANCHES };
      }
    }
  }

  private writeControls(view: View): void {
    const { change, pick } = this.means;
    const controls: HTMLElement[] = [];
    if (view.behaviour === "funnel" && view.steps.length > 0) {
      controls.push(choice("Window", WINDOWS, WINDOW_NAMES, view.window, (window) => change({ window })));
      if (view.steps.length < STEPS_MAX) controls.push(press("Add a step", () => this.addStep(view.steps)));
    }
    if (view.behaviour === "retention") controls.push(choice("Cohorts", COHORT_UNITS, COHORT_NAMES, view.cohort, (cohort) => change({ cohort })));
    if (view.behaviour === "journeys") {
      controls.push(choice("Direction", ["next", "back"] as const, { next: "and then", back: "and before" }, view.backwards ? "back" : "next", (way) => change({ backwards: way === "back" })));
      if (view.start) controls.push(press(`From ${view.start} ✕`, () => change({ start: "" })));
      else controls.push(press("Start at a page", () => pick("Journeys start at", (condition) => change({ start: condition.values[0] ?? "" }))));
    }
    this.controls.replaceChildren(...controls);
  }

  private addStep(steps: Condition[]): void {
    this.means.pick("Step", (condition) => this.means.change({ steps: [...steps, condition] }));
  }

  private invitation(): HTMLElement {
    const box = make("div", "nothing behaviour-empty");
    const begin = press("Add the first step", () => this.addStep([]));
    begin.classList.add("primary");
    box.append(make("p", "", "How many go from one page or event to the next, and where they are lost. The address keeps the steps, so a funnel can be shared."), begin);
    return box;
  }

  private funnel(view: View, answer: FunnelAnswer): HTMLElement {
    const list = make("ol", "funnel");
    list.setAttribute("role", "list");
    list.append(...answer.steps.map((step, index) => {
      const item = make("li", "funnel-step");
      const condition = view.steps[index]!;
      const name = make("span", "funnel-name");
      name.append(make("span", "muted", `${index + 1}.`), " ", make("bdi", "", conditionText(condition)));
      const numbers = make("span", "funnel-numbers number");
      numbers.append(make("strong", "", count(step.visitors)), ` · ${percent(step.share)}`);
      const bar = make("span", "funnel-bar");
      const fill = make("span", "funnel-fill");
      fill.style.setProperty("--share", step.share.toFixed(3));
      bar.append(fill);
      const remove = make("button", "chip-remove");
      remove.type = "button";
      remove.setAttribute("aria-label", `Remove step ${index + 1}`);
      remove.append(make("span", "chip-cross"));
      remove.addEventListener("click", () => this.means.change({ steps: view.steps.filter((_, at) => at !== index) }));
      item.append(name, numbers, remove, bar);
      const next = answer.steps[index + 1];
      if (next) item.append(make("span", "funnel-lost muted small", `${count(step.lost)} lost (${percent(1 - next.of_previous)}) · ${percent(next.of_previous)} go on, after ${duration(next.time_ms)}`));
      return item;
    }));
    return list;
  }
}

const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

export function percent(share: number): string {
  return percents.format(share);
}

function press(name: string, act: () => void): HTMLButtonElement {
  const button = make("button", "button small", name);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

function choice<Name extends string>(label: string, names: readonly Name[], words: Record<Name, string>, chosen: Name, act: (name: Name) => void): HTMLSelectElement {
  const select = make("select", "button small");
  select.setAttribute("aria-label", label);
  select.append(...names.map((name) => {
    const option = make("option", "", words[name]);
    option.value = name;
    return option;
  }));
  select.value = chosen;
  select.addEventListener("change", () => act(names[select.selectedIndex]!));
  return select;
}
