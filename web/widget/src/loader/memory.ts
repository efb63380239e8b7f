// What the page keeps: the customer's secret from when they speak, and for as long as the tab lives that they left the panel open. Storage may be
// missing, full or forbidden.
import { site } from "./place";

/** Where the secret stands. */
export const SECRET = `wf-chat ${site}`;
/** Where it stands that the panel is open. */
export const OPEN = `${SECRET} open`;

/** What is kept there, after keeping the value if one is given; of an empty one nothing is kept. */
export function memory(place: "localStorage" | "sessionStorage", key: string, value?: string | false | null): string | undefined {
  try {
    const storage = self[place];
    if (value) storage[key] = value;
    else if (value !== undefined) delete storage[key];
    return storage[key] as string | undefined;
  } catch {
    return undefined;
  }
}
