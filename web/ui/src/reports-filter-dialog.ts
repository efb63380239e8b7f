// Adds a condition or changes one: a dimension, how it is held, and values, which the site's own history proposes.
import { make, say } from "./element";
import { metricText, DIMENSION_WORDS, dimensionText, isDimension, readsFromLeft, valueText } from "./reports-words";
import { OPERATOR_WORDS } from "./reports-chips";
import { dialog } from "./reports-dialog";
import { OPERATORS, VALUES_MAX, operatorFrom } from "./reports-filters";
import type { Condition, Operator } from "./reports-filters";
import type { Row } from "./reports-api";

const PROPOSALS_WAIT_MS = 180;

/** The values of a dimension that hold the text, the largest first. */
export type Propose = (by: string, text: string, signal: AbortSignal) => Promise<Row[]>;

export class FilterDialog {
  private readonly box = dialog("Filter", "filter-dialog");
  private readonly by = make("select", "button");
  private readonly prop = make("input", "search");
  private readonly props = make("datalist");
  private readonly operator = make("select", "button");
  private readonly text = make("input", "search");
  private readonly chosen = make("ul", "chips");
  private readonly proposals = make("ul", "proposals");
  private values: string[] = [];
  private done: (condition: Condition) => void = () => undefined;
  private under: AbortController | null = null;
  private timer = 0;

  constructor(private readonly propose: Propose, private readonly properties: () => Promise<string[]>, private readonly onDone: (added: Condition, replaced: Condition | null) => void) {
    const names = Object.keys(DIMENSION_WORDS).map((by) => option(by, dimensionText(by)));
    this.by.append(...names, option("prop:", "Property…"));
    this.operator.append(...OPERATORS.map((operator) => option(operator, OPERATOR_WORDS[operator])));
    this.by.setAttribute("aria-label", "Dimension");
    this.operator.setAttribute("aria-label", "How it is held");
    this.prop.placeholder = "Name of the property";
    this.prop.setAttribute("aria-label", "Name of the property");
    this.props.id = "filter-properties";
    this.prop.setAttribute("list", this.props.id);
    this.prop.autocomplete = "off";
    this.prop.addEventListener("focus", () => void this.offerProperties());
    this.text.type = "search";
    this.text.autocomplete = "off";
    this.text.setAttribute("aria-label", "Value");
    this.chosen.setAttribute("role", "list");
    this.chosen.setAttribute("aria-label", "Chosen values");
    this.proposals.setAttribute("role", "list");
    this.proposals.setAttribute("aria-label", "Values in this range");
    this.by.addEventListener("change", () => this.begin());
    this.prop.addEventListener("input", () => this.proposeSoon());
    this.operator.addEventListener("change", () => this.write());
    this.text.addEventListener("input", () => this.proposeSoon());
    this.box.form.addEventListener("submit", (event) => this.submit(event));
    this.box.element.addEventListener("close", () => this.under?.abort());
    const choices = make("div", "filter-choices");
    choices.append(this.by, this.prop, this.props, this.operator);
    const done = make("button", "button primary", "Apply");
    done.type = "submit";
    const row = make("div", "row filter-value");
    row.append(this.text, done);
    this.box.body.append(choices, this.chosen, row, this.proposals);
  }

  open(condition: Condition | null): void {
    this.done = (added) => this.onDone(added, condition);
    this.show("Filter", condition);
  }

  /** Hands one condition to whoever asks, in place of the filters. */
  pick(title: string, done: (condition: Condition) => void, proposed: Condition | null = null): void {
    this.done = done;
    this.show(title, proposed);
  }

  private show(title: string, condition: Condition | null): void {
    say(this.box.title, title);
    this.values = [...(condition?.values ?? [])];
    const dimension = condition?.by ?? "page";
    this.by.value = dimension.startsWith("prop:") ? "prop:" : dimension;
    this.prop.value = dimension.startsWith("prop:") ? dimension.slice(5) : "";
    this.operator.value = condition?.operator ?? "is";
    this.text.value = "";
    this.write();
    this.box.element.showModal();
    this.text.focus();
    this.proposeSoon(0);
  }

  /** The names that the site's events have; without them one is typed. */
  private async offerProperties(): Promise<void> {
    const names = await this.properties().catch(() => []);
    this.props.replaceChildren(...names.map((name) => option(name, name)));
  }

  private get dimension(): string {
    return this.by.value === "prop:" ? `prop:${this.prop.value.trim()}` : this.by.value;
  }

  /** Another dimension: its values are others. */
  private begin(): void {
    this.values = [];
    this.text.value = "";
    this.write();
    this.proposeSoon(0);
  }

  private write(): void {
    this.prop.hidden = this.by.value !== "prop:";
    this.text.placeholder = this.operator.value === "matches" ? "A regular expression" : "Type, or choose below";
    this.chosen.replaceChildren(...this.values.map((value) => {
      const item = make("li");
      const chip = make("button", "chip");
      chip.type = "button";
      chip.append(make("bdi", "chip-value", this.shown(value)), make("span", "chip-cross"));
      chip.setAttribute("aria-label", `Remove ${this.shown(value)}`);
      chip.addEventListener("click", () => {
        this.values = this.values.filter((other) => other !== value);
        this.write();
        this.text.focus();
      });
      item.append(chip);
      return item;
    }));
  }

  private shown(value: string): string {
    return this.operator.value === "is" || this.operator.value === "not" ? valueText(this.dimension, value) : value;
  }

  private proposeSoon(wait = PROPOSALS_WAIT_MS): void {
    clearTimeout(this.timer);
    this.under?.abort();
    this.timer = window.setTimeout(() => void this.proposeNow(), wait);
  }

  private async proposeNow(): Promise<void> {
    const by = this.dimension;
    if (!isDimension(by)) return this.proposals.replaceChildren();
    this.under = new AbortController();
    const { signal } = this.under;
    try {
      const rows = await this.propose(by, this.text.value, signal);
      if (!signal.aborted) this.proposals.replaceChildren(...rows.map((row) => this.proposal(by, row)));
    } catch {
      if (!signal.aborted) this.proposals.replaceChildren();
    }
  }

  private proposal(by: string, row: Row): HTMLElement {
    const value = row.key[0] ?? "";
    const item = make("li");
    const button = make("button", "bar-row");
    button.type = "button";
    const name = make("bdi", value === "" ? "bar-name muted" : "bar-name", valueText(by, value));
    if (readsFromLeft(by)) name.dir = "ltr";
    button.append(name, make("span", "bar-count", metricText("visitors", row.values.visitors ?? 0)));
    button.addEventListener("click", () => {
      if (!this.values.includes(value) && this.values.length < VALUES_MAX) this.values.push(value);
      this.text.value = "";
      this.write();
      this.text.focus();
    });
    item.append(button);
    return item;
  }

  private submit(event: Event): void {
    event.preventDefault();
    const typed = this.text.value.trim();
    const values = typed && !this.values.includes(typed) ? [...this.values, typed] : this.values;
    const by = this.dimension;
    if (values.length === 0 || !isDimension(by)) return this.text.focus();
    const operator: Operator = operatorFrom(this.operator.value) ?? "is";
    this.box.element.close();
    this.done({ by, operator, values });
  }
}

function option(value: string, name: string): HTMLOptionElement {
  const option = make("option", "", name);
  option.value = value;
  return option;
}
