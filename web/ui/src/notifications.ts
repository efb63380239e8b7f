// What one is told of on this device: asked of the browser only when somebody ticks it.
import { choose, device } from "./device";
import type { Device } from "./device";
import { part, say } from "./element";
import { Push, whyNot } from "./push";
import { Sounds } from "./room-sounds";

const root = document.querySelector<HTMLElement>("[data-notifications]")!;
const sounds = new Sounds();

part(root, "device").hidden = false;
box("sounds").addEventListener("change", () => keep("sounds"));
box("chime").addEventListener("change", () => {
  keep("chime");
  if (box("chime").checked) sounds.play(null);
});
box("desktop").addEventListener("change", () => void desktop());
show();
if (document.getElementById("push")) void offerPush();

function box(name: keyof Device | "push"): HTMLInputElement {
  return document.getElementById(name) as HTMLInputElement;
}

function show(): void {
  const chosen = device();
  box("sounds").checked = chosen.sounds;
  box("chime").checked = chosen.chime;
  box("desktop").checked = chosen.desktop && typeof Notification !== "undefined" && Notification.permission === "granted";
}

function keep(name: keyof Device): void {
  complain(choose({ [name]: box(name).checked }) ? "" : "This browser keeps nothing: the choice lasts until the page is left.");
}

async function desktop(): Promise<void> {
  if (!box("desktop").checked) return keep("desktop");
  if (typeof Notification === "undefined") return refuse("This browser shows no notifications.");
  const answer = await Notification.requestPermission();
  if (answer !== "granted") return refuse("The browser does not let this site show notifications. Allow them in its settings for this site, and tick this again.");
  keep("desktop");
}

function refuse(why: string): void {
  box("desktop").checked = false;
  complain(why);
}

function complain(problem: string): void {
  const line = part(root, "problem");
  say(line, problem);
  line.hidden = problem === "";
}

async function offerPush(): Promise<void> {
  const push = new Push(root);
  const ticked = box("push");
  const why = whyNot();
  ticked.disabled = why !== null;
  if (why !== null) return say(part(root, "push-hint"), why);
  ticked.checked = await push.isOn();
  ticked.addEventListener("change", () => void turn(push, ticked));
}

async function turn(push: Push, ticked: HTMLInputElement): Promise<void> {
  ticked.disabled = true;
  try {
    if (ticked.checked) complain(await push.turnOn());
    else await push.turnOff();
  } catch (error) {
    console.warn(error);
    complain("The browser cannot reach its push service right now. Try again later.");
  }
  ticked.disabled = false;
  ticked.checked = await push.isOn();
}
