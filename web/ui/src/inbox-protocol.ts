// What the API of the inbox and the hub say of conversations: the shapes of docs/api-inbox.md.

export type Folder = "open" | "mine" | "unassigned" | "waiting" | "snoozed" | "closed" | "held" | "spam" | "all";

/** A conversation with a customer, as agents are told of it. */
export interface Conversation {
  /** What the customer hears; it names the conversation. */
  room: string;
  /** What only agents hear. */
  notes: string;
  site: string;
  /** Empty: unknown. */
  name: string;
  email: string;
  identity: string;
  /** The site's secret says so. */
  proven: boolean;
  /** As `key` of the topic of visitors. */
  visitor: string | null;
  state: "open" | "snoozed" | "closed";
  until: number | null;
  assignee: string | null;
  assignee_name: string;
  labels: string[];
  verdict: "ham" | "held" | "spam";
  blocked: boolean;
  page: string;
  title: string;
  opened: number;
  last: number;
  last_at: number;
  last_by: "customer" | "agent";
  preview: string;
  waiting_since: number | null;
  first_answer_at: number | null;
  closed_at: number | null;
  rating: { score: number; words: string } | null;
  /** An agent wrote first, and the customer has said nothing yet. */
  is_call: boolean;
  /** The customer's browser opens it no more. */
  is_revoked: boolean;
  /** The commit that says it fixes what this is about. */
  fix?: InboxFix;
  /** What the customer was asked last: whether it may be told again in a public room. */
  retelling?: Retelling;
  version: number;
}

export interface InboxFix {
  repository: string;
  commit: { id: string; subject: string; author?: string; link?: string };
  /** The first tag that it is in. */
  release?: string;
  /** What its message has for those who asked. */
  answer?: string;
}

export interface Retelling {
  room: string;
  /** What the room is called; empty: it is gone. */
  name: string;
  title: string;
  state: "asked" | "refused" | "given" | "ended";
  /** The message that it is the thread of. */
  number?: number;
}

export type Counted = Exclude<Folder, "all">;
export type Counts = Record<Counted, number>;

export interface ListPage {
  conversations: Conversation[];
  more: boolean;
  counts: Counts;
}

export interface Agent {
  id: string;
  name: string;
}

export interface OnePage {
  conversation: Conversation;
  earlier: Conversation[];
  agents: Agent[];
  /** Those in which it may be told again. */
  public_rooms: PublicRoom[];
}

export interface PublicRoom {
  id: string;
  name: string;
}

/** An answer that is kept ready; `{name}` in it is the customer's. */
export interface Canned {
  id: string;
  name: string;
  text: string;
}

/** What an agent does to a conversation. */
export type Deed =
  | { assign: string | null }
  | { close: true }
  | { close_saying: { id: string; words: string } }
  | { reopen: true }
  | { snooze_until: number }
  | { labels: string[] }
  | { verdict: "ham" | "spam" }
  | { block: boolean }
  | { revoke_replies: true }
  | { transcript: true }
  | { revoke: true }
  | { retell: { room: string; title: string } | null };

/** What the topic of a site's conversations tells. */
export interface InboxChange {
  conversation?: Conversation;
  /** Not all was told: the list is to be read again. */
  missed?: boolean;
}
