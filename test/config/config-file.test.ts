import { expect } from "chai";
import { formatProblems } from "../../src/config/problem.ts";
import { problemsOf } from "./loading.ts";

describe("a configuration file", () => {
  for (const [text, message] of [
    [
      "proxy:\n  listen: :1\n  listen: :2\n",
      "config.yaml: line 3, column 3 is not YAML that logveil takes, write each key once",
    ],
    [
      "proxy:\n\tlisten: :1\n",
      "config.yaml: line 2, column 1 is not YAML that logveil takes, indent with spaces",
    ],
    [
      "proxy: {}\n---\nvault: {}\n",
      "config.yaml: line 2, column 1 is not YAML that logveil takes, write one document, without --- between",
    ],
    [
      "proxy: { listen: [::1]:80 }",
      "config.yaml: line 1, column 23 is not YAML that logveil takes, check indentation, and quote text with : # [ ] { } in it",
    ],
    [
      "proxy: !secret hunter2\n",
      "config.yaml: line 1, column 8 is not YAML that logveil takes, check indentation, and quote text with : # [ ] { } in it",
    ],
    ["- hunter2\n", "config.yaml: holds no keys, for example proxy: {}"],
    ["hunter2", "config.yaml: holds no keys, for example proxy: {}"],
  ] as const) {
    it(`says where ${JSON.stringify(text)} is broken`, () => {
      expect(formatProblems(problemsOf({ text })).split("\n")[0]).to.equal(message);
    });
  }

  it("does not hide what is wrong elsewhere, and guesses nothing from its own absence", () => {
    const env = { LOGVEIL_PROXY_LISTN: ":1", LOGVEIL_PROXY_UPSTREAM: "http://127.0.0.1:8080" };
    const problems = problemsOf({ text: "proxy: {", env });
    expect(problems.map(({ path }) => path)).to.include("LOGVEIL_PROXY_LISTN");
    expect(problems.map(({ path }) => path)).not.to.include("proxy.upstream");
  });

  it("is bounded in length, depth and aliases", () => {
    const laughs = [
      "a: &a [x]",
      ..."bcdefgh".split("").map((name, index) => {
        const before = "abcdefg"[index];
        return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(", ")}]`;
      }),
    ].join("\n");
    for (const text of ["#".repeat(1_048_577), "[".repeat(20_000), laughs, "a: &a { b: *a }"]) {
      expect(problemsOf({ text })).not.to.deep.equal([]);
    }
  });
});
