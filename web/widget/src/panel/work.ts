// Work that the server asks for while very many conversations are begun: a text that, with the challenge, has a hash with
// so many zero bits at its begin. A second of a customer's time; the page can be used meanwhile.
import { sha256 } from "@noble/hashes/sha2";

export interface Work {
  challenge: string;
  bits: number;
}

/** Nobody is made to work for hours. */
const BITS_MAX = 24;
const SLICE_MS = 20;
const TRIES_A_LOOK = 256;

/** A work in what a refusal says beside its error. */
export function workIn(told: unknown): Work | null {
  const { challenge, bits } = ((told as { work?: Partial<Work> } | null)?.work ?? {}) as Partial<Work>;
  return typeof challenge === "string" && typeof bits === "number" && bits <= BITS_MAX ? { challenge, bits } : null;
}

/** A text of at most 16 characters. */
export async function done({ challenge, bits }: Work): Promise<string> {
  const encoder = new TextEncoder();
  for (let tried = 0; ; await pause()) {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      for (const end = tried + TRIES_A_LOOK; tried < end; tried++) {
        const text = tried.toString(36);
        if (zeroBits(sha256(encoder.encode(`${challenge}:${text}`))) >= bits) return text;
      }
    }
  }
}

export function zeroBits(hash: Uint8Array): number {
  return Math.clz32(new DataView(hash.buffer, hash.byteOffset).getUint32(0));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
