// The tag in a real Chromium against a collector that records: what docs/protocol.md ("Sending hits") promises.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { launch, openShop, SITE, until } from "./shop.mjs";

let browser, shop, context, page, errors;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

beforeEach(async () => {
  shop = await openShop();
  context = await browser.newContext({ viewport: { width: 800, height: 600 } });
  errors = [];
  context.on("weberror", (error) => errors.push(error.error().message));
  page = await context.newPage();
});
afterEach(async () => {
  await context.close();
  await shop.close();
  assert.deepEqual(errors, [], "nothing is thrown into the page");
});

const visit = (path = "/") => page.goto(shop.origin + path);
const tall = "<div style='height:2940px'>tea</div>";

/** As the browser does when the tab goes to the back or comes to the front; headless pages are always at the front. */
const setHidden = (hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.hasFocus = () => !hidden;
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, hidden);

/** Of the page's time: a minute's wait may be drawn several times over, where the browser itself refuses a request. */
const TRIES_S = 1_200;

/** From here on the page's time only passes when told to, and an answer takes none of it, however busy the machine. */
const stopClock = async () => {
  await page.addInitScript(() => {
    const { fetch } = window;
    window.underway = 0;
    window.fetch = (...request) => {
      window.underway++;
      const answer = fetch(...request);
      const end = () => void window.underway--;
      answer.then(end, end);
      return answer;
    };
  });
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 3_600_000);
};
const pass = async (ms) => {
  await page.clock.runFor(ms);
  await until(() => page.evaluate(() => window.underway === 0));
};

describe("a pageview", () => {
  test("tells its address, referrer and title, in a text/plain request of its site", async () => {
    await page.goto(shop.origin + "/teas?utm_source=news#top", { referer: "https://news.example/" });
    const [hit] = await shop.await("pageview");
    const [{ body, type, cookie }] = shop.requests;
    assert.match(hit.id, /^[0-9a-f]{32}$/);
    assert.equal(hit.url, shop.origin + "/teas?utm_source=news", "without the fragment");
    assert.equal(hit.referrer, "https://news.example/");
    assert.equal(hit.title, "Page /teas?utm_source=news");
    assert.equal(hit.due, 15000);
    assert.equal(body.site, SITE);
    assert.match(body.browser, /^[0-9a-f]{16}$/);
    assert.ok(body.sent >= hit.at && body.sent - hit.at < 5000);
    assert.ok(Math.abs(Date.now() - body.sent) < 5000);
    assert.match(type, /^text\/plain/);
    assert.equal(cookie, undefined);
  });

  test("stores nothing, and sets no cookie", async () => {
    await visit();
    await shop.await("pageview");
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    assert.deepEqual(await context.cookies(), []);
  });

  test("goes to the origin of the script, across origins without preflight", async () => {
    shop.tagOrigin = shop.otherOrigin;
    await visit();
    await shop.await("pageview");
    await until(() => shop.requests.length === 1);
    await page.evaluate(() => watchfire("event", "read"));
    await shop.await("event");
    assert.equal(shop.sends("pageview").length, 1, "the answer was read, so the pageview is not sent again");
  });

  test("counts once more when the page is restored from the back-forward cache", async (t) => {
    const caching = await launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
    t.after(() => caching.close());
    const visitor = await caching.newPage();
    await visitor.goto(shop.origin + "/one");
    const [first] = await shop.await("pageview");
    await visitor.evaluate(() => (window.kept = true));
    await visitor.goto(shop.origin + "/two");
    await shop.await("pageview", 2);
    await visitor.evaluate(() => void setTimeout(() => history.back()));
    const [, , restored] = await shop.await("pageview", 3);
    // It was restored, not loaded; the hit comes a moment before the browser says that it has arrived.
    await visitor.waitForFunction(() => window.kept);
    assert.equal(restored.url, first.url);
    assert.notEqual(restored.id, first.id);
    assert.deepEqual(shop.hits("leave").slice(0, 1).map(({ pageview }) => pageview), [first.id]);
    assert.equal(new Set(shop.requests.map(({ body }) => body.browser)).size, 1);
  });

  test("waits while the page is prerendered", async () => {
    await page.addInitScript(() => Object.defineProperty(document, "prerendering", { configurable: true, get: () => !window.shown }));
    await stopClock();
    await visit();
    await pass(60_000);
    assert.equal(shop.requests.length, 0);
    await page.evaluate(() => {
      window.shown = true;
      document.dispatchEvent(new Event("prerenderingchange"));
    });
    await pass(200);
    await shop.await("pageview");
  });
});

