// What every page can do: copy, ask before harm, tell times in words, send once, know the time zone.
import { Drafts } from "./drafts";
import { countryName } from "./format";
import { placeHints } from "./hints";

const COPIED_MS = 2_000;
/** What somebody began to write is theirs alone. */
const SIGNS_OUT = ["/sign-out", "/account/sign-out-everywhere"];

placeHints();
document.querySelectorAll<HTMLTimeElement>("time[datetime]:not([data-as-is])").forEach(localise);
document.querySelectorAll<HTMLElement>("[data-country]").forEach((place) => (place.textContent = countryName(place.dataset["country"]!)));
document.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-time-zone]").forEach(fillTimeZone);
document.querySelectorAll<HTMLElement>("[data-copy]").forEach((button) => (button.hidden = !navigator.clipboard));

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const copy = target.closest<HTMLElement>("[data-copy]");
  if (copy) void copyFrom(copy);
  const confirmed = target.closest<HTMLElement>("button[data-confirm], a[data-confirm]");
  if (confirmed && !confirm(confirmed.dataset["confirm"])) event.preventDefault();
  closeMenus(target);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.dataset["confirm"] && !confirm(form.dataset["confirm"])) return event.preventDefault();
  if (SIGNS_OUT.includes(form.getAttribute("action") ?? "")) new Drafts().forgetAll();
  if (!("once" in form.dataset)) return;
  if ("sent" in form.dataset) return event.preventDefault();
  form.dataset["sent"] = "";
  form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", "true"));
});

// A page that comes back from the back-forward cache may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) {
    delete form.dataset["sent"];
    form.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-disabled"));
  }
});

async function copyFrom(button: HTMLElement): Promise<void> {
  const source = document.querySelector(button.dataset["copy"]!);
  const text = source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement ? source.value : source?.textContent ?? "";
  const name = button.dataset["name"] ?? button.textContent ?? "";
  button.dataset["name"] = name;
  try {
    await navigator.clipboard.writeText(text.trim());
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
    if (source) getSelection()?.selectAllChildren(source);
  }
  button.setAttribute("aria-live", "polite");
  setTimeout(() => (button.textContent = name), COPIED_MS);
}

function localise(time: HTMLTimeElement): void {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const locale = document.documentElement.lang;
  time.title = at.toLocaleString(locale, { dateStyle: "full", timeStyle: "long" });
  time.textContent = at.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}

function fillTimeZone(field: HTMLInputElement | HTMLSelectElement): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const untouched = field.value === "" || field.value === "UTC";
  const known = !(field instanceof HTMLSelectElement) || [...field.options].some((option) => option.value === zone);
  if (zone && untouched && known) field.value = zone;
}

function closeMenus(target: Element): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
}
