import { readFileSync } from "node:fs";
import { expect } from "chai";
import { type Kind, KINDS, type Measure, isFound, measure, readCorpus } from "./corpus.ts";

// How much is found and how much of it is right, measured and held. docs/scrubbing.md shows these very figures.

/** What the documentation promises is found is found. */
const MIN_RECALL = 1;
/** Of what is replaced as a kind, so much is of that kind. Digits are ambiguous; the rest hardly. */
const MIN_PRECISION: Readonly<Record<Kind, number>> = {
  email: 0.99,
  phone: 0.95,
  ip: 0.99,
  card: 0.97,
  iban: 0.99,
  jwt: 0.99,
  key: 0.99,
  secret: 0.97,
  value: 0.97,
  encoded: 0.97,
};
const MIN_LINES = 60;
const MIN_NEGATIVES = 500;

const files = new Map([...KINDS, "nothing", "not-found"].map((file) => [file, readCorpus(file)]));
const linesOf = (file: string) => files.get(file) ?? [];
const all = [...files.values()].flat();

const percent = (part: number, whole: number): string => ((100 * part) / whole).toFixed(1);

function rowOf(kind: Kind): string {
  const { lines, found, given, right } = measure(all, kind);
  return `| ${kind} | ${lines} | ${percent(found, lines)} % | ${percent(right, given)} % |`;
}

function tableOf(): string {
  const rows = KINDS.map(rowOf);
  return ["| kind | lines | recall | precision |", "|---|---|---|---|", ...rows].join("\n");
}

describe("corpus", () => {
  before(() => {
    // eslint-disable-next-line no-console -- the table is what this test is for
    console.log(`\n${tableOf()}\n${untouched()}\n`);
  });

  for (const kind of KINDS) {
    it(`${kind}: everything planted is found, and what is found is right`, () => {
      const measured: Measure = measure(all, kind);
      expect(measured.lines).to.be.at.least(MIN_LINES);
      const missed = linesOf(kind).filter((line) => !isFound(line));
      expect(missed.map(({ sent, written }) => `${sent} → ${written}`)).to.deep.equal([]);
      expect(measured.found / measured.lines).to.be.at.least(MIN_RECALL);
      expect(measured.right / measured.given).to.be.at.least(MIN_PRECISION[kind]);
    });
  }

  it("nothing: ordinary lines stay as they are, but for one in a hundred", () => {
    expect(linesOf("nothing").length).to.be.at.least(MIN_NEGATIVES);
    const changed = linesOf("nothing").filter(({ sent, written }) => sent !== written);
    expect(changed.length / linesOf("nothing").length).to.be.below(0.01);
  });

  it("not-found: what is documented not to be found is not found", () => {
    expect(linesOf("not-found").length).to.be.at.least(15);
    for (const { sent, written } of linesOf("not-found")) expect(written).to.equal(sent);
  });

  it("the table in docs/scrubbing.md is the one measured", () => {
    const documentation = readFileSync("docs/scrubbing.md", "utf8");
    expect(documentation).to.include(tableOf());
    expect(documentation).to.include(untouched());
  });
});

function untouched(): string {
  const lines = linesOf("nothing");
  const changed = lines.filter(({ sent, written }) => sent !== written).length;
  return `Of ${lines.length} ordinary lines ${lines.length - changed} stay as they are.`;
}
