// Everything known about one visitor, in a sheet at the side, kept up to date while it is open.
import { part, say } from "./element";
import { counted, duration } from "./format";
import type { Clock } from "./format";
import type { Visitor } from "./protocol";
import type { Talks } from "./visitor-talk";
import { WriteFirst } from "./visitor-write";
import { factsOf, idOf, openPage, shortName, trailOf } from "./visitor-facts";

export class VisitorPanel {
  private readonly name: HTMLElement;
  private readonly state: HTMLElement;
  private readonly online: HTMLElement;
  private readonly engaged: HTMLElement;
  private readonly facts: HTMLElement;
  private readonly pages: HTMLElement;
  private readonly trail: HTMLElement;
  private readonly history: HTMLAnchorElement;
  private readonly talk: HTMLAnchorElement;
  private readonly write: WriteFirst | null;
  private visitor: Visitor | null = null;
  private leftAt: number | null = null;

  /**
   * `visitors`: what a visitor's history is found behind, `talks`: conversations with them; undefined and null where whoever looks may not see them.
   * `writes`: the site where they may be written to.
   */
  constructor(
    private readonly dialog: HTMLDialogElement, private readonly clock: Clock, private readonly now: () => number, private readonly visitors: string | undefined,
    private readonly talks: Talks | null, writes: string | null,
  ) {
    this.name = part(dialog, "panel-name");
    this.state = part(dialog, "panel-state");
    this.online = part(dialog, "panel-online");
    this.engaged = part(dialog, "panel-engaged");
    this.facts = part(dialog, "panel-facts");
    this.pages = part(dialog, "panel-pages");
    this.trail = part(dialog, "panel-trail");
    this.history = part<HTMLAnchorElement>(dialog, "panel-history");
    this.talk = part<HTMLAnchorElement>(dialog, "panel-talk");
    this.write = writes === null ? null : new WriteFirst(writes, ({ room }) => this.showTalk(`/sites/${writes}/inbox/${room}`, "Said. Go on in the inbox"));
    if (this.write) part(dialog, "panel-write").append(this.write.element);
    part(dialog, "panel-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => (this.visitor = null));
  }

  /** Whose panel is open. */
  get key(): string | null {
    return this.visitor?.key ?? null;
  }

  open(visitor: Visitor): void {
    this.leftAt = null;
    this.visitor = visitor;
    this.draw(visitor);
    this.write?.to(visitor.key);
    void this.lookForTalk(visitor.key);
    if (!this.dialog.open) this.dialog.showModal();
    part(this.dialog, "panel-body").scrollTop = 0;
  }

  /** The visitor as they are now; undefined: they are not present (any more). */
  update(visitor: Visitor | undefined): void {
    if (!this.visitor) return;
    if (!visitor) {
      this.leftAt ??= this.now();
      return this.tick();
    }
    const changed = visitor !== this.visitor || this.leftAt !== null;
    this.leftAt = null;
    this.visitor = visitor;
    if (changed) this.draw(visitor);
  }

  /** Once a second: time goes on. */
  tick(): void {
    if (!this.visitor) return;
    const until = this.leftAt ?? this.now();
    const left = this.leftAt !== null;
    this.state.className = left ? "state-name gone" : this.visitor.active ? "state-name active" : "state-name idle";
    say(this.state, left ? "Left" : this.visitor.active ? "Active" : "Idle");
    say(this.online, duration(until - this.visitor.since));
    part(this.dialog, "panel-write").hidden = !this.write || left || this.visitor.bot !== null;
    const current = this.trail.querySelector("[data-current]");
    const last = this.visitor.trail.at(-1);
    if (current && last) say(current, duration(until - last.at));
  }

  private draw(visitor: Visitor): void {
    say(this.name, visitor.identity ?? `Visitor ${shortName(visitor.key)}`);
    say(this.engaged, duration(visitor.engaged));
    this.facts.replaceChildren(...factsOf(visitor));
    this.pages.replaceChildren(...[...visitor.pages].reverse().map(openPage));
    part(this.dialog, "panel-pages-head").hidden = visitor.pages.length === 0;
    this.writeTrail(visitor);
    this.history.hidden = this.visitors === undefined;
    if (this.visitors !== undefined) this.history.href = `${this.visitors}${idOf(visitor.key)}`;
    this.tick();
  }

  private async lookForTalk(key: string): Promise<void> {
    this.talk.hidden = true;
    // Without an answer the panel does without the link.
    const href = await this.talks?.with(key).catch(() => null);
    if (!href || this.key !== key) return;
    this.showTalk(href, "Conversation");
  }

  private showTalk(href: string, words: string): void {
    this.talk.href = href;
    say(this.talk, words);
    this.talk.hidden = false;
  }

  private writeTrail(visitor: Visitor): void {
    say(part(this.dialog, "panel-steps"), counted(visitor.trail.length, "page"));
    this.trail.replaceChildren(...trailOf(visitor.trail, this.clock, this.now()));
  }
}
