import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadConfiguration } from "../../src/config/load.ts";

const PAGES = ["docs/deploying.md", "docs/metrics.md"];

for (const page of PAGES)
  describe(page, () => {
    const text = readFileSync(page, "utf8");

    it("links to what exists", () => {
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link ?? "");
      expect(links).not.to.have.length(0);
      for (const link of links) expect(existsSync(join("docs", link)), link).to.equal(true);
    });

    it("names keys of the configuration that exist", () => {
      const keys = readFileSync("docs/configuration.md", "utf8");
      const named = text.matchAll(/`((?:proxy|session|accessLog|vault)\.[\w.]+)`/g);
      for (const [, key] of named) expect(keys, key).to.match(new RegExp(`\`${key}(?:\`|\\.)`));
    });

    it("shows configurations that logveil takes", () => {
      for (const [, yaml = ""] of text.matchAll(/```yaml\n([\s\S]*?)```/g)) {
        const file = { name: page, text: yaml };
        expect(() => loadConfiguration({ file, env: {}, overrides: {} }), yaml).not.to.throw();
      }
    });
  });
