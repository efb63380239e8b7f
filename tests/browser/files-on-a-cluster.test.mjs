// Files in rooms, as embedded.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./files.test.mjs");
