// What is done to a message: edited, closed with a note, removed, reacted to. Asked of the server, and shown as it then is.
import { editInPlace } from "./room-actions";
import type { Asked, Field } from "./room-actions";
import { Refused } from "./room-api";
import type { RoomApi } from "./room-api";
import { toIds, toNames, toldApart } from "./room-mentions";
import { fixedBy } from "./room-message";
import type { Member, Message } from "./room-protocol";
import type { RoomState } from "./room-state";

/** Where a message stands as an element, and which of them are being edited. */
export interface Editable {
  elementOf(number: number): HTMLElement | undefined;
  readonly editing: Set<number>;
}

export interface ActsOptions {
  api: RoomApi;
  state: RoomState;
  list: (message: Message) => Editable;
  members: () => Pick<Member, "who" | "name">[];
  /** Where somebody else finds the message. */
  address: (message: Message) => string;
  changed: () => void;
  /** A field that was open for one message is gone. */
  edited: () => void;
  trouble: (problem: string) => void;
}

export class MessageActs {
  private readonly open = new Map<number, Field>();

  constructor(private readonly options: ActsOptions) {}

  async act(message: Message, what: string, emoji?: string): Promise<void> {
    const { api, state, address } = this.options;
    try {
      switch (what) {
        case "edit": return this.edit(message);
        case "close": return this.close(message);
        case "link": return await navigator.clipboard.writeText(new URL(address(message), location.href).href);
        case "number": return await navigator.clipboard.writeText(`#${message.number}`);
        case "star": case "unstar":
          await api.change(message.number, what);
          what === "star" ? state.stars.add(message.number) : state.stars.delete(message.number);
          break;
        case "remove":
          if (!confirm("Remove this message for everybody?")) return;
          state.take({ messages: [await api.change(message.number, what)] });
          break;
        default:
          state.take({ messages: [await api.change(message.number, what, emoji ? { emoji } : {})] });
      }
    } catch (error) {
      this.complain(error);
    }
    this.options.changed();
  }

  /** The last of these that is one's own. */
  editLast(messages: Message[], me: string): void {
    const own = messages.filter(({ author, removed, kind }) => author === me && !removed && (kind === "text" || kind === "paste"));
    const last = own.at(-1);
    if (last) this.edit(last);
  }

  /** A message that is being edited may be removed meanwhile, by somebody else or on another page. */
  look(): void {
    for (const [number, field] of this.open) if (this.options.state.messages.get(number)?.removed) field.outlived();
  }

  private edit(message: Message): void {
    const members = this.options.members();
    const asked = { was: toNames(message.body, toldApart(members)), label: "Edit the message", save: "Save" };
    this.ask(message, asked, (typed) => this.change(message.number, "edit", { body: message.kind === "text" ? toIds(typed, members) : typed }));
  }

  /** With a note, in words that somebody may better before it is told. */
  private close(message: Message): void {
    const { fix, closed } = message;
    const was = closed?.note ?? (fix ? fixedBy(fix.commit) : "");
    const asked = { was, label: "What those who asked are told", save: closed ? "Save the note" : "Close the conversation", always: true };
    this.ask(message, asked, (note) => this.change(message.number, "close", { note }));
  }

  private ask(message: Message, asked: Asked, save: (typed: string) => Promise<boolean>): void {
    const list = this.options.list(message);
    const item = list.elementOf(message.number);
    if (!item || list.editing.has(message.number)) return;
    list.editing.add(message.number);
    const field = editInPlace(item, message, asked, save, () => {
      list.editing.delete(message.number);
      this.open.delete(message.number);
      this.options.edited();
      this.options.changed();
    });
    if (field) this.open.set(message.number, field);
  }

  /** Whether the server took it. */
  private async change(number: number, what: string, body: object): Promise<boolean> {
    try {
      this.options.state.take({ messages: [await this.options.api.change(number, what, body)] });
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }

  private complain(error: unknown): void {
    this.options.trouble(error instanceof Refused ? error.message : "The server cannot be reached right now. Try again in a moment.");
  }
}
