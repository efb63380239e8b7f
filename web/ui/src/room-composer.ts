// Where a message is written: Enter sends, Shift+Enter begins a line; what looks like code is offered as a paste.
import { Drafts } from "./drafts";
import { make } from "./element";
import { freshId } from "./room-api";
import { Attachments } from "./room-files";
import type { FileWords } from "./room-files";
import { offerPeople, toIds } from "./room-mentions";
import { NAMES } from "./room-sounds";
import type { Member } from "./room-protocol";
import type { Pending } from "./room-state";
import type { Suggestions } from "./suggestions";

const TYPING_EVERY_MS = 3_000;
const ROWS_MAX = 12;
/** As the server counts. */
const BYTES_MAX = 8 * 1024;
const PASTE_BYTES_MAX = 64 * 1024;
const PLAY = /^\/play(?:\s+(\S+))?$/;

const FILE_WORDS: FileWords = {
  attach: "Attach files",
  toSend: "Files to send",
  tooMany: (max) => `A message takes at most ${max} files.`,
  tooLarge: (name, size, max) => `${name} is too large: ${size}, and a file has at most ${max}.`,
  sending: (name) => `Sending ${name}`,
  takeBack: (name) => `Take ${name} back`,
  notSent: "not sent",
  refused: ({ name }, _, message) => `${name}: ${message ?? "The server cannot be reached right now."}`,
};
type Takes = Pick<Suggestions<unknown>, "takes">;

export interface ComposerOptions {
  /** Whose files it sends. */
  room: string;
  /** Where files may be let fall; without it, the form. */
  dropOn?: HTMLElement;
  thread?: number;
  /** Under which name what is not sent is kept; without one it is not. */
  draft?: string;
  /** `isLast`: with it one has done: it was sent with Ctrl or ⌘. */
  send: (pending: Pending, isLast: boolean) => void;
  typing: () => void;
  members: () => Member[];
  /** The last thing that one said oneself, to be edited with the up key. */
  editLast?: () => void;
  /** Other things that are offered as one types. */
  offer?: (field: HTMLTextAreaElement) => Takes;
  /** Nobody there would hear a sound. */
  isSilent?: boolean;
}

export class Composer {
  private readonly field: HTMLTextAreaElement;
  private readonly asCode = make("label", "as-code");
  private readonly code = make("input");
  private readonly problem = make("p", "error composer-problem");
  private readonly offered: Takes[];
  private readonly files: Attachments;
  private readonly drafts = new Drafts();
  private told = 0;

  constructor(private readonly form: HTMLFormElement, private readonly options: ComposerOptions) {
    this.field = form.querySelector("textarea")!;
    this.code.type = "checkbox";
    this.asCode.append(this.code, " As code");
    this.asCode.hidden = true;
    this.problem.setAttribute("role", "alert");
    this.problem.hidden = true;
    form.querySelector("button[type=submit]")!.before(this.asCode);
    form.append(this.problem);
    this.field.required = false;
    this.offered = [offerPeople(this.field, options.members)];
    if (options.offer) this.offered.push(options.offer(this.field));
    const { room, dropOn = form } = options;
    this.files = new Attachments(form, { room: () => room, say: (problem) => this.complain(problem), dropOn, asks: true, words: FILE_WORDS });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.field.addEventListener("input", () => this.changed());
    if (options.draft && this.field.value === "") this.field.value = this.drafts.of(options.draft);
    this.fit();
    this.fitToWidth();
    this.field.addEventListener("paste", (event) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (text.includes("\n") && /[{};<>=]|^\s{2,}/m.test(text)) this.code.checked = true;
    });
  }

  focus(): void {
    this.field.focus();
  }

  /** Something is written or attached that was not sent. */
  get isBegun(): boolean {
    return this.field.value.trim() !== "" || !this.files.isEmpty;
  }

  /** Puts a text where one is writing. */
  insert(text: string): void {
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, "end");
    this.changed();
    this.field.focus();
  }

  /** Nothing more is said here. */
  close(): void {
    this.field.disabled = true;
    this.form.querySelector<HTMLButtonElement>("button[type=submit]")!.disabled = true;
    this.files.close();
  }

  private pressed(event: KeyboardEvent): void {
    if (this.offered.some((list) => list.takes(event))) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && (!this.code.checked || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.send(event.ctrlKey || event.metaKey);
    }
    if (event.key === "ArrowUp" && this.field.value === "" && this.options.editLast) {
      event.preventDefault();
      this.options.editLast();
    }
  }

  private fit(): void {
    const lines = this.field.value.split("\n").length;
    this.field.rows = 1;
    this.field.rows = Math.min(ROWS_MAX, Math.max(lines, this.rowsSeen()));
    this.asCode.hidden = lines < 2;
    if (lines < 2) this.code.checked = false;
  }

  /** How many rows the text takes, of which one is drawn. */
  private rowsSeen(): number {
    // A long placeholder is none of it.
    if (this.field.value === "") return 1;
    const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(this.field);
    const text = this.field.scrollHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
    return Math.round(text / parseFloat(lineHeight)) || 1;
  }

  /** Text breaks elsewhere in a field of another width. */
  private fitToWidth(): void {
    let known = 0;
    new ResizeObserver(([entry]) => {
      const { width } = entry!.contentRect;
      if (width !== known) this.fit();
      known = width;
    }).observe(this.field);
  }

  private changed(): void {
    this.fit();
    this.problem.hidden = true;
    if (this.options.draft) this.drafts.keep(this.options.draft, this.field.value);
    const now = Date.now();
    if (this.field.value.trim() && now - this.told > TYPING_EVERY_MS) {
      this.told = now;
      this.options.typing();
    }
  }

  private complain(problem: string): void {
    this.problem.textContent = problem;
    this.problem.hidden = false;
  }

  private send(isLast = false): void {
    const typed = this.field.value.replace(/\s+$/, "");
    if (!typed.trim() && this.files.isEmpty) return;
    if (this.code.checked && !this.files.isEmpty) return this.complain("Code goes by itself: send the files first, or take them back.");
    if (!this.files.isReady) return this.complain("A file is still on its way, or was not sent: wait for it, or take it back.");
    const hasFiles = !this.files.isEmpty;
    const play = hasFiles || this.options.isSilent ? null : typed.trim().match(PLAY);
    const sound = play?.[1]?.toLowerCase();
    if (play && !NAMES.includes(sound ?? "")) return this.complain(`Write /play and one of: ${NAMES.join(", ")}.`);
    const kind = sound ? "sound" : this.code.checked ? "paste" : "text";
    const text = kind === "text" ? toIds(typed, this.options.members()) : typed;
    const bytes = new TextEncoder().encode(text).length;
    const max = kind === "paste" ? PASTE_BYTES_MAX : BYTES_MAX;
    if (bytes > max) {
      const more = kind === "text" ? ` As code it may have ${PASTE_BYTES_MAX.toLocaleString()}.` : "";
      this.complain(`This is too long: ${bytes.toLocaleString()} bytes, and at most ${max.toLocaleString()} fit.${more}`);
      this.asCode.hidden = false;
      return;
    }
    const { thread } = this.options;
    const pending = { id: freshId(), kind, body: sound ?? text, ...(thread === undefined ? {} : { thread }), ...(hasFiles ? { files: this.files.take() } : {}) } as const;
    this.options.send(pending, isLast);
    this.field.value = "";
    this.told = 0;
    this.changed();
    this.field.focus();
  }
}
