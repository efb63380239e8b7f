// Above a conversation: the commit that says it fixes what the customer wrote about, and in which release that is; whoever answers closes it with words
// that they may better before the customer is told.
import { make, part, say } from "./element";
import type { Conversation, Deed, InboxFix } from "./inbox-protocol";
import { dialog } from "./reports-dialog";
import { commitLink } from "./room-message";
import { freshId } from "./room-api";

/** As the server counts. */
const WORDS_BYTES_MAX = 1_000;

export class FixNotice {
  private readonly words: HTMLElement;
  private readonly close: HTMLElement;
  private readonly closing: ClosingDialog;
  private conversation: Conversation | null = null;

  constructor(private readonly root: HTMLElement, act: (deed: Deed, room: string) => void) {
    this.words = part(root, "fix-words");
    this.close = part(root, "fix-close");
    this.closing = new ClosingDialog(act);
    this.close.addEventListener("click", () => this.conversation && this.closing.open(this.conversation));
  }

  show(conversation: Conversation): void {
    this.conversation = conversation;
    const { fix, state, is_call } = conversation;
    this.root.hidden = !fix;
    if (!fix) return;
    const isClosed = state === "closed";
    this.words.replaceChildren(isClosed ? "Fixed by " : "A commit says that it fixes this: ", commitLink(fix.commit), " ", make("bdi", "", fix.commit.subject), ...releaseOf(fix));
    this.close.hidden = isClosed || is_call;
  }
}

function releaseOf({ repository, release }: InboxFix): (Node | string)[] {
  if (!release) return [];
  const link = make("a");
  link.href = `/releases?${new URLSearchParams({ repository, tag: release })}`;
  link.append(make("bdi", "", release));
  return [" · in ", link];
}

/** What the customer is told. */
class ClosingDialog {
  private readonly box = dialog("Close and tell the customer", "closing-dialog");
  private readonly field = make("textarea");
  private readonly problem = make("p", "error");
  private readonly hint = make("p", "hint");
  private room = "";
  /** The same as long as the same is sent. */
  private id = "";

  constructor(private readonly act: (deed: Deed, room: string) => void) {
    const element = make("div", "field");
    const label = make("label", "", "What the customer is told");
    this.field.id = "closing-words";
    this.field.rows = 4;
    this.field.dir = "auto";
    label.htmlFor = this.field.id;
    this.problem.setAttribute("role", "alert");
    element.append(label, this.field, this.hint);
    const button = make("button", "button primary", "Tell them, and close it");
    button.type = "submit";
    const row = make("div", "row");
    row.append(button);
    this.box.form.noValidate = true;
    this.box.body.append(element, this.problem, row);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open({ room, fix, email }: Conversation): void {
    this.room = room;
    this.id = freshId();
    this.field.value = fix?.answer || `This is fixed now: ${fix?.commit.subject ?? ""}`;
    say(this.hint, email ? "They read it in the chat, or by mail when they are away." : "They read it in the chat.");
    say(this.problem, "");
    this.box.element.showModal();
    this.field.focus();
  }

  private submit(): void {
    const words = this.field.value.trim();
    const bytes = new TextEncoder().encode(words).length;
    const problem = words === "" ? "Say something, or close it with the button above the conversation."
      : bytes > WORDS_BYTES_MAX ? `This is too long: ${bytes} bytes, and at most ${WORDS_BYTES_MAX} fit.` : "";
    say(this.problem, problem);
    if (problem) return this.field.focus();
    this.box.element.close();
    this.act({ close_saying: { id: this.id, words } }, this.room);
  }
}
