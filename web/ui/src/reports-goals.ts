// Goals: how many visitors did what the site wants of them.
import { make } from "./element";
import { count } from "./format";
import type { Answered, BreakdownAnswer } from "./reports-api";
import type { SavedItem } from "./reports-saved";
import { editButton, removeButton } from "./reports-segments";
import { growth, growthText, percent } from "./reports-words";

export type Goal = SavedItem<"goal">;

export function drawGoals(goals: [Goal, Answered<BreakdownAnswer>][], onChoose: (goal: Goal) => void, edits: { change: (goal: Goal) => void; remove: (goal: Goal) => void } | null): HTMLElement {
  const table = make("table", "table goals");
  const head = make("tr");
  const names = ["Goal", "Visitors", "Conversions", "Rate", "Change", ...(edits ? [""] : [])];
  head.append(...names.map((name, index) => {
    const cell = make(name ? "th" : "td", index > 0 ? "number" : "", name);
    if (cell instanceof HTMLTableCellElement && name) cell.scope = "col";
    return cell;
  }));
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  body.append(...goals.map(([goal, answered]) => {
    const row = make("tr");
    const label = make("th");
    label.scope = "row";
    const button = make("button", "row-name");
    button.type = "button";
    button.append(make("bdi", "bar-name", goal.name));
    button.addEventListener("click", () => onChoose(goal));
    label.append(button);
    row.append(label, ...cells(answered));
    if (edits) {
      const cell = make("td", "number edits");
      cell.append(editButton(`Change ${goal.name}`, () => edits.change(goal)), removeButton(`Remove ${goal.name}`, () => edits.remove(goal)));
      row.append(cell);
    }
    return row;
  }));
  table.append(top, body);
  const scroll = make("div", "heat-scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", "Goals");
  scroll.append(table);
  return scroll;
}

function cells(answered: Answered<BreakdownAnswer>): HTMLElement[] {
  if ("trouble" in answered) {
    const cell = make("td", "", answered.trouble.message);
    cell.colSpan = 4;
    return [cell];
  }
  const told = answered.answer.totals ?? {};
  const before = answered.answer.before?.totals;
  const by = before ? growth(told.converted ?? 0, before.converted ?? 0) : null;
  const texts = [count(told.converted ?? 0), count(told.conversions ?? 0), percent(told["conversion-rate"] ?? 0), by === null ? "–" : growthText(by)];
  return texts.map((text) => make("td", "number", text));
}
