// A country's mark in lists: its flag where this browser can draw flags, its code where not.
import { make } from "./element";
import { countryName, flag } from "./format";

let flagsAreDrawn: boolean | undefined;

export function placeMark(code: string): HTMLElement {
  const mark = make("span", "place-mark");
  writePlaceMark(mark, code);
  return mark;
}

export function writePlaceMark(mark: HTMLElement, code: string): void {
  flagsAreDrawn ??= drawsFlags();
  const emoji = flagsAreDrawn ? flag(code) : "";
  mark.className = emoji ? "place-mark flag" : "place-mark code-mark";
  mark.textContent = emoji || code.slice(0, 2) || "–";
  mark.title = countryName(code);
  mark.setAttribute("aria-hidden", "true");
}

/** Some systems show a flag as two letters, some as boxes: a drawn flag has colour. */
function drawsFlags(): boolean {
  const context = Object.assign(document.createElement("canvas"), { width: 20, height: 20 }).getContext("2d", { willReadFrequently: true });
  if (!context) return false;
  context.font = "16px sans-serif";
  context.fillText(flag("FR"), 0, 16);
  const pixels = context.getImageData(0, 0, 20, 20).data;
  return pixels.some((value, index) => index % 4 === 0 && Math.abs(value - pixels[index + 2]!) > 40);
}
