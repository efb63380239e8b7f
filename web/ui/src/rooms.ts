// The list of rooms: what is unread counts up while one looks, and what is meant for oneself is told while one looks elsewhere.
import { part } from "./element";
import { connectToHub } from "./hub";
import { PageMark } from "./page-mark";
import { Alerts, meaning } from "./room-alerts";
import type { Listener } from "./room-alerts";
import { toNames } from "./room-mentions";
import { noteOf } from "./room-state";
import { Sounds } from "./room-sounds";
import type { Notify, Page } from "./room-protocol";

/** As many as one connection follows. */
const FOLLOWED_MAX = 300;

class Row {
  unread: number;
  /** Of those that came while one looks. */
  meant = 0;
  private last = 0;
  readonly listener: Listener;

  constructor(readonly element: HTMLElement, me: string) {
    const { notify, kind } = element.dataset;
    this.listener = { me, notify: notify as Notify, isDirect: kind === "direct" };
    this.unread = Number(part(element, "unread").textContent);
  }

  /** A room is as it is told; what is new in it is for `alerts`. */
  told({ room, messages, names }: Page, alerts: Alerts | null): void {
    if (!room) return;
    this.unread = Math.max(0, room.last - Number(this.element.dataset["read"]));
    const name = this.element.querySelector(".room-link")!.textContent!;
    for (const message of messages ?? []) {
      if (message.number <= this.last) continue;
      if (meaning(message, this.listener) === "meant") this.meant += 1;
      const people = Object.entries({ ...names, [message.author]: message.name }).map(([who, name]) => ({ who, name }));
      alerts?.came(message, this.listener, name, noteOf(message, () => "somebody") ?? toNames(message.body, people));
    }
    this.last = Math.max(this.last, room.last);
    this.show();
  }

  private show(): void {
    const { element, unread } = this;
    element.classList.toggle("unread", unread > 0);
    const number = part(element, "unread");
    number.textContent = String(unread);
    number.parentElement!.hidden = unread === 0;
  }
}

const root = document.querySelector<HTMLElement>("[data-rooms]")!;
const elements = [...root.querySelectorAll<HTMLElement>(".room-row[data-room]")].slice(0, FOLLOWED_MAX);
const rows = elements.map((element) => new Row(element, root.dataset["me"] ?? ""));
const first = rows[0];
if (first) {
  const alerts = new Alerts(new Sounds());
  const line = connectToHub(topicOf(first), null, () => {});
  for (const row of rows) {
    const take = (heard: Alerts | null) => (data: unknown) => {
      row.told(data as Page, heard);
      mark();
    };
    line.subscribe(topicOf(row), undefined, { jumps: true, snapshot: take(null), delta: take(alerts) });
  }
  line.start();
}

const page = new PageMark();
mark();

function topicOf(row: Row): string {
  return `room/${row.element.dataset["room"]}`;
}

function mark(): void {
  const counted = rows.filter(({ listener }) => listener.notify !== "nothing");
  page.show(counted.reduce((sum, { unread }) => sum + unread, 0), counted.reduce((sum, { meant }) => sum + meant, 0));
}
