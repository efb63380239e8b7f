// What the page shows of the chat: the round button, what waits to be read, and the box that the panel stands in. All of it hangs in a shadow of its
// own beside the body, so that neither the page's styles nor what the page does to its body reach it.
import { languageOf } from "../language";
import type { Settings, Waiting } from "../talk";
import { chat } from "../words";
import css from "./launcher.css";

/** A speech bubble with our flame left out of it, and the arrow that it turns into. */
const ICON = ["M30 14a16 14 0 0 0-11 24q0 4-4 7 7 1 12-3a16 14 0 1 0 3-28Zm1 5q1 4-2 7c-2 2-4 4-4 6a5 5 0 0 0 11 0q0-3-2-6 0 2-2 3 1-6-1-10Z", "m19 26 2-2 9 9 9-9 2 2-11 11Z"];
const root = document.documentElement;

/** As the page says it, else as the browser does. */
export const language = root.lang || navigator.language;

/** Nothing waits. */
export const NOTHING: Pick<Waiting, "count"> & Partial<Waiting> = { count: 0 };

export interface Launcher {
  /** Where the panel stands. */
  box: HTMLElement;
  button: HTMLElement;
  show(open: boolean): void;
  wait(waiting: typeof NOTHING): void;
}

export function draw({ colour, ink, side, name: site }: Settings, toggle: (open: boolean) => void, near: () => void): Launcher {
  const host = document.createElement("watchfire-chat");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  shadow.adoptedStyleSheets = [sheet];
  const frame = make(shadow, "aside");
  const box = make(frame, "div", "box");
  const teaser = make(frame, "button", "teaser");
  const button = make(frame, "button", "launcher");
  const path = drawing(drawing(button, "svg", "viewBox", "6 6 48 48"), "path", "d", "");
  const badge = make(button, "b");
  const attach = () => host.isConnected || root.append(host);
  const show = (open: boolean) => {
    frame.className = open ? "open" : "";
    path.setAttribute("d", ICON[+open]!);
    button.ariaExpanded = `${open}`;
  };
  const wait = ({ mark = "", label = "", name = "", text: said = "" }: typeof NOTHING) => {
    button.ariaLabel = chat[languageOf(language)] + label;
    badge.textContent = mark;
    teaser.hidden = !name;
    teaser.textContent = "";
    make(teaser, "b").textContent = name;
    teaser.append(said);
  };

  // The other side is that of the other direction.
  frame.dir = (getComputedStyle(root).direction == "rtl") == (side == "left") ? "ltr" : "rtl";
  frame.style.cssText = `--colour:${colour};--ink:${ink}`;
  frame.ariaLabel = box.ariaLabel = site;
  box.role = "dialog";
  teaser.dir = "auto";
  teaser.onclick = () => toggle(true);
  button.onclick = () => toggle(!frame.className);
  button.onpointerenter = button.onfocus = near;
  frame.onkeydown = ({ key }) => {
    if (key == "Escape") toggle(false);
  };
  show(false);
  wait(NOTHING);
  attach();
  // Some pages make themselves anew from the top.
  new MutationObserver(attach).observe(root, { childList: true });
  return { box, button, show, wait };
}

function make(parent: Node, tag: string, className = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  return parent.appendChild(element);
}

function drawing(parent: Element, tag: string, name: string, value: string): Element {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  element.setAttribute(name, value);
  return parent.appendChild(element);
}
