// What somebody may do to one message: a small menu, and the message as a field while it is edited.
import { make } from "./element";
import type { RoomState } from "./room-state";
import type { Action, Message } from "./room-protocol";

const EMOJI = ["👍", "❤️", "😄", "🎉", "👀", "🙏", "🚀", "✅"];

export interface Acts {
  act(message: Message, what: string, emoji?: string): void;
}

/** One menu for all messages, shown at the button that opens it. */
export class MessageMenu {
  private readonly menu = make("div", "message-menu");
  private opener: HTMLElement | null = null;

  constructor(private readonly state: RoomState, private readonly me: string, private readonly acts: Acts) {
    this.menu.setAttribute("popover", "auto");
    this.menu.setAttribute("role", "menu");
    this.menu.setAttribute("aria-label", "Actions");
    document.body.append(this.menu);
    this.menu.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "closed" && this.menu.contains(document.activeElement)) this.opener?.focus();
    });
    this.menu.addEventListener("keydown", (event) => this.move(event));
  }

  open(button: HTMLElement, message: Message, may: Set<Action>): void {
    this.opener = button;
    this.menu.replaceChildren(...this.items(message, may));
    this.menu.showPopover();
    const at = button.getBoundingClientRect();
    const { width, height } = this.menu.getBoundingClientRect();
    this.menu.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, at.right - width))}px`;
    this.menu.style.top = `${at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4}px`;
    this.menu.querySelector("button")?.focus();
  }

  private items(message: Message, may: Set<Action>): HTMLElement[] {
    const items: HTMLElement[] = [];
    const item = (text: string, what: string, className = "", emoji?: string) => {
      const button = make("button", className, text);
      button.type = "button";
      button.setAttribute("role", "menuitem");
      button.addEventListener("click", () => {
        this.menu.hidePopover();
        this.acts.act(message, what, emoji);
      });
      return button;
    };
    if (may.has("react")) {
      const row = make("div", "emoji-row");
      row.setAttribute("role", "none");
      for (const emoji of EMOJI) {
        const mine = message.reactions?.some((of) => of.emoji === emoji && of.who.includes(this.me));
        row.append(item(emoji, mine ? "unreact" : "react", "emoji", emoji));
      }
      items.push(row);
    }
    if (message.thread === undefined) items.push(item("Answer in a thread", "thread"));
    if (may.has("mark")) items.push(this.state.stars.has(message.number) ? item("Take the star away", "unstar") : item("Keep with a star", "star"));
    if (may.has("decide")) items.push(message.decided ? item("Not decided after all", "undecide") : item("Mark as decided", "decide"));
    if (may.has("change_own") && message.author === this.me && message.kind !== "sound") items.push(item("Edit", "edit"));
    if (may.has("decide") && isConversation(message)) {
      items.push(item(message.closed ? "Edit the closing note" : "Close the conversation", "close"));
      if (message.closed) items.push(item("Reopen", "reopen"));
    }
    items.push(item("Copy the link", "link"));
    if (may.has("remove_any") || (may.has("change_own") && message.author === this.me)) items.push(item("Remove", "remove", "harm"));
    return items;
  }

  private move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const buttons = [...this.menu.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  }
}

/** What others may answer, and somebody may close. */
export function isConversation(message: Message): boolean {
  return message.thread === undefined && (message.kind === "text" || message.kind === "paste");
}

export interface Asked {
  was: string;
  label: string;
  save: string;
  /** Saved as it was, it is saved all the same. */
  always?: boolean;
}

/** Turns a message into a field; `save` with the new text, or null where it stays as it was. */
export function editInPlace(item: HTMLElement, message: Message, asked: Asked, done: (body: string | null) => void): void {
  const { was } = asked;
  const main = item.querySelector(".message-main");
  if (!main) return done(null);
  const form = make("form", "edit-form");
  const field = make("textarea");
  field.value = was;
  field.dir = "auto";
  field.rows = Math.min(10, was.split("\n").length + 1);
  field.setAttribute("aria-label", asked.label);
  const save = make("button", "button primary small", asked.save);
  const cancel = make("button", "button small", "Cancel");
  cancel.type = "button";
  const row = make("div", "row");
  row.append(save, cancel);
  form.append(field, row);
  const kept = [...main.childNodes];
  const end = (body: string | null) => {
    main.replaceChildren(...kept);
    done(body);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = field.value.trim();
    end(asked.always || (body && body !== was) ? body : null);
  });
  cancel.addEventListener("click", () => end(null));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end(null);
    if (event.key === "Enter" && !event.shiftKey && message.kind === "text") {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  main.replaceChildren(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}
