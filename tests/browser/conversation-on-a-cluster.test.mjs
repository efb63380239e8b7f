// A conversation from its first words to its stars, as a cluster: customer and agent are on hubs and web processes of their own.
process.env.WATCHFIRE_SIZE = "cluster";
await import("./conversation.test.mjs");
