// The feed: what visitors do, as they do it, newest on top.
import { draw, make, makePath, part } from "./element";
import { kindName, valueName } from "./format";
import type { Clock } from "./format";
import { admits } from "./filters";
import { arrange } from "./moving";
import { placeMark } from "./place-mark";
import type { FeedHit, Filter, HitKind, Visitor } from "./protocol";
import type { FeedView } from "./state";

const ROW_HEIGHT = 48;
const ROWS_SHOWN = 20;
const ICONS: Record<HitKind, string> = {
  pageview: "M3 8s2-4 5-4 5 4 5 4-2 4-5 4-5-4-5-4Zm5-1.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3Z",
  event: "M9 2 4 9h3.5L7 14l5-7H8.5Z",
  identify: "M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm-5 6c.4-2.6 2.4-4 5-4s4.6 1.4 5 4Z",
  leave: "M7 3H4v10h3M9.5 5.5 12 8l-2.5 2.5M12 8H6.5",
};

export class Feed {
  private readonly list: HTMLElement;
  private readonly none: HTMLElement;
  private items = new Map<number, HTMLElement>();

  constructor(
    panel: HTMLElement,
    private readonly clock: Clock,
    private readonly present: (key: string) => Visitor | undefined,
    private readonly onOpen: (visitor: Visitor) => void,
    redraw: () => void,
  ) {
    this.list = part(panel, "feed");
    this.none = part(panel, "none");
    this.list.addEventListener("pointerleave", redraw);
    this.list.addEventListener("focusout", redraw);
  }

  show(feed: FeedView | null, filter: Filter): void {
    if (this.list.matches(":hover") || this.list.contains(document.activeElement)) return;
    const shown = (feed?.hits ?? []).filter((hit) => this.shows(hit, filter)).slice(0, ROWS_SHOWN);
    const items = new Map(shown.map((hit) => [hit.number, this.items.get(hit.number) ?? this.item(hit)]));
    this.items = items;
    arrange(this.list, [...items.values()], { rowHeight: ROW_HEIGHT, animate: true });
    this.none.hidden = shown.length > 0;
  }

  /** Who closed a page and is still here only went on to the next one: that is no leaving. */
  private shows(hit: FeedHit, filter: Filter): boolean {
    const visitor = this.present(hit.visitor);
    return !(hit.kind === "leave" && visitor) && admits(filter, hit, visitor);
  }

  private item(hit: FeedHit): HTMLElement {
    const item = make("li");
    const button = make("button", `hit hit-${hit.kind}`);
    button.type = "button";
    const icon = draw("svg", { viewBox: "1.5 1.5 13 13", width: 18, height: 18, class: "hit-icon", "aria-hidden": "true" });
    icon.append(draw("path", { d: ICONS[hit.kind] ?? ICONS.pageview }));
    const what = make("span", "hit-what");
    const about = hit.name === null ? makePath("hit-path", hit.path) : make("bdi", "hit-path", hit.name);
    what.append(make("span", hit.kind === "pageview" ? "sr-only" : "hit-kind", `${kindName(hit.kind)} `), about);
    const where = make("span", "hit-where");
    where.append(placeMark(hit.country), hit.name === null ? make("bdi", "", valueName("source", hit.source)) : makePath("", hit.path));
    const at = make("time", "hit-time", this.clock.toSecond(hit.at));
    at.dateTime = new Date(hit.at).toISOString();
    button.append(icon, what, where, at);
    button.addEventListener("click", () => {
      const visitor = this.present(hit.visitor);
      if (visitor) this.onOpen(visitor);
    });
    item.append(button);
    return item;
  }
}
