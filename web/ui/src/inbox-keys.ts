// The keys of the inbox, and the dialog that tells them. A field has its keys for itself.
import { choose, device } from "./device";
import { make } from "./element";
import { dialog } from "./reports-dialog";

export interface Commands {
  move: (by: -1 | 1) => void;
  open: () => void;
  reply: () => void;
  note: () => void;
  close: () => void;
  assign: () => void;
  snooze: () => void;
  labels: () => void;
  /** To everybody, in a public room. */
  retell: () => void;
  search: () => void;
  /** Back from what one is in. */
  back: (from: Element) => void;
}

const KEYS: [string, string][] = [
  ["j", "The next conversation"], ["k", "The one before"], ["Enter", "Open it"], ["r", "Reply"], ["n", "Note for the team"], ["e", "Close, or open again"],
  ["a", "I look after it"], ["s", "Snooze"], ["l", "Labels"], ["p", "Show it to everybody, in a public room"], ["/", "Search"], ["Esc", "Back"], ["?", "This list"],
  ["Alt+R", "Reply, while you write"], ["Alt+N", "Note, while you write"], ["Ctrl+Enter", "Send, and close"], ["/ in a reply", "Canned answers"], ["@ in a note", "Call somebody"],
  ["↑", "Edit what you said last"],
];

export class InboxKeys {
  private readonly box = dialog("Keys", "keys-dialog");

  constructor(private readonly commands: Commands) {
    const list = make("dl", "keys");
    for (const [key, does] of KEYS) {
      const row = make("div");
      const term = make("dt");
      term.append(make("kbd", "", key));
      row.append(term, make("dd", "", does));
      list.append(row);
    }
    this.box.body.append(list, this.turning());
    this.box.body.tabIndex = 0;
    this.box.body.setAttribute("role", "group");
    this.box.body.setAttribute("aria-label", "Keys");
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  open(): void {
    this.box.element.showModal();
  }

  /** Who speaks to their machine, or leans on a key, does without single letters. */
  private turning(): HTMLElement {
    const label = make("label", "switch keys-switch");
    const box = make("input");
    box.type = "checkbox";
    box.setAttribute("role", "switch");
    box.checked = device().keys;
    box.addEventListener("change", () => choose({ keys: box.checked }));
    label.append(box, " Single letters do something on this device");
    return label;
  }

  private pressed(event: KeyboardEvent): void {
    if (event.altKey && !event.ctrlKey && !event.metaKey && (event.code === "KeyR" || event.code === "KeyN") && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      return event.code === "KeyR" ? this.commands.reply() : this.commands.note();
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && !"jk".includes(event.key)) return;
    if (document.querySelector("dialog[open], :popover-open, details.menu[open]")) return;
    const target = event.target as Element;
    if (event.key === "Escape") return this.commands.back(target);
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    const act = this.act(event.key, target);
    if (!act) return;
    event.preventDefault();
    act();
  }

  private act(key: string, target: Element): (() => void) | null {
    const { commands } = this;
    // What has the focus does what Enter means there.
    if (key === "Enter") return target === document.body || target.id === "content" ? commands.open : null;
    if (!device().keys && key !== "?") return null;
    const named: Record<string, () => void> = {
      j: () => commands.move(1), k: () => commands.move(-1), r: commands.reply, n: commands.note, e: commands.close, a: commands.assign, s: commands.snooze,
      l: commands.labels, p: commands.retell, "/": commands.search, "?": () => this.open(),
    };
    return Object.hasOwn(named, key) ? named[key]! : null;
  }
}
