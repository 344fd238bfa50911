// config.yaml, config.schema.json and docs/configuration.md name the same keys, with the same defaults, as what validates.

import { Ajv } from "ajv";
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { getCountries } from "libphonenumber-js/max";
import { parse } from "yaml";
import { OTHER_VARIABLES, variableOf } from "../../src/config/environment.ts";
import { allowedAt, findMeaning } from "../../src/config/kinds.ts";
import { KEYS, jsonSchema } from "../../src/config/schema.ts";
import { configurationOf } from "./loading.ts";

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
}

/** Rows of the tables whose first cell is a key. */
function documentedKeys(): readonly (readonly string[])[] {
  return read("docs/configuration.md")
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([key, variable]) => /^`[a-z]/.test(key ?? "") && variable?.startsWith("`LOGVEIL_"));
}

function leavesIn(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (KEYS.has(path) || typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, child]) =>
    leavesIn(child, path === "" ? name : `${path}.${name}`),
  );
}

function spell(standard: unknown): string {
  if (standard === null) return "";
  if (Array.isArray(standard)) return `\`[${standard.join(", ")}]\``;
  return `\`${typeof standard === "string" ? standard : JSON.stringify(standard)}\``;
}

describe("the documents of the configuration", () => {
  it("config.schema.json is the schema that validates", () => {
    expect(JSON.parse(read("config.schema.json"))).to.deep.equal(
      JSON.parse(JSON.stringify(jsonSchema())),
      'repeat: node -e \'import("./src/config/schema.ts").then((m) => fs.writeFileSync("config.schema.json", JSON.stringify(m.jsonSchema(), null, 2)))\' && npx oxfmt config.schema.json',
    );
  });

  it("config.schema.json is a JSON schema of draft 07", () => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(jsonSchema()), ajv.errorsText()).to.equal(true);
  });

  it("config.yaml names every key with its default", () => {
    const standards = [...KEYS].map(([path, node]) => [path, node.default]);
    expect(leavesIn(parse(read("config.yaml")), "")).to.deep.equal(standards);
  });

  it("config.yaml means the same as an empty file", () => {
    expect(configurationOf(read("config.yaml"))).to.deep.equal(configurationOf(""));
  });

  it("docs/configuration.md names every key with its variable, its default and what is allowed", () => {
    const expected = [...KEYS].map(([path, node]) => [
      `\`${path}\``,
      `\`${variableOf(path)}\``,
      spell(node.default),
      allowedAt(node),
    ]);
    expect(documentedKeys().map((row) => row.slice(0, 4))).to.deep.equal(expected);
  });

  it("docs/configuration.md says what each key means", () => {
    for (const [cell = "", , , , meaning = ""] of documentedKeys())
      expect(meaning.length, cell).to.be.above(8);
  });

  it("docs/configuration.md names the variables that are no keys", () => {
    for (const variable of OTHER_VARIABLES) {
      expect(read("docs/configuration.md")).to.include(`| \`${variable}\` |`);
    }
  });

  it("every key has a description, and every default passes its own schema", () => {
    for (const [path, node] of KEYS) {
      expect(node.description, path).to.match(/\.$/);
      if (typeof node.default === "string" && node.kind !== undefined) {
        expect(findMeaning(node, node.default), path).not.to.equal(undefined);
      }
    }
  });

  it("every country whose phone numbers are known can be the default", () => {
    const refused = getCountries().filter(
      (country) => findMeaning({ kind: "country" }, country) === undefined,
    );
    expect(refused).to.deep.equal([]);
  });
});
