// Questions to the API of reports and its answers: the shapes of docs/api-reports.md.
import type { ApiFilter } from "./reports-filters";
import type { Imported } from "./reports-imported";
import type { AnyMetric, GoalMetric, Values } from "./reports-words";

export type Asked = { kind: string } & Record<string, unknown>;

export interface Breakdown {
  kind: "breakdown";
  by?: string[];
  metrics: (AnyMetric | GoalMetric)[];
  goal?: ApiFilter;
  range: unknown;
  bucket?: string | undefined;
  compare?: string | undefined;
  filter?: ApiFilter | undefined;
  bots?: "with" | undefined;
  sort?: { by: AnyMetric; ascending: boolean };
  limit?: number;
  offset?: number;
  totals?: boolean;
}

export interface Bucket {
  from: number;
  imported?: true;
}

export type Series = Partial<Record<AnyMetric, number[]>>;

export interface Row {
  key: string[];
  values: Values;
  before?: Values;
}

export interface BreakdownAnswer {
  range: { from: number; to: number };
  totals?: Values;
  buckets?: Bucket[];
  series?: Series;
  rows?: Row[];
  groups?: number;
  next?: number | null;
  before?: { range: { from: number; to: number }; totals?: Values; buckets?: Bucket[]; series?: Series };
  imported?: Imported;
}

export interface Trouble {
  code: string;
  message: string;
}

export type Answered<Answer> = { answer: Answer } | { trouble: Trouble };

/** Questions of one request, as the server bounds them. */
export const QUESTIONS_MAX = 16;
/** A busy server is asked again this often, and never waited for longer at once. */
const TRIES_MAX = 4;
const PATIENCE_MS_MAX = 8_000;
/** Answers that stay at hand, so that going back shows at once what was there. */
const ANSWERS_KEPT_MAX = 96;
const FRESH_MS = 30_000;

export class Problem extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

export class ReportsApi {
  private readonly kept = new Map<string, { answer: unknown; until: number }>();
  private named: Promise<string[]> | undefined;
  /** The server's clock as of the last answer. */
  at = Date.now();

  constructor(private readonly site: string, private readonly share: string | null) {}

  /** Answers by the names of their questions. Fresh ones are not asked for again. */
  async ask<Name extends string>(questions: Record<Name, Asked | Breakdown>, signal: AbortSignal): Promise<Record<Name, Answered<any>>> {
    const names = Object.keys(questions) as Name[];
    const absent = names.filter((name) => !this.fresh(questions[name]));
    const answers = {} as Record<Name, Answered<any>>;
    for (let from = 0; from < absent.length; from += QUESTIONS_MAX) {
      const asked = absent.slice(from, from + QUESTIONS_MAX);
      const told = await this.send(asked.map((name) => questions[name]), signal);
      asked.forEach((name, index) => (answers[name] = this.keep(questions[name], told[index])));
    }
    for (const name of names) answers[name] ??= { answer: this.fresh(questions[name]) };
    return answers;
  }

  /** The names that properties of events have, asked for once. */
  properties(): Promise<string[]> {
    const query = this.share ? `?share=${encodeURIComponent(this.share)}` : "";
    this.named ??= reach(`/api/watchfire/sites/${this.site}/properties${query}`, {}).then(async (answer) => {
      const told = await answer.json();
      if (!answer.ok) throw problemOf(answer.status, told);
      return (told.properties as { name: string }[]).map(({ name }) => name);
    });
    this.named.catch(() => (this.named = undefined));
    return this.named;
  }

  /** From now on everything is asked for anew. */
  forget(): void {
    this.kept.clear();
  }

  exportUrl(question: Breakdown, format: "csv" | "json"): string {
    const parameters = new URLSearchParams({ format, q: JSON.stringify(question) });
    if (this.share) parameters.set("share", this.share);
    return `${this.path()}/export?${parameters}`;
  }

  private path(): string {
    return `/api/watchfire/sites/${this.site}/reports`;
  }

  private fresh(question: unknown): unknown {
    const kept = this.kept.get(JSON.stringify(question));
    return kept && kept.until > performance.now() ? kept.answer : undefined;
  }

  private keep(question: unknown, told: any): Answered<any> {
    if (!told) return { trouble: { code: "absent", message: "The server left this question without an answer." } };
    if (told.error) return { trouble: told.error };
    this.kept.set(JSON.stringify(question), { answer: told, until: performance.now() + FRESH_MS });
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= ANSWERS_KEPT_MAX) break;
      this.kept.delete(oldest);
    }
    return { answer: told };
  }

  private async send(questions: unknown[], signal: AbortSignal): Promise<any[]> {
    const url = this.share ? `${this.path()}?share=${encodeURIComponent(this.share)}` : this.path();
    for (let tries = 1; ; tries += 1) {
      const answer = await reach(url, { method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify({ questions }) });
      const told = await answer.json().catch(() => null);
      if (answer.ok && Array.isArray(told?.answers)) {
        this.at = told.at ?? Date.now();
        return told.answers;
      }
      const wait = Number(answer.headers.get("retry-after") ?? "NaN") * 1000;
      const isBusy = answer.status === 429 || answer.status === 503;
      if (!isBusy || !(wait <= PATIENCE_MS_MAX) || tries === TRIES_MAX) throw problemOf(answer.status, told);
      await pause(wait, signal);
    }
  }
}

export async function reach(url: string, how: RequestInit): Promise<Response> {
  try {
    return await fetch(url, how);
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new Problem("unreachable", "The server cannot be reached. Check the connection and try again.");
  }
}

export function problemOf(status: number, told: any): Problem {
  if (status === 401) return new Problem("sign_in", "You are signed out.");
  if (status === 404) return new Problem("not_found", "There are no reports here for you, or no longer.");
  return new Problem(told?.error?.code ?? "unknown", told?.error?.message ?? `The server answered with status ${status}.`);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
