// An agent may write first, or a rule of the site speak, once: heard as long as the customer says nothing, by who they are on the site and without anything
// that is kept.
import type { Call, CustomerApi, Spoken, Whereabouts } from "./customer";

const AGAIN_MS = 5_000;

export class Calls {
  private who: Whereabouts | null = null;
  private change = 0;
  private isSpokenTo = false;
  private asking: AbortController | null = null;

  /** `waits`: nobody spoke yet, and somebody looks. */
  constructor(private readonly customer: CustomerApi, private readonly on: { waits: () => boolean; called: (call: Call) => void; spoken: (spoken: Spoken) => void }) {
    document.addEventListener("visibilitychange", () => void this.listen());
  }

  /** It is known who the visitor is. */
  hear(who: Whereabouts): void {
    this.who = who;
    void this.listen();
  }

  saw(number: number): void {
    // Seen again on the next page, it is told then.
    if (this.who) this.customer.sawCall(this.who, number).catch(() => {});
  }

  /** Nobody is waited for longer than need be: browsers have six lines to a server of HTTP/1.1. */
  look(): void {
    if (!this.on.waits()) this.asking?.abort();
  }

  private async listen(): Promise<void> {
    this.look();
    if (this.asking) return;
    while (this.who && this.on.waits()) {
      this.asking = new AbortController();
      try {
        const call = await this.customer.call(this.who, this.change, this.isSpokenTo ? "no" : "speak", this.asking.signal);
        if (!call || !this.on.waits()) continue;
        if ("spoken" in call) {
          this.isSpokenTo = true;
          this.on.spoken(call.spoken);
          continue;
        }
        this.change = call.change;
        this.on.called(call);
      } catch {
        if (this.on.waits()) await new Promise((go) => setTimeout(go, AGAIN_MS));
      }
    }
    this.asking = null;
  }
}
