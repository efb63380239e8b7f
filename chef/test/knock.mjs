// Knocks at a door for some seconds, each time by a connection of its own, and fails where one was not answered with 200.
// node knock.mjs URL SECONDS
import { get } from "node:http";

const [url, seconds] = process.argv.slice(2);
const until = Date.now() + Number(seconds) * 1000;
const KNOCKERS = 8;
let answered = 0;
let slowest = 0;
const refused = [];

const knock = () =>
  new Promise((done) => {
    const began = Date.now();
    const request = get(url, { agent: false, timeout: 20_000 }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        slowest = Math.max(slowest, Date.now() - began);
        if (answer.statusCode === 200) answered += 1;
        else refused.push(answer.statusCode);
        done();
      });
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 20 s")));
    request.on("error", (error) => (refused.push(error.code ?? error.message), done()));
  });

await Promise.all(
  Array.from({ length: KNOCKERS }, async () => {
    while (Date.now() < until) await knock();
  }),
);
console.log(JSON.stringify({ answered, slowest_ms: slowest, refused }));
process.exitCode = refused.length > 0 || answered === 0 ? 1 : 0;
