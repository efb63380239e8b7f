// Arrow keys in tab lists, as keyboards expect.

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
