// This browser's clock, milliseconds since 1970. The server takes its error out of every time.

export const now = Date.now;
