// The public status page, in real Chromium, read by somebody who is signed in nowhere: a first day, and what the first looks found.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { launch, Program, until } from "./program.mjs";

/** Where to leave pictures of the page, for somebody to look at. */
const SHOTS = process.env.WATCHFIRE_SHOTS;
const SIZES = [{ width: 1440, height: 900 }, { width: 390, height: 844 }];

let program, browser;

before(async () => {
  program = await Program.start(undefined, ["--public-status"]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await program?.stop();
  program?.remove();
});

/** The page on both sizes, light and dark: nothing sticks out, nothing is wrong for whoever hears it. */
async function everywhere(name, look) {
  for (const viewport of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await page.goto(`${program.url}/status`);
      await look(page);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "nothing sticks out");
      await accessible(page, name);
      if (SHOTS) await page.screenshot({ path: `${SHOTS}/status-${name}-${viewport.width}-${colorScheme}.png`, fullPage: true });
      assert.deepEqual(errors, []);
      await context.close();
    }
  }
}

test("on the first day it says that nothing is known yet", async () => {
  await everywhere("first", async (page) => {
    await page.getByRole("heading", { name: "Not known at the moment", level: 1 }).waitFor();
    await page.getByText("None in these 90 days.").waitFor();
    assert.equal(await page.getByRole("link", { name: "Sign out" }).count(), 0);
  });
});

test("after the first looks every service stands there with its days", async () => {
  const context = await browser.newContext();
  await until("all is well", async () => (await (await context.request.get(`${program.url}/api/watchfire/status`)).json()).now === "up", 180_000);
  await context.close();
  await everywhere("well", async (page) => {
    await page.getByRole("heading", { name: "All is well", level: 1 }).waitFor();
    assert.equal(await page.locator(".status-service").count(), 4);
    const days = page.getByRole("img", { name: /^Web, the last 90 days: / });
    assert.equal(await days.locator(".status-day").count(), 90);
    const box = await days.boundingBox();
    assert.ok(box.width <= page.viewportSize().width && box.height >= 20, "the row of days fits, and is seen");
    assert.ok((await days.locator(".status-day").last().boundingBox()).width >= 1, "each day is seen");
  });
});
