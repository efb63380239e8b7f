// Commits in conversations, as a cluster.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./commits.test.mjs");
