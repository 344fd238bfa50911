import type { KeyObject } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { hasCode, LogveilError } from "../errors.ts";
import { associatedData, openWith, sealWith } from "./aead.ts";
import { createFile, destroyFile, findFile, replaceFile } from "./durable-file.ts";
import type { FileSteps } from "./file-steps.ts";
import { createSerial } from "./serial.ts";
import { ReadyKeys, SessionKeyTree, maskWith } from "./session-key-tree.ts";
import { SEALED_AT, maskedVersionOf, maskIvOf, unmaskedVersionOf } from "./session-record.ts";

/**
 * A second layer over session records, put on and taken off by the control plane, so that one session can be erased while its epoch
 * lives: its own key dies, and no copy of the record opens any more, whoever has the epoch's key.
 */
export type SessionTrees = {
  /** The record as it is stored: of the same length. At once when the epoch's tree is at hand. Rejects `epoch-expired`. */
  readonly cover: (
    epoch: number,
    tag: Uint8Array,
    record: Uint8Array,
  ) => Uint8Array | Promise<Uint8Array>;
  /** The inverse. A record that was stored without the layer comes back as it is. Rejects `epoch-expired`, `open-failed`. */
  readonly uncover: (epoch: number, tag: Uint8Array, stored: Uint8Array) => Promise<Uint8Array>;
  /**
   * Gone from disk and memory when it resolves. Nothing happens when the epoch has expired. Each replaces a file that grows with the
   * erased sessions; those that are asked for while another is under way are one replacement.
   */
  readonly erase: (epoch: number, tag: Uint8Array) => Promise<void>;
};

type Options = {
  readonly dir: string;
  readonly steps: FileSteps;
  /** Derived from the epoch's secret, so that the tree dies with it. Throws `epoch-expired`. */
  readonly sealingKeyOf: (epoch: number) => KeyObject;
};

/** 100 bytes each, and some 5 KB more for every session that was erased. */
const MAX_TREES = 64;
/** Epochs in which sessions are being made: the present one, and those around its ends. */
const MAX_READY = 3;
const NAME = /^(0|[1-9][0-9]{0,9})\.tree$/;

/** The trees of a keyring, a file for each epoch, replaced whole. */
export class SessionTreeFolder implements SessionTrees {
  readonly #options: Options;
  readonly #trees = new LRUCache<number, SessionKeyTree>({ max: MAX_TREES });
  readonly #ready = new LRUCache<number, ReadyKeys>({ max: MAX_READY });
  readonly #serially = createSerial();
  /** What the next replacement of an epoch's file takes along; each waits for it, so it is bounded by the erasures under way. */
  readonly #doomed = new Map<
    number,
    { readonly tags: Uint8Array[]; readonly erased: Promise<void> }
  >();

  constructor(options: Options) {
    this.#options = options;
  }

