// Beside the conversation: who is there and what is decided, or one thread.
import { make } from "./element";
import { Composer } from "./room-composer";
import { MessageList } from "./room-list";
import { drawMessage, prose } from "./room-message";
import type { RoomApi } from "./room-api";
import type { People } from "./room-people";
import type { Action } from "./room-protocol";
import type { Pending, RoomState } from "./room-state";

const DECISIONS_SHOWN = 8;
/** Two columns fit. */
const WIDE = matchMedia("(min-width: 900px)");

export interface AsideOptions {
  aside: HTMLElement;
  button: HTMLButtonElement;
  api: RoomApi;
  state: RoomState;
  people: People | null;
  me: string;
  may: Set<Action>;
  send: (pending: Pending) => void;
  typing: () => void;
  /** What is done to a message of a thread. */
  acted: (event: Event) => void;
}

export class Aside {
  private thread: { number: number; list: MessageList; head: HTMLElement; opener: HTMLElement | null } | null = null;
  private here: HTMLUListElement | null = null;
  private decided: HTMLOListElement | null = null;
  private count: HTMLElement | null = null;
  private composer: Composer | null = null;

  constructor(private readonly options: AsideOptions) {
    const { button, aside } = options;
    button.hidden = false;
    button.addEventListener("click", () => (aside.hidden ? this.showRoom() : this.close()));
    aside.addEventListener("click", (event) => options.acted(event));
    aside.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && (this.thread || !WIDE.matches)) this.thread ? this.closeThread() : this.close();
    });
    if (WIDE.matches) this.showRoom();
  }

  /** People and decisions. */
  showRoom(): void {
    const { aside, people } = this.options;
    this.thread = null;
    this.here = make("ul", "people");
    this.here.setAttribute("role", "list");
    this.decided = make("ol", "decided-list");
    this.decided.setAttribute("role", "list");
    this.count = make("span", "muted small");
    const parts: HTMLElement[] = [this.closer(() => this.close(), "Close")];
    if (people) {
      const heading = make("h2", "", "People ");
      heading.append(this.count);
      parts.push(heading, this.here);
    }
    parts.push(make("h2", "", "Decisions"), this.decided);
    aside.replaceChildren(...parts);
    this.show();
    this.draw();
  }

  async openThread(number: number, opener: HTMLElement | null): Promise<void> {
    const { aside, state, api, me, may } = this.options;
    const list = make("ol", "messages");
    list.setAttribute("role", "list");
    const head = make("ol", "messages thread-head");
    head.setAttribute("role", "list");
    const scroll = make("div", "thread-scroll");
    scroll.append(head, list);
    aside.replaceChildren(this.closer(() => this.closeThread(), "Close the thread"), make("h2", "", "Thread"), scroll);
    this.thread = { number, list: new MessageList(list, state, me, { inThread: true, may, readTo: null }), head, opener };
    if (may.has("post")) {
      const form = threadForm();
      aside.append(form);
      const composer = (this.composer = new Composer(form, {
        room: api.room, thread: number, draft: `${me}/${api.room}/${number}`, send: this.options.send, typing: this.options.typing, members: () => this.options.people?.members ?? [],
      }));
      this.show();
      composer.focus();
    } else this.show();
    this.draw();
    let after = 0;
    for (;;) {
      const page = await api.thread(number, after);
      state.take(page);
      this.draw();
      const last = page.messages.at(-1);
      if (!last || this.thread?.number !== number) return;
      after = last.number;
    }
  }

  draw(): void {
    const { state, people } = this.options;
    if (this.options.aside.hidden) return;
    if (this.thread) return this.drawThread();
    if (people && this.here) {
      people.draw(this.here);
      if (this.count) this.count.textContent = `${people.hereCount()} here`;
    }
    const decisions = state.decisions().slice(0, DECISIONS_SHOWN);
    this.decided?.replaceChildren(...decisions.map((message) => {
      const item = make("li", "decision");
      const link = make("a", "small", `${message.name}, ${new Date(message.at).toLocaleDateString()}`);
      link.href = `/rooms/${message.room}/messages/${message.number}`;
      item.append(prose(message.html), link);
      return item;
    }));
    if (decisions.length === 0) this.decided?.replaceChildren(make("li", "muted small", "Nothing is decided yet."));
  }

  private drawThread(): void {
    const { state, me, may } = this.options;
    const { number, list, head } = this.thread!;
    const parent = state.messages.get(number);
    if (parent) head.replaceChildren(drawMessage(parent, { state, me, follows: false, mayAct: false, inThread: true }));
    const scroll = head.parentElement!;
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
    list.draw(state.answers(number), state.pendingIn(number), may.has("post"));
    if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  }

  /** Nothing more is said here. */
  end(): void {
    this.composer?.close();
  }

  elementOf(number: number): HTMLLIElement | undefined {
    return this.thread?.list.elementOf(number);
  }

  get threadList(): MessageList | undefined {
    return this.thread?.list;
  }

  get threadNumber(): number | undefined {
    return this.thread?.number;
  }

  private closeThread(): void {
    const opener = this.thread?.opener;
    WIDE.matches ? this.showRoom() : this.close();
    if (opener?.isConnected) opener.focus();
  }

  private close(): void {
    const { aside, button } = this.options;
    aside.hidden = true;
    this.thread = null;
    aside.replaceChildren();
    button.setAttribute("aria-expanded", "false");
  }

  private show(): void {
    this.options.aside.hidden = false;
    this.options.button.setAttribute("aria-expanded", "true");
  }

  private closer(close: () => void, label: string): HTMLElement {
    const button = make("button", "aside-close", "✕");
    button.type = "button";
    button.setAttribute("aria-label", label);
    button.addEventListener("click", close);
    return button;
  }
}

function threadForm(): HTMLFormElement {
  const form = make("form", "composer");
  const field = make("textarea");
  field.rows = 1;
  field.dir = "auto";
  field.placeholder = "Answer";
  field.setAttribute("aria-label", "Answer");
  const button = make("button", "button primary", "Send");
  button.type = "submit";
  form.append(field, button);
  return form;
}
