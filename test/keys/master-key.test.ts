import { chmod, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import * as fc from "fast-check";
import {
  adoptNextKeyFile,
  loadKeyFile,
  loadMasterKeys,
  loadOrCreateKeyFile,
  parseMasterKey,
  prepareNextKeyFile,
} from "../../src/keys/master-key.ts";
import { codeOf, thrownCode, withFolder } from "./keyring-fixture.ts";

describe("master key", () => {
  it("reads hex, base64 and base64url, with white space around them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const key = Buffer.from(bytes);
        for (const encoding of ["hex", "base64", "base64url"] as const) {
          expect(parseMasterKey(` ${key.toString(encoding)}\n`)).to.deep.equal(key);
        }
        expect(parseMasterKey(key.toString("hex").toUpperCase())).to.deep.equal(key);
      }),
    );
  });

  for (const text of ["", "ab", "g".repeat(64), "a".repeat(63), "a".repeat(65), "a".repeat(42)]) {
    it(`refuses ${text.length} characters ${text.slice(0, 2)}…`, () => {
      expect(thrownCode(() => parseMasterKey(text))).to.equal("key-invalid");
    });
  }

  it("creates a missing key file for the owner only, and reads it again", () =>
    withFolder(async (dir) => {
      const path = join(dir, "deep", "master.key");
      const first = await loadOrCreateKeyFile(path);
      const second = await loadOrCreateKeyFile(path);
      expect(first.created).to.equal(true);
      expect(second).to.deep.equal({ key: first.key, created: false });
      expect((await stat(path)).mode & 0o777).to.equal(0o600);
      expect(await readdir(join(dir, "deep"))).to.deep.equal(["master.key"]);
    }));

  it("gives all who create it at once the same key", () =>
    withFolder(async (dir) => {
      const path = join(dir, "master.key");
      const loads = Array.from({ length: 8 }, () => loadOrCreateKeyFile(path));
      const loaded = await Promise.all(loads);
      expect(new Set(loaded.map(({ key }) => key.toString("hex"))).size).to.equal(1);
      expect(loaded.filter(({ created }) => created)).to.have.length(1);
    }));

  it("refuses a file that others can read, one that is missing, a folder, and one that is no key", () =>
    withFolder(async (dir) => {
      const path = join(dir, "master.key");
      const load = () => codeOf(loadKeyFile({ path, create: false }));
      expect(await load()).to.equal("key-file-unreadable");
      await writeFile(path, "not a key", { mode: 0o600 });
      expect(await load()).to.equal("key-invalid");
      for (const mode of [0o640, 0o604, 0o620]) {
        await chmod(path, mode);
        expect(await load()).to.equal("key-file-exposed");
      }
      await mkdir(join(dir, "folder"), { mode: 0o700 });
      expect(await codeOf(loadKeyFile({ path: join(dir, "folder"), create: true }))).to.equal(
        "key-file-unreadable",
      );
    }));

  it("keeps both keys in reach while a rotation is not finished", () =>
    withFolder(async (dir) => {
      const path = join(dir, "master.key");
      const old = await loadOrCreateKeyFile(path);
      expect((await loadMasterKeys(path)).isRotating).to.equal(false);
      const next = await prepareNextKeyFile(path);
      expect(await prepareNextKeyFile(path), "an interrupted rotation goes on").to.deep.equal(next);
      expect(await loadMasterKeys(path)).to.deep.equal({
        current: next,
        previous: [old.key],
        created: false,
        isRotating: true,
      });
      expect(await adoptNextKeyFile(path)).to.equal(true);
      expect(await adoptNextKeyFile(path)).to.equal(false);
      expect((await loadMasterKeys(path)).current).to.deep.equal(next);
      expect(await readFile(path, "latin1")).to.equal(`${next.toString("hex")}\n`);
      expect((await stat(path)).mode & 0o777).to.equal(0o600);
    }));
});
