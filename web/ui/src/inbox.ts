// The inbox of a site: conversations as a list, one of them open, and its customer beside it. What happens comes by the hub; what was missed is read.
import type { Connection, LineState } from "./connection";
import { part, say } from "./element";
import { Clock, count } from "./format";
import { connectToHub } from "./hub";
import { InboxApi } from "./inbox-api";
import { CannedAnswers } from "./inbox-canned";
import { Deeds } from "./inbox-deeds";
import { TalkHead } from "./inbox-head";
import { InboxKeys } from "./inbox-keys";
import { InboxList } from "./inbox-list";
import { OpenTalk } from "./inbox-open";
import type { Agent, Conversation, Counted, Deed, Folder, InboxChange, ListPage, PublicRoom } from "./inbox-protocol";
import { InboxState } from "./inbox-state";
import type { View } from "./inbox-state";
import { FOLDER_NAMES, NOTHING_IN, customerName } from "./inbox-words";
import { WriteToVisitor } from "./inbox-write";
import { VisitorPane, placeOf } from "./inbox-visitor";
import { PageMark } from "./page-mark";
import type { VisitorsChange, VisitorsData } from "./protocol";
import { Redraw } from "./redraw";
import { Alerts } from "./room-alerts";
import { Refused } from "./room-api";
import { Sounds } from "./room-sounds";
import type { ScreenWord } from "./screen-protocol";
import { applyVisitors, visitorsFrom } from "./state";
import type { VisitorsView } from "./state";
import { Trouble } from "./trouble";

const SEARCH_MS = 250;
const COUNT_MS = 4_000;
const COUNT_EVERY_MS = 60_000;
const TICK_MS = 1_000;
/** As the server counts, of what is searched for. */
const SEARCH_BYTES_MAX = 80;
/** Without a word from the hub the list is read all the same. */
const UNTIL_READ_MS = 1_500;
/** Of a long list so much is read again at once. */
const READ_AGAIN_MAX = 500;
/** Said longer ago it is no news. */
const NEWS_MS = 30_000;

const DONE: [string, string][] = [["close", "Closed."], ["close_saying", "The customer is told, and it is closed."], ["reopen", "Open again."], ["snooze_until", "Snoozed."], ["labels", "Labels saved."], ["assign", "Assigned."], ["verdict", "Saved."], ["block", "Saved."],
  ["revoke_replies", "Letters that were sent are answered in vain from now on, and their link opens nothing."], ["transcript", "The conversation is mailed to the customer."], ["revoke", "Revoked."]];

class InboxPage {
  private readonly site: string;
  private readonly me: string;
  private readonly base: string;
  private readonly api: InboxApi;
  private readonly state: InboxState;
  private readonly list: InboxList;
  private readonly deeds: Deeds;
  private readonly head: TalkHead;
  private readonly pane: VisitorPane;
  private readonly canned: CannedAnswers;
  private readonly open: OpenTalk;
  private readonly write: WriteToVisitor;
  private readonly line: Connection;
  private readonly redraw = new Redraw();
  private readonly mark = new PageMark();
  private readonly alerts = new Alerts(new Sounds());
  private agents: Agent[] = [];
  /** In which conversations may be told again. */
  private rooms: PublicRoom[] = [];
  private present: VisitorsView | null = null;
  /** Where visitors were seen. */
  private readonly places = new Map<string, string>();
  private reading: symbol | null = null;
  private readingMore = false;
  private counting: ReturnType<typeof setTimeout> | undefined;
  /** The folder before one searched. */
  private folderBefore: Folder = "open";
  private readonly notice: Trouble;

