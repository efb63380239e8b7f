// A customer's screen, as a cluster: customer and agents are on hubs and web processes of their own.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./screen.test.mjs");
