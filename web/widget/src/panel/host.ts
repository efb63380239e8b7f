// Whom the panel belongs to: the page whose frame it is, or the panel that it popped out of. It tells nobody else anything, and hears nobody else.
import type { FromPanel, ToPanel } from "../talk";

/** Who does not answer for so long is none of ours. */
const ANSWER_MS_MAX = 5_000;

export class Host {
  readonly isPopOut = parent === self;
  private readonly maker: Window | null = this.isPopOut ? (opener as Window | null) : parent;
  private readonly nonce = location.hash.slice(1);
  /** As the first word from the maker told it. */
  private origin: string | null = null;

  /** `alone` is said where nobody made the panel. */
  constructor(private readonly heard: (state: ToPanel) => void, alone: () => void) {
    addEventListener("message", (event) => this.hear(event));
    setTimeout(() => this.origin ?? alone(), this.maker ? ANSWER_MS_MAX : 0);
    // Says nothing but that somebody is here. What made another panel is another panel.
    this.maker?.postMessage({ hello: true } satisfies FromPanel, this.isPopOut ? location.origin : "*");
  }

  tell(message: FromPanel): void {
    if (this.origin !== null) this.maker?.postMessage(message, this.origin);
  }

  private hear({ source, origin, data }: MessageEvent): void {
    if (source !== this.maker || !this.maker || origin === "null") return;
    if (this.isPopOut && origin !== location.origin) return;
    if (origin !== (this.origin ?? origin) || !this.nonce || (data as ToPanel | null)?.nonce !== this.nonce) return;
    this.origin = origin;
    this.heard(data as ToPanel);
  }
}

/** A window of the panel's own, which is told what the page told the panel, and tells the page through it. */
export class PopOut {
  private child: Window | null = null;
  private nonce = "";

  constructor(private readonly state: () => ToPanel, private readonly on: { opened(): void; told(message: FromPanel): void }) {
    addEventListener("message", (event) => this.hear(event));
  }

  open(): void {
    this.nonce = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.child = open(`${location.pathname}${location.search}#${this.nonce}`, "_blank", "popup,width=420,height=720");
  }

  /** The page said something new. */
  tell(): void {
    if (!this.child || this.child.closed) return;
    this.child.postMessage({ ...this.state(), nonce: this.nonce, open: true, focus: true } satisfies ToPanel, location.origin);
  }

  private hear({ source, origin, data }: MessageEvent): void {
    if (!this.child || source !== this.child || origin !== location.origin) return;
    const told = data as FromPanel;
    if (told.hello) {
      this.tell();
      this.on.opened();
    }
    this.on.told(told);
  }
}