  constructor(private readonly root: HTMLElement) {
    const { site, me, folder, label, q, zone } = root.dataset;
    this.site = site ?? "";
    this.me = me ?? "";
    this.notice = new Trouble(root);
    this.base = `/sites/${this.site}/inbox`;
    this.api = new InboxApi(this.site);
    this.state = new InboxState(this.me, { folder: folder as Folder, label: label ?? "", q: q ?? "" });
    this.line = connectToHub(`inbox/${this.site}`, null, (state) => this.lined(state));
    this.list = new InboxList(root, {
      show: (conversation) => this.shown(conversation), open: (room) => void this.show(room), more: () => void this.readMore(), redraw: () => this.redraw.soon(this.drawList),
    });
    const act = (deed: Deed, room: string) => void this.act(deed, room);
    this.deeds = new Deeds({ me: this.me, agents: () => this.agents, rooms: () => this.rooms, labels: () => this.state.labels, act });
    this.canned = new CannedAnswers(this.api);
    this.head = new TalkHead(part(root, "talk-inside"), { deeds: this.deeds, act, askScreen: () => this.open.askScreen() });
    this.pane = new VisitorPane(part(root, "visitor"), {
      api: this.api, clock: new Clock(zone), now: () => Date.now() + this.line.clockDifference, site: `/sites/${this.site}`,
      href: (room) => this.href(room), learned: (steps) => this.open.learned(steps),
    });
    this.open = new OpenTalk({
      me: this.me, line: this.line, site: this.site, holder: part(root, "talk-inside"), canned: this.canned, head: this.head, pane: this.pane,
      agents: () => this.agents, nameOf: (conversation) => this.nameOf(conversation),
      address: (room, id) => `${this.base}/${room}#${id}`,
      announce: (words) => say(part(root, "announcer"), words), trouble: (problem) => this.trouble(problem), act,
      saw: () => this.redraw.soon(this.drawList),
    });
    this.write = new WriteToVisitor(this.site, () => this.present, (conversation) => {
      this.take(conversation, "moved");
      void this.show(conversation.room);
    });
    this.listen();
  }

  start(): void {
    this.line.subscribe(`inbox/${this.site}`, undefined, {
      jumps: true,
      snapshot: () => void this.read(),
      delta: (data) => this.told(data as InboxChange),
      refused: (_, message) => this.trouble(message),
      ended: (_, message) => this.trouble(message || "You no longer answer here."),
    });
    this.line.subscribe(`person/${this.me}`, undefined, {
      jumps: true,
      snapshot: () => {},
      delta: (data) => {
        const { screen } = data as { screen?: ScreenWord };
        if (screen) this.open.hearScreen(screen);
      },
    });
    this.line.subscribe(`site/${this.site}/visitors`, undefined, {
      snapshot: (data) => this.seen(visitorsFrom(data as VisitorsData)),
      delta: (data) => {
        if (this.present) applyVisitors(this.present, data as VisitorsChange);
        this.seen(this.present);
      },
    });
    this.line.start();
    setTimeout(() => this.state.counts ?? void this.read(), UNTIL_READ_MS);
    setInterval(() => this.tick(), TICK_MS);
    setInterval(() => !document.hidden && void this.count(), COUNT_EVERY_MS);
    this.canned.load().catch((error: unknown) => console.info(error));
    const { room } = this.root.dataset;
    history.replaceState({ room: room ?? null, view: this.state.view }, "");
    if (room) void this.show(room, { isThere: true });
  }

  // The list

  /** All that was read is read again, at once. */
  private async read(how: "anew" | "" = ""): Promise<void> {
    const { state, api } = this;
    const mine = Symbol("read");
    this.reading = mine;
    const { view } = state;
    const wanted = how === "anew" ? 1 : Math.min(Math.max(1, state.rows().length), READ_AGAIN_MAX);
    state.doubt();
    part(this.root, "loading").hidden = state.rows().length > 0;
    this.root.querySelector("[data-part=older]")?.remove();
    try {
      const page: ListPage = await api.list(view, null);
      while (page.more && page.conversations.length < wanted && this.reading === mine) {
        const next = await api.list(view, state.behind(page.conversations.at(-1)!));
        page.conversations.push(...next.conversations);
        page.more = next.more && next.conversations.length > 0;
      }
      if (this.reading !== mine) return;
      state.take(page, true);
      this.notice.healed();
    } catch (error) {
      if (this.reading !== mine) return;
      this.trouble(wordsOf(error), () => void this.read(how));
    }
    part(this.root, "loading").hidden = true;
    this.reading = null;
    if (state.counts) this.drawListNow(how);
  }

