// localStorage, which may be missing, full or forbidden. Written only where the site or the visitor asked for it.
import { guard } from "./guard";

export const enum Key {
  /** Set: this browser sends nothing. */
  Ignore = "wf-ignore",
  Visitor = "wf-visitor",
}

/** What is kept under `key`, after keeping `value` there if one is given. Nothing where storage is refused. */
export const memory = guard((key: string, value?: any): any =>
  value == null ? localStorage[key] : (localStorage[key] = value),
);
