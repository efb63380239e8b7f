// Asks for a name (and, for a note, for its day), and says what the server says of it.
import { make } from "./element";
import { dialog } from "./reports-dialog";

export interface Named {
  name: string;
  day: string;
}

export class NameDialog {
  private readonly box = dialog("", "name-dialog");
  private readonly name = make("input", "search");
  private readonly day = make("input", "search");
  private readonly said = make("p", "error");
  private readonly save = make("button", "button primary", "Save");
  private done: (named: Named) => Promise<void> = async () => undefined;

  constructor() {
    this.name.required = true;
    this.name.maxLength = 100;
    this.day.type = "date";
    this.day.setAttribute("aria-label", "Day");
    this.said.setAttribute("role", "alert");
    this.save.type = "submit";
    const row = make("div", "row filter-value");
    row.append(this.name, this.save);
    this.box.body.append(this.day, row, this.said);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
  }

  /** With a day where one is proposed. */
  ask(title: string, label: string, proposed: Partial<Named>, done: (named: Named) => Promise<void>): void {
    this.box.title.textContent = title;
    this.name.placeholder = label;
    this.name.setAttribute("aria-label", label);
    this.name.value = proposed.name ?? "";
    this.day.hidden = proposed.day === undefined;
    this.day.value = proposed.day ?? "";
    this.said.textContent = "";
    this.done = done;
    this.box.element.showModal();
    this.name.focus();
  }

  private async submit(): Promise<void> {
    const name = this.name.value.trim();
    if (!name || this.save.disabled) return;
    // Pressed twice, it is saved once.
    this.save.disabled = true;
    try {
      await this.done({ name, day: this.day.value });
      this.box.element.close();
    } catch (error) {
      this.said.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      this.save.disabled = false;
    }
  }
}
