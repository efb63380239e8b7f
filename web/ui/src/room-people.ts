// Who is in the room, who is there now, and who is typing. What people do just now is kept nowhere: each page says it, and hears the others.
import { make } from "./element";
import { face } from "./room-message";
import { toldApart } from "./room-mentions";
import { calledIn } from "./room-who";
import type { RoomApi } from "./room-api";
import type { RoomState } from "./room-state";
import type { Member } from "./room-protocol";

const HERE_EVERY_MS = 40_000;
/** Whoever touches nothing for so long is idle. */
const IDLE_MS = 10 * 60_000;
/** Whoever was not heard for so long is gone: twice, and some. */
const HEARD_MS = 100_000;
const TYPING_MS = 5_000;
const ANSWER_MS_MAX = 2_000;
/** In a larger room nobody says that they are there: all would hear of all. */
const SAYING_MAX = 100;

export class People {
  members: Member[] = [];
  private readonly heard = new Map<string, number>();
  private readonly idle = new Set<string>();
  private readonly typing = new Map<string, number>();
  /** As far as it is told. */
  private readonly typed = new Map<string, string>();
  private answering: ReturnType<typeof setTimeout> | undefined;
  private readonly ended = new AbortController();
  private touched = Date.now();

  constructor(
    private readonly api: RoomApi,
    private readonly state: RoomState,
    private readonly me: string,
    private readonly mayTell: boolean,
    private readonly changed: () => void,
  ) {
    const { signal } = this.ended;
    const ticks = [setInterval(() => this.tick(), 1_000), setInterval(() => document.hidden || this.say(this.how()), HERE_EVERY_MS)];
    signal.addEventListener("abort", () => ticks.forEach(clearInterval));
    for (const touch of ["pointermove", "pointerdown", "keydown", "wheel"]) addEventListener(touch, () => this.touch(), { signal, passive: true });
    document.addEventListener("visibilitychange", () => this.say(document.hidden ? "away" : "here"), { signal });
    addEventListener("pagehide", () => this.say("away"), { signal });
  }

  /** One looks at something else: says so, and nothing more. */
  leave(): void {
    this.say("away");
    clearTimeout(this.answering);
    this.ended.abort();
  }

  /** One does something: whoever was told that one is idle is told that one is not. */
  private touch(): void {
    const wasIdle = this.how() === "idle";
    this.touched = Date.now();
    if (wasIdle) this.say("here");
  }

  private how(): "here" | "idle" {
    return Date.now() - this.touched < IDLE_MS ? "here" : "idle";
  }

  /** Asks who is in the room. */
  async load(): Promise<void> {
    const { members } = await this.api.members();
    this.members = members;
    this.state.meet(members, toldApart(members));
    this.changed();
  }

  /** The line is there: who else is? */
  arrive(): void {
    this.say("asks");
  }

  told(data: unknown): void {
    for (const [what, of] of Object.entries((data ?? {}) as Record<string, { who: string; text?: string }>)) {
      const { who, text } = of;
      if (who === this.me) continue;
      if (what === "away") this.heard.delete(who);
      else this.heard.set(who, Date.now());
      what === "idle" ? this.idle.add(who) : this.idle.delete(who);
      if (what === "typing") {
        this.typing.set(who, Date.now());
        this.typed.set(who, text ?? "");
      }
      else if (what === "away") this.typing.delete(who);
      if (what === "asks") this.answer();
    }
    this.changed();
  }

  /** Whoever said something types no more. */
  said(who: string): void {
    if (this.typing.delete(who)) this.changed();
    this.idle.delete(who);
    if (who !== this.me) this.heard.set(who, Date.now());
  }

  isHere(who: string): boolean {
    return who === this.me || Date.now() - (this.heard.get(who) ?? 0) < HEARD_MS;
  }

  /** Others who were heard of. */
  others(): string[] {
    return [...this.heard.keys()].filter((who) => this.isHere(who));
  }

  typists(): string[] {
    return [...this.typing.keys()];
  }

  /** What they typed so far; empty: that is not told. */
  typedBy(who: string): string {
    return this.typed.get(who) ?? "";
  }

  typingLine(): string {
    const names = this.typists().map((who) => this.state.name(who));
    if (names.length === 0) return "";
    if (names.length > 3) return "Several people are typing…";
    return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
  }

  hereCount(): number {
    return this.members.filter(({ who }) => this.isHere(who)).length;
  }

  /** Those who are there first. */
  draw(list: HTMLElement): void {
    const sorted = [...this.members].sort((one, other) =>
      Number(this.isHere(other.who)) - Number(this.isHere(one.who)) || one.name.localeCompare(other.name));
    list.replaceChildren(...sorted.map((member) => {
      const { shown, badges } = calledIn(this.state, member.who, member.name);
      const isHere = this.isHere(member.who);
      const isIdle = isHere && this.idle.has(member.who);
      const item = make("li", `person${isHere ? " here" : ""}${isIdle ? " idle" : ""}`);
      const name = make("span", "person-name");
      name.append(make("bdi", "", shown), make("span", "sr-only", isIdle ? " is" : isHere ? " is here" : " is away"));
      item.append(face(member.who, member.name), name);
      if (member.who === this.me) item.append(make("span", "muted small", "you"));
      if (isIdle) item.append(make("span", "muted small", "idle"));
      item.append(...badges);
      return item;
    }));
  }

  private say(what: "here" | "idle" | "asks" | "away"): void {
    if (this.mayTell && this.members.length <= SAYING_MAX) this.api.doing(what);
  }

  /** After a moment of one's own, so that a room does not answer at once. */
  private answer(): void {
    if (document.hidden || this.answering !== undefined) return;
    this.answering = setTimeout(() => {
      this.answering = undefined;
      this.say(this.how());
    }, Math.random() * ANSWER_MS_MAX);
  }

  private tick(): void {
    const now = Date.now();
    let went = false;
    for (const [who, at] of this.typing) if (now - at > TYPING_MS) went = this.typing.delete(who) || went;
    for (const [who, at] of this.heard) if (now - at > HEARD_MS) went = this.heard.delete(who) || went;
    if (went) this.changed();
  }
}