  private async readMore(): Promise<void> {
    const { state } = this;
    if (this.readingMore || this.reading || !state.hasMore || !state.counts) return;
    this.readingMore = true;
    const { view } = state;
    try {
      const page = await this.api.list(view, state.before);
      if (view !== state.view || this.reading) return;
      state.take(page, false);
      this.drawListNow("");
    } catch (error) {
      this.trouble(wordsOf(error), () => void this.readMore());
    } finally {
      this.readingMore = false;
    }
  }

  private told({ conversation, missed }: InboxChange): void {
    if (missed) return void this.read();
    if (!conversation) return;
    this.alert(conversation);
    this.take(conversation, "");
  }

  /** It is as it is told. */
  private take(conversation: Conversation, how: "moved" | ""): void {
    if (!this.state.changed(conversation)) return;
    this.open.take(conversation);
    // In a page that nobody looks at no frame is drawn; its title is seen all the same.
    if (this.state.counts) this.mark.show(this.state.counts.waiting, 0);
    if (how === "moved") this.drawListNow(how);
    else this.redraw.soon(this.drawList);
    if (this.state.countsAreOld) this.countSoon();
  }

  /** Only the server can count: asked, but not at once for each. */
  private countSoon(): void {
    this.counting ??= setTimeout(() => {
      this.counting = undefined;
      if (this.state.countsAreOld) void this.count();
    }, COUNT_MS);
  }

  /** With it the server opens again what was put off until now. */
  private async count(): Promise<void> {
    const { view } = this.state;
    if (this.reading || !this.state.counts) return;
    try {
      const page = await this.api.list(view, null);
      if (view !== this.state.view || this.reading) return;
      this.state.recount(page);
      this.mark.show(page.counts.waiting, 0);
      this.redraw.soon(this.drawList);
    } catch (error) {
      // Counted the next time.
      console.info(error);
    }
  }

  private readonly drawList = (): void => this.drawListNow("");

  private drawListNow(how: "anew" | "moved" | ""): void {
    const { state, root } = this;
    if (!state.counts) return;
    const rows = state.rows();
    this.list.draw(rows, how);
    part(root, "nothing").hidden = rows.length > 0 || state.hasMore;
    if (rows.length === 0) this.sayNothing();
    root.toggleAttribute("data-bare", this.isBare);
    for (const folder of Object.keys(state.counts) as Counted[]) {
      const number = state.counts[folder];
      say(part(root, `count-${folder}`), number > 0 ? count(number) : "");
    }
    this.mark.show(state.counts.waiting, 0);
    this.writeLabels();
  }

  private sayNothing(): void {
    const { folder, label, q } = this.state.view;
    const within = label ? ` with the label “${label}”` : "";
    const words = q ? `Nothing is found for “${q}”${within} in ${FOLDER_NAMES[folder]}.` : label ? `Nothing${within} in ${FOLDER_NAMES[folder]}.` : NOTHING_IN[folder];
    const isBare = this.isBare && !q && !label;
    say(part(this.root, "nothing-words"), isBare ? "No conversation yet. What customers write to you stands here." : words);
    part(this.root, "no-chat").hidden = "chat" in this.root.dataset;
    part(this.root, "first-steps").hidden = !isBare || !("chat" in this.root.dataset);
  }

  /** There is no conversation at all. */
  private get isBare(): boolean {
    const { open, snoozed, closed, held, spam } = this.state.counts!;
    return open + snoozed + closed + held + spam === 0;
  }

  /** Labels that one may narrow to. */
  private writeLabels(): void {
    const select = part<HTMLSelectElement>(this.root, "labels-filter");
    const { label } = this.state.view;
    const known = [...new Set([...this.state.labels, ...(label ? [label] : [])])].sort((one, other) => one.localeCompare(other));
    if (known.join("\n") !== [...select.options].slice(1).map(({ value }) => value).join("\n") && document.activeElement !== select) {
      select.replaceChildren(new Option("Any label", ""), ...known.map((one) => new Option(one, one)));
    }
    select.value = label;
    select.hidden = known.length === 0;
  }

