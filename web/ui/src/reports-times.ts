// When people come: hours by weekdays, warmer where there are more.
import { make, part } from "./element";
import { counted } from "./format";
import { heatOf } from "./map";
import type { Answered, BreakdownAnswer } from "./reports-api";
import { leftNote } from "./reports-imported";
import { exportLink } from "./reports-panel";
import { WEEKDAYS } from "./reports-words";

const HOURS = [...Array(24).keys()].map((hour) => String(hour).padStart(2, "0"));

export class Times {
  private readonly body: HTMLElement;

  constructor(private readonly root: HTMLElement, private readonly onChoose: (weekday: string, hour: string) => void) {
    this.body = part(root, "panel-body");
    const hint = make("p", "hint-text", "Visitors with a hit in that hour of that weekday, by the site’s own clock.");
    hint.id = "what-times";
    hint.setAttribute("popover", "");
    const what = make("button", "what", "?");
    what.type = "button";
    what.setAttribute("popovertarget", hint.id);
    what.setAttribute("aria-label", "What times means");
    part(root, "panel-head").append(what, hint);
  }

  show(answered: Answered<BreakdownAnswer>, exports: [string, string][]): void {
    const foot = part(this.root, "panel-foot");
    if ("trouble" in answered) {
      foot.replaceChildren();
      return this.body.replaceChildren(make("p", "nothing", answered.trouble.message));
    }
    const counts = new Map((answered.answer.rows ?? []).map((row) => [row.key.join(" "), row.values.visitors ?? 0]));
    const most = Math.max(1, ...counts.values());
    const table = make("table", "heat");
    const head = make("tr");
    head.append(make("td"), ...HOURS.map((hour) => {
      const cell = make("th", "", hour);
      cell.scope = "col";
      return cell;
    }));
    const rows = WEEKDAYS.map((name, index) => {
      const row = make("tr");
      const label = make("th");
      label.scope = "row";
      const short = make("span", "", name.slice(0, 3));
      short.ariaHidden = "true";
      label.append(short, make("span", "sr-only", name));
      row.append(label, ...HOURS.map((hour) => this.cell(index + 1, hour, counts.get(`${index + 1} ${hour}`) ?? 0, most)));
      return row;
    });
    const body = make("tbody");
    body.append(...rows);
    const top = make("thead");
    top.append(head);
    table.append(top, body);
    const scroll = make("div", "heat-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", "Visitors by weekday and hour");
    scroll.append(table);
    const left = leftNote(answered.answer.imported);
    this.body.replaceChildren(scroll, ...(left ? [left] : []));
    const links = make("span", "exports");
    links.append(...exports.map(([name, url]) => exportLink(name, url, "Times")));
    foot.replaceChildren(...(counts.size > 0 ? [links] : []));
  }

  private cell(weekday: number, hour: string, number: number, most: number): HTMLElement {
    const cell = make("td");
    const words = `${WEEKDAYS[weekday - 1]} ${hour}:00 · ${counted(number, "visitor")}`;
    const button = make("button", "heat-cell");
    button.type = "button";
    button.dataset["heat"] = String(heatOf(number, most));
    button.title = words;
    button.tabIndex = number > 0 ? 0 : -1;
    button.append(make("span", "sr-only", words));
    button.disabled = number === 0;
    button.addEventListener("click", () => this.onChoose(String(weekday), hour));
    cell.append(button);
    return cell;
  }
}
