// Bundles modules of the pages' scripts so that Node can test them.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** All that the modules export; what they share is one. */
export async function load(modules, folder = new URL("../src/", import.meta.url)) {
  const contents = [modules].flat().map((module) => `export * from "./${module}"`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(folder), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
