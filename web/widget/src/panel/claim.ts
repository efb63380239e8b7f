// What a page says of who its visitor is, as the server takes it: what is no name and no address is left out, so that it keeps nobody from speaking.
import type { Identity } from "../talk";

/** As `limits.rs` has them: bytes of ids and names, and of addresses. */
const NAME_BYTES_MAX = 80;
const EMAIL_BYTES_MAX = 254;
/** Line breaks, control characters, and marks by which one name is shown as another. */
const REFUSED = /[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu;
/** Something that is drawn. */
const SEEN = /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u;
const ADDRESS = /^[^\s@]+@[^\s@]+$/;
const BYTES = new TextEncoder();

/** Undefined where it names nobody: without an id that the server can keep. */
export function claimOf(told: unknown): Identity | undefined {
  const { id, name, email, hash } = (told ?? {}) as Record<string, unknown>;
  const known = textOf(id);
  if (!SEEN.test(known) || known.search(REFUSED) >= 0 || bytesOf(known) > NAME_BYTES_MAX) return undefined;
  const address = textOf(email);
  const isAddress = ADDRESS.test(address) && address.search(REFUSED) < 0 && bytesOf(address) <= EMAIL_BYTES_MAX;
  return { id: known, name: nameOf(textOf(name)), email: isAddress ? address : "", hash: typeof hash === "string" ? hash : "" };
}

/** In one line, and as much of it as a name has room for. */
function nameOf(text: string): string {
  const letters = [...text.replace(REFUSED, " ").trim()];
  while (bytesOf(letters.join("")) > NAME_BYTES_MAX) letters.pop();
  const name = letters.join("").trim();
  return SEEN.test(name) ? name : "";
}

/** Ids are numbers, too. */
function textOf(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number") return "";
  // Halves of a letter are none.
  return new TextDecoder().decode(BYTES.encode(`${value}`)).trim();
}

function bytesOf(text: string): number {
  return BYTES.encode(text).length;
}
