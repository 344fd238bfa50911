import { createCipheriv, hash } from "node:crypto";
import { randomBytes } from "./secure-random.ts";

const KEY_BYTES = 32;
/** Hex digits of a session tag that lead to its leaf: 40 bits. Erasing one of a million sessions takes a second along once in a million times. */
const DEPTH = 10;
/** Keys of this depth are kept ready: 65,536 of them, 2 MiB, and every session then costs six digests. */
const READY_DEPTH = 4;
const HEX = "0123456789abcdef";
// With key and digit one block of SHA-256.
const LABEL = Buffer.from("logveil tree 1");

/**
 * One key for each session of an epoch, all from one random root, any of which can be destroyed for itself: the tree of Goldreich,
 * Goldwasser and Micali (1986), punctured as Boneh and Waters do (2013). A key gives the 16 keys below it, never one above or
 * beside it. To destroy a leaf, the keys on the way to it are replaced by those beside the way, and the leaf by a random one: every
 * other session keeps its key, and a session that is stored anew gets one that opens nothing of before.
 */
export class SessionKeyTree {
  /** What is held: keys under the digits that lead to them. No two are above each other, together they cover all sessions. */
  readonly #held: ReadonlyMap<string, Buffer>;

  constructor(held: ReadonlyMap<string, Buffer>) {
    this.#held = held;
  }

  static create(): SessionKeyTree {
    return new SessionKeyTree(new Map([["", randomBytes(KEY_BYTES)]]));
  }

  /** The inverse of `encode`; undefined for other bytes. */
  static decode(bytes: Uint8Array): SessionKeyTree | undefined {
    const held = new Map<string, Buffer>();
    const text = Buffer.from(bytes);
    for (let at = 0; at < text.length;) {
      const end = at + 1 + text.readUInt8(at);
      if (end + KEY_BYTES > text.length) return undefined;
      held.set(text.toString("latin1", at + 1, end), text.subarray(end, end + KEY_BYTES));
      at = end + KEY_BYTES;
    }
    return held.size === 0 ? undefined : new SessionKeyTree(held);
  }

  /** For each key: how many digits lead to it, the digits, the key. */
  encode(): Buffer {
    // Written in one go: there are a hundred entries for each erased session.
    let length = 0;
    for (const path of this.#held.keys()) length += 1 + path.length + KEY_BYTES;
    const bytes = Buffer.alloc(length);
    let at = 0;
    for (const [path, key] of this.#held) {
      at = bytes.writeUInt8(path.length, at);
      at += bytes.write(path, at, "latin1");
      at += key.copy(bytes, at);
    }
    return bytes;
  }

  /** 32 bytes, for this session alone. `ready` is filled and used on the way. */
  keyOf(tag: Uint8Array, ready?: ReadyKeys): Buffer {
    const path = pathOf(tag);
    const known = ready?.find(path);
    let [depth, key] = known === undefined ? nearest(this.#held, path) : [READY_DEPTH, known];
    for (; depth < DEPTH; depth += 1) {
      if (depth === READY_DEPTH && known === undefined) ready?.set(path, key);
      key = childOf(key, digitOf(tag, depth));
    }
    return key;
  }

  /** The tree after the keys of these sessions have been destroyed. */
  without(...tags: readonly Uint8Array[]): SessionKeyTree {
    const held = new Map(this.#held);
    for (const tag of tags) puncture(held, tag);
    return new SessionKeyTree(held);
  }
}

function puncture(held: Map<string, Buffer>, tag: Uint8Array): void {
  const path = pathOf(tag);
  let [depth, key] = nearest(held, path);
  held.delete(path.slice(0, depth));
  for (; depth < DEPTH; depth += 1) {
    const children = Array.from(HEX, (_, digit) => childOf(key, digit));
    for (const [digit, child] of children.entries())
      held.set(path.slice(0, depth) + HEX.charAt(digit), child);
    held.delete(path.slice(0, depth + 1));
    key = childOf(key, digitOf(tag, depth));
  }
  held.set(path, randomBytes(KEY_BYTES));
}

/** The one key held on the way to the leaf. */
function nearest(held: ReadonlyMap<string, Buffer>, path: string): [depth: number, key: Buffer] {
  for (let depth = 0; depth <= DEPTH; depth += 1) {
    const key = held.get(path.slice(0, depth));
    if (key !== undefined) return [depth, key];
  }
  throw new TypeError("a session key tree that does not cover all sessions");
}

/** Keys of one tree halfway to its leaves, by their digits. */
export class ReadyKeys {
  readonly #keys = Buffer.alloc(16 ** READY_DEPTH * KEY_BYTES);
  readonly #isSet = new Uint8Array(16 ** READY_DEPTH);

  find(path: string): Buffer | undefined {
    const at = ReadyKeys.#indexOf(path);
    return this.#isSet[at] === 1
      ? this.#keys.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES)
      : undefined;
  }

  set(path: string, key: Buffer): void {
    const at = ReadyKeys.#indexOf(path);
    this.#keys.set(key, at * KEY_BYTES);
    this.#isSet[at] = 1;
  }

  /** SECURITY: the key above a destroyed leaf gives that leaf; it must not stay in memory either. */
  forget(tag: Uint8Array): void {
    const at = ReadyKeys.#indexOf(pathOf(tag));
    this.#isSet[at] = 0;
    this.#keys.fill(0, at * KEY_BYTES, (at + 1) * KEY_BYTES);
  }

  static #indexOf(path: string): number {
    return Number.parseInt(path.slice(0, READY_DEPTH), 16);
  }
}

/**
 * AES-256-CTR, its own inverse. It hides and does not protect: what it is laid over is authenticated.
 *
 * @param iv 16 bytes, the last four zero, unique among the texts of one key.
 */
export function maskWith(key: Uint8Array, iv: Uint8Array, text: Uint8Array): Buffer {
  return createCipheriv("aes-256-ctr", key, iv).update(text);
}

function pathOf(tag: Uint8Array): string {
  return Buffer.from(tag.buffer, tag.byteOffset, DEPTH / 2).toString("hex");
}

function digitOf(tag: Uint8Array, depth: number): number {
  const byte = tag[depth >> 1] ?? 0;
  return depth % 2 === 0 ? byte >> 4 : byte & 15;
}

// One for all calls, as none of them waits: a new one would cost as much as the digest.
const input = Buffer.alloc(LABEL.length + KEY_BYTES + 1);
input.set(LABEL);

/** SHA-256 as a PRF: all inputs have one length, so none continues another. */
function childOf(key: Uint8Array, digit: number): Buffer {
  input.set(key, LABEL.length);
  input[LABEL.length + KEY_BYTES] = digit;
  return hash("sha256", input, "buffer");
}
