// One visitor's row in the list.
import { make, makePath, say } from "./element";
import { count, duration, placeName, valueName, versioned } from "./format";
import { writePlaceMark } from "./place-mark";
import type { Visitor } from "./protocol";

const TRAIL_SHOWN = 4;

export class VisitorRow {
  readonly element = make("div", "visitor");
  private readonly page = makePath("visitor-page");
  private readonly state = make("span", "presence");
  private readonly stateName = make("span", "sr-only");
  private readonly who = make("bdi", "badge visitor-who");
  private readonly trail = makePath("visitor-trail");
  private readonly steps = make("span", "visitor-steps");
  private readonly source = make("bdi", "visitor-source");
  private readonly place = make("span", "place-mark");
  private readonly placeName = make("bdi", "visitor-place-name");
  private readonly agent = make("bdi", "visitor-agent");
  private readonly time = make("span", "visitor-time");
  private written: Visitor | null = null;
  private gone = false;

  constructor(visitor: Visitor) {
    this.element.setAttribute("role", "row");
    this.element.dataset["visitor"] = visitor.key;
    this.state.setAttribute("aria-hidden", "true");
    const page = cell("cell-page", this.state, this.stateName, this.page, this.who);
    const place = cell("cell-place", this.place, this.placeName);
    this.element.append(
      page, cell("cell-trail", this.steps, this.trail), cell("cell-source", this.source), place, cell("cell-agent", this.agent), cell("cell-time", this.time),
    );
  }

  write(visitor: Visitor, index: number, gone: boolean, now: number): void {
    const rowIndex = String(index + 2);
    if (this.element.ariaRowIndex !== rowIndex) this.element.ariaRowIndex = rowIndex;
    if (visitor === this.written && gone === this.gone) return;
    this.written = visitor;
    this.gone = gone;
    this.element.classList.toggle("gone", gone);
    this.writePresence(visitor, gone);
    this.writePages(visitor);
    this.writeOrigin(visitor);
    this.writeTime(now);
  }

  writeTime(now: number): void {
    if (this.written && !this.gone) say(this.time, duration(now - this.written.since));
  }

  private writePresence(visitor: Visitor, gone: boolean): void {
    this.state.className = gone ? "presence gone" : visitor.active ? "presence active" : "presence idle";
    say(this.stateName, gone ? "Left, " : visitor.active ? "Active on " : "Idle on ");
    const badge = visitor.identity ?? (visitor.bot ? "bot" : "");
    this.who.hidden = badge === "";
    say(this.who, badge);
  }

  private writePages(visitor: Visitor): void {
    const page = visitor.trail.at(-1)?.path ?? "";
    say(this.page, page);
    this.page.title = page;
    const before = visitor.trail.slice(0, -1);
    say(this.steps, before.length === 0 ? "" : count(visitor.trail.length));
    this.steps.title = `${visitor.trail.length} pages`;
    const shown = before.slice(-TRAIL_SHOWN).map((step) => step.path);
    say(this.trail, before.length === 0 ? "–" : [...(before.length > shown.length ? ["…"] : []), ...shown].join(" › "));
    this.trail.classList.toggle("muted", before.length === 0);
    this.trail.title = before.map((step) => step.path).join(" › ");
  }

  private writeOrigin(visitor: Visitor): void {
    say(this.source, valueName("source", visitor.source));
    this.source.title = valueName("channel", visitor.channel);
    writePlaceMark(this.place, visitor.country);
    const place = placeName(visitor);
    say(this.placeName, place);
    this.placeName.title = place;
    const agent = `${versioned(visitor.browser, "")} · ${versioned(visitor.os, "")}`;
    say(this.agent, agent);
    this.agent.title = `${valueName("device", visitor.device)} · ${agent}`;
  }
}

function cell(kind: string, ...content: HTMLElement[]): HTMLElement {
  const element = make("div", kind);
  element.setAttribute("role", "gridcell");
  element.append(...content);
  return element;
}
