// When parts of the page are drawn: together, in an animation frame, at most four times a second.

const BETWEEN_MS = 250;

export class Redraw {
  private readonly parts = new Set<() => void>();
  private planned = false;
  private last = -Infinity;

  /** Draws `part` in a moment, once however often it is asked for. */
  soon(part: () => void): void {
    this.parts.add(part);
    if (this.planned) return;
    this.planned = true;
    setTimeout(() => requestAnimationFrame(() => this.draw()), Math.max(0, this.last + BETWEEN_MS - performance.now()));
  }

  private draw(): void {
    this.planned = false;
    this.last = performance.now();
    const parts = [...this.parts];
    this.parts.clear();
    for (const part of parts) part();
  }
}
