// The tag: tells Watchfire what happens on the page that carries it.
import { joinTabs, quitTabs, stay } from "./browser";
import { answerCalls } from "./calls";
import { watchClicks } from "./clicks";
import { exchange, flush, hit } from "./delivery";
import { on } from "./guard";
import { attend, begin, due, end, measureDepth, route } from "./page";

/** The page is shown: loaded, or restored from the back-forward cache. */
const arrive = (): void => {
  begin(document.referrer);
  answerCalls();
  joinTabs();
};

const start = (): void => {
  exchange();
  on("scroll", measureDepth);
  on("scroll keydown pointerdown pointermove blur visibilitychange", attend);
  on("online visibilitychange", flush);
  on("pagehide", () => {
    hit("leave");
    exchange();
    flush();
    end();
    quitTabs();
  });
  on("pageshow", () => {
    if (!due) arrive();
  });
  watchClicks();
  // Client-side routes: where the Navigation API is missing, the address is looked at; the page's History stays untouched.
  if (stay) navigation.addEventListener("currententrychange", route);
  else setInterval(route, 500);
  arrive();
};

if ((document as any).prerendering) on("prerenderingchange", start);
else start();
