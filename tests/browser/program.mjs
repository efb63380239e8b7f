// The built program and a customer's site, started and stopped for one test file; and real Chromium.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILT = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug");
const BINARY = process.env.WATCHFIRE_BINARY ?? join(BUILT, "watchfire");
const CLUSTER = join(BUILT, "watchfire-cluster");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const OWNER = { name: "Olive Owner", email: "olive@watchfire.example", password: "correct horse battery" };

/** Asks again until `ask` gives something true, at most `ms`; returns it and how long it took. */
export async function until(what, ask, ms = 15_000) {
  const began = performance.now();
  for (;;) {
    const found = await ask();
    const took = performance.now() - began;
    if (found) return { found, took };
    if (took > ms) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** `flags`: of Chromium, beside those of all tests. */
export function launch({ flags = [], ...options } = {}) {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags], ...options });
}

/** A browser of somebody's own. Headless Chromium says that it is automated, and such visitors count as bots. */
export async function visitor(browser, options = {}) {
  const userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version()} Safari/537.36`;
  return browser.newContext({ userAgent, ...options });
}

/** A loopback port that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const socket = createSocket().once("error", reject);
    socket.listen(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/** `watchfire serve` in a folder of its own. */
export class Program {
  static async start(folder = mkdtempSync(join(tmpdir(), "watchfire-")), flags = []) {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not built; run \`cargo build -p watchfire\` first`);
    const program = new Program();
    program.folder = folder;
    program.flags = flags;
    program.port = await freePort();
    program.url = `http://localhost:${program.port}`;
    await program.run();
    return program;
  }

  async run() {
    const listen = ["--listen", `127.0.0.1:${this.port}`, "--metrics", `127.0.0.1:${await freePort()}`];
    this.process = spawn(BINARY, ["serve", ...listen, "--data", this.folder, "--log", "warn", ...this.flags]);
    this.printed = "";
    this.process.stdout.on("data", (text) => { this.printed += text; });
    this.process.stderr.on("data", (text) => process.stderr.write(text));
    await until("the program is ready", () => fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false));
  }

  /** The address that the program prints on its first run. */
  async setUpAddress() {
    const { found } = await until("the set-up address is printed", () => this.printed.match(/http\S+\/setup\/\S+/));
    return found[0];
  }

  async end(signal) {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill(signal);
    await ended;
  }

  kill() {
    return this.end("SIGKILL");
  }

  /** What another command of the program prints. */
  command(...words) {
    return execFileSync(BINARY, words, { encoding: "utf8" });
  }

  /** What the tail holds of a site, once the program has stopped. */
  tail(site) {
    return JSON.parse(this.command("tail", "--data", this.folder, "--site", site, "--json"));
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end("SIGTERM");
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The same services as a cluster of processes over real servers, behind a proxy: `tests/src/bin/cluster.rs`. */
export class Cluster {
  static async start() {
    if (!existsSync(CLUSTER)) throw new Error(`${CLUSTER} is not built; run \`cargo build -p watchfire-tests\` first`);
    const cluster = new Cluster();
    cluster.process = spawn(CLUSTER, { stdio: ["pipe", "pipe", "inherit"] });
    cluster.ended = new Promise((resolve) => cluster.process.once("exit", resolve));
    cluster.lines = createInterface({ input: cluster.process.stdout })[Symbol.asyncIterator]();
    const { url, set_up } = await cluster.answer();
    return Object.assign(cluster, { url, port: Number(new URL(url).port), setUpAddress: async () => set_up });
  }

  async answer() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the cluster ended");
    return JSON.parse(value);
  }

  say(words) {
    this.process.stdin.write(`${words}\n`);
    return this.answer();
  }

  /** The hubs and who serves the pages: what a browser speaks with. */
  kill() {
    return this.say("kill");
  }

  run() {
    return this.say("run");
  }

  /** What the tail holds of a site, once nothing is on its way. */
  async tail(site, pageviews) {
    const { found } = await until("every pageview is in the tail", async () => {
      const told = await this.say(`tail ${site}`);
      return told.all.pageviews >= pageviews && told;
    }, 30_000);
    return found;
  }

  async stop() {
    this.process.stdin.end();
    await this.ended;
  }

  remove() {}
}

/** The size that a test's file asks for: embedded, where it says nothing. */
export function start() {
  return process.env.WATCHFIRE_SIZE === "cluster" ? Cluster.start() : Program.start();
}

/** A new user: opens the printed address, makes the owner's account and a site. Returns the site's id. */
export async function setUp(page, program, hostnames = "localhost") {
  await page.goto(await program.setUpAddress());
  await page.getByLabel("Name").fill(OWNER.name);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL(/\/sites\/new/);
  await page.getByLabel("Name", { exact: true }).fill("The Shop");
  await page.getByLabel("Hostnames").fill(hostnames);
  await page.getByRole("button", { name: "Add site" }).click();
  await page.waitForURL(/\/sites\/WF-[^/]+\/tag/);
  return page.url().match(/WF-[0-9A-Z]+/)[0];
}

/** Has the owner invite somebody to a site, who makes an account in the page they have. */
export async function invite(owner, page, program, site, { name, email, password }, role = "viewer") {
  const answer = await owner.context.request.post(`${program.url}/sites/${site}/invitations`, {
    form: { role }, headers: { origin: program.url },
  });
  await page.goto((await answer.text()).match(/http\S+?\/invitation\/[a-z0-9]+/)[0]);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account and join" }).click();
  await page.waitForURL(/\/sites\//);
}

/** A customer's site on a port of its own, every page with the tag pasted from the tag page. */
export class CustomerSite {
  /** `page` is one of its own: the attributes of its root, what it holds, and the headers it comes with. */
  static async start(snippet, page = {}) {
    const site = new CustomerSite();
    const { root = "", body = `<h1>${"tea "}</h1><a id="next" href="/next">next</a><div style="height:3000px"></div>`, headers = {} } = page;
    site.server = createServer((request, response) => {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers });
      response.end(`<!doctype html><html ${root}><title>Page ${request.url.replace(/[<&]/g, "")}</title>${snippet}${body}`);
    });
    await new Promise((resolve) => site.server.listen(0, "127.0.0.1", resolve));
    site.url = `http://localhost:${site.server.address().port}`;
    return site;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
