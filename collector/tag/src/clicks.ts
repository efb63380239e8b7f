// Clicks that tell something: elements marked with `data-wf-event`, outbound links, downloads.
import { receive } from "./calls";
import { on } from "./guard";
import type { Props } from "./protocol";

const enum Mark {
  Prop = "data-wf-event-",
}

export const watchClicks = (): void => {
  on("click auxclick", ({ target, button }: { target: Element; button: number }) => {
    // The left and the middle button; a key makes a click, too.
    if (button < 2) {
      const marked = target.closest("[data-wf-event]") as HTMLElement;
      const link = target.closest("a");
      const props: Props = {};
      if (marked) {
        for (let { name, value } of marked.attributes) {
          if ((name = name.split(Mark.Prop)[1])) props[name] = value;
        }
        receive("event", marked.dataset.wfEvent, props);
      }
      if (link) {
        const name =
          (link.attributes as any).download || /\.(pdf|zip|csv|txt|exe|dmg|docx?|xlsx?)$/.test(link.pathname)
            ? "download"
            : link.host && link.host != location.host && "outbound";
        if (name) receive("event", name, { url: link.href.slice(0, 512) });
      }
    }
  });
};
