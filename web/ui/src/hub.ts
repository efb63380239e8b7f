// Opens the line to this server's hub, and tells it what the browser knows of the network.
import { Connection } from "./connection";
import type { LineState } from "./connection";

const LIVE_PATH = "/api/watchfire/live";

/** `topic` is one that the page may read; `share` the secret of a share link, or null for the signed-in account. */
export function connectToHub(topic: string, share: string | null, onState: (state: LineState) => void): Connection {
  const query = share === null ? "" : `?share=${encodeURIComponent(share)}`;
  const url = new URL(LIVE_PATH + query, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const connection = new Connection({
    url: url.href,
    open: (at) => new WebSocket(at),
    signedOut: () => signedOut(topic, share),
    random: Math.random,
    onState,
  });
  addEventListener("online", () => connection.hurry());
  addEventListener("offline", () => connection.doubt());
  addEventListener("pageshow", () => connection.hurry());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connection.hurry();
  });
  return connection;
}

async function signedOut(topic: string, share: string | null): Promise<boolean> {
  const parameters = new URLSearchParams({ topic });
  if (share !== null) parameters.set("share", share);
  try {
    const answer = await fetch(`${LIVE_PATH}/now?${parameters}`, { cache: "no-store" });
    return answer.status === 401;
  } catch {
    return false;
  }
}
