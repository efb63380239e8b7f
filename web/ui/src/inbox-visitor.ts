// The customer beside the conversation: who they are, where they are on the site now, how they came, what they did, and what was said before.
import { make, makePath, part, say } from "./element";
import { counted, duration, valueName } from "./format";
import type { Clock } from "./format";
import type { InboxApi, Past } from "./inbox-api";
import type { Conversation } from "./inbox-protocol";
import { joined } from "./inbox-weaving";
import type { Step } from "./inbox-weaving";
import { shortTime, waited } from "./inbox-words";
import { Refused } from "./room-api";
import type { Visitor } from "./protocol";
import { factsOf, idOf, trailOf } from "./visitor-facts";
import type { Origin } from "./visitor-facts";

/** While they are here, what history learned meanwhile is asked for so often. */
const PAST_MS = 60_000;
/** Of somebody who came just now it knows nothing yet. */
const NO_PAST_MS = 5_000;
const TRAIL_SHOWN = 12;
const EVENTS_SHOWN = 8;

export interface VisitorContext {
  api: InboxApi;
  clock: Clock;
  now: () => number;
  /** Below it are the pages of visitors and of people. */
  site: string;
  /** Another conversation of theirs is asked for. */
  href: (room: string) => string;
  /** What they did is known better. */
  learned: (steps: Step[]) => void;
}

export class VisitorPane {
  private conversation: Conversation | null = null;
  private earlier: Conversation[] = [];
  private live: Visitor | null = null;
  /** Undefined: not asked yet. */
  private past: Past | null | undefined;
  private askedAt = -Infinity;
  private problem = "";
  /** They were here while one looked, and went then. */
  private leftAt: number | null = null;
  /** What parts were drawn from. */
  private readonly drawn = new Map<string, string>();

  constructor(private readonly root: HTMLElement, private readonly context: VisitorContext) {}

  /** Another conversation. */
  open(conversation: Conversation, earlier: Conversation[], name: string): void {
    const isOther = conversation.visitor !== this.conversation?.visitor;
    this.conversation = conversation;
    this.earlier = earlier;
    if (isOther) {
      this.live = this.leftAt = null;
      this.past = undefined;
      this.askedAt = -Infinity;
    }
    this.root.querySelector("[data-part=visitor-bones]")?.remove();
    this.write(name);
    void this.ask();
  }

  take(conversation: Conversation, name: string): void {
    const isOther = conversation.visitor !== this.conversation?.visitor;
    if (isOther) return this.open(conversation, this.earlier, name);
    this.conversation = conversation;
    this.write(name);
  }

  /** As they are on the site now; null: they are not. */
  see(visitor: Visitor | null, name: string): void {
    this.leftAt = visitor ? null : this.live ? this.context.now() : this.leftAt;
    this.live = visitor;
    this.write(name);
    this.tell();
    void this.ask();
  }

  get isHere(): boolean | null {
    return this.conversation?.visitor ? this.live !== null : null;
  }

  /** Where they are, or were last; null: nobody knows. */
  get origin(): Origin | null {
    return this.live ?? this.past?.origin ?? null;
  }

  /** Once a second. */
  tick(): void {
    if (!this.conversation) return;
    this.writeState();
    if (!this.live) return;
    say(part(this.root, "visitor-online"), duration(this.context.now() - this.live.since));
    const current = part(this.root, "visitor-trail").querySelector("[data-current]");
    const last = this.live.trail.at(-1);
    if (current && last) say(current, duration(this.context.now() - last.at));
    if (!document.hidden) void this.ask();
  }

  private async ask(): Promise<void> {
    const { conversation } = this;
    if (!conversation?.visitor || this.context.now() - this.askedAt < (this.past ? PAST_MS : NO_PAST_MS)) return;
    this.askedAt = this.context.now();
    const { visitor } = conversation;
    try {
      const past = await this.context.api.past(idOf(visitor));
      if (this.conversation?.visitor !== visitor) return;
      this.past = past;
      this.problem = "";
    } catch (error) {
      if (this.conversation?.visitor !== visitor) return;
      this.problem = error instanceof Refused ? error.message : "Their history cannot be read right now.";
    }
    this.write(part(this.root, "visitor-name").textContent ?? "");
    this.tell();
  }

