// The customer's screen in the panel: a picture of it that they look at before it goes with a message, or all of it live. Each begins by their own click,
// and as long as it is shown a bar says so, with a button that ends it.
import { make, say } from "../../../ui/src/element";
import type { Put } from "../../../ui/src/kept-rows";
import type { ScreenWord } from "../../../ui/src/screen-protocol";
import { asksScreen, attachPicture, discard, notNow, pictureOfScreen, screen as screenWord, screenRefused, screenShown, sendPicture, showScreen, stopShowing } from "../words";
import type { Words } from "../words";
import type { Conversation } from "./conversation";
import { icon } from "./icons";
import { Showing } from "./showing";
import type { Speech } from "./speech";
import type { Writing } from "./writing";

/** An agent who asked is not waited for longer. */
const ASKED_MS = 120_000;
/** A picture of more points a side is made smaller. */
const SIDE_MAX = 4_096;
/** One that is larger as PNG goes as JPEG. */
const PNG_BYTES_MAX = 4_000_000;
const JPEG_QUALITY = 0.9;
/** The browser's own question goes before the first picture is taken. */
const SETTLE_MS = 300;
const PICTURE_MS_MAX = 5_000;

export interface ScreenOptions {
  speech: Speech;
  conversation: Conversation;
  siteName: () => string;
  attach: (file: File) => void;
  complain: (text: string) => void;
  changed: () => void;
}

