// What the page asks for: `watchfire('event', name, props)`, `watchfire('identify', identity, props)`, `watchfire('ignore')`.
import { hit } from "./delivery";
import { guard } from "./guard";
import { Key, memory } from "./memory";
import type { Props } from "./protocol";

type Call = [verb: "event" | "identify" | "ignore", subject?: any, props?: Props];

declare global {
  var watchfire: { (...call: Call): void; q?: Call[] };
}

export const receive: typeof watchfire = guard((verb: Call[0], subject?: any, props?: Props): unknown =>
  verb == "ignore"
    ? memory(Key.Ignore, subject != false || "")
    : // Of the two the server reads the one that belongs to the kind. Whoever is described for the chat has an id.
      hit(verb, { name: "" + subject, identity: "" + (subject.id || subject), props }),
);

/** Answers calls from now on, and those that came before the script. */
export const answerCalls = (): void => {
  guard(() => watchfire.q!.map((call) => receive(...call)))();
  watchfire = receive;
};
