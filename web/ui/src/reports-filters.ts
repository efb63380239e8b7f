// What a report is narrowed to: conditions as people set them, and as the query language says them. Pure.

export const OPERATORS = ["is", "not", "contains", "lacks", "starts", "matches"] as const;
export type Operator = (typeof OPERATORS)[number];

/** One chip. Of several values one is enough; of `not` and `lacks` none may be. */
export interface Condition {
  by: string;
  operator: Operator;
  values: string[];
}

/** As `history::query::Filter` stands in JSON. */
export type ApiFilter =
  | { and: ApiFilter[] }
  | { or: ApiFilter[] }
  | { not: ApiFilter }
  | { is: { by: string; values: string[] } }
  | { contains: { by: string; values: string[] } }
  | { starts: { by: string; values: string[] } }
  | { matches: { by: string; pattern: string } }
  | { visit: ApiFilter };

/** What the address may hold; the server has limits of its own. */
export const CONDITIONS_MAX = 20;
export const VALUES_MAX = 50;
export const VALUE_LENGTH_MAX = 2048;

export function operatorFrom(text: string): Operator | undefined {
  return OPERATORS.find((operator) => operator === text);
}

/** Reads `page.is=/tea&country.not=FR&country.not=DE`; what is not understood is left out. */
export function conditionsFrom(parameters: URLSearchParams, isDimension: (by: string) => boolean): Condition[] {
  const conditions: Condition[] = [];
  for (const [name, value] of parameters) {
    const dot = name.lastIndexOf(".");
    const by = name.slice(0, dot);
    const operator = operatorFrom(name.slice(dot + 1));
    if (dot < 1 || !operator || !isDimension(by) || value.length > VALUE_LENGTH_MAX) continue;
    const same = conditions.find((condition) => condition.by === by && condition.operator === operator);
    if (same) {
      if (same.values.length < VALUES_MAX && !same.values.includes(value)) same.values.push(value);
    } else if (conditions.length < CONDITIONS_MAX) conditions.push({ by, operator, values: [value] });
  }
  return conditions;
}

export function writeConditions(conditions: Condition[], parameters: URLSearchParams): void {
  for (const { by, operator, values } of conditions) {
    for (const value of values) parameters.append(`${by}.${operator}`, value);
  }
}

/** With one more condition; one of the same dimension and operator is replaced. */
export function withCondition(conditions: Condition[], added: Condition): Condition[] {
  const others = conditions.filter((condition) => condition.by !== added.by || condition.operator !== added.operator);
  return added.values.length === 0 ? others : [...others, added];
}

/** A press on a row: is it there already, it goes. */
export function toggledIs(conditions: Condition[], by: string, value: string): Condition[] {
  return isNarrowedTo(conditions, by, value)
    ? conditions.filter((condition) => condition.by !== by || condition.operator !== "is")
    : withCondition(conditions, { by, operator: "is", values: [value] });
}

export function isNarrowedTo(conditions: Condition[], by: string, value: string): boolean {
  return conditions.some((condition) => condition.by === by && condition.operator === "is" && condition.values.includes(value));
}

/** Of an event: visits in which it happened. Of all else: hits for which it holds. */
function isOfVisit(by: string): boolean {
  return by === "event" || by.startsWith("prop:");
}

function said({ by, operator, values }: Condition): ApiFilter {
  const plain = (): ApiFilter => {
    switch (operator) {
      case "is": case "not": return { is: { by, values } };
      case "contains": case "lacks": return { contains: { by, values } };
      case "starts": return { starts: { by, values } };
      case "matches": return values.length === 1 ? { matches: { by, pattern: values[0]! } } : { or: values.map((pattern) => ({ matches: { by, pattern } })) };
    }
  };
  const levelled: ApiFilter = isOfVisit(by) ? { visit: plain() } : plain();
  return operator === "not" || operator === "lacks" ? { not: levelled } : levelled;
}

/** The condition that a filter was made of; null: it says more than one can. */
export function conditionOf(filter: ApiFilter): Condition | null {
  if ("visit" in filter) return conditionOf(filter.visit);
  if ("not" in filter) {
    const inner = conditionOf(filter.not);
    if (inner?.operator === "is") return { ...inner, operator: "not" };
    return inner?.operator === "contains" ? { ...inner, operator: "lacks" } : null;
  }
  if ("is" in filter) return { operator: "is", ...filter.is };
  if ("contains" in filter) return { operator: "contains", ...filter.contains };
  if ("starts" in filter) return { operator: "starts", ...filter.starts };
  if ("matches" in filter) return { operator: "matches", by: filter.matches.by, values: [filter.matches.pattern] };
  return null;
}

/** A step of a funnel: the hit itself is what is said, not its visit. */
export function stepFilter(step: Condition): ApiFilter {
  const filter = said(step);
  return "visit" in filter ? filter.visit : filter;
}

/** All of them, and `more`; undefined: nothing is narrowed. */
export function apiFilter(conditions: Condition[], ...more: ApiFilter[]): ApiFilter | undefined {
  const all = [...conditions.map(said), ...more];
  return all.length < 2 ? all[0] : { and: all };
}

/** A text anywhere in a value, whatever its letters' case, as a pattern. */
export function patternOf(text: string): string {
  return `(?i)${text.replace(/[\\^$.*+?()[\]{}|#&~-]/g, "\\$&")}`;
}
