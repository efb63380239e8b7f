// Puts the rows of a list into their order and lets each glide from where it was: by transform alone, without measuring.
import { movesLittle } from "./element";

const GLIDE_MS = 380;
const EASING = "cubic-bezier(0.2, 0.8, 0.2, 1)";
/** Where more rows than this are new at once, gliding would only be noise. */
const NEW_ROWS_MAX = 3;

export interface Glide {
  rowHeight: number;
  /** False draws the order at once. */
  animate: boolean;
}

/** `wanted` become the children of `list`, in this order; others leave it. */
export function arrange(list: HTMLElement, wanted: HTMLElement[], glide: Glide): void {
  const before = new Map<Element, number>();
  [...list.children].forEach((child, index) => before.set(child, index));
  if (before.size === wanted.length && wanted.every((row, index) => before.get(row) === index)) return;
  const focused = list.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
  const kept = new Set<Element>(wanted);
  for (const child of before.keys()) if (!kept.has(child)) child.remove();
  wanted.forEach((row, index) => {
    const there = list.children[index] ?? null;
    if (there !== row) list.insertBefore(row, there);
  });
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  const added = wanted.filter((row) => !before.has(row)).length;
  if (!glide.animate || before.size === 0 || added > NEW_ROWS_MAX || movesLittle()) return;
  const onTop = wanted.findIndex((row) => before.has(row));
  wanted.forEach((row, index) => glideRow(row, before.get(row) ?? (index < onTop ? index - onTop : null), index, glide.rowHeight));
}

/** From null, a row fades in where it stands. Gliding adds to a glide that is still under way. */
function glideRow(row: HTMLElement, from: number | null, to: number, rowHeight: number): void {
  if (from === to) return;
  const timing = { duration: GLIDE_MS, easing: EASING };
  if (from === null || from < 0) row.animate([{ opacity: 0 }, { opacity: 1 }], timing);
  if (from === null) return;
  const start = { transform: `translateY(${(from - to) * rowHeight}px)` };
  row.animate([start, { transform: "translateY(0)" }], { ...timing, composite: "add" });
}
