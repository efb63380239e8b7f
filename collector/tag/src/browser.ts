// The browser id, which the open tabs of one browser agree on and nobody stores: a page asks the other tabs, and takes
// the answer that comes before its first send.
import { guard } from "./guard";
import { random } from "./random";
import { site } from "./script";

/** The browser's own random key of this tab's stay on the site, which the tab's next page finds again. A UUID. */
export const stay = guard(() => navigation.entries()[0].key)();

let agreed = "";
let channel: BroadcastChannel;

/** 16 hexadecimal digits, the same from the first send on. */
export const browser = (): string => (agreed = agreed || (stay || random()).slice(-12) + 2e3);

/** Says the id that was agreed on or, as long as none was, asks. Throws where the browser has no channels. */
export const tellTabs = (): void => channel.postMessage(agreed);

export const joinTabs = (): void => {
  agreed = "";
  channel = new BroadcastChannel(site);
  channel.onmessage = (event) => {
    if (event.data) agreed = agreed || event.data;
    else if (agreed) tellTabs();
  };
  tellTabs();
};

/** A message on an open channel would throw the page out of the back-forward cache. */
export const quitTabs = (): void => channel.close();
