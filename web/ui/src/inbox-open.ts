// The conversation that is open: its rooms, its people and its customer are followed; those looked at before stay at hand with what was begun in them.
import type { Connection } from "./connection";
import { part } from "./element";
import type { CannedAnswers } from "./inbox-canned";
import type { TalkHead } from "./inbox-head";
import type { Agent, Conversation, Deed, OnePage } from "./inbox-protocol";
import { ScreenPane } from "./inbox-screen";
import { Talk } from "./inbox-talk";
import type { Which } from "./inbox-talk";
import { ThreadView } from "./inbox-thread";
import type { VisitorPane } from "./inbox-visitor";
import type { Step } from "./inbox-weaving";
import { MessageMenu } from "./room-actions";
import { toNames } from "./room-mentions";
import { People } from "./room-people";
import { noteOf } from "./room-state";
import type { Action, Message } from "./room-protocol";
import type { ScreenWord } from "./screen-protocol";
import type { Visitor, VisitorsChange, VisitorsData } from "./protocol";

/** Conversations that stay at hand; one with something unsent stays in any case. */
const KEPT_MAX = 20;

export interface OpenContext {
  me: string;
  line: Connection;
  site: string;
  holder: HTMLElement;
  canned: CannedAnswers;
  head: TalkHead;
  pane: VisitorPane;
  agents: () => Agent[];
  nameOf: (conversation: Conversation) => string;
  address: (room: string, id: string) => string;
  announce: (words: string) => void;
  trouble: (problem: string) => void;
  act: (deed: Deed, room: string) => void;
  /** Something was learned of where the customer is. */
  saw: () => void;
}

export class OpenTalk {
  private readonly kept = new Map<string, ThreadView>();
  private readonly menus: Record<Which, MessageMenu>;
  private view: ThreadView | null = null;
  /** What is asked for, before it is there. */
  private wanted: string | null = null;
  private people: Record<Which, People> | null = null;
  private may = new Set<Action>();
  private readonly screen: ScreenPane;
  private stops: (() => void)[] = [];
  private stopVisitor: (() => void) | null = null;
  private visitor: string | null = null;

  constructor(private readonly context: OpenContext) {
    const menu = (which: Which) => new MessageMenu(() => this.view!.talk[which].state, context.me, {
      act: (message, what, emoji) => void this.view?.acts[which].act(message, what, emoji),
    }, false);
    this.menus = { said: menu("said"), noted: menu("noted") };
    this.screen = new ScreenPane(part(context.holder, "screen"), context.me, context.announce);
    addEventListener("pagehide", () => this.screen.close());
  }

  get room(): string | null {
    return this.wanted;
  }

  get conversation(): Conversation | null {
    return this.view?.talk.conversation ?? null;
  }

  /** Shows it as far as it is known, and asks for the rest. */
  async show(room: string, known: Conversation | undefined, ask: () => Promise<OnePage>): Promise<OnePage> {
    this.stop();
    this.wanted = room;
    const conversation = this.kept.get(room)?.talk.conversation ?? known;
    if (conversation) this.put(conversation);
    const told = await ask();
    if (this.wanted !== room) return told;
    if (!this.view) this.put(told.conversation);
    const view = this.view!;
    view.talk.conversation = told.conversation;
    this.context.pane.open(told.conversation, told.earlier, this.context.nameOf(told.conversation));
    await Promise.all([view.talk.load(), this.learnRights(view)]);
    if (this.wanted !== room) return told;
    for (const { id, name } of told.agents) for (const which of ["said", "noted"] as const) view.talk[which].state.names[id] = name;
    if (view.element.dataset["state"] !== "there") view.show();
    view.element.dataset["state"] = "there";
    this.follow(view);
    this.followVisitor();
    return told;
  }

  close(): void {
    this.stop();
    this.wanted = null;
  }

  /** Would like to see the customer's screen. */
  askScreen(): void {
    this.screen.ask();
  }

  /** Said of the screen to this agent alone. */
  hearScreen(word: ScreenWord): void {
    if (word.room === this.wanted) this.screen.hear(word);
  }

  /** It changed. */
  take(conversation: Conversation): void {
    const kept = this.kept.get(conversation.room);
    if (kept && kept.talk.conversation.version <= conversation.version) kept.talk.conversation = conversation;
    if (!kept || kept !== this.view) return;
    const name = this.context.nameOf(conversation);
    this.context.head.show(conversation, name);
    this.context.pane.take(conversation, name);
    this.followVisitor();
    kept.draw();
  }

  /** What the customer did is known better. */
  learned(steps: Step[]): void {
    if (!this.view) return;
    this.view.talk.steps = steps;
    this.context.head.show(this.view.talk.conversation, this.context.nameOf(this.view.talk.conversation));
    this.view.draw();
    this.context.saw();
  }

  focus(): void {
    part(this.context.holder, "talk-title").focus();
  }

  answer(which: Which): void {
    this.view?.answer.focus(which);
  }

  goTo(id: string): void {
    this.view?.goTo(id);
  }

  sendAgain(): void {
    for (const { talk } of this.kept.values()) talk.sendAgain();
  }

  leavePage(): void {
    for (const { talk } of this.kept.values()) talk.leave();
  }

  private put(conversation: Conversation): void {
    const view = this.viewOf(conversation);
    this.view = view;
    this.kept.delete(conversation.room);
    this.kept.set(conversation.room, view);
    this.forgetOld();
    const { holder, head } = this.context;
    holder.querySelector(".talk-body")!.replaceWith(view.element);
    holder.hidden = false;
    holder.dataset["room"] = conversation.room;
    head.show(conversation, this.context.nameOf(conversation));
    head.showLooking("");
    view.show();
  }

