// Bundles the pages' scripts and styles, and draws the world, into dist/.
import { readdir, readFile, rm } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { put } from "../../bin/put.mjs";
import { world } from "./world.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const entries = ["app", "live", "overview", "reports", "inbox", "room", "rooms", "notifications", "pipeline", "push-worker", "tag"];

const shared = { bundle: true, minify: true, charset: "utf8", legalComments: "none", write: false, outdir: here("dist") };
const scripts = await build({
  ...shared,
  entryPoints: entries.map((entry) => here(`src/${entry}.ts`)),
  format: "iife",
  target: "es2022",
});
const styles = await build({ ...shared, entryPoints: [here("style/app.css")], target: "chrome111" });
const built = new Map([
  ...[...scripts.outputFiles, ...styles.outputFiles].map(({ path, contents }) => [basename(path), contents]),
  ["world.svg", world()],
  ["favicon.svg", await readFile(here("favicon.svg"))],
]);

for (const [file, content] of built) await put(here(`dist/${file}`), content);
for (const file of await readdir(here("dist"))) {
  if (!built.has(file)) await rm(here(`dist/${file}`));
}
console.log(`web/ui/dist: ${[...built.keys()].join(", ")}`);
