import { globSync, readFileSync } from "node:fs";
import { expect } from "chai";

// Personal data leaves the vault through `operate` and nowhere else (DESIGN section 5).

/** All that turns sealed bytes into what was sealed, whatever it is. */
const OPENING = [
  "src/audit/event.ts",
  "src/vault/consent/agreement.ts",
  "src/vault/sessions/caller-sessions.ts",
  "src/vault/log-in/captcha.ts",
  "src/vault/notify/outbox.ts",
  "src/vault/sessions/proxied-sessions.ts",
  "src/vault/sharing/shared-record.ts",
  "src/vault/users/user-app-record.ts",
  "src/vault/users/user-record.ts",
  "src/vault/consent/user-request.ts",
];

/** They put the parts of the vault together and ask nothing of them. */
const ASSEMBLING = ["src/vault-host.ts", "src/vault-assembly.ts"];

const FOLDERS = ["vault", "api", "callers", "audit", "commands"];

describe("guarantee: one way out of the vault", () => {
  const files = globSync(`src/{${FOLDERS.join(",")}}/**/*.ts`);

  it("finds the files", () => {
    expect(files).to.include("src/vault/operation.ts");
  });

  it("only an operation reveals what is concealed, and a notification on its way to its receiver", () => {
    const revealing = files.filter((file) => readFileSync(file, "utf8").includes(".reveal("));
    expect(revealing.toSorted()).to.deep.equal([
      "src/vault/notify/lane.ts",
      "src/vault/operation.ts",
    ]);
  });

  it("only these files open what is sealed", () => {
    const opening = globSync("src/**/*.ts").filter((file) => {
      const text = readFileSync(file, "utf8");
      return /\bopenerOf\(|\bopenWith\(/.test(text) && !file.startsWith("src/keys/");
    });
    expect(opening.toSorted()).to.deep.equal(OPENING.toSorted());
  });

  it("nothing but the vault imports those files for more than a type", () => {
    const names = OPENING.map((file) => file.slice("src/".length));
    const wrong = globSync("src/**/*.ts")
      .filter((file) => !file.startsWith("src/vault/") && !ASSEMBLING.includes(file))
      .filter((file) => {
        const text = readFileSync(file, "utf8");
        const imports = [...text.matchAll(/^(?:import (?!type)|\} )[^;]*?from "([^"]+)";/gm)];
        return imports.some(([, from = ""]) => names.includes(locate(file, from)));
      });
    // What opens an event: the trail itself only seals and decodes.
    expect(wrong.toSorted()).to.deep.equal([
      "src/audit/event-list.ts",
      "src/audit/event-table.ts",
      "src/audit/trail.ts",
    ]);
    for (const file of wrong) expect(readFileSync(file, "utf8")).not.to.include("openPersonal");
  });

  it("sessions are concealed where they are opened", () => {
    for (const file of [
      "src/vault/sessions/caller-sessions.ts",
      "src/vault/sessions/proxied-sessions.ts",
    ])
      expect(readFileSync(file, "utf8")).to.include("new Concealed(");
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

function locate(file: string, specifier: string): string {
  return new URL(specifier, `file:///${file}`).pathname.slice("/src/".length);
}
