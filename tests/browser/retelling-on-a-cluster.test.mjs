// A conversation shown to everybody, as a cluster: customer, agents and readers are on hubs and web processes of their own.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./retelling.test.mjs");
