import { readFileSync, globSync } from "node:fs";
import { expect } from "chai";

// Which way files may import (docs/design.md): from their own folder and from layers above. Siblings on one layer never import
// each other, and some packages have one home.

const LAYERS: readonly (readonly string[])[] = [
  ["errors.ts", "clock.ts", "event-log.ts", "hot-metrics.ts", "metrics.ts", "retry-after.ts"],
  ["identity"],
  ["keys"],
  ["token"],
  ["store"],
  ["scrub"],
  ["log-audit"],
  ["access-log"],
  ["callers"],
  ["audit"],
  ["vault"],
  ["http"],
  ["proxy", "ingest", "api"],
  ["console"],
  ["config"],
  ["commands"],
  ["vault-assembly.ts"],
  ["vault-host.ts"],
  ["proxy-host.ts", "ingest-host.ts"],
  ["sidecar.ts"],
  ["main.ts"],
];

const HOMES: Readonly<Record<string, readonly string[]>> = {
  express: ["api", "http"],
  "http-proxy-middleware": ["proxy"],
  undici: ["proxy"],
  level: ["store"],
  "node:crypto": ["keys", "token"],
  pino: ["event-log.ts", "access-log"],
  "libphonenumber-js": ["identity", "scrub"],
  "prom-client": ["hot-metrics.ts", "metrics.ts"],
  nodemailer: ["vault"],
  pngjs: ["vault"],
};

/** What opens sealed records or lets them leave: out of the data plane's reach, whoever edits it (DESIGN section 1). */
const OPENING = ["keys/opening.ts", "keys/keyring.ts", "vault/"];

const DRAWERS = /(?:^|\/)(?:utils?|helpers?|common|shared|misc|lib|types|index)(?:\.ts|\/)/;

type SourceFile = {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
};

/** Without comments, which may well speak of what the code must not touch. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

const FILES: readonly SourceFile[] = globSync("src/**/*.ts").map((file) => {
  const text = readFileSync(file, "utf8");
  const statements = /^(?:import|export|\}).*?\bfrom "([^"]+)"|^import "([^"]+)"/gm;
  const imports = [...text.matchAll(statements)].map((found) => found[1] ?? found[2] ?? "");
  return { path: file.slice("src/".length), text, imports };
});

function layerOf(path: string): number {
  const top = path.split("/")[0] ?? "";
  return LAYERS.findIndex((layer) => layer.includes(top));
}

function resolve(from: string, relative: string): string {
  return new URL(relative, `file:///${from}`).pathname.slice(1);
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  const [scope = "", name = ""] = specifier.split("/");
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}

describe("guarantee: architecture", () => {
  it("finds the source", () => {
    expect(FILES.length).to.be.greaterThan(50);
  });

  it("every file belongs to a layer", () => {
    expect(FILES.filter(({ path }) => layerOf(path) === -1).map(({ path }) => path)).to.deep.equal(
      [],
    );
  });

  it("imports go one way", () => {
    const wrong = FILES.flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => resolve(path, specifier))
        .filter((target) => {
          const sameFolder = target.split("/")[0] === path.split("/")[0];
          const topLevelPeers = layerOf(path) === 0 && layerOf(target) === 0;
          return !sameFolder && !topLevelPeers && layerOf(target) >= layerOf(path);
        })
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it("packages stay in their homes", () => {
    const wrong = FILES.flatMap(({ path, imports, text }) =>
      imports
        .filter((specifier) => !specifier.startsWith("."))
        .filter((specifier) => {
          const homes = HOMES[packageOf(specifier)];
          return homes !== undefined && !homes.includes(path.split("/")[0] ?? "");
        })
        .filter((specifier) => !text.includes(`import type { KeyObject } from "${specifier}"`))
        .map((specifier) => `${path} → ${specifier}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it("only main.ts touches the process", () => {
    const wrong = FILES.filter(
      ({ path, text }) =>
        path !== "main.ts" && /(?<![\w.#"])process\.(?=\w)|"node:process"/.test(codeOf(text)),
    );
    expect(wrong.map(({ path }) => path)).to.deep.equal([]);
  });

  it("the data plane cannot reach what opens or discloses", () => {
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      const file = FILES.find((candidate) => candidate.path === path);
      for (const specifier of file?.imports ?? [])
        if (specifier.startsWith(".")) visit(resolve(path, specifier));
    };
    for (const { path } of FILES)
      if (path.startsWith("proxy/") || path.startsWith("ingest/")) visit(path);
    const reached = [...seen].filter((path) => OPENING.some((part) => path.startsWith(part)));
    expect(reached).to.deep.equal([]);
  });

  it("nothing below config/ knows the configuration", () => {
    const below = FILES.filter(({ path }) => layerOf(path) < layerOf("config"));
    const wrong = below.filter(({ imports }) =>
      imports.some((specifier) => specifier.includes("/config/")),
    );
    expect(wrong.map(({ path }) => path)).to.deep.equal([]);
  });

  it("has no drawers without a name, and no file that lost its noun", () => {
    expect(FILES.filter(({ path }) => DRAWERS.test(path)).map(({ path }) => path)).to.deep.equal(
      [],
    );
    const long = FILES.filter(({ text }) => text.split("\n").length > 300);
    expect(long.map(({ path }) => path)).to.deep.equal([]);
  });

  it("packages named in package.json are used, and those used are named", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: object };
    const used = new Set(
      FILES.flatMap(({ imports }) => imports)
        .filter((specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:"))
        .map(packageOf),
    );
    expect([...used].sort()).to.deep.equal(Object.keys(manifest.dependencies).sort());
  });
});
