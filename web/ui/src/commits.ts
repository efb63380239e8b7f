// Commits that rooms were told of, as charts of a site mark them: many in one stretch as a count and the first few.
import { dialog } from "./reports-dialog";
import { make } from "./element";
import { problemOf, reach } from "./reports-api";

export interface Commit {
  at: number;
  repository: string;
  branch: string;
  commit: { id: string; subject: string; author?: string; link?: string };
  /** The message that tells it, or the conversation that it is about. */
  href: string | null;
}

/** What somebody noted, or a release. */
export interface Note {
  at: number;
  text: string;
}

/** What is marked in one stretch of time. */
export interface Marked {
  notes: Note[];
  commits: Commit[];
  /** There are commits that are not marked. */
  more: boolean;
}

const NAMED_MAX = 3;

/** The newest; `more`: there are others that a chart does not mark. `to` is left out where the stretch is still going on. */
export async function loadCommits(site: string, from: number, to?: number): Promise<{ commits: Commit[]; more: boolean }> {
  const until = to === undefined ? "" : `&to=${Math.ceil(to)}`;
  const answer = await reach(`/api/watchfire/sites/${encodeURIComponent(site)}/commits?from=${Math.floor(from)}${until}`, {});
  const told = await answer.json().catch(() => null);
  if (!answer.ok || told === null) throw problemOf(answer.status, told);
  return told as { commits: Commit[]; more: boolean };
}

export function markedIn({ notes, commits, more }: Marked, from: number, to: number): Marked {
  const within = ({ at }: { at: number }) => at >= from && at < to;
  return { notes: notes.filter(within), commits: commits.filter(within), more };
}

export function countOf({ notes, commits }: Marked): number {
  return notes.length + commits.length;
}

/** In words, a part each. */
export function wordsOf({ notes, commits }: Marked): string[] {
  const said = commits.slice(0, NAMED_MAX).map(({ commit }) => (commit.author ? `${commit.subject} (${commit.author})` : commit.subject));
  if (commits.length > NAMED_MAX) said.push(`${commits.length - NAMED_MAX} more commits`);
  if (commits.length > 1) said[0] = `${commits.length} commits: ${said[0]}`;
  else if (commits.length === 1) said[0] = `Commit: ${said[0]}`;
  return [...notes.map((note) => note.text), ...said];
}

/** With its author and where it is told. */
export function commitRow({ commit, repository, branch, href }: Commit, when: string): HTMLLIElement {
  const row = make("li", "saved-row");
  const words = make("span", "note-words");
  const by = commit.author ? `${when} · ${commit.author} · ` : `${when} · `;
  const where = make("span", "muted small");
  where.append(by, make("bdi", "", `${repository}, ${branch}`));
  const links = make("span", "small note-links");
  if (href) links.append(linkTo(href, "Conversation", commit.subject));
  if (commit.link) links.append(linkTo(commit.link, commit.id.slice(0, 10), commit.subject));
  words.append(where, make("bdi", "", commit.subject), links);
  row.append(words);
  return row;
}

/** Beneath what happened, where not every commit is marked. */
export function notAll(): HTMLElement {
  return make("p", "muted small", "Only the latest commits are marked: there are more in your rooms.");
}

function linkTo(href: string, text: string, about: string): HTMLAnchorElement {
  const link = make("a", "", text);
  link.href = href;
  link.rel = "noopener noreferrer nofollow";
  link.append(make("span", "sr-only", `: ${about}`));
  return link;
}

/** A list of what happened, that a chart opens. */
export class MarkedDialog {
  private readonly box = dialog("What happened", "notes-dialog");
  private readonly list = make("ul", "saved-list");
  private readonly foot = make("div");

  constructor() {
    this.list.setAttribute("role", "list");
    this.box.body.append(this.list, this.foot);
    this.box.form.addEventListener("submit", (event) => event.preventDefault());
  }

  open({ notes, commits, more }: Marked, when: (at: number) => string): void {
    const rows = notes.map((note) => {
      const row = make("li", "saved-row");
      const words = make("span", "note-words");
      words.append(make("span", "muted small", when(note.at)), make("bdi", "", note.text));
      row.append(words);
      return row;
    });
    this.list.replaceChildren(...rows, ...commits.map((commit) => commitRow(commit, when(commit.at))));
    this.foot.replaceChildren(...(more ? [notAll()] : []));
    if (!this.box.element.open) this.box.element.showModal();
  }
}
