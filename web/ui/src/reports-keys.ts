// Keyboard shortcuts and the dialog that tells them.
import { make } from "./element";
import { PRESET_KEYS } from "./reports-dates";
import { dialog } from "./reports-dialog";
import { PRESET_NAMES } from "./reports-labels";
import { PRESETS } from "./reports-range";
import type { Preset } from "./reports-range";

export interface Commands {
  preset: (preset: Preset) => void;
  move: (way: -1 | 1) => void;
  dates: () => void;
  compare: () => void;
  filter: () => void;
  clear: () => void;
  bots: () => void;
  metric: (index: number) => void;
  live: () => void;
}

const OTHERS: [string, string][] = [
  ["←", "The time before"], ["→", "The time after"], ["c", "Choose dates"], ["x", "Comparison on and off"], ["1 … 8", "Chart that number"],
  ["f", "Add a filter"], ["Esc", "Clear all filters"], ["b", "With and without bots"], ["l", "Go to the live page"], ["?", "This list"],
];

export class Keys {
  private readonly box = dialog("Keyboard shortcuts", "keys-dialog");

  constructor(private readonly commands: Commands) {
    const list = make("dl", "keys");
    const rows: [string, string][] = [...PRESETS.map((preset): [string, string] => [PRESET_KEYS[preset], PRESET_NAMES[preset]]), ...OTHERS];
    for (const [key, does] of rows) {
      const row = make("div");
      const term = make("dt");
      term.append(make("kbd", "", key));
      row.append(term, make("dd", "", does));
      list.append(row);
    }
    this.box.body.append(list);
    this.box.body.tabIndex = 0;
    this.box.body.setAttribute("role", "group");
    this.box.body.setAttribute("aria-label", "Keys");
    document.addEventListener("keydown", (event) => this.press(event));
  }

  open(): void {
    this.box.element.showModal();
  }

  private press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    const target = event.target as Element;
    if (document.querySelector("dialog[open], :popover-open") || target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const act = this.act(event.key, target);
    if (!act) return;
    event.preventDefault();
    act();
  }

  private act(key: string, target: Element): (() => void) | null {
    const { commands } = this;
    const preset = PRESETS.find((preset) => PRESET_KEYS[preset] === key);
    if (preset) return () => commands.preset(preset);
    if (/^[1-8]$/.test(key)) return () => commands.metric(Number(key) - 1);
    // Arrow keys belong to what has the focus, where it scrolls or has tabs.
    const isFree = !target.closest("[role=tablist], [tabindex='0']");
    const forward = document.documentElement.dir === "rtl" ? -1 : 1;
    if (key === "ArrowLeft" && isFree) return () => commands.move(forward === 1 ? -1 : 1);
    if (key === "ArrowRight" && isFree) return () => commands.move(forward === 1 ? 1 : -1);
    const named: Record<string, () => void> = {
      c: commands.dates, x: commands.compare, f: commands.filter, Escape: commands.clear, b: commands.bots, l: commands.live, "?": () => this.open(),
    };
    return Object.hasOwn(named, key) ? named[key]! : null;
  }
}