describe("a client-side route", () => {
  const routes = [
    ["by the Navigation API", () => {}],
    ["where the Navigation API is missing", () => Object.defineProperty(window, "navigation", { value: undefined })],
    ["where an element has that name", () => Object.defineProperty(window, "navigation", { value: document.createElement("nav") })],
  ];
  for (const [how, prepare] of routes) {
    test(`ends the pageview and begins the next, ${how}`, async () => {
      await page.addInitScript(prepare);
      await visit("/teas");
      const [first] = await shop.await("pageview");
      await page.evaluate(() => {
        history.pushState({}, "", "/teas/assam");
        document.title = "Assam";
      });
      const [, second] = await shop.await("pageview", 2);
      assert.equal(second.url, shop.origin + "/teas/assam");
      assert.equal(second.referrer, shop.origin + "/teas");
      assert.equal(second.title, "Assam", "set after the route");
      const [leave] = shop.hits("leave");
      assert.deepEqual([leave.pageview, leave.url], [first.id, first.url]);
      const request = shop.requests.find(({ body }) => body.hits.some((hit) => hit.kind === "leave"));
      assert.ok(request.body.hits.some((hit) => hit.id === second.id), "in one request");

      await page.evaluate(() => history.back());
      const [, , third] = await shop.await("pageview", 3);
      assert.equal(third.url, first.url);
      await page.evaluate(() => history.replaceState({}, "", "/cart"));
      const [, , , fourth] = await shop.await("pageview", 4);
      assert.equal(fourth.url, shop.origin + "/cart");
    });
  }

  test("is none when the address stays the same, or only its fragment changes", async () => {
    await visit("/teas");
    await shop.await("pageview");
    await page.evaluate(() => {
      history.replaceState({ step: 1 }, "", location.href);
      history.pushState({ step: 2 }, "", "/teas");
      location.hash = "black";
      history.pushState({}, "", "/cart");
    });
    const views = await shop.await("pageview", 2);
    assert.deepEqual(views.map(({ url }) => new URL(url).pathname), ["/teas", "/cart"]);
  });

  test("is a change of the fragment, too, with data-hash", async () => {
    shop.attributes = "data-hash";
    await visit("/#/teas");
    await shop.await("pageview");
    await page.evaluate(() => (location.hash = "/cart"));
    const views = await shop.await("pageview", 2);
    assert.deepEqual(views.map(({ url }) => new URL(url).hash), ["#/teas", "#/cart"]);
  });
});

