// One agent's page looks at a customer's screen: asked for, told that it is shown, connected straight to the customer's browser. Nothing is drawn here.
import { HEARD_MS, InTurn, SAID_EVERY_MS, candidateOf, freshShortId } from "./screen-protocol";
import type { IceServers, ScreenSignal, ScreenWord } from "./screen-protocol";

const TICK_MS = 1_000;
/** Longer nobody waits for somebody who does not see that they were asked. */
const ASKED_MS = 120_000;

/** `offered`: it is shown, and this page has not asked to see it; `coming`: no picture is there yet; `broken`: none came through. */
export type WatchState = "none" | "asked" | "declined" | "offered" | "coming" | "there" | "full" | "broken";

export interface WatchingOptions {
  connect: (servers: RTCIceServer[]) => RTCPeerConnection;
  send: (signal: ScreenSignal) => Promise<IceServers>;
  changed: () => void;
  now: () => number;
}

export class Watching {
  state: WatchState = "none";
  stream: MediaStream | null = null;
  private showing = "";
  private link = "";
  private peer: RTCPeerConnection | null = null;
  /** By which servers the customer's browser is reached, once the server said so. */
  private served: Promise<RTCIceServer[] | null> = Promise.resolve(null);
  private readonly turn: InTurn;
  /** What was heard is done in its order. */
  private steps: Promise<unknown> = Promise.resolve();
  private heardAt = 0;
  private saidAt = 0;
  private askedAt = 0;
  private readonly ticking: ReturnType<typeof setInterval>;

  constructor(private readonly options: WatchingOptions) {
    this.turn = new InTurn(options.send, (error) => this.refused(error));
    this.ticking = setInterval(() => this.tick(), TICK_MS);
  }

  ask(): void {
    if (this.showing) return;
    this.askedAt = this.options.now();
    void this.turn.say({ what: "asks" });
    this.be("asked");
  }

  /** Looks at what is shown. The two browsers learn each other's addresses by it, so it is nothing that a stranger can bring about. */
  watch(): void {
    if (this.showing) this.begin();
  }

  /** For all who look, and for the customer. */
  end(): void {
    if (this.showing) void this.turn.say({ what: "ends", showing: this.showing });
    this.forget("none");
  }

  /** One looks at something else. */
  close(): void {
    clearInterval(this.ticking);
    if (this.peer) void this.turn.say({ what: "leaves", showing: this.showing, link: this.link });
    this.forget("none");
  }

  /** What the customer's page says, or another agent's. */
  hear({ what, showing = "", link, text = "" }: ScreenWord): void {
    if (what === "declines" && this.state === "asked") this.be("declined");
    if (what === "shows") this.shown(showing);
    if (!this.showing || showing !== this.showing) return;
    if (what === "ends") this.forget("none");
    if (link !== this.link) return;
    if (what === "full") this.be("full");
    // A way to a browser means nothing before what it offers.
    if (what === "offer") this.steps = this.steps.then(() => this.answer(link!, text));
    if (what === "candidate") this.steps = this.steps.then(() => this.peer?.addIceCandidate(candidateOf(text)).catch(() => {}));
  }

  private shown(showing: string): void {
    // Who shows in two windows is seen in the first.
    if (this.showing && showing !== this.showing) return;
    this.heardAt = this.options.now();
    const isNew = !this.showing;
    this.showing = showing;
    if (this.state === "asked" || this.state === "broken") this.begin();
    else if (isNew) this.be("offered");
  }

  private begin(): void {
    this.hangUp();
    this.link = freshShortId();
    this.be("coming");
    this.say();
  }

  private say(): void {
    this.saidAt = this.options.now();
    this.served = this.turn.say({ what: "watches", showing: this.showing, link: this.link });
  }

  private async answer(link: string, sdp: string): Promise<void> {
    const servers = await this.served;
    if (link !== this.link) return;
    this.hangUp();
    const { showing } = this;
    const peer = (this.peer = this.options.connect(servers ?? []));
    const say = (what: "answer" | "candidate", text: string) => void this.turn.say({ what, showing, link, text });
    peer.ontrack = ({ streams, track }) => {
      this.stream = streams[0] ?? new MediaStream([track]);
      this.be("there");
    };
    peer.onicecandidate = ({ candidate }) => candidate && say("candidate", JSON.stringify(candidate));
    peer.onconnectionstatechange = () => peer.connectionState === "failed" && this.fail();
    try {
      await peer.setRemoteDescription({ type: "offer", sdp });
      const answer = await peer.createAnswer();
      say("answer", answer.sdp!);
      await peer.setLocalDescription(answer);
    } catch {
      if (peer === this.peer) this.fail();
    }
  }

  /** Tried again when the customer's page says the next time that it shows. */
  private fail(): void {
    this.hangUp();
    this.be("broken");
  }

  private tick(): void {
    const now = this.options.now();
    if (this.state === "asked" && now - this.askedAt > ASKED_MS) this.be("none");
    if (!this.showing) return;
    if (now - this.heardAt > HEARD_MS) this.forget("none");
    else if ((this.state === "coming" || this.state === "there") && now - this.saidAt >= SAID_EVERY_MS) this.say();
  }

  /** The server is away, which passes; or says no. */
  private refused(error: unknown): void {
    const status = (error as { status?: number } | null)?.status ?? 0;
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) this.forget("none");
  }

  private forget(state: WatchState): void {
    this.hangUp();
    this.showing = this.link = "";
    this.be(state);
  }

  private hangUp(): void {
    if (this.peer) {
      this.peer.ontrack = this.peer.onicecandidate = this.peer.onconnectionstatechange = null;
      this.peer.close();
    }
    this.peer = this.stream = null;
  }

  private be(state: WatchState): void {
    if (state === this.state && state !== "there") return;
    this.state = state;
    this.options.changed();
  }
}
