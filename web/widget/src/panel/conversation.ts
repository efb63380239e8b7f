// The customer's conversation: found again by their secret, or begun by their first words; then a room as all others are. Nothing is drawn here.
import { connectToHub } from "../../../ui/src/hub";
import { RoomApi } from "../../../ui/src/room-api";
import { Following } from "../../../ui/src/room-following";
import { Sending } from "../../../ui/src/room-sending";
import { RoomState } from "../../../ui/src/room-state";
import type { Connection, LineState } from "../../../ui/src/connection";
import type { Refused, ToPost } from "../../../ui/src/room-api";
import type { Message } from "../../../ui/src/room-protocol";
import type { ScreenWord } from "../../../ui/src/screen-protocol";
import { CustomerApi, freshSecret } from "./customer";
import { Typing } from "./typing";
import { isGone } from "./problems";
import type { About, Call, Mine, Spoken } from "./customer";

const PAGE = 60;
const AGAIN_MS = 2_000;
const AGAIN_MS_MAX = 30_000;
/** First words are there by then. */
const BEGINNING_MS = 3_000;
/** What an agent does is often several things. */
const MINE_AGAIN_MS = 400;

export interface ConversationEvents {
  changed(): void;
  /** Said by anybody, just now. */
  came(message: Message): void;
  /** Of what an agent wrote first, so much was seen. */
  saw(number: number): void;
  /** The customer speaks: from now on the secret is to be kept; null: it opens nothing any more. */
  keep(secret: string | null): void;
  words(error: Refused): string;
  /** Of the customer's screen. */
  screen(word: ScreenWord): void;
}

