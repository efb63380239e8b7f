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

  /** Name, body and moment anew; the kind stays. */
  async change<Kind extends SavedKind>(item: SavedItem<Kind>): Promise<void> {
    const { id, kind, name, body, at } = item;
    const changed = (await this.send(`/${encodeURIComponent(id)}`, at === null ? { kind, name, body } : { kind, name, body, at })) as SavedItem;
    this.items = this.items.map((known) => (known.id === id ? changed : known));
  }

  /** Under a name that is there already its body is put in the place of the old one. */
  async keep<Kind extends SavedKind>(kind: Kind, name: string, body: SavedBodies[Kind]): Promise<SavedItem<Kind>> {
    const known = this.of(kind).find((item) => item.name === name);
    if (!known) return this.add(kind, name, body);
    await this.change({ ...known, body });
    return { ...known, body };
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
