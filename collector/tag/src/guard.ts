// The promise that the tag never throws into the page: whatever the page or the browser calls back goes through here.

export const guard = <A extends unknown[], R>(work: (...args: A) => R) => (...args: A): R | undefined => {
  try {
    return work(...args);
  } catch (e) {}
};

/** Listens on the window in the capture phase: it sees the document's events too, even those that a page stops. */
export const on = (names: string, react: (event: any) => unknown): unknown =>
  names.split(" ").map((name) => addEventListener(name, guard(react), 1 as any));
