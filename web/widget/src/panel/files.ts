// Files that were said: the server gives them to whoever says the secret, and no address of a file holds that. So they are read by script, pictures are
// shown larger in the panel itself, and all else is saved.
import { draw, make } from "../../../ui/src/element";
import { sizeOf } from "../../../ui/src/room-files";
import type { SentFile } from "../../../ui/src/room-protocol";
import { closePicture, download, enlarge } from "../words";
import { icon } from "./icons";
import type { Speech } from "./speech";

/** A picture's width in the panel, and the height it may have. */
const SHOWN_WIDTH = 240;
const SHOWN_HEIGHT = 220;

export class Files {
  /** What was read, by its address. */
  private readonly read = new Map<string, Promise<string>>();
  private readonly viewer = make("dialog", "viewer");

  constructor(private readonly speech: Speech, private readonly secret: () => string | null, private readonly failed: (error: unknown) => void) {
    document.body.append(this.viewer);
    this.viewer.addEventListener("click", () => this.viewer.close());
  }

  draw(files: SentFile[]): HTMLElement {
    const list = make("ul", "files");
    list.setAttribute("role", "list");
    for (const file of files) {
      const item = make("li");
      item.append(file.picture ? this.picture(file, file.picture) : this.other(file));
      list.append(item);
    }
    return list;
  }

  private picture(file: SentFile, { thumbnail, thumbnail_width: width, thumbnail_height: height }: NonNullable<SentFile["picture"]>): HTMLElement {
    const button = make("button", "picture");
    button.type = "button";
    button.title = this.speech.say(enlarge, { name: file.name });
    const image = make("img");
    const scale = Math.min(1, SHOWN_WIDTH / width, SHOWN_HEIGHT / height);
    image.width = Math.max(1, Math.round(width * scale));
    image.height = Math.max(1, Math.round(height * scale));
    image.alt = file.name;
    this.fill(image, thumbnail);
    button.append(image);
    button.addEventListener("click", () => this.enlarge(file));
    return button;
  }

  private other(file: SentFile): HTMLElement {
    const button = make("button", "file");
    button.type = "button";
    button.title = this.speech.say(download, { name: file.name });
    button.append(icon("file"), make("bdi", "file-name", file.name), make("span", "size", sizeOf(file.bytes)));
    button.addEventListener("click", () => this.save(file).catch(this.failed));
    return button;
  }

  private enlarge(file: SentFile): void {
    const image = make("img");
    image.alt = file.name;
    this.fill(image, file.href);
    const close = make("button", "close");
    close.type = "button";
    close.setAttribute("aria-label", this.speech.say(closePicture));
    const cross = draw("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", class: "icon" });
    cross.append(draw("path", { d: "m5 5 10 10m0-10L5 15" }));
    close.append(cross);
    this.viewer.replaceChildren(image, close);
    this.viewer.showModal();
  }

  private async save(file: SentFile): Promise<void> {
    const link = make("a");
    link.href = await this.load(file.href);
    link.download = file.name;
    link.click();
  }

  private fill(image: HTMLImageElement, href: string): void {
    this.load(href).then((url) => (image.src = url), this.failed);
  }

  private load(href: string): Promise<string> {
    const known = this.read.get(href) ?? this.fetch(href);
    this.read.set(href, known);
    // Asked for again, it may be there.
    known.catch(() => this.read.delete(href));
    return known;
  }

  private async fetch(href: string): Promise<string> {
    const answer = await fetch(`/api/watchfire${href}`, { credentials: "omit", headers: { authorization: `Bearer ${this.secret()}` } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return URL.createObjectURL(await answer.blob());
  }
}
