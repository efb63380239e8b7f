// Files that go with a message: chosen, dropped or pasted, sent while one writes, and taken back as long as nothing is said.
import { make } from "./element";
import { freshId } from "./room-api";
import type { SentFile } from "./room-protocol";

/** As the server counts. */
const FILES_MAX = 10;
export const FILE_BYTES_MAX = 20 * 1024 * 1024;
/** At once; more wait their turn. */
const AT_ONCE = 2;
const TRIES_MAX = 4;
const AGAIN_MS = 1_500;

/** What is said of files. */
export interface FileWords {
  attach: string;
  toSend: string;
  tooMany: (max: number) => string;
  tooLarge: (name: string, size: string, max: string) => string;
  sending: (name: string) => string;
  takeBack: (name: string) => string;
  notSent: string;
  /** With what the server said against it, if it said anything. */
  refused: (file: File, status: number, message: string | undefined) => string;
}

export interface AttachmentsOptions {
  /** Whose files it sends; as long as there is none, they wait. */
  room: () => string | null;
  bearer?: () => string | null;
  say: (problem: string) => void;
  /** One of them is there. */
  sent?: () => void;
  dropOn: HTMLElement;
  /** Before the page is left with files that nobody said. */
  asks?: boolean;
  words: FileWords;
}

interface Upload {
  /** Sent again with the same one, it is the same file. */
  id: string;
  file: File;
  item: HTMLLIElement;
  bar: HTMLProgressElement;
  request: XMLHttpRequest | null;
  sent: SentFile | null;
  failed: boolean;
  gone: boolean;
  tries: number;
}

export class Attachments {
  private uploads: Upload[] = [];
  private readonly list = make("ul", "uploads");
  private readonly chooser = make("input");
  private readonly button = make("button", "button attach");

  constructor(private readonly form: HTMLFormElement, private readonly options: AttachmentsOptions) {
    const { words, dropOn } = options;
    this.list.setAttribute("role", "list");
    this.list.setAttribute("aria-label", words.toSend);
    this.list.hidden = true;
    this.chooser.type = "file";
    this.chooser.multiple = true;
    this.chooser.hidden = true;
    this.button.type = "button";
    this.button.setAttribute("aria-label", words.attach);
    this.button.title = words.attach;
    this.button.append(clip());
    form.prepend(this.list, this.chooser, this.button);
    this.button.addEventListener("click", () => this.chooser.click());
    this.chooser.addEventListener("change", () => {
      this.add([...(this.chooser.files ?? [])]);
      this.chooser.value = "";
    });
    form.addEventListener("paste", (event) => this.pasted(event));
    this.takeDrops(dropOn);
  }

  /** All that is to be sent is there. */
  get isReady(): boolean {
    return this.uploads.every(({ sent }) => sent !== null);
  }

  get isEmpty(): boolean {
    return this.uploads.length === 0;
  }

  /** What was sent, for the message that names it. */
  take(): SentFile[] {
    const files = this.uploads.flatMap(({ sent }) => (sent ? [sent] : []));
    this.uploads = [];
    this.list.replaceChildren();
    this.listed();
    return files;
  }

  close(): void {
    this.button.disabled = true;
    for (const upload of [...this.uploads]) this.cancel(upload);
  }

  add(files: File[]): void {
    if (this.button.disabled) return;
    for (const file of files) {
      if (this.uploads.length >= FILES_MAX) {
        this.options.say(this.options.words.tooMany(FILES_MAX));
        break;
      }
      if (file.size > FILE_BYTES_MAX) {
        this.options.say(this.options.words.tooLarge(file.name, ...sizesApart(file.size, FILE_BYTES_MAX)));
        continue;
      }
      this.uploads.push(this.drawn(file));
    }
    this.listed();
    this.next();
  }

  /** Whoever leaves the page before they are said is asked. */
  private listed(): void {
    this.list.hidden = this.isEmpty;
    if (!this.options.asks) return;
    this.isEmpty ? removeEventListener("beforeunload", this.ask) : addEventListener("beforeunload", this.ask);
  }

  private readonly ask = (event: Event) => {
    if (this.form.isConnected) event.preventDefault();
  };

  private drawn(file: File): Upload {
    const item = make("li", "upload");
    const bar = make("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", this.options.words.sending(file.name));
    const cancel = make("button", "upload-cancel", "×");
    cancel.type = "button";
    cancel.setAttribute("aria-label", this.options.words.takeBack(file.name));
    item.append(make("bdi", "upload-name", file.name), make("span", "muted small", sizeOf(file.size)), bar, cancel);
    this.list.append(item);
    const upload: Upload = { id: freshId(), file, item, bar, request: null, sent: null, failed: false, gone: false, tries: 0 };
    cancel.addEventListener("click", () => {
      this.cancel(upload);
      this.form.querySelector("textarea")?.focus();
    });
    return upload;
  }

