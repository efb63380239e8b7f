// Shows what is pushed here while no page is open, and goes there when it is chosen. Keeps nothing and fetches nothing.

/** As `outbox/src/push/sender.rs` says it. */
interface Shown {
  title: string;
  body: string;
  tag: string;
  url: string;
}

interface Page {
  url: string;
  focus(): Promise<Page>;
  navigate(url: string): Promise<Page | null>;
  postMessage(message: unknown, transfer: Transferable[]): void;
}

interface Happening extends Event {
  waitUntil(work: Promise<unknown>): void;
  /** Of a push. */
  data?: { json(): unknown } | null;
  /** Of a notification that was chosen. */
  notification: Notification;
}

/** What a service worker has of its own; the types of pages know nothing of it. */
interface Worker {
  registration: ServiceWorkerRegistration;
  location: Location;
  clients: {
    claim(): Promise<void>;
    matchAll(which: { type: "window"; includeUncontrolled: boolean }): Promise<Page[]>;
    openWindow(url: string): Promise<Page | null>;
  };
  addEventListener(name: string, hear: (event: Happening) => void): void;
}

const worker = self as unknown as Worker;
/** A page that is there answers at once. */
const ANSWER_MS = 1_500;
const UNREADABLE: Shown = { title: "Watchfire", body: "Something was said in a room.", tag: "watchfire", url: "/rooms" };

worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("push", (event) => {
  const { title, body, tag, url } = read(event);
  event.waitUntil(worker.registration.showNotification(title, { body, tag, icon: "/favicon.svg", data: url }));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(goTo(String(event.notification.data)));
});

/** Browsers want each push to be shown. */
function read(event: Happening): Shown {
  try {
    return { ...UNREADABLE, ...(event.data?.json() as Partial<Shown>) };
  } catch {
    return UNREADABLE;
  }
}

async function goTo(path: string): Promise<void> {
  const url = new URL(path, worker.location.origin);
  if (url.origin !== worker.location.origin) return;
  const room = url.pathname.split("/").slice(0, 3).join("/");
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find((page) => new URL(page.url).pathname === room);
  try {
    const focused = await open?.focus();
    if (focused && (await isShownBy(focused, url.pathname))) return;
    await focused?.navigate(url.href);
    if (open) return;
  } catch (error) {
    // A page that was there before this worker is not its to move.
    console.info(error);
  }
  await worker.clients.openWindow(url.href);
}

/** Asks a page of that room to show it where it is: what is half written there stays. One that does not answer cannot. */
function isShownBy(page: Page, show: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const waits = setTimeout(() => resolve(false), ANSWER_MS);
    port1.onmessage = () => {
      clearTimeout(waits);
      resolve(true);
    };
    page.postMessage({ show }, [port2]);
  });
}