  private tell(): void {
    this.context.learned(joined(this.past?.steps ?? [], this.live?.trail ?? []));
  }

  private write(name: string): void {
    const { conversation } = this;
    if (!conversation) return;
    say(part(this.root, "visitor-name"), name);
    this.writeWho(conversation);
    this.writeState();
    this.writePage(conversation);
    this.writeNumbers();
    const { origin } = this;
    this.fill("visitor-facts", origin && pickOrigin(origin), () => (origin ? factsOf(origin) : []));
    this.writeTrail();
    this.writeEvents();
    this.writeEarlier();
    this.writeRating(conversation);
    const history = part<HTMLAnchorElement>(this.root, "visitor-history");
    history.hidden = !conversation.visitor || (!this.past && !this.live && this.leftAt === null);
    if (conversation.visitor) history.href = `${this.context.site}/visitors/${idOf(conversation.visitor)}`;
    const missing = part(this.root, "visitor-missing");
    missing.hidden = conversation.visitor !== null && !this.problem;
    say(missing, this.problem || "This customer’s browser was not counted here, so their pages are not known.");
  }

  /** Draws a part anew where what it is drawn from is not what it was: who has the focus there keeps it. */
  private fill(name: string, from: unknown, make: () => Node[]): void {
    const mark = JSON.stringify(from);
    if (this.drawn.get(name) === mark) return;
    this.drawn.set(name, mark);
    part(this.root, name).replaceChildren(...make());
  }

  /** What they say of themselves, and whether the site stands for it: in words. */
  private writeWho({ name, email, identity, proven }: Conversation): void {
    const lines: HTMLElement[] = [];
    if (email) {
      const link = make("a");
      link.href = `mailto:${encodeURIComponent(email).replace("%40", "@")}`;
      link.append(make("bdi", "", email));
      lines.push(link);
    }
    if (identity) {
      const link = make("a");
      link.href = `${this.context.site}/profiles/person?${new URLSearchParams({ identity })}`;
      link.append(make("bdi", "", identity));
      const line = make("span");
      line.append("Profile ", link);
      lines.push(line);
    }
    const known = name || email || identity;
    this.fill("visitor-who", [email, identity], () => lines.map((line) => {
      const item = make("li");
      item.append(line);
      return item;
    }));
    const badge = part(this.root, "visitor-proof");
    badge.hidden = !known;
    badge.className = `badge${proven ? " ok" : ""}`;
    say(badge, proven ? "Proven: your site vouches for them" : "Unproven: as they say themselves");
  }

  private writeState(): void {
    const state = part(this.root, "visitor-state");
    const { live, conversation } = this;
    state.className = `state-name${live ? (live.active ? " active" : " idle") : " gone"}`;
    say(state, live ? (live.active ? "Engaged now" : "Idle") : "Not here now");
    state.hidden = conversation?.visitor === null;
  }

  private writePage({ page, title }: Conversation): void {
    const last = this.live?.trail.at(-1)?.path ?? this.past?.steps.filter(({ event }) => event === undefined).at(-1)?.path;
    const href = pageAddress(page, last);
    const label = this.live ? "On this page now" : `Last page${this.lastSeen()}`;
    const shown = last ?? (href ? pathOf(href) : "");
    const titled = title && pathOf(page) === shown ? title : "";
    this.fill("visitor-page", [label, shown, href, titled], () => {
      if (!shown) return [];
      const path = makePath("visitor-path", shown);
      const link = make("a", "visitor-link");
      link.href = href;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.append(path);
      return [make("span", "muted small", label), href ? link : path, ...(titled ? [make("bdi", "muted small", titled)] : [])];
    });
  }

  private lastSeen(): string {
    const at = this.leftAt ?? this.past?.last;
    return at === undefined ? "" : `, ${waited(this.context.now() - at)} ago`;
  }

