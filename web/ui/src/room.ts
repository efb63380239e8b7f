// The page of one room: what is said comes by the hub, what was missed is read from the server, what one says waits until it is there.
import { part, say } from "./element";
import { connectToHub } from "./hub";
import { Alerts } from "./room-alerts";
import type { Listener } from "./room-alerts";
import { MessageMenu } from "./room-actions";
import { MessageActs } from "./room-acts";
import { RoomApi, Refused } from "./room-api";
import { Aside } from "./room-aside";
import { Composer } from "./room-composer";
import { Following } from "./room-following";
import { MessageList, seenIn } from "./room-list";
import { toNames } from "./room-mentions";
import { People } from "./room-people";
import { RoomState, noteOf, outWith } from "./room-state";
import { Unread } from "./room-unread";
import type { Span } from "./room-unread";
import { inWords, kindOf } from "./room-who";
import { Sending } from "./room-sending";
import { RoomSounds } from "./room-playing";
import { Trouble } from "./trouble";
import type { Connection, LineState } from "./connection";
import type { Action, Message, Page, Seen } from "./room-protocol";

const PAGE = 60;
/** As many as the server gives at once. */
const PAGE_MAX = 200;
/** Messages back from the end that are loaded to show one: `REACHED_MAX` of web/src/rooms/pages/reading.rs. */
const REACHED_MAX = 1_000;
/** As many are loaded before the one that is looked for. */
const SHOWN_BEFORE = 12;
/** Nearer to its end than so many pixels, the conversation stays at its end. */
const AT_END = 80;
const EARLIER_AT = 300;

class RoomPage {
  private readonly state = new RoomState();
  private readonly api: RoomApi;
  private readonly me: string;
  private readonly scroll: HTMLElement;
  private may = new Set<Action>();
  private list!: MessageList;
  private aside!: Aside;
  private people: People | null = null;
  private menu!: MessageMenu;
  private acts!: MessageActs;
  private unread!: Unread;
  private sending!: Sending;
  private listener!: Listener;
  private readonly sounds: RoomSounds;
  private readonly alerts: Alerts;
  private readonly notice: Trouble;
  private composer: Composer | null = null;
  private drawing = false;
  private loading = false;
  private wasAtEnd = true;
  /** As it was when the hub began to tell something. */
  private stayed = true;
  private following: Following | null = null;
  private line: Connection | null = null;
  /** By the button of this page, which goes elsewhere then. */
  private leaves = false;

  constructor(private readonly root: HTMLElement, private readonly id: string) {
    this.api = new RoomApi(id);
    this.me = root.dataset["me"] ?? "";
    this.scroll = part(root, "scroll");
    this.notice = new Trouble(root, () => this.scroll.focus());
    this.sounds = new RoomSounds(part(root, "sounds"));
    this.alerts = new Alerts(this.sounds.heard, (href) => this.goTo(href));
  }

  async start(): Promise<void> {
    const [seen, page] = await Promise.all([this.api.seen(), this.api.last(PAGE)]);
    this.take(seen, page);
    this.build(seen);
    this.drawNow();
    const at = Number(new URLSearchParams(location.search).get("at"));
    at > 0 ? await this.show(at) : this.toNew();
    await Promise.all([this.loadBeside(), this.connect()]);
  }

  private take(seen: Seen, page: Page): void {
    this.may = new Set(seen.you.may);
    this.state.take(page);
    this.state.known = page.room?.changes ?? 0;
    this.state.oldest = page.messages[0]?.number ?? 1;
  }

