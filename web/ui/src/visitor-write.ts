// What an agent writes to a visitor who is on the site, before they said anything: said once, however often it is sent.
import { make } from "./element";
import { InboxApi } from "./inbox-api";
import type { Conversation } from "./inbox-protocol";
import { Refused, freshId } from "./room-api";

/** As the server counts. */
const BYTES_MAX = 8 * 1024;

export class WriteFirst {
  readonly element = make("div", "write-first");
  private readonly field = make("textarea");
  private readonly button = make("button", "button small primary", "Send");
  private readonly problem = make("p", "error");
  private readonly api: InboxApi;
  private visitor: string | null = null;
  /** Of what is written now. */
  private id = freshId();
  private isSending = false;

  constructor(site: string, private readonly wrote: (conversation: Conversation) => void) {
    this.api = new InboxApi(site);
    const label = make("label", "", "Write to them");
    this.field.id = `write-first-${freshId()}`;
    label.htmlFor = this.field.id;
    this.field.rows = 3;
    this.field.dir = "auto";
    this.field.placeholder = "Shall I help you choose?";
    this.button.type = "button";
    this.problem.setAttribute("role", "alert");
    this.button.addEventListener("click", () => void this.send());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      void this.send();
    });
    const row = make("p", "row");
    row.append(this.button, make("span", "muted small", "It shows on their page at once."));
    const field = make("div", "field");
    field.append(label, this.field);
    this.element.append(field, this.problem, row);
  }

  /** To whom; what was begun to somebody else is left. */
  to(visitor: string): void {
    if (visitor === this.visitor) return;
    this.visitor = visitor;
    this.empty();
  }

  focus(): void {
    this.field.focus();
  }

  private empty(): void {
    this.field.value = this.problem.textContent = "";
    this.id = freshId();
  }

  private async send(): Promise<void> {
    const { visitor, field } = this;
    const body = field.value.trim();
    if (!visitor || this.isSending) return;
    if (!body) return field.focus();
    const bytes = new TextEncoder().encode(body).length;
    if (bytes > BYTES_MAX) return this.complain(`This has ${bytes} bytes, and at most ${BYTES_MAX} fit.`);
    this.isSending = this.button.disabled = true;
    try {
      const conversation = await this.api.call(visitor, this.id, body);
      if (visitor === this.visitor) this.empty();
      this.wrote(conversation);
    } catch (error) {
      this.complain(error instanceof Refused ? error.message : "The server cannot be reached right now. Try again in a moment.");
    } finally {
      this.isSending = this.button.disabled = false;
    }
  }

  private complain(problem: string): void {
    this.problem.textContent = problem;
  }
}
