// What did not work, in a line on the page that is read out, may be tried again, and is closed by whoever saw it.
import { part, say } from "./element";

export class Trouble {
  private readonly notice: HTMLElement;
  private retry: (() => void) | null = null;

  /** `closed`: by hand; where the keyboard goes then. */
  constructor(root: HTMLElement, private readonly closed: () => void = () => {}) {
    this.notice = part(root, "trouble");
    part(this.notice, "trouble-close").addEventListener("click", () => {
      this.healed();
      this.closed();
    });
    part(this.notice, "trouble-again").addEventListener("click", () => {
      const { retry } = this;
      this.healed();
      retry?.();
    });
  }

  tell(problem: string, retry?: () => void): void {
    this.retry = retry ?? null;
    say(part(this.notice, "trouble-words"), problem);
    part(this.notice, "trouble-again").hidden = !retry;
    this.notice.hidden = false;
  }

  healed(): void {
    this.retry = null;
    this.notice.hidden = true;
  }
}
