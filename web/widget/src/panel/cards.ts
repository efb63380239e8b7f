// What the panel asks for in the midst of the conversation: an address for when the customer has left, and what they thought of it when it is closed.
import { draw, make } from "../../../ui/src/element";
import { anythingElse, askEmail, askEmailAway, askRating, asksToRetell, email, emailKept, emailWrong, mayNotShow, mayShow, notNow, retoldHidden, retoldIn, retoldShown, save, score, send, showName, thanks } from "../words";
import type { AskedToRetell } from "./customer";
import { isAddress } from "./head";
import type { Speech } from "./speech";

const SCORES = [1, 2, 3, 4, 5];
/** As servers take them: of two bytes each, most letters. */
const WORDS_CHARS_MAX = 500;

interface Card {
  speech: Speech;
  explain: (error: unknown) => string;
}

/** `later`: none where nobody is there, and an address is the only way to an answer. */
export function emailCard(card: Card, isAway: boolean, act: { save: (email: string) => Promise<void>; later?: () => void }): HTMLLIElement {
  const { speech } = card;
  const { item, form, problem } = open(speech.say(isAway ? askEmailAway : askEmail));
  const row = make("div", "row");
  const field = make("input");
  field.type = "email";
  field.autocomplete = "email";
  field.placeholder = speech.say(email);
  field.setAttribute("aria-label", speech.say(email));
  row.append(field, make("button", "primary", speech.say(save)));
  form.append(row, problem);
  if (act.later) {
    const later = make("button", "quiet", speech.say(notNow));
    later.type = "button";
    later.addEventListener("click", act.later);
    form.append(later);
  }
  onSubmit(form, problem, card, async () => {
    if (!isAddress(field)) return speech.say(emailWrong);
    const address = field.value.trim();
    await act.save(address);
    close(item, speech.say(emailKept, { email: address }));
    return "";
  });
  return item;
}

export function ratingCard(card: Card, rate: (rating: number, words: string) => Promise<void>): HTMLLIElement {
  const { speech } = card;
  const { item, form, problem } = open("");
  const scores = make("fieldset", "scores");
  scores.append(make("legend", "", speech.say(askRating)));
  const more = make("div", "more");
  const words = make("textarea");
  words.rows = 2;
  words.dir = "auto";
  words.maxLength = WORDS_CHARS_MAX;
  words.placeholder = speech.say(anythingElse);
  words.setAttribute("aria-label", speech.say(anythingElse));
  more.append(words, make("button", "primary", speech.say(send)));
  more.hidden = true;
  for (const number of SCORES) {
    const label = make("label", "score");
    const choice = make("input", "sr-only");
    choice.type = "radio";
    choice.name = "score";
    choice.value = String(number);
    choice.setAttribute("aria-label", speech.say(score, { score: speech.number(number) }));
    choice.addEventListener("change", () => (more.hidden = false));
    label.append(choice, star());
    scores.append(label);
  }
  form.append(scores, more, problem);
  onSubmit(form, problem, card, async () => {
    const chosen = form.querySelector<HTMLInputElement>("input:checked");
    if (!chosen) return "";
    await rate(Number(chosen.value), words.value.trim());
    close(item, speech.say(thanks));
    return "";
  });
  return item;
}

/** Whether everybody may read the conversation: what of it, and what not. */
export function retellingCard(card: Card, asked: AskedToRetell, name: string, consent: (yes: boolean, named: boolean) => Promise<void>): HTMLLIElement {
  const { speech } = card;
  const { item, form, problem } = open(speech.say(asksToRetell, { name: asked.by, room: asked.room }));
  item.classList.add("retelling");
  form.append(make("p", "retelling-title", asked.title), make("p", "", speech.say(retoldShown)), make("p", "", speech.say(retoldHidden)));
  const named = make("input");
  named.type = "checkbox";
  if (name) {
    const label = make("label", "retelling-name");
    label.append(named, " ", make("span", "", speech.say(showName, { name })));
    form.append(label);
  }
  const row = make("div", "row");
  const no = make("button", "quiet", speech.say(mayNotShow));
  no.type = "button";
  row.append(make("button", "primary", speech.say(mayShow)), no);
  form.append(row, problem);
  no.addEventListener("click", async () => {
    const wrong = await consent(false, false).then(() => "", card.explain);
    problem.textContent = wrong;
    problem.hidden = !wrong;
  });
  onSubmit(form, problem, card, async () => {
    await consent(true, named.checked);
    return "";
  });
  return item;
}

/** Where everybody reads it. */
export function retoldLine(speech: Speech, { room, href }: { room: string; href: string }): HTMLLIElement {
  const item = make("li", "line retold");
  const words = make("span");
  const link = make("a", "", speech.say(retoldIn, { room }));
  link.href = href;
  link.target = "_blank";
  link.rel = "noopener";
  words.append(link);
  item.append(words);
  return item;
}

/** Said once it is done, in the place of what was asked. */
function close(item: HTMLLIElement, text: string): void {
  const done = make("p", "done", text);
  done.tabIndex = -1;
  item.replaceChildren(done);
  done.focus();
}

function open(text: string): { item: HTMLLIElement; form: HTMLFormElement; problem: HTMLElement } {
  const item = make("li", "card");
  const form = make("form");
  form.noValidate = true;
  if (text) form.append(make("p", "", text));
  const problem = make("p", "problem");
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  item.append(form);
  return { item, form, problem };
}

/** `act` answers what is wrong with what was written, or nothing. */
function onSubmit(form: HTMLFormElement, problem: HTMLElement, { explain }: Card, act: () => Promise<string>): void {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = await act().catch(explain);
    problem.textContent = wrong;
    problem.hidden = !wrong;
  });
}

function star(): SVGElement {
  const picture = draw("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" });
  picture.append(draw("path", { d: "m10 2 2.5 5 5.5.8-4 3.9.9 5.5-4.9-2.6-4.9 2.6.9-5.5-4-3.9 5.5-.8Z" }));
  return picture;
}
