// All that the page knows of the list: which conversations stand in it, in which order, how many there are elsewhere. Pure: it is told,
// and says what it knows; nothing is fetched or drawn here.
import type { Conversation, Counted, Counts, Folder, ListPage } from "./inbox-protocol";

/** What is looked at. */
export interface View {
  folder: Folder;
  /** Empty: any. */
  label: string;
  q: string;
}

/** Where in the order: a moment, and the room. */
type Place = [number, string];

/** Of conversations that stand in no list; past as many all are forgotten with the next look. */
const KNOWN_MAX = 5_000;

export class InboxState {
  readonly known = new Map<string, Conversation>();
  counts: Counts | null = null;
  /** Something changed that was not known before: only the server can count. */
  countsAreOld = false;
  /** There is more behind what was read. */
  hasMore = true;
  /** Labels that were seen. */
  readonly labels = new Set<string>();
  private readonly listed = new Set<string>();
  /** Known from before something was missed, and not told of since. */
  private old = new Set<string>();
  private end: Place | null = null;

  constructor(private readonly me: string, public view: View) {}

  /** Looks elsewhere: nothing is read yet. */
  look(view: View): void {
    this.view = view;
    this.listed.clear();
    this.end = null;
    this.hasMore = true;
    if (this.known.size > KNOWN_MAX) this.known.clear();
  }

  /** Not all was told: what is known may be old. It stands until the list is read again. */
  doubt(): void {
    this.old = new Set(this.known.keys());
  }

  /** A page of the list as it is now; the first one stands in the place of all that were read. */
  take({ conversations, more, counts }: ListPage, isFirst: boolean): void {
    if (isFirst) {
      this.listed.clear();
      this.end = null;
      for (const room of this.old) this.known.delete(room);
      this.old.clear();
    }
    this.counts = counts;
    this.countsAreOld = false;
    this.hasMore = more && conversations.length > 0;
    const last = conversations.at(-1);
    if (last) this.end = placeIn(this.view.folder, last);
    for (const one of conversations) {
      this.know(one);
      if (this.view.q) this.listed.add(one.room);
    }
    for (const one of this.known.values()) this.list(one);
  }

  /** How many there are where, and how the first ones are: what was read stays. */
  recount({ conversations, counts }: ListPage): void {
    this.counts = counts;
    this.countsAreOld = false;
    for (const one of conversations) {
      this.know(one);
      this.list(this.known.get(one.room)!);
    }
  }

  /** It is as it is told. Whether that is news. */
  changed(conversation: Conversation): boolean {
    const before = this.known.get(conversation.room);
    if (before && before.version >= conversation.version) return false;
    this.count(before, conversation);
    this.old.delete(conversation.room);
    this.know(conversation);
    this.list(conversation);
    return true;
  }

  /** The conversations of the list, in their order. */
  rows(): Conversation[] {
    const rows = [...this.listed].map((room) => this.known.get(room)!);
    const { folder } = this.view;
    return rows.sort((one, other) => (isBehind(folder, placeIn(folder, one), placeIn(folder, other)) ? 1 : -1));
  }

  /** What the next page is asked for with; null: from the beginning. */
  get before(): string | null {
    return this.end && this.end.join("-");
  }

  /** What the page behind that one is asked for with. */
  behind(last: Conversation): string {
    return placeIn(this.view.folder, last).join("-");
  }

  private know(conversation: Conversation): void {
    const known = this.known.get(conversation.room);
    if (known && known.version > conversation.version) return;
    this.known.set(conversation.room, conversation);
    conversation.labels.forEach((label) => this.labels.add(label));
  }

  /** It stands in the list where it belongs there, and within what was read: what is behind that comes with its page. */
  private list(conversation: Conversation): void {
    const { folder, label, q } = this.view;
    const isWithin = !this.hasMore || (this.end !== null && !isBehind(folder, placeIn(folder, conversation), this.end));
    const fits = isIn(folder, conversation, this.me) && (label === "" || conversation.labels.includes(label));
    // What is searched for only the server finds.
    const isFound = q === "" || this.listed.has(conversation.room);
    if (fits && isWithin && isFound) this.listed.add(conversation.room);
    else this.listed.delete(conversation.room);
  }

  private count(before: Conversation | undefined, after: Conversation): void {
    if (!this.counts) return;
    if (!before) {
      this.countsAreOld = true;
      return;
    }
    for (const folder of Object.keys(this.counts) as Counted[]) {
      this.counts[folder] += Number(isIn(folder, after, this.me)) - Number(isIn(folder, before, this.me));
    }
  }
}

/** Whether it is in that folder: as the server says, whose decision it is. */
export function isIn(folder: Folder, { state, verdict, blocked, assignee, waiting_since }: Conversation, me: string): boolean {
  const isSpam = verdict === "spam" || (verdict === "ham" && blocked);
  if (folder === "spam") return isSpam;
  if (folder === "held") return verdict === "held";
  if (isSpam || verdict === "held") return false;
  switch (folder) {
    case "all": return true;
    case "snoozed": case "closed": return state === folder;
    case "open": return state === "open";
    case "mine": return state === "open" && assignee === me;
    case "unassigned": return state === "open" && assignee === null;
    case "waiting": return state === "open" && waiting_since !== null;
  }
}

/** Who waits longest is first where they wait; else what was said last. */
function placeIn(folder: Folder, { waiting_since, last_at, room }: Conversation): Place {
  return [folder === "waiting" ? (waiting_since ?? last_at) : last_at, room];
}

function isBehind(folder: Folder, [at, room]: Place, [endAt, endRoom]: Place): boolean {
  const isLater = at > endAt || (at === endAt && room > endRoom);
  const isSame = at === endAt && room === endRoom;
  return folder === "waiting" ? isLater : !isLater && !isSame;
}