  private build(seen: Seen): void {
    const { state, api, me, root } = this;
    const mayPost = this.may.has("post");
    this.listener = { me, notify: seen.you.notify ?? "nothing", isDirect: seen.room.kind === "direct" };
    this.unread = new Unread(api, state, seen.you.read, () => this.onScreen(), () => this.isAtEnd(), () => this.aside?.threadNumber, this.listener);
    this.list = new MessageList(part(root, "messages"), state, me, { inThread: false, may: this.may, readTo: seen.you.read });
    this.sending = new Sending(api, state, () => this.draw());
    addEventListener("pagehide", () => this.sending.leave());
    if (me && this.may.has("see_people")) this.people = new People(api, state, me, mayPost, () => this.draw());
    const typing = () => api.doing("typing");
    const send = (pending: Parameters<Sending["send"]>[0]) => {
      this.sending.send(pending);
      if (pending.kind === "sound") this.sounds.came(pending.id, pending.body);
      if (pending.thread !== undefined) return;
      this.unread.pass();
      this.toEnd();
    };
    this.menu = new MessageMenu(() => state, me, { act: (message, what, emoji) => this.act(message, what, emoji) });
    this.acts = new MessageActs({
      api, state, members: () => this.people?.members ?? [], list: ({ thread }) => (thread === undefined ? this.list : this.aside.threadList ?? this.list),
      address: ({ number }) => `/rooms/${this.id}/messages/${number}`, changed: () => this.draw(), edited: () => this.composer?.focus(), trouble: (problem) => this.trouble(problem),
    });
    this.aside = new Aside({
      aside: part(root, "aside"), button: part(root, "aside-button"), api, state, people: this.people, me, may: this.may, send, typing,
      acted: (event) => this.clicked(event),
    });
    const form = root.querySelector<HTMLFormElement>("[data-part=composer]");
    if (form && mayPost) this.composer = new Composer(form, { room: this.id, draft: `${me}/${this.id}`, dropOn: part(root, "drop"), send, typing, members: () => this.people?.members ?? [], editLast: () => this.acts.editLast(state.conversation(), me) });
    part(root, "messages").addEventListener("click", (event) => this.clicked(event));
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    // A phone that is turned, a keyboard that comes, a thread beside: who read the end goes on reading it.
    const resized = new ResizeObserver(() => { if (this.wasAtEnd && !this.following?.isCatching) this.scroll.scrollTop = this.scroll.scrollHeight; });
    for (const one of [this.scroll, part(root, "messages")]) resized.observe(one);
    root.querySelector("[data-part=leave]")?.addEventListener("submit", (event) => setTimeout(() => (this.leaves = !event.defaultPrevented)));
    part(root, "jump").addEventListener("click", () => this.jump());
    for (const name of ["earlier", "later"]) root.querySelector(`[data-part=${name}]`)?.remove();
    navigator.serviceWorker?.addEventListener("message", ({ data, ports }) => {
      if (typeof data?.show === "string" && this.goTo(data.show)) ports[0]?.postMessage("shown");
    });
  }

  private async loadBeside(): Promise<void> {
    const quiet = (error: unknown) => console.info(error);
    await Promise.all([
      this.people?.load().catch(quiet),
      this.api.decisions().then((page) => this.state.take(page)).catch(quiet),
      this.may.has("mark") ? this.api.stars().then((stars) => stars.forEach((number) => this.state.stars.add(number))).catch(quiet) : undefined,
    ]);
    this.draw();
  }

  private connect(): void {
    if (!this.me) {
      this.root.dataset["state"] = "read";
      // A stranger is told of nobody and hears nothing as it happens.
      for (const name of ["aside-button", "sounds"]) part(this.root, name).hidden = true;
      return;
    }
    const topic = `room/${this.id}`;
    const line = (this.line = connectToHub(topic, null, (state) => this.lined(state)));
    this.following = new Following(this.api, this.state, {
      changed: () => this.draw(),
      came: (message) => this.came(message),
      hears: () => this.staysAtEnd(),
      missed: (messages) => this.missed(messages),
      gone: (why) => this.gone(why),
    });
    line.subscribe(topic, undefined, this.following.reader());
    if (this.people) {
      const { people } = this;
      line.subscribe(`${topic}/people`, undefined, { jumps: true, snapshot: () => people.arrive(), delta: (data) => people.told(data) });
    }
    line.subscribe(`person/${this.me}`, undefined, { jumps: true, snapshot: () => {}, delta: (data) => this.own(data) });
    line.start();
  }

  private lined(state: LineState): void {
    this.root.dataset["state"] = state;
    part(this.root, "lost").hidden = state !== "lost";
    if (state === "open") this.sending.again();
    if (state === "signed-out") this.signedOut();
  }

