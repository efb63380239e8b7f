// The top of the panel: whose chat it is, whether somebody is there, and what may be done with the panel; and the form of who the customer is.
import { make, say } from "../../../ui/src/element";
import { Refused } from "../../../ui/src/room-api";
import { face } from "../../../ui/src/room-message";
import type { Settings } from "../talk";
import { aDay, aFewHours, aFewMinutes, anHour, away, awayUntil, closeChat, details, email, emailWrong, mailMe, mailed, mailedBefore, name, popOut, repliesIn, save, weAreHere } from "../words";
import type { Words } from "../words";
import { icon } from "./icons";
import type { Speech } from "./speech";

/** What owners write most, in the words of the customer's language. */
const KNOWN_TIMES: Record<string, Words> = { "a few minutes": aFewMinutes, "an hour": anHour, "a few hours": aFewHours, "a day": aDay };
const FACES_MAX = 3;
/** As servers take names and addresses. */
const NAME_CHARS_MAX = 80;
const EMAIL_CHARS_MAX = 254;

export interface HeadOptions {
  speech: Speech;
  about: () => { name: string; email: string };
  /** Fails where the server did not take it. */
  save: (about: { name: string; email: string }) => Promise<void>;
  explain: (error: unknown) => string;
  /** Mails the conversation to the customer. Null: there is none, no address, or no mail. */
  mail: () => (() => Promise<void>) | null;
  /** None in a window of its own. */
  popOut?: () => void;
  close?: () => void;
}

export class Head {
  readonly element = make("header", "head");
  /** Stands below the head while it is open. */
  readonly form = make("form", "details");
  private readonly faces = make("div", "faces");
  private readonly title = make("h1");
  private readonly status = make("p", "status");
  private readonly toggle: HTMLButtonElement;
  private readonly problem = make("p", "problem");
  private readonly mailing = make("button", "quiet");
  private readonly fields: Record<"name" | "email", HTMLInputElement>;

  constructor(private readonly options: HeadOptions) {
    const { speech } = options;
    const tools = make("div", "tools");
    const tool = (words: Words, what: Parameters<typeof icon>[0], act: () => void) => {
      const button = make("button", "tool");
      button.type = "button";
      button.title = speech.say(words);
      button.setAttribute("aria-label", button.title);
      button.append(icon(what));
      button.addEventListener("click", act);
      tools.append(button);
      return button;
    };
    this.toggle = tool(details, "person", () => this.show(this.form.hidden !== false));
    if (options.popOut) tool(popOut, "popOut", options.popOut).classList.add("pop-out");
    if (options.close) tool(closeChat, "down", options.close);
    const main = make("div", "title");
    main.append(this.title, this.status);
    this.element.append(this.faces, main, tools);
    this.fields = { name: this.field("name", name, "name"), email: this.field("email", email, "email") };
    this.fields.name.maxLength = NAME_CHARS_MAX;
    this.fields.email.maxLength = EMAIL_CHARS_MAX;
    this.problem.setAttribute("role", "alert");
    this.form.noValidate = true;
    this.mailing.type = "button";
    this.mailing.textContent = speech.say(mailMe);
    this.mailing.addEventListener("click", () => void this.mail());
    this.form.append(make("button", "primary", speech.say(save)), this.mailing, this.problem);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save();
    });
    this.show(false);
  }

  /** `agents` are those who spoke, by their ids. */
  draw({ name: site, open, opens_at: opensAt, replies_in: time }: Settings, agents: Map<string, string>): void {
    const { speech } = this.options;
    say(this.title, site);
    const shown = agents.size > 0 ? [...agents].slice(-FACES_MAX) : [[site, site] as const];
    const mark = shown.join();
    if (this.faces.dataset["mark"] !== mark) {
      this.faces.dataset["mark"] = mark;
      this.faces.replaceChildren(...shown.map(([who, name]) => face(who, name)));
    }
    const known = KNOWN_TIMES[time.trim().toLowerCase()];
    const here = time ? speech.say(repliesIn, { time: known ? speech.say(known) : time }) : speech.say(weAreHere);
    say(this.status, open ? here : opensAt === null ? speech.say(away) : speech.say(awayUntil, { time: speech.until(opensAt, Date.now()) }));
    this.status.classList.toggle("open", open);
  }

  private field(key: string, words: Words, type: string): HTMLInputElement {
    const field = make("input");
    field.id = `about-${key}`;
    field.type = type === "email" ? "email" : "text";
    field.autocomplete = type as AutoFill;
    field.dir = "auto";
    const label = make("label", "", this.options.speech.say(words));
    label.htmlFor = field.id;
    this.form.append(label, field);
    return field;
  }

  private show(open: boolean): void {
    this.form.hidden = !open;
    this.problem.hidden = true;
    this.mailing.hidden = this.options.mail() === null;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (!open) return;
    Object.entries(this.options.about()).forEach(([key, value]) => (this.fields[key as "name" | "email"].value = value));
    this.fields.name.focus();
  }

  private async mail(): Promise<void> {
    const { options: { speech, explain, about, mail }, problem, mailing } = this;
    const told = (text: string, isDone: boolean) => {
      problem.textContent = text;
      problem.classList.toggle("done", isDone);
      problem.hidden = false;
    };
    const act = mail();
    if (!act) return;
    mailing.disabled = true;
    const { email } = about();
    try {
      await act();
      told(speech.say(mailed, { email }), true);
    } catch (error) {
      const isAgain = error instanceof Refused && error.code === "conflict";
      told(isAgain ? speech.say(mailedBefore, { email }) : explain(error), isAgain);
    }
    mailing.disabled = false;
  }

  private async save(): Promise<void> {
    const { options, problem, fields } = this;
    const complain = (text: string) => {
      problem.textContent = text;
      problem.hidden = false;
    };
    problem.classList.remove("done");
    const about = { name: fields.name.value.trim(), email: fields.email.value.trim() };
    if (about.email && !isAddress(fields.email)) return complain(options.speech.say(emailWrong));
    try {
      await options.save(about);
      this.show(false);
      this.toggle.focus();
    } catch (error) {
      complain(options.explain(error));
    }
  }
}

/** As browsers judge it. */
export function isAddress(field: HTMLInputElement): boolean {
  return field.value.trim() !== "" && field.checkValidity();
}
