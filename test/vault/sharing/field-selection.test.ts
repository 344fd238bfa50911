import { expect } from "chai";
import * as fc from "fast-check";
import { parseFields, selectFields } from "../../../src/vault/sharing/field-selection.ts";

describe("field selection", () => {
  const select = (fields: string, document: unknown, token?: string) =>
    selectFields(parseFields(fields) ?? [], document, token);

  it("takes nothing for everything only when nothing was said", () => {
    for (const absent of [undefined, null, ""]) expect(parseFields(absent)).to.equal(undefined);
    for (const wrong of [",", " ", "  , ,", 5, {}, [], true, "a,".repeat(101), "a.".repeat(33)])
      expect(() => parseFields(wrong)).to.throw("the fields are not a list of at most 100 paths");
  });

  it("finds a member by the path that leads to it, whatever its name is", () => {
    const name = fc
      .string({ minLength: 1 })
      .filter((text) => text.trim() === text && text !== "token");
    const path = fc.array(name, { minLength: 1, maxLength: 5 });
    const escape = (text: string) => text.replaceAll(/[\\.]/g, "\\$&");
    fc.assert(
      fc.property(path, fc.jsonValue(), (names, value) => {
        const written = names.map(escape).join(".");
        fc.pre(!written.includes(","));
        const document = names.reduceRight<unknown>(
          (inner, each) => Object.fromEntries([[each, inner]]),
          value,
        );
        expect(select(written, document)[written]).to.deep.equal(value);
      }),
    );
  });

  it("shows nothing that is not in the document, whatever the path", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (fields, document) => {
        const paths = (() => {
          try {
            return parseFields(fields);
          } catch {
            return undefined; // more than a list may have
          }
        })();
        const shown = JSON.stringify(Object.values(selectFields(paths ?? [], document)));
        expect(shown).not.to.include("native code");
        expect(JSON.parse(shown)).to.be.an("array");
      }),
    );
    const inherited = "constructor,toString,__proto__,a.length,a.0.x,hasOwnProperty.name";
    const values = Object.values(select(inherited, { a: ["text"] }));
    expect(values).to.deep.equal([null, null, null, null, null, null]);
  });

  it("knows the user token under its name, before a member of that name", () => {
    expect(select("token", { token: "of the profile" }, "t-1")).to.deep.equal({ token: "t-1" });
    expect(select("token", { token: "of a session" })).to.deep.equal({ token: null });
  });

  it("keeps false, zero and the empty text apart from nothing", () => {
    const document = { no: false, zero: 0, empty: "", list: [] };
    expect(select("no,zero,empty,list,list.#", document)).to.deep.equal({
      ...document,
      "list.#": 0,
    });
  });
});
