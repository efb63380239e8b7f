// Answers that are kept ready: offered as one types /, added and removed in a dialog.
import { make } from "./element";
import type { InboxApi } from "./inbox-api";
import type { Canned } from "./inbox-protocol";
import { filledIn } from "./inbox-words";
import { dialog } from "./reports-dialog";
import { Refused } from "./room-api";
import { isBegun } from "./room-mentions";
import { Suggestions } from "./suggestions";

/** At the beginning of a line, so that a path is none. */
const BEGUN = /(?:^|\n)\/([^\n/]{0,40})$/;
/** As the server counts. */
const NAME_BYTES_MAX = 80;
const TEXT_BYTES_MAX = 8 * 1024;

export class CannedAnswers {
  private all: Canned[] = [];
  private isLoaded = false;
  private readonly box = dialog("Canned answers", "canned-dialog");
  private readonly list = make("ul", "canned-list");
  private readonly nothing = make("p", "muted", "Nothing is kept ready yet. What you answer often, write once here.");
  private readonly problem = make("p", "error");
  private readonly name = field("input", "Name", "What you type behind / to find it.");
  private readonly text = field("textarea", "Answer", "{name} becomes the customer’s name.");

  constructor(private readonly api: InboxApi) {
    this.list.setAttribute("role", "list");
    this.problem.setAttribute("role", "alert");
    const add = make("button", "button primary", "Keep this answer");
    add.type = "submit";
    const row = make("div", "row");
    row.append(add);
    const heading = make("h3", "", "Add one");
    this.box.body.append(this.nothing, this.list, heading, this.name.element, this.text.element, this.problem, row);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.add();
    });
  }

  async load(): Promise<void> {
    this.all = (await this.api.canned()).sort((one, other) => one.name.localeCompare(other.name));
    this.isLoaded = true;
    this.draw();
  }

  open(): void {
    this.problem.textContent = "";
    this.draw();
    this.box.element.showModal();
    if (!this.isLoaded) this.load().catch((error: unknown) => this.complain(error));
  }

  /** Above a field in which an answer to `customer` is written. */
  offer(field: HTMLTextAreaElement, customer: () => string): Suggestions<Canned> {
    return new Suggestions(field, {
      label: "Canned answers",
      begun: BEGUN,
      fitting: (begun) => this.all.filter(({ name }) => isBegun(name, begun)),
      show: ({ name, text }) => [make("bdi", "canned-name", name), " ", make("bdi", "muted small canned-preview", text)],
      text: ({ text }, begun) => ({ text: filledIn(text, customer()), replaced: begun.length + 1 }),
    });
  }

  private draw(): void {
    this.nothing.hidden = !this.isLoaded || this.all.length > 0;
    this.list.replaceChildren(...this.all.map((one) => {
      const item = make("li", "canned-one");
      const what = make("div", "canned-what");
      const text = make("p", "muted small canned-text", one.text);
      text.dir = "auto";
      what.append(make("bdi", "canned-name", one.name), text);
      const remove = make("button", "button small", "Remove");
      remove.type = "button";
      remove.setAttribute("aria-label", `Remove ${one.name}`);
      remove.addEventListener("click", () => void this.remove(one, remove));
      item.append(what, remove);
      return item;
    }));
  }

  private async add(): Promise<void> {
    const [name, text] = [this.name.field.value.trim(), this.text.field.value.trim()];
    for (const [value, max, of] of [[name, NAME_BYTES_MAX, this.name], [text, TEXT_BYTES_MAX, this.text]] as const) {
      const bytes = new TextEncoder().encode(value).length;
      of.field.setAttribute("aria-invalid", String(bytes === 0 || bytes > max));
      if (bytes > 0 && bytes <= max) continue;
      this.problem.textContent = bytes === 0 ? `Fill in the ${of.label.toLowerCase()}.` : `The ${of.label.toLowerCase()} is too long: ${bytes.toLocaleString()} bytes, and at most ${max.toLocaleString()} fit.`;
      of.field.focus();
      return;
    }
    try {
      this.all.push(await this.api.addCanned(name, text));
      this.all.sort((one, other) => one.name.localeCompare(other.name));
      this.problem.textContent = this.name.field.value = this.text.field.value = "";
      this.draw();
      this.name.field.focus();
    } catch (error) {
      this.complain(error);
    }
  }

  private async remove(one: Canned, button: HTMLButtonElement): Promise<void> {
    if (!confirm(`Remove the canned answer ${one.name} for everybody?`)) return;
    button.disabled = true;
    try {
      await this.api.removeCanned(one.id);
    } catch (error) {
      button.disabled = false;
      // Somebody else was first.
      if (!(error instanceof Refused && error.status === 404)) return this.complain(error);
    }
    this.all = this.all.filter(({ id }) => id !== one.id);
    this.draw();
    this.name.field.focus();
  }

  private complain(error: unknown): void {
    this.problem.textContent = error instanceof Refused ? error.message : "The server cannot be reached right now. Try again in a moment.";
  }
}

let fields = 0;

function field<Tag extends "input" | "textarea">(tag: Tag, label: string, hint: string): { element: HTMLElement; field: HTMLInputElement | HTMLTextAreaElement; label: string } {
  fields += 1;
  const element = make("div", "field");
  const field = make(tag);
  field.id = `canned-${fields}`;
  field.dir = "auto";
  const name = make("label", "", label);
  name.htmlFor = field.id;
  const said = make("p", "hint", hint);
  said.id = `${field.id}-hint`;
  field.setAttribute("aria-describedby", said.id);
  element.append(name, field, said);
  return { element, field, label };
}
