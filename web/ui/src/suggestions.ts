// What is offered above a field as one types: chosen with the arrows or by a press, taken with Enter, left with Escape.
import { make } from "./element";

const OFFERED_MAX = 6;

export interface Offering<Item> {
  /** The list's name for whoever hears the page. */
  label: string;
  /** Finds at the end of the text before the caret what is begun; its first group is what is looked for. */
  begun: RegExp;
  /** Those that fit, of what is begun in lower case. */
  fitting(begun: string): Item[];
  /** What is said of one, in its row. */
  show(item: Item): (Node | string)[];
  /** Its text, and how many characters before the caret it stands in the place of. */
  text(item: Item, begun: string): { text: string; replaced: number };
}

let lists = 0;

export class Suggestions<Item> {
  private readonly list = make("ul", "mention-list");
  private offered: Item[] = [];
  private chosen = 0;

  constructor(private readonly field: HTMLTextAreaElement, private readonly offering: Offering<Item>) {
    this.list.id = `offered-${(lists += 1)}`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", offering.label);
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
    return this.field.value.slice(0, this.field.selectionStart).match(this.offering.begun)?.[1];
  }

  private look(): void {
    const begun = this.begun()?.toLocaleLowerCase();
    if (begun === undefined) return this.close();
    this.offered = this.offering.fitting(begun).slice(0, OFFERED_MAX);
    this.chosen = 0;
    if (this.offered.length === 0) return this.close();
    this.draw();
  }

  private draw(): void {
    this.list.replaceChildren(...this.offered.map((offered, index) => {
      const item = make("li", "mention-item");
      item.id = `${this.list.id}-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(index === this.chosen));
      item.append(...this.offering.show(offered));
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.take(offered);
      });
      return item;
    }));
    this.list.hidden = false;
    this.field.setAttribute("aria-controls", this.list.id);
    this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.chosen}`);
  }

  private take(item: Item): void {
    const at = this.field.selectionStart;
    const { text, replaced } = this.offering.text(item, this.begun() ?? "");
    this.field.setRangeText(text, Math.max(0, at - replaced), at, "end");
    this.close();
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  private close(): void {
    if (this.list.hidden) return;
    this.list.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }
}
