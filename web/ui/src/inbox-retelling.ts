// A conversation told again in a public room, so that others find the answer: the customer is asked, and what they said stands above the conversation.
import { make, part, say } from "./element";
import type { Conversation, Deed, PublicRoom } from "./inbox-protocol";
import { dialog } from "./reports-dialog";

/** As the server counts. */
const TITLE_BYTES_MAX = 200;

export class RetellingNotice {
  private readonly words: HTMLElement;
  private readonly withdraw: HTMLElement;
  private conversation: Conversation | null = null;

  constructor(private readonly root: HTMLElement, act: (deed: Deed, room: string) => void) {
    this.words = part(root, "retelling-words");
    this.withdraw = part(root, "retelling-withdraw");
    this.withdraw.addEventListener("click", () => this.conversation && act({ retell: null }, this.conversation.room));
  }

  show(conversation: Conversation): void {
    this.conversation = conversation;
    const { retelling } = conversation;
    this.root.hidden = !retelling;
    if (!retelling) return;
    const { room, name, title, state, number } = retelling;
    this.withdraw.hidden = state !== "asked";
    if (state === "given") {
      const link = make("a");
      link.href = `/rooms/${room}/messages/${number}`;
      link.append(make("bdi", "", name || "a room that is gone"));
      return this.words.replaceChildren("Everybody reads this conversation in ", link, ", as “", make("bdi", "", title), "”.");
    }
    const end = { asked: ", and has not answered yet.", refused: ", and said no.", ended: ", and did not answer." }[state];
    this.words.replaceChildren("The customer was asked whether everybody may read this in ", make("bdi", "", name || "a room that is gone"), ", as “", make("bdi", "", title), "”", end);
  }
}

/** Whether the customer can be asked. */
export function mayRetell({ is_call, is_revoked, verdict, blocked, retelling }: Conversation): boolean {
  return !is_call && !is_revoked && verdict === "ham" && !blocked && retelling?.state !== "given";
}

/** In which room, and what it is called there. */
export class RetellingDialog {
  private readonly box = dialog("Ask to show this to everybody", "retelling-dialog");
  private readonly rooms = make("select");
  private readonly title = make("input");
  private readonly problem = make("p", "error");
  private readonly fields = make("div", "retelling-fields");
  private readonly none = make("p", "", "You are in no public room of this site. In the settings of a room its hosts make it public.");
  private room = "";

  constructor(private readonly act: (deed: Deed, room: string) => void) {
    this.rooms.id = "retelling-room";
    this.title.id = "retelling-title";
    this.title.dir = "auto";
    this.title.autocomplete = "off";
    this.problem.setAttribute("role", "alert");
    const hint = make("p", "hint", "The customer sees the question in their chat. Only with their yes everybody reads what both of you wrote, without notes, files, addresses and, unless they want it there, their name.");
    const button = make("button", "button primary", "Ask the customer");
    button.type = "submit";
    const row = make("div", "row");
    row.append(button);
    this.fields.append(field("Public room", this.rooms), field("What it is called there", this.title), hint, this.problem, row);
    this.box.form.noValidate = true;
    this.box.body.append(this.none, this.fields);
    this.box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open({ room, retelling }: Conversation, rooms: PublicRoom[]): void {
    this.room = room;
    this.none.hidden = rooms.length > 0;
    this.fields.hidden = rooms.length === 0;
    this.rooms.replaceChildren(...rooms.map(({ id, name }) => new Option(name, id)));
    if (retelling && rooms.some(({ id }) => id === retelling.room)) this.rooms.value = retelling.room;
    this.title.value = retelling?.title ?? "";
    say(this.problem, "");
    this.box.element.showModal();
    if (rooms.length > 0) this.title.focus();
  }

  private submit(): void {
    const title = this.title.value.trim();
    const bytes = new TextEncoder().encode(title).length;
    const problem = title === "" ? "Say what it is about, as others would ask."
      : bytes > TITLE_BYTES_MAX ? `This is too long: ${bytes} bytes, and at most ${TITLE_BYTES_MAX} fit.` : "";
    say(this.problem, problem);
    if (problem) return this.title.focus();
    this.box.element.close();
    this.act({ retell: { room: this.rooms.value, title } }, this.room);
  }
}

function field(name: string, control: HTMLElement): HTMLElement {
  const element = make("div", "field");
  const label = make("label", "", name);
  label.htmlFor = control.id;
  element.append(label, control);
  return element;
}
