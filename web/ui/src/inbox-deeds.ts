// What an agent does to a conversation: who looks after it, until when it rests, its labels, that it is done, that it is none.
import { make } from "./element";
import { RetellingDialog, mayRetell } from "./inbox-retelling";
import type { Agent, Conversation, Deed, PublicRoom } from "./inbox-protocol";
import { fullTime, laters } from "./inbox-words";
import { Menu } from "./menu";
import { dialog } from "./reports-dialog";

/** As the server counts. */
const LABELS_MAX = 10;
const LABEL_BYTES_MAX = 80;
const SNOOZE_DAYS_MAX = 366;
const DAY_MS = 86_400_000;
/** Of labels that were seen so many are offered. */
const OFFERED_MAX = 40;

export interface DeedsContext {
  me: string;
  agents: () => Agent[];
  /** In which the open conversation may be told again. */
  rooms: () => PublicRoom[];
  /** Labels that other conversations have. */
  labels: () => Iterable<string>;
  act: (deed: Deed, room: string) => void;
}

export class Deeds {
  private readonly assigning = new Menu("Who looks after it");
  private readonly putting = new Menu("Snooze until");
  private readonly more = new Menu("More");
  private readonly until = new UntilDialog();
  private readonly labels = new LabelsDialog();

  private readonly retelling: RetellingDialog;

  constructor(private readonly context: DeedsContext) {
    this.retelling = new RetellingDialog(context.act);
  }

  openRetelling(conversation: Conversation): void {
    if (mayRetell(conversation)) this.retelling.open(conversation, this.context.rooms());
  }

  openAssign(button: HTMLElement, { assignee, room }: Conversation): void {
    const { me, agents, act } = this.context;
    const choice = (id: string | null, name: Node[]) => this.assigning.choice(name, assignee === id, () => act({ assign: id }, room));
    const others = agents().filter(({ id }) => id !== me).sort((one, other) => one.name.localeCompare(other.name));
    this.assigning.open(button, [
      choice(me, [make("span", "", "Me")]), choice(null, [make("span", "", "Nobody")]), ...others.map(({ id, name }) => choice(id, [make("bdi", "", name)])),
    ]);
  }

  openSnooze(button: HTMLElement, { state, room }: Conversation): void {
    const now = new Date();
    const { act } = this.context;
    const items = laters(now).map(({ name, at }) =>
      this.putting.item([make("span", "", name), make("span", "muted small", fullTime(at, now.getTime()))], () => act({ snooze_until: at }, room), "two"));
    items.push(this.putting.item("A day and a time…", () => this.until.open((deed) => act(deed, room))));
    if (state === "snoozed") items.push(this.putting.item("Now: open it again", () => act({ reopen: true }, room)));
    this.putting.open(button, items);
  }

  openLabels({ labels, room }: Conversation): void {
    this.labels.open(labels, [...this.context.labels()], (deed) => this.context.act(deed, room));
  }

  openMore(button: HTMLElement, conversation: Conversation, others: [string, () => void][]): void {
    const { verdict, blocked, email, room, is_revoked, is_call } = conversation;
    const act = (deed: Deed) => this.context.act(deed, room);
    const spam = verdict === "spam" ? this.more.item("Not spam", () => act({ verdict: "ham" })) : this.more.item("Mark as spam", () => act({ verdict: "spam" }));
    const block = blocked
      ? this.more.item("Unblock this customer", () => act({ block: false }))
      : this.more.item("Block this customer", () => {
        if (confirm("Block this customer? What they say from now on is held, and tells nobody.")) act({ block: true });
      }, "harm");
    const letters = email === "" ? [] : [
      this.more.item("Mail the conversation to the customer", () => act({ transcript: true })),
      this.more.item("Take back the address and link of letters", () => {
        if (confirm("Take back the address that letters of this conversation are answered to, and the link in them? Who went on by that link is out at once. The next letter has others.")) act({ revoke_replies: true });
      }),
    ];
    const revoke = is_revoked || is_call ? [] : [this.more.item("Revoke the customer’s access", () => {
      if (confirm("Revoke the customer’s access? Their browser, and letters to them, open this conversation no more, at once and for good. What they write next begins a new one.")) act({ revoke: true });
    }, "harm")];
    const retell = mayRetell(conversation) ? [this.more.item("Show it to everybody in a room…", () => this.openRetelling(conversation))] : [];
    this.more.open(button, [...others.map(([name, does]) => this.more.item(name, does)), ...retell, ...letters, spam, block, ...revoke]);
  }
}