  cover(epoch: number, tag: Uint8Array, record: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const tree = this.#trees.get(epoch);
    if (tree !== undefined) return this.#cover(tree, epoch, tag, record);
    return this.#serially(() => this.#findOrCreate(epoch)).then((found) =>
      this.#cover(found, epoch, tag, record),
    );
  }

  async uncover(epoch: number, tag: Uint8Array, stored: Uint8Array): Promise<Uint8Array> {
    const version = unmaskedVersionOf(stored);
    if (version === undefined) return stored;
    const tree = this.#trees.get(epoch) ?? (await this.#serially(() => this.#find(epoch)));
    if (tree === undefined) throw new LogveilError("open-failed");
    return mask(tree.keyOf(tag), version, stored);
  }

  erase(epoch: number, tag: Uint8Array): Promise<void> {
    const waiting = this.#doomed.get(epoch);
    if (waiting !== undefined) {
      waiting.tags.push(tag);
      return waiting.erased;
    }
    const tags = [tag];
    const erased = this.#serially(() => {
      this.#doomed.delete(epoch);
      return this.#erase(epoch, tags);
    });
    this.#doomed.set(epoch, { tags, erased });
    return erased;
  }

  async #erase(epoch: number, tags: readonly Uint8Array[]): Promise<void> {
    const tree = await this.#findUnlessExpired(epoch);
    if (tree === undefined) return;
    const next = tree.without(...tags);
    await replaceFile(this.#options.steps, this.#path(epoch), this.#seal(epoch, next));
    this.#trees.set(epoch, next);
    for (const tag of tags) this.#ready.get(epoch)?.forget(tag);
  }

  /** For an epoch whose secret was destroyed: what is left of it opens nothing. */
  destroy(epoch: number): Promise<void> {
    this.#trees.delete(epoch);
    this.#ready.delete(epoch);
    return this.#serially(() => destroyFile(this.#options.steps, this.#path(epoch)));
  }

  /** Removes the trees of epochs that are not among `live`. */
  async retain(live: ReadonlySet<number>): Promise<void> {
    for (const name of await readdir(this.#options.dir)) {
      const digits = NAME.exec(name)?.[1];
      if (digits !== undefined && !live.has(Number(digits))) await this.destroy(Number(digits));
    }
  }

  /** Resolves when no write is under way. */
  settled(): Promise<void> {
    return this.#serially(async () => undefined);
  }

  #cover(tree: SessionKeyTree, epoch: number, tag: Uint8Array, record: Uint8Array): Uint8Array {
    let ready = this.#ready.get(epoch);
    if (ready === undefined) this.#ready.set(epoch, (ready = new ReadyKeys()));
    return mask(tree.keyOf(tag, ready), maskedVersionOf(record), record);
  }

  async #findOrCreate(epoch: number): Promise<SessionKeyTree> {
    const found = await this.#find(epoch);
    if (found !== undefined) return found;
    const created = SessionKeyTree.create();
    const { steps } = this.#options;
    const isOurs = await createFile(steps, this.#path(epoch), this.#seal(epoch, created));
    const tree = isOurs ? created : await this.#find(epoch);
    if (tree === undefined) throw new LogveilError("epoch-expired");
    this.#trees.set(epoch, tree);
    return tree;
  }

  async #find(epoch: number): Promise<SessionKeyTree | undefined> {
    const known = this.#trees.get(epoch);
    if (known !== undefined) return known;
    const content = await findFile(this.#path(epoch));
    if (content === undefined) return undefined;
    const tree = SessionKeyTree.decode(this.#open(epoch, content));
    if (tree === undefined) throw new LogveilError("keyring-corrupt");
    this.#trees.set(epoch, tree);
    return tree;
  }

  async #findUnlessExpired(epoch: number): Promise<SessionKeyTree | undefined> {
    try {
      this.#options.sealingKeyOf(epoch);
      return await this.#find(epoch);
    } catch (error) {
      if (hasCode(error, "epoch-expired")) return undefined;
      throw error;
    }
  }

  #seal(epoch: number, tree: SessionKeyTree): Buffer {
    const plaintext = tree.encode();
    const sealed = sealWith(this.#options.sealingKeyOf(epoch), plaintext, bindingOf(epoch));
    plaintext.fill(0);
    return sealed;
  }

  #open(epoch: number, content: Buffer): Buffer {
    try {
      return openWith(this.#options.sealingKeyOf(epoch), content, bindingOf(epoch));
    } catch (cause) {
      if (hasCode(cause, "epoch-expired")) throw cause;
      throw new LogveilError("keyring-corrupt", { cause });
    }
  }

  #path(epoch: number): string {
    return join(this.#options.dir, `${String(epoch)}.tree`);
  }
}

function mask(key: Uint8Array, version: number, record: Uint8Array): Uint8Array {
  const masked = Buffer.from(record);
  masked[0] = version;
  masked.set(maskWith(key, maskIvOf(record), record.subarray(SEALED_AT)), SEALED_AT);
  return masked;
}

function bindingOf(epoch: number): Buffer {
  return associatedData("logveil session tree", "1", String(epoch));
}
