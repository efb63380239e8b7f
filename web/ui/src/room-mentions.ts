// People by name in what is written: offered as one types @, sent by their ids, and shown by their names again.
import { make } from "./element";
import { badgeOf, kindOf } from "./room-who";
import type { Kind } from "./room-who";
import { Suggestions } from "./suggestions";
import type { Member } from "./room-protocol";

/** What stands behind an @ at the caret. */
const BEGUN = /(?:^|[\s(])@([^\s@]{0,40})$/;
const ID = /@((?:AC|GU|BT)-[0-9A-HJKMNP-TV-Z]{8})/g;

type Named = Pick<Member, "who" | "name">;

/** Addresses and code: what looks like a name there is none. */
const NO_NAMES = String.raw`^[^\S\n]*\x60{3}[\s\S]*?(?:^[^\S\n]*\x60{3}|(?![\s\S]))|\x60[^\x60\n]*\x60|\p{L}+:\/\/\S+|(?:[\p{L}\p{N}\-]+\.)+\p{L}+\/\S*`;
/** A name stands alone: not within a word, an address of mail, or the name of a package. */
const BEFORE = String.raw`(^|[^\p{L}\p{M}\p{N}_@])`;
const BEHIND = String.raw`(?![\p{L}\p{M}\p{N}_@]|[.\-\/][\p{L}\p{N}])`;
const KINDS: Kind[] = ["member", "bot", "guest"];

/** By names that nobody shares: those of one name by what they are, and by a number. A name alone is that of the one member who has it. */
export function toldApart(members: Named[]): Named[] {
  const sorted = members.filter(({ name }) => name).sort((one, other) => rank(one) - rank(other) || (one.who < other.who ? -1 : 1));
  const namesakes = new Map<string, Named[]>();
  for (const member of sorted) namesakes.set(member.name, [...(namesakes.get(member.name) ?? []), member]);
  const taken = new Set(namesakes.keys());
  return sorted.map(({ who, name }) => {
    const all = namesakes.get(name)!;
    const kind = kindOf(who);
    const like = all.filter((other) => kindOf(other.who) === kind);
    if (all.length === 1 || (kind === "member" && like.length === 1)) return { who, name };
    let number = like.findIndex((other) => other.who === who) + 1;
    let told = like.length === 1 ? `${name} (${kind})` : `${name} (${kind} ${number})`;
    while (taken.has(told)) told = `${name} (${kind} ${(number += 1)})`;
    taken.add(told);
    return { who, name: told };
  });
}

function rank({ who }: Named): number {
  return KINDS.indexOf(kindOf(who));
}

/** Names that stand alone behind an @, as ids; longer ones first, so that nobody is cut short by a namesake. */
export function toIds(text: string, members: Named[]): string {
  const named = new Map(toldApart(members).filter(({ name }) => text.includes(`@${name}`)).map(({ who, name }) => [name, who]));
  if (named.size === 0) return text;
  const names = [...named.keys()].sort((one, other) => other.length - one.length).map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  const sought = new RegExp(`${NO_NAMES}|${BEFORE}@(${names.join("|")})${BEHIND}`, "gmu");
  return text.replace(sought, (whole, before?: string, name?: string) => (name === undefined ? whole : `${before}@${named.get(name)!}`));
}

export function toNames(text: string, members: Named[]): string {
  return text.replace(ID, (whole, id: string) => {
    const name = members.find(({ who }) => who === id)?.name;
    return name ? `@${name}` : whole;
  });
}

/** The list of names above the field. */
export function offerPeople(field: HTMLTextAreaElement, members: () => Named[]): Suggestions<Named> {
  return new Suggestions(field, {
    label: "People",
    begun: BEGUN,
    fitting: (begun) => toldApart(members()).filter(({ name }) => isBegun(name, begun)),
    show: ({ who, name }) => [make("bdi", "", name), " ", ...(name.endsWith(")") ? [] : badgeOf(who))],
    text: ({ name }, begun) => ({ text: `${name} `, replaced: begun.length }),
  });
}

/** Whether the name, or a word of it, begins so; of what is begun in lower case. */
export function isBegun(name: string, begun: string): boolean {
  const lower = name.toLocaleLowerCase();
  return lower.startsWith(begun) || lower.split(/\s+/).some((word) => word.startsWith(begun));
}
