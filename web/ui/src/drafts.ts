// What somebody began to write and did not send, kept in this tab until it is sent or they sign out. Pure over what it is kept in.

/** As much as a message may have, and as many as one writes at once; the oldest go first. */
export const DRAFT_CHARS_MAX = 64 * 1024;
export const DRAFTS_MAX = 20;
const KEY = "watchfire.drafts";

type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;
type Draft = [place: string, text: string];

export class Drafts {
  constructor(private readonly kept: () => Kept = () => sessionStorage) {}

  /** Empty: there is none. */
  of(place: string): string {
    return this.read().find(([of]) => of === place)?.[1] ?? "";
  }

  /** What is too long to be sent is kept as it was before; nothing takes away what there is. */
  keep(place: string, text: string): void {
    if (text.length > DRAFT_CHARS_MAX) return;
    const others = this.read().filter(([of]) => of !== place);
    this.write(text.trim() ? [...others, [place, text] as Draft].slice(-DRAFTS_MAX) : others);
  }

  forgetAll(): void {
    this.write([]);
  }

  private read(): Draft[] {
    try {
      const drafts: unknown = JSON.parse(this.kept().getItem(KEY) ?? "[]");
      return Array.isArray(drafts) ? drafts : [];
    } catch {
      return [];
    }
  }

  private write(drafts: Draft[]): void {
    try {
      drafts.length === 0 ? this.kept().removeItem(KEY) : this.kept().setItem(KEY, JSON.stringify(drafts));
    } catch (error) {
      // Without a place to keep it nothing is kept.
      console.info(error);
    }
  }
}
