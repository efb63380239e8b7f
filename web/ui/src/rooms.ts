// The list of rooms: what is unread counts up while one looks.
import { part } from "./element";
import { connectToHub } from "./hub";
import type { Page } from "./room-protocol";

/** As many as one connection follows. */
const FOLLOWED_MAX = 300;

const rows = [...document.querySelectorAll<HTMLElement>("[data-rooms] .room-row[data-room]")].slice(0, FOLLOWED_MAX);
const first = rows[0];
if (first) {
  const line = connectToHub(`room/${first.dataset["room"]}`, null, () => {});
  for (const row of rows) {
    const count = (data: unknown) => show(row, ((data as Page).room?.last ?? 0) - Number(row.dataset["read"]));
    line.subscribe(`room/${row.dataset["room"]}`, undefined, { jumps: true, snapshot: count, delta: count });
  }
  line.start();
}

function show(row: HTMLElement, unread: number): void {
  row.classList.toggle("unread", unread > 0);
  const number = part(row, "unread");
  number.textContent = String(Math.max(0, unread));
  number.parentElement!.hidden = unread <= 0;
}
