import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

// docs/conformance.md and the tests say the same: each row names a test, and that test has a title that begins with the row.

type Row = { readonly id: string; readonly tests: readonly string[] };

const TESTS = globSync("test/**/*.test.ts");

function rowsOf(page: string): readonly Row[] {
  return [...page.matchAll(/^\| (?<id>[A-Z]\d+b?) \|[^|]*\|(?<tests>[^|]*)\|/gm)].map((row) => ({
    id: row.groups?.["id"] ?? "",
    tests: [...(row.groups?.["tests"] ?? "").matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file),
  }));
}

/** `test/conformance/` may be left out. */
function read(file: string): string {
  const path = file.startsWith("test/") ? file : join("test/conformance", file);
  expect(TESTS, "named in docs/conformance.md").to.include(path);
  return readFileSync(path, "utf8");
}

/** Whether a title begins with `id`, perhaps behind other ids. */
function hasTitleOf(text: string, id: string): boolean {
  return new RegExp(`["'\`](?:[A-Z]\\d+b? )*${id}[ :]`).test(text);
}

const REQUEST_ROWS = [
  ...Array.from({ length: 15 }, (_, index) => `H${String(index + 1)}`),
  ...Array.from({ length: 12 }, (_, index) => `F${String(index + 1)}`),
  "P1",
  "P2",
  "P3",
];

describe("conformance: rows", () => {
  const rows = rowsOf(readFileSync("docs/conformance.md", "utf8"));

  it("are each there once, all of those about requests among them", () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    expect(ids).to.include.members(REQUEST_ROWS);
  });

  for (const { id, tests } of rows) {
    it(`${id} has a test where the page says`, () => {
      expect(tests).to.not.deep.equal([]);
      for (const file of tests) expect(hasTitleOf(read(file), id), file).to.equal(true);
    });
  }

  it("that a test names are on the page", () => {
    const named = TESTS.filter((file) => file.startsWith("test/conformance/")).flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/\bit\(\s*["'`](?<id>[HFRLPG]\d+b?) /g)].map(
        (title) => title.groups?.["id"],
      ),
    );
    const onPage = new Set(rows.map(({ id }) => id));
    expect([...new Set(named)].filter((id) => !onPage.has(id ?? ""))).to.deep.equal([]);
  });
});
