// Real access logs, imported: the reports page in Chromium, the API and the command say what an independent recount counted.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { launch, Program, setUp } from "./program.mjs";

// The logs stand outside the project; where they are absent the tests say so.
const DATA = fileURLToPath(new URL("../../../shared/data", import.meta.url));
const skip = existsSync(DATA) ? false : `the access logs are not here (${DATA})`;
const METRICS = ["visitors", "visits", "pageviews", "bounce-rate"];

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

for (const log of ["site-week-48", "site-week-49", "blog-4-days"]) {
  test(`${log}: page, API and command agree with the recount`, { skip }, async () => {
    const { all: truth } = JSON.parse(readFileSync(`${DATA}/truth/${log}.json`, "utf8"));
    const totals = { visitors: truth.visitors, visits: truth.visits, pageviews: truth.pageviews };
    const rate = truth.bounces / truth.visits;
    const owner = await browser.newContext({ timezoneId: "Europe/Paris" });
    const program = await Program.start();
    try {
      const page = await owner.newPage();
      const site = await setUp(page, program, "shop.example");
      await program.stop();
      program.command("import", "--data", program.folder, "--site", site, `${DATA}/logs/${log}.log.gz`);
      const question = ["--range", "all", "--bots", "with", "--metrics", METRICS.join(), "--format", "json"];
      const printed = program.command("report", "--store", `embedded:${program.folder}`, "--site", site, ...question);
      assert.deepEqual(JSON.parse(printed).totals, { ...totals, "bounce-rate": rate });

      await program.run();
      const data = { kind: "breakdown", range: "all", bots: "with", metrics: METRICS };
      const answer = await owner.request.post(`${program.url}/api/watchfire/sites/${site}/reports`, { data });
      assert.deepEqual((await answer.json()).totals, { ...totals, "bounce-rate": rate });

      await page.goto(`${program.url}/sites/${site}/reports?range=all&bots=1`);
      await page.locator("[data-reports][data-state=ready]:not([data-busy])").waitFor();
      const number = new Intl.NumberFormat("en");
      const shown = { ...totals, "bounce-rate": rate };
      for (const metric of METRICS) {
        const tile = page.locator(`[data-metric="${metric}"] .tile-value`);
        const percent = `${new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(rate * 100)}%`;
        const text = metric === "bounce-rate" ? percent : number.format(shown[metric]);
        assert.equal(await tile.innerText(), text, metric);
      }
    } finally {
      await program.stop();
      program.remove();
      await owner.close();
    }
  });
}