  private writeNumbers(): void {
    part(this.root, "visitor-numbers").hidden = !this.live;
    if (!this.live) return;
    say(part(this.root, "visitor-online"), duration(this.context.now() - this.live.since));
    say(part(this.root, "visitor-engaged"), duration(this.live.engaged));
  }

  private writeTrail(): void {
    const now = this.context.now();
    const pages = joined(this.past?.steps ?? [], this.live?.trail ?? []).filter(({ event }) => event === undefined);
    const shown = pages.slice(-TRAIL_SHOWN);
    part(this.root, "visitor-trail-head").hidden = shown.length === 0;
    say(part(this.root, "visitor-steps"), counted(pages.length, "page"));
    const trail = part(this.root, "visitor-trail");
    const isHere = this.live !== null;
    trail.classList.toggle("left", !isHere);
    this.fill("visitor-trail", [isHere, shown], () => trailOf(shown, this.context.clock, now));
    // Nobody knows how long the last page of somebody who went was looked at.
    if (!isHere) trail.querySelector("[data-current]")?.remove();
  }

  private writeEvents(): void {
    const events = (this.past?.steps ?? []).filter(({ event }) => event !== undefined).slice(-EVENTS_SHOWN).reverse();
    part(this.root, "visitor-events-head").hidden = events.length === 0;
    this.fill("visitor-events", events, () => events.map(({ at, event, path }) => {
      const item = make("li");
      const when = make("time", "muted small number", this.context.clock.toMinute(at));
      when.dateTime = new Date(at).toISOString();
      when.title = new Date(at).toLocaleString();
      item.append(make("bdi", "badge", event), " ", makePath("seen-path", path), " ", when);
      return item;
    }));
  }

  private writeEarlier(): void {
    part(this.root, "visitor-earlier-head").hidden = this.earlier.length === 0;
    this.fill("visitor-earlier", this.earlier.map(({ room, version }) => [room, version]), () => this.earlier.map((one) => {
      const item = make("li");
      const link = make("a", "earlier-one");
      link.href = this.context.href(one.room);
      link.dataset["open"] = one.room;
      link.append(make("bdi", "", one.preview || "A conversation"), make("span", "muted small", `${shortTime(one.last_at, Date.now())} · ${one.state}`));
      item.append(link);
      return item;
    }));
  }

  private writeRating({ rating }: Conversation): void {
    const line = part(this.root, "visitor-rating");
    line.hidden = rating === null;
    if (!rating) return;
    const stars = make("span", "stars", "★".repeat(rating.score) + "☆".repeat(Math.max(0, 5 - rating.score)));
    stars.setAttribute("aria-hidden", "true");
    line.replaceChildren(stars, ` They rated it ${rating.score} of 5`);
    if (rating.words) line.append(": ", make("bdi", "", rating.words));
  }
}

function pickOrigin({ source, channel, referrer, campaign, country, region, city, device, browser, browser_version, os, os_version, language, bot }: Origin): unknown[] {
  return [source, channel, referrer, campaign, country, region, city, device, browser, browser_version, os, os_version, language, bot];
}

/** The address of a path on the site where the customer is. */
export function pageAddress(page: string, path: string | undefined): string {
  try {
    const { href, origin, protocol } = new URL(page);
    if (protocol !== "https:" && protocol !== "http:") return "";
    if (path === undefined || pathOf(page) === path) return href;
    const other = new URL(path.replace(/^\/+/, "/"), origin);
    return other.origin === origin ? other.href : "";
  } catch {
    return "";
  }
}

function pathOf(page: string): string {
  try {
    return new URL(page).pathname;
  } catch {
    return "";
  }
}

/** Where somebody is, in a word or two: for one who did not say who they are. */
export function placeOf(origin: Pick<Origin, "city" | "country"> | null | undefined): string {
  if (!origin) return "";
  return origin.city || (origin.country ? valueName("country", origin.country) : "");
}
