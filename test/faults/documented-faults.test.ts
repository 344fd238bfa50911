import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { EVENT_NAMES } from "../../src/event-log.ts";
import { ERROR_TYPES } from "../../src/http/problem.ts";
import { createMetrics } from "../../src/metrics.ts";

const PAGE = readFileSync("docs/faults.md", "utf8");
/** Rows of all tables, as their cells, without heads and rules. */
const ROWS = PAGE.split("\n")
  .filter((line) => line.startsWith("| ") && !line.endsWith("| shown by |"))
  .map((line) => line.slice(2, -2).split(" | "));

/** A title as a test file spells it: of `it`, or of a row in a table of tests. What a template leaves open is not compared. */
function titlesOf(path: string): readonly string[] {
  const text = readFileSync(path, "utf8");
  const titles = [...text.matchAll(/(?:\bit\(|\btitle: )\s*(["`])(.*?)\1/g)];
  return titles.map(([, , title = ""]) => title.replace(/^\$\{.*?\} /, ""));
}

function shownBy(row: readonly string[]) {
  const link = /^\[(?<title>[^\]]+)\]\(\.\.\/(?<path>[^)]+)\)$/.exec(row.at(-1) ?? "")?.groups;
  return { title: link?.["title"] ?? "", path: link?.["path"] ?? "" };
}

describe("docs/faults.md", () => {
  it("has rows, each with a fault, four answers and a test", () => {
    expect(ROWS.length).to.be.greaterThan(30);
    for (const row of ROWS) expect(row.length, row[0]).to.equal(6);
  });

  for (const row of ROWS) {
    const { title, path } = shownBy(row);
    it(`${row[0] ?? ""}: the test exists`, () => {
      expect(existsSync(path), path).to.equal(true);
      expect(titlesOf(path)).to.include(title);
    });
  }

  it("names every test of a fault in this folder", () => {
    const named = new Set(ROWS.map((row) => shownBy(row).title));
    const folder = import.meta.dirname;
    const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
    for (const name of files.filter((file) => !file.startsWith("documented-"))) {
      const titles = titlesOf(join(folder, name));
      expect(titles.length, name).to.be.greaterThan(0);
      for (const title of titles) expect(named.has(title), title).to.equal(true);
    }
  });

  it("names only events, error types and metrics that exist", async () => {
    const page = await createMetrics().registry.metrics();
    const words = [
      ...PAGE.matchAll(/`([a-z-]+\.[a-z-]+|(?:upstream|client)_[a-z]+|logveil_[a-z_]+)/g),
    ];
    expect(words.length).to.be.greaterThan(50);
    for (const [, word = ""] of words) {
      if (/\.(?:md|ts)$/.test(word) || /^(?:proxy|session|vault)\./.test(word)) continue;
      if (word === "upstream_ms" || word === "error.type" || word === "logveil_log_lines_")
        continue;
      const isKnown = EVENT_NAMES.includes(word) || word in ERROR_TYPES || page.includes(word);
      expect(isKnown, word).to.equal(true);
    }
  });
});
