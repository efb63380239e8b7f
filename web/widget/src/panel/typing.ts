// Who is writing to the customer just now: heard, and forgotten a moment later.

const TYPING_MS = 5_000;

export class Typing {
  private readonly heard = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly changed: () => void) {}

  get who(): string[] {
    return [...this.heard.keys()];
  }

  hear(who: string): void {
    clearTimeout(this.heard.get(who));
    this.heard.set(who, setTimeout(() => this.end(who), TYPING_MS));
    this.changed();
  }

  /** They said it. */
  end(who: string): void {
    clearTimeout(this.heard.get(who));
    if (this.heard.delete(who)) this.changed();
  }
}
