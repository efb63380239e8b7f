// The conditions in force as chips: a press on one changes it, a press on its cross takes it away.
import { make, part } from "./element";
import type { Condition, Operator } from "./reports-filters";
import { dimensionText, readsFromLeft, valueText } from "./reports-words";

export const OPERATOR_WORDS: Record<Operator, string> = {
  is: "is", not: "is not", contains: "contains", lacks: "does not contain", starts: "starts with", matches: "matches",
};
const VALUES_SHOWN = 2;

export class ReportChips {
  private readonly list: HTMLElement;
  private readonly clear: HTMLButtonElement;

  constructor(private readonly root: HTMLElement, private readonly onChange: (conditions: Condition[]) => void, private readonly onEdit: (condition: Condition) => void, private readonly onLeaveSegment: () => void) {
    this.list = part(root, "chips");
    this.clear = part<HTMLButtonElement>(root, "clear");
    this.clear.addEventListener("click", () => onChange([]));
  }

  /** `segment`: the name of the one in force. */
  show(conditions: Condition[], segment: string | null): void {
    const hadFocus = this.list.contains(document.activeElement) || document.activeElement === this.clear;
    this.list.replaceChildren(...(segment === null ? [] : [this.segmentChip(segment)]), ...conditions.map((condition) => this.chip(condition, conditions)));
    this.clear.hidden = conditions.length + (segment === null ? 0 : 1) < 2;
    if (hadFocus) (this.list.querySelector("button") ?? part(this.root, "add-filter")).focus();
  }

  private segmentChip(name: string): HTMLElement {
    const item = make("li");
    const chip = make("button", "chip");
    chip.type = "button";
    chip.setAttribute("aria-label", `Leave the segment ${name}`);
    chip.append(make("span", "chip-kind", "Segment"), " ", make("bdi", "chip-value", name), make("span", "chip-cross"));
    chip.addEventListener("click", this.onLeaveSegment);
    item.append(chip);
    return item;
  }

  private chip(condition: Condition, all: Condition[]): HTMLElement {
    const item = make("li", "chip split-chip");
    const edit = make("button", "chip-edit");
    edit.type = "button";
    const value = make("bdi", "chip-value", valuesText(condition));
    if (readsFromLeft(condition.by)) value.dir = "ltr";
    edit.title = conditionText(condition);
    edit.append(make("span", "chip-kind", `${dimensionText(condition.by)} ${OPERATOR_WORDS[condition.operator]}`), " ", value);
    edit.addEventListener("click", () => this.onEdit(condition));
    const remove = make("button", "chip-remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove: ${conditionText(condition)}`);
    remove.append(make("span", "chip-cross"));
    remove.addEventListener("click", () => this.onChange(all.filter((other) => other !== condition)));
    item.append(edit, remove);
    return item;
  }
}

function valuesText({ by, values, operator }: Condition): string {
  const texts = values.map((value) => (operator === "is" || operator === "not" ? valueText(by, value) : value));
  const shown = texts.slice(0, VALUES_SHOWN).join(" or ");
  return texts.length > VALUES_SHOWN ? `${shown} or ${texts.length - VALUES_SHOWN} more` : shown;
}

export function conditionText(condition: Condition): string {
  return `${dimensionText(condition.by)} ${OPERATOR_WORDS[condition.operator]} ${valuesText(condition)}`;
}