  private cancel(upload: Upload): void {
    upload.gone = true;
    upload.request?.abort();
    upload.item.remove();
    this.uploads = this.uploads.filter((one) => one !== upload);
    this.listed();
    this.next();
  }

  /** Sends what waits: a room is there now. */
  next(): void {
    if (this.options.room() === null) return;
    const underway = this.uploads.filter(({ request }) => request).length;
    const waiting = this.uploads.filter(({ request, sent, failed }) => !request && !sent && !failed);
    for (const upload of waiting.slice(0, Math.max(0, AT_ONCE - underway))) this.send(upload);
  }

  private send(upload: Upload): void {
    const request = new XMLHttpRequest();
    upload.request = request;
    const address = new URLSearchParams({ name: upload.file.name, id: upload.id });
    request.open("POST", `/api/watchfire/rooms/${this.options.room()}/files?${address}`);
    const bearer = this.options.bearer?.();
    if (bearer) request.setRequestHeader("authorization", `Bearer ${bearer}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      // The last part is the server's, which looks at what came.
      if (total) upload.bar.value = 0.95 * (loaded / total);
    });
    request.addEventListener("loadend", () => this.ended(upload, request));
    request.send(upload.file);
  }

  private ended(upload: Upload, request: XMLHttpRequest): void {
    upload.request = null;
    if (upload.gone) return;
    if (request.status === 200 || request.status === 201) {
      upload.sent = request.response as SentFile;
      upload.bar.value = 1;
      upload.item.classList.add("sent");
      this.options.sent?.();
    } else if ((request.status === 0 || request.status === 429 || request.status >= 500) && ++upload.tries < TRIES_MAX) {
      setTimeout(() => this.uploads.includes(upload) && !upload.request && this.send(upload), AGAIN_MS * 2 ** upload.tries);
      return;
    } else {
      upload.failed = true;
      upload.item.classList.add("failed");
      const { words, say } = this.options;
      upload.bar.replaceWith(make("span", "error small", words.notSent));
      say(words.refused(upload.file, request.status, request.response?.error?.message));
    }
    this.next();
  }

  private pasted(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    this.add(files);
  }

  private takeDrops(on: HTMLElement): void {
    const has = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    on.addEventListener("dragover", (event) => {
      if (!has(event)) return;
      event.preventDefault();
      on.classList.add("dropping");
    });
    on.addEventListener("dragleave", (event) => {
      if (!on.contains(event.relatedTarget as Node | null)) on.classList.remove("dropping");
    });
    on.addEventListener("drop", (event) => {
      if (!has(event)) return;
      event.preventDefault();
      on.classList.remove("dropping");
      this.add([...(event.dataTransfer?.files ?? [])]);
    });
  }
}

function clip(): SVGElement {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 20 20");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M14.5 8.5 8.9 14.1a2.6 2.6 0 0 1-3.7-3.7l6.4-6.4a1.8 1.8 0 0 1 2.5 2.5l-6.3 6.3a.9.9 0 0 1-1.2-1.2l5.4-5.5");
  icon.append(path);
  return icon;
}

/** The box that a picture is shown in: half of its thumbnail's, for screens of two pixels to one. */
const SHOWN_WIDTH = 400;
const SHOWN_HEIGHT = 300;

/** In thousands, as people count. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Two sizes of more than a megabyte in as many digits as tell them apart. */
export function sizesApart(one: number, other: number): [string, string] {
  for (let digits = 1; ; digits++) {
    const [first, second] = [one, other].map((bytes) => `${(bytes / 1e6).toFixed(digits)} MB`) as [string, string];
    if (first !== second || digits === 6) return [first, second];
  }
}

/** The files of a message. The size of a picture is known before it comes, so that nothing moves. */
export function drawFiles(files: SentFile[]): HTMLElement {
  const list = make("ul", "files");
  list.setAttribute("role", "list");
  for (const file of files) {
    const item = make("li");
    const link = make("a", file.picture ? "file-picture" : "file");
    link.href = file.href;
    if (file.picture) {
      const image = make("img");
      const { thumbnail_width: width, thumbnail_height: height } = file.picture;
      const scale = Math.min(1, SHOWN_WIDTH / width, SHOWN_HEIGHT / height);
      image.width = Math.max(1, Math.round(width * scale));
      image.height = Math.max(1, Math.round(height * scale));
      image.alt = file.name;
      image.loading = "lazy";
      image.decoding = "async";
      image.src = file.picture.thumbnail;
      // What is written in this page stays.
      link.target = "_blank";
      link.rel = "noopener";
      link.append(image);
    } else {
      link.download = "";
      link.append(make("bdi", "file-name", file.name), " ", make("span", "muted small", sizeOf(file.bytes)));
    }
    item.append(link);
    list.append(item);
  }
  return list;
}
