// Somebody at a browser before the proxies of a cluster of tests: cookies, forms, JSON; another proxy where one is dead.
import { Agent, request } from "node:https";

export const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
// The certificate is the cluster's own.
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 64 });

export class Person {
  cookies = new Map();

  constructor(hosts) {
    this.hosts = hosts;
  }

  // One try at one host; rejects where there is no answer.
  ask(host, method, path, { body = "", headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const all = { "user-agent": FIREFOX, "content-length": Buffer.byteLength(body), ...headers, ...(cookie && { cookie }) };
    return new Promise((done, failed) => {
      const asked = request({ host, port: 443, method, path, agent, headers: all, timeout: 15_000 }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", failed);
        answer.on("end", () => {
          for (const line of answer.headers["set-cookie"] ?? []) {
            const [pair] = line.split(";");
            this.cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
          }
          done({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() });
        });
      });
      asked.on("timeout", () => asked.destroy(new Error("no answer in 15 s")));
      asked.on("error", failed);
      asked.end(body);
    });
  }

  // As a browser with several addresses of a name: the next one where one does not answer.
  async send(method, path, options) {
    let last;
    for (const host of this.hosts) {
      try {
        return await this.ask(host, method, path, options);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  get(path) {
    return this.send("GET", path);
  }

  post(path, fields) {
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
      origin: `https://${this.hosts[0]}`,
    };
    return this.send("POST", path, { body: new URLSearchParams(fields).toString(), headers });
  }

  json(path, body) {
    return this.send("POST", path, { body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  }

  // Server-sent events; `heard(name)` for each, resolves when the stream ends.
  listen(host, path, heard) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return new Promise((done) => {
      const asked = request({ host, port: 443, path, agent: false, rejectUnauthorized: false, headers: { cookie } }, (answer) => {
        answer.on("data", (part) => {
          for (const [, name] of part.toString().matchAll(/^event: ?(\w+)/gm)) heard(name);
        });
        answer.on("end", done);
        answer.on("error", done);
        if (answer.statusCode !== 200) answer.destroy();
        answer.on("close", done);
      });
      asked.on("error", done);
      asked.end();
      this.hangUp = () => asked.destroy();
    });
  }
}

export const pageview = (id, path = "/") => ({
  id,
  kind: "pageview",
  at: Date.now(),
  url: `https://shop.example${path}`,
  title: path,
  due: 60_000,
});

export const hits = (site, browser, list) => JSON.stringify({ site, sent: Date.now(), browser, screen: "1440x900", hits: list });

// Until it holds, or an error after so many seconds that says what was seen last.
export async function eventually(seconds, what, ask) {
  const until = Date.now() + seconds * 1000;
  let seen;
  while (Date.now() < until) {
    try {
      seen = await ask();
      if (seen === true) return;
    } catch (error) {
      seen = error.message;
    }
    await new Promise((go) => setTimeout(go, 250));
  }
  throw new Error(`${what}: ${JSON.stringify(seen)}`);
}
