// How the inbox says it: who a customer is, how long they wait, when something was. Pure.
import type { Conversation, Folder } from "./inbox-protocol";

export const FOLDER_NAMES: Record<Folder, string> = {
  open: "Open", mine: "Mine", unassigned: "Unassigned", waiting: "Waiting", snoozed: "Snoozed", closed: "Closed", all: "All", held: "Held", spam: "Spam",
};

/** What stands in a folder where nothing does. */
export const NOTHING_IN: Record<Folder, string> = {
  open: "Nothing is open. Whatever a customer says next comes here.",
  mine: "Nothing is yours. Press a in a conversation to take it.",
  unassigned: "Everything that is open is looked after.",
  waiting: "Nobody waits for an answer.",
  snoozed: "Nothing is put off. Press s in a conversation to see it again later.",
  closed: "Nothing is closed yet.",
  held: "Nothing is held. What the filter takes for spam waits here until somebody looks.",
  spam: "No spam.",
  all: "No conversation yet.",
};

const DAY_MS = 86_400_000;
const MINUTE = { hour: "2-digit", minute: "2-digit" } as const;

/** By name, by address, by the site's own name for them; else by place, where that is known. */
export function customerName({ name, email, identity, visitor }: Pick<Conversation, "name" | "email" | "identity" | "visitor">, place = ""): string {
  const own = name || email || identity;
  if (own) return own;
  if (place) return `Visitor from ${place}`;
  return visitor ? `Visitor ${visitor.slice(0, 6)}` : "Visitor";
}

/** `a moment`, `5 min`, `3 h`, `2 d`. */
export function waited(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "a moment";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** As the browser writes it. Today by the clock, within a week by the day, before that by the date. */
export function shortTime(at: number, now: number): string {
  const moment = new Date(at);
  if (moment.toDateString() === new Date(now).toDateString()) return moment.toLocaleTimeString(undefined, MINUTE);
  if (now - at < 6 * DAY_MS && at <= now) return moment.toLocaleDateString(undefined, { weekday: "short" });
  const isThisYear = moment.getFullYear() === new Date(now).getFullYear();
  return moment.toLocaleDateString(undefined, { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) });
}

/** `today, 18:00`, `Mon, 24 Nov, 09:00`. */
export function fullTime(at: number, now: number): string {
  const moment = new Date(at);
  const time = moment.toLocaleTimeString(undefined, MINUTE);
  if (moment.toDateString() === new Date(now).toDateString()) return `today, ${time}`;
  const isThisYear = moment.getFullYear() === new Date(now).getFullYear();
  return `${moment.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) })}, ${time}`;
}

export interface Later {
  name: string;
  at: number;
}

const MORNING = 9;
/** A day of work is over then. */
const EVENING = 20;
const LATER_HOURS = 3;

/** Until when a conversation is put off, most often. By the clock of whoever asks. */
export function laters(now: Date): Later[] {
  const later = new Date(now);
  later.setHours(now.getHours() + LATER_HOURS + (now.getMinutes() > 0 ? 1 : 0), 0, 0, 0);
  const morning = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING).getTime();
  const toMonday = ((8 - now.getDay()) % 7) || 7;
  return [
    ...(later.getDate() === now.getDate() && later.getHours() <= EVENING ? [{ name: "Later today", at: later.getTime() }] : []),
    { name: "Tomorrow", at: morning(1) },
    ...(toMonday > 1 ? [{ name: "Next week", at: morning(toMonday) }] : []),
  ];
}

/** A canned answer for this customer: without a name the text does without one, and without the space before it. */
export function filledIn(text: string, name: string): string {
  return name === "" ? text.replace(/[^\S\n]*\{name\}/g, "") : text.replaceAll("{name}", () => name);
}

/** Two letters that stand for somebody. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}
