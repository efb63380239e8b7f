// What somebody may do to one message: a small menu, and the message as a field while it is edited.
import { make } from "./element";
import { Menu } from "./menu";
import type { RoomState } from "./room-state";
import type { Action, Message } from "./room-protocol";

const EMOJI = ["👍", "❤️", "😄", "🎉", "👀", "🙏", "🚀", "✅"];

export interface Acts {
  act(message: Message, what: string, emoji?: string): void;
}

/** One menu for all messages, shown at the button that opens it. */
export class MessageMenu {
  private readonly menu = new Menu("Actions");

  /** `hasThreads`: messages are answered one by one, and decided. */
  constructor(private readonly state: () => RoomState, private readonly me: string, private readonly acts: Acts, private readonly hasThreads = true) {}

  open(button: HTMLElement, message: Message, may: Set<Action>): void {
    this.menu.open(button, this.items(message, may));
  }

  private items(message: Message, may: Set<Action>): HTMLElement[] {
    const items: HTMLElement[] = [];
    const state = this.state();
    const item = (text: string, what: string, className = "", emoji?: string) =>
      this.menu.item(text, () => this.acts.act(message, what, emoji), className);
    if (may.has("react")) {
      const row = make("div", "emoji-row");
      row.setAttribute("role", "none");
      for (const emoji of EMOJI) {
        const mine = message.reactions?.some((of) => of.emoji === emoji && of.who.includes(this.me));
        row.append(item(emoji, mine ? "unreact" : "react", "emoji", emoji));
      }
      items.push(row);
    }
    if (this.hasThreads && message.thread === undefined) items.push(item("Answer in a thread", "thread"));
    if (may.has("mark")) items.push(state.stars.has(message.number) ? item("Take the star away", "unstar") : item("Keep with a star", "star"));
    if (this.hasThreads && may.has("decide")) items.push(message.decided ? item("Not decided after all", "undecide") : item("Mark as decided", "decide"));
    if (may.has("change_own") && message.author === this.me && message.kind !== "sound") items.push(item("Edit", "edit"));
    if (this.hasThreads && may.has("decide") && isConversation(message)) {
      items.push(item(message.closed ? "Edit the closing note" : "Close the conversation", "close"));
      if (message.closed) items.push(item("Reopen", "reopen"));
    }
    items.push(item("Copy the link", "link"));
    // As a commit names it: `fixes #12`.
    if (this.hasThreads) items.push(item(`Copy #${message.number}`, "number"));
    if (may.has("remove_any") || (may.has("change_own") && message.author === this.me)) items.push(item("Remove", "remove", "harm"));
    return items;
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

/** A message that is a field just now. */
export interface Field {
  /** It is there no more: nothing can be saved, and what was typed stays to be copied. */
  outlived(): void;
}

/** Turns a message into a field, until `save` says that what was typed is saved, or it stays as it was; then it is `over`. */
export function editInPlace(item: HTMLElement, message: Message, asked: Asked, save: (body: string) => Promise<boolean>, over: () => void): Field | null {
  const { was } = asked;
  const main = item.querySelector(".message-main");
  if (!main) {
    over();
    return null;
  }
  const form = make("form", "edit-form");
  const field = make("textarea");
  field.value = was;
  field.dir = "auto";
  field.rows = Math.min(10, was.split("\n").length + 1);
  field.setAttribute("aria-label", asked.label);
  const saver = make("button", "button primary small", asked.save);
  const cancel = make("button", "button small", "Cancel");
  cancel.type = "button";
  const row = make("div", "row");
  row.append(saver, cancel);
  const outlived = make("p", "muted");
  outlived.setAttribute("role", "alert");
  form.append(outlived, field, row);
  let kept = [...main.childNodes];
  const end = () => {
    if (!form.isConnected) return;
    main.replaceChildren(...kept);
    over();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = field.value.trim();
    if (saver.disabled || !saver.isConnected) return;
    if (!asked.always && (!body || body === was)) return end();
    field.readOnly = saver.disabled = true;
    void save(body).then((isSaved) => {
      if (isSaved) return end();
      field.readOnly = saver.disabled = false;
      field.focus();
    });
  });
  cancel.addEventListener("click", end);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
    if (event.key === "Enter" && !event.shiftKey && message.kind === "text") {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  main.replaceChildren(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  return {
    outlived: () => {
      if (!saver.isConnected) return;
      kept = [];
      saver.remove();
      cancel.textContent = "Close";
      field.readOnly = true;
      outlived.textContent = "This message was removed, so that it cannot be changed. What you typed stays here until you close it.";
    },
  };
}
