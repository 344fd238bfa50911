import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { LogveilError } from "../errors.ts";
import { createFile, destroyFile, findFile, replaceFile } from "./durable-file.ts";
import { encodeEpochFile, epochFields, parseEpochFile, type EpochFile } from "./epoch-file.ts";
import type { FileSteps } from "./file-steps.ts";
import { SECRET_BYTES, type MasterKeys } from "./key-wrapping.ts";
import { randomBytes } from "./secure-random.ts";
import { createSerial } from "./serial.ts";
import { rewrap } from "./wrapped-file.ts";

const NAME = /^(0|[1-9][0-9]{0,9})\.key$/;

type Options = {
  readonly dir: string;
  readonly steps: FileSteps;
  readonly keys: MasterKeys;
};

/**
 * The epoch secrets, one file each, wrapped; their files are held in memory as they are (about 100 bytes an epoch), and a
 * secret is unwrapped only while something is derived from it. Changes run one at a time, so that a file that is being
 * re-wrapped is never put back after its destruction.
 */
export class EpochFolder {
  readonly #options: Options;
  readonly #files = new Map<number, EpochFile>();
  readonly #serially = createSerial();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Reads what is on disk and not known yet, but for `destroyed`. Throws `keyring-corrupt`, `key-wrong`. */
  async load(destroyed: readonly number[] = []): Promise<void> {
    const skipped = new Set(destroyed);
    for (const name of await readdir(this.#options.dir)) {
      const digits = NAME.exec(name)?.[1];
      if (digits === undefined || skipped.has(Number(digits))) continue;
      const file = await this.find(Number(digits));
      // Damage is told at start, not at the look-up that needs the key.
      if (file !== undefined) this.unwrap(file).fill(0);
    }
  }

  /** Ascending. */
  list(): readonly EpochFile[] {
    return [...this.#files.values()].sort((a, b) => a.epoch - b.epoch);
  }

  get(epoch: number): EpochFile | undefined {
    return this.#files.get(epoch);
  }

  /** The file of `epoch`, also when another process created it after we opened. */
  async find(epoch: number): Promise<EpochFile | undefined> {
    const known = this.#files.get(epoch);
    if (known !== undefined) return known;
    const content = await findFile(this.#path(epoch));
    if (content === undefined) return undefined;
    const file = parseEpochFile(content, epoch);
    this.#files.set(epoch, file);
    return file;
  }

  /** Creates the secret of an epoch, or returns the one that another caller or process created first. */
  create(fields: Omit<EpochFile, "wrapped">): Promise<{ file: EpochFile; created: boolean }> {
    return this.#serially(async () => {
      const { steps, keys } = this.#options;
      const known = await this.find(fields.epoch);
      if (known !== undefined) return { file: known, created: false };
      const secret = randomBytes(SECRET_BYTES);
      const ours = { ...fields, wrapped: keys.wrap("epoch", epochFields(fields), secret) };
      secret.fill(0);
      const created = await createFile(steps, this.#path(fields.epoch), encodeEpochFile(ours));
      const file = created ? ours : await this.find(fields.epoch);
      if (file === undefined) throw new LogveilError("epoch-expired");
      this.#files.set(file.epoch, file);
      return { file, created };
    });
  }

  /** The epoch secret. The caller clears it. */
  unwrap(file: EpochFile): Buffer {
    return this.#options.keys.unwrap("epoch", epochFields(file), file.wrapped);
  }

  /** Overwrites and removes the file. Nothing happens when it is gone. */
  destroy(epoch: number): Promise<void> {
    // SECURITY: out of memory at once, so that a failing disk does not keep the key in use.
    this.#files.delete(epoch);
    return this.#serially(async () => {
      this.#files.delete(epoch);
      await destroyFile(this.#options.steps, this.#path(epoch));
    });
  }

  /** Moves expiries forward to `retentionMs` after their epoch's end, and never back. */
  async shorten(retentionMs: number): Promise<void> {
    for (const { epoch } of this.list()) {
      await this.#rewrite(epoch, (file) => {
        const expiresAtMs = file.endsAtMs + retentionMs;
        return expiresAtMs < file.expiresAtMs ? { ...file, expiresAtMs } : file;
      });
    }
  }

  /** Re-wraps what is not under the current master key. Resolves how many those were. */
  async rewrapAll(destroyed: readonly number[]): Promise<number> {
    // Behind the creations under way, which may still wrap under the key before, and with those of other processes.
    await this.#serially(() => this.load(destroyed));
    let count = 0;
    for (const { epoch } of this.list()) {
      count += await this.#rewrite(epoch, (file) =>
        this.#options.keys.isCurrent(file.wrapped) ? file : { ...file },
      );
    }
    return count;
  }

  /** Resolves when no write is under way. */
  settled(): Promise<void> {
    return this.#serially(async () => undefined);
  }

  /** Replaces the file when `change` returns another one. Resolves 1 when it did. */
  #rewrite(epoch: number, change: (file: EpochFile) => EpochFile): Promise<number> {
    return this.#serially(async () => {
      const { steps, keys } = this.#options;
      const before = this.#files.get(epoch);
      if (before === undefined) return 0;
      const after = change(before);
      if (after === before) return 0;
      const old = { fields: epochFields(before), wrapped: before.wrapped };
      const { wrapped } = rewrap(keys, "epoch", old, epochFields(after));
      const file = { ...after, wrapped };
      await replaceFile(steps, this.#path(epoch), encodeEpochFile(file));
      // SECURITY: destroy() may have come while the file was being written; it is behind us and must find nothing to revive.
      if (this.#files.get(epoch) === before) this.#files.set(epoch, file);
      return 1;
    });
  }

  #path(epoch: number): string {
    return join(this.#options.dir, `${epoch}.key`);
  }
}
