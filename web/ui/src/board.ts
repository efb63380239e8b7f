// The live dashboard of one site: what is watched, what it is narrowed to, and which part draws what.
import { MinuteChart } from "./chart";
import { Chips } from "./chips";
import { loadCommits } from "./commits";
import type { Marked } from "./commits";
import type { Connection, LineState, Reader } from "./connection";
import { part, say } from "./element";
import { Feed } from "./feed";
import { admits, filterFromHash, hashFromFilter, narrowed, toggled } from "./filters";
import { Clock, count } from "./format";
import { Headline } from "./headline";
import { connectToHub } from "./hub";
import { WorldMap } from "./map";
import type { Dimension, Filter, HitsChange, HitsData, LiveChange, LiveData, VisitorsChange, VisitorsData } from "./protocol";
import { Redraw } from "./redraw";
import { SavedApi } from "./reports-saved";
import { RowPanel } from "./rows";
import { applyHits, applyLive, applyVisitors, feedFrom, lastMinutes, liveFrom, visitorsFrom } from "./state";
import type { FeedView, LiveView, VisitorsView } from "./state";
import { guideTabs } from "./tabs";
import { VisitorList } from "./visitors";
import { VisitorPanel } from "./visitor-panel";
import { Talks } from "./visitor-talk";

const TICK_MS = 1_000;
/** How often what is noted of the site is asked for. */
const NOTES_MS = 60_000;
/** As far back as the chart reaches, and a little more. */
const MARKED_MS = 3_600_000;

export class Board {
  private readonly topic: string;
  private readonly line: Connection;
  private readonly redraw = new Redraw();
  private readonly headline: Headline;
  private readonly chart: MinuteChart;
  private readonly panels: RowPanel[];
  private readonly map: WorldMap;
  private readonly chips: Chips;
  private readonly list: VisitorList;
  private readonly feed: Feed;
  private readonly visitorPanel: VisitorPanel;
  private filter: Filter = {};
  private live: LiveView | null = null;
  private visitors: VisitorsView | null = null;
  private hits: FeedView | null = null;
  private stops: (() => void)[] = [];
  private readonly title = document.title;
  private titledAt = -Infinity;
  /** None for who came by a share link: notes are the site's own. */
  private readonly saved: SavedApi | null;
  private readonly marked: Marked = { notes: [], commits: [], more: false };

  constructor(private readonly root: HTMLElement) {
    const { site, zone, share, world, visitors } = root.dataset;
    const clock = new Clock(zone);
    const choose = (dimension: Dimension, value: string) => this.narrow(toggled(this.filter, dimension, value));
    const now = () => Date.now() + this.line.clockDifference;
    this.topic = `site/${site}`;
    this.saved = share === undefined ? new SavedApi(site ?? "", false) : null;
    this.line = connectToHub(`${this.topic}/now`, share ?? null, (state) => this.showLine(state));
    this.headline = new Headline(root, clock);
    this.chart = new MinuteChart(part(root, "last-minutes"), clock);
    this.panels = [...root.querySelectorAll<HTMLElement>("[data-rows]")].map((panel) => new RowPanel(panel, choose));
    this.map = new WorldMap(part(root, "places"), world ?? "", (country) => choose("country", country));
    this.chips = new Chips(root, (filter) => this.narrow(filter));
    this.visitorPanel = new VisitorPanel(part<HTMLDialogElement>(root, "visitor-panel"), clock, now, visitors, "inbox" in root.dataset ? new Talks(site ?? "") : null, "chat" in root.dataset ? (site ?? "") : null);
    const open = this.visitorPanel.open.bind(this.visitorPanel);
    this.list = new VisitorList(part(root, "who"), open, now, () => this.redraw.soon(this.drawVisitors));
    this.feed = new Feed(part(root, "happening"), clock, (key) => this.visitors?.byKey.get(key), open, () => this.redraw.soon(this.drawFeed));
  }

  start(): void {
    guideTabs(this.root);
    this.filter = filterFromHash(location.hash);
    this.chips.show(this.filter);
    addEventListener("hashchange", () => this.narrowed(filterFromHash(location.hash)));
    this.watch();
    this.line.subscribe(`${this.topic}/hits`, undefined, this.reader<HitsData, HitsChange>(
      (data) => {
        this.hits = feedFrom(data);
        this.redraw.soon(this.drawFeed);
      },
      (change) => {
        if (this.hits) applyHits(this.hits, change);
        this.map.spark((change.hits ?? []).filter((hit) => admits(this.filter, hit, this.visitors?.byKey.get(hit.visitor))));
        this.redraw.soon(this.drawFeed);
      },
    ));
    this.line.start();
    setInterval(() => this.tick(), TICK_MS);
    void this.loadNotes();
    setInterval(() => void this.loadNotes(), NOTES_MS);
  }

