// Bundles the pages' scripts and styles, and draws the world, into dist/.
import { mkdir, copyFile, readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { world } from "./world.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const entries = ["app", "live", "overview", "reports", "tag"];

await mkdir(here("dist"), { recursive: true });
const shared = { bundle: true, minify: true, charset: "utf8", legalComments: "none", write: true };
await build({
  ...shared,
  entryPoints: entries.map((entry) => here(`src/${entry}.ts`)),
  outdir: here("dist"),
  format: "iife",
  target: "es2022",
});
await build({ ...shared, entryPoints: [here("style/app.css")], outdir: here("dist"), target: "chrome111" });
await writeFile(here("dist/world.svg"), world());
await copyFile(here("favicon.svg"), here("dist/favicon.svg"));

const built = new Set(["app.css", "world.svg", "favicon.svg", ...entries.map((entry) => `${entry}.js`)]);
for (const file of await readdir(here("dist"))) {
  if (!built.has(file)) await rm(here(`dist/${file}`));
}
console.log(`web/ui/dist: ${[...built].join(", ")}`);
