// A list whose items stay the same elements as long as what they are drawn from stays the same.

interface Drawn {
  element: HTMLLIElement;
  /** All that it is drawn from. */
  mark: string;
}

export class KeptList {
  private drawn = new Map<string, Drawn>();

  constructor(private readonly list: HTMLOListElement) {}

  /** `fill` puts the items in their order, each under a key of its own. */
  draw(fill: (put: (key: string, mark: string, make: () => HTMLLIElement) => void) => void): void {
    const next = new Map<string, Drawn>();
    const order: HTMLLIElement[] = [];
    fill((key, mark, make) => {
      const known = this.drawn.get(key);
      const kept = known && known.mark === mark ? known : { element: make(), mark };
      next.set(key, kept);
      order.push(kept.element);
    });
    this.drawn = next;
    this.arrange(order);
  }

  element(key: string): HTMLLIElement | undefined {
    return this.drawn.get(key)?.element;
  }

  /** What the item is drawn from now. */
  mark(key: string): string | undefined {
    return this.drawn.get(key)?.mark;
  }

  private arrange(order: HTMLLIElement[]): void {
    order.forEach((element, index) => {
      const there = this.list.children[index];
      if (there !== element) this.list.insertBefore(element, there ?? null);
    });
    while (this.list.children.length > order.length) this.list.lastElementChild!.remove();
  }
}