export class Screen {
  readonly bar = make("div", "screen-bar");
  private readonly words = make("p");
  private readonly stopping = make("button", "stop");
  private readonly opener = make("button", "attach");
  private readonly menu = make("div", "screen-menu");
  private readonly live: HTMLButtonElement;
  private readonly showing: Showing;
  /** A picture is taken. */
  private takes = false;
  private asker = "";
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ScreenOptions) {
    const { speech, conversation, changed } = options;
    this.showing = new Showing({
      capture,
      connect: (iceServers) => new RTCPeerConnection({ iceServers }),
      send: (signal) => conversation.api?.signal(signal) ?? Promise.reject(new Error("there is no conversation")),
      changed,
      now: () => performance.now(),
    });
    this.words.setAttribute("role", "status");
    this.stopping.type = "button";
    this.stopping.textContent = speech.say(stopShowing);
    this.stopping.addEventListener("click", () => this.stop());
    this.bar.append(this.words, this.stopping);
    this.opener.type = "button";
    this.opener.title = speech.say(screenWord);
    this.opener.setAttribute("aria-label", this.opener.title);
    this.opener.append(icon("screen"));
    this.opener.addEventListener("click", () => this.open(this.menu.hidden !== false));
    this.live = this.choice(showScreen, () => this.show());
    this.menu.hidden = this.bar.hidden = true;
    this.menu.append(this.choice(sendPicture, () => this.take()), this.live);
    this.menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.open(false);
      this.opener.focus();
    });
  }

  get isOn(): boolean {
    return this.showing.isOn;
  }

  /** What is asked for, as long as it is. */
  get asked(): string {
    return this.asker && !this.isOn ? this.options.speech.say(asksScreen, { name: this.asker }) : "";
  }

  /** Browsers of phones show no screen: there the panel does not speak of it. */
  offerIn(writing: Writing): void {
    if (!canShow()) return;
    writing.put(this.opener);
    writing.form.append(this.menu);
  }

  hear(word: ScreenWord): void {
    const { conversation } = this.options;
    const isOwn = word.who === conversation.mine?.me;
    // Another of their windows answered.
    if (isOwn) return void ((word.what === "shows" || word.what === "declines") && this.ask(""));
    if (word.what === "asks" && canShow()) this.ask(conversation.state.names[word.who] ?? this.options.siteName());
    this.showing.hear(word);
  }

  draw(): void {
    const { conversation, speech } = this.options;
    const isOver = conversation.mine?.state !== "open";
    if (isOver) this.ask("");
    if (isOver && this.isOn) this.stop();
    say(this.words, this.isOn ? speech.say(screenShown) : this.takes ? speech.say(sendPicture) : "");
    this.bar.hidden = !this.isOn && !this.takes;
    this.stopping.hidden = !this.isOn;
    this.live.hidden = isOver || this.isOn;
    this.opener.setAttribute("aria-expanded", String(!this.menu.hidden));
  }

  put(put: Put): void {
    if (this.asked) put("screen", this.asked, () => this.card());
  }

  stop(): void {
    this.showing.stop();
  }

  private card(): HTMLLIElement {
    const { speech, conversation } = this.options;
    const item = make("li", "card");
    const row = make("div", "row");
    const yes = make("button", "primary", speech.say(showScreen));
    const no = make("button", "quiet", speech.say(notNow));
    yes.type = no.type = "button";
    yes.addEventListener("click", () => this.show());
    no.addEventListener("click", () => {
      this.ask("");
      // Whoever asked waits a while, and sees that nothing comes.
      conversation.api?.signal({ what: "declines" }).catch(() => {});
    });
    row.append(yes, no);
    item.append(make("p", "", this.asked), row);
    return item;
  }

  private choice(words: Words, act: () => Promise<void>): HTMLButtonElement {
    const button = make("button", "", this.options.speech.say(words));
    button.type = "button";
    button.addEventListener("click", () => void act());
    return button;
  }

  private open(open: boolean): void {
    this.menu.hidden = !open;
    this.draw();
    if (open) this.menu.querySelector("button")!.focus();
  }

  private ask(name: string): void {
    clearTimeout(this.asking);
    if (name) this.asking = setTimeout(() => this.ask(""), ASKED_MS);
    if (name === this.asker) return;
    this.asker = name;
    this.options.changed();
  }

  private async show(): Promise<void> {
    this.open(false);
    await this.showing.start().then(() => this.ask(""), () => this.refused());
  }

  private async take(): Promise<void> {
    this.open(false);
    try {
      const picture = await this.taken();
      if (await this.consents(picture)) this.options.attach(picture);
    } catch {
      this.refused();
    }
  }

  private async taken(): Promise<File> {
    const stream = await capture();
    // It is said as long as anything is taken; and a page that stands still has something new to show.
    this.takes = true;
    this.draw();
    try {
      return await pictureOf(stream);
    } finally {
      stream.getTracks().forEach((track) => track.stop());
      this.takes = false;
      this.draw();
    }
  }

  private refused(): void {
    this.options.complain(this.options.speech.say(screenRefused));
  }

  /** Nothing leaves this browser before the customer saw it. */
  private consents(picture: File): Promise<boolean> {
    const { speech, siteName } = this.options;
    const consent = make("dialog", "consent");
    const image = make("img");
    image.src = URL.createObjectURL(picture);
    image.alt = picture.name;
    const row = make("div", "row");
    const yes = make("button", "primary", speech.say(attachPicture));
    const no = make("button", "quiet", speech.say(discard));
    yes.type = no.type = "button";
    row.append(yes, no);
    yes.addEventListener("click", () => consent.close("yes"));
    no.addEventListener("click", () => consent.close());
    const question = make("p", "", speech.say(pictureOfScreen, { name: siteName() }));
    question.id = "consent-question";
    consent.setAttribute("aria-labelledby", question.id);
    consent.append(image, question, row);
    document.body.append(consent);
    consent.showModal();
    return new Promise((told) => consent.addEventListener("close", () => {
      URL.revokeObjectURL(image.src);
      consent.remove();
      told(consent.returnValue === "yes");
    }, { once: true }));
  }
}

function canShow(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function" && typeof RTCPeerConnection === "function";
}

/** The browser asks which; no sound of it. */
function capture(): Promise<MediaStream> {
  return navigator.mediaDevices.getDisplayMedia({ video: true, audio: false, selfBrowserSurface: "include" } as DisplayMediaStreamOptions);
}

/** One picture of it, and no more is seen. */
async function pictureOf(stream: MediaStream): Promise<File> {
  const video = make("video");
  video.muted = true;
  video.srcObject = stream;
  const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error("no picture came")), PICTURE_MS_MAX));
  await Promise.race([video.play(), late]);
  await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  const scale = Math.min(1, SIDE_MAX / Math.max(video.videoWidth, video.videoHeight));
  const canvas = make("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d")!.drawImage(video, 0, 0, canvas.width, canvas.height);
  const as = (type: string) => new Promise<Blob | null>((told) => canvas.toBlob(told, type, JPEG_QUALITY));
  const png = await as("image/png");
  const picture = png && png.size <= PNG_BYTES_MAX ? png : await as("image/jpeg");
  if (!picture) throw new Error("no picture was taken");
  return new File([picture], picture.type === "image/png" ? "screen.png" : "screen.jpg", { type: picture.type });
}
