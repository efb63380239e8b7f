// Random ids.

/** 32 hexadecimal digits; that only decimal ones occur leaves them 106 bits. */
export const random = (): string => crypto.getRandomValues(new Uint32Array(8)).join("").slice(0, 32);
