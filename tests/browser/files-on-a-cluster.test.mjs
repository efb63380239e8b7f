// Files in rooms, as a cluster.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./files.test.mjs");
