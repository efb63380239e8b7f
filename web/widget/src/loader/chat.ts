// chat.js, which the tag loads where a site has chat: the button, and behind it the panel in a frame of its own. Before somebody opens it nothing is
// asked for but the settings and whether an agent writes first, and nothing is kept before they do.
import type { FromPanel, Identity, Settings, ToPanel } from "../talk";
import { askBrowser } from "./browser";
import { answerCalls } from "./calls";
import { NOTHING, draw, language } from "./launcher";
import { OPEN, SECRET, memory } from "./memory";
import { origin, site } from "./place";

/** As long as a page that is never idle is waited for. */
const IDLE_MS_MAX = 4_000;
/** Before it is asked again whether an agent writes first, where there was no answer. */
const AGAIN_MS = 9e3;
/** Where the panel fills the window. */
const SMALL = "(max-width:479px),(max-height:479px)";

const idle = (work: () => unknown): unknown =>
  // Where there is no waiting for it, a number that is none is no time at all.
  ((self.requestIdleCallback ?? setTimeout) as typeof requestIdleCallback)(work, { timeout: IDLE_MS_MAX });

async function start(): Promise<void> {
  const answer = await fetch(`${origin}/api/watchfire/chat/${site}`);
  if (!answer.ok) return;
  const settings = (await answer.json()) as Settings;
  const state: ToPanel = { nonce: `${crypto.getRandomValues(new Uint32Array(4))}`, secret: memory("localStorage", SECRET), open: false };
  const events = new EventTarget();
  let frame: HTMLIFrameElement | undefined;
  let asking: AbortController | undefined;
  /** What stands in the frame, once it said so. */
  let panel: Window | undefined;

  // What the page does then is its own: it fails there, and not here.
  const emit = (event: string, detail?: unknown) => events.dispatchEvent(new CustomEvent(event, { detail }));

  const tell = () => {
    state.page = location.href;
    state.title = document.title;
    state.visitor = memory("localStorage", "wf-visitor");
    if (!panel) return;
    panel.postMessage(state, origin);
    state.focus = false;
  };

  const load = () => {
    if (frame) return;
    asking?.abort();
    frame = document.createElement("iframe");
    frame.title = settings.name;
    frame.allow = "display-capture";
    frame.src = `${origin}/chat/${site}?lang=${language}#${state.nonce}`;
    launcher.box.append(frame);
    tell();
  };

  /** As long as the panel is not there to do it. An answer waits until an agent writes. */
  const listen = () => {
    asking?.abort();
    if (frame || document.hidden) return;
    const { signal } = (asking = new AbortController());
    fetch(`${origin}/api/watchfire/chat/${site}/call?browser=${state.browser}&visitor=${state.visitor || ""}`, { signal })
      .then(({ status }) => (status == 200 ? load() : status == 204 ? listen() : Promise.reject()))
      .catch(() => signal.aborted || setTimeout(listen, AGAIN_MS));
  };

  const show = (open: boolean, byCustomer?: boolean) => {
    if (open == state.open) return;
    state.open = open;
    launcher.show(open);
    if (open) load();
    if (byCustomer || state.secret) memory("sessionStorage", OPEN, open && "1");
    if (byCustomer) (open ? frame! : launcher.button).focus();
    state.focus = byCustomer;
    tell();
    emit(open ? "opened" : "closed");
  };

  const wait = (waiting: typeof NOTHING) => {
    launcher.wait(waiting);
    emit("unread", waiting.count);
  };

  const remember = (secret: string | null) => {
    memory("localStorage", SECRET, (state.secret = secret));
    tell();
  };

  // Whoever points at the button finds the panel there.
  const launcher = draw(settings, (open) => show(open, true), load);

  addEventListener("message", ({ source, origin: from, data }) => {
    if (!frame || source != frame.contentWindow || from != origin) return;
    const { hello, close, keep, waiting, said } = data as FromPanel;
    if (hello) {
      panel = frame.contentWindow!;
      tell();
    }
    if (close) show(false, true);
    if (keep !== undefined) remember(keep);
    if (waiting) wait(waiting);
    if (said) emit("message", said);
  });

  // Another tab: the customer spoke there, or is forgotten.
  addEventListener("storage", ({ key, newValue }) => {
    if (key != SECRET) return;
    state.secret = newValue;
    if (newValue) load();
    tell();
  });

  askBrowser((id) => {
    state.browser = id;
    tell();
    document.addEventListener("visibilitychange", listen);
    listen();
  });
  // Whoever opens it finds it there, but on a line that is to be spared; the page itself is there first.
  if (state.secret || !(navigator as any).connection?.saveData) {
    const after = () => idle(load);
    document.readyState == "complete" ? after() : addEventListener("load", after);
  }
  if (memory("sessionStorage", OPEN) && !matchMedia(SMALL).matches) show(true);

  answerCalls((verb, what, detail, react) => {
    if (verb == "chat") {
      if (what == "open" || what == "close") show(what == "open");
      if (what == "on") events.addEventListener(detail, (event) => react((event as CustomEvent).detail));
      if (what == "show") {
        state.shown = `${detail}`;
        load();
        tell();
      }
      if (what == "forget") {
        show(false);
        remember(null);
        frame?.remove();
        frame = panel = state.identity = undefined;
        wait(NOTHING);
      }
      return true;
    }
    if (verb != "identify" || !what?.id) return false;
    state.identity = JSON.parse(JSON.stringify(what)) as Identity;
    // With an id in place of the person it is the tag's, whose hits take nothing that is null.
    watchfire(verb, what.id, { name: what.name ?? undefined, email: what.email ?? undefined });
    tell();
    return true;
  });
}

idle(() => start().catch(() => {}));
