// One conversation on the page: what was said, noted and looked at, with the field to answer in below. It stays as it is while another is
// looked at, with what was written and not sent.
import { make, makePath, say } from "./element";
import { Answer } from "./inbox-answer";
import type { AnswerContext } from "./inbox-answer";
import type { Half, Talk, Which } from "./inbox-talk";
import type { Step, Woven } from "./inbox-weaving";
import { KeptRows } from "./kept-rows";
import type { Put } from "./kept-rows";
import type { MessageMenu } from "./room-actions";
import { MessageActs } from "./room-acts";
import type { Editable } from "./room-acts";
import { markOfMessage, putDay } from "./room-list";
import { drawMessage, drawPending, timeOf } from "./room-message";
import type { MessageContext } from "./room-message";
import { follows, sameDay } from "./room-state";
import type { Action, Message } from "./room-protocol";

/** Nearer to its end than so many pixels, the thread stays at its end. */
const AT_END = 80;
const EARLIER_AT = 300;
/** Of steps between two messages the last are shown. */
const STEPS_SHOWN = 4;

export interface ThreadContext extends Omit<AnswerContext, "editLast"> {
  me: string;
  /** What the customer is called. */
  customer: () => string;
  may: () => Set<Action>;
  menu: (which: Which) => MessageMenu;
  /** Where a message of it is found. */
  address: (id: string) => string;
  trouble: (problem: string) => void;
  /** Whether the customer is on the site now, where that is known. */
  isHere: () => boolean | null;
}

export class ThreadView {
  readonly element = make("div", "talk-body");
  readonly answer: Answer;
  private readonly scroll = make("div", "messages-scroll talk-scroll");
  private readonly list = make("ol", "messages woven");
  private readonly typing = make("p", "typing muted small");
  private readonly jump = make("button", "button small jump", "New messages");
  private readonly rows = new KeptRows(this.list);
  private readonly editing: Record<Which, Set<number>> = { said: new Set(), noted: new Set() };
  readonly acts: Record<Which, MessageActs>;
  private drawing = false;
  private hasNew = false;
  private wasAtEnd = true;
  /** Where it was scrolled to when it went; null: at its end. */
  private top: number | null = null;

