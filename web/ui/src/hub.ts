// Opens the line to this server's hub, and tells it what the browser knows of the network.
import { Connection } from "./connection";
import type { LineState } from "./connection";

const LIVE_PATH = "/api/watchfire/live";

/** `topic` is one that the page may read; `share` the secret of a share link, or null for the signed-in account, or whom `bearer` is the secret of. */
export function connectToHub(topic: string, share: string | null, onState: (state: LineState) => void, bearer?: string): Connection {
  const url = new URL(LIVE_PATH, location.href);
  if (share !== null) url.searchParams.set("share", share);
  if (bearer) url.searchParams.set("token", bearer);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const connection = new Connection({
    url: url.href,
    open: (at) => new WebSocket(at),
    signedOut: () => signedOut(topic, share, bearer),
    random: Math.random,
    onState,
  });
  addEventListener("online", () => connection.hurry());
  addEventListener("offline", () => connection.doubt());
  addEventListener("pageshow", () => connection.hurry());
  // An open line would keep the page out of the back-forward cache.
  addEventListener("pagehide", () => connection.doubt());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connection.hurry();
  });
  return connection;
}

async function signedOut(topic: string, share: string | null, bearer?: string): Promise<boolean> {
  const parameters = new URLSearchParams({ topic });
  if (share !== null) parameters.set("share", share);
  try {
    const headers: HeadersInit = bearer ? { authorization: `Bearer ${bearer}` } : {};
    const answer = await fetch(`${LIVE_PATH}/now?${parameters}`, { cache: "no-store", headers });
    return answer.status === 401;
  } catch {
    return false;
  }
}
