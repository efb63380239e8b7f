// What went wrong, in the customer's language, and how to go on.
import { Refused } from "../../../ui/src/room-api";
import { offline, off, refused, tooMuch, unreachable } from "../words";
import type { Speech } from "./speech";

export function explain(error: unknown, speech: Speech): string {
  if (!(error instanceof Refused)) return speech.say(navigator.onLine ? unreachable : offline);
  if (error.status === 429) return speech.say(tooMuch, { seconds: speech.number(Math.max(1, error.seconds)) });
  if (error.status >= 500) return speech.say(unreachable);
  return error.status === 404 ? speech.say(off) : speech.say(refused, { code: error.code });
}

/** The secret opens nothing any more. (A chat that is turned off answers 404, and may be turned on again.) */
export function isGone(error: unknown): boolean {
  return error instanceof Refused && error.status === 401;
}