describe("heartbeats", () => {
  beforeEach(() => stopClock());

  test("come every 15 s while active, and every 60 s when idle, each saying when the next is due", async () => {
    await visit();
    await pass(200);
    await shop.await("pageview");
    await page.mouse.move(10, 10);
    await pass(14_000);
    await page.mouse.move(20, 20);
    await pass(1_000);
    const [first] = await shop.await("heartbeat", 1);
    assert.deepEqual([first.active, first.due, first.pageview], [true, 15_000, shop.hits("pageview")[0].id]);
    await pass(15_000);
    const [, second] = await shop.await("heartbeat", 2);
    assert.deepEqual([second.active, second.due], [false, 60_000]);
    await pass(59_000);
    assert.equal(shop.hits("heartbeat").length, 2);
    await pass(1_500);
    const [, , third] = await shop.await("heartbeat", 3);
    assert.deepEqual([third.active, third.due, third.at - second.at], [false, 60_000, 60_000]);
  });

  test("tell at once when an idle page is used again", async () => {
    await visit();
    await pass(16_000);
    await shop.await("heartbeat");
    await page.mouse.move(10, 10);
    await pass(200);
    const [idle, active] = await shop.await("heartbeat", 2);
    assert.deepEqual([idle.active, active.active, active.due], [false, true, 15_000]);
    assert.ok(active.at - idle.at < 2_000);
  });

  test("tell at once when the tab is hidden and shown again, and a hidden tab is idle", async () => {
    await visit();
    await pass(200);
    await page.mouse.move(10, 10);
    await setHidden(true);
    const [hidden] = await shop.await("heartbeat");
    assert.deepEqual([hidden.active, hidden.due], [false, 60_000]);
    await pass(60_500);
    const [, later] = await shop.await("heartbeat", 2);
    assert.deepEqual([later.active, later.due], [false, 60_000]);
    assert.equal(later.engaged, hidden.engaged, "engaged time stands still");
    await setHidden(false);
    const [, , shown] = await shop.await("heartbeat", 3);
    assert.deepEqual([shown.active, shown.due], [true, 15_000]);
  });

  test("of a page that was opened hidden say so with the pageview", async () => {
    await page.addInitScript(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
      document.hasFocus = () => false;
    });
    await visit();
    await pass(200);
    await shop.await("heartbeat");
    assert.equal(shop.requests.length, 1);
    const [pageview, beat] = shop.hits();
    assert.deepEqual([pageview.kind, beat.kind, beat.active, beat.due], ["pageview", "heartbeat", false, 60_000]);
  });
});

describe("attention", () => {
  beforeEach(() => stopClock());

  test("is time with input in the last 15 s, as a running total of the pageview", async () => {
    await visit();
    await pass(5_000);
    await page.mouse.move(10, 10);
    await pass(8_000);
    await page.keyboard.press("ArrowDown");
    await pass(60_000);
    await page.mouse.move(20, 20);
    await pass(4_000);
    await page.evaluate(() => history.pushState({}, "", "/next"));
    await pass(200);
    const [leave] = await shop.await("leave");
    assert.equal(leave.engaged, 8_000 + 15_000 + 4_000);
    const [, next] = await shop.await("pageview", 2);
    assert.equal(next.engaged, 0);
  });

  test("ends when the window loses the focus", async () => {
    await visit();
    await page.mouse.move(10, 10);
    await pass(3_000);
    await page.evaluate(() => {
      document.hasFocus = () => false;
      window.dispatchEvent(new FocusEvent("blur"));
    });
    await pass(200);
    const [beat] = await shop.await("heartbeat");
    assert.deepEqual([beat.active, beat.engaged], [false, 3_000]);
    await page.mouse.move(30, 30);
    await pass(60_000);
    const [, later] = await shop.await("heartbeat", 2);
    assert.equal(later.engaged, 3_000, "a pointer over a window without focus is no attention");
  });

  test("is as deep as the deepest point shown", async () => {
    shop.body = `<style>body{margin:0}</style>${tall}`;
    await visit();
    for (const top of [870, 0]) {
      await page.evaluate(
        (top) =>
          new Promise((scrolled) => {
            addEventListener("scroll", () => scrolled(), { once: true });
            scrollTo(0, top);
          }),
        top,
      );
    }
    await pass(16_000);
    const [beat] = await shop.await("heartbeat");
    assert.equal(beat.scroll, 50);
  });

  test("of a page shorter than the window is the whole page", async () => {
    await visit();
    await pass(16_000);
    const [beat] = await shop.await("heartbeat");
    assert.equal(beat.scroll, 100);
  });
});

describe("a leave", () => {
  test("is sent when the tab closes", async () => {
    await visit();
    const [pageview] = await shop.await("pageview");
    await page.close({ runBeforeUnload: true });
    const [leave] = await shop.await("leave");
    assert.equal(leave.pageview, pageview.id);
    assert.equal(typeof leave.engaged, "number");
  });

  test("is sent when the page is followed by another, which has the same browser id", async () => {
    await visit("/one");
    const [first] = await shop.await("pageview");
    await page.goto(shop.origin + "/two");
    await shop.await("pageview", 2);
    const [leave] = await shop.await("leave");
    assert.equal(leave.pageview, first.id);
    assert.equal(new Set(shop.requests.map(({ body }) => body.browser)).size, 1);
    assert.equal(shop.hits("leave").length, 1);
    assert.equal(shop.hits("heartbeat").length, 0, "nothing after it says that the page is still there");
  });
});

