// Letters of conversations, in real Chromium: a customer has theirs mailed, in their language; an agent has it sent, and takes back where it is answered to.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible } from "./axe.mjs";
import { CustomerSite, launch, setUp, start, until, visitor } from "./program.mjs";

const HOOK = "a0123456789012345678901234567890";
const EMAIL = "ann@shop.example";
/** Where pictures of it are left, for people to look at. */
const LOOK = process.env.WATCHFIRE_LOOK;

let smtp, program, browser, olive, inbox, site, shop;

/** A small SMTP server that takes all. */
function mailServer() {
  const letters = [];
  const server = createServer((socket) => {
    let isLetter = false, data = "", rest = "";
    const answer = (text) => socket.write(`${text}\r\n`);
    answer("220 mail.example ESMTP");
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      rest += bytes;
      for (let at; (at = rest.indexOf("\r\n")) >= 0; rest = rest.slice(at + 2)) {
        const line = rest.slice(0, at);
        if (isLetter && line === ".") {
          letters.push(data);
          [isLetter, data] = [false, ""];
          answer("250 taken");
        } else if (isLetter) data += `${line}\n`;
        else if (/^DATA/i.test(line)) {
          isLetter = true;
          answer("354 go on");
        } else answer(/^EHLO/i.test(line) ? "250-mail.example\r\n250 8BITMIME" : /^QUIT/i.test(line) ? "221 bye" : "250 ok");
      }
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ letters, url: `smtp://127.0.0.1:${server.address().port}`, stop: () => server.close() })));
}

before(async () => {
  smtp = await mailServer();
  program = await start();
  // Letters hold links: the program is told where it is reached, which is known once it listens.
  await program.stop();
  program.flags = ["--mail", smtp.url, "--mail-from", "Shop <shop@shop.example>", "--public-url", program.url, "--mail-replies", "replies@shop.example", "--mail-hook", HOOK];
  await program.run();
  browser = await launch();
  olive = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  inbox = await olive.newPage();
  site = await setUp(inbox, program);
  const form = { on: "on", greeting: "", colour: "#b8400e", side: "right", hours: "", replies_in: "", asks_email: "on" };
  const answer = await olive.request.post(`${program.url}/sites/${site}/chat`, { form, headers: { origin: program.url }, maxRedirects: 0 });
  assert.equal(answer.status(), 303);
  shop = await CustomerSite.start(`<script defer src="${program.url}/wf.js" data-site="${site}"></script>`, { root: 'lang="de"', body: '<meta name="viewport" content="width=device-width, initial-scale=1"><h1>Tee</h1>' });
});
after(async () => {
  await shop?.stop();
  await browser?.close();
  await program?.stop();
  program?.remove();
  smtp?.stop();
});

const look = async (page, name) => LOOK && page.screenshot({ path: join(LOOK, `${name}.png`) });

test("a customer has their conversation mailed, and an agent has it sent and takes the address back", async () => {
  const customer = await visitor(browser, { viewport: { width: 390, height: 780 }, colorScheme: "dark" });
  const page = await customer.newPage();
  await page.goto(shop.url);
  await page.locator("watchfire-chat .launcher").click();
  const frame = page.frameLocator("watchfire-chat iframe");
  const details = frame.getByRole("button", { name: "Ihre Angaben" });
  const mailMe = frame.getByRole("button", { name: "Diese Unterhaltung per E-Mail schicken" });
  await details.click();
  assert.equal(await mailMe.isVisible(), false, "there is none yet");
  await details.click();
  await frame.getByRole("textbox", { name: "Nachricht" }).fill("Wo ist mein Tee?");
  await frame.getByRole("textbox", { name: "Nachricht" }).press("Enter");
  await frame.locator(".own:not(.pending)").waitFor();
  await details.click();
  assert.equal(await mailMe.isVisible(), false, "there is no address yet");
  await frame.locator("#about-email").fill(EMAIL);
  await frame.getByRole("button", { name: "Speichern" }).first().click();
  await frame.locator(".details").waitFor({ state: "hidden" });
  await details.click();
  await mailMe.waitFor();
  await look(page, "details");
  await mailMe.click();
  await frame.getByText(`Sie ist unterwegs an ${EMAIL}.`).waitFor();
  await look(page, "mailed");
  await until("the letter arrives", () => smtp.letters.length === 1, 30_000);
  assert.match(smtp.letters[0], /Wo ist mein Tee\?/);
  assert.match(smtp.letters[0], /Reply-To: .*replies\+[0-9a-f]{42}@shop\.example/);
  await mailMe.click();
  await frame.getByText(`Sie ging in der letzten Stunde schon an ${EMAIL}.`).waitFor();
  await look(page, "mailed-before");

  await inbox.goto(`${program.url}/sites/${site}/inbox`);
  await inbox.getByText("Wo ist mein Tee?").first().click();
  await inbox.getByRole("button", { name: "More", exact: true }).last().click();
  await look(inbox, "more");
  inbox.on("dialog", (dialog) => dialog.accept());
  await inbox.getByText("Take back the address and link of letters").click();
  await until("it is said", async () => (await inbox.locator("body").innerText()).includes("answered in vain") || (await inbox.locator("[data-part=announcer]").textContent())?.includes("answered in vain"));
  const to = /replies\+[0-9a-f]{42}@shop\.example/.exec(smtp.letters[0])[0];
  const letter = `From: ann@shop.example\r\nTo: ${to}\r\nMessage-ID: <1@x>\r\n\r\nVergebens.`;
  const answer = await fetch(`${program.url}/mail/${HOOK}`, { method: "POST", body: letter });
  assert.deepEqual(await answer.json(), { became: "nothing", why: "nobodys" });
  await customer.close();
});

test("who answers chooses what they are mailed of what they missed", async () => {
  await inbox.goto(`${program.url}/rooms/notifications`);
  for (const width of [1440, 390]) {
    await inbox.setViewportSize({ width, height: 900 });
    await accessible(inbox, `mail at ${width}`);
    await look(inbox, `digest-${width}`);
  }
  const missed = inbox.getByLabel("What you missed");
  await missed.selectOption("hourly");
  await inbox.getByRole("region", { name: "By e-mail" }).getByRole("button", { name: "Save" }).click();
  await inbox.waitForURL(/done=saved/);
  assert.equal(await missed.inputValue(), "hourly");
});
