import { globSync, readFileSync } from "node:fs";
import { expect } from "chai";

// Personal data leaves the vault through the disclosure and nowhere else (DESIGN section 5).

const FOLDERS = ["vault", "api", "callers", "audit", "commands"];

describe("guarantee: one way out of the vault", () => {
  const files = globSync(`src/{${FOLDERS.join(",")}}/**/*.ts`);

  it("finds the files", () => {
    expect(files).to.include("src/vault/disclosure.ts");
  });

  it("only the disclosure reveals what is concealed", () => {
    const revealing = files.filter((file) => readFileSync(file, "utf8").includes(".reveal("));
    expect(revealing).to.deep.equal(["src/vault/disclosure.ts"]);
  });

  it("only the vault opens session records, and what it opens it conceals", () => {
    const opening = globSync("src/**/*.ts").filter((file) => {
      const text = readFileSync(file, "utf8");
      return /\bopenerOf\(|\bopenWith\(/.test(text) && !file.startsWith("src/keys/");
    });
    expect(opening.toSorted()).to.deep.equal([
      "src/vault/caller-sessions.ts",
      "src/vault/proxied-sessions.ts",
    ]);
    for (const file of opening) expect(readFileSync(file, "utf8")).to.include("new Concealed(");
  });

  it("the API has no other door into the vault than the vault itself", () => {
    const doors =
      /from "\.\.\/(?:\.\.\/)?(?:keys\/(?:keyring|opening|aead)|store\/|vault\/(?:caller|proxied)-sessions)/;
    const wrong = globSync("src/{api,commands}/**/*.ts").filter((file) =>
      doors.test(readFileSync(file, "utf8")),
    );
    expect(wrong).to.deep.equal([]);
  });
});