describe("delivery", () => {
  test("gathers what happens within a moment into one request", async () => {
    await visit();
    await page.evaluate(() => ["a", "b", "c"].forEach((name) => watchfire("event", name)));
    await shop.await("event", 3);
    const request = shop.requests.find(({ body }) => body.hits.some(({ kind }) => kind === "event"));
    assert.deepEqual(request.body.hits.filter(({ kind }) => kind === "event").map(({ name }) => name), ["a", "b", "c"]);
  });

  test("delivers everything once after being offline", async () => {
    await visit();
    await shop.await("pageview");
    await context.setOffline(true);
    await page.evaluate(() => ["a", "b", "c"].forEach((name) => watchfire("event", name)));
    await page.waitForTimeout(300);
    assert.equal(shop.hits("event").length, 0);
    await context.setOffline(false);
    await shop.await("event", 3);
    assert.equal(shop.sends("event").length, 3);
  });

  for (const status of [503, 500, 429, 408, 413, 0]) {
    test(`sends again, with the same ids, what was answered by ${status || "nothing"}`, async () => {
      await stopClock();
      shop.status = status;
      await visit();
      await pass(200);
      const [{ id }] = await shop.await("pageview");
      await pass(5_500);
      await until(() => shop.requests.length >= 2);
      shop.status = 202;
      await pass(15_000);
      await until(() => shop.accepted().length);
      assert.deepEqual(shop.hits("pageview").map((hit) => hit.id), [id]);
      const sends = shop.sends("pageview").length;
      await pass(200_000);
      assert.equal(shop.sends("pageview").length, sends, "and no more once it is accepted");
    });
  }

  test("waits longer each time", async () => {
    await stopClock();
    shop.status = 503;
    await visit();
    for (let second = 0; second < 130; second++) await pass(1_000);
    await until(() => shop.requests.length >= 5);
    const sent = shop.requests.map(({ body }) => body.sent);
    const waits = sent.slice(1).map((at, index) => at - sent[index]);
    for (const [index, least] of [4_000, 8_000, 16_000, 32_000].entries()) {
      assert.ok(waits[index] >= least && waits[index] < least * 2, `waits of ${waits}`);
    }
    assert.ok(Math.max(...waits) <= 61_000);
  });

  for (const status of [400, 403, 404]) {
    test(`drops what was answered by ${status}`, async () => {
      await stopClock();
      shop.status = status;
      await visit();
      await pass(200);
      await shop.await("pageview");
      shop.status = 202;
      await page.evaluate(() => watchfire("event", "later"));
      await pass(10_000);
      await shop.await("event");
      assert.equal(shop.sends("pageview").length, 1);
    });
  }

  test("keeps the newest 500 hits, and sends at most 100 hits and 64 KiB at once", async () => {
    await stopClock();
    shop.status = 503;
    await visit();
    await pass(200);
    await shop.await("pageview");
    await page.evaluate(() => {
      for (let number = 0; number < 600; number++) watchfire("event", "n" + number, { text: "é".repeat(500) });
    });
    shop.status = 202;
    // Requests under way at once may arrive in any order: the last hit is not the last to come.
    const accepted = () => new Set(shop.accepted().filter(({ kind }) => kind === "event").map(({ name }) => name));
    for (let second = 0; second < TRIES_S && !(accepted().has("n599") && accepted().size >= 500); second++) {
      await pass(1_000);
    }
    const events = accepted();
    assert.equal(events.size, 500);
    assert.ok(!events.has("n99") && events.has("n100") && events.has("n599"));
    assert.ok(Math.max(...shop.requests.map(({ body }) => body.hits.length)) <= 100);
    assert.ok(Math.max(...shop.requests.map(({ bytes }) => bytes)) <= 65_536);
  });

  test("gets hits through that together are larger than a request may be", async () => {
    await stopClock();
    await visit();
    await pass(200);
    await shop.await("pageview");
    await page.evaluate(() => {
      for (let number = 0; number < 6; number++) watchfire("event", "large" + number, { text: "é".repeat(15_000) });
      watchfire("event", "too large", { text: "é".repeat(20_000) });
      watchfire("event", "small");
    });
    for (let second = 0; second < TRIES_S && shop.hits("event").length < 7; second++) await pass(1_000);
    const names = new Set(shop.hits("event").map(({ name }) => name));
    assert.deepEqual([...names].sort(), ["large0", "large1", "large2", "large3", "large4", "large5", "small"]);
    assert.ok(Math.max(...shop.requests.map(({ bytes }) => bytes)) <= 65_536);
  });
});

