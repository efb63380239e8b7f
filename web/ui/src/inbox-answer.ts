// Where an agent writes: to the customer, or a note to the team. Two fields that never mix: each has its own text, files and room, its own
// colour and its own words on its button.
import { make } from "./element";
import type { CannedAnswers } from "./inbox-canned";
import type { Agent } from "./inbox-protocol";
import type { Half, Talk, Which } from "./inbox-talk";
import { Composer } from "./room-composer";
import type { Pending } from "./room-state";

export interface AnswerContext {
  canned: CannedAnswers;
  agents: () => Agent[];
  /** What `{name}` is; empty where nobody knows. */
  ownName: () => string;
  sent: (which: Which, isLast: boolean) => void;
  editLast: (which: Which) => void;
}

interface Mode {
  which: Which;
  half: Half;
  tab: HTMLButtonElement;
  panel: HTMLElement;
  composer: Composer;
}

const WORDS: Record<Which, { tab: string; key: string; label: string; placeholder: string; send: string }> = {
  said: { tab: "Reply", key: "R", label: "Reply to the customer", placeholder: "Write to the customer, or type / for a canned answer", send: "Send" },
  noted: { tab: "Note", key: "N", label: "Note for your team", placeholder: "Only your team sees this. Type @ to call somebody", send: "Add note" },
};

export class Answer {
  readonly element = make("div", "answer");
  private readonly modes: Record<Which, Mode>;
  private chosen: Which = "said";

  constructor(talk: Talk, private readonly context: AnswerContext) {
    const tabs = make("div", "answer-modes");
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", "What you write");
    this.modes = { said: this.mode("said", talk), noted: this.mode("noted", talk) };
    const modes = Object.values(this.modes);
    tabs.append(...modes.map(({ tab }) => tab));
    const canned = make("button", "button small answer-canned", "Canned answers");
    canned.type = "button";
    canned.addEventListener("click", () => context.canned.open());
    const head = make("div", "answer-head");
    head.append(tabs, canned);
    this.element.append(head, ...modes.map(({ panel }) => panel));
    this.element.addEventListener("keydown", (event) => this.pressed(event));
    this.choose("said");
  }

  /** Something is written that was not sent. */
  get isBegun(): boolean {
    return Object.values(this.modes).some(({ composer }) => composer.isBegun);
  }

  focus(which: Which = this.chosen): void {
    this.choose(which);
    this.modes[which].composer.focus();
  }

  close(): void {
    for (const { composer } of Object.values(this.modes)) composer.close();
  }

  private choose(which: Which): void {
    this.chosen = which;
    this.element.dataset["mode"] = which;
    for (const mode of Object.values(this.modes)) {
      const isChosen = mode.which === which;
      mode.tab.ariaSelected = String(isChosen);
      mode.tab.tabIndex = isChosen ? 0 : -1;
      mode.panel.hidden = !isChosen;
    }
  }

  private mode(which: Which, talk: Talk): Mode {
    const { tab: name, key, label, placeholder, send } = WORDS[which];
    const half = talk[which];
    const id = `${which}-${talk.conversation.room}`;
    const tab = make("button", "answer-mode", name);
    tab.type = "button";
    tab.id = `tab-${id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", id);
    tab.title = `${label} (${key.toLowerCase()}; while you write, Alt+${key})`;
    tab.addEventListener("click", () => this.focus(which));
    const panel = make("div");
    panel.id = id;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    const form = make("form", `composer ${which}`);
    panel.append(form);
    const field = make("textarea");
    field.rows = 1;
    field.dir = "auto";
    field.placeholder = placeholder;
    field.setAttribute("aria-label", label);
    const button = make("button", `button ${which === "said" ? "primary" : "noting"}`, send);
    button.type = "submit";
    if (which === "said") button.title = "Enter sends, Ctrl+Enter sends and closes the conversation";
    form.append(field, button);
    const composer = new Composer(form, {
      room: half.api.room,
      send: (pending: Pending, isLast) => {
        half.sending.send(pending);
        this.context.sent(which, isLast);
      },
      typing: () => half.api.doing("typing"),
      // A customer is not told the names of people by ids.
      members: () => (which === "noted" ? this.context.agents().map(({ id, name }) => ({ who: id, name, role: "member", joined: 0 })) : []),
      editLast: () => this.context.editLast(which),
      isSilent: true,
      ...(which === "said" ? { offer: (field) => this.context.canned.offer(field, this.context.ownName) } : {}),
    });
    return { which, half, tab, panel, composer };
  }

  private pressed(event: KeyboardEvent): void {
    const isOnTab = (event.target as Element).closest("[role=tab]") !== null;
    if (!isOnTab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    const other = this.chosen === "said" ? "noted" : "said";
    this.choose(other);
    this.modes[other].tab.focus();
  }
}
