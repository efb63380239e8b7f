// Clicks that tell something: elements marked with `data-wf-event`, outbound links, downloads.
import { hit } from "./delivery";
import { on } from "./guard";
import type { Props } from "./protocol";

const enum Mark {
  Event = "data-wf-event",
  Prop = "data-wf-event-",
  PropLength = 14,
}

const receive = (name: string, props: Props): unknown => hit("event", { name, props });

export const watchClicks = (): void => {
  on("click auxclick", ({ target, button }: { target: Element; button: number }) => {
    // The left and the middle button; a key makes a click, too.
    if (button < 2) {
      const marked = target.closest("[data-wf-event]");
      const link = target.closest("a");
      const props: Props = {};
      if (marked) {
        for (const { name, value } of marked.attributes) {
          if (name.startsWith(Mark.Prop)) props[name.slice(Mark.PropLength)] = value;
        }
        receive(marked.getAttribute(Mark.Event)!, props);
      }
      if (link) {
        const name =
          link.hasAttribute("download") || /\.(pdf|zip|csv|txt|exe|dmg|docx?|xlsx?)$/.test(link.pathname)
            ? "download"
            : link.host && link.host != location.host && "outbound";
        if (name) receive(name, { url: link.href.slice(0, 512) });
      }
    }
  });
};
