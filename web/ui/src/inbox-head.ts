// What stands above a conversation: with whom, how far it is, who else looks at it, and what may be done.
import { make, part, say } from "./element";
import type { Deeds } from "./inbox-deeds";
import { FixNotice } from "./inbox-fix";
import { RetellingNotice } from "./inbox-retelling";
import type { Conversation, Deed } from "./inbox-protocol";
import { fullTime, waited } from "./inbox-words";

export interface HeadContext {
  deeds: Deeds;
  act: (deed: Deed, room: string) => void;
  askScreen: () => void;
}

export class TalkHead {
  private readonly name: HTMLElement;
  private readonly about: HTMLElement;
  private readonly labels: HTMLElement;
  private readonly looking: HTMLElement;
  private readonly assign: HTMLButtonElement;
  private readonly close: HTMLButtonElement;
  private readonly verdict: HTMLElement;
  private readonly fix: FixNotice;
  private readonly retelling: RetellingNotice;
  private conversation: Conversation | null = null;

  constructor(private readonly root: HTMLElement, private readonly context: HeadContext) {
    this.name = part(root, "talk-name");
    this.about = part(root, "talk-about");
    this.labels = part(root, "talk-labels");
    this.looking = part(root, "talk-looking");
    this.assign = part<HTMLButtonElement>(root, "assign");
    this.close = part<HTMLButtonElement>(root, "close");
    this.verdict = part(root, "verdict");
    this.fix = new FixNotice(part(root, "fix"), context.act);
    this.retelling = new RetellingNotice(part(root, "retelling"), context.act);
    this.listen();
  }

  show(conversation: Conversation, name: string): void {
    this.conversation = conversation;
    say(this.name, name);
    say(this.assign, conversation.assignee ? conversation.assignee_name : "Assign");
    this.assign.classList.toggle("assigned", conversation.assignee !== null);
    this.assign.title = "Who looks after it (a: me)";
    this.assign.setAttribute("aria-label", conversation.assignee ? `Looked after by ${conversation.assignee_name}` : "Assign: nobody looks after it");
    say(this.close, conversation.state === "closed" ? "Reopen" : "Close");
    this.labels.replaceChildren(...conversation.labels.map((label) => make("bdi", "badge label", label)));
    part(this.root, "ask-screen").hidden = !mayAsk("ask-screen", conversation);
    this.showVerdict(conversation);
    this.fix.show(conversation);
    this.retelling.show(conversation);
    this.tick();
  }

  /** Time goes on. */
  tick(): void {
    const { conversation } = this;
    if (!conversation) return;
    const now = Date.now();
    const { state, until, waiting_since, is_call, is_revoked } = conversation;
    const words = state === "snoozed" && until !== null ? `Snoozed until ${fullTime(until, now)}`
      : state === "closed" ? "Closed"
      : is_call ? "Your team wrote first; no answer yet"
      : waiting_since !== null ? `Waiting ${waited(now - waiting_since)}` : "Answered";
    say(this.about, is_revoked ? `${words} · access revoked` : words);
    this.about.classList.toggle("waits", state === "open" && waiting_since !== null);
  }

  showLooking(words: string): void {
    say(this.looking, words);
  }

  private listen(): void {
    const { deeds, act, askScreen } = this.context;
    const on = (name: string, does: (conversation: Conversation, button: HTMLElement) => void) => {
      const button = part(this.root, name);
      button.addEventListener("click", () => this.conversation && does(this.conversation, button));
    };
    on("assign", (conversation, button) => deeds.openAssign(button, conversation));
    on("snooze", (conversation, button) => deeds.openSnooze(button, conversation));
    on("labels", (conversation) => deeds.openLabels(conversation));
    on("more", (conversation, button) => deeds.openMore(button, conversation, this.unseen(conversation)));
    on("close", ({ state, room }) => act(state === "closed" ? { reopen: true } : { close: true }, room));
    on("ask-screen", () => askScreen());
    on("ham", ({ blocked, verdict, room }) => act(verdict === "ham" && blocked ? { block: false } : { verdict: "ham" }, room));
    on("spam", ({ room }) => act({ verdict: "spam" }, room));
  }

  /** What has no button of its own on a small page. */
  private unseen(conversation: Conversation): [string, () => void][] {
    const { deeds, askScreen } = this.context;
    const more = part(this.root, "more");
    const all: [string, string, () => void][] = [
      ["assign", "Who looks after it…", () => deeds.openAssign(more, conversation)],
      ["snooze", "Snooze…", () => deeds.openSnooze(more, conversation)],
      ["labels", "Labels…", () => deeds.openLabels(conversation)],
      ["ask-screen", "Ask to see the screen", askScreen],
    ];
    return all.filter(([name]) => part(this.root, name).offsetParent === null && mayAsk(name, conversation)).map(([, words, does]) => [words, does]);
  }

  /** Of what is held, or is none of ours: why, and the way back. */
  private showVerdict({ verdict, blocked }: Conversation): void {
    this.verdict.hidden = verdict === "ham" && !blocked;
    if (this.verdict.hidden) return;
    const [strong, words] = verdict === "held" ? ["The filter takes this for spam.", "Nobody was told of it. What do you say?"]
      : verdict === "spam" ? ["This is spam.", "Nobody is told of what they say."]
      : ["This customer is blocked.", "Nobody is told of what they say."];
    this.verdict.querySelector("strong")!.textContent = strong;
    say(part(this.verdict, "verdict-words"), words);
    say(part(this.root, "ham"), verdict === "ham" ? "Unblock" : "Not spam");
    part(this.root, "spam").hidden = verdict !== "held";
  }
}

/** Nobody is there to show a screen in one that is over, or that nobody answered yet. */
function mayAsk(name: string, { state, is_call, is_revoked }: Conversation): boolean {
  return name !== "ask-screen" || (state !== "closed" && !is_call && !is_revoked);
}
