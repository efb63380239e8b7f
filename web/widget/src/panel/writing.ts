// Where the customer writes: Enter sends, Shift+Enter begins a line, and what is still being composed is not sent by it.
import { make, say } from "../../../ui/src/element";
import { freshId } from "../../../ui/src/room-api";
import { Attachments, FILE_BYTES_MAX, sizeOf } from "../../../ui/src/room-files";
import type { Pending } from "../../../ui/src/room-state";
import { attach, filesToSend, fileTooLarge, fileUnderway, message, notSent, refused, seenAsTyped, send, sendingFile, takeBack, tooLong, tooManyFiles, unreachable, wordsFirst, write } from "../words";
import { icon } from "./icons";
import type { Speech } from "./speech";

const TYPING_EVERY_MS = 3_000;
/** Where it is seen what is typed. */
const TYPED_EVERY_MS = 1_000;
/** As the server counts bytes: of at most three each. */
const TYPED_CHARS_MAX = 340;
/** As the server counts. */
const BYTES_MAX = 8 * 1024;

export interface WritingOptions {
  speech: Speech;
  room: () => string | null;
  secret: () => string | null;
  dropOn: HTMLElement;
  send: (pending: Pending) => void;
  /** Agents see what is typed. */
  previews: () => boolean;
  typing: (text?: string) => void;
}

export class Writing {
  readonly form = make("form", "writing");
  private readonly field = make("textarea");
  private readonly problem = make("p", "problem");
  private readonly files: Attachments;
  private readonly small = make("p", "small-print");
  private told = 0;
  private telling: ReturnType<typeof setTimeout> | undefined;
  /** The words that opened the room are on their way, and the files go after them. */
  private filesFollow = false;

  constructor(private readonly options: WritingOptions) {
    const { speech, room, secret, dropOn } = options;
    const { form, field, problem } = this;
    field.rows = 1;
    field.dir = "auto";
    field.placeholder = speech.say(write);
    field.setAttribute("aria-label", speech.say(message));
    problem.setAttribute("role", "alert");
    problem.hidden = true;
    const button = make("button", "send");
    button.setAttribute("aria-label", speech.say(send));
    button.title = speech.say(send);
    button.append(icon("send"));
    say(this.small, speech.say(seenAsTyped));
    form.append(field, button, problem, this.small);
    this.files = new Attachments(form, {
      room,
      bearer: secret,
      say: (text) => this.complain(text),
      sent: () => this.sendFiles(),
      dropOn,
      words: {
        attach: speech.say(attach),
        toSend: speech.say(filesToSend),
        tooMany: (max) => speech.say(tooManyFiles, { max: speech.number(max) }),
        tooLarge: (name, size, max) => speech.say(fileTooLarge, { name, size, max }),
        sending: (name) => speech.say(sendingFile, { name }),
        takeBack: (name) => speech.say(takeBack, { name }),
        notSent: speech.say(notSent),
        refused: (file, status) => refusedFile(file, status, speech),
      },
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    field.addEventListener("keydown", (event) => this.pressed(event));
    field.addEventListener("input", () => this.changed());
    field.addEventListener("focus", () => this.changed());
  }

  focus(): void {
    this.field.focus();
  }

  /** Puts a button beside that for files. */
  put(button: HTMLElement): void {
    this.field.before(button);
  }

  /** As if it was pasted. */
  attach(file: File): void {
    this.files.add([file]);
    this.focus();
  }

  /** As the site's settings are now. */
  draw(): void {
    this.small.hidden = !this.options.previews();
  }

  /** There is a room: files that were chosen before go there, and are said once all of them are. */
  sendFiles(): void {
    const { files } = this;
    if (!this.filesFollow) return;
    files.next();
    if (!files.isReady) return;
    this.filesFollow = false;
    if (!files.isEmpty) this.options.send({ id: freshId(), kind: "text", body: "", files: files.take() });
  }

  private pressed(event: KeyboardEvent): void {
    // Some browsers say 229 for the Enter that ends a composition.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.send();
  }

  private changed(): void {
    const { field } = this;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    this.problem.hidden = true;
    if (this.options.previews()) return this.tellTyped();
    const now = Date.now();
    if (field.value.trim() && now - this.told > TYPING_EVERY_MS) {
      this.told = now;
      this.options.typing();
    }
  }

  /** Now, or a moment after what was told before; the end of it, where it is long. */
  private tellTyped(): void {
    if (this.telling !== undefined) return;
    const wait = Math.max(0, this.told + TYPED_EVERY_MS - Date.now());
    this.telling = setTimeout(() => {
      this.telling = undefined;
      const typed = this.field.value.trim();
      if (!typed) return;
      this.told = Date.now();
      this.options.typing(typed.slice(-TYPED_CHARS_MAX));
    }, wait);
  }

  complain(problem: string): void {
    this.problem.textContent = problem;
    this.problem.hidden = false;
  }

  private send(): void {
    const { options, field, files } = this;
    const { speech } = options;
    const body = field.value.trim();
    if (!body && files.isEmpty) return field.focus();
    const bytes = new TextEncoder().encode(body).length;
    if (bytes > BYTES_MAX) return this.complain(speech.say(tooLong, { bytes: speech.number(bytes), max: speech.number(BYTES_MAX) }));
    const hasRoom = options.room() !== null;
    if (!hasRoom && !body) return this.complain(speech.say(wordsFirst));
    // Where there is no room yet, the words open one; the files follow once they are there.
    if (hasRoom && !files.isReady) return this.complain(speech.say(fileUnderway));
    options.send({ id: freshId(), kind: "text", body, ...(hasRoom && !files.isEmpty ? { files: files.take() } : {}) });
    this.filesFollow = !files.isEmpty;
    field.value = "";
    this.told = 0;
    this.changed();
    field.focus();
  }
}

/** Of what stands before the server, one that takes less may have refused it. */
function refusedFile({ name, size }: File, status: number, speech: Speech): string {
  const isTooLarge = status === 413 || size > FILE_BYTES_MAX;
  if (isTooLarge) return speech.say(fileTooLarge, { name, size: sizeOf(size), max: sizeOf(FILE_BYTES_MAX) });
  return `${name}: ${status === 0 ? speech.say(unreachable) : speech.say(refused, { code: status })}`;
}
