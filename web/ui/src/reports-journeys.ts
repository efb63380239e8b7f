// The ways that visits take: pages and, inside each, the pages after it (or before it).
import { make, makePath } from "./element";
import { count } from "./format";
import { valueText } from "./reports-words";

export interface Branch {
  page: string;
  visits: number;
  ended: number;
  rest: number;
  then: Branch[];
}

export interface JourneysAnswer {
  direction: "next" | "previous";
  visits: number;
  tree: Branch[];
}

export function drawJourneys(answer: JourneysAnswer, onStart: (page: string) => void): HTMLElement {
  if (answer.tree.length === 0) return make("p", "nothing", "No visit in this range goes that way.");
  const ending = answer.direction === "next" ? "left here" : "began here";
  const draw = (branches: Branch[], depth: number): HTMLElement => {
    const list = make("ol", "journey");
    list.setAttribute("role", "list");
    list.append(...branches.map((branch) => {
      const item = make("li");
      const button = make("button", "bar-row");
      button.type = "button";
      button.title = `${branch.page}\n${count(branch.visits)} visits, ${count(branch.ended)} ${ending}`;
      const bar = make("span", "bar");
      bar.style.setProperty("--share", (branch.visits / Math.max(1, answer.visits)).toFixed(3));
      button.append(bar, makePath("bar-name", valueText("page", branch.page) || "No page"), make("span", "bar-part", branch.ended > 0 ? `${count(branch.ended)} ${ending}` : ""), make("span", "bar-count", count(branch.visits)));
      button.addEventListener("click", () => onStart(branch.page));
      item.append(button);
      if (branch.then.length > 0) item.append(draw(branch.then, depth + 1));
      if (branch.rest > 0) item.append(make("p", "muted small journey-rest", `${count(branch.rest)} to other pages`));
      return item;
    }));
    return list;
  };
  return draw(answer.tree, 0);
}
