// What people do in order: funnels, who comes back, and the ways they take. Each asks for itself, after the rest.
import { make, part, say } from "./element";
import { count, duration } from "./format";
import { BEHAVIOUR_TABS, COHORT_UNITS, STEPS_MAX, WINDOWS } from "./reports-address";
import type { BehaviourTab, View } from "./reports-address";
import type { Answered, Asked } from "./reports-api";
import { drawGoals } from "./reports-goals";
import type { NameDialog } from "./reports-name-dialog";
import type { SavedApi, SavedItem } from "./reports-saved";
import { editButton, removeButton } from "./reports-segments";
import { conditionText } from "./reports-chips";
import { conditionOf, stepFilter } from "./reports-filters";
import type { ApiFilter, Condition } from "./reports-filters";
import { drawJourneys } from "./reports-journeys";
import type { JourneysAnswer } from "./reports-journeys";
import { leftNote } from "./reports-imported";
import type { Labels } from "./reports-labels";
import { percent } from "./reports-words";
import type { Questions } from "./reports-questions";
import { drawRetention } from "./reports-retention";
import type { RetentionAnswer } from "./reports-retention";

const NAMES: Record<BehaviourTab, string> = { goals: "Goals", funnel: "Funnel", retention: "Retention", journeys: "Journeys" };
const MEANS: Record<BehaviourTab, string> = {
  goals: "Visitors who did what the goal names (a page seen or an event), how often it was done, and the share of all visitors who did.",
  funnel: "Visitors who take the steps in order within the window, which begins with the first step; across visits and days. One hit is at most one step.",
  retention: "Visitors by when they were first seen in the range, and how many of them had a hit so many units later. Where the site keeps no id in the browser, a visitor is another one each day, and nobody returns.",
  journeys: "The pages of visits, in order. A visit ends where no further page follows.",
};
const WINDOW_NAMES = { "1h": "within 1 hour", "1d": "within 1 day", "7d": "within 7 days", "30d": "within 30 days", "365d": "within a year" };
const WINDOW_MS = { "1h": 3_600_000, "1d": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000, "365d": 365 * 86_400_000 };
const COHORT_NAMES = { day: "by day", week: "by week", month: "by month" };
const GOALS_SHOWN_MAX = 32;
const PERIODS = 8;
const DEPTH = 3;
const BRANCHES = 4;

interface FunnelAnswer {
  steps: { visitors: number; share: number; of_previous: number; lost: number; time_ms: number }[];
}

export interface BehaviourMeans {
  ask: (questions: Record<string, Asked>, signal: AbortSignal) => Promise<Record<string, Answered<any>>>;
  labels: Labels;
  /** Null: whoever looks is not told what is saved. */
  saved: SavedApi | null;
  /** What a link that shows a part of the site is limited to: `visits` or `hits`. */
  limited: string | undefined;
  naming: NameDialog;
  narrow: (condition: Condition) => void;
  change: (changed: Partial<View>) => void;
  /** Asks for one condition and hands it over. */
  pick: (title: string, done: (condition: Condition) => void, proposed?: Condition) => void;
}

export class Behaviour {
  private readonly body: HTMLElement;
  private readonly controls = make("div", "behaviour-controls");
  private readonly stage = make("div", "behaviour-stage");
  private readonly hint = make("p", "hint-text");
  private readonly tabs = new Map<BehaviourTab, HTMLButtonElement>();

  /** Of the saved funnel that was chosen last: to be saved under again. */
  private funnelName = "";

