// The operator's picture of the services: asked for every five seconds while the page is seen.
import { draw, make, part, say } from "./element";
import { duration } from "./format";
import type { Picture, Process } from "./pipeline-protocol";
import { STATIONS, amount, bytes, inWords, lines } from "./pipeline-words";
import type { Fact, Station } from "./pipeline-words";

const EVERY_MS = 5_000;
const WIDTH = 180;
const HEIGHT = 36;
/** Clocks that are further apart than this are said. */
const AHEAD_MS = 2_000;

class Card {
  readonly element: HTMLLIElement;
  private readonly number = make("span", "station-number number");
  private readonly svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 2}`, preserveAspectRatio: "none", class: "station-hour", "aria-hidden": "true" });
  private readonly peak = make("p", "station-peak muted small");
  private readonly values: [Fact, HTMLElement, HTMLElement][] = [];

  constructor(private readonly station: Station) {
    this.element = make("li", `card station station-${station.key}`);
    const head = make("div", "station-head");
    head.append(make("h2", "", station.title), make("p", "muted small", station.does));
    const main = make("p", "station-main");
    main.append(this.number, make("span", "muted small", ` ${station.main.label}`));
    const facts = make("dl", "station-facts");
    for (const fact of station.facts) {
      const row = make("div");
      const value = make("dd", "number", "–");
      row.append(make("dt", "", fact.label), value);
      facts.append(row);
      this.values.push([fact, row, value]);
    }
    this.element.append(head, main, this.svg, this.peak, facts);
  }

  show(picture: Picture): void {
    const { main, of } = this.station;
    const isThere = picture.processes.some((process) => !process.is_silent && process.services.some((service) => of.includes(service)));
    say(this.number, inWords(amount(picture.now[main.name], main.unit, isThere), main.unit));
    const hour = picture.hour[main.name] ?? [];
    this.svg.replaceChildren(...lines(hour, WIDTH, HEIGHT).map((points) => draw("polyline", { points })));
    const top = Math.max(0, ...hour.map((value) => value ?? 0));
    say(this.peak, isThere ? `at most ${inWords(top, main.unit)} in the last hour` : "no process of it is heard");
    let trouble = false;
    for (const [fact, row, value] of this.values) {
      const told = amount(picture.now[fact.name], fact.unit, isThere);
      say(value, inWords(told, fact.unit));
      const isBad = fact.bad === true && (told ?? 0) > 0;
      row.classList.toggle("bad", isBad);
      row.hidden = fact.rare === true && !told;
      trouble ||= isBad;
    }
    this.element.classList.toggle("trouble", trouble);
    this.element.classList.toggle("quiet", !isThere);
  }
}

class Pipeline {
  private readonly cards = STATIONS.map((station) => new Card(station));
  private readonly lost: HTMLElement;
  private timer = 0;

  constructor(private readonly root: HTMLElement) {
    this.lost = part(root, "lost");
    part(root, "stations").append(...this.cards.map((card) => card.element));
  }

  start(): void {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.ask();
    });
    void this.ask();
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    if (document.hidden) return;
    try {
      const answer = await fetch("/api/watchfire/pipeline", { headers: { accept: "application/json" }, signal: AbortSignal.timeout(2 * EVERY_MS) });
      const isOut = answer.status === 401 || answer.status === 404;
      part(this.root, "signed-out").hidden = !isOut;
      if (isOut) return;
      if (!answer.ok) throw new Error(String(answer.status));
      this.show((await answer.json()) as Picture);
      this.lost.hidden = true;
    } catch {
      this.lost.hidden = false;
    }
    this.timer = setTimeout(() => void this.ask(), EVERY_MS);
  }

  private show(picture: Picture): void {
    for (const card of this.cards) card.show(picture);
    const heard = picture.processes.filter((process) => !process.is_silent);
    say(part(this.root, "state"), heard.length === 1 ? "One process tells how it is." : `${heard.length} processes tell how they are.`);
    const versions = [...new Set(heard.map((process) => process.version))].sort();
    const differ = part(this.root, "versions");
    differ.hidden = versions.length < 2;
    say(differ, `Several versions run: ${versions.join(", ")}. That is fine while an upgrade goes on.`);
    part(this.root, "none").hidden = picture.processes.length > 0;
    part(this.root, "table").hidden = picture.processes.length === 0;
    part(this.root, "rows").replaceChildren(...picture.processes.map((process) => row(process, picture.at)));
  }
}

function row(process: Process, now: number): HTMLTableRowElement {
  const line = make("tr", process.is_silent ? "silent" : "");
  const host = make("td");
  host.append(make("bdi", "", process.host));
  const state = make("td");
  const says = (text: string, kind: string) => state.append(make("span", `badge ${kind}`, text), " ");
  if (process.is_silent) says(`silent for ${duration(now - process.heard)}`, "warn");
  else says("here", "ok");
  if (Math.abs(process.ahead_ms) > AHEAD_MS) {
    says(`its clock is ${duration(Math.abs(process.ahead_ms))} ${process.ahead_ms > 0 ? "ahead" : "behind"}`, "warn");
  }
  const number = (name: string, words: (value: number) => string) => {
    const value = process.now[name];
    return make("td", "number", value === undefined ? "–" : words(value));
  };
  line.append(
    host,
    make("td", "", process.services.join(", ")),
    make("td", "", process.version),
    make("td", "number", duration(now - process.started)),
    number("cpu", (share) => `${Math.round(share * 100)} %`),
    number("memory_bytes", bytes),
    number("files", String),
    number("disk_free_bytes", bytes),
    state,
  );
  return line;
}

const root = document.querySelector<HTMLElement>("[data-pipeline]");
if (root) new Pipeline(root).start();
