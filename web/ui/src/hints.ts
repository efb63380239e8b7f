// What a number means, beside the number: its question mark shows the definition when it is pointed at, focused or pressed.

const GAP = 8;
/** Opened by pointing or by focus: goes when that ends, unless a press keeps it. */
let passing: HTMLElement | null = null;

export function placeHints(): void {
  document.addEventListener("toggle", (event) => {
    const hint = event.target;
    if (!(hint instanceof HTMLElement) || !hint.matches(".hint-text") || (event as ToggleEvent).newState !== "open") return;
    const button = document.querySelector(`[popovertarget="${CSS.escape(hint.id)}"]`);
    if (button) place(hint, button.getBoundingClientRect());
  }, true);
  document.addEventListener("pointerover", (event) => event.pointerType === "mouse" && open(event.target));
  document.addEventListener("pointerout", (event) => event.pointerType === "mouse" && close(event.target));
  document.addEventListener("focusin", (event) => (event.target as Element).matches(":focus-visible") && open(event.target));
  document.addEventListener("focusout", (event) => close(event.target));
  document.addEventListener("click", (event) => {
    // A press on what is shown already keeps it, where the browser would close it.
    if (passing === null || hintOf(event.target) !== passing) return;
    event.preventDefault();
    passing = null;
  });
}

function hintOf(target: EventTarget | null): HTMLElement | null {
  const button = target instanceof Element ? target.closest(".what[popovertarget]") : null;
  return button && document.getElementById(button.getAttribute("popovertarget") ?? "");
}

function open(target: EventTarget | null): void {
  const hint = hintOf(target);
  if (!hint || hint.matches(":popover-open")) return;
  hint.showPopover();
  passing = hint;
}

function close(target: EventTarget | null): void {
  const hint = hintOf(target);
  if (!hint || hint !== passing) return;
  passing = null;
  if (hint.isConnected && hint.matches(":popover-open")) hint.hidePopover();
}

function place(hint: HTMLElement, at: DOMRect): void {
  const { width, height } = hint.getBoundingClientRect();
  const left = Math.min(innerWidth - width - GAP, Math.max(GAP, at.left + at.width / 2 - width / 2));
  const below = at.bottom + GAP;
  const top = below + height > innerHeight ? at.top - GAP - height : below;
  hint.style.left = `${left}px`;
  hint.style.top = `${Math.max(GAP, top)}px`;
}
