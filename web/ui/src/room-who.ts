// What somebody is, beside what they call themselves: guests and bots are not taken for a member.
import { make } from "./element";
import type { RoomState } from "./room-state";

export type Kind = "member" | "bot" | "guest";

export function kindOf(who: string): Kind {
  if (who.startsWith("GU-")) return "guest";
  return who.startsWith("BT-") ? "bot" : "member";
}

/** A name where there are no badges. */
export function inWords(who: string, name: string): string {
  const kind = kindOf(who);
  return kind === "member" ? name : `${name} (${kind})`;
}

/** What somebody is called among those who are in the room, and what they are there: nobody passes for another of the same name. */
export function calledIn(state: RoomState, who: string, name: string): { shown: string; badges: HTMLElement[] } {
  const shown = name === state.names[who] ? (state.namesakes.get(who) ?? name) : name;
  const host = state.hosts.has(who) ? [make("span", "badge", "host")] : [];
  return { shown, badges: [...host, ...badgeOf(who)] };
}

/** For whoever has no account; nothing for all others. */
export function badgeOf(who: string): HTMLElement[] {
  const kind = kindOf(who);
  return kind === "member" ? [] : [make("span", "badge", kind)];
}
