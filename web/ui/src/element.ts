// Short ways to make and find elements. Text is always text: nothing here reads markup.

export function make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className = "", text = ""): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** A path reads from the left, whatever it is written in. */
export function makePath(className: string, path = ""): HTMLElement {
  const element = make("bdi", className, path);
  element.dir = "ltr";
  element.title = path;
  return element;
}

/** An element of SVG with its attributes. */
export function draw<Tag extends keyof SVGElementTagNameMap>(tag: Tag, attributes: Record<string, string | number>): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** The part of a page's skeleton that is marked `data-part="name"`. */
export function part<Kind extends HTMLElement = HTMLElement>(within: ParentNode, name: string): Kind {
  const found = within.querySelector<Kind>(`[data-part="${name}"]`);
  if (!found) throw new Error(`the page has no part ${name}`);
  return found;
}

/** Writes text only where it differs, so that nothing is laid out in vain. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function movesLittle(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
