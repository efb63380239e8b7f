// What people saved of a site to ask its history with: goals, segments, funnels, annotations.
import { Problem, problemOf, reach } from "./reports-api";
import type { ApiFilter } from "./reports-filters";

export interface SavedBodies {
  goal: { filter: ApiFilter };
  segment: { filter: ApiFilter };
  funnel: { steps: { name: string; filter: ApiFilter }[]; window_ms: number };
  annotation: { text: string };
}
export type SavedKind = keyof SavedBodies;

export interface SavedItem<Kind extends SavedKind = SavedKind> {
  id: string;
  kind: Kind;
  name: string;
  body: SavedBodies[Kind];
  /** Of an annotation. */
  at: number | null;
}

export class SavedApi {
  private items: SavedItem[] = [];

  /** `mayEdit`: adds and removes too. */
  constructor(private readonly site: string, readonly mayEdit: boolean) {}

  of<Kind extends SavedKind>(kind: Kind): SavedItem<Kind>[] {
    return this.items.filter((item): item is SavedItem<Kind> => item.kind === kind);
  }

  async load(): Promise<void> {
    this.items = ((await this.send("", undefined)) as { saved: SavedItem[] }).saved;
  }

  async add<Kind extends SavedKind>(kind: Kind, name: string, body: SavedBodies[Kind], at: number | null = null): Promise<SavedItem<Kind>> {
    const item = (await this.send("", at === null ? { kind, name, body } : { kind, name, body, at })) as SavedItem<Kind>;
    this.items = [...this.items, item];
    return item;
  }

  async remove(id: string): Promise<void> {
    await this.send(`/${encodeURIComponent(id)}/remove`, {});
    this.items = this.items.filter((item) => item.id !== id);
  }

  /** With a body it is sent, without one it is asked for. */
  private async send(path: string, body: unknown): Promise<unknown> {
    const how = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await reach(`/api/watchfire/sites/${this.site}/saved${path}`, how);
    if (answer.status === 204) return null;
    const told = await answer.json().catch(() => null);
    if (!answer.ok) throw problemOf(answer.status, told);
    if (told === null) throw new Problem("unknown", "The server's answer cannot be read.");
    return told;
  }
}
