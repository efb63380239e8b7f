// A list whose rows are drawn from marks: what did not change stays the same element, at its place in the order.

interface Row {
  element: HTMLLIElement;
  /** All that it is drawn from. */
  mark: string;
}

/** Puts the next row: the one there is under that key where its mark is the same, else a new one. */
export type Put = (key: string, mark: string, make: () => HTMLLIElement) => void;

export class KeptRows {
  private rows = new Map<string, Row>();

  constructor(private readonly list: HTMLElement) {}

  draw(fill: (put: Put) => void): void {
    const next = new Map<string, Row>();
    const order: HTMLLIElement[] = [];
    fill((key, mark, make) => {
      const known = this.rows.get(key);
      const kept = known && known.mark === mark ? known : { element: make(), mark };
      next.set(key, kept);
      order.push(kept.element);
    });
    this.rows = next;
    this.arrange(order);
  }

  elementOf(key: string): HTMLLIElement | undefined {
    return this.rows.get(key)?.element;
  }

  markOf(key: string): string | undefined {
    return this.rows.get(key)?.mark;
  }

  private arrange(order: HTMLLIElement[]): void {
    order.forEach((element, index) => {
      const there = this.list.children[index];
      if (there !== element) this.list.insertBefore(element, there ?? null);
    });
    while (this.list.children.length > order.length) this.list.lastElementChild!.remove();
  }
}
