#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old one gets a sentence instead of a syntax error.

import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const OLDEST_MAJOR = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < OLDEST_MAJOR) {
  process.stderr.write(
    `logveil needs Node ${OLDEST_MAJOR} or newer, this is v${process.versions.node}; \`npm start\` brings its own\n`,
  );
  process.exitCode = 1;
} else {
  // Takes a third off the start. SECURITY: beside the code and not in the temporary folder, where others could leave code for us to run. Where
  // it cannot be written, Node goes on without it.
  module.enableCompileCache(
    fileURLToPath(new URL("../node_modules/.cache/logveil", import.meta.url)),
  );
  // A clone has the source, a package and the image have what was built from it.
  const source = new URL("../src/main.ts", import.meta.url);
  await import(existsSync(source) ? source.href : new URL("../dist/main.js", import.meta.url).href);
}
