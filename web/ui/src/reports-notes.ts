// Annotations: what happened when, marked under the chart; a press tells it, and may take it away.
import { commitRow, loadCommits, markedIn, notAll } from "./commits";
import type { Commit, Marked } from "./commits";
import { make, part } from "./element";
import type { Calendar } from "./reports-calendar";
import type { ReportChart } from "./reports-chart";
import { dialog } from "./reports-dialog";
import type { Labels } from "./reports-labels";
import type { NameDialog } from "./reports-name-dialog";
import type { SavedApi, SavedItem } from "./reports-saved";
import { editButton, removeButton } from "./reports-segments";

type Note = SavedItem<"annotation">;

export class Notes {
  private readonly box = dialog("What happened", "notes-dialog");
  private readonly list = make("ul", "saved-list");
  private readonly foot = make("div");
  private loaded: { commits: Commit[]; more: boolean } = { commits: [], more: false };

  constructor(private readonly root: HTMLElement, private readonly saved: SavedApi, private readonly chart: ReportChart, private readonly calendar: Calendar, private readonly labels: Labels, private readonly naming: NameDialog) {
    this.list.setAttribute("role", "list");
    this.box.body.append(this.list, this.foot);
    this.box.form.addEventListener("submit", (event) => event.preventDefault());
    const add = part(root, "add-note");
    add.hidden = !saved.mayEdit;
    add.addEventListener("click", () => {
      naming.ask("Note", "What happened", { day: calendar.date(Date.now()) }, async ({ name, day }) => {
        await saved.add("annotation", name, { text: name }, calendar.at(day, 12));
        this.show();
      });
    });
  }

  show(): void {
    this.chart.mark(this.marked(), (from, to) => this.open(from, to));
  }

  /** What rooms were told between these moments is marked, too; where it cannot be asked for, notes stand alone. */
  async load(from: number, to: number, signal: AbortSignal): Promise<void> {
    const loaded = await loadCommits(this.root.dataset["site"] ?? "", from, to).catch(() => ({ commits: [], more: false }));
    if (signal.aborted) return;
    this.loaded = loaded;
    this.show();
  }

  private marked(): Marked {
    return { notes: this.saved.of("annotation").map((note) => ({ at: note.at ?? 0, text: note.name })), ...this.loaded };
  }

  private open(from: number, to: number): void {
    const notes = this.saved.of("annotation").filter((note) => note.at !== null && note.at >= from && note.at < to);
    const { commits, more } = markedIn(this.marked(), from, to);
    this.list.replaceChildren(...notes.map((note) => this.row(note)), ...commits.map((commit) => commitRow(commit, this.labels.bucket(commit.at, "minute"))));
    this.foot.replaceChildren(...(more ? [notAll()] : []));
    if (!this.box.element.open) this.box.element.showModal();
  }

  private change(note: Note): void {
    const { calendar, saved } = this;
    const day = calendar.date(note.at ?? 0);
    this.box.element.close();
    this.naming.ask("Note", "What happened", { name: note.name, day }, async (named) => {
      const at = named.day === day ? note.at : calendar.at(named.day, 12);
      const text = note.body.text === note.name ? named.name : note.body.text;
      await saved.change({ ...note, name: named.name, body: { text }, at });
      this.show();
    });
  }

  private row(note: Note): HTMLElement {
    const row = make("li", "saved-row");
    const words = make("span", "note-words");
    const text = note.body.text === note.name ? note.name : `${note.name}: ${note.body.text}`;
    words.append(make("span", "muted small", this.labels.bucket(note.at ?? 0, "day")), make("bdi", "", text));
    row.append(words);
    if (this.saved.mayEdit) {
      row.append(editButton(`Change ${note.name}`, () => this.change(note)), removeButton(`Remove ${note.name}`, () => void this.saved.remove(note.id).then(() => {
        row.remove();
        this.show();
        if (this.list.childElementCount === 0) this.box.element.close();
      }, (error) => words.append(make("span", "error", String(error.message))))));
    }
    return row;
  }
}
