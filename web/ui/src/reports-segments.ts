// Segments: filters with a name. One narrows the whole page, beside the filters that are set by hand.
import { make } from "./element";
import { dialog } from "./reports-dialog";
import { apiFilter } from "./reports-filters";
import type { Condition } from "./reports-filters";
import type { NameDialog } from "./reports-name-dialog";
import type { SavedApi, SavedItem } from "./reports-saved";

export class SegmentDialog {
  private readonly box = dialog("Segments", "segment-dialog");
  private readonly list = make("ul", "saved-list");
  private readonly name = make("input", "search");
  private readonly save = make("button", "button primary", "Save");
  private readonly row = make("div", "row filter-value");
  private readonly said = make("p", "muted small");
  private conditions: Condition[] = [];

  constructor(private readonly saved: SavedApi, private readonly naming: NameDialog, private readonly onChoose: (id: string, conditions?: Condition[]) => void) {
    this.list.setAttribute("role", "list");
    this.name.placeholder = "Name of the filters in force";
    this.name.setAttribute("aria-label", "Name of the segment");
    this.name.maxLength = 100;
    this.name.required = true;
    this.save.type = "submit";
    this.said.setAttribute("role", "status");
    this.row.append(this.name, this.save);
    this.box.body.append(this.list, this.row, this.said);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.keep();
    });
  }

  open(conditions: Condition[]): void {
    this.conditions = conditions;
    this.name.value = "";
    this.write("");
    this.box.element.showModal();
  }

  private write(said: string): void {
    const items = this.saved.of("segment");
    this.list.replaceChildren(...items.map((item) => savedRow(item, () => this.choose(item.id), this.saved.mayEdit ? { rename: () => this.rename(item), remove: () => void this.remove(item) } : null)));
    const maySave = this.saved.mayEdit && this.conditions.length > 0;
    this.row.hidden = !maySave;
    this.name.disabled = !maySave;
    const hint = items.length === 0 && !maySave ? "A segment is a set of filters with a name. Set some filters first, then save them here." : "";
    this.said.textContent = said || hint;
  }

  private choose(id: string): void {
    this.box.element.close();
    this.onChoose(id);
  }

  private async keep(): Promise<void> {
    const filter = apiFilter(this.conditions);
    const name = this.name.value.trim();
    if (!filter || !name) return;
    try {
      const item = await this.saved.keep("segment", name, { filter });
      this.box.element.close();
      // The filters are in the segment now.
      this.onChoose(item.id, []);
    } catch (error) {
      this.write(error instanceof Error ? error.message : String(error));
    }
  }

  private rename(item: SavedItem): void {
    this.naming.ask("Segment", "Name of the segment", { name: item.name }, async ({ name }) => {
      await this.saved.change({ ...item, name });
      this.write(`${name} is its name now.`);
    });
  }

  private async remove(item: SavedItem): Promise<void> {
    try {
      await this.saved.remove(item.id);
      this.write(`${item.name} is removed.`);
    } catch (error) {
      this.write(error instanceof Error ? error.message : String(error));
    }
  }
}

export function savedRow(item: { name: string }, onChoose: () => void, edits: { rename: () => void; remove: () => void } | null): HTMLElement {
  const row = make("li", "saved-row");
  const button = make("button", "preset");
  button.type = "button";
  button.append(make("bdi", "bar-name", item.name));
  button.addEventListener("click", onChoose);
  row.append(button);
  if (edits) row.append(editButton(`Rename ${item.name}`, edits.rename), removeButton(`Remove ${item.name}`, edits.remove));
  return row;
}

export const editButton = (name: string, act: () => void): HTMLButtonElement => iconButton("pen", name, act);

export const removeButton = (name: string, act: () => void): HTMLButtonElement => iconButton("chip-cross", name, act);

function iconButton(icon: string, name: string, act: () => void): HTMLButtonElement {
  const button = make("button", "chip-remove");
  button.type = "button";
  button.setAttribute("aria-label", name);
  button.append(make("span", icon));
  button.addEventListener("click", act);
  return button;
}
