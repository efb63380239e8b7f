// What a number means, beside the number: a press on its question mark shows the definition.

const GAP = 8;

export function placeHints(): void {
  document.addEventListener("toggle", (event) => {
    const hint = event.target;
    if (!(hint instanceof HTMLElement) || !hint.matches(".hint-text") || (event as ToggleEvent).newState !== "open") return;
    const button = document.querySelector(`[popovertarget="${CSS.escape(hint.id)}"]`);
    if (button) place(hint, button.getBoundingClientRect());
  }, true);
}

function place(hint: HTMLElement, at: DOMRect): void {
  const { width, height } = hint.getBoundingClientRect();
  const left = Math.min(innerWidth - width - GAP, Math.max(GAP, at.left + at.width / 2 - width / 2));
  const below = at.bottom + GAP;
  const top = below + height > innerHeight ? at.top - GAP - height : below;
  hint.style.left = `${left}px`;
  hint.style.top = `${Math.max(GAP, top)}px`;
}
