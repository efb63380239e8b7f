// What is known of a visitor as elements: facts, open pages, their way through the site.
import { make, makePath } from "./element";
import { botReason, duration, placeName, valueName, versioned } from "./format";
import type { Clock } from "./format";
import { placeMark } from "./place-mark";
import type { Visitor } from "./protocol";

/** What stands in both the live visitor and the last visit of history. */
export type Origin = Pick<Visitor, "source" | "channel" | "referrer" | "campaign" | "country" | "region" | "city" | "device" | "browser" | "browser_version" | "os" | "os_version" | "language"> & { bot?: string | null };

/** Names and values of a list of facts; what is not known is left out. */
export function factsOf(visitor: Origin): HTMLElement[] {
  const place = make("span", "with-mark");
  place.append(placeMark(visitor.country), make("bdi", "", placeName(visitor)));
  const facts: [string, string | HTMLElement][] = [
    ["Source", valueName("source", visitor.source)],
    ["Channel", valueName("channel", visitor.channel)],
    ["Referrer", visitor.referrer],
    ["Campaign", visitor.campaign],
    ["Place", place],
    ["Device", valueName("device", visitor.device)],
    ["Browser", versioned(visitor.browser, visitor.browser_version)],
    ["System", versioned(visitor.os, visitor.os_version)],
    ["Language", valueName("language", visitor.language)],
    ["Judged a bot", visitor.bot ? botReason(visitor.bot) : ""],
  ];
  return facts.filter(([, value]) => value !== "").flatMap(([name, value]) => {
    const described = make("dd");
    described.append(typeof value === "string" ? make("bdi", "", value) : value);
    return [make("dt", "", name), described];
  });
}

/** A page that is open, and how far it was read. */
export function openPage(page: Visitor["pages"][number]): HTMLElement {
  const item = make("li", "open-page");
  const dot = make("span", page.active ? "presence active" : "presence idle");
  dot.setAttribute("aria-hidden", "true");
  const read = make("span", "open-page-read");
  const bar = make("span", "bar");
  bar.style.setProperty("--share", String(Math.min(1, page.scroll / 100)));
  read.append(bar, make("span", "open-page-share", `${page.scroll}% read`));
  item.append(dot, makePath("trail-path", page.path), read);
  return item;
}

/** The way through the site, the current page first; how long that lasts stands at `data-current`. */
export function trailOf(trail: Visitor["trail"], clock: Clock, now: number): HTMLElement[] {
  return trail.map((step, index) => {
    const item = make("li");
    const next = trail[index + 1];
    const stayed = make("span", "trail-stay", duration((next?.at ?? now) - step.at));
    if (!next) stayed.dataset["current"] = "";
    const at = make("time", "trail-time", clock.toSecond(step.at));
    at.dateTime = new Date(step.at).toISOString();
    item.append(makePath("trail-path", step.path), at, stayed);
    return item;
  }).reverse();
}

/** A key begins with the visitor's id; what follows tells browsers apart and is in no history. */
export function idOf(key: string): string {
  return key.split("-")[0]!;
}

/** Enough of the key to tell two apart by eye. */
export function shortName(key: string): string {
  return key.replace(/[^0-9a-zA-Z]/g, "").slice(0, 6);
}