/** A moment that is none of the usual ones. */
class UntilDialog {
  private readonly box = dialog("Snooze until", "until-dialog");
  private readonly field = make("input");
  private readonly problem = make("p", "error");
  private act: (deed: Deed) => void = () => {};

  constructor() {
    const element = make("div", "field");
    const label = make("label", "", "Day and time");
    this.field.id = "snooze-until";
    this.field.type = "datetime-local";
    label.htmlFor = this.field.id;
    this.problem.setAttribute("role", "alert");
    element.append(label, this.field, make("p", "hint", "By the clock of this device. It is open again then, or when the customer says something."));
    const button = make("button", "button primary", "Snooze");
    button.type = "submit";
    const row = make("div", "row");
    row.append(button);
    this.box.form.noValidate = true;
    this.box.body.append(element, this.problem, row);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const at = new Date(this.field.value).getTime();
      const now = Date.now();
      if (Number.isNaN(at) || at <= now || at > now + SNOOZE_DAYS_MAX * DAY_MS) {
        this.problem.textContent = `Choose a moment of the next ${SNOOZE_DAYS_MAX} days.`;
        return this.field.focus();
      }
      this.box.element.close();
      this.act({ snooze_until: at });
    });
  }

  open(act: (deed: Deed) => void): void {
    this.act = act;
    const tomorrow = laters(new Date()).find(({ name }) => name === "Tomorrow")!;
    this.field.value = local(tomorrow.at);
    this.field.min = local(Date.now());
    this.problem.textContent = "";
    this.box.element.showModal();
    this.field.focus();
  }
}

/** As the field has it: local time without a zone. */
function local(at: number): string {
  const moment = new Date(at);
  return new Date(at - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

class LabelsDialog {
  private readonly box = dialog("Labels", "labels-dialog");
  private readonly field = make("input");
  private readonly list = make("div", "label-choices");
  private readonly problem = make("p", "error");
  private chosen = new Set<string>();
  private known: string[] = [];
  private act: (deed: Deed) => void = () => {};

  constructor() {
    const element = make("div", "field");
    const label = make("label", "", "Add a label");
    this.field.id = "add-label";
    this.field.dir = "auto";
    this.field.autocomplete = "off";
    label.htmlFor = this.field.id;
    element.append(label, this.field, make("p", "hint", "Enter adds it; Enter in the empty field saves."));
    this.list.setAttribute("role", "group");
    this.list.setAttribute("aria-label", "Labels of this conversation");
    this.problem.setAttribute("role", "alert");
    const save = make("button", "button primary", "Save");
    save.type = "button";
    save.addEventListener("click", () => this.add() && this.save());
    const row = make("div", "row");
    row.append(save);
    this.box.body.append(element, this.list, this.problem, row);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.field.value.trim() === "") this.save();
      else this.add();
    });
  }

  open(labels: string[], known: string[], act: (deed: Deed) => void): void {
    this.act = act;
    this.chosen = new Set(labels);
    this.known = known;
    this.field.value = this.problem.textContent = "";
    this.draw();
    this.box.element.showModal();
    this.field.focus();
  }

  /** Whether what is typed, if anything, is among them. */
  private add(): boolean {
    const label = this.field.value.trim();
    if (label === "") return true;
    const problem = this.problemOf(label);
    this.problem.textContent = problem;
    if (problem) return false;
    this.chosen.add(label);
    this.field.value = "";
    this.draw();
    return true;
  }

  private problemOf(label: string): string {
    const bytes = new TextEncoder().encode(label).length;
    if (bytes > LABEL_BYTES_MAX) return `This is too long: ${bytes} bytes, and at most ${LABEL_BYTES_MAX} fit.`;
    return !this.chosen.has(label) && this.chosen.size >= LABELS_MAX ? `A conversation has at most ${LABELS_MAX} labels.` : "";
  }

  private draw(): void {
    const others = this.known.filter((label) => !this.chosen.has(label)).sort((one, other) => one.localeCompare(other));
    const all = [...[...this.chosen].sort((one, other) => one.localeCompare(other)), ...others.slice(0, OFFERED_MAX)];
    this.list.replaceChildren(...all.map((label) => {
      const choice = make("label", "label-choice");
      const box = make("input");
      box.type = "checkbox";
      box.checked = this.chosen.has(label);
      box.addEventListener("change", () => {
        this.problem.textContent = box.checked ? this.problemOf(label) : "";
        if (this.problem.textContent) box.checked = false;
        else box.checked ? this.chosen.add(label) : this.chosen.delete(label);
      });
      choice.append(box, " ", make("bdi", "", label));
      return choice;
    }));
  }

  private save(): void {
    this.box.element.close();
    this.act({ labels: [...this.chosen] });
  }
}
