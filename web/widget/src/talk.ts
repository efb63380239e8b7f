// What the page and the panel tell each other by postMessage, and what the server says of a site's chat. Both sides look whom a message is
// from; the secret goes nowhere but to the panel's own origin.

/** `GET /api/watchfire/chat/{site}` */
export interface Settings {
  site: string;
  name: string;
  /** `#rrggbb` */
  colour: string;
  /** What can be read on it. */
  ink: string;
  side: "right" | "left";
  greeting: string;
  /** Somebody is there now. */
  open: boolean;
  /** When there will be, milliseconds since 1970. */
  opens_at: number | null;
  /** In the owner's words. */
  replies_in: string;
  asks_email: boolean;
  /** Conversations are mailed to who asks for it. */
  mails: boolean;
  /** Agents see what is typed before it is sent. */
  previews: boolean;
}

/** Who the page says that its visitor is. */
export interface Identity {
  id: string;
  name?: string;
  email?: string;
  /** HMAC-SHA256 of the id under the site's secret, in hexadecimal. */
  hash?: string;
}

/** Something that was said, as the page's own script is told of it. */
export interface Said {
  by: "customer" | "agent";
  name: string;
  text: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** From the page to the panel: how all of it is, each time that something changed. */
export interface ToPanel {
  /** As it stands in the fragment of the panel's address: this page made the panel. */
  nonce: string;
  /** Of the customer, once they spoke. */
  secret?: string | null;
  open: boolean;
  /** The customer opened it just now, and goes on in it. */
  focus?: boolean;
  page?: string;
  title?: string;
  /** What the tag calls this browser and this visitor, where it does. */
  browser?: string | null;
  visitor?: string | null;
  identity?: Identity | undefined;
  /** What the page has the panel show as if it was said. */
  shown?: string;
}

/** What waits to be read. */
export interface Waiting {
  count: number;
  /** What stands at the button: that, or that a screen is shown. */
  mark: string;
  /** That, in the words of the language, as it follows the name of the button. */
  label: string;
  /** Who said the last of it, and how it begins. */
  name: string;
  text: string;
}

/** From the panel to the page: one of these. */
export interface FromPanel {
  hello?: true;
  close?: true;
  /** The customer speaks: this is to be kept; null: it is no longer good. */
  keep?: string | null;
  waiting?: Waiting;
  said?: Said;
}
