// Delivery: a hit leaves the queue only when the server has answered for it, so a tunnel loses nothing;
// it keeps its id however often it is sent, so nothing counts twice.
import { browser, tellTabs } from "./browser";
import { now } from "./clock";
import { guard } from "./guard";
import { Key, memory } from "./memory";
import { deepest, due, engagement, measureDepth, shown, until } from "./page";
import type { Hit, Kind, Request } from "./protocol";
import { random } from "./random";
import { site, src, storage } from "./script";

const enum Limit {
  /** What happens within this moment goes in one request; other tabs have as long to tell the browser id. */
  GatherMs = 120,
  /** Before the same hits are sent again unless they are answered for: twice this, then twice as long each time. */
  AnswerMs = 2e3,
  AnswerMsMax = 6e4,
  /** Added to that by chance. */
  JitterMs = 999,
  /** Unanswered hits; beyond that the oldest are lost. */
  QueueHits = 500,
  /** UTF-16 units of at most 3 bytes, so the largest hit alone is under 64 KiB. */
  HitLength = 2e4,
  /** Hits of a request times the wait for its answer: 50 at first, 1 in the end, should it be the size that fails. */
  RequestHits = 1e5,
  /** Sending again would help: too slow, too large, too many, broken. Below: accepted, malformed, forbidden, unknown. */
  RetryStatus = 405,
  /** Accepted, and the site has chat. */
  ChatStatus = 203,
}

let queue: Hit[] = [];
/** 32 hexadecimal digits; none without `data-storage` or where the browser refuses. */
let visitor: string | undefined;
let wait: number = Limit.AnswerMs;
/** Runs to the next flush: the end of the gathering, or of the wait for an answer. */
let timer = 0;

/** Takes a hit on the page shown. A copy: what the caller changes later does not matter, and what cannot be sent fails here. */
export const hit = (kind: Kind, fields?: Partial<Hit>): Hit => {
  measureDepth();
  const taken: Hit = JSON.parse(
    JSON.stringify({
      id: random(),
      kind,
      at: now(),
      url: shown.url,
      pageview: shown.id,
      engaged: engagement(),
      scroll: Math.min(100, ((deepest / document.documentElement.scrollHeight) * 100) | 0),
      active: now() < until,
      due,
      ...fields,
    }).slice(0, Limit.HitLength),
  );
  queue = queue.concat(taken).slice(-Limit.QueueHits);
  timer = timer || setTimeout(flush, Limit.GatherMs);
  return taken;
};

/** Sends now the oldest hits that fit one request. An ignored browser sends nothing. */
export const flush = guard(() => {
  // Single-page sites set the title after the address.
  shown.title = document.title;
  clearTimeout(timer);
  timer = 0;
  if (memory(Key.Ignore)) queue = [];
  if (due && queue[0]) {
    const hits = queue.slice(0, Limit.RequestHits / wait);
    timer = setTimeout(flush, (wait = Math.min(wait * 2 + (now() % Limit.JitterMs), Limit.AnswerMsMax)));
    // To the origin that the script came from, as all that it asks for.
    fetch(new URL("/v1/hits", src), {
      keepalive: 1 as any,
      method: "POST",
      body: JSON.stringify({ site, sent: now(), browser: browser(), visitor, hits } as Request),
    })
      .then((answer) => {
        if (answer.status < Limit.RetryStatus) {
          queue = queue.filter((hit) => !hits.includes(hit));
          wait = Limit.AnswerMs;
          flush();
        }
        // A module is loaded once, however often it is asked for.
        return answer.status == Limit.ChatStatus && import(new URL("/chat.js?" + site, src) as any);
      })
      // Not reached: the timer sends again. No chat: the page goes without.
      .catch(now);
    tellTabs();
  }
});

/** With `data-storage`: takes who this is and what earlier pages could not send or, as this one ends, leaves that to the next. */
export const exchange = (): void => {
  if (storage != null) {
    visitor = memory(Key.Visitor, memory(Key.Visitor) || random());
    queue = JSON.parse(memory(site) || "[]").concat(queue).slice(-Limit.QueueHits);
    memory(site, due ? JSON.stringify(queue) : "");
  }
};
