// One conversation's row in the list.
import { make, makePath, say } from "./element";
import type { Conversation } from "./inbox-protocol";
import { initials, shortTime, waited } from "./inbox-words";
import { face } from "./room-message";

export interface Shown {
  conversation: Conversation;
  name: string;
  /** The page that the customer is on now; null: they are not here. */
  page: string | null;
  /** It is no longer in this folder. */
  isGone: boolean;
  isOpen: boolean;
  href: string;
}

export class InboxRow {
  readonly element = make("li", "inbox-row");
  readonly link = make("a", "inbox-link");
  private readonly name = make("bdi", "inbox-name");
  private readonly time = make("time", "inbox-time number");
  private readonly preview = make("span", "inbox-preview");
  private readonly text = make("bdi");
  private readonly side = make("span", "inbox-side");
  private readonly marks = make("span", "inbox-marks");
  private readonly waits = make("span", "inbox-waits");
  private readonly here = make("span", "inbox-here");
  private readonly face = make("span", "inbox-face");
  private readonly labels = make("span", "inbox-labels");
  private readonly assignee = make("span", "inbox-assignee");
  private written = "";
  private conversation: Conversation | null = null;

  constructor(room: string) {
    this.element.dataset["room"] = room;
    this.link.dataset["open"] = room;
    this.preview.append(this.side, this.text);
    this.preview.dir = "auto";
    this.marks.append(this.waits, this.here, this.labels, this.assignee);
    this.link.append(this.face, this.name, this.time, this.preview, this.marks);
    this.element.append(this.link);
  }

  write(shown: Shown, index: number, count: number): void {
    this.element.ariaPosInSet = String(index + 1);
    this.element.ariaSetSize = String(count);
    const { conversation, name, page, isGone, isOpen, href } = shown;
    const mark = [conversation.version, name, page, isGone, isOpen, href].join("\u0000");
    if (mark === this.written && conversation === this.conversation) return;
    this.written = mark;
    this.conversation = conversation;
    this.link.href = href;
    if (isOpen) this.link.setAttribute("aria-current", "true");
    else this.link.removeAttribute("aria-current");
    this.element.className = ["inbox-row", conversation.waiting_since !== null && "waits", isGone && "gone"].filter(Boolean).join(" ");
    this.writeWho(conversation, name, page);
    say(this.name, name);
    this.time.dateTime = new Date(conversation.last_at).toISOString();
    const isOurs = conversation.last_by === "agent";
    this.side.replaceChildren(...(isOurs ? [arrow(), make("span", "sr-only", "Your team: ")] : []));
    say(this.text, conversation.preview || "A file");
    this.writeMarks(conversation, isGone);
    this.tick(Date.now());
  }

  /** Time goes on. */
  tick(now: number): void {
    if (!this.conversation) return;
    const { last_at, waiting_since } = this.conversation;
    say(this.time, shortTime(last_at, now));
    this.waits.hidden = waiting_since === null;
    if (waiting_since !== null) say(this.waits, `waiting ${waited(now - waiting_since)}`);
  }

  private writeWho({ visitor, room }: Conversation, name: string, page: string | null): void {
    const mark = face(visitor ?? room, name);
    if (page !== null) mark.append(make("span", "live-dot"));
    this.face.replaceChildren(mark);
    this.here.hidden = page === null;
    if (page !== null) this.here.replaceChildren(make("span", "sr-only", "on the site now, at "), makePath("", page));
  }

  private writeMarks({ labels, assignee, assignee_name, state, verdict }: Conversation, isGone: boolean): void {
    const words = [...(isGone ? [state === "open" ? "moved" : state] : []), ...(verdict === "ham" ? [] : [verdict])];
    this.labels.replaceChildren(...words.map((word) => make("span", "badge", word)), ...labels.map((label) => make("bdi", "badge label", label)));
    this.assignee.hidden = assignee === null;
    this.assignee.title = assignee_name;
    const letters = make("span", "", initials(assignee_name));
    letters.setAttribute("aria-hidden", "true");
    this.assignee.replaceChildren(letters, make("span", "sr-only", `looked after by ${assignee_name}`));
  }
}

/** Said by the team. */
function arrow(): HTMLElement {
  const mark = make("span", "", "↩ ");
  mark.setAttribute("aria-hidden", "true");
  return mark;
}