describe("the browser id", () => {
  test("is agreed on by the tabs of one browser, and differs between browsers", async () => {
    await visit("/one");
    await shop.await("pageview");
    const second = await context.newPage();
    // Its own time begins when it was told the id, however long the first tab takes to tell it.
    await second.clock.install();
    await second.clock.pauseAt(Date.now() + 3_600_000);
    await second.addInitScript((site) => {
      new BroadcastChannel(site).onmessage = ({ data }) => (window.told ||= data);
    }, SITE);
    await second.goto(shop.origin + "/two");
    await second.waitForFunction(() => window.told, null, { polling: 20 });
    await second.clock.runFor(200);
    await shop.await("pageview", 2);
    const stranger = await browser.newContext();
    await (await stranger.newPage()).goto(shop.origin + "/three");
    await shop.await("pageview", 3);
    await stranger.close();
    const ids = ["/one", "/two", "/three"].map(
      (path) => shop.requests.find(({ body }) => body.hits[0].url === shop.origin + path).body.browser,
    );
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });

  test("is the page's own where there are no channels", async () => {
    await page.addInitScript(() => delete window.BroadcastChannel);
    await visit();
    await shop.await("pageview");
    assert.match(shop.requests[0].body.browser, /^[0-9a-f]{16}$/);
    await page.evaluate(() => watchfire("event", "read"));
    await shop.await("event");
    await page.close({ runBeforeUnload: true });
    await shop.await("leave");
  });
});

describe("calls", () => {
  test("send events and identities", async () => {
    await visit();
    const [pageview] = await shop.await("pageview");
    await page.evaluate(() => {
      const props = { item: "Assam", price: 8.5, organic: true };
      watchfire("event", "add-to-cart", props);
      props.item = "changed later";
      watchfire("identify", "ada@shop.example", { plan: "pro" });
      watchfire("identify", 42);
      watchfire("identify", { id: "u-17", name: "Ada" });
    });
    const [event] = await shop.await("event");
    const [identify, numbered, described] = await shop.await("identify", 3);
    assert.deepEqual([numbered.identity, described.identity], ["42", "u-17"]);
    assert.deepEqual([event.name, event.pageview, event.props], ["add-to-cart", pageview.id, { item: "Assam", price: 8.5, organic: true }]);
    assert.deepEqual([identify.identity, identify.props], ["ada@shop.example", { plan: "pro" }]);
  });

  test("that came before the script are answered after the pageview", async () => {
    shop.head = `<script>window.watchfire = window.watchfire || function () { (watchfire.q = watchfire.q || []).push(arguments) };
      watchfire("event", "early", { item: "Assam" })</script>`;
    await visit();
    const [event] = await shop.await("event");
    const [pageview] = shop.hits("pageview");
    assert.deepEqual([event.name, event.props, event.pageview], ["early", { item: "Assam" }, pageview.id]);
    assert.equal(shop.requests.length, 1);
  });

  test("that make no sense neither throw nor hold up others", async () => {
    await visit();
    await page.evaluate(() => {
      const circle = {};
      circle.self = circle;
      watchfire("event", "circle", circle);
      watchfire("event", "big", { number: 10n });
      watchfire();
      watchfire("event", "good");
    });
    const [event] = await shop.await("event");
    assert.equal(event.name, "good");
  });

  test("to ignore this browser hold on all pages until taken back", async () => {
    await visit("/one");
    await shop.await("pageview");
    await page.evaluate(() => {
      watchfire("ignore");
      watchfire("event", "unseen");
    });
    await page.goto(shop.origin + "/two");
    await page.evaluate(() => watchfire("event", "unseen"));
    await page.waitForTimeout(400);
    assert.equal(shop.requests.length, 1);
    await page.evaluate(() => {
      watchfire("ignore", false);
      watchfire("event", "seen");
    });
    await shop.await("event");
    assert.deepEqual(shop.hits("event").map(({ name }) => name), ["seen"]);
  });
});

