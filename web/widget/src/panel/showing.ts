// The customer's screen as the agents see it: begun by the customer's own click, sent straight to each page that looks, over as soon as anybody says so.
// Nothing is drawn here, and nobody is let in but who the server says is an agent at each word.
import { HEARD_MS, InTurn, SAID_EVERY_MS, WATCHERS_MAX, candidateOf, freshShortId } from "../../../ui/src/screen-protocol";
import type { IceServers, ScreenSignal, ScreenWord } from "../../../ui/src/screen-protocol";

const TICK_MS = 1_000;
/** Agents read it; nobody looks at a film. */
const FRAMES_A_SECOND_MAX = 10;

export interface ShowingOptions {
  /** The browser asks the customer which screen. */
  capture: () => Promise<MediaStream>;
  connect: (servers: RTCIceServer[]) => RTCPeerConnection;
  send: (signal: ScreenSignal) => Promise<IceServers>;
  changed: () => void;
  now: () => number;
}

/** A page that looks. */
interface Watcher {
  peer: RTCPeerConnection;
  to: string;
  heardAt: number;
}

export class Showing {
  private stream: MediaStream | null = null;
  private id = "";
  /** By which servers pages are reached, once the server said so. */
  private served: Promise<RTCIceServer[] | null> = Promise.resolve(null);
  private readonly watchers = new Map<string, Watcher>();
  private readonly turn: InTurn;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private saidAt = 0;
  private isBeginning = false;

  constructor(private readonly options: ShowingOptions) {
    this.turn = new InTurn(options.send, (error, signal) => this.refused(error, signal));
  }

  get isOn(): boolean {
    return this.stream !== null;
  }

  /** Of what a page that looks is told. */
  get count(): number {
    return this.watchers.size;
  }

  /** Fails where the customer or their browser says no. */
  async start(): Promise<void> {
    if (this.stream || this.isBeginning) return;
    this.isBeginning = true;
    try {
      const stream = await this.options.capture();
      this.stream = stream;
      this.id = freshShortId();
      // The browser has a button of its own for that.
      for (const track of stream.getTracks()) track.addEventListener("ended", () => this.stop());
      this.ticking = setInterval(() => this.tick(), TICK_MS);
      this.say();
    } finally {
      this.isBeginning = false;
      this.options.changed();
    }
  }

  stop(): void {
    if (!this.stream) return;
    const { id } = this;
    this.end();
    void this.turn.say({ what: "ends", showing: id });
  }

  /** What an agent's page says. */
  hear({ who, what, showing, link = "", text = "" }: ScreenWord): void {
    if (!this.stream || showing !== this.id) return;
    const watcher = this.watchers.get(link);
    if (what === "ends") this.end();
    else if (what === "watches") watcher ? (watcher.heardAt = this.options.now()) : void this.served.then((servers) => this.admit(who, link, servers ?? []));
    else if (!watcher || watcher.to !== who) return;
    else if (what === "leaves") this.leave(link);
    else if (what === "answer") watcher.peer.setRemoteDescription({ type: "answer", sdp: text }).catch(() => this.leave(link));
    else if (what === "candidate") watcher.peer.addIceCandidate(candidateOf(text)).catch(() => {});
  }

  private admit(to: string, link: string, servers: RTCIceServer[]): void {
    if (!this.stream || this.watchers.has(link)) return;
    if (this.watchers.size >= WATCHERS_MAX) {
      void this.turn.say({ what: "full", showing: this.id, link, to });
      return;
    }
    const peer = this.options.connect(servers);
    this.watchers.set(link, { peer, to, heardAt: this.options.now() });
    const say = (what: "offer" | "candidate", text: string) => void this.turn.say({ what, showing: this.id, link, to, text });
    for (const track of this.stream.getVideoTracks()) peer.addTransceiver(track, { direction: "sendonly", streams: [this.stream], sendEncodings: [{ maxFramerate: FRAMES_A_SECOND_MAX }] });
    peer.onicecandidate = ({ candidate }) => candidate && say("candidate", JSON.stringify(candidate));
    peer.onconnectionstatechange = () => ["failed", "closed"].includes(peer.connectionState) && this.leave(link);
    // Its candidates come after it.
    peer.createOffer().then(async (offer) => {
      say("offer", offer.sdp!);
      await peer.setLocalDescription(offer);
    }).catch(() => this.leave(link));
    this.options.changed();
  }

  private leave(link: string): void {
    const watcher = this.watchers.get(link);
    if (!watcher) return;
    this.watchers.delete(link);
    watcher.peer.onconnectionstatechange = watcher.peer.onicecandidate = null;
    watcher.peer.close();
    this.options.changed();
  }

  private tick(): void {
    const now = this.options.now();
    // Whose right was revoked is not heard any more.
    for (const [link, { heardAt }] of this.watchers) if (now - heardAt > HEARD_MS) this.leave(link);
    if (now - this.saidAt >= SAID_EVERY_MS) this.say();
  }

  private say(): void {
    this.saidAt = this.options.now();
    this.served = this.turn.say({ what: "shows", showing: this.id });
  }

  /** The server is away, or says no: then it is over, or that one page looks no more. */
  private refused(error: unknown, { what, link }: ScreenSignal): void {
    const status = (error as { status?: number } | null)?.status ?? 0;
    if (status < 400 || status >= 500 || status === 408 || status === 429) return;
    if (what === "shows") this.end();
    else if (link) this.leave(link);
  }

  private end(): void {
    clearInterval(this.ticking);
    for (const link of [...this.watchers.keys()]) this.leave(link);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.options.changed();
  }
}
