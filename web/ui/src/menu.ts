// A small menu shown at the button that opens it; the arrow keys go through it, Escape gives the focus back.
import { make } from "./element";

export class Menu {
  private readonly menu = make("div", "message-menu");
  private opener: HTMLElement | null = null;

  constructor(label: string) {
    this.menu.setAttribute("popover", "auto");
    this.menu.setAttribute("role", "menu");
    this.menu.setAttribute("aria-label", label);
    (document.querySelector("main") ?? document.body).append(this.menu);
    this.menu.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "closed" && this.menu.contains(document.activeElement)) this.opener?.focus();
    });
    this.menu.addEventListener("keydown", (event) => this.move(event));
  }

  open(button: HTMLElement, items: HTMLElement[]): void {
    this.opener = button;
    this.menu.replaceChildren(...items);
    this.menu.showPopover();
    const at = button.getBoundingClientRect();
    const { width, height } = this.menu.getBoundingClientRect();
    this.menu.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, at.right - width))}px`;
    this.menu.style.top = `${at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4}px`;
    this.menu.querySelector("button")?.focus();
  }

  /** A line of it that is one of several: the chosen one is marked. */
  choice(text: string | Node[], isChosen: boolean, chosen: () => void): HTMLButtonElement {
    const button = this.item(text, chosen, "choice");
    button.setAttribute("role", "menuitemradio");
    button.ariaChecked = String(isChosen);
    return button;
  }

  /** A line of it; whatever it does, the menu goes first. */
  item(text: string | Node[], chosen: () => void, className = ""): HTMLButtonElement {
    const button = make("button", className);
    button.append(...(typeof text === "string" ? [text] : text));
    button.type = "button";
    button.setAttribute("role", "menuitem");
    button.addEventListener("click", () => {
      this.menu.hidePopover();
      chosen();
    });
    return button;
  }

  private move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const buttons = [...this.menu.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  }
}