  /** Said just now. */
  private came(message: Message): void {
    this.people?.said(message.author);
    this.unread.came(message);
    if (message.kind === "sound" && !message.removed) this.sounds.came(message.id, message.body);
    if (message.author !== this.me) this.announce(message);
    if (typeof message.kind === "object" && ["entered", "left", "kicked", "banned"].includes(message.kind.note)) void this.people?.load().catch(() => {});
    this.wentOut([message]);
  }

  /** Who was at the end before something was said goes on being there. */
  private staysAtEnd(): () => void {
    const stays = (this.stayed = this.isAtEnd());
    return () => stays && this.toEnd();
  }

  /** Said while the line was cut. It counts as what is said now, and is told of once. */
  private missed(messages: Message[]): void {
    this.list.lineBehind(this.unread.readTo);
    for (const message of messages) this.unread.came(message);
    this.drawNow();
    if (this.stayed) this.toNew();
    const told = messages.filter(({ author }) => author !== this.me);
    const last = told.filter(({ mentions }) => mentions?.includes(this.me)).at(-1) ?? told.at(-1);
    if (last) this.announce(last);
    this.wentOut(messages);
  }

  /** What one did on another device. */
  private own(data: unknown): void {
    const { read, star } = data as { read?: { room: string; number: number }; star?: { room: string; number: number; starred: boolean } };
    if (read?.room === this.id) this.unread.readElsewhere(read.number);
    if (star?.room === this.id) {
      star.starred ? this.state.stars.add(star.number) : this.state.stars.delete(star.number);
      this.draw();
    }
  }

  private announce(message: Message): void {
    const note = noteOf(message, (who) => this.state.name(who));
    const text = note ?? toNames(message.body, Object.entries(this.state.names).map(([who, name]) => ({ who, name })));
    say(part(this.root, "announcer"), `${inWords(message.author, message.name)} ${note ?? `says: ${text.slice(0, 300)}`}`);
    this.alerts.came(message, this.listener, part(this.root, "name").textContent!, text);
  }

