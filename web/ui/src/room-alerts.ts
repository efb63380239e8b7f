// Tells somebody who looks elsewhere what was said: by a chime, and by the system where they asked for it.
import { device } from "./device";
import { inWords } from "./room-who";
import type { Message, Notify } from "./room-protocol";
import type { Sounds } from "./room-sounds";

const BODY_CHARS_MAX = 140;

/** Of whom and in what kind of room. */
export interface Listener {
  me: string;
  notify: Notify;
  isDirect: boolean;
}

/** Nothing: it is one's own, or nobody said anything. Else whether it is meant for oneself. */
export function meaning(message: Message, { me, isDirect }: Listener): "meant" | "said" | null {
  if (message.author === me || message.removed || typeof message.kind === "object") return null;
  return isDirect || message.mentions?.includes(me) ? "meant" : "said";
}

export function wants(notify: Notify, meaning: "meant" | "said"): boolean {
  return notify === "everything" || (notify === "mentions" && meaning === "meant");
}

export interface Alert {
  title: string;
  text: string;
  /** One of its kind is shown, however many pages are open. */
  tag: string;
  href: string;
}

export class Alerts {
  /** `goTo`: whether the page shows what stands at that address by itself. */
  constructor(private readonly sounds: Sounds, private readonly goTo: (href: string) => boolean = () => false) {}

  /** `room` is its name, and `text` the message in words. */
  came(message: Message, listener: Listener, room: string, text: string): void {
    const means = meaning(message, listener);
    if (means === null || !wants(listener.notify, means)) return;
    const { number } = message;
    this.tell({ title: `${inWords(message.author, message.name)} · ${room}`, text, tag: `${message.room}/${number}`, href: `/rooms/${message.room}/messages/${number}` });
  }

  /** To whoever looks elsewhere. */
  tell(alert: Alert): void {
    if (!document.hidden && document.hasFocus()) return;
    const { chime, desktop } = device();
    if (chime) this.sounds.play(null);
    if (desktop && document.hidden) notify(alert, this.goTo);
  }
}

function notify({ title, text, tag, href }: Alert, goTo: (href: string) => boolean): void {
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  try {
    const shown = new Notification(title, { body: text.slice(0, BODY_CHARS_MAX), tag, icon: "/favicon.svg", silent: device().chime });
    shown.onclick = () => {
      focus();
      if (!goTo(href)) location.assign(href);
      shown.close();
    };
  } catch (error) {
    // Some browsers show them by a service worker alone.
    console.info(error);
  }
}
