// The site's colour, and what can be read on it or of it: contrast as WCAG 2 counts it, never less than 4.5. Colours are `#rrggbb`. Pure.

export const CONTRAST_MIN = 4.5;
/** White has that contrast to whatever is not lighter than this. */
const DARK_MAX = 1.05 / CONTRAST_MIN - 0.05;
/** Of red, green and blue in the light that is seen. */
const SHARES = [0.2126, 0.7152, 0.0722];

/** White, or black where white cannot be read. One of the two always can. */
export function inkOn(colour: string): string {
  return luminance(colour) > DARK_MAX ? "#000000" : "#ffffff";
}

/** The colour as text on a ground: itself, or as little nearer to black or white as it takes. */
export function asInk(colour: string, ground: string): string {
  const toward = inkOn(ground);
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = mix(colour, toward, part);
    if (contrast(mixed, ground) >= CONTRAST_MIN) return mixed;
  }
  return toward;
}

export function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function mix(colour: string, toward: string, share: number): string {
  const parts = SHARES.map((_, at) => Math.round(part(colour, at) * (1 - share) + part(toward, at) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function luminance(colour: string): number {
  return SHARES.reduce((sum, share, at) => {
    const value = part(colour, at) / 255;
    return sum + share * (value > 0.03928 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92);
  }, 0);
}

/** Red, green or blue, 0 to 255. */
function part(colour: string, at: number): number {
  return parseInt(colour.slice(at * 2 + 1, at * 2 + 3), 16);
}
