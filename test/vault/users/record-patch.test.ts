import { expect } from "chai";
import * as fc from "fast-check";
import { createPatch } from "rfc6902";
import { findPatched } from "../../../src/vault/users/record-patch.ts";
import type { Profile } from "../../../src/vault/users/user-record.ts";

const MEMBER = fc.constantFrom("a", "b", "c/d", "e~f", "__proto__", "constructor", "");
const { value: VALUE, object: OBJECT } = fc.letrec<{ value: unknown; object: Profile }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(1, true, "x", null),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc
    .array(fc.tuple(MEMBER, tie("value")), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries) as Profile),
}));

/** A merge patch cannot say null, so what has none in it can be reached from anywhere. */
function hasNoNull(value: unknown): boolean {
  if (value === null) return false;
  return Array.isArray(value) || typeof value !== "object" || Object.values(value).every(hasNoNull);
}

/** RFC 7386 section 3: what leads from one document to the other. */
function mergePatchBetween(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return to;
  const gone = Object.keys(from).filter((name) => !Object.hasOwn(to, name));
  return Object.fromEntries([
    ...gone.map((name) => [name, null] as const),
    ...Object.entries(to).map(
      ([name, value]) =>
        [name, Object.hasOwn(from, name) ? mergePatchBetween(from[name], value) : value] as const,
    ),
  ]);
}

function isObject(value: unknown): value is Profile {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

describe("a merge patch", () => {
  // RFC 7386 appendix A, as far as the target is an object
  for (const [target, patch, result] of [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const) {
    it(`${JSON.stringify(patch)} makes ${JSON.stringify(result)} of ${JSON.stringify(target)}`, () => {
      expect(findPatched(target, patch)).to.deep.equal(result);
    });
  }

  it("leads from any record to any other, and touches neither", () => {
    fc.assert(
      fc.property(OBJECT, OBJECT.filter(hasNoNull), (from, to) => {
        const [before, patch] = [structuredText(from), mergePatchBetween(from, to) as Profile];
        const said = structuredText(patch);
        expect(findPatched(from, patch)).to.deep.equal(to);
        expect([structuredText(from), structuredText(patch)]).to.deep.equal([before, said]);
      }),
    );
  });

  it("twice is as good as once", () => {
    fc.assert(
      fc.property(OBJECT, OBJECT, (record, patch) => {
        const once = findPatched(record, patch) ?? {};
        expect(findPatched(once, patch)).to.deep.equal(once);
      }),
    );
  });
});

describe("a JSON Patch", () => {
  it("leads from any record to any other, and does not touch it", () => {
    const plain = (value: unknown): boolean =>
      !/"(?:__proto__|constructor|prototype)"/.test(JSON.stringify(value));
    fc.assert(
      fc.property(OBJECT.filter(plain), OBJECT.filter(plain), (from, to) => {
        const before = structuredText(from);
        expect(findPatched(from, createPatch(from, to))).to.deep.equal(to);
        expect(structuredText(from)).to.equal(before);
      }),
    );
  });

  for (const name of ["__proto__", "constructor", "prototype"])
    it(`does nothing rather than something else at a member called ${name}`, () => {
      const record = JSON.parse(`{"${name}":{"a":1},"a":0}`) as Readonly<Record<string, unknown>>;
      const patch = [{ op: "replace", path: `/${name}/a`, value: 2 }];
      expect(findPatched(record, patch)).to.equal(undefined);
    });

  it("never throws for what is none, and pollutes nothing", () => {
    const operation = fc.record(
      {
        op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "x", 1),
        path: fc.oneof(
          fc.constantFrom(
            "",
            "/",
            "/a",
            "/a/0",
            "/a/-",
            "/a/01",
            "/__proto__/x",
            "/constructor/prototype/x",
          ),
          VALUE,
        ),
        from: fc.constantFrom("", "/a", "/a/0", "/__proto__", "/constructor", 5),
        value: VALUE,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        OBJECT,
        fc.array(fc.oneof(operation, VALUE), { maxLength: 6 }),
        (record, patch) => {
          const patched = findPatched(record, patch);
          expect(patched === undefined || isObject(patched)).to.equal(true);
          expect(Object.getPrototypeOf(patched ?? {})).to.equal(Object.prototype);
          expect("x" in {}).to.equal(false);
        },
      ),
    );
  });

  it("takes a place in a list only where there is one", () => {
    for (const path of ["/l/2", "/l/-1", "/l/01", "/l/x", "/l/1e0"])
      expect(findPatched({ l: [1] }, [{ op: "replace", path, value: 2 }]), path).to.equal(
        undefined,
      );
    expect(findPatched({ l: [1] }, [{ op: "add", path: "/l/1", value: 2 }])).to.deep.equal({
      l: [1, 2],
    });
  });
});

function structuredText(value: unknown): string {
  return JSON.stringify(value);
}
