// The world, each country as warm as it has visitors; a spark where somebody just opened a page.
import { make, movesLittle, part, say } from "./element";
import { counted, countryName } from "./format";
import type { FeedHit } from "./protocol";

const HEATS = 5;
const SPARKS_MAX = 12;
const SPARK_MS = 1_400;

export class WorldMap {
  private readonly stage: HTMLElement;
  private readonly readout: HTMLElement;
  private readonly shapes = new Map<string, SVGElement[]>();
  private svg: SVGSVGElement | null = null;
  private size = { width: 1, height: 1 };
  private counts: ReadonlyMap<string, number> = new Map();
  private chosen: string | undefined;
  private sparks = 0;

  constructor(panel: HTMLElement, url: string, onChoose: (country: string) => void) {
    this.stage = part(panel, "map");
    this.readout = part(panel, "map-readout");
    this.stage.addEventListener("click", (event) => {
      const code = countryAt(event);
      if (code) onChoose(code);
    });
    this.stage.addEventListener("pointermove", (event) => this.point(countryAt(event)));
    this.stage.addEventListener("pointerleave", () => this.point(null));
    void this.load(url);
  }

  /** Visitors by the code of their country, and the country that the view is narrowed to. */
  show(counts: ReadonlyMap<string, number>, chosen: string | undefined): void {
    this.counts = counts;
    this.chosen = chosen;
    const most = Math.max(1, ...counts.values());
    for (const [code, shapes] of this.shapes) {
      const heat = String(heatOf(counts.get(code) ?? 0, most));
      const isChosen = chosen === code;
      for (const shape of shapes) {
        if (shape.dataset["heat"] !== heat) shape.dataset["heat"] = heat;
        shape.classList.toggle("chosen", isChosen);
      }
    }
  }

  /** Sparks of the hits that just came; some are left out where they are many. */
  spark(hits: FeedHit[]): void {
    if (document.hidden || movesLittle() || this.svg === null) return;
    for (const hit of hits) {
      const shape = hit.kind === "pageview" ? this.shapes.get(hit.country)?.[0] : undefined;
      if (!shape || this.sparks >= SPARKS_MAX) continue;
      // Over the drawing, not in it: a change inside would have the whole world painted again.
      const spark = make("span", "spark");
      spark.style.left = `${(Number(shape.dataset["x"]) / this.size.width) * 100}%`;
      spark.style.top = `${(Number(shape.dataset["y"]) / this.size.height) * 100}%`;
      this.stage.append(spark);
      this.sparks += 1;
      const timing = { duration: SPARK_MS, easing: "ease-out" };
      spark.animate([{ transform: "scale(0.2)", opacity: 0.9 }, { transform: "scale(1)", opacity: 0 }], timing).onfinish = () => {
        spark.remove();
        this.sparks -= 1;
      };
    }
  }

  private async load(url: string): Promise<void> {
    const answer = await fetch(url);
    if (!answer.ok) return;
    const drawing = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
    this.svg = document.importNode(drawing, true) as unknown as SVGSVGElement;
    this.size = this.svg.viewBox.baseVal;
    this.svg.setAttribute("aria-hidden", "true");
    for (const shape of this.svg.querySelectorAll<SVGElement>("[data-country]")) {
      const code = shape.dataset["country"]!;
      this.shapes.set(code, [...(this.shapes.get(code) ?? []), shape]);
    }
    this.stage.replaceChildren(this.svg);
    this.show(this.counts, this.chosen);
  }

  private point(code: string | null): void {
    const number = code === null ? 0 : this.counts.get(code) ?? 0;
    say(this.readout, code === null ? "" : `${countryName(code)} · ${counted(number, "visitor")}`);
  }
}

/** 0 without a visitor, else 1 to 5; less than proportional, so that one large country does not leave the others cold. */
export function heatOf(number: number, most: number): number {
  if (number <= 0) return 0;
  return Math.max(1, Math.ceil((number / most) ** 0.4 * HEATS));
}

function countryAt(event: Event): string | null {
  const target = event.target;
  return target instanceof SVGElement ? target.dataset["country"] ?? null : null;
}
