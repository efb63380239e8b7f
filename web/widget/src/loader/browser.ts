// What the tag calls this browser: the tabs agree on it over a channel, and the tag of this very page answers. Nothing is said here but the question.
import { site } from "./place";

const ANSWER_MS_MAX = 1_000;

/** `told` hears 16 hexadecimal digits, or nothing where nobody answers. */
export function askBrowser(told: (id: string) => void): void {
  const channel = new BroadcastChannel(site);
  const close = () => channel.close();
  channel.onmessage = ({ data }) => {
    if (!data) return;
    close();
    told(data);
  };
  channel.postMessage("");
  setTimeout(close, ANSWER_MS_MAX);
}
