// Builds the tag, dist/wf.js, and fails when it outgrows what is promised to site owners.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";
import { put } from "../../bin/put.mjs";
import { gzipBytes, letter } from "./letters.mjs";

const GZIP_BYTES_MAX = 1500;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { outputFiles } = await build({
  entryPoints: [here("src/main.ts")],
  bundle: true,
  minifySyntax: true,
  format: "iife",
  target: "es2018",
  legalComments: "none",
  // "use strict" would only cost bytes: nothing here depends on it.
  tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  write: false,
});

// The outermost guard: a browser too old or a page too strange gets no analytics, and no error either.
const { code } = await minify(`try{${outputFiles[0].text}}catch(e){}`, {
  ecma: 2018,
  compress: { passes: 5, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, sequences: 200 },
  mangle: { nth_identifier: { get: (index) => `$${index}$` } },
});

// A block keeps its names to itself as a function does. It stands where terser has done what it does to functions alone.
const block = code.replace("try{(()=>{var ", "try{let ").replace("})()}catch", "}catch");
if (block.includes("var ")) throw new Error("the tag would leave a variable behind on the page");

const script = letter(block);
await put(here("dist/wf.js"), script);
console.log(`collector/tag/dist/wf.js ${script.length} bytes, ${gzipBytes(script)} gzip (at most ${GZIP_BYTES_MAX})`);
if (gzipBytes(script) > GZIP_BYTES_MAX) {
  console.error(`the tag is ${gzipBytes(script) - GZIP_BYTES_MAX} bytes too large`);
  process.exitCode = 1;
}
