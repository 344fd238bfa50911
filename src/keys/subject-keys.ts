import type { KeyObject } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { mac } from "./mac.ts";
import { ENTRY_BYTES, SUBJECT_ID_BYTES, type SubjectShard } from "./subject-shard.ts";
import { SubjectShardFile, type ShardOptions } from "./subject-shard-file.ts";

// 12 bits of the id name the shard: with a million data subjects a file has about 21 KB, so erasing one person replaces 21 KB.
const SHARD_NAME = /^[0-9a-f]{3}\.keys$/;
// 256 shards of 250 entries are about 15 MB of wrapped keys.
const MAX_CACHED_SHARDS = 256;

/** One 32-byte key (DEK) for each data subject, and for each session that a caller stored. Erasing is destroying it. */
export type SubjectKeys = {
  /**
   * The key of `subject`, a new one when there is none or it has expired. `expiresAtMs` (ms since 1970) becomes the
   * expiry, also of a key that exists; without it a new key never expires and one that exists stays as it is.
   */
  readonly create: (subject: string, expiresAtMs?: number) => Promise<Buffer>;
  /** Undefined when it never existed, has expired or was destroyed: these look alike. */
  readonly find: (subject: string) => Promise<Buffer | undefined>;
  /** Gone from disk when it resolves; false when there was none. */
  readonly destroy: (subject: string) => Promise<boolean>;
  /** Destroys those that have expired at `nowMs` and resolves how many. */
  readonly sweep: (nowMs: number) => Promise<number>;
};

type Options = ShardOptions & {
  readonly dir: string;
  readonly indexKey: KeyObject;
  readonly nowMs: () => number;
};

type CachedShard = { readonly version: string; readonly shard: SubjectShard };

/** The subject keys of a keyring: 4096 shard files, created when needed. */
export class SubjectKeyFolder implements SubjectKeys {
  readonly #options: Options;
  /** 4096 at most. */
  readonly #files = new Map<string, SubjectShardFile>();
  readonly #cache = new LRUCache<string, CachedShard>({ max: MAX_CACHED_SHARDS });

  constructor(options: Options) {
    this.#options = options;
  }

  async create(subject: string, expiresAtMs?: number): Promise<Buffer> {
    const { id, name } = this.#place(subject);
    const nowMs = this.#options.nowMs();
    return this.#file(name).edit((shard) => shard.create(id, nowMs, expiresAtMs));
  }

  async find(subject: string): Promise<Buffer | undefined> {
    const { id, name } = this.#place(subject);
    const shard = await this.#read(name);
    return shard.find(id, this.#options.nowMs());
  }

  async destroy(subject: string): Promise<boolean> {
    const { id, name } = this.#place(subject);
    this.#cache.delete(name);
    return this.#file(name).edit((shard) => shard.destroy(id));
  }

  async sweep(nowMs: number): Promise<number> {
    let count = 0;
    for (const name of await this.#names()) {
      const file = this.#file(name);
      if ((await file.read()).hasExpired(nowMs)) {
        count += await file.edit((shard) => shard.sweep(nowMs));
        this.#cache.delete(name);
      }
    }
    return count;
  }

  /** How many keys there are, expired ones that are not swept yet included. */
  async count(): Promise<number> {
    let bytes = 0;
    for (const name of await this.#names()) bytes += await this.#file(name).size();
    return Math.floor(bytes / ENTRY_BYTES);
  }

  /** Re-wraps what is not under the current master key, which has just changed. Resolves how many those were. */
  async rewrapAll(): Promise<number> {
    // Writes under way may still wrap under the key before, some of them in shards that are not on disk yet.
    await this.settled();
    let count = 0;
    for (const name of await this.#names()) {
      count += await this.#file(name).edit((shard) => shard.rewrap());
    }
    this.#cache.clear();
    return count;
  }

  /** Resolves when no write is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.settled()));
  }

  async #read(name: string): Promise<SubjectShard> {
    const file = this.#file(name);
    const version = file.version();
    const cached = this.#cache.get(name);
    if (cached?.version === version) return cached.shard;
    const shard = await file.read();
    this.#cache.set(name, { version, shard });
    return shard;
  }

  #place(subject: string): { readonly id: Buffer; readonly name: string } {
    const id = mac(this.#options.indexKey, subject).subarray(0, SUBJECT_ID_BYTES);
    return { id, name: `${id.toString("hex", 0, 2).slice(0, 3)}.keys` };
  }

  #file(name: string): SubjectShardFile {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = new SubjectShardFile(join(this.#options.dir, name), this.#options);
    this.#files.set(name, file);
    return file;
  }

  async #names(): Promise<readonly string[]> {
    return (await readdir(this.#options.dir)).filter((name) => SHARD_NAME.test(name));
  }
}
