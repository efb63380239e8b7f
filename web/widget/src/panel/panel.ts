// panel.js: the panel in its frame or window. It speaks with whoever made it, with the server about one conversation, and keeps nothing itself.
import { make, say } from "../../../ui/src/element";
import { KeptRows } from "../../../ui/src/kept-rows";
import type { Put } from "../../../ui/src/kept-rows";
import { prose } from "../../../ui/src/room-message";
import type { Message } from "../../../ui/src/room-protocol";
import { asInk, inkOn } from "../colour";
import type { FromPanel, Settings, ToPanel, Waiting } from "../talk";
import { alone, chatWith, closed, conversation as conversationWord, gone, hello, lost, newMessages, off, offline, says, screenShown, severalTyping, staysHere, typing, unread } from "../words";
import { greeting, line, putMessages } from "./bubbles";
import { emailCard, ratingCard, retellingCard, retoldLine } from "./cards";
import { Calls } from "./calls";
import { claimOf } from "./claim";
import { Conversation } from "./conversation";
import { CustomerApi } from "./customer";
import type { Spoken } from "./customer";
import { Files } from "./files";
import { Head } from "./head";
import { Host, PopOut } from "./host";
import { icon } from "./icons";
import { explain } from "./problems";
import { Screen } from "./screen";
import { Speech } from "./speech";
import { Writing } from "./writing";