export class Conversation {
  readonly state = new RoomState();
  readonly typing: Typing;
  readonly sending: Sending;
  mine: Mine | null = null;
  api: RoomApi | null = null;
  line: LineState | null = null;
  /** The last message that was read; null until the server said so. */
  read: number | null = null;
  /** There was one, and it is no more. */
  isGone = false;
  /** What a rule of the site said, until they answer. */
  spoken: Spoken | null = null;
  /** What goes with the first words, and is told when it changes. */
  private about: About = {};
  private connection: Connection | null = null;
  private tries = 0;
  /** The last message that was told of as said just now. */
  private heardTo = 0;
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly customer: CustomerApi, public secret: string | null, private readonly on: ConversationEvents) {
    this.typing = new Typing(() => this.changed());
    this.sending = new Sending({ post: (message) => this.post(message) }, this.state, () => this.changed(), (error) => on.words(error));
  }

  /** Finds the conversation of the secret again. In another tab the customer may speak their first words just now: so it is looked for twice. */
  async resume(secret: string, isLast = false): Promise<void> {
    this.secret = secret;
    try {
      const mine = await this.customer.mine(secret);
      if (this.api) return;
      this.heardTo = mine.last;
      this.enter(mine);
      // Of no more than passing interest: the next page says it again.
      this.tell(this.about).catch(() => {});
    } catch (error) {
      if (this.api) return;
      if (!isGone(error)) this.later(() => void this.resume(secret, isLast));
      else if (isLast) this.lose();
      else setTimeout(() => void this.resume(secret, true), BEGINNING_MS);
    }
  }

  /** An agent wrote first: it is there as if it was the customer's already. */
  hear({ read, told }: Call): void {
    if (this.secret !== null) return;
    this.heardTo = Math.max(this.heardTo, read);
    this.read = Math.max(this.read ?? 0, read);
    this.state.take(told);
    this.state.oldest = Math.min(...this.state.messages.keys());
    this.changed();
  }

  /** Says something of the customer: now, or with their first words. */
  async tell(about: About): Promise<void> {
    Object.assign(this.about, about);
    if (!this.api) return;
    try {
      this.mine = await this.customer.tell(this.secret!, about);
    } catch (error) {
      if (isGone(error)) this.lose();
      throw error;
    } finally {
      this.changed();
    }
  }

  /** Mails all of it to the customer. */
  async mail(): Promise<void> {
    this.mine = await this.customer.mail(this.secret!);
  }

  /** Whether all of it may be read by everybody, as they were asked then. */
  async consent(asked: number, yes: boolean, named: boolean): Promise<void> {
    try {
      this.mine = await this.customer.consent(this.secret!, { asked, yes, named });
    } catch (error) {
      // Perhaps nobody asks that any more.
      this.look();
      throw error;
    } finally {
      this.changed();
    }
  }

  get email(): string {
    return this.mine?.email || this.about.email || "";
  }

  get name(): string {
    return this.mine?.name || this.about.name || "";
  }

  isOwn(message: Message): boolean {
    return message.author === this.mine?.me;
  }

  /** Who spoke with the customer, by name, whoever spoke last at the end. */
  agents(): Map<string, string> {
    const agents = new Map<string, string>();
    for (const message of this.state.everything()) {
      if (this.isOwn(message) || !isSaid(message)) continue;
      agents.delete(message.author);
      agents.set(message.author, message.name);
    }
    return agents;
  }

  /** Somebody said something since the customer did. */
  get isAnswered(): boolean {
    const said = this.state.everything().filter(isSaid);
    const first = said.findIndex((message) => this.isOwn(message));
    return first >= 0 && said.slice(first).some((message) => !this.isOwn(message));
  }

  /** What agents said and the customer did not see. */
  unread(): Message[] {
    if (this.read === null) return [];
    return this.state.everything().filter((message) => message.number > this.read! && !this.isOwn(message) && isSaid(message));
  }

  /** Until here all was read. */
  reads(number: number): void {
    if (this.read === null || number <= this.read) return;
    this.read = number;
    // Told again with the next one.
    if (this.api) this.api.read(number).catch(() => {});
    else this.on.saw(number);
    this.changed();
  }

  async earlier(): Promise<void> {
    if (!this.api || this.state.oldest <= 1) return;
    const page = await this.api.before(this.state.oldest, PAGE);
    this.state.take({ messages: page.messages, names: page.names });
    this.state.oldest = page.messages[0]?.number ?? 1;
  }

  /** How the conversation is now: closed, or asked for a word on it. */
  look(): void {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      if (!this.api) return;
      this.customer.mine(this.secret!).then(
        (mine) => {
          this.mine = mine;
          this.changed();
        },
        (error: unknown) => isGone(error) && this.lose(),
      );
    }, MINE_AGAIN_MS);
  }

  private async post(message: ToPost): Promise<Message> {
    if (!this.api) {
      this.secret ??= freshSecret();
      this.on.keep(this.secret);
      const spoken = this.spoken ? { spoken: this.spoken } : {};
      const mine = await this.customer.begin(this.secret, { ...this.about, ...spoken, id: message.id, body: message.body });
      // It stands at the head of the conversation, and was told of.
      if (this.spoken) this.heardTo = mine.last - 1;
      this.enter(mine);
    }
    try {
      const posted = await this.api!.post(message);
      if (this.mine?.state === "closed") this.look();
      return posted;
    } catch (error) {
      if (!isGone(error)) throw error;
      this.lose();
      // It is said in a new conversation, in a moment.
      throw new Error("the conversation is gone");
    }
  }

  private enter(mine: Mine): void {
    // What was heard first is of another conversation.
    if (this.state.room && this.state.room.id !== mine.room) this.forget();
    this.mine = mine;
    this.spoken = null;
    this.isGone = false;
    this.api = new RoomApi(mine.room, this.secret!);
    this.changed();
    void this.load(this.api);
  }

  private async load(api: RoomApi): Promise<void> {
    try {
      const [seen, page] = await Promise.all([api.seen(), api.last(PAGE)]);
      if (api !== this.api) return;
      this.state.take(page);
      this.state.known = page.room?.changes ?? 0;
      this.state.oldest = page.messages[0]?.number ?? 1;
      this.read = Math.max(this.read ?? 0, seen.you.read ?? 0);
      this.tries = 0;
      this.changed();
      this.connect(api);
    } catch (error) {
      if (isGone(error)) return this.lose();
      this.later(() => void this.load(api));
    }
  }

  private connect(api: RoomApi): void {
    const following = new Following(api, this.state, {
      changed: () => {
        this.look();
        this.changed();
      },
      came: ({ author }) => this.typing.end(author),
      gone: () => this.look(),
    });
    const topic = `room/${api.room}`;
    const line = connectToHub(topic, null, (state) => this.lined(state), this.secret!);
    this.connection = line;
    line.subscribe(topic, undefined, following.reader());
    line.subscribe(`${topic}/people`, undefined, { jumps: true, snapshot: () => {}, delta: (data) => this.seeDoing(data) });
    line.subscribe(`person/${this.mine!.me}`, undefined, { jumps: true, snapshot: () => {}, delta: (data) => this.hearOwn(data) });
    line.start();
  }

  private seeDoing(data: unknown): void {
    const { typing, screen } = data as { typing?: { who: string }; screen?: ScreenWord };
    if (typing && typing.who !== this.mine?.me) this.typing.hear(typing.who);
    if (screen) this.on.screen(screen);
  }

  /** What the customer did in another tab, and what became of the conversation. */
  private hearOwn(data: unknown): void {
    const { read, screen } = data as { read?: { room: string; number: number }; screen?: ScreenWord };
    if (screen) return this.on.screen(screen);
    if (!read) return this.look();
    if (read.room !== this.api?.room) return;
    this.read = Math.max(this.read ?? 0, read.number);
    this.changed();
  }

  private lined(state: LineState): void {
    this.line = state;
    if (state === "signed-out") return this.lose();
    if (state === "open") {
      this.sending.again();
      this.look();
    }
    this.changed();
  }

  /** Erased, or the secret was never heard of: what is written begins anew. */
  private lose(): void {
    this.connection?.stop();
    this.connection = this.api = this.mine = this.secret = this.line = this.read = null;
    this.isGone = true;
    this.forget();
    this.on.keep(null);
    this.changed();
  }

  private forget(): void {
    const { state } = this;
    state.messages.clear();
    state.room = null;
    state.known = 0;
    state.oldest = Infinity;
    this.heardTo = 0;
  }

  private changed(): void {
    for (const message of this.state.everything()) {
      if (message.number <= this.heardTo) continue;
      this.heardTo = message.number;
      if (isSaid(message)) this.on.came(message);
    }
    this.on.changed();
  }

  private later(again: () => void): void {
    this.line = "lost";
    this.changed();
    setTimeout(again, Math.min(AGAIN_MS * 2 ** this.tries, AGAIN_MS_MAX));
    this.tries += 1;
  }
}

/** By a person, and not of the room. */
export function isSaid({ kind, removed }: Message): boolean {
  return typeof kind === "string" && !removed;
}
