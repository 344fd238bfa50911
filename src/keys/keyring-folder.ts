import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { LogveilError } from "../errors.ts";
import { createFile, findFile, removeLeftovers, replaceFile } from "./durable-file.ts";
import type { FileSteps } from "./file-steps.ts";
import { encodeHighWater } from "./high-water.ts";
import { SECRET_BYTES, type MasterKeys } from "./key-wrapping.ts";
import { randomBytes } from "./secure-random.ts";
import { encodeTombstones } from "./tombstones.ts";
import { encodeWrappedFile, parseWrappedFile, rewrap, type WrappedFile } from "./wrapped-file.ts";

/**
 * What a keyring's folder holds:
 *
 * | name | what |
 * |---|---|
 * | `check.key` | a random secret under the master key: tells a wrong key; written last, so it also says that the folder is complete |
 * | `index.key` | the index key, wrapped |
 * | `epochs/<epoch>.key` | one epoch secret, wrapped, with its end and expiry |
 * | `sessions/<epoch>.tree` | keys of single sessions, under a key that the epoch secret gives |
 * | `subjects/<3 hex digits>.keys` | data subjects' keys |
 * | `destroyed` | epochs whose key was destroyed |
 * | `high-water` | the latest time seen |
 * | `rotating` | there while not everything is under one master key |
 */
const NAMES = {
  check: "check.key",
  index: "index.key",
  epochs: "epochs",
  sessions: "sessions",
  subjects: "subjects",
  destroyed: "destroyed",
  highWater: "high-water",
  rotating: "rotating",
} as const;

const FOLDERS = ["epochs", "sessions", "subjects"] as const;

const NO_FIELDS = Buffer.alloc(0);

type Options = { readonly dir: string; readonly steps: FileSteps; readonly keys: MasterKeys };

/** The folder itself: that it is complete and ours, and the two keys that stand alone in it. */
export class KeyringFolder {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  path(name: keyof typeof NAMES): string {
    return join(this.#options.dir, NAMES[name]);
  }

  /**
   * Creates what a new keyring needs, or makes sure that the existing one is whole and under a master key we have.
   * Throws `key-wrong`, `keyring-corrupt`.
   */
  async prepare(): Promise<void> {
    const { dir, steps } = this.#options;
    await steps.makeFolder(this.path("epochs"));
    await steps.makeFolder(this.path("sessions"));
    await steps.makeFolder(this.path("subjects"));
    for (const folder of [dir, ...FOLDERS.map((name) => this.path(name))]) {
      await removeLeftovers(steps, folder);
    }
    // In this order: whoever creates the keyring at the same time writes the check before the first key.
    const isUsed =
      (await readdir(this.path("epochs"))).length + (await readdir(this.path("subjects"))).length >
      0;
    const isNew = (await findFile(this.path("check"))) === undefined;
    // SECURITY: a keyring that has keys and no check was damaged; creating it anew would cut it off from its own keys.
    if (isNew && isUsed) throw new LogveilError("keyring-corrupt");
    if (isNew) await this.#create();
    this.#options.keys.unwrap("check", NO_FIELDS, (await this.#read("check")).wrapped).fill(0);
  }

  /** The index key. The caller clears it. */
  async indexSecret(): Promise<Buffer> {
    return this.#options.keys.unwrap("index", NO_FIELDS, (await this.#read("index")).wrapped);
  }

  /** True when something in the keyring may not be under the current master key. */
  async isRotating(): Promise<boolean> {
    const { wrapped } = await this.#read("check");
    const isMarked = (await findFile(this.path("rotating"))) !== undefined;
    return isMarked || !this.#options.keys.isCurrent(wrapped);
  }

  async beginRotation(): Promise<void> {
    await createFile(this.#options.steps, this.path("rotating"), NO_FIELDS);
  }

  /** Re-wraps what stands alone, the check last, and takes the mark away. Resolves how many keys were re-wrapped. */
  async endRotation(): Promise<number> {
    const { dir, steps } = this.#options;
    const count = (await this.#rewrap("index")) + (await this.#rewrap("check"));
    await steps.unlink(this.path("rotating"));
    await steps.syncFolder(dir);
    return count;
  }

  async #create(): Promise<void> {
    const { steps, keys } = this.#options;
    await createFile(steps, this.path("highWater"), encodeHighWater(0));
    await createFile(steps, this.path("destroyed"), encodeTombstones());
    for (const name of ["index", "check"] as const) {
      const secret = randomBytes(SECRET_BYTES);
      const wrapped = keys.wrap(name, NO_FIELDS, secret);
      secret.fill(0);
      await createFile(steps, this.path(name), encodeWrappedFile({ fields: NO_FIELDS, wrapped }));
    }
  }

  async #read(name: "check" | "index"): Promise<WrappedFile> {
    const content = await findFile(this.path(name));
    if (content === undefined) throw new LogveilError("keyring-corrupt");
    return parseWrappedFile(content, NO_FIELDS.length);
  }

  async #rewrap(name: "check" | "index"): Promise<number> {
    const { keys, steps } = this.#options;
    const file = await this.#read(name);
    if (keys.isCurrent(file.wrapped)) return 0;
    await replaceFile(steps, this.path(name), encodeWrappedFile(rewrap(keys, name, file)));
    return 1;
  }
}