/** Nearer to its end than so many pixels, the conversation stays at its end. */
const AT_END = 60;
const EARLIER_AT = 200;
/** As long as that somebody looks at what came before it counts as read. */
const READ_MS = 600;
/** First words are there by then, most times. */
const BEGINNING_MS = 1_000;
const TEASER_CHARS_MAX = 140;
const TEASER_MS = 20_000;
/** A line that comes back by then was none that anybody has to know of. */
const LOST_MS = 3_000;
const SETTINGS_MS = 5 * 60_000;
/** This browser's clock may be ahead. */
const OPENING_MS_MIN = 30_000;
/** Behind it timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const PHONE = "(pointer: coarse)";

class Panel {
  private readonly speech = new Speech(new URLSearchParams(location.search).get("lang") ?? "");
  private readonly customer: CustomerApi;
  private readonly conversation: Conversation;
  private readonly calls: Calls;
  private readonly host: Host;
  private readonly popOut: PopOut;
  private readonly head: Head;
  private readonly files: Files;
  private readonly writing: Writing;
  private readonly screen: Screen;
  private readonly scroll = make("div", "scroll");
  private readonly list = make("ol", "list");
  private readonly kept = new KeptRows(this.list);
  private readonly typingLine = make("p", "typing");
  private readonly notice = make("p", "notice");
  private readonly announcer = make("p", "sr-only");
  private readonly jump = make("button", "jump");
  /** As the page said it last. */
  private told: ToPanel = { nonce: "", open: false };
  private settingsAt = Date.now();
  private isOff = false;
  private emailLater = false;
  /** When they were asked what they looked at last. */
  private askedSeen = 0;
  /** They said no to others' reading it. */
  private isKept = false;
  private emailGiven = "";
  private readTo: number | null = null;
  private hostOrigin = "";
  private waiting = "";
  /** What was said of both beside the button, long enough. */
  private teased = 0;
  private shownSeen = "";
  /** What a rule said was looked at; it stood beside the button long enough. */
  private isSpokenSeen = false;
  private isSpokenTeased = false;
  private lostAt = 0;
  private drawing = false;
  private loading = false;
  private wasAtEnd = true;
  private reading: ReturnType<typeof setTimeout> | undefined;
  private teasing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly root: HTMLElement, private settings: Settings) {
    const { speech } = this;
    document.documentElement.lang = speech.locale;
    document.documentElement.dir = speech.direction;
    document.title = speech.say(chatWith, { name: settings.name });
    this.customer = new CustomerApi(settings.site);
    this.conversation = new Conversation(this.customer, null, {
      changed: () => this.draw(),
      came: (message) => this.came(message),
      saw: (number) => this.calls.saw(number),
      keep: (secret) => this.host.tell({ keep: secret }),
      words: (error) => explain(error, speech),
      screen: (word) => this.screen.hear(word),
    });
    this.calls = new Calls(this.customer, {
      waits: () => this.conversation.secret === null && !document.hidden,
      called: (call) => this.conversation.hear(call),
      spoken: (spoken) => this.spokenTo(spoken),
    });
    this.files = new Files(speech, () => this.conversation.secret, (error) => this.announce(explain(error, speech)));
    this.writing = new Writing({
      speech,
      room: () => this.conversation.api?.room ?? null,
      secret: () => this.conversation.secret,
      dropOn: root,
      send: (pending) => {
        this.conversation.sending.send(pending);
        this.toEnd();
      },
      previews: () => this.settings.previews,
      typing: (text) => this.conversation.api?.doing("typing", text),
    });
    this.screen = new Screen({
      speech,
      conversation: this.conversation,
      siteName: () => this.settings.name,
      attach: (file) => this.writing.attach(file),
      complain: (text) => this.writing.complain(text),
      changed: () => this.draw(),
    });
    const isPopOut = parent === self;
    this.head = new Head({
      speech,
      about: () => ({ name: this.conversation.name, email: this.conversation.email }),
      save: (about) => this.conversation.tell(about),
      explain: (error) => explain(error, speech),
      mail: () => (this.settings.mails && this.conversation.mine?.email ? () => this.conversation.mail() : null),
      ...(isPopOut ? {} : { popOut: () => this.popOut.open(), close: () => this.host.tell({ close: true }) }),
    });
    this.popOut = new PopOut(() => this.told, {
      opened: () => this.host.tell({ close: true }),
      told: (message) => this.relay(message),
    });
    this.build();
    this.draw();
    this.host = new Host((state) => this.hear(state), () => this.standAlone());
  }

  private build(): void {
    const { speech, root, scroll, list, jump, notice, announcer } = this;
    this.colour();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.colour());
    list.setAttribute("role", "list");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", speech.say(conversationWord));
    scroll.append(list);
    this.typingLine.setAttribute("aria-live", "polite");
    announcer.setAttribute("role", "log");
    announcer.setAttribute("aria-live", "polite");
    notice.setAttribute("role", "status");
    jump.type = "button";
    jump.append(icon("down"), speech.say(newMessages));
    jump.addEventListener("click", () => this.toEnd());
    const middle = make("main", "middle");
    middle.append(this.head.form, this.screen.bar, scroll, jump, this.typingLine, notice, announcer, this.writing.form);
    this.screen.offerIn(this.writing);
    root.replaceChildren(this.head.element, middle);
    document.documentElement.classList.add("drawn");
    list.addEventListener("click", (event) => this.clicked(event));
    scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    const resized = new ResizeObserver(() => this.wasAtEnd && (scroll.scrollTop = scroll.scrollHeight));
    for (const one of [scroll, list]) resized.observe(one);
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]")) this.host.tell({ close: true });
    });
    for (const event of ["online", "offline"]) addEventListener(event, () => this.draw());
    document.addEventListener("visibilitychange", () => this.draw());
    addEventListener("pagehide", () => {
      this.screen.stop();
      this.conversation.sending.leave();
    });
    this.awaitOpening();
  }

  /** What the page says, each time that something changed there. */
  private hear(told: ToPanel): void {
    const before = this.told;
    const state = { ...told, identity: claimOf(told.identity) };
    this.told = state;
    this.hostOrigin = pageOrigin(state.page);
    if ((state.secret ?? null) !== this.conversation.secret) this.know(state.secret ?? null, !before.nonce);
    this.tellWhereabouts(before, state);
    if (state.open && !before.open) this.opened();
    // It was seen, though not for long.
    if (!state.open && before.open && this.reading !== undefined) this.readAll();
    if (state.open && state.focus) this.focus();
    this.popOut.tell();
    this.draw();
  }

  /** The secret of the customer: at first, or from another tab. */
  private know(secret: string | null, isFirst: boolean): void {
    const { conversation } = this;
    // What is there was of somebody else, or is forgotten: the panel begins anew with what the page says.
    if (conversation.secret !== null) return location.reload();
    // One that comes later is of a conversation that begins just now.
    conversation.secret = secret;
    if (secret !== null) setTimeout(() => void conversation.resume(secret), isFirst ? 0 : BEGINNING_MS);
  }

  private tellWhereabouts(before: ToPanel, { browser, visitor, page, title, identity }: ToPanel): void {
    const of = ({ browser, page, identity }: ToPanel) => JSON.stringify([browser, page, identity]);
    if (of(before) === of(this.told)) return;
    const about = { browser: browser ?? null, visitor: visitor ?? null, page: page ?? "", title: title ?? "", ...(identity ? { identity } : {}) };
    // Of no more than passing interest: the next page says it again.
    this.conversation.tell(about).catch(() => {});
    if (browser) this.calls.hear({ browser, visitor: visitor ?? "" });
  }

  private opened(): void {
    const { conversation } = this;
    this.readTo = conversation.unread().length > 0 ? conversation.read : null;
    conversation.look();
    this.shownSeen = this.told.shown ?? "";
    this.isSpokenSeen = true;
    if (Date.now() - this.settingsAt > SETTINGS_MS) this.askSettings();
    this.toEnd();
  }

  private focus(): void {
    if (matchMedia(PHONE).matches) this.scroll.focus();
    else this.writing.focus();
  }

  private askSettings(): void {
    this.settingsAt = Date.now();
    this.customer.settings().then(
      (settings) => {
        this.settings = settings;
        this.isOff = false;
        this.colour();
        this.awaitOpening();
        this.draw();
      },
      (error: { status?: number }) => {
        this.isOff = error.status === 404;
        this.draw();
      },
    );
  }

  /** Somebody is there again at that time. */
  private awaitOpening(): void {
    const { opens_at: at } = this.settings;
    if (at !== null) setTimeout(() => this.askSettings(), Math.min(TIMER_MS_MAX, Math.max(OPENING_MS_MIN, at - Date.now())));
  }

  private colour(): void {
    const { style } = document.documentElement;
    const { colour } = this.settings;
    style.setProperty("--brand", colour);
    style.setProperty("--on-brand", inkOn(colour));
    // Further from the ink, so that what is read on the one is read on the other.
    style.setProperty("--deep", inkOn(colour) === "#ffffff" ? "black" : "white");
    const surface = getComputedStyle(document.documentElement).getPropertyValue("--surface").trim();
    style.setProperty("--brand-ink", asInk(colour, surface));
  }

  private came(message: Message): void {
    const { conversation, host, speech } = this;
    const isOwn = conversation.isOwn(message);
    const text = wordsOf(message);
    host.tell({ said: { by: isOwn ? "customer" : "agent", name: message.name, text, at: message.at } });
    if (!isOwn) this.announce(speech.say(says, { name: message.name, text }));
  }

  /** By a rule of the site. */
  private spokenTo(spoken: Spoken): void {
    const { name, words: text } = spoken;
    this.conversation.spoken = spoken;
    this.isSpokenSeen = this.told.open;
    this.host.tell({ said: { by: "agent", name, text, at: Date.now() } });
    this.announce(this.speech.say(says, { name, text }));
    this.draw();
  }

  private announce(text: string): void {
    this.announcer.append(make("span", "", text));
    while (this.announcer.children.length > 5) this.announcer.firstElementChild!.remove();
  }

  /** Draws all that changed, once a frame; out of sight there are none. */
  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    setTimeout(() => {
      this.drawing = false;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { conversation, speech, scroll } = this;
    const stays = this.isAtEnd();
    this.head.draw(this.settings, conversation.agents());
    this.kept.draw((put) => this.put(put));
    // Who never spoke here is of the site, whatever their name.
    const who = conversation.typing.who.map((one) => conversation.state.names[one] ?? this.settings.name);
    say(this.typingLine, who.length === 0 ? "" : who.length === 1 ? speech.say(typing, { name: who[0]! }) : speech.say(severalTyping));
    this.screen.draw();
    this.drawNotice();
    if (stays) scroll.scrollTop = scroll.scrollHeight;
    this.writing.draw();
    this.calls.look();
    this.writing.sendFiles();
    this.look();
    this.tellWaiting();
  }

  private put(put: Put): void {
    const { settings, conversation, speech, files } = this;
    const { mine } = conversation;
    const hi = settings.greeting || speech.say(hello);
    if (conversation.state.oldest === Infinity || conversation.state.oldest <= 1) put("hello", hi + settings.name, () => greeting(hi, settings.name));
    putMessages(put, { conversation, files, speech, hostOrigin: () => this.hostOrigin, readTo: this.readTo });
    const { spoken } = conversation;
    if (spoken) put("spoken", spoken.words, () => greeting(spoken.words, spoken.name));
    const { shown } = this.told;
    if (shown) put("shown", shown, () => greeting(shown, settings.name));
    const card = { speech, explain: (error: unknown) => explain(error, speech) };
    if (this.asksEmail()) {
      const later = () => {
        this.emailLater = true;
        this.draw();
      };
      const save = async (email: string) => {
        // From now on: what is drawn meanwhile leaves the card there, which thanks for it.
        this.emailGiven = email;
        await conversation.tell({ email }).catch((error: unknown) => {
          this.emailGiven = "";
          throw error;
        });
      };
      put("email", String(settings.open), () => emailCard(card, !settings.open, settings.open ? { save, later } : { save }));
    }
    this.screen.put(put);
    const { retelling, retold } = mine ?? {};
    if (retelling) {
      const consent = async (yes: boolean, named: boolean) => {
        await conversation.consent(retelling.asked, yes, named);
        this.isKept = !yes;
        // What had the focus is gone.
        this.scroll.focus();
        this.draw();
      };
      put("retelling", JSON.stringify([retelling, conversation.name]), () => retellingCard(card, retelling, conversation.name, consent));
    }
    else if (this.isKept) put("kept", "", () => line("kept", speech.say(staysHere)));
    if (retold) put("retold", JSON.stringify(retold), () => retoldLine(speech, retold));
    if (mine?.state === "closed") put("closed", "", () => line("closed", speech.say(closed)));
    // One that was answered stays, and thanks.
    if (mine?.state === "closed" && (mine.asks_rating || this.kept.elementOf("rating"))) {
      put("rating", "", () => ratingCard(card, (rating, words) => conversation.tell({ rating, words })));
    }
  }

  private asksEmail(): boolean {
    const { conversation, settings } = this;
    if (this.emailGiven) return true;
    if (conversation.email || this.told.identity?.email) return false;
    const card = this.kept.elementOf("email");
    // Whoever writes in it goes on.
    if (!settings.open || card?.contains(document.activeElement) || card?.querySelector("input")?.value) return true;
    return settings.asks_email && !this.emailLater && conversation.api !== null && !conversation.isAnswered;
  }

  private drawNotice(): void {
    const { conversation, speech, notice } = this;
    const isLost = conversation.line === "lost";
    if (!isLost) this.lostAt = 0;
    else if (!this.lostAt) {
      this.lostAt = Date.now();
      setTimeout(() => this.draw(), LOST_MS);
    }
    const held = conversation.state.pending.length > 0 ? conversation.sending.held : null;
    const text = !navigator.onLine ? speech.say(offline)
      : held ? explain(held, speech)
      : isLost && Date.now() - this.lostAt >= LOST_MS ? speech.say(lost)
      : conversation.isGone ? speech.say(gone)
      : this.isOff ? speech.say(off)
      : "";
    say(notice, text);
    notice.hidden = text === "";
  }

  /** What is on the screen, and looked at, is read. */
  private look(): void {
    const { conversation, jump } = this;
    const news = conversation.unread();
    const isSeen = this.told.open && !document.hidden && this.isAtEnd();
    jump.hidden = !this.told.open || this.isAtEnd() || news.length === 0;
    clearTimeout(this.reading);
    this.reading = isSeen && news.length > 0 ? setTimeout(() => this.readAll(), READ_MS) : undefined;
  }

  private readAll(): void {
    clearTimeout(this.reading);
    this.reading = undefined;
    this.conversation.reads(this.conversation.state.room?.last ?? 0);
  }

  /** Tells the page what waits; how it begins only for a while. */
  private tellWaiting(): void {
    const { conversation, speech, told, settings, screen } = this;
    const news = told.open ? [] : conversation.unread();
    const spoken = told.open || this.isSpokenSeen ? null : conversation.spoken;
    const asked = conversation.mine?.retelling?.asked ?? 0;
    if (told.open) this.askedSeen = asked;
    const count = news.length + (spoken ? 1 : 0) + (asked > this.askedSeen ? 1 : 0);
    const last = news.at(-1);
    const shown = screen.isOn ? speech.say(screenShown) : "";
    const label = [count > 0 ? speech.say(unread, { count: speech.number(count) }) : "", shown].filter(Boolean).map((words) => `. ${words}`).join("");
    const waiting: Waiting = { count, mark: screen.isOn ? "●" : count > 0 ? String(count) : "", label, name: shown, text: "" };
    // What is shown stays said as long as it is.
    if (!told.open && screen.asked) Object.assign(waiting, { name: settings.name, text: screen.asked });
    else if (shown) waiting.text = "";
    else if (last && last.number > this.teased) Object.assign(waiting, { name: last.name, text: wordsOf(last).slice(0, TEASER_CHARS_MAX) });
    else if (spoken && !this.isSpokenTeased) Object.assign(waiting, { name: spoken.name, text: spoken.words.slice(0, TEASER_CHARS_MAX) });
    else if (!told.open && told.shown && told.shown !== this.shownSeen) Object.assign(waiting, { name: settings.name, text: told.shown });
    const mark = JSON.stringify(waiting);
    if (mark === this.waiting) return;
    this.waiting = mark;
    this.host.tell({ waiting });
    clearTimeout(this.teasing);
    if (!waiting.name || shown || screen.asked) return;
    this.teasing = setTimeout(() => {
      this.teased = last?.number ?? this.teased;
      this.shownSeen = told.shown ?? "";
      this.isSpokenTeased = spoken !== null;
      this.draw();
    }, TEASER_MS);
  }

  private relay(message: FromPanel): void {
    if (message.keep !== undefined || message.said) this.host.tell(message);
  }

  private isAtEnd(): boolean {
    const { scroll } = this;
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < AT_END;
  }

  private toEnd(): void {
    this.wasAtEnd = true;
    setTimeout(() => (this.scroll.scrollTop = this.scroll.scrollHeight), 20);
  }

  private scrolled(): void {
    this.wasAtEnd = this.isAtEnd();
    this.look();
    if (this.scroll.scrollTop < EARLIER_AT) void this.earlier();
  }

  private async earlier(): Promise<void> {
    const { scroll, conversation } = this;
    if (this.loading || conversation.state.oldest <= 1 || conversation.state.oldest === Infinity) return;
    this.loading = true;
    try {
      const height = scroll.scrollHeight - scroll.scrollTop;
      await conversation.earlier();
      this.drawNow();
      scroll.scrollTop = scroll.scrollHeight - height;
    } catch (error) {
      console.info(error);
    } finally {
      this.loading = false;
    }
  }

  private clicked(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>("[data-act]");
    const pending = button?.closest<HTMLElement>("[data-pending]")?.dataset["pending"];
    if (!pending) return;
    if (button!.dataset["act"] === "resend") this.conversation.sending.resend(pending);
    else this.conversation.sending.discard(pending);
  }

  /** Nobody made this panel, or they do not answer. */
  private standAlone(): void {
    this.root.replaceChildren(make("p", "alone", this.speech.say(alone, { name: this.settings.name })));
  }
}

/** What a message says, in words: its files by their names. */
function wordsOf(message: Message): string {
  const text = message.html ? (prose(message.html).textContent ?? "") : message.body;
  return [text.trim(), ...(message.files ?? []).map(({ name }) => name)].filter(Boolean).join(" · ");
}

function pageOrigin(page: string | undefined): string {
  try {
    return new URL(page ?? "").origin;
  } catch {
    return "";
  }
}

const root = document.querySelector<HTMLElement>("[data-settings]");
if (root) new Panel(root, JSON.parse(root.dataset["settings"]!) as Settings);
