import { expect } from "chai";
import * as fc from "fast-check";
import { DistinctCount } from "../../src/log-audit/distinct-count.ts";
import { Frequent } from "../../src/log-audit/frequent.ts";
import { LogRanking, OTHER_KEYS } from "../../src/log-audit/log-ranking.ts";
import { shapeOfPath } from "../../src/log-audit/path-shape.ts";
import { formatProposal, proposeRules } from "../../src/log-audit/rule-proposal.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { scrubberWith } from "../scrub/scrubbing.ts";

function targetOf(text: string) {
  return { text, findings: scrubberWith({ trustsHarmlessNames: true }).findingsInTarget(text) };
}

function shapeOf(path: string): string | undefined {
  return shapeOfPath(path, targetOf(path).findings)?.shape;
}

describe("distinct count", () => {
  it("is exact for a hundred values, however often each comes", () => {
    const property = fc.property(fc.array(fc.string(), { maxLength: 100 }), (texts) => {
      const count = new DistinctCount();
      for (const text of [...texts, ...texts]) count.add(text);
      expect(count.value()).to.equal(new Set(texts).size);
    });
    fc.assert(property);
  });

  it("is near for many", () => {
    for (const many of [500, 5000, 50_000]) {
      const count = new DistinctCount();
      for (let index = 0; index < many; index++) count.add(`/users/${index}`);
      expect(count.value()).to.be.within(many * 0.7, many * 1.4);
    }
  });
});

describe("frequent names", () => {
  it("are all there, in a table that does not grow, and never counted too high", () => {
    const frequent = new Frequent(50, () => ({ count: 0 }));
    for (let index = 0; index < 20_000; index++) {
      frequent.count(`rare${index}`);
      if (index % 10 === 0) frequent.count("often");
    }
    const ranked = frequent.ranked();
    expect(ranked).to.have.length(50);
    const often = ranked.find(({ name }) => name === "often");
    expect(often?.tally.count).to.be.at.least(2000);
    expect((often?.tally.count ?? 0) - (often?.missed ?? 0)).to.be.within(1900, 2000);
    expect(ranked[0]?.name).to.equal("often");
  });
});

describe("path shapes", () => {
  it("name what differs, and leave out what comes after", () => {
    const shapes = {
      "/users/42/orders": "/users/:id",
      "/users/ada-lovelace": "/users/:id",
      "/users/login": undefined,
      "/orders/1234567/items/9": "/orders/:id/items/:id",
      "/files/0190a1b2-0012-7345-8678-9abcdef01234": "/files/:id",
      "/u/~email.abcdefgh/x": "/u/:email",
      "/mail/ada%40example.org/1": "/mail/:email/:id",
      "/2026/11/20/a-title": undefined,
      "/articles/a-title": undefined,
      "/": undefined,
      "/~evil.aaaaaaaa\u001b/12345": "/:part/:id",
    };
    for (const [path, shape] of Object.entries(shapes)) {
      expect(shapeOf(path), path).to.equal(shape);
    }
  });

  it("show only words of a site, whatever was sent", () => {
    fc.assert(
      fc.property(fc.webPath(), fc.string(), (path, text) => {
        const shape = shapeOf(`${path}/${text}/1234567`) ?? "";
        expect(shape).to.match(/^(?:\/(?::[a-z0-9_]{1,32}|[A-Za-z][\w.-]{0,31}))*$/);
      }),
    );
  });
});

describe("ranking", () => {
  it("shows no key that is spelt otherwise than names are", () => {
    const ranking = new LogRanking();
    for (const key of ["ada%40example.org", "\u001b[2J", "x".repeat(200), "+44 7700 900123"])
      ranking.add(targetOf(`/a?${key}=1`));
    expect(ranking.keys().map(({ key, lines }) => ({ key, lines }))).to.deep.equal([
      { key: OTHER_KEYS, lines: 4 },
    ]);
  });

  it("proposes nothing but what logveil takes, whatever the keys and paths", () => {
    const word = fc.stringMatching(/^[\w.[\]-]{1,20}$/);
    const property = fc.property(
      fc.array(word, { minLength: 1 }),
      fc.array(word),
      (keys, segments) => {
        const ranking = new LogRanking();
        for (const value of ["a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a"]) {
          const query = keys.map((key) => `${key}=${value}`).join("&");
          ranking.add(targetOf(`/${segments.join("/")}/users/${value}?${query}`));
        }
        const current = { keep: ["page", "y"], paths: ["/x/:y"] };
        const proposal = formatProposal(
          proposeRules(ranking.keys(), ranking.shapes(), current),
          current,
        );
        if (proposal === undefined) return;
        const loaded = loadConfiguration({
          file: { name: "p.yaml", text: proposal },
          env: {},
          overrides: {},
        });
        const { query, paths } = loaded.configuration.accessLog;
        const known = [...keys, ...current.keep];
        if (proposal.includes("keep:")) expect(known).to.include.members([...query.keep]);
        if (proposal.includes("paths:")) expect(paths[0]).to.equal("/x/:y");
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
