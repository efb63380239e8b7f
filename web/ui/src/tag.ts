// The tag page's check: waits for the site's first hit and says what came.
import { make } from "./element";
import { connectToHub } from "./hub";
import type { FeedHit, HitsChange, HitsData } from "./protocol";

const box = document.querySelector<HTMLElement>("[data-first-hit][data-site]");
if (box) waitForHit(box);

function waitForHit(box: HTMLElement): void {
  const topic = `site/${box.dataset["site"]}/hits`;
  box.setAttribute("role", "status");
  const line = connectToHub(topic, null, (state) => {
    if (box.dataset["firstHit"] === "received") return;
    if (state === "open") write(box, "waiting", make("span", "", "Waiting for the first hit…"));
    else if (state === "signed-out") write(box, "lost", make("span", "", "You are signed out: sign in and come back to this page."));
    else if (state === "lost") write(box, "lost", make("span", "", "The connection is lost; it will be back by itself…"));
  });
  const read = (data: unknown) => {
    const hit = (data as HitsData | HitsChange).hits?.at(-1);
    if (hit) write(box, "received", ...received(hit));
  };
  line.subscribe(topic, undefined, { snapshot: read, delta: read });
  line.start();
}

function received(hit: FeedHit): HTMLElement[] {
  const time = new Date(hit.at).toLocaleTimeString(document.documentElement.lang, { hourCycle: "h23" });
  return [make("strong", "", "Received"), make("bdi", "first-hit-page", hit.path), make("span", "muted number", time)];
}

function write(box: HTMLElement, state: string, ...content: HTMLElement[]): void {
  box.dataset["firstHit"] = state;
  box.classList.add("first-hit");
  const mark = make("span", "first-hit-mark");
  mark.setAttribute("aria-hidden", "true");
  box.replaceChildren(mark, ...content);
}
