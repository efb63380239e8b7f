// People by name in what is written: offered as one types @, sent by their ids, and shown by their names again.
import { make } from "./element";
import { Suggestions } from "./suggestions";
import type { Member } from "./room-protocol";

/** What stands behind an @ at the caret. */
const BEGUN = /(?:^|[\s(])@([^\s@]{0,40})$/;
const ID = /@((?:AC|GU|BT)-[0-9A-HJKMNP-TV-Z]{8})/g;

type Named = Pick<Member, "who" | "name">;

/** Longer names first, so that nobody is cut short by a namesake. */
export function toIds(text: string, members: Named[]): string {
  const sorted = members.filter(({ name }) => name).sort((one, other) => other.name.length - one.name.length);
  let rest = text;
  for (const { who, name } of sorted) rest = rest.split(`@${name}`).join(`@${who}`);
  return rest;
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
    fitting: (begun) => members().filter(({ name }) => isBegun(name, begun)),
    show: ({ name }) => [make("bdi", "", name)],
    text: ({ name }, begun) => ({ text: `${name} `, replaced: begun.length }),
  });
}

/** Whether the name, or a word of it, begins so; of what is begun in lower case. */
export function isBegun(name: string, begun: string): boolean {
  const lower = name.toLocaleLowerCase();
  return lower.startsWith(begun) || lower.split(/\s+/).some((word) => word.startsWith(begun));
}
