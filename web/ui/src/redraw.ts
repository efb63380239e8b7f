// When parts of the page are drawn: at most four times a second, one part a frame, so that no frame is long.

const BETWEEN_MS = 250;

export class Redraw {
  private readonly waiting = new Set<() => void>();
  private planned = false;
  private last = -Infinity;

  /** Draws `part` in a moment, once however often it is asked for. */
  soon(part: () => void): void {
    this.waiting.add(part);
    if (!this.planned) this.plan();
  }

  private plan(): void {
    this.planned = true;
    const wait = Math.max(0, this.last + BETWEEN_MS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.begin()), wait);
  }

  /** What is asked for from now on waits for the next round. */
  private begin(): void {
    this.last = performance.now();
    const parts = [...this.waiting];
    this.waiting.clear();
    this.draw(parts);
  }

  private draw([part, ...others]: (() => void)[]): void {
    part?.();
    if (others.length > 0) requestAnimationFrame(() => this.draw(others));
    else if (this.waiting.size > 0) this.plan();
    else this.planned = false;
  }
}