describe("the chat", () => {
  const more = async (name) => {
    await page.evaluate((name) => watchfire("event", name), name);
    await until(() => shop.accepted().some((hit) => hit.name === name));
  };

  test("is loaded once, from the origin of the script, where the site has it", async () => {
    shop.status = 203;
    shop.tagOrigin = shop.otherOrigin;
    shop.chat = "window.chats = (window.chats || 0) + 1; window.chatAddress = import.meta.url";
    await visit();
    await page.waitForFunction(() => window.chats);
    await more("one");
    await more("two");
    assert.equal(shop.sends("event").length, 2, "203 is an acceptance as any");
    assert.deepEqual(shop.chatRequests, [`${shop.otherOrigin}/chat.js?${SITE}`]);
    assert.deepEqual(await page.evaluate(() => [window.chats, window.chatAddress]), [1, shop.chatRequests[0]]);
  });

  test("is not loaded where it has none", async () => {
    shop.chat = "window.chats = 1";
    await visit();
    await shop.await("pageview");
    await more("one");
    await more("two");
    assert.deepEqual(shop.chatRequests, []);
    shop.status = 203;
    await more("three");
    await page.waitForFunction(() => window.chats);
  });

  const failing = {
    "is not there": () => {},
    "does not parse": () => (shop.chat = "this is no script"),
    "throws": () => (shop.chat = "throw new Error('chat')"),
    "is forbidden by the page's policy": () => {
      shop.chat = "window.chats = 1";
      shop.headers = { "content-security-policy": "script-src http://*:*/wf.js 'unsafe-eval'" };
    },
  };
  for (const [what, prepare] of Object.entries(failing)) {
    test(`that ${what} throws nothing into the page, and the tag goes on`, async () => {
      shop.status = 203;
      prepare();
      await page.addInitScript(() => {
        window.thrown = [];
        addEventListener("error", ({ message }) => window.thrown.push(message));
        addEventListener("unhandledrejection", ({ reason }) => window.thrown.push(String(reason)));
        addEventListener("securitypolicyviolation", () => (window.refused = true));
      });
      await visit();
      await shop.await("pageview");
      if (what.startsWith("is forbidden")) await page.waitForFunction(() => window.refused);
      else await until(() => shop.chatRequests.length > 0);
      await more("one");
      await more("two");
      await page.waitForTimeout(100);
      assert.deepEqual(await page.evaluate(() => [window.thrown, window.chats]), [[], undefined]);
      assert.equal(shop.sends("pageview").length, 1);
    });
  }
});

