// The languages that the chat speaks, in the order of the table of words.

export const LANGUAGES = ["en", "fr", "de", "es", "zh", "ar"] as const;

/** The place of the language that is asked for as `fr` or `fr-CH`; English where the chat does not speak it. */
export function languageOf(asked: string): number {
  const [primary] = asked.toLowerCase().split("-") as [(typeof LANGUAGES)[number]];
  return Math.max(0, LANGUAGES.indexOf(primary));
}

/** Written from right to left. */
export function isRightToLeft(language: number): boolean {
  return LANGUAGES[language] === "ar";
}
