// What the tests of the tag stand on: a small site with the tag on its pages, a collector that records what it is sent
// and answers as it is told, and a Chromium to visit with.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const SCRIPT = await readFile(new URL("../dist/wf.js", import.meta.url));
const WAIT_MS_MAX = 8000;

export const SITE = "WF-8K2MZQ4T";

export const launch = (options = {}) =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"], ...options });

/** A site on a free port of the loopback. */
export async function openShop() {
  const shop = {
    /** Every request for hits, oldest first: its parsed body as `body`, its status as `status`. */
    requests: [],
    /** The status of the next answers; 0 hangs up. */
    status: 202,
    /** Attributes of the script element, further elements, and headers of every page. */
    attributes: "",
    body: "",
    head: "",
    headers: {},
    /** Origin of the tag; of the pages' own if empty. */
    tagOrigin: "",
    /** What `/chat.js` is; nothing there if empty. And each request for it. */
    chat: "",
    chatRequests: [],
  };

  const server = createServer(async (request, response) => {
    if (request.method === "POST" && request.url === "/v1/hits") return receiveHits(shop, request, response);
    if (request.url === "/wf.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(SCRIPT);
    if (request.url.startsWith("/chat.js")) return answerChat(shop, request, response);
    if (request.url === "/favicon.ico") return response.writeHead(204).end();
    response.writeHead(200, { "content-type": "text/html", ...shop.headers }).end(pageOf(shop, request.url));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

  const { port } = server.address();
  shop.origin = `http://127.0.0.1:${port}`;
  shop.otherOrigin = `http://localhost:${port}`;
  /** Every sending of a hit of the kind, or of any. */
  shop.sends = (kind) => shop.requests.flatMap(({ body }) => body.hits).filter((hit) => !kind || hit.kind === kind);
  /** Every hit once, however often it was sent. */
  shop.hits = (kind) => [...new Map(shop.sends(kind).map((hit) => [hit.id, hit])).values()];
  shop.accepted = () => shop.requests.filter(({ status }) => status === 202 || status === 203).flatMap(({ body }) => body.hits);
  /** Waits until there are `count` hits of the kind, and gives them. */
  shop.await = async (kind, count = 1) => {
    await until(() => shop.hits(kind).length >= count, () => `${count} ${kind} of ${JSON.stringify(shop.hits())}`);
    return shop.hits(kind);
  };
  shop.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return shop;
}

/** Waits for a condition, not for a time. */
export async function until(condition, what = () => "a condition") {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function receiveHits(shop, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { status } = shop;
  const bytes = Buffer.concat(chunks);
  shop.requests.push({ status, bytes: bytes.length, body: JSON.parse(bytes), type: request.headers["content-type"], cookie: request.headers.cookie });
  if (!status) return response.destroy();
  response.writeHead(status, { "access-control-allow-origin": "*" }).end("{}");
}

function answerChat(shop, request, response) {
  shop.chatRequests.push(`http://${request.headers.host}${request.url}`);
  response.writeHead(shop.chat ? 200 : 404, { "content-type": "text/javascript", "access-control-allow-origin": "*" }).end(shop.chat);
}

function pageOf(shop, url) {
  return `<!doctype html><title>Page ${url}</title>${shop.head}
    <script defer src="${shop.tagOrigin}/wf.js" data-site="${SITE}" ${shop.attributes}></script>
    <body>${shop.body}`;
}
