// Rooms, as embedded.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./rooms.test.mjs");
