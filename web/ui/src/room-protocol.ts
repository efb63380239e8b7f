// What the API of rooms and the hub say of rooms: the shapes of docs/protocol.md, "Rooms".

export interface Room {
  id: string;
  site: string | null;
  kind: "open" | "closed" | "direct";
  name: string;
  topic: string;
  zone: string;
  public: boolean;
  locked: boolean;
  members_max: number;
  /** The numbers of its last message and of its last change. */
  last: number;
  changes: number;
}

export type Note = "entered" | "left" | "kicked" | "banned" | "topic" | "name" | "locked" | "unlocked" | "published" | "unpublished" | "turn";

/** A file of a room, as the API tells of it. */
export interface SentFile {
  id: string;
  name: string;
  type: string;
  bytes: number;
  href: string;
  picture?: { width: number; height: number; thumbnail: string; thumbnail_width: number; thumbnail_height: number };
}

export interface Message {
  room: string;
  number: number;
  id: string;
  author: string;
  name: string;
  at: number;
  kind: "text" | "paste" | "sound" | { note: Note };
  body: string;
  /** Safe: written by the server, which escapes all that was typed. */
  html: string;
  thread?: number;
  mentions?: string[];
  files?: SentFile[];
  edited?: number;
  removed: boolean;
  decided?: { by: string; at: number };
  /** The last commit that says it fixes the conversation that begins here; the first tag that it is in, and the page of that release. */
  fix?: { repository: string; commit: { id: string; subject: string; author?: string; link?: string }; release?: string; href?: string };
  closed?: { by: string; at: number; note: string };
  reactions?: { emoji: string; who: string[] }[];
  replies: number;
  unrecorded: boolean;
  /** It was said in a conversation with a customer first. */
  retold?: boolean;
  changed: number;
}

/** Of whoever is spoken of by id alone. */
export type Names = Record<string, string>;

export interface Page {
  room?: Room;
  messages: Message[];
  names: Names;
}

export type Action = "read" | "see_people" | "post" | "react" | "mark" | "change_own" | "remove_any" | "decide";

export interface Seen {
  room: Room;
  name: string;
  you: { who: string | null; standing: string; may: Action[]; read: number | null; notify: Notify | null };
}

/** What of a room one wants to be told of; in a direct room all is meant for who is in it. */
export type Notify = "everything" | "mentions" | "nothing";

export interface Member {
  who: string;
  name: string;
  role: "member" | "host";
  joined: number;
}

export type Doing = "typing" | "here" | "idle" | "asks" | "away";
