import { createServer } from "node:http";
import { expect } from "chai";
import express from "express";
import * as fc from "fast-check";
import request from "supertest";
import { MAX_BODY_BYTES, readBody } from "../../src/api/databunker/body.ts";
import { LogveilError } from "../../src/errors.ts";

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

/** Answers what `readBody` gives: the body, "none", or the error's code. */
const app = express().post("/", async (incoming, response) => {
  try {
    response.json({ body: (await readBody(incoming, response)) ?? "none" });
  } catch (error) {
    response.json({ code: error instanceof LogveilError ? error.code : String(error) });
  }
});

async function read(type: string, body: string | Buffer, encoding?: string): Promise<unknown> {
  const call = request(createServer(app)).post("/").set("content-type", type);
  if (encoding !== undefined) call.set("content-encoding", encoding);
  // supertest would serialise a Buffer under a JSON type
  const answer = await call.serialize((value: unknown) => value as string).send(body);
  return answer.body.code ?? answer.body.body;
}

describe("request body", () => {
  it("is a JSON object, whatever the charset claims, also under the name of XML", async () => {
    for (const type of [
      JSON_TYPE,
      "application/json;charset=UTF-8",
      "Application/JSON",
      "application/xml",
    ]) {
      expect(await read(type, ' {"a":[1,null,"é"]} '), type).to.deep.equal({ a: [1, null, "é"] });
    }
  });

  it("is a form, the first value of each key", async () => {
    expect(await read(FORM, "a=1&b=%C3%A9+x&a=2")).to.deep.equal({ a: "1", b: "é x" });
  });

  it("is none when it is shorter than three characters or has no members", async () => {
    const bodies = ["", "{}", "[]", "  {} \n", '""', "1"];
    for (const body of bodies) expect(await read(JSON_TYPE, body), body).to.equal("none");
    expect(await read(JSON_TYPE, "{    }")).to.equal("none");
    expect(await read(FORM, "&&&&")).to.equal("none");
  });

  it("is none under any other content type", async () => {
    for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/jsonp"]) {
      expect(await read(type, '{"a":1}'), type).to.equal("none");
    }
  });

  it("is invalid when it is no object, broken, or JSON sent as a form", async () => {
    const bodies = [
      "[1,2]",
      '"text"',
      "null",
      "12345",
      "{a:1}",
      '{"a":1',
      '{"a":1}}',
      '{"a":1e999}',
    ];
    for (const body of bodies) expect(await read(JSON_TYPE, body), body).to.equal("body-invalid");
    expect(await read(FORM, '{"a":1}')).to.equal("body-invalid");
  });

  it("is invalid when it is not UTF-8", async () => {
    const latin1 = Buffer.from('{"a":"é"}', "latin1");
    expect(await read(JSON_TYPE, latin1)).to.equal("body-invalid");
    expect(await read(JSON_TYPE, Buffer.from('{"a":"é"}', "utf16le"))).to.equal("body-invalid");
  });

  it("is invalid when it is nested beyond 64 levels, without any harm to the stack", async () => {
    const nested = (depth: number) => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
    expect(await read(JSON_TYPE, nested(64))).to.be.an("object");
    expect(await read(JSON_TYPE, nested(65))).to.equal("body-invalid");
    expect(
      await read(
        JSON_TYPE,
        `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`.slice(0, MAX_BODY_BYTES),
      ),
    ).to.equal("body-invalid");
  });

  it("may have 100 KiB and not a byte more", async () => {
    const filled = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
    expect(await read(JSON_TYPE, filled(MAX_BODY_BYTES))).to.be.an("object");
    expect(await read(JSON_TYPE, filled(MAX_BODY_BYTES + 1))).to.equal("body-too-large");
  });

  it("is refused compressed", async () => {
    expect(await read(JSON_TYPE, '{"a":1}', "gzip")).to.equal("body-invalid");
  });

  it("has members named like those of every object, and they change nothing", async () => {
    for (const [type, text] of [
      [JSON_TYPE, '{"__proto__":{"polluted":1},"constructor":1}'],
      [FORM, "__proto__=1&constructor=2"],
    ] as const) {
      const body = await read(type, text);
      expect(Object.keys(body as object)).to.include("constructor");
    }
    expect(({} as Record<string, unknown>)["polluted"]).to.equal(undefined);
  });

  it("comes back as it was sent, for every object of JSON", async () => {
    const key = fc.string({ minLength: 1 }).filter((name) => name !== "__proto__");
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(key, fc.jsonValue({ maxDepth: 4 }), { minKeys: 1 }),
        async (body) => {
          const text = JSON.stringify(body);
          expect(await read(JSON_TYPE, text)).to.deep.equal(JSON.parse(text));
        },
      ),
      { numRuns: 40 },
    );
  });
});
