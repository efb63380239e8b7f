// All sites on one page: their counts, kept up to date, and a search where they are many.
import type { LineState } from "./connection";
import { part, say } from "./element";
import { count, counted } from "./format";
import { connectToHub } from "./hub";
import type { NowData } from "./protocol";
import { Redraw } from "./redraw";

/** The hub takes 300 subscriptions a connection; sites beyond keep the count that the page came with. */
const WATCHED_MAX = 300;

interface Site {
  card: HTMLElement;
  words: string;
  present: number;
}

class Overview {
  private readonly sites: Site[];
  private readonly redraw = new Redraw();

  constructor(private readonly root: HTMLElement) {
    this.sites = [...root.querySelectorAll<HTMLElement>("[data-site]")].map((card) => ({
      card,
      words: (card.textContent ?? "").toLowerCase(),
      present: Number(card.dataset["present"]),
    }));
  }

  start(): void {
    this.draw();
    const search = this.root.querySelector<HTMLInputElement>("[data-part=search]");
    search?.addEventListener("input", () => this.find(search.value));
    const [first] = this.sites;
    if (!first) return;
    const line = connectToHub(`site/${first.card.dataset["site"]}/now`, null, (state) => this.showLine(state));
    for (const site of this.sites.slice(0, WATCHED_MAX)) {
      const read = (data: unknown) => {
        site.present = (data as NowData).present;
        this.redraw.soon(this.draw);
      };
      line.subscribe(`site/${site.card.dataset["site"]}/now`, undefined, { snapshot: read, delta: read, ended: () => site.card.remove() });
    }
    line.start();
  }

  private readonly draw = (): void => {
    let total = 0;
    for (const { card, present } of this.sites) {
      if (card.isConnected) total += present;
      say(part(card, "count"), count(present));
      card.classList.toggle("quiet", present === 0);
    }
    say(part(this.root, "sum"), counted(total, "visitor"));
    document.title = `(${count(total)}) ${document.title.replace(/^\([^)]*\) /, "")}`;
  };

  private find(text: string): void {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const site of this.sites) {
      const matches = words.every((word) => site.words.includes(word));
      site.card.hidden = !matches;
      found += Number(matches);
    }
    part(this.root, "not-found").hidden = found > 0;
  }

  private showLine(state: LineState): void {
    this.root.dataset["state"] = state;
    part(this.root, "lost").hidden = state !== "lost";
    part(this.root, "signed-out").hidden = state !== "signed-out";
  }
}

const root = document.querySelector<HTMLElement>("[data-overview]");
if (root) new Overview(root).start();
