import { expect } from "chai";
import { LogveilError } from "../../../src/errors.ts";
import {
  NO_USER_SCHEMA,
  loadUserSchema,
  parseUserSchema,
} from "../../../src/vault/users/user-schema.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import { writeFile } from "node:fs/promises";
import { runInNewContext } from "node:vm";

function failureOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    if (!(error instanceof LogveilError)) throw error;
    return `${error.code}: ${error.detail ?? ""}`;
  }
}

describe("a user schema", () => {
  it("is refused when it is none", () => {
    for (const text of [
      "{",
      "5",
      "null",
      '"x"',
      '{"type":"strnig"}',
      '{"properties":{"a":{"lokced":true}}}',
      '{"properties":{"a":{"locked":"yes"}}}',
      '{"$ref":"#/nowhere"}',
      '{"$schema":"http://json-schema.org/draft-04/schema#"}',
    ])
      expect(
        failureOf(() => parseUserSchema(text)),
        text,
      ).to.equal("user-schema-invalid: ");
  });

  it("comes from a file", async () => {
    const folder = await createTemporaryFolder();
    try {
      const codeOf = (path: string) =>
        loadUserSchema(path).then(
          () => "none",
          (error: unknown) => (error instanceof LogveilError ? error.code : error),
        );
      await writeFile(folder.file("good.json"), '{"required":["a"]}');
      await writeFile(folder.file("bad.json"), "{");
      expect(await codeOf(folder.file("good.json"))).to.equal("none");
      expect(await codeOf(folder.file("bad.json"))).to.equal("user-schema-invalid");
      expect(await codeOf(folder.file("missing.json"))).to.equal("user-schema-unreadable");
    } finally {
      await folder.remove();
    }
  });

  it("says where in the schema, never what of the record", () => {
    const { check } = parseUserSchema(
      JSON.stringify({
        required: ["id"],
        propertyNames: { maxLength: 5 },
        properties: { id: { enum: [1, 2] }, list: { items: { type: "number" }, maxItems: 3 } },
        patternProperties: { "^x": { type: "string" } },
      }),
    );
    for (const profile of [
      { secret: 1 },
      { id: "secret" },
      { id: 1, xsecret: 5 },
      { id: 1, list: ["secret"] },
    ]) {
      const failure = failureOf(() => check(profile));
      expect(failure).to.match(/^user-schema-violated: #\//);
      expect(failure).not.to.include("secret");
    }
    expect(failureOf(() => check({ id: 1 }))).to.equal("none");
  });

  it("finds what is marked through references, lists and escaped names", () => {
    const schema = parseUserSchema(
      JSON.stringify({
        $defs: { fixed: { locked: true } },
        properties: {
          "a/b~c": { $ref: "#/$defs/fixed" },
          plans: { items: { properties: { name: { admin: true }, id: { preserve: true } } } },
          all: { allOf: [{ preserve: true }] },
          not: { locked: false },
        },
      }),
    );
    const before = {
      "a/b~c": 1,
      plans: [{ name: "x", id: 1 }, { name: "y" }],
      all: { z: 1 },
      not: 1,
    };
    const locked = "user-schema-violated-on-change: locked";
    const change = (after: object) =>
      failureOf(() => schema.checkChange(before, { ...before, ...after }));
    expect(change({ "a/b~c": 2 })).to.equal(locked);
    expect(failureOf(() => schema.checkChange({}, before))).to.equal(locked);
    expect(failureOf(() => schema.checkChange(before, {}))).to.equal(locked);
    expect(change({ not: 2, other: 3 })).to.equal("none");
    expect(
      schema.changesAdmin(before, { ...before, plans: [{ name: "x", id: 2 }, { name: "y" }] }),
    ).to.equal(false);
    expect(schema.changesAdmin(before, { ...before, plans: [{ name: "x", id: 1 }] })).to.equal(
      true,
    );
    expect(schema.preservedOf(before)).to.deep.equal({ plans: [{ id: 1 }], all: { z: 1 } });
    expect(schema.preservedOf({ not: 1 })).to.equal(undefined);
  });

  it("finds what is marked also in a record that violates it", () => {
    const { preservedOf } = parseUserSchema(
      '{"required":["b"],"properties":{"a":{"type":"number","preserve":true}}}',
    );
    expect(preservedOf({ a: "text" })).to.deep.equal({ a: "text" });
  });

  it("looks at no member of a list that is too long, also when it was stored before", () => {
    const list = { maxItems: 2, uniqueItems: true, items: { type: "number" } };
    const schema = parseUserSchema(
      JSON.stringify({ properties: { list, id: { locked: true, preserve: true } } }),
    );
    let reads = 0;
    const long = new Proxy([{ a: 1 }, { a: 1 }, { a: 1 }], {
      get: (target, name, receiver): unknown => {
        if (name === "0") reads += 1;
        return Reflect.get(target, name, receiver);
      },
    });
    const failure = failureOf(() => schema.check({ list: long }));
    expect(failure).to.equal("user-schema-violated: #/properties/list/maxItems");
    const onChange = failureOf(() => schema.checkChange({ id: 1 }, { id: 1, list: long }));
    expect(onChange).to.equal("user-schema-violated-on-change: #/properties/list/maxItems");
    expect(reads).to.equal(0);
    expect(schema.preservedOf({ id: 1, list: [{}, {}, {}] })).to.deep.equal({ id: 1 });
    expect(failureOf(() => schema.check({ list: [1, 1] }))).to.match(/uniqueItems$/);
  });

  it("tries no pattern on a text that is too long, and ends", () => {
    const name = { maxLength: 20, pattern: "^([a-z]+ ?)+$", locked: true, preserve: true };
    const schema = parseUserSchema(JSON.stringify({ properties: { name } }));
    const long = { name: `${"a".repeat(60)}!` };
    // Nothing but the virtual machine can end a pattern: without the limit this one would take for ever.
    const ends = (act: () => unknown): unknown =>
      runInNewContext("act()", { act }, { timeout: 10_000 });
    const at = "#/properties/name/maxLength";
    expect(ends(() => failureOf(() => schema.check(long)))).to.equal(`user-schema-violated: ${at}`);
    expect(ends(() => failureOf(() => schema.checkChange({ name: "a" }, long)))).to.equal(
      `user-schema-violated-on-change: ${at}`,
    );
    expect(ends(() => failureOf(() => schema.checkChange(long, { name: "a" })))).to.equal(
      "user-schema-violated-on-change: locked",
    );
    expect(ends(() => schema.preservedOf(long))).to.deep.equal(long);
    expect(failureOf(() => schema.check({ name: "A" }))).to.match(/pattern$/);
  });

  it("allows everything when there is none", () => {
    NO_USER_SCHEMA.check({});
    NO_USER_SCHEMA.checkChange({ a: 1 }, {});
    expect(NO_USER_SCHEMA.preservedOf({ a: 1 })).to.equal(undefined);
  });
});
