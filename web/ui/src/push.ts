// Being told in this browser while no page is open: it subscribes at its push service, and the form says where that is.
import { part } from "./element";

const SCRIPT = "/push-worker.js";
const SCOPE = "/rooms/";

/** Why this browser cannot; null: it can. */
export function whyNot(): string | null {
  if (!isSecureContext) return "Works over https only: this address is reached without.";
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || typeof Notification === "undefined") {
    return "This browser cannot be reached while no page is open. On an iPhone or iPad it can once this site stands on the home screen.";
  }
  return null;
}

export class Push {
  private readonly form: HTMLFormElement;

  constructor(private readonly root: HTMLElement) {
    this.form = part(root, "push") as HTMLFormElement;
  }

  /** Whether this browser is reached, as it and the server both have it. */
  async isOn(): Promise<boolean> {
    const registration = await navigator.serviceWorker.getRegistration(SCOPE);
    const subscription = await registration?.pushManager.getSubscription();
    if (Notification.permission !== "granted" || !subscription) return false;
    return subscription.endpoint === this.root.dataset.endpoint && isOf(subscription, bytesOf(this.root.dataset.key!));
  }

  /** Leaves the page; what it says is why it does not. */
  async turnOn(): Promise<string> {
    if ((await Notification.requestPermission()) !== "granted") {
      return "The browser does not let this site show notifications. Allow them in its settings for this site, and tick this again.";
    }
    await navigator.serviceWorker.register(SCRIPT, { scope: SCOPE });
    const { pushManager } = await navigator.serviceWorker.ready;
    const { endpoint, keys } = (await subscribe(pushManager, this.root.dataset.key!)).toJSON();
    this.send({ do: "on", endpoint: endpoint!, p256dh: keys!.p256dh!, auth: keys!.auth! });
    return "";
  }

  /** Leaves the page. */
  async turnOff(): Promise<void> {
    const registration = await navigator.serviceWorker.getRegistration(SCOPE);
    await (await registration?.pushManager.getSubscription())?.unsubscribe();
    this.send({ do: "off" });
  }

  private send(values: Record<string, string>): void {
    for (const [name, value] of Object.entries(values)) (this.form.elements.namedItem(name) as HTMLInputElement).value = value;
    this.form.submit();
  }
}

/** One that is of another key, as of a server before this one, is ended. */
async function subscribe(manager: PushManager, key: string): Promise<PushSubscription> {
  const wanted = bytesOf(key);
  const known = await manager.getSubscription();
  if (known && isOf(known, wanted)) return known;
  await known?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
}

function isOf(subscription: PushSubscription, key: Uint8Array): boolean {
  const its = new Uint8Array(subscription.options.applicationServerKey ?? new ArrayBuffer(0));
  return its.length === key.length && its.every((byte, index) => byte === key[index]);
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
