// Which variable gets which letter decides 1% of the compressed size: tries swaps and keeps those that do not cost.
// The same input always gives the same output.
import { gzipSync } from "node:zlib";

const LETTERS = "etinarolscduhgmpfvwybSxkOTMJNAELRHUjqzBCDFGIKPQVWXYZ_";
const TRIALS = 20_000;

export const gzipBytes = (script) => gzipSync(script, { level: 9 }).length;

/** Replaces the names `$0$`, `$1$`, … by letters. */
export function letter(code) {
  const parts = code.split(/\$(\d+)\$/);
  const count = new Set(parts.filter((_, index) => index % 2)).size;
  if (count > LETTERS.length) throw new Error(`${count} variables, ${LETTERS.length} letters`);

  let letters = [...LETTERS];
  const render = (names) => parts.map((part, index) => (index % 2 ? names[part] : part)).join("");
  let bytes = gzipBytes(render(letters));
  const random = sequence(1);
  for (let trial = 0; trial < TRIALS; trial++) {
    const [one, other] = [random(count), random(letters.length)];
    const swapped = [...letters];
    [swapped[one], swapped[other]] = [letters[other], letters[one]];
    const swappedBytes = gzipBytes(render(swapped));
    if (swappedBytes <= bytes) [letters, bytes] = [swapped, swappedBytes];
  }
  return render(letters);
}

/** A linear congruential sequence of whole numbers below the one asked for. */
function sequence(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}
