// The list of rooms: what is unread counts up while one looks, and down where one reads it elsewhere; what is meant for oneself is told
// while one looks elsewhere. What this page cannot know, as a room that one is brought into, it reads from the server anew.
import { part } from "./element";
import { connectToHub } from "./hub";
import { PageMark } from "./page-mark";
import { Alerts } from "./room-alerts";
import type { Listener } from "./room-alerts";
import { toNames } from "./room-mentions";
import { noteOf } from "./room-state";
import { Sounds } from "./room-sounds";
import { RoomCount } from "./rooms-unread";
import type { Connection } from "./connection";
import type { Notify, Page } from "./room-protocol";

/** As many as one connection follows, with oneself. */
const FOLLOWED_MAX = 299;
/** The list is read anew at most so often. */
const READ_EVERY_MS = 2_000;

class Row {
  readonly count: RoomCount;
  readonly listener: Listener;
  unsubscribe: () => void = () => {};

  constructor(readonly element: HTMLElement, me: string) {
    const { notify, kind } = element.dataset;
    this.listener = { me, notify: notify as Notify, isDirect: kind === "direct" };
    this.count = new RoomCount(me, ...countedIn(element));
  }

  /** A room is as it is told; what is new in it is for `alerts`. False: something came that was not told. */
  told({ room, messages, names }: Page, alerts: Alerts | null): boolean {
    if (!room) return true;
    const name = this.element.querySelector(".room-link")!.textContent!;
    for (const message of this.count.take(messages ?? [], this.listener)) {
      const people = Object.entries({ ...names, [message.author]: message.name }).map(([who, name]) => ({ who, name }));
      alerts?.came(message, this.listener, name, noteOf(message, () => "somebody") ?? toNames(message.body, people));
    }
    this.show();
    return this.count.last >= room.last;
  }

  /** As the server has it now. */
  become(element: HTMLElement): void {
    this.count.become(...countedIn(element));
    this.show();
  }

  show(): void {
    const { element, count: { unread } } = this;
    element.classList.toggle("unread", unread > 0);
    const number = part(element, "unread");
    number.textContent = String(unread);
    number.parentElement!.hidden = unread === 0;
  }
}

/** The last message that was read, the last one, and how many are unread. */
function countedIn(element: HTMLElement): [number, number, number] {
  const { read, last } = element.dataset;
  return [Number(read), Number(last), Number(part(element, "unread").textContent)];
}

class RoomsPage {
  private readonly me: string;
  private readonly rows = new Map<string, Row>();
  private readonly alerts = new Alerts(new Sounds());
  private readonly mark = new PageMark();
  private line: Connection | null = null;
  private reading: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly root: HTMLElement) {
    this.me = root.dataset["me"] ?? "";
  }

  start(): void {
    if (!this.me) return;
    const topic = `person/${this.me}`;
    this.line = connectToHub(topic, null, () => {});
    this.line.subscribe(topic, undefined, { jumps: true, snapshot: () => {}, delta: (data) => this.own(data) });
    for (const element of rowsIn(this.root)) this.follow(element);
    this.line.start();
    this.count();
  }

  private follow(element: HTMLElement): void {
    if (this.rows.size >= FOLLOWED_MAX) return;
    const id = element.dataset["room"]!;
    const row = new Row(element, this.me);
    this.rows.set(id, row);
    const take = (alerts: Alerts | null) => (data: unknown) => {
      if (!row.told(data as Page, alerts)) this.readSoon();
      this.count();
    };
    const gone = () => this.readSoon();
    row.unsubscribe = this.line!.subscribe(`room/${id}`, undefined, { jumps: true, snapshot: take(null), delta: take(this.alerts), ended: gone });
  }

  /** What one did on another device, or in another tab; and where one was brought in. */
  private own(data: unknown): void {
    const { read, entered } = data as { read?: { room: string; number: number }; entered?: { room: string } };
    if (entered && !this.rows.has(entered.room)) this.readSoon();
    const row = read && this.rows.get(read.room);
    if (!row) return;
    row.count.readTo(read.number);
    row.show();
    this.count();
  }

  private readSoon(): void {
    this.reading ??= setTimeout(() => {
      this.read().catch((error: unknown) => console.info(error)).finally(() => (this.reading = undefined));
    }, READ_EVERY_MS);
  }

  /** The page as the server writes it now: rooms that are there stay where they are, new ones come first. */
  private async read(): Promise<void> {
    const answer = await fetch(location.pathname, { cache: "no-store", redirect: "error" });
    if (!answer.ok) return;
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    const list = this.root.querySelector<HTMLElement>("[data-part=mine]");
    // The first room of somebody who had none.
    if (!list) return now.querySelector("[data-part=mine]") ? location.reload() : undefined;
    const elements = new Map(rowsIn(now).map((element) => [element.dataset["room"]!, element]));
    for (const [id, row] of this.rows) {
      const element = elements.get(id);
      if (element) row.become(element);
      else {
        row.unsubscribe();
        row.element.remove();
        this.rows.delete(id);
      }
      elements.delete(id);
    }
    const fresh = [...elements.values()].filter((element) => !list.querySelector(`[data-room="${element.dataset["room"]}"]`));
    for (const element of fresh.reverse()) {
      const here = document.importNode(element, true);
      list.prepend(here);
      this.follow(here);
    }
    this.count();
  }

  private count(): void {
    const counted = [...this.rows.values()].filter(({ listener }) => listener.notify !== "nothing");
    const sum = (of: (row: Row) => number) => counted.reduce((all, row) => all + of(row), 0);
    this.mark.show(sum(({ count }) => count.unread), sum(({ count }) => count.meant));
  }
}

function rowsIn(page: ParentNode): HTMLElement[] {
  return [...page.querySelectorAll<HTMLElement>(".room-row[data-room]")];
}

new RoomsPage(document.querySelector<HTMLElement>("[data-rooms]")!).start();