  private viewOf(conversation: Conversation): ThreadView {
    const kept = this.kept.get(conversation.room);
    if (kept) return kept;
    const { context } = this;
    const talk = new Talk(conversation, {
      changed: () => view.draw(),
      came: (which, message) => this.came(view, which, message),
      gone: (why) => {
        view.answer.close();
        context.trouble(why || "This conversation is no longer here for you.");
      },
    });
    const view: ThreadView = new ThreadView(talk, {
      me: context.me, canned: context.canned, agents: () => context.agents().filter(({ id }) => id !== context.me), may: () => this.may, menu: (which) => this.menus[which],
      customer: () => context.nameOf(talk.conversation), ownName: () => talk.conversation.name,
      address: (id) => context.address(conversation.room, id), trouble: context.trouble,
      isHere: () => (view === this.view ? context.pane.isHere : null),
      sent: (which, isLast) => {
        if (which === "said" && isLast) context.act({ close: true }, conversation.room);
      },
    });
    return view;
  }

  /** The oldest go, but those in which something waits. */
  private forgetOld(): void {
    for (const [room, view] of this.kept) {
      if (this.kept.size <= KEPT_MAX) return;
      if (view !== this.view && !view.answer.isBegun && !view.talk.isSending) this.kept.delete(room);
    }
  }

  /** The same in all conversations of a site. */
  private async learnRights({ talk }: ThreadView): Promise<void> {
    if (this.may.size > 0) return;
    const { you } = await talk.said.api.seen();
    this.may = new Set(you.may);
  }

  private follow(view: ThreadView): void {
    const { line, me } = this.context;
    const { talk } = view;
    this.screen.open(talk.said.api, () => this.context.nameOf(talk.conversation));
    this.people = {
      // Whoever looks is nothing to the customer: here one only listens.
      said: new People(talk.said.api, talk.said.state, me, false, () => this.sayPeople()),
      noted: new People(talk.noted.api, talk.noted.state, me, true, () => this.sayPeople()),
    };
    for (const which of ["said", "noted"] as const) {
      const people = this.people[which];
      const topic = `room/${talk[which].api.room}`;
      this.stops.push(
        line.subscribe(topic, undefined, talk[which].following.reader()),
        line.subscribe(`${topic}/people`, undefined, { jumps: true, snapshot: () => people.arrive(), delta: (data) => this.toldOfPeople(people, data) }),
        () => people.leave(),
      );
    }
  }

  private toldOfPeople(people: People, data: unknown): void {
    const { screen } = (data ?? {}) as { screen?: ScreenWord };
    if (screen) this.hearScreen(screen);
    else people.told(data);
  }

  /** The customer on the site, live. */
  private followVisitor(): void {
    const visitor = this.conversation?.visitor ?? null;
    if (visitor === this.visitor) return;
    this.stopVisitor?.();
    this.visitor = visitor;
    this.stopVisitor = null;
    if (!visitor) return;
    const see = (found: Visitor | null) => {
      const { conversation } = this;
      if (!conversation) return;
      this.context.pane.see(found, this.context.nameOf(conversation));
      this.view?.draw();
    };
    this.stopVisitor = this.context.line.subscribe(`site/${this.context.site}/visitors`, { visitor, bots: true }, {
      snapshot: (data) => see((data as VisitorsData).visitors[0] ?? null),
      delta: (data) => {
        const { set, gone } = data as VisitorsChange;
        if (set?.[0]) see(set[0]);
        else if (gone?.includes(visitor)) see(null);
      },
    });
  }

  private stop(): void {
    this.view?.hide();
    this.view = null;
    this.screen.close();
    this.stops.forEach((stop) => stop());
    this.stops = [];
    this.people = null;
    this.stopVisitor?.();
    this.stopVisitor = null;
    this.visitor = null;
  }

  private came(view: ThreadView, which: Which, message: Message): void {
    view.came(message);
    this.people?.[which].said(message.author);
    if (view !== this.view || message.author === this.context.me) return;
    const { state } = view.talk[which];
    const isCustomer = message.author.startsWith("GU-");
    const name = isCustomer ? this.context.nameOf(view.talk.conversation) : message.name;
    const note = noteOf(message, (who) => state.name(who));
    const text = note ?? toNames(message.body, Object.entries(state.names).map(([who, name]) => ({ who, name })));
    this.context.announce(`${name} ${note ?? `${which === "noted" ? "notes" : "says"}: ${text.slice(0, 300)}`}`);
  }

  /** Who types, and who else looks at it. */
  private sayPeople(): void {
    const { view, people } = this;
    if (!view || !people) return;
    const nameOf = (who: string) => (who.startsWith("GU-") ? this.context.nameOf(view.talk.conversation) : view.talk.noted.state.name(who));
    const doing = (who: string) => {
      const typed = people.said.typedBy(who);
      return !who.startsWith("GU-") ? "is answering…" : typed ? `is typing: ${typed}` : "is typing…";
    };
    const said = people.said.typists().map((who) => `${nameOf(who)} ${doing(who)}`);
    const noted = people.noted.typists().map((who) => `${nameOf(who)} is writing a note…`);
    view.saysTyping([...said, ...noted].slice(0, 3).join(" "));
    const others = people.noted.others().map(nameOf);
    this.context.head.showLooking(others.length === 0 ? "" : others.length > 2 ? `${others.length} others look at this` : `${others.join(" and ")} ${others.length === 1 ? "looks" : "look"} at this`);
  }
}

