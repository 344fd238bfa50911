import { inspect } from "node:util";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { expect } from "chai";
import * as fc from "fast-check";
import { ROOT } from "../../src/callers/caller.ts";
import { Credentials, openCredentials } from "../../src/callers/credentials.ts";
import { LogveilError } from "../../src/errors.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

const TOKEN = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const OTHER = "b136d258-d605-e69e-0e4d-fe20460fbcf9";

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).to.be.instanceOf(LogveilError);
  return (failure as LogveilError).code;
}

describe("credentials", () => {
  const credentials = new Credentials(TOKEN);

  it("know root by either header, in either letter case", async () => {
    for (const token of [TOKEN, TOKEN.toUpperCase()]) {
      expect(await credentials.findCaller({ "x-bunker-token": token })).to.equal(ROOT);
      expect(await credentials.findCaller({ authorization: `Bearer ${token}` })).to.equal(ROOT);
      expect(await credentials.findCaller({ authorization: `bearer ${token}` })).to.equal(ROOT);
    }
  });

  it("know nobody without a token, with another, with DEMO, or with half of the right one", async () => {
    const wrong = ["", "DEMO", TOKEN.slice(0, -1), `${TOKEN}0`, ` ${TOKEN}`, `${TOKEN}, ${TOKEN}`];
    expect(await credentials.findCaller({})).to.equal(undefined);
    for (const token of wrong) {
      expect(await credentials.findCaller({ "x-bunker-token": token }), token).to.equal(undefined);
    }
    expect(await credentials.findCaller({ authorization: `Basic ${TOKEN}` })).to.equal(undefined);
    expect(await credentials.findCaller({ authorization: TOKEN })).to.equal(undefined);
  });

  it("do not fall back to the other header when the first holds a wrong token", async () => {
    const headers = { "x-bunker-token": "DEMO", authorization: `Bearer ${TOKEN}` };
    expect(await credentials.findCaller(headers)).to.equal(undefined);
  });

  it("know nobody by any other text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.uuid()), async (text) => {
        fc.pre(text.toLowerCase() !== TOKEN);
        return (await credentials.findCaller({ "x-bunker-token": text })) === undefined;
      }),
      { numRuns: 200 },
    );
  });

  it("ask for others by well-formed tokens only, in lower case, and never for root", async () => {
    const asked: string[] = [];
    const issued = {
      findCaller: async (token: string) => {
        asked.push(token);
        return { name: "anna", role: "support" } as const;
      },
    };
    const both = new Credentials(TOKEN, issued);
    expect(await both.findCaller({ "x-bunker-token": TOKEN })).to.equal(ROOT);
    const malformed = ["DEMO", "", `${OTHER} `, `${OTHER},${OTHER}`, OTHER.slice(1), "é", "🔑"];
    for (const token of [...malformed, ...malformed.map((text) => text.repeat(1000))])
      expect(await both.findCaller({ "x-bunker-token": token }), token).to.equal(undefined);
    expect(asked).to.deep.equal([]);
    const found = await both.findCaller({ authorization: `Bearer ${OTHER.toUpperCase()}` });
    expect(found?.name).to.equal("anna");
    expect(asked).to.deep.equal([OTHER]);
  });

  it("cannot print the token", () => {
    const shown =
      inspect(credentials, { showHidden: true, depth: 10 }) + JSON.stringify(credentials);
    expect(shown).not.to.include(TOKEN);
  });

  it("refuse a root token that is not a UUID", () => {
    for (const token of ["", "DEMO", `${TOKEN}\n`, TOKEN.replace("a", "g")]) {
      expect(() => new Credentials(token), token).to.throw(LogveilError, "not a UUID");
    }
  });
});

describe("root token file", () => {
  let folder: TemporaryFolder;
  let path: string;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
    path = folder.file("secrets", "root.token");
  });
  afterEach(() => folder.remove());

  it("is created for its owner alone, and read the next time", async () => {
    const first = await openCredentials({ rootTokenFile: path });
    expect(first.created).to.equal(true);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    const token = (await readFile(path, "utf8")).trim();
    const second = await openCredentials({ rootTokenFile: path });
    expect(second.created).to.equal(false);
    expect(await second.credentials.findCaller({ "x-bunker-token": token })).to.equal(ROOT);
  });

  it("is one token for two that create it at once", async () => {
    const opened = await Promise.all([1, 2, 3].map(() => openCredentials({ rootTokenFile: path })));
    const token = (await readFile(path, "utf8")).trim();
    for (const { credentials } of opened) {
      expect(await credentials.findCaller({ "x-bunker-token": token })).to.equal(ROOT);
    }
    expect(opened.filter(({ created }) => created)).to.have.length(1);
  });

  it("is not touched when the token comes from the environment", async () => {
    const { credentials } = await openCredentials({ rootToken: `${TOKEN}\n`, rootTokenFile: path });
    expect(await credentials.findCaller({ "x-bunker-token": TOKEN })).to.equal(ROOT);
    expect(existsSync(path)).to.equal(false);
  });

  for (const mode of [0o640, 0o604, 0o620, 0o644, 0o666]) {
    it(`is refused with mode ${mode.toString(8)}`, async () => {
      await openCredentials({ rootTokenFile: path });
      await chmod(path, mode);
      expect(await codeOf(openCredentials({ rootTokenFile: path }))).to.equal("token-file-exposed");
    });
  }

  it("is refused when it holds something else, and the message does not say what", async () => {
    await writeFile(folder.file("odd"), "hunter2\n", { mode: 0o600 });
    const opening = openCredentials({ rootTokenFile: folder.file("odd") });
    expect(await opening.catch((error: unknown) => String(error))).not.to.include("hunter2");
    expect(await codeOf(openCredentials({ rootTokenFile: folder.file("odd") }))).to.equal(
      "token-invalid",
    );
  });

  it("is unreadable when it is a folder", async () => {
    await mkdir(folder.file("dir"), { mode: 0o700 });
    expect(await codeOf(openCredentials({ rootTokenFile: folder.file("dir") }))).to.equal(
      "token-file-unreadable",
    );
  });
});
