import { expect } from "chai";
import * as fc from "fast-check";
import { stringify } from "yaml";
import { variableOf } from "../../src/config/environment.ts";
import { formatProblems } from "../../src/config/problem.ts";
import { KEYS } from "../../src/config/schema.ts";
import { problemsOf, type Given } from "./loading.ts";

const CANARY = "hunter2-c4nary";
const paths = fc.constantFrom(...KEYS.keys());
const scalars = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, CANARY, `http://name:${CANARY}@host`, `${CANARY}\n`, `[${CANARY}]`),
);
const values = fc.oneof(
  scalars,
  fc.array(scalars, { maxLength: 4 }),
  fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(CANARY, "__proto__")), scalars, {
    maxKeys: 4,
  }),
);

/** A file in which one known key, deep in its sections, holds `value`. */
function fileWith(path: string, value: unknown): string {
  const tree = path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  return stringify(tree);
}

function expectDiscretion(given: Given): void {
  const problems = problemsOf(given);
  expect(JSON.stringify(problems) + formatProblems(problems)).not.to.include("c4nary");
}

describe("garbage", () => {
  it("in any key gives problems at most, and none repeats it", () => {
    fc.assert(
      fc.property(paths, values, (path, value) =>
        expectDiscretion({ text: fileWith(path, value) }),
      ),
      { numRuns: 200 },
    );
  });

  it("in any variable gives problems at most, and none repeats it", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.constantFrom(CANARY, `${CANARY},${CANARY}`, `a=${CANARY}\r`),
    );
    fc.assert(
      fc.property(paths, texts, (path, text) =>
        expectDiscretion({ env: { [variableOf(path)]: text } }),
      ),
      { numRuns: 200 },
    );
  });

  it("in the place of everything gives problems at most, and none repeats it", () => {
    const trees = fc.object({
      maxDepth: 4,
      values: [scalars],
      key: fc.oneof(fc.constantFrom("proxy", "vault", "accessLog", "file", CANARY), fc.string()),
    });
    fc.assert(
      fc.property(trees, (tree) => expectDiscretion({ text: stringify(tree) })),
      { numRuns: 100 },
    );
  });

  it("that is no YAML gives problems at most, and none repeats it", () => {
    const pieces = fc.constantFrom(
      "proxy",
      ":",
      " ",
      "\n",
      "  ",
      "\t",
      "{",
      "}",
      "[",
      "]",
      "&a",
      "*a",
      "!x",
      "'",
      '"',
      "-",
      "?",
      "#",
      "|",
      CANARY,
      "<<",
      "%YAML 1.1\n---\n",
      "\0",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (text) =>
        expectDiscretion({ text: text.join("") }),
      ),
      { numRuns: 200 },
    );
  });

  it("on the command line is not repeated either", () => {
    const overrides = {
      upstream: CANARY,
      listen: CANARY,
      vaultListen: CANARY,
      dataDir: `<${CANARY}`,
    };
    expect(problemsOf({ overrides })).to.have.length(4);
    expectDiscretion({ overrides });
  });
});
