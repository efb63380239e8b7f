// To whom on the site an agent writes first: those who are there now, by page and place, in a dialog.
import { make, makePath } from "./element";
import { duration } from "./format";
import type { Conversation } from "./inbox-protocol";
import { placeOf } from "./inbox-visitor";
import type { Visitor } from "./protocol";
import { dialog } from "./reports-dialog";
import type { VisitorsView } from "./state";
import { shortName } from "./visitor-facts";
import { WriteFirst } from "./visitor-write";

/** Of many those who came last are shown; a word narrows them. */
const SHOWN_MAX = 30;

export class WriteToVisitor {
  private readonly box = dialog("Write to a visitor", "write-dialog");
  private readonly search = make("input", "search");
  private readonly list = make("ul", "write-visitors");
  private readonly nothing = make("p", "muted");
  private readonly write: WriteFirst;
  private chosen: string | null = null;

  constructor(site: string, private readonly present: () => VisitorsView | null, wrote: (conversation: Conversation) => void) {
    this.write = new WriteFirst(site, (conversation) => {
      this.box.element.close();
      wrote(conversation);
    });
    this.search.type = "search";
    this.search.placeholder = "Page, place or name";
    this.search.setAttribute("aria-label", "Who is on the site now");
    this.search.addEventListener("input", () => this.draw());
    this.list.setAttribute("role", "list");
    this.list.addEventListener("change", (event) => this.choose((event.target as HTMLInputElement).value));
    this.box.form.addEventListener("submit", (event) => event.preventDefault());
    this.box.body.append(this.search, this.nothing, this.list, this.write.element);
  }

  open(): void {
    this.search.value = "";
    this.choose(null);
    this.draw();
    this.box.element.showModal();
  }

  /** Who is there changed. */
  changed(): void {
    if (this.box.element.open && !this.list.contains(document.activeElement)) this.draw();
  }

  private choose(visitor: string | null): void {
    this.chosen = visitor;
    this.write.element.hidden = visitor === null;
    if (visitor === null) return;
    this.write.to(visitor);
    this.write.focus();
  }

  private draw(): void {
    const asked = this.search.value.trim().toLowerCase();
    const all = [...(this.present()?.byKey.values() ?? [])].filter(({ bot }) => !bot);
    const fitting = all.filter((visitor) => textOf(visitor).toLowerCase().includes(asked)).sort((one, other) => other.since - one.since);
    const shown = fitting.filter(({ key }, at) => at < SHOWN_MAX || key === this.chosen);
    this.nothing.textContent = all.length === 0 ? "Nobody is on the site now." : shown.length === 0 ? "Nobody here fits." : shown.length < fitting.length ? `The newest ${SHOWN_MAX} of ${fitting.length}` : "";
    this.nothing.hidden = this.nothing.textContent === "";
    this.list.replaceChildren(...shown.map((visitor) => this.row(visitor)));
  }

  private row(visitor: Visitor): HTMLElement {
    const item = make("li");
    const label = make("label", "write-visitor");
    const choice = make("input");
    choice.type = "radio";
    choice.name = "visitor";
    choice.value = visitor.key;
    choice.checked = visitor.key === this.chosen;
    const facts = make("span", "write-facts");
    facts.append(make("bdi", "", nameOf(visitor)), " ", makePath("muted small", visitor.trail.at(-1)?.path ?? ""));
    label.append(choice, facts, make("span", "muted small number", duration(Date.now() - visitor.since)));
    item.append(label);
    return item;
  }
}

function nameOf(visitor: Visitor): string {
  const place = placeOf(visitor);
  return visitor.identity ?? (place ? `Visitor from ${place}` : `Visitor ${shortName(visitor.key)}`);
}

function textOf(visitor: Visitor): string {
  return `${nameOf(visitor)} ${visitor.key} ${visitor.trail.at(-1)?.path ?? ""}`;
}