  private shown(conversation: Conversation): ReturnType<ConstructorParameters<typeof InboxList>[1]["show"]> {
    const visitor = conversation.visitor ? this.present?.byKey.get(conversation.visitor) : undefined;
    return {
      name: this.nameOf(conversation), page: visitor ? (visitor.trail.at(-1)?.path ?? "") : null, isOpen: conversation.room === this.open.room, href: this.href(conversation.room),
    };
  }

  private nameOf(conversation: Conversation): string {
    const { visitor } = conversation;
    const place = visitor ? (this.places.get(visitor) ?? (this.open.room === conversation.room ? placeOf(this.pane.origin) : "")) : "";
    return customerName(conversation, place);
  }

  /** Who is on the site now. */
  private seen(present: VisitorsView | null): void {
    this.present = present;
    for (const { visitor } of this.state.known.values()) {
      const seen = visitor ? present?.byKey.get(visitor) : undefined;
      if (seen) this.places.set(seen.key, placeOf(seen));
    }
    this.write.changed();
    this.redraw.soon(this.drawList);
  }

  /** Looks at another folder, label or words. */
  private look(view: View, isPushed = true): void {
    this.state.look(view);
    for (const link of this.root.querySelectorAll<HTMLElement>("a[data-folder]")) {
      if (link.dataset["folder"] === view.folder) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    part(this.root, "rows").setAttribute("aria-label", FOLDER_NAMES[view.folder]);
    const search = this.root.querySelector<HTMLInputElement>("#inbox-q")!;
    if (document.activeElement !== search) search.value = view.q;
    part<HTMLAnchorElement>(this.root, "to-list").href = this.href(null);
    this.remember(this.open.room, isPushed);
    void this.read("anew");
  }

  private search(typed: string): void {
    const { view } = this.state;
    const q = beginning(typed, SEARCH_BYTES_MAX);
    if (q === view.q) return;
    if (view.q === "") this.folderBefore = view.folder;
    const folder = q === "" ? this.folderBefore : view.q === "" ? "all" : view.folder;
    this.look({ ...view, q, folder }, false);
  }

  // The conversation

  /** `isThere`: the address is its own already. */
  private async show(room: string, how: { isThere?: boolean } = {}): Promise<void> {
    this.step("talk");
    if (this.open.room === room) return this.open.focus();
    part(this.root, "choose").hidden = true;
    part(this.root, "visitor").hidden = false;
    if (!how.isThere) this.remember(room, true);
    this.list.mark(room);
    try {
      const shown = this.open.show(room, this.state.known.get(room), () => this.api.one(room));
      this.drawListNow("");
      const { agents, conversation, public_rooms: rooms } = await shown;
      if (this.open.room !== room) return;
      this.agents = agents;
      this.rooms = rooms;
      this.take(conversation, "");
      this.titled();
      this.drawListNow("");
      if (!how.isThere) this.open.focus();
      if (location.hash.length > 1) this.open.goTo(location.hash.slice(1));
    } catch (error) {
      if (this.open.room !== room) return;
      const isGone = error instanceof Refused && error.status === 404;
      this.trouble(isGone ? "There is no such conversation here, or no longer." : wordsOf(error), isGone ? undefined : () => void this.show(room, { isThere: true }));
      this.leave();
    }
  }

  /** No conversation is open. */
  private leave(): void {
    this.open.close();
    part(this.root, "choose").hidden = false;
    part(this.root, "talk-inside").hidden = true;
    part(this.root, "visitor").hidden = true;
    this.step("list");
    this.titled();
    if (this.state.counts) this.drawListNow("");
  }

  private async act(deed: Deed, room: string): Promise<void> {
    try {
      const changed = await this.api.change(room, deed);
      this.take(changed, "moved");
      say(part(this.root, "announcer"), DONE.find(([what]) => what in deed)?.[1] ?? "");
      this.notice.healed();
    } catch (error) {
      this.trouble(wordsOf(error), () => void this.act(deed, room));
    }
  }

  /** What a key is for: the conversation whose row has the focus, or the one that is open. */
  private target(): Conversation | null {
    const { current } = this.list;
    const inList = current !== null && part(this.root, "rows").contains(document.activeElement);
    return inList ? (this.state.known.get(current) ?? null) : this.open.conversation;
  }

  /** From the row that the keys are at; at first to the first one. */
  private move(by: number): void {
    const begins = this.open.room === null && !part(this.root, "rows").contains(document.activeElement);
    begins ? this.list.focusCurrent() : this.list.move(by);
  }

  private onTarget(does: (conversation: Conversation, at: HTMLElement) => void): void {
    const target = this.target();
    const focused = document.activeElement as HTMLElement;
    if (target) does(target, part(this.root, "rows").contains(focused) ? focused : part(this.root, "more"));
  }

  private async answer(which: "said" | "noted"): Promise<void> {
    const target = this.target();
    if (target && target.room !== this.open.room) await this.show(target.room);
    else this.step("talk");
    this.open.answer(which);
  }

  private step(step: "list" | "talk" | "visitor"): void {
    this.root.dataset["step"] = step;
    part(this.root, "to-visitor").ariaExpanded = String(step === "visitor");
  }

  private alert(conversation: Conversation): void {
    const before = this.state.known.get(conversation.room);
    const { last, last_by, last_at, verdict, blocked, assignee, preview, room } = conversation;
    const isNews = last_by === "customer" && (before ? last > before.last : Date.now() + this.line.clockDifference - last_at < NEWS_MS);
    if (!isNews || verdict !== "ham" || blocked || (assignee !== null && assignee !== this.me)) return;
    const name = this.nameOf(conversation);
    if (room !== this.open.room) say(part(this.root, "announcer"), `${name} writes: ${preview}`);
    this.alerts.tell({ title: name, text: preview, tag: `${room}/${last}`, href: this.href(room) });
  }

  // The page

  private listen(): void {
    const { root } = this;
    part(root, "tools").hidden = false;
    for (const name of ["canned", "help"]) part(root, name).hidden = false;
    part(root, "canned").addEventListener("click", () => this.canned.open());
    part(root, "write").hidden = !("chat" in root.dataset);
    part(root, "write").addEventListener("click", () => this.write.open());
    const keys = new InboxKeys({
      move: (by) => this.move(by), open: () => this.list.current && void this.show(this.list.current),
      reply: () => void this.answer("said"), note: () => void this.answer("noted"),
      close: () => this.onTarget(({ state, room }) => void this.act(state === "closed" ? { reopen: true } : { close: true }, room)),
      assign: () => this.onTarget(({ room }) => void this.act({ assign: this.me }, room)),
      snooze: () => this.onTarget((conversation, at) => this.deeds.openSnooze(at, conversation)), labels: () => this.onTarget((conversation) => this.deeds.openLabels(conversation)),
      retell: () => this.onTarget((conversation) => conversation.room === this.open.room && this.deeds.openRetelling(conversation)),
      search: () => root.querySelector<HTMLInputElement>("#inbox-q")!.focus(), back: (from) => this.back(from),
    });
    part(root, "help").addEventListener("click", () => keys.open());
    root.addEventListener("click", (event) => this.clicked(event));
    this.listenToSearch();
    part(root, "to-list").addEventListener("click", (event) => {
      event.preventDefault();
      this.toList();
    });
    part(root, "to-visitor").addEventListener("click", () => {
      this.step(root.dataset["step"] === "visitor" ? "talk" : "visitor");
      part(root, "from-visitor").focus();
    });
    part(root, "from-visitor").addEventListener("click", () => this.fromVisitor());
    addEventListener("popstate", (event) => this.went(event.state as { room: string | null; view: View } | null));
    addEventListener("pagehide", () => this.open.leavePage());
    document.addEventListener("visibilitychange", () => !document.hidden && this.countSoon());
  }

  private listenToSearch(): void {
    const search = this.root.querySelector<HTMLInputElement>("#inbox-q")!;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const go = () => {
      clearTimeout(waiting);
      this.search(search.value.trim());
    };
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(go, SEARCH_MS);
    });
    part(this.root, "find").addEventListener("submit", (event) => {
      event.preventDefault();
      go();
      this.list.focusCurrent();
    });
    part<HTMLSelectElement>(this.root, "labels-filter").addEventListener("change", (event) => {
      this.look({ ...this.state.view, label: (event.target as HTMLSelectElement).value });
    });
  }

  /** Links of the page go without loading it anew, where that is all that is wanted. */
  private clicked(event: MouseEvent): void {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest<HTMLElement>("a[data-open], a[data-folder], [data-room] > a");
    if (!link) return;
    event.preventDefault();
    const { folder } = link.dataset;
    if (folder) return this.look({ ...this.state.view, folder: folder as Folder });
    void this.show(link.dataset["open"] ?? link.closest<HTMLElement>("[data-room]")!.dataset["room"]!);
  }

  /** From the field to the thread, from there to the list; on a small page a step back. */
  private back(from: Element): void {
    if (this.root.dataset["step"] === "visitor" && from.closest("[data-part=visitor]")) return this.fromVisitor();
    if (from.closest(".answer")) return this.open.focus();
    const search = from.closest<HTMLInputElement>("#inbox-q");
    if (search) {
      search.value = "";
      this.search("");
      return this.list.focusCurrent();
    }
    if (this.open.room && from.closest("[data-part=talk]")) this.toList();
  }

  /** The conversation stays open where there is room for both. */
  private toList(): void {
    if (matchMedia("(max-width: 760px)").matches) {
      this.leave();
      this.remember(null, true);
    }
    this.list.focusCurrent();
  }

  private fromVisitor(): void {
    this.step("talk");
    part(this.root, "to-visitor").focus();
  }

  private lined(state: LineState): void {
    this.root.dataset["state"] = state;
    part(this.root, "lost").hidden = state !== "lost";
    part(this.root, "signed-out").hidden = state !== "signed-out";
    if (state === "open") this.open.sendAgain();
  }

  private tick(): void {
    if (document.hidden) return;
    this.pane.tick();
    this.head.tick();
    if (new Date().getSeconds() % 10 === 0) this.list.tick();
  }

  private trouble(problem: string, retry?: () => void): void {
    this.notice.tell(problem, retry);
  }

  private titled(): void {
    const { conversation } = this.open;
    const inbox = this.root.querySelector("h1")!.textContent;
    this.mark.name(conversation ? `${this.nameOf(conversation)} · ${inbox} · Watchfire` : `${inbox} · Watchfire`);
  }

  private href(room: string | null): string {
    const { folder, label, q } = this.state.view;
    const query = new URLSearchParams({ ...(folder === "open" ? {} : { folder }), ...(label ? { label } : {}), ...(q ? { q } : {}) }).toString();
    return `${this.base}${room ? `/${room}` : ""}${query ? `?${query}` : ""}`;
  }

  private remember(room: string | null, isPushed: boolean): void {
    const known = { room, view: this.state.view };
    if (isPushed) history.pushState(known, "", this.href(room));
    else history.replaceState(known, "", this.href(room));
  }

  /** Back or forward in the browser. */
  private went(known: { room: string | null; view: View } | null): void {
    if (!known) return;
    const { folder, label, q } = this.state.view;
    if (known.view.folder !== folder || known.view.label !== label || known.view.q !== q) {
      this.state.look(known.view);
      this.look(known.view, false);
      history.replaceState(known, "", location.href);
    }
    if (known.room === null) this.leave();
    else void this.show(known.room, { isThere: true });
  }
}

/** As much of the text as fits. */
function beginning(text: string, bytesMax: number): string {
  let fits = text;
  while (new TextEncoder().encode(fits).length > bytesMax) fits = [...fits].slice(0, -1).join("");
  return fits;
}

function wordsOf(error: unknown): string {
  return error instanceof Refused ? error.message : "The server cannot be reached right now. Try again in a moment.";
}

const root = document.querySelector<HTMLElement>("[data-inbox]");
if (root) new InboxPage(root).start();
