// What the view is narrowed to, and how that stands in the address so that it can be shared. Pure.
import { DIMENSIONS } from "./protocol";
import type { Dimension, FeedHit, Filter, Visitor } from "./protocol";

/** The hub takes frames of 4,096 bytes; a value longer than this is nothing that it ever sent. */
const VALUE_LENGTH_MAX = 2048;

/** Reads `#country=FR&page=%2Ftea&bots=1`; what is not understood is left out. */
export function filterFromHash(hash: string): Filter {
  const filter: Filter = {};
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  for (const dimension of DIMENSIONS) {
    const value = parameters.get(dimension);
    if (value !== null && value.length <= VALUE_LENGTH_MAX) filter[dimension] = value;
  }
  if (parameters.get("bots") === "1") filter.bots = true;
  return filter;
}

/** Empty without any filter. */
export function hashFromFilter(filter: Filter): string {
  const parameters = new URLSearchParams();
  for (const [dimension, value] of narrowed(filter)) parameters.set(dimension, value);
  if (filter.bots) parameters.set("bots", "1");
  const text = parameters.toString();
  return text && `#${text}`;
}

export function toggled(filter: Filter, dimension: Dimension, value: string): Filter {
  return filter[dimension] === value ? without(filter, dimension) : { ...filter, [dimension]: value };
}

export function without(filter: Filter, name: Dimension | "bots"): Filter {
  const { [name]: _, ...rest } = filter;
  return rest;
}

export function withBots(filter: Filter, bots: boolean): Filter {
  return bots ? { ...filter, bots } : without(filter, "bots");
}

/** The narrowing dimensions with their values, in a fixed order; bots narrow nothing. */
export function narrowed(filter: Filter): [Dimension, string][] {
  return DIMENSIONS.flatMap((dimension) => {
    const value = filter[dimension];
    return value === undefined ? [] : [[dimension, value] as [Dimension, string]];
  });
}

/** Whether the feed, which the hub does not filter, shows this hit; `visitor` is who made it, where present. */
export function admits(filter: Filter, hit: FeedHit, visitor: Visitor | undefined): boolean {
  return narrowed(filter).every(([dimension, value]) => {
    if (dimension === "page") return hit.path === value;
    if (dimension === "source" || dimension === "channel" || dimension === "country") return hit[dimension] === value;
    return visitor?.[dimension] === value;
  });
}
