// Which range: presets with their keys, and any first and last day.
import { make, say } from "./element";
import type { Calendar } from "./reports-calendar";
import { addDays, addMonths, daysBetween, isDate, monthStart, weekday } from "./reports-calendar";
import { dialog } from "./reports-dialog";
import { PRESET_NAMES } from "./reports-labels";
import { PRESETS, isPreset } from "./reports-range";
import type { Preset, Range, Span } from "./reports-range";

/** Keys that choose a preset. */
export const PRESET_KEYS: Record<Preset, string> = {
  today: "t", yesterday: "y", "24h": "h", "7d": "w", "28d": "d", "90d": "q",
  "this-month": "m", "last-month": "p", "this-year": "r", "12mo": "z", all: "a",
};

export class DatePicker {
  private readonly box = dialog("Range", "date-dialog");
  private readonly presets = new Map<Preset, HTMLButtonElement>();
  private readonly first = field("First day");
  private readonly last = field("Last day");
  private readonly month = make("div", "month");
  private readonly monthName = make("strong");
  private readonly wrong = make("p", "error");
  private readonly dayName = new Intl.DateTimeFormat(document.documentElement.lang || "en", { dateStyle: "full", timeZone: "UTC" });
  private shown = "";
  private today = "";
  /** A first day was pressed, its last one not yet. */
  private half = false;

  constructor(private readonly calendar: Calendar, private readonly onChoose: (range: Range) => void) {
    const list = make("ul", "preset-list");
    list.setAttribute("role", "list");
    list.append(...PRESETS.map((preset) => this.presetItem(preset)));
    for (const input of [this.first.input, this.last.input]) input.addEventListener("change", () => this.typed());
    this.box.form.addEventListener("submit", (event) => this.submit(event));
    const apply = make("button", "button primary", "Show these days");
    apply.type = "submit";
    const head = make("div", "month-head");
    head.append(this.step("Month before", "back", -1), this.monthName, this.step("Month after", "", 1));
    const fields = make("div", "date-fields");
    fields.append(this.first.label, this.last.label);
    const own = make("div", "own-range");
    this.wrong.setAttribute("role", "alert");
    own.append(head, this.month, fields, this.wrong, apply);
    const parts = make("div", "date-parts");
    parts.append(list, own);
    this.box.body.append(parts);
  }

  open(range: Range, span: Span, now: number): void {
    this.today = this.calendar.date(now);
    this.first.input.value = this.calendar.date(span.from);
    this.last.input.value = this.calendar.date(Math.min(span.to - 1, now));
    for (const input of [this.first.input, this.last.input]) input.max = this.today;
    for (const [preset, button] of this.presets) button.ariaPressed = String(isPreset(range) && range === preset);
    this.shown = monthStart(this.last.input.value);
    this.half = false;
    say(this.wrong, "");
    this.writeMonth();
    this.box.element.showModal();
    (this.presets.get(isPreset(range) ? range : "28d") ?? this.first.input).focus();
  }

  private presetItem(preset: Preset): HTMLElement {
    const item = make("li");
    const button = make("button", "preset");
    button.type = "button";
    const key = make("kbd", "", PRESET_KEYS[preset]);
    key.ariaHidden = "true";
    button.append(make("span", "", PRESET_NAMES[preset]), key);
    button.addEventListener("click", () => this.done(preset));
    this.presets.set(preset, button);
    item.append(button);
    return item;
  }

  private step(name: string, kind: string, months: number): HTMLButtonElement {
    const button = make("button", "button small step");
    button.type = "button";
    button.setAttribute("aria-label", name);
    button.append(make("span", `chevron ${kind}`));
    button.addEventListener("click", () => {
      this.shown = addMonths(this.shown, months);
      this.writeMonth();
    });
    return button;
  }

  private writeMonth(): void {
    const name = new Intl.DateTimeFormat(document.documentElement.lang || "en", { month: "long", year: "numeric", timeZone: "UTC" });
    say(this.monthName, name.format(Date.parse(`${this.shown}T00:00:00Z`)));
    const heads = ["M", "T", "W", "T", "F", "S", "S"].map((letter) => {
      const head = make("span", "month-day-name", letter);
      head.ariaHidden = "true";
      return head;
    });
    const days = daysBetween(this.shown, addMonths(this.shown, 1));
    const buttons = [...Array(days).keys()].map((index) => this.day(addDays(this.shown, index)));
    buttons[0]!.style.gridColumnStart = String(weekday(this.shown));
    this.month.replaceChildren(...heads, ...buttons);
  }

  private day(date: string): HTMLButtonElement {
    const button = make("button", "month-day number", String(Number(date.slice(8))));
    button.type = "button";
    button.dataset["date"] = date;
    button.setAttribute("aria-label", this.dayName.format(Date.parse(`${date}T00:00:00Z`)));
    button.disabled = date > this.today;
    const isEnd = date === this.first.input.value || date === this.last.input.value;
    button.ariaPressed = String(isEnd);
    if (date >= this.first.input.value && date <= this.last.input.value) button.classList.add("within");
    button.addEventListener("click", () => this.press(date));
    return button;
  }

  /** The first press begins a range, the second ends it. */
  private press(date: string): void {
    if (this.half && date >= this.first.input.value) this.last.input.value = date;
    else if (this.half) [this.first.input.value, this.last.input.value] = [date, this.first.input.value];
    else this.first.input.value = this.last.input.value = date;
    this.half = !this.half;
    this.writeMonth();
    this.month.querySelector<HTMLElement>(`[data-date="${date}"]`)?.focus();
  }

  private typed(): void {
    this.half = false;
    if (isDate(this.last.input.value)) this.shown = monthStart(this.last.input.value);
    this.writeMonth();
  }

  private submit(event: Event): void {
    event.preventDefault();
    const [first, last] = [this.first.input.value, this.last.input.value];
    if (!isDate(first) || !isDate(last)) return say(this.wrong, "Two days, please.");
    if (last < first) return say(this.wrong, "The last day is before the first.");
    this.done({ first, last });
  }

  private done(range: Range): void {
    this.box.element.close();
    this.onChoose(range);
  }
}

function field(name: string): { label: HTMLLabelElement; input: HTMLInputElement } {
  const label = make("label", "field", name);
  const input = make("input");
  input.type = "date";
  input.required = true;
  label.append(input);
  return { label, input };
}