  /** Without an answer the chart keeps what it has; the next one comes in a minute. */
  private async loadNotes(): Promise<void> {
    if (this.saved === null || document.hidden || this.root.dataset["state"] === "signed-out") return;
    const loaded = this.saved.load().then(() => {
      this.marked.notes = this.saved!.of("annotation").map(({ at, name }) => ({ at: at ?? 0, text: name }));
    });
    const told = loadCommits(this.root.dataset["site"] ?? "", Date.now() - MARKED_MS).then(({ commits, more }) => {
      this.marked.commits = commits;
      this.marked.more = more;
    });
    await Promise.allSettled([loaded, told]);
    this.chart.mark(this.marked);
  }

  /** By a press: the address follows, so that back undoes it and the view can be shared. */
  private narrow(filter: Filter): void {
    history.pushState(null, "", hashFromFilter(filter) || location.pathname + location.search);
    this.narrowed(filter);
  }

  private narrowed(filter: Filter): void {
    this.filter = filter;
    this.chips.show(filter);
    this.root.dataset["busy"] = "";
    this.stops.forEach((stop) => stop());
    this.watch();
    this.drawLiveSoon();
    this.redraw.soon(this.drawFeed);
  }

  private watch(): void {
    this.stops = [
      this.line.subscribe(`${this.topic}/live`, this.filter, this.reader<LiveData, LiveChange>(
        (data) => {
          this.live = liveFrom(data);
          delete this.root.dataset["busy"];
          this.showState("live");
          this.liveChanged();
        },
        (change) => {
          if (this.live) applyLive(this.live, change);
          this.liveChanged();
        },
      )),
      this.line.subscribe(`${this.topic}/visitors`, this.filter, this.reader<VisitorsData, VisitorsChange>(
        (data) => {
          this.visitors = visitorsFrom(data);
          this.redraw.soon(this.drawVisitors);
        },
        (change) => {
          if (this.visitors) applyVisitors(this.visitors, change);
          this.redraw.soon(this.drawVisitors);
        },
      )),
    ];
  }

  private reader<Data, Change>(snapshot: (data: Data) => void, delta: (change: Change) => void): Reader {
    return {
      snapshot: (data) => {
        this.say("");
        snapshot(data as Data);
      },
      delta: (data) => delta(data as Change),
      refused: (_, message) => this.say(message),
      ended: (_, message) => {
        this.showState("ended");
        this.say(message);
      },
    };
  }

  private liveChanged(): void {
    if (performance.now() - this.titledAt >= TICK_MS) this.writeTitle();
    this.drawLiveSoon();
  }

  private drawLiveSoon(): void {
    for (const draw of [this.drawLive, this.drawChart, this.drawPanels, this.drawMap]) this.redraw.soon(draw);
  }

  /** The title stands in a tab that may be hidden, where no frame is drawn; once a second is often enough. */
  private writeTitle(): void {
    if (!this.live) return;
    const title = `(${count(this.live.present)}) ${this.title}`;
    if (title === document.title) return;
    document.title = title;
    this.titledAt = performance.now();
  }

  private readonly drawLive = (): void => {
    if (!this.live) return;
    const filtered = narrowed(this.filter).length > 0;
    this.headline.show(this.live, filtered);
    part(this.root, "whole-site").hidden = !filtered;
    if (this.live.present > 0) this.root.querySelector(".waiting")?.remove();
    part(this.root, "nobody").hidden = this.live.present > 0 || filtered || this.root.querySelector(".waiting") !== null;
    part(this.root, "no-match").hidden = this.live.present > 0 || !filtered;
  };

  private readonly drawPanels = (): void => this.panels.forEach((panel) => panel.show(this.live, this.filter));

  private readonly drawMap = (): void => this.map.show(this.live?.rows.country ?? new Map(), this.filter.country);

  private readonly drawVisitors = (): void => {
    this.list.show(this.visitors);
    const key = this.visitorPanel.key;
    if (key !== null) this.visitorPanel.update(this.visitors?.byKey.get(key));
    this.redraw.soon(this.drawFeed);
  };

  private readonly drawFeed = (): void => this.feed.show(this.hits, this.filter);

  private readonly drawChart = (): void => {
    if (!this.live) return;
    const wholeSite = narrowed(this.filter).length > 0 ? 0 : this.live.present;
    this.chart.show(lastMinutes(this.live, Date.now() + this.line.clockDifference, wholeSite));
  };

  private tick(): void {
    this.writeTitle();
    if (document.hidden || this.root.dataset["state"] !== "live") return;
    this.list.tick();
    this.visitorPanel.tick();
    if (new Date().getSeconds() % 5 === 0) this.redraw.soon(this.drawChart);
  }

  /** An open line is not live yet: what is shown may be old until the first snapshot. */
  private showLine(state: LineState): void {
    if (state !== "open") this.showState(state);
  }

  private showState(state: Exclude<LineState, "open"> | "live" | "ended"): void {
    this.root.dataset["state"] = state;
    const names = {
      connecting: "Connecting…", live: "Live", lost: "Reconnecting…", "signed-out": "Signed out", ended: "Ended",
    };
    say(part(this.root, "line"), names[state]);
    part(this.root, "lost").hidden = state !== "lost";
    part(this.root, "signed-out").hidden = state !== "signed-out";
  }

  private say(message: string): void {
    const trouble = part(this.root, "trouble");
    trouble.hidden = message === "";
    say(trouble, message);
  }
}
