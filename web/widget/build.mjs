// Bundles the chat of customers into dist/: what the page loads, and the panel. Fails when either outgrows what is promised to site owners.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";
import { put } from "../../bin/put.mjs";

const LOADER_BYTES_MAX = 3_072;
const PANEL_BYTES_MAX = 60 * 1_024;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const gzipBytes = (...contents) => contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);

/** A style sheet that is imported becomes the text of it. */
const sheetsAsText = {
  name: "sheets as text",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target: "chrome111" });
      return { contents: code.trim(), loader: "text" };
    });
  },
};
const shared = { bundle: true, minify: true, charset: "utf8", legalComments: "none", write: false, outdir: here("dist") };
const results = await Promise.all([
  build({ ...shared, entryPoints: [here("src/loader/chat.ts")], format: "esm", target: "es2020", plugins: [sheetsAsText] }),
  build({ ...shared, entryPoints: [here("src/panel/panel.ts")], format: "iife", target: "es2022" }),
  build({ ...shared, entryPoints: [here("style/panel.css")], target: "chrome111" }),
]);
const built = new Map(results.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => [basename(path), contents])));
const loader = await minify(new TextDecoder().decode(built.get("chat.js")), { module: true, ecma: 2020, compress: { passes: 3, unsafe_arrows: true } });
built.set("chat.js", loader.code);
for (const [file, content] of built) await put(here(`dist/${file}`), content);

const page = await readFile(here("../templates/chat_panel.html"));
const sizes = [
  ["chat.js", LOADER_BYTES_MAX, gzipBytes(built.get("chat.js"))],
  ["the panel", PANEL_BYTES_MAX, gzipBytes(page, built.get("panel.css"), built.get("panel.js"))],
];
for (const [what, max, bytes] of sizes) {
  console.log(`web/widget/dist: ${what} ${bytes} bytes of gzip (at most ${max})`);
  if (bytes <= max) continue;
  console.error(`${what} is ${bytes - max} bytes too large`);
  process.exitCode = 1;
}
