// Arrow keys in tab lists, as keyboards expect.

/** Tabs that have no room are marked, so that their end can fade; the chosen one is scrolled into sight. */
export function fadeTabs(list: HTMLElement): void {
  const mark = (): void => {
    const rest = list.scrollWidth - list.clientWidth - Math.abs(list.scrollLeft);
    list.toggleAttribute("data-more-after", rest > 1);
    list.toggleAttribute("data-more-before", Math.abs(list.scrollLeft) > 1);
  };
  list.addEventListener("scroll", mark, { passive: true });
  new ResizeObserver(mark).observe(list);
  mark();
}

/** Moves the list alone, never the page. */
export function showTab(list: HTMLElement, tab: HTMLElement): void {
  const [outer, inner] = [list.getBoundingClientRect(), tab.getBoundingClientRect()];
  if (inner.left < outer.left) list.scrollLeft -= outer.left - inner.left + 24;
  else if (inner.right > outer.right) list.scrollLeft += inner.right - outer.right + 24;
}

export function guideTabs(within: ParentNode): void {
  for (const list of within.querySelectorAll<HTMLElement>("[role=tablist]")) {
    list.addEventListener("keydown", (event) => {
      const tabs = [...list.querySelectorAll<HTMLElement>("[role=tab]")];
      const at = tabs.indexOf(document.activeElement as HTMLElement);
      const forward = getComputedStyle(list).direction === "rtl" ? -1 : 1;
      const to = { ArrowRight: at + forward, ArrowLeft: at - forward, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      const tab = tabs[(to + tabs.length) % tabs.length]!;
      tab.focus();
      tab.click();
    });
  }
}
