// The filters in force, each a chip that a press takes away.
import { make, part } from "./element";
import { narrowed, withBots, without } from "./filters";
import { dimensionName, valueName } from "./format";
import type { Filter } from "./protocol";

export class Chips {
  private readonly list: HTMLElement;
  private readonly clear: HTMLButtonElement;
  private readonly bots: HTMLInputElement;
  private filter: Filter = {};

  constructor(private readonly board: HTMLElement, private readonly onChange: (filter: Filter) => void) {
    this.list = part(board, "chips");
    this.clear = part<HTMLButtonElement>(board, "clear");
    this.bots = part<HTMLInputElement>(board, "bots");
    this.clear.addEventListener("click", () => onChange(withBots({}, this.filter.bots ?? false)));
    this.bots.addEventListener("change", () => onChange(withBots(this.filter, this.bots.checked)));
  }

  show(filter: Filter): void {
    const hadFocus = this.list.contains(document.activeElement);
    this.filter = filter;
    const chips = narrowed(filter);
    this.list.replaceChildren(...chips.map(([dimension, value]) => {
      const item = make("li");
      const chip = make("button", "chip");
      chip.type = "button";
      const name = valueName(dimension, value);
      const cross = make("span", "chip-cross");
      cross.append(make("span", "sr-only", " Remove this filter"));
      chip.append(make("span", "chip-kind", dimensionName(dimension)), " ", make("bdi", "chip-value", name), cross);
      chip.addEventListener("click", () => this.onChange(without(this.filter, dimension)));
      item.append(chip);
      return item;
    }));
    this.clear.hidden = chips.length < 2;
    this.bots.checked = filter.bots ?? false;
    if (hadFocus) (this.list.querySelector("button") ?? part(this.board, "bots")).focus();
  }
}
