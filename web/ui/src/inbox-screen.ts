// Where an agent sees the customer's screen: above what is said, as long as the customer shows it.
import { part, say } from "./element";
import type { RoomApi } from "./room-api";
import { Watching } from "./inbox-watching";
import type { WatchState } from "./inbox-watching";
import type { ScreenWord } from "./screen-protocol";
import { WATCHERS_MAX } from "./screen-protocol";

const WORDS: Record<Exclude<WatchState, "none">, (name: string) => string> = {
  asked: (name) => `You asked ${name} to show their screen. It is theirs to decide.`,
  declined: (name) => `${name} would rather not show their screen.`,
  offered: (name) => `${name} shows their screen. Looking at it, your browser and theirs speak straight with each other.`,
  coming: (name) => `${name} shows their screen; the picture is on its way…`,
  there: (name) => `${name} shows their screen`,
  full: () => `${WATCHERS_MAX} pages look at this screen already, and no more can.`,
  broken: () => "The picture does not come through. Trying again…",
};

export class ScreenPane {
  private watching: Watching | null = null;
  private nameOf: () => string = () => "";
  private readonly words: HTMLElement;
  private readonly video: HTMLVideoElement;
  private readonly larger: HTMLElement;
  private readonly watch: HTMLElement;
  private readonly ending: HTMLElement;

  /** `announce`: to who does not see it. */
  constructor(private readonly root: HTMLElement, private readonly me: string, private readonly announce: (words: string) => void) {
    this.words = part(root, "screen-words");
    this.video = part<HTMLVideoElement>(root, "screen-video");
    this.larger = part(root, "screen-large");
    this.watch = part(root, "screen-watch");
    this.ending = part(root, "screen-end");
    this.watch.addEventListener("click", () => this.watching?.watch());
    this.larger.addEventListener("click", () => void this.video.requestFullscreen().catch((error: unknown) => this.announce(String(error))));
    this.ending.addEventListener("click", () => this.watching?.end());
  }

  /** A conversation is looked at. */
  open(api: RoomApi, nameOf: () => string): void {
    this.close();
    this.nameOf = nameOf;
    this.watching = new Watching({
      connect: (iceServers) => new RTCPeerConnection({ iceServers }),
      send: (signal) => api.signal(signal),
      changed: () => this.draw(),
      now: () => performance.now(),
    });
  }

  close(): void {
    this.watching?.close();
    this.watching = null;
    this.draw();
  }

  ask(): void {
    this.watching?.ask();
  }

  hear(word: ScreenWord): void {
    if (word.who !== this.me || word.what === "ends") this.watching?.hear(word);
  }

  private draw(): void {
    const { state, stream } = this.watching ?? { state: "none" as const, stream: null };
    this.root.hidden = state === "none";
    say(this.words, state === "none" ? "" : WORDS[state](this.nameOf()));
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    this.video.hidden = this.larger.hidden = state !== "there";
    this.watch.hidden = state !== "offered";
    say(this.ending, state === "declined" || state === "full" || state === "asked" ? "Close this" : "Stop");
  }
}
