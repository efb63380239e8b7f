// A dialog with a head, a cross and a body; a press beside it closes it.
import { make } from "./element";

export interface Dialog {
  element: HTMLDialogElement;
  form: HTMLFormElement;
  title: HTMLElement;
  head: HTMLElement;
  body: HTMLElement;
}

let made = 0;

export function dialog(title: string, className: string): Dialog {
  const element = make("dialog", `box ${className}`);
  const name = make("h2", "", title);
  made += 1;
  name.id = `dialog-${made}`;
  element.setAttribute("aria-labelledby", name.id);
  const close = make("button", "sheet-close");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => element.close());
  const form = make("form");
  const head = make("div", "sheet-head");
  head.append(name, close);
  const body = make("div", "box-body");
  form.append(head, body);
  element.append(form);
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  document.body.append(element);
  return { element, form, title: name, head, body };
}
