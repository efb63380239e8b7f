// What the page's own script asks for: `watchfire('chat', …)` and `watchfire('identify', {…})` are answered here, all else is passed on to the tag.
// Calls that came before the chat wait in `watchfireChat`, a list that whoever calls makes.

type Call = [verb?: unknown, ...rest: any[]];

declare global {
  var watchfire: ((...call: any[]) => void) & { q?: any };
  var watchfireChat: { push: (call: Call) => unknown } | undefined;
}

/** `answer` says whether the call was its own. */
export function answerCalls(answer: (...call: Call) => boolean): void {
  let tag: typeof watchfire | undefined;
  const ours = (...call: Call) => {
    // The page is not to fail by what it asks for.
    try {
      if (!answer(...call)) tag?.(...call);
    } catch {}
  };
  const take = () => {
    if (self.watchfire != ours) tag = self.watchfire;
    self.watchfire = ours;
  };
  take();
  // The tag begins anew where the page comes back from the back-forward cache.
  addEventListener("pageshow", take);
  const early = self.watchfireChat as Call[] | undefined;
  self.watchfireChat = { push: (call) => ours(...call) };
  early?.map?.((call) => ours(...call));
}