  constructor(root: HTMLElement, private readonly means: BehaviourMeans) {
    this.body = part(root, "panel-body");
    this.body.setAttribute("role", "tabpanel");
    this.body.id = "behaviour-rows";
    const list = make("div", "choices");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Behaviour");
    for (const name of BEHAVIOUR_TABS) {
      if (name === "goals" && means.saved === null) continue;
      if (name === "retention" && means.limited !== undefined) continue;
      if (name === "journeys" && means.limited === "hits") continue;
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
  async show(asked: View, questions: Questions, signal: AbortSignal): Promise<void> {
    const view: View = this.tabs.has(asked.behaviour) ? asked : { ...asked, behaviour: "funnel" };
    for (const [name, tab] of this.tabs) {
      tab.ariaSelected = String(name === view.behaviour);
      tab.tabIndex = name === view.behaviour ? 0 : -1;
    }
    say(this.hint, MEANS[view.behaviour]);
    this.body.setAttribute("aria-label", NAMES[view.behaviour]);
    this.writeControls(view);
    if (view.behaviour === "funnel" && view.steps.length === 0) return this.put(this.invitation());
    if (view.behaviour === "goals") return this.showGoals(questions, signal);
    const { told } = await this.means.ask({ told: this.question(view, questions) }, signal);
    if (signal.aborted || !told) return;
    if ("trouble" in told) return this.put(make("p", "nothing", told.trouble.message));
    if (view.behaviour === "funnel") this.put(this.funnel(view, told.answer));
    else if (view.behaviour === "retention") this.put(drawRetention(told.answer as RetentionAnswer, this.means.labels));
    else this.put(drawJourneys(told.answer as JourneysAnswer, (start) => this.means.change({ start })));
    const left = leftNote(told.answer.imported);
    if (left) this.stage.append(left);
  }

  private async showGoals(questions: Questions, signal: AbortSignal): Promise<void> {
    const { saved, ask, change, narrow } = this.means;
    const goals = (saved?.of("goal") ?? []).slice(0, GOALS_SHOWN_MAX);
    if (!saved || goals.length === 0) return this.put(this.goalsInvitation());
    const told = await ask(Object.fromEntries(goals.map((goal) => [goal.id, { ...questions.goal(goal.body.filter) }])), signal);
    if (signal.aborted) return;
    const remove = (goal: { id: string }) => void saved.remove(goal.id).then(() => change({}), () => undefined);
    const edits = saved.mayEdit ? { change: (goal: (typeof goals)[number]) => this.changeGoal(goal), remove } : null;
    const choose = (goal: (typeof goals)[number]) => {
      const condition = conditionOf(goal.body.filter);
      if (condition) narrow(condition);
    };
    this.put(drawGoals(goals.map((goal) => [goal, told[goal.id]!]), choose, edits));
  }

  private goalsInvitation(): HTMLElement {
    const box = make("div", "nothing behaviour-empty");
    box.append(make("p", "", "A goal is a page or an event that the site wants: how many visitors reach it, how often, and what share of all."));
    if (this.means.saved?.mayEdit) {
      const begin = press("Add a goal", () => this.addGoal());
      begin.classList.add("primary");
      box.append(begin);
    }
    return box;
  }

  private addGoal(): void {
    this.means.pick("Goal", (condition) => this.means.naming.ask("Goal", "Name of the goal", { name: conditionText(condition) }, async ({ name }) => {
      await this.means.saved?.add("goal", name, { filter: stepFilter(condition) });
      this.means.change({});
    }));
  }

  /** What it is of and its name; of one that says more than one condition can, the name alone. */
  private changeGoal(goal: SavedItem<"goal">): void {
    const rename = (body: { filter: ApiFilter }) => this.means.naming.ask("Goal", "Name of the goal", { name: goal.name }, async ({ name }) => {
      await this.means.saved?.change({ ...goal, name, body });
      this.means.change({});
    });
    const condition = conditionOf(goal.body.filter);
    if (!condition) return rename(goal.body);
    this.means.pick("Goal", (changed) => rename({ filter: stepFilter(changed) }), condition);
  }

  /** Under the name of one that is there its steps and window take the place of the old ones. */
  private saveFunnel(view: View): void {
    this.means.naming.ask("Funnel", "Name of the funnel", { name: this.funnelName }, async ({ name }) => {
      const steps = view.steps.map((step) => ({ name: conditionText(step).slice(0, 100), filter: stepFilter(step) }));
      await this.means.saved?.keep("funnel", name, { steps, window_ms: WINDOW_MS[view.window] });
      this.means.change({});
    });
  }

  /** Saved funnels that this page can set out in steps of its own. */
  private savedFunnels(view: View): HTMLElement[] {
    const funnels = (this.means.saved?.of("funnel") ?? []).flatMap((item) => {
      const steps = item.body.steps.map((step) => conditionOf(step.filter));
      const window = WINDOWS.find((name) => WINDOW_MS[name] >= item.body.window_ms) ?? "365d";
      return steps.every((step) => step !== null) ? [{ item, name: item.name, steps: steps as Condition[], window }] : [];
    });
    if (funnels.length === 0) return [];
    const names = ["", ...funnels.map((_, index) => String(index))];
    const words = Object.fromEntries(names.map((name) => [name, name === "" ? "Saved funnels" : funnels[Number(name)]!.name]));
    const chosen = funnels.findIndex((funnel) => JSON.stringify(funnel.steps) === JSON.stringify(view.steps));
    const known = funnels[chosen];
    if (known) this.funnelName = known.name;
    const edits = known && this.means.saved?.mayEdit ? this.funnelEdits(known.item) : [];
    return [choice("Saved funnels", names, words, chosen < 0 ? "" : String(chosen), (name) => {
      const funnel = funnels[Number(name)];
      if (name !== "" && funnel) this.means.change({ steps: funnel.steps, window: funnel.window });
    }), ...edits];
  }

  private funnelEdits(item: SavedItem<"funnel">): HTMLElement[] {
    const rename = () => this.means.naming.ask("Funnel", "Name of the funnel", { name: item.name }, async ({ name }) => {
      await this.means.saved?.change({ ...item, name });
      this.means.change({});
    });
    const remove = () => void this.means.saved?.remove(item.id).then(() => this.means.change({}), () => undefined);
    return [editButton(`Rename ${item.name}`, rename), removeButton(`Remove ${item.name}`, remove)];
  }

  private put(drawn: HTMLElement): void {
    this.stage.replaceChildren(drawn);
    if (this.stage.parentElement !== this.body) this.body.replaceChildren(this.stage);
  }

  private question(view: View, questions: Questions): Asked {
    const common = questions.common();
    switch (view.behaviour) {
      case "funnel": return { kind: "funnel", ...common, steps: view.steps.map(stepFilter), window_ms: WINDOW_MS[view.window] };
      case "goals": case "retention": return { kind: "retention", ...common, unit: view.cohort, periods: PERIODS };
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
    if (view.behaviour === "funnel") {
      controls.unshift(...this.savedFunnels(view));
      if (view.steps.length > 0 && this.means.saved?.mayEdit) controls.push(press("Save", () => this.saveFunnel(view)));
    }
    if (view.behaviour === "goals" && this.means.saved?.mayEdit && this.means.saved.of("goal").length > 0) controls.push(press("Add a goal", () => this.addGoal()));
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
      if (next) item.append(make("span", "funnel-lost muted small", `${count(step.lost)} lost (${percent(1 - next.of_previous)}) · ${percent(next.of_previous)} go on${next.visitors > 0 ? `, after ${duration(next.time_ms)}` : ""}`));
      return item;
    }));
    return list;
  }
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
