// People by name in what is written: offered as one types @, sent by their ids, and shown by their names again.
import { make } from "./element";
import type { Member } from "./room-protocol";

const OFFERED_MAX = 6;
/** What stands behind an @ at the caret. */
const BEGUN = /(?:^|[\s(])@([^\s@]{0,40})$/;
const ID = /@((?:AC|GU|BT)-[0-9A-HJKMNP-TV-Z]{8})/g;

type Named = Pick<Member, "who" | "name">;

/** Longer names first, so that nobody is cut short by a namesake. */
export function toIds(text: string, members: Named[]): string {
  const sorted = members.filter(({ name }) => name).sort((one, other) => other.name.length - one.name.length);
  let rest = text;
  for (const { who, name } of sorted) rest = rest.split(`@${name}`).join(`@${who}`);
  return rest;
}

export function toNames(text: string, members: Named[]): string {
  return text.replace(ID, (whole, id: string) => {
    const name = members.find(({ who }) => who === id)?.name;
    return name ? `@${name}` : whole;
  });
}

let lists = 0;

/** The list of names above the field. */
export class Mentions {
  private readonly list = make("ul", "mention-list");
  private offered: Named[] = [];
  private chosen = 0;

  constructor(private readonly field: HTMLTextAreaElement, private readonly members: () => Named[]) {
    this.list.id = `mentions-${(lists += 1)}`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "People");
    this.list.hidden = true;
    field.setAttribute("aria-autocomplete", "list");
    field.after(this.list);
    field.addEventListener("input", () => this.look());
    field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  /** Whether the key was for the list. */
  takes(event: KeyboardEvent): boolean {
    if (this.list.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      this.chosen = (this.chosen + step + this.offered.length) % this.offered.length;
      this.draw();
    } else if (event.key === "Enter" || event.key === "Tab") this.take(this.offered[this.chosen]!);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  private begun(): string | undefined {
    return this.field.value.slice(0, this.field.selectionStart).match(BEGUN)?.[1];
  }

  private look(): void {
    const begun = this.begun()?.toLocaleLowerCase();
    if (begun === undefined) return this.close();
    const fits = ({ name }: Named) => name.toLocaleLowerCase().split(/\s+/).some((word) => word.startsWith(begun)) || name.toLocaleLowerCase().startsWith(begun);
    this.offered = this.members().filter(fits).slice(0, OFFERED_MAX);
    this.chosen = 0;
    if (this.offered.length === 0) return this.close();
    this.draw();
  }

  private draw(): void {
    this.list.replaceChildren(...this.offered.map((person, index) => {
      const item = make("li", "mention-item");
      item.id = `${this.list.id}-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(index === this.chosen));
      item.append(make("bdi", "", person.name));
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.take(person);
      });
      return item;
    }));
    this.list.hidden = false;
    this.field.setAttribute("aria-controls", this.list.id);
    this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.chosen}`);
  }

  private take({ name }: Named): void {
    const at = this.field.selectionStart;
    const from = at - (this.begun() ?? "").length;
    this.field.setRangeText(`${name} `, from, at, "end");
    this.close();
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  private close(): void {
    this.list.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }
}
