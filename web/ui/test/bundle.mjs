// Bundles one module of the pages' scripts so that Node can test it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export async function load(module) {
  const entry = fileURLToPath(new URL(`../src/${module}.ts`, import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm", target: "es2022" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
