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
import { MessageList } from "./room-list";
import { toNames } from "./room-mentions";
import { People } from "./room-people";
import { RoomState, noteOf } from "./room-state";
import { Unread } from "./room-unread";
import { Sending } from "./room-sending";
import { RoomSounds } from "./room-playing";
import type { LineState } from "./connection";
import type { Action, Message, Page, Seen } from "./room-protocol";

const PAGE = 60;
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
  private composer: Composer | null = null;
  private drawing = false;
  private loading = false;
  private wasAtEnd = true;

  constructor(private readonly root: HTMLElement, private readonly id: string) {
    this.api = new RoomApi(id);
    this.me = root.dataset["me"] ?? "";
    this.scroll = part(root, "scroll");
    this.sounds = new RoomSounds(part(root, "sounds"));
    this.alerts = new Alerts(this.sounds.heard);
  }

  async start(): Promise<void> {
    const [seen, page] = await Promise.all([this.api.seen(), this.api.last(PAGE)]);
    this.take(seen, page);
    this.build(seen);
    this.draw();
    this.scroll.scrollTop = this.scroll.scrollHeight;
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
    this.unread = new Unread(api, state, seen.you.read, () => this.isAtEnd(), () => this.aside?.threadNumber, this.listener);
    this.list = new MessageList(part(root, "messages"), state, me, { inThread: false, may: this.may, readTo: seen.you.read });
    this.sending = new Sending(api, state, () => this.draw());
    addEventListener("pagehide", () => this.sending.leave());
    if (me && this.may.has("see_people")) this.people = new People(api, state, me, mayPost, () => this.draw());
    const typing = () => api.doing("typing");
    const send = (pending: Parameters<Sending["send"]>[0]) => {
      this.sending.send(pending);
      if (pending.kind === "sound") this.sounds.came(pending.id, pending.body);
      if (pending.thread === undefined) this.toEnd();
    };
    this.menu = new MessageMenu(() => state, me, { act: (message, what, emoji) => this.act(message, what, emoji) });
    this.acts = new MessageActs({
      api, state, members: () => this.people?.members ?? [], list: ({ thread }) => (thread === undefined ? this.list : this.aside.threadList ?? this.list),
      address: ({ number }) => `/rooms/${this.id}/messages/${number}`, changed: () => this.draw(), edited: () => this.composer?.focus(), trouble: (problem) => this.trouble(problem),
    });
    this.aside = new Aside({
      aside: part(root, "aside"), button: part(root, "aside-button"), api, state, people: this.people, me, mayPost, may: this.may, send, typing,
      acted: (event) => this.clicked(event),
    });
    const form = root.querySelector<HTMLFormElement>("[data-part=composer]");
    if (form && mayPost) this.composer = new Composer(form, { room: this.id, dropOn: part(root, "drop"), send, typing, members: () => this.people?.members ?? [], editLast: () => this.acts.editLast(state.conversation(), me) });
    part(root, "messages").addEventListener("click", (event) => this.clicked(event));
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    // A phone that is turned, a keyboard that comes, a thread beside: who read the end goes on reading it.
    const resized = new ResizeObserver(() => { if (this.wasAtEnd) this.scroll.scrollTop = this.scroll.scrollHeight; });
    for (const one of [this.scroll, part(root, "messages")]) resized.observe(one);
    part(root, "jump").addEventListener("click", () => this.jump());
    root.querySelector("[data-part=earlier]")?.remove();
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
      return;
    }
    const topic = `room/${this.id}`;
    const line = connectToHub(topic, null, (state) => this.lined(state));
    const following = new Following(this.api, this.state, {
      changed: () => this.draw(),
      came: (message) => this.came(message),
      hears: () => this.staysAtEnd(),
      gone: (why) => this.gone(why),
    });
    line.subscribe(topic, undefined, following.reader());
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
    if (state === "signed-out") this.gone("");
  }

  /** Said just now. */
  private came(message: Message): void {
    this.people?.said(message.author);
    this.unread.came(message);
    if (message.kind === "sound" && !message.removed) this.sounds.came(message.id, message.body);
    if (message.author !== this.me) this.announce(message);
    if (typeof message.kind === "object" && ["entered", "left", "kicked", "banned"].includes(message.kind.note)) void this.people?.load().catch(() => {});
  }

  /** Who was at the end before something was said goes on being there. */
  private staysAtEnd(): () => void {
    const stays = this.isAtEnd();
    return () => stays && this.toEnd();
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
    say(part(this.root, "announcer"), `${message.name} ${note ?? `says: ${text.slice(0, 300)}`}`);
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
    const stays = this.isAtEnd();
    const messages = state.conversation();
    this.list.draw(messages, state.pendingIn(undefined), this.may.has("react"));
    part(root, "empty").hidden = messages.length + state.pending.length > 0;
    if (state.room) {
      if (state.room.name) say(part(root, "name"), state.room.name);
      say(part(root, "topic"), state.room.topic);
      part(root, "public").hidden = !state.room.public;
      part(root, "locked").hidden = part(root, "lock-banner").hidden = !state.room.locked;
    }
    say(part(root, "typing"), this.people?.typingLine() ?? "");
    this.aside.draw();
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

  /** What is new and cannot be seen from here. */
  private drawJump(): void {
    const waits = this.isAtEnd() && this.unread.waiting !== undefined;
    const jump = part(this.root, "jump");
    jump.hidden = !waits && (this.isAtEnd() || !this.unread.hasNew);
    say(jump, waits ? "A thread has something for you" : "New messages");
  }

  private jump(): void {
    const { waiting } = this.unread;
    if (this.isAtEnd() && waiting?.thread !== undefined) this.openThread(waiting.thread, null);
    else this.toEnd();
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
      const page = await this.api.before(this.state.oldest, PAGE);
      const height = this.scroll.scrollHeight - this.scroll.scrollTop;
      this.state.take({ messages: page.messages, names: page.names });
      this.state.oldest = page.messages[0]?.number ?? 1;
      this.drawNow();
      this.scroll.scrollTop = this.scroll.scrollHeight - height;
    } catch (error) {
      console.info(error);
    } finally {
      this.loading = false;
    }
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
    if (what === "play") return this.sounds.again(message.body);
    if (what !== "thread") return void this.acts.act(message, what, emoji);
    this.openThread(message.number, opener);
  }

  private openThread(number: number, opener: HTMLElement | null): void {
    const opening = this.aside.openThread(number, opener ?? this.list.elementOf(number) ?? null);
    // What waited in it is looked at now.
    this.draw();
    opening.catch((error: unknown) => {
      this.trouble(error instanceof Refused ? error.message : "The server cannot be reached right now. Try again in a moment.");
    });
  }

  private trouble(message: string): void {
    say(part(this.root, "announcer"), message);
    alert(message);
  }

  /** Sent out, banned, or the room is no more. */
  private gone(why: string): void {
    this.root.dataset["state"] = "gone";
    part(this.root, "gone").hidden = false;
    part(this.root, "lost").hidden = true;
    say(part(this.root, "gone-why"), why);
    this.composer?.close();
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
