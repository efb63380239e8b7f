// The headline numbers: each with how it changed and what it means; a press charts it.
import { make, part, say } from "./element";
import type { BreakdownAnswer } from "./reports-api";
import { METRIC_WORDS, growth, growthText, metricText, numberOf } from "./reports-words";
import type { Metric } from "./reports-words";

interface Tile {
  root: HTMLElement;
  button: HTMLButtonElement;
  value: HTMLElement;
  change: HTMLElement;
}

export class Tiles {
  private readonly tiles = new Map<Metric, Tile>();

  constructor(root: HTMLElement, metrics: readonly Metric[], onChoose: (metric: Metric) => void) {
    const stage = part(root, "tiles");
    for (const metric of metrics) this.tiles.set(metric, tile(metric, () => onChoose(metric)));
    stage.replaceChildren(...[...this.tiles.values()].map((tile) => tile.root));
  }

  choose(metric: Metric): void {
    for (const [name, { button, root }] of this.tiles) {
      button.ariaPressed = String(name === metric);
      root.classList.toggle("chosen", name === metric);
    }
  }

  show(answer: BreakdownAnswer, comparedWith: string): void {
    for (const [metric, tile] of this.tiles) {
      const now = numberOf(metric, answer.totals ?? {});
      say(tile.value, metricText(metric, now));
      tile.value.classList.remove("bone");
      const before = answer.before?.totals;
      this.showChange(metric, tile, now, before ? numberOf(metric, before) : null, comparedWith);
    }
  }

  private showChange(metric: Metric, tile: Tile, now: number, before: number | null, comparedWith: string): void {
    const by = before === null ? null : growth(now, before);
    tile.change.className = "tile-change";
    tile.change.title = before === null ? "" : `${metricText(metric, before)} ${comparedWith}`;
    if (before === null) return say(tile.change, "");
    if (by === null) return say(tile.change, now === 0 ? "" : "new");
    const better = METRIC_WORDS[metric].lessIsBetter ? by < 0 : by > 0;
    if (Math.abs(by) >= 0.005) tile.change.classList.add(better ? "better" : "worse");
    say(tile.change, Math.abs(by) < 0.005 ? "±0%" : growthText(by));
  }
}

function tile(metric: Metric, onChoose: () => void): Tile {
  const { name, means } = METRIC_WORDS[metric];
  const root = make("div", "tile");
  root.dataset["metric"] = metric;
  const button = make("button", "tile-button");
  button.type = "button";
  const value = make("span", "tile-value number bone", "\u00a0");
  const change = make("span", "tile-change");
  const numbers = make("span", "tile-numbers");
  numbers.append(value, " ", change);
  button.append(make("span", "tile-name", name), numbers);
  button.addEventListener("click", onChoose);
  const hint = make("p", "hint-text", means);
  hint.id = `what-${metric}`;
  hint.setAttribute("popover", "");
  const what = make("button", "what", "?");
  what.type = "button";
  what.setAttribute("popovertarget", hint.id);
  what.setAttribute("aria-label", `What ${name.toLowerCase()} means`);
  root.append(button, what, hint);
  return { root, button, value, change };
}
