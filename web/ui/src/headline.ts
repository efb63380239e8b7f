// The number of the page: who is here now, how many of them are active, and the peak they are measured by.
import { make, movesLittle, part, say } from "./element";
import { count, counted } from "./format";
import type { Clock } from "./format";
import type { LiveView } from "./state";

/** Screen readers are told of a new count this often at most. */
const SPOKEN_EVERY_MS = 15_000;
/** Digits move only where the number stood still for so long: on a busy site they would never rest. */
const STOOD_STILL_MS = 1_200;

export class Headline {
  private readonly number: HTMLElement;
  private readonly spoken: HTMLElement;
  private spokenAt = -Infinity;
  private rolledAt = -Infinity;
  private shown = "";

  constructor(private readonly panel: HTMLElement, private readonly clock: Clock) {
    this.number = part(panel, "present");
    this.spoken = part(panel, "spoken");
  }

  show(view: LiveView, filtered: boolean): void {
    this.roll(count(view.present));
    say(part(this.panel, "unit"), view.present === 1 ? "visitor right now" : "visitors right now");
    this.speak(view.present);
    this.split(view);
    this.heat(view, filtered);
  }

  /** Each digit is an element, so that only those that changed move. */
  private roll(text: string): void {
    if (text === this.shown) return;
    const grew = this.shown !== "" && Number(text.replace(/\D/g, "")) > Number(this.shown.replace(/\D/g, ""));
    const before = this.shown.padStart(text.length);
    const now = performance.now();
    const moves = this.shown !== "" && now - this.rolledAt > STOOD_STILL_MS && !movesLittle();
    this.rolledAt = now;
    this.shown = text;
    this.number.replaceChildren(...[...text].map((character, index) => {
      const digit = make("span", "digit", character);
      if (moves && before.slice(-text.length)[index] !== character) {
        const from = grew ? "0.28em" : "-0.28em";
        digit.animate([{ transform: `translateY(${from})`, opacity: 0 }, { transform: "none", opacity: 1 }], { duration: 320, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" });
      }
      return digit;
    }));
  }

  private speak(present: number): void {
    const now = performance.now();
    if (now - this.spokenAt < SPOKEN_EVERY_MS) return;
    const text = `${counted(present, "visitor")} right now`;
    if (this.spoken.textContent === text) return;
    this.spokenAt = now;
    say(this.spoken, text);
  }

  private split(view: LiveView): void {
    const idle = Math.max(0, view.present - view.active);
    say(part(this.panel, "active"), count(view.active));
    say(part(this.panel, "idle"), count(idle));
    part(this.panel, "active-share").style.setProperty("--share", (view.present === 0 ? 0 : view.active / view.present).toFixed(2));
    say(part(this.panel, "bot-count"), view.bots > 0 ? count(view.bots) : "");
  }

  /** The closer to the peak, the brighter the fire. */
  private heat(view: LiveView, filtered: boolean): void {
    const peak = part(this.panel, "peak");
    const line = part(this.panel, "peak-line");
    line.hidden = view.peak === null;
    if (!view.peak) return;
    say(peak, count(view.peak.count));
    say(part(this.panel, "peak-when"), this.clock.onDay(view.peak.hour));
    const glow = filtered || view.peak.count === 0 ? 0.25 : 0.15 + 0.85 * Math.min(1, view.present / view.peak.count);
    part(this.panel, "glow").style.opacity = (view.present === 0 ? 0 : glow).toFixed(2);
  }
}
