// What somebody is, beside what they call themselves: guests and bots are not taken for a member.
import { make } from "./element";

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

/** For whoever has no account; nothing for all others. */
export function badgeOf(who: string): HTMLElement[] {
  const kind = kindOf(who);
  return kind === "member" ? [] : [make("span", "badge", kind)];
}