  constructor(readonly talk: Talk, private readonly context: ThreadContext) {
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "region");
    this.scroll.setAttribute("aria-label", "Messages");
    this.list.setAttribute("role", "list");
    this.typing.setAttribute("aria-live", "polite");
    this.jump.type = "button";
    this.jump.hidden = true;
    this.acts = { said: this.actsOn("said"), noted: this.actsOn("noted") };
    this.answer = new Answer(talk, {
      ...context,
      sent: (which, isLast) => {
        this.toEnd();
        context.sent(which, isLast);
      },
      editLast: (which) => this.acts[which].editLast(talk[which].state.everything(), context.me),
    });
    this.scroll.append(this.list);
    this.element.append(this.scroll, this.jump, this.typing, this.answer.element);
    this.listen();
  }

  /** It is on the page: where it was left, or at its end. */
  show(): void {
    this.drawNow();
    this.scroll.scrollTop = this.top ?? this.scroll.scrollHeight;
  }

  hide(): void {
    this.top = this.isAtEnd() ? null : this.scroll.scrollTop;
  }

  /** All that changed, once a frame. */
  draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (this.element.isConnected) this.drawNow();
    });
  }

  came(message: Message): void {
    if (message.author !== this.context.me) this.hasNew = true;
  }

  saysTyping(words: string): void {
    say(this.typing, words);
  }

  goTo(id: string): void {
    const item = this.list.querySelector<HTMLElement>(`#${CSS.escape(id)}`);
    item?.scrollIntoView({ block: "center" });
    item?.focus({ preventScroll: true });
  }

  private listen(): void {
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.jump.addEventListener("click", () => this.toEnd());
    this.list.addEventListener("click", (event) => this.clicked(event));
    const resized = new ResizeObserver(() => {
      if (this.wasAtEnd && this.element.isConnected) this.scroll.scrollTop = this.scroll.scrollHeight;
    });
    for (const one of [this.scroll, this.list]) resized.observe(one);
  }

  private drawNow(): void {
    const stays = this.isAtEnd();
    this.rows.draw((put) => this.fill(put));
    for (const acts of Object.values(this.acts)) acts.look();
    if (stays) this.scroll.scrollTop = this.scroll.scrollHeight;
    this.looked();
    this.element.dataset["drawn"] = String(this.talk.said.state.known);
  }

  private fill(put: Put): void {
    let before: Woven | undefined;
    for (const woven of this.talk.woven()) {
      if (!before || !sameDay(before.at, woven.at)) {
        putDay(put, woven.at);
        before = undefined;
      }
      if (woven.kind === "seen") putSteps(put, woven.at, woven.steps);
      else if (woven.kind === "closed") put(`closed ${woven.at}`, "", () => quietLine(woven.at, "Closed"));
      else this.putMessage(put, woven.kind, woven.message, before?.kind === woven.kind ? before.message : undefined);
      before = woven;
    }
    this.putDelivery(put, before);
    for (const which of ["said", "noted"] as const) {
      const { state } = this.talk[which];
      for (const one of state.pending) put(`p${one.id}`, one.problem ?? "", () => sided(drawPending(one, this.context.me, state), which, true));
    }
  }

  private putMessage(put: Put, which: Which, message: Message, before: Message | undefined): void {
    const { state } = this.talk[which];
    const isCustomer = message.author.startsWith("GU-");
    const name = isCustomer ? this.context.customer() : message.name;
    // A note says each time that it is one.
    const isNext = which === "said" && follows(message, before);
    const key = keyOf(which, message.number);
    const place = { id: key, href: this.context.address(key) };
    const context: MessageContext = { state, me: this.context.me, follows: isNext, mayAct: true, inThread: true, may: this.context.may(), place, name };
    const mark = this.editing[which].has(message.number) ? this.rows.markOf(key) : undefined;
    put(key, mark ?? `${markOfMessage(message, state, isNext, true)}|${name}`, () => sided(drawMessage(message, context), which, !isCustomer));
  }

  /** What became of the last thing that was said, where that was the team. */
  private putDelivery(put: Put, last: Woven | undefined): void {
    if (last?.kind !== "said" || last.message.author.startsWith("GU-") || this.talk.said.state.pending.length > 0) return;
    const words = deliveryWords(this.talk.conversation.is_revoked, this.context.isHere());
    put("delivery", words, () => make("li", "delivery muted small", words));
  }

  private actsOn(which: Which): MessageActs {
    const { api, state } = this.talk[which];
    const list: Editable = { elementOf: (number) => this.rows.elementOf(keyOf(which, number)), editing: this.editing[which] };
    return new MessageActs({
      api, state, list: () => list,
      members: () => (which === "noted" ? this.context.agents().map(({ id, name }) => ({ who: id, name })) : []),
      address: ({ number }) => this.context.address(keyOf(which, number)),
      changed: () => this.draw(), edited: () => this.answer.focus(which), trouble: this.context.trouble,
    });
  }

  private clicked(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>("[data-act]");
    const item = button?.closest<HTMLElement>("[data-of]");
    if (!button || !item) return;
    const which = item.dataset["of"] as Which;
    const half: Half = this.talk[which];
    const act = button.dataset["act"]!;
    const pending = item.dataset["pending"];
    if (pending) return act === "resend" ? half.sending.resend(pending) : half.sending.discard(pending);
    const message = half.state.messages.get(Number(item.dataset["number"]));
    if (!message) return;
    if (act === "more") return this.context.menu(which).open(button, message, this.context.may());
    void this.acts[which].act(message, act, button.dataset["emoji"]);
  }

  private isAtEnd(): boolean {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < AT_END;
  }

  private toEnd(): void {
    requestAnimationFrame(() => requestAnimationFrame(() => (this.scroll.scrollTop = this.scroll.scrollHeight)));
  }

  private scrolled(): void {
    this.wasAtEnd = this.isAtEnd();
    this.looked();
    if (this.scroll.scrollTop < EARLIER_AT) void this.earlier();
  }

  private looked(): void {
    if (this.isAtEnd()) this.hasNew = false;
    this.jump.hidden = !this.hasNew;
  }

  private async earlier(): Promise<void> {
    try {
      const height = this.scroll.scrollHeight - this.scroll.scrollTop;
      if (!(await this.talk.loadEarlier()) || !this.element.isConnected) return;
      this.drawNow();
      this.scroll.scrollTop = this.scroll.scrollHeight - height;
    } catch (error) {
      // Scrolled again, it is asked again.
      console.info(error);
    }
  }
}

/** `isHere`: null where nobody knows. */
function deliveryWords(isRevoked: boolean, isHere: boolean | null): string {
  if (isRevoked) return "Nobody reads this: the customer’s access is revoked";
  return isHere === null ? "Sent" : isHere ? "Sent · they are on the site now" : "Sent · they are not on the site now";
}

/** The element of a message: those of notes are told from those of the room. */
function keyOf(which: Which, number: number): string {
  return `${which === "said" ? "m" : "n"}${number}`;
}

function sided(item: HTMLLIElement, which: Which, isTeam: boolean): HTMLLIElement {
  item.dataset["of"] = which;
  item.classList.add(which === "noted" ? "noted" : isTeam ? "ours" : "theirs");
  if (which === "noted") item.querySelector(".message-head")?.append(" ", make("span", "badge noted-badge", "Only your team sees this"));
  return item;
}

function putSteps(put: Put, at: number, steps: Step[]): void {
  const mark = steps.map(({ path, event }) => event ?? path).join(" ");
  put(`seen ${at}`, mark, () => {
    const line = quietLine(at, steps.length > STEPS_SHOWN ? `Looked at ${steps.length - STEPS_SHOWN} more, then` : "Looked at");
    for (const [index, { path, event }] of steps.slice(-STEPS_SHOWN).entries()) {
      line.append(index === 0 ? " " : " › ");
      line.append(event === undefined ? makePath("seen-path", path) : make("bdi", "badge", event));
    }
    return line;
  });
}

function quietLine(at: number, words: string): HTMLLIElement {
  const line = make("li", "quiet-line muted small");
  line.append(timeOf(at), " ", words);
  return line;
}
