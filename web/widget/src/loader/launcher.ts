// What the page shows of the chat: the round button, what waits to be read, and the box that the panel stands in. All of it hangs in a shadow of its
// own beside the body, so that neither the page's styles nor what the page does to its body reach it.
import { inkOn } from "../colour";
import { languageOf } from "../language";
import type { Settings, Waiting } from "../talk";
import { chat } from "../words";
import css from "./launcher.css";

/** A speech bubble with our flame left out of it, and the cross that it turns into. */
const ICON = ["M30 17c-8 0-14 5-14 12q0 5 4 9 0 3-2 5-1 2 1 2 4-1 7-4l4 0c8 0 14-5 14-12S38 17 30 17Zm1 4q1 3-2 6c-2 2-3 3-3 5a5 5 0 0 0 10 0q0-2-2-5 0 2-2 2 1-5-1-8Z", "m21 24 3-3 6 6 6-6 3 3-6 6 6 6-3 3-6-6-6 6-3-3 6-6Z"];
const root = document.documentElement;

/** As the page says it, else as the browser does. */
export const language = root.lang || navigator.language;

export const NOTHING: Waiting = { count: 0, label: "", name: "", text: "" };

export interface Launcher {
  /** Where the panel stands. */
  box: HTMLElement;
  button: HTMLElement;
  show(open: boolean): void;
  wait(waiting: Waiting): void;
}

export function draw({ colour, side, name: site }: Settings, toggle: (open: boolean) => void): Launcher {
  const host = document.createElement("watchfire-chat");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  shadow.adoptedStyleSheets = [sheet];
  const frame = make(shadow, "aside");
  const box = make(frame, "div", "box");
  const teaser = make(frame, "button", "teaser");
  const button = make(frame, "button", "launcher");
  const picture = drawing(button, "svg", "viewBox", "0 0 60 60");
  for (const path of ICON) drawing(picture, "path", "d", path);
  const badge = make(button, "b");
  const attach = () => host.isConnected || root.append(host);
  const show = (open: boolean) => {
    frame.className = open ? "open" : "";
    button.ariaExpanded = `${open}`;
  };
  const wait = ({ count, label, name, text: said }: Waiting) => {
    button.ariaLabel = chat[languageOf(language)] + label;
    badge.textContent = count ? `${count}` : "";
    teaser.hidden = !name;
    teaser.textContent = "";
    make(teaser, "b").textContent = name;
    teaser.append(said);
  };

  // The other side is that of the other direction.
  frame.dir = (getComputedStyle(root).direction == "rtl") == (side == "left") ? "ltr" : "rtl";
  frame.style.cssText = `--colour:${colour};--ink:${inkOn(colour)}`;
  frame.ariaLabel = box.ariaLabel = site;
  box.role = "dialog";
  teaser.dir = "auto";
  teaser.onclick = () => toggle(true);
  button.onclick = () => toggle(!frame.className);
  frame.onkeydown = ({ key }) => key == "Escape" && toggle(false);
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
