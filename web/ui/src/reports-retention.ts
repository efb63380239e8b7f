// Who comes back: a row a cohort, a column a unit later, warmer where more of them were seen again.
import { make } from "./element";
import { count } from "./format";
import { heatOf } from "./map";
import type { Labels } from "./reports-labels";
import type { Unit } from "./reports-range";

export interface RetentionAnswer {
  unit: Unit;
  cohorts: { from: number; visitors: number; returned: number[] }[];
}

export function drawRetention(answer: RetentionAnswer, labels: Labels): HTMLElement {
  const cohorts = answer.cohorts.filter((cohort) => cohort.visitors > 0);
  if (cohorts.length === 0) return make("p", "nothing", "Nobody was seen first in this range.");
  const columns = Math.max(...cohorts.map((cohort) => cohort.returned.length));
  const table = make("table", "heat retention");
  const head = make("tr");
  const names = ["Seen first", "Visitors", ...[...Array(columns).keys()].map((index) => `+${index}`)];
  head.append(...names.map((name) => {
    const cell = make("th", "", name);
    cell.scope = "col";
    return cell;
  }));
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  body.append(...cohorts.map((cohort) => {
    const row = make("tr");
    const label = make("th", "", labels.bucket(cohort.from, answer.unit));
    label.scope = "row";
    row.append(label, make("td", "number", count(cohort.visitors)), ...[...Array(columns).keys()].map((index) => {
      const returned = cohort.returned[index];
      const cell = make("td", "retention-cell number");
      if (returned === undefined) return cell;
      const share = returned / cohort.visitors;
      cell.dataset["heat"] = String(heatOf(share, 1));
      cell.textContent = `${Math.round(share * 100)}%`;
      cell.title = `${count(returned)} of ${count(cohort.visitors)}`;
      return cell;
    }));
    return row;
  }));
  table.append(top, body);
  const scroll = make("div", "heat-scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", "Retention");
  scroll.append(table);
  return scroll;
}
