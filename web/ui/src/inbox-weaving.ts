// What a customer and their agents said, what agents noted, and what the customer did on the site meanwhile, as one thread by time. Pure.
import type { Message } from "./room-protocol";

/** Something the customer did: looked at a page, or an event of that name. */
export interface Step {
  at: number;
  path: string;
  event?: string;
}

/** What is known of one of its rooms: the messages from `oldest` on. */
export interface Told {
  messages: Message[];
  /** Nothing stands before the first of them. */
  isWhole: boolean;
}

export type Woven =
  | { kind: "said" | "noted"; at: number; message: Message }
  | { kind: "seen"; at: number; steps: Step[] }
  | { kind: "closed"; at: number };

export interface Threads {
  said: Told;
  noted: Told;
  steps: Step[];
  opened: number;
  /** Closed, and not opened again. */
  closedAt: number | null;
}

/** Each room's own order stays, whatever its clock did; steps between two messages are one line. */
export function weave(threads: Threads): Woven[] {
  const horizon = horizonOf(threads);
  const within = ({ at }: { at: number }) => at >= horizon;
  const woven: Woven[] = [];
  const said = threads.said.messages.filter(within);
  const noted = threads.noted.messages.filter(within);
  const marks: (Woven & { kind: "seen" | "closed" })[] = sinceOpened(threads)
    .filter(within)
    .map((step) => ({ kind: "seen", at: step.at, steps: [step] }));
  if (threads.closedAt !== null && threads.closedAt >= horizon) marks.push({ kind: "closed", at: threads.closedAt });
  marks.sort((one, other) => one.at - other.at);
  while (said.length + noted.length + marks.length > 0) {
    const earliest = Math.min(said[0]?.at ?? Infinity, noted[0]?.at ?? Infinity);
    // A mark stands before what was said in the same moment: they were there, and then spoke.
    if (marks[0] && marks[0].at <= earliest) put(woven, marks.shift()!);
    else if (said[0] && said[0].at <= earliest) woven.push({ kind: "said", at: said[0].at, message: said.shift()! });
    else woven.push({ kind: "noted", at: noted[0]!.at, message: noted.shift()! });
  }
  return woven;
}

/** Before this moment something is not read yet, in either room: nothing from before is shown, so that nothing comes in between later. */
export function horizonOf({ said, noted }: Threads): number {
  return Math.max(...[said, noted].map(({ messages, isWhole }) => (isWhole ? -Infinity : (messages[0]?.at ?? -Infinity))));
}

/** Which room is read on to see further back; null: all is there. */
export function nextToRead({ said, noted }: Threads): "said" | "noted" | null {
  const from = ({ messages, isWhole }: Told) => (isWhole ? -Infinity : (messages[0]?.at ?? Infinity));
  if (said.isWhole && noted.isWhole) return null;
  return from(said) >= from(noted) ? "said" : "noted";
}

/** Those since the conversation began, and the page on which it did. */
function sinceOpened({ steps, opened }: Threads): Step[] {
  const sorted = [...steps].sort((one, other) => one.at - other.at);
  const before = sorted.filter(({ at, event }) => at < opened && event === undefined).at(-1);
  return [...(before ? [{ ...before, at: opened }] : []), ...sorted.filter(({ at }) => at >= opened)];
}

/** One line for what was done one after the other; a page that is looked at again at once is one step. */
function put(woven: Woven[], mark: Woven & { kind: "seen" | "closed" }): void {
  const last = woven.at(-1);
  if (mark.kind !== "seen" || last?.kind !== "seen") {
    woven.push(mark);
    return;
  }
  const [step] = mark.steps;
  const before = last.steps.at(-1)!;
  if (step!.event === undefined && before.event === undefined && before.path === step!.path) return;
  last.steps.push(step!);
}

/** A step that is told twice, by the live visitor and by history, is one: moments may differ by so much. */
const SAME_MS = 2_000;

export function joined(history: Step[], live: Step[]): Step[] {
  const isKnown = (step: Step) => history.some(({ at, path, event }) => event === undefined && path === step.path && Math.abs(at - step.at) <= SAME_MS);
  return [...history, ...live.filter((step) => !isKnown(step))].sort((one, other) => one.at - other.at);
}
