// Rules by which a site speaks first, as a cluster.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./rules.test.mjs");
