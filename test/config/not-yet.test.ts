import { expect } from "chai";
import { NOT_YET } from "../../src/config/not-yet.ts";
import { KEYS } from "../../src/config/schema.ts";
import { load, problemsOf } from "./loading.ts";

function notYet(text: string): readonly string[] {
  return problemsOf({ text })
    .filter(({ problem }) => problem.endsWith("not in this version"))
    .map(({ path, problem, remedy }) => `${path}: ${problem}, ${remedy}`);
}

describe("what this version does not do", () => {
  for (const [text, ...expected] of [
    [
      "accessLog: { format: ecs }",
      "accessLog.format: ecs is not in this version, use json or combined",
    ],
    [
      "accessLog: { identity: sealed }",
      "accessLog.identity: sealed is not in this version, use token or none",
    ],
    [
      "accessLog: { outputs: [file, syslog, http] }",
      "accessLog.outputs: syslog is not in this version, use stdout or file",
      "accessLog.outputs: http is not in this version, use stdout or file",
    ],
    [
      "accessLog: { syslog: { url: 'tls://a:6514' } }",
      "accessLog.syslog.url: is not in this version, leave it out",
    ],
    [
      "accessLog: { otlp: { url: 'https://a' } }",
      "accessLog.otlp.url: is not in this version, leave it out",
    ],
    [
      "accessLog: { mezmo: { keyFile: a } }",
      "accessLog.mezmo.keyFile: is not in this version, leave it out",
    ],
    [
      "accessLog: { http: { headers: { a: b } } }",
      "accessLog.http.headers: is not in this version, leave it out",
    ],
    [
      "accessLog: { spool: { maxSize: 2GiB } }",
      "accessLog.spool.maxSize: is not in this version, leave it out",
    ],
    [
      "ingest: { syslog: { udp: ':514' } }",
      "ingest.syslog.udp: is not in this version, leave it out",
    ],
  ] as const) {
    it(`is named in ${text}`, () => {
      expect(notYet(text)).to.deep.equal(expected);
    });
  }

  it("may be written out with its default, in any spelling", () => {
    const text = `
accessLog: { spool: { maxSize: 1024MiB, dir: /d/spool } }
vault: { dataDir: /d, disclosure: { dpo: { cookie: full } }, notify: { smtp: } }`;
    expect(load({ text }).warnings).to.deep.equal([]);
  });

  it("is listed under keys that exist", () => {
    for (const { path } of NOT_YET) {
      const keys = [...KEYS.keys()].filter((key) => key === path || key.startsWith(`${path}.`));
      expect(keys, path).not.to.deep.equal([]);
    }
  });
});
