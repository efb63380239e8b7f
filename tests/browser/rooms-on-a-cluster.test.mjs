// Rooms, as a cluster.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./rooms.test.mjs");