  /** Draws all that changed, once a frame. */
  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { state, root } = this;
    const stays = this.isAtEnd() && !this.following?.isCatching;
    const messages = state.conversation();
    this.list.draw(messages, state.pendingIn(undefined), this.may.has("react"));
    part(root, "empty").hidden = messages.length + state.pending.length > 0;
    if (state.room) {
      if (state.room.name) say(part(root, "name"), state.room.name);
      say(part(root, "topic"), state.room.topic);
      part(root, "public").hidden = !state.room.public;
      part(root, "locked").hidden = part(root, "lock-banner").hidden = !state.room.locked;
    }
    say(part(root, "typing"), (root.dataset["state"] !== "gone" && this.people?.typingLine()) || "");
    this.aside.draw();
    this.acts.look();
    if (stays) this.scroll.scrollTop = this.scroll.scrollHeight;
    this.unread.look();
    this.drawJump();
    root.dataset["drawn"] = String(state.known);
  }

  private isAtEnd(): boolean {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < AT_END;
  }

  private toEnd(): void {
    requestAnimationFrame(() => requestAnimationFrame(() => (this.scroll.scrollTop = this.scroll.scrollHeight)));
  }

  private onScreen(): Span | null {
    const { state, scroll } = this;
    if (!state.room) return null;
    const isCatching = this.following?.isCatching;
    const rows = [...part(this.root, "messages").children].filter((row): row is HTMLElement => row instanceof HTMLElement && "number" in row.dataset);
    if (rows.length === 0) return isCatching ? null : { from: 1, to: state.room.last };
    const seen = seenIn(rows, scroll.getBoundingClientRect());
    if (!seen) return null;
    const number = (row: HTMLElement | undefined) => Number(row?.dataset["number"]);
    const [first, last] = seen;
    // Answers stand in their threads: those between two messages are passed with them.
    const from = first > 0 ? number(rows[first - 1]) + 1 : Math.max(1, state.oldest);
    // What is not read from the server yet is seen by nobody.
    const end = isCatching ? number(rows[last]) : state.room.last;
    return { from, to: last + 1 < rows.length ? number(rows[last + 1]) - 1 : end };
  }

  /** To the end; where more is new than fits, to where it begins. */
  private toNew(): void {
    const { scroll, unread, list } = this;
    scroll.scrollTop = scroll.scrollHeight;
    const { line } = list;
    if (line && unread.readTo !== null && line.getBoundingClientRect().top < scroll.getBoundingClientRect().top) line.scrollIntoView({ block: "start" });
    this.wasAtEnd = this.isAtEnd();
    unread.look();
    this.drawJump();
  }

  /** What is new and cannot be seen from here: a thread, what was jumped over, or what is below. */
  private drawJump(): void {
    const { isPassedOver, count, waiting, hasNew } = this.unread;
    const atEnd = this.isAtEnd();
    const jump = part(this.root, "jump");
    jump.hidden = !(atEnd ? isPassedOver || waiting : hasNew || this.hasUnreadBelow());
    const many = count === 1 ? "1 new message" : `${count.toLocaleString()} new messages`;
    say(jump, !atEnd ? "New messages" : isPassedOver ? `${many} · go to the first` : "A thread has something for you");
  }

  private hasUnreadBelow(): boolean {
    const { readTo } = this.unread;
    const last = this.state.conversation().at(-1);
    return readTo !== null && last !== undefined && last.number > readTo && last.author !== this.me;
  }

  private jump(): void {
    const { waiting, isPassedOver } = this.unread;
    if (!this.isAtEnd()) {
      this.unread.pass();
      return this.toEnd();
    }
    if (isPassedOver) void this.toFirstNew().catch((error: unknown) => this.failed(error));
    else if (waiting?.thread !== undefined) this.openThread(waiting.thread, null);
  }

  /** To the line where one left off; of what is too far away, to the transcript. */
  private async toFirstNew(): Promise<void> {
    const read = this.unread.readTo ?? 0;
    if (!(await this.reach(read + 1))) {
      const [first] = (await this.api.after(read, 1)).messages;
      this.unread.pass();
      this.unread.look();
      if (first) location.assign(`/rooms/${this.id}/messages/${first.number}`);
      return;
    }
    this.list.lineBehind(read);
    this.drawNow();
    this.list.line?.scrollIntoView({ block: "start" });
  }

  /** Loads back to that message, and a little further; false: it is too far away. */
  private async reach(number: number): Promise<boolean> {
    const { state } = this;
    if ((state.room?.last ?? 0) - number >= REACHED_MAX) return false;
    while (state.oldest > Math.max(1, number - SHOWN_BEFORE)) await this.loadEarlier(PAGE_MAX);
    return true;
  }

  /** Shows a message in the midst of the others, or in its thread. */
  private async show(number: number): Promise<void> {
    try {
      const message = this.state.messages.get(number) ?? (await this.api.message(number));
      if (!(await this.reach(message.thread ?? number))) return location.assign(`/rooms/${this.id}/messages/${number}`);
      this.state.take({ messages: [message] });
      this.drawNow();
      if (message.thread !== undefined) await this.aside.openThread(message.thread, this.list.elementOf(message.thread) ?? null);
      this.state.sought = number;
      this.drawNow();
      const shown = [this.list.elementOf(message.thread ?? number), message.thread === undefined ? undefined : this.aside.elementOf(number)];
      for (const element of shown) element?.scrollIntoView({ block: "center" });
      this.wasAtEnd = this.isAtEnd();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Whether it leads to a message of this room, which is shown then. */
  private goTo(href: string): boolean {
    const to = new URL(href, location.href).pathname.match(/^\/rooms\/([^/]+)\/messages\/(\d+)$/);
    if (to?.[1] !== this.id || this.root.dataset["state"] === "gone") return false;
    void this.show(Number(to[2]));
    return true;
  }

  private failed(error: unknown): void {
    this.trouble(error instanceof Refused ? error.message : "The server cannot be reached right now. Try again in a moment.");
  }

  private scrolled(): void {
    this.wasAtEnd = this.isAtEnd();
    this.unread.look();
    this.drawJump();
    if (this.scroll.scrollTop < EARLIER_AT) void this.earlier();
  }

  private async earlier(): Promise<void> {
    if (this.loading || this.state.oldest <= 1) return;
    this.loading = true;
    try {
      await this.loadEarlier(PAGE);
      const height = this.scroll.scrollHeight - this.scroll.scrollTop;
      this.drawNow();
      this.scroll.scrollTop = this.scroll.scrollHeight - height;
    } catch (error) {
      console.info(error);
    } finally {
      this.loading = false;
    }
  }

  private async loadEarlier(limit: number): Promise<void> {
    const { state } = this;
    const page = await this.api.before(state.oldest, limit);
    state.take({ messages: page.messages, names: page.names });
    state.oldest = Math.min(state.oldest, page.messages[0]?.number ?? 1);
  }

  private clicked(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>("[data-act]");
    if (!button) return;
    const act = button.dataset["act"]!;
    const pending = button.closest<HTMLElement>("[data-pending]")?.dataset["pending"];
    if (pending) return act === "resend" ? this.sending.resend(pending) : this.sending.discard(pending);
    const number = Number(button.closest<HTMLElement>("[data-number]")?.dataset["number"]);
    const message = this.state.messages.get(number);
    if (!message) return;
    if (act === "more") return this.menu.open(button, message, this.may);
    this.act(message, act, button.dataset["emoji"], button);
  }

  private act(message: Message, what: string, emoji?: string, opener: HTMLElement | null = null): void {
    this.notice.healed();
    if (what === "play") return this.sounds.again(message.body);
    if (what !== "thread") return void this.acts.act(message, what, emoji);
    this.openThread(message.number, opener);
  }

  private openThread(number: number, opener: HTMLElement | null): void {
    const opening = this.aside.openThread(number, opener ?? this.list.elementOf(number) ?? null);
    // What waited in it is looked at now.
    this.draw();
    opening.catch((error: unknown) => this.failed(error));
  }

  private trouble(problem: string): void {
    this.notice.tell(problem);
  }

  /** Whoever left on another page, or was sent out, is out here, too, though an open room may still be read. */
  private wentOut(messages: Message[]): void {
    const out = outWith(messages, this.me);
    if (!out || this.leaves) return;
    const isBanned = typeof out.kind === "object" && out.kind.note === "banned";
    const why = out.author === this.me ? "You left it on another page." : `${out.name} sent you out${isBanned ? " for a while" : ""}.`;
    const mayComeIn = this.state.room?.kind === "open" && kindOf(this.me) === "member" && !isBanned;
    this.gone(why, mayComeIn ? { text: "Come in again", href: `/rooms/${this.id}` } : null);
  }

  /** Guests have no account to sign in to. */
  private signedOut(): void {
    if (kindOf(this.me) === "guest") return this.gone("");
    const next = encodeURIComponent(location.pathname + location.search);
    this.gone("", { text: "Sign in again", href: `/sign-in?next=${next}` }, "You are signed out.");
  }

  /** Sent out, banned, signed out, or the room is no more: nothing is heard or said here any longer. */
  private gone(why: string, to: { text: string; href: string } | null = null, words = "You are no longer in this room."): void {
    const { root } = this;
    if (root.dataset["state"] === "gone") return;
    this.line?.stop();
    this.people?.leave();
    root.dataset["state"] = "gone";
    for (const action of [...this.may]) if (action !== "read" && action !== "see_people") this.may.delete(action);
    part(root, "lost").hidden = true;
    root.querySelector("[data-part=leave]")?.remove();
    this.composer?.close();
    this.aside.end();
    say(part(root, "gone-words"), words);
    say(part(root, "gone-why"), why);
    if (to) {
      const link = part<HTMLAnchorElement>(root, "gone-link");
      link.href = to.href;
      say(link, to.text);
      link.hidden = false;
    }
    part(root, "gone").hidden = false;
    this.draw();
  }
}

const root = document.querySelector<HTMLElement>("[data-room][data-me]");
if (root) {
  const page = new RoomPage(root, root.dataset["room"]!);
  page.start().catch((error: unknown) => {
    // What the server wrote stays to be read.
    console.info(error);
    root.dataset["state"] = "read";
  });
}