describe("clicks", () => {
  beforeEach(async () => {
    shop.body = `
      <button data-wf-event="add-to-cart" data-wf-event-item="Assam" data-wf-event-size-grams="100"><span id="inner">Add</span></button>
      <a id="outbound" target="_blank" href="https://other.example/x?y=1">Other</a>
      <a id="internal" href="/teas">Teas</a>
      <a id="mail" href="mailto:tea@shop.example">Mail</a>
      <a id="list" href="/price-list.txt">Prices</a>
      <a id="named" href="/export" download>Export</a>
      <svg><a id="drawn" href="/teas"><text y="20">Drawn</text></a></svg>
      <script>
        // As pages do: keep clicks to themselves, and go nowhere.
        addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation() }, true);
        addEventListener("auxclick", (event) => event.preventDefault(), true);
      </script>`;
    await visit();
    await shop.await("pageview");
  });
  const told = async (count) => (await shop.await("event", count)).map(({ name, props }) => [name, props]);

  test("on a marked element, or inside, are events with the element's props", async () => {
    await page.click("#inner");
    assert.deepEqual(await told(1), [["add-to-cart", { item: "Assam", "size-grams": "100" }]]);
    await page.focus("button");
    await page.keyboard.press("Enter");
    assert.equal((await told(2)).length, 2, "and by the keyboard");
  });

  test("on outbound links and downloads are events, on others not", async () => {
    for (const id of ["internal", "mail", "drawn", "outbound", "list", "named"]) await page.dispatchEvent(`#${id}`, "click", { button: 0 });
    assert.deepEqual(await told(3), [
      ["outbound", { url: "https://other.example/x?y=1" }],
      ["download", { url: shop.origin + "/price-list.txt" }],
      ["download", { url: shop.origin + "/export" }],
    ]);
  });

  test("by the middle button count, by the right one not", async () => {
    await page.click("#outbound", { button: "right" });
    await page.click("#outbound", { button: "middle" });
    await page.click("#inner");
    assert.deepEqual((await told(2)).map(([name]) => name), ["outbound", "add-to-cart"]);
  });
});

describe("data-storage", () => {
  beforeEach(() => {
    shop.attributes = "data-storage";
  });

  test("keeps a visitor id", async () => {
    await visit("/one");
    await shop.await("pageview");
    await page.goto(shop.origin + "/two");
    await shop.await("pageview", 2);
    const visitors = new Set(shop.requests.map(({ body }) => body.visitor));
    assert.equal(visitors.size, 1);
    assert.match([...visitors][0], /^[0-9a-f]{32}$/);
  });

  test("keeps what two tabs could not send for the next page, which sends it once accepted", async () => {
    await visit("/one");
    const second = await context.newPage();
    await second.goto(shop.origin + "/two");
    await shop.await("pageview", 2);
    shop.status = 503;
    await page.evaluate(() => watchfire("event", "first"));
    await second.evaluate(() => watchfire("event", "second"));
    await shop.await("event", 2);
    await page.goto("about:blank");
    await second.goto("about:blank");
    await shop.await("leave", 2);
    shop.status = 202;
    await visit("/three");
    await until(() => shop.accepted().some(({ url }) => url.endsWith("/three")));
    const names = shop.accepted().map(({ name }) => name).filter(Boolean);
    assert.deepEqual(names.sort(), ["first", "second"]);
    assert.equal(new Set(shop.hits("event").map(({ id }) => id)).size, 2, "under the same ids");
  });
});

describe("a hostile page", () => {
  const hostile = {
    "whose policy forbids to connect": () => {
      shop.headers = { "content-security-policy": "connect-src 'none'" };
    },
    "without fetch": () => page.addInitScript(() => delete window.fetch),
    "with frozen prototypes": () =>
      page.addInitScript(() => [Array, Object, String, Function, Promise, History, EventTarget].forEach((type) => Object.freeze(type.prototype))),
    "without crypto": () => page.addInitScript(() => Object.defineProperty(window, "crypto", { value: undefined })),
    "whose storage throws": () => {
      shop.attributes = "data-storage";
      return page.addInitScript(() =>
        Object.defineProperty(window, "localStorage", {
          get() {
            throw new Error("no storage");
          },
        }),
      );
    },
    "whose storage is full and broken": () => {
      shop.attributes = "data-storage";
      return page.addInitScript((site) => {
        if (location.protocol === "http:") localStorage[site] = "{";
        Storage.prototype.setItem = () => {
          throw new Error("full");
        };
      }, SITE);
    },
    "that has watchfire as something else": () => page.addInitScript(() => (window.watchfire = { q: 7 })),
  };
  for (const [what, prepare] of Object.entries(hostile)) {
    test(`${what} works as before`, async () => {
      await prepare();
      shop.body = `<button data-wf-event="buy">Buy</button>`;
      await visit();
      await page.evaluate(() => history.pushState({}, "", "/next"));
      await page.click("button");
      await page.mouse.move(50, 50);
      assert.equal(await page.evaluate(() => location.pathname), "/next");
      await page.goto("about:blank");
    });
  }
});
