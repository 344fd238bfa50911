// The master key (KEK): 32 bytes from a file or the environment, never in the store and never in the keyring.
//
// Changing it takes two files, because the keyring cannot be re-wrapped in one step: the new key is written to `<path>.next`,
// the keyring is rotated, then `.next` takes the place of the old file. Whoever starts while `.next` exists was interrupted
// in the middle: it loads both keys, opens the keyring (which finishes the re-wrapping) and adopts the new file.

import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LogveilError } from "../errors.ts";
import { createFile, isErrno } from "./durable-file.ts";
import { systemFileSteps } from "./file-steps.ts";
import { randomBytes } from "./secure-random.ts";

export const MASTER_KEY_BYTES = 32;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const OTHERS = 0o077;
// A key is 64 characters; a file beyond this is not one, and is not read to its end.
const MAX_FILE_BYTES = 1024;

/** Reads 32 bytes from hex, base64 or base64url; white space around them is ignored. Throws `key-invalid`. */
export function parseMasterKey(text: string): Buffer {
  const trimmed = text.trim();
  if (HEX.test(trimmed)) return Buffer.from(trimmed, "hex");
  if (!BASE64.test(trimmed)) throw new LogveilError("key-invalid");
  return Buffer.from(trimmed, "base64");
}

export function generateMasterKey(): Buffer {
  return randomBytes(MASTER_KEY_BYTES);
}

export type LoadedKey = { readonly key: Buffer; readonly created: boolean };

/**
 * Reads a key file, creating it (0600, a new random key in hex) when it is missing and `create` says so. Of two processes
 * that create it at once one wins, and both return its key.
 * Throws `key-file-exposed`, `key-file-unreadable`, `key-invalid`.
 */
export async function loadKeyFile(options: {
  readonly path: string;
  readonly create: boolean;
}): Promise<LoadedKey> {
  try {
    const created = options.create && (await createKeyFile(options.path));
    return { key: await readKeyFile(options.path), created };
  } catch (cause) {
    if (cause instanceof LogveilError) throw cause;
    throw new LogveilError("key-file-unreadable", { cause });
  }
}

/** `loadKeyFile` for a file that may be missing. */
export function loadOrCreateKeyFile(path: string): Promise<LoadedKey> {
  return loadKeyFile({ path, create: true });
}

export type LoadedMasterKeys = {
  /** What the keyring is to be wrapped under: the key of `.next` when there is one. */
  readonly current: Buffer;
  /** What parts of the keyring may still be wrapped under. */
  readonly previous: readonly Buffer[];
  readonly created: boolean;
  /** A rotation was interrupted: call `adoptNextKeyFile` once the keyring has opened with these keys. */
  readonly isRotating: boolean;
};

/** Loads the master key and, in the middle of a rotation, the next one. Throws as `loadKeyFile`. */
export async function loadMasterKeys(
  path: string,
  options: { readonly create: boolean } = { create: false },
): Promise<LoadedMasterKeys> {
  const { key, created } = await loadKeyFile({ path, create: options.create });
  if (!(await exists(nextPath(path)))) {
    return { current: key, previous: [], created, isRotating: false };
  }
  const next = await loadKeyFile({ path: nextPath(path), create: false });
  return { current: next.key, previous: [key], created, isRotating: true };
}

/**
 * Writes a new key to `<path>.next` and returns it. One that is there already is returned as it is: parts of the keyring
 * may be wrapped under it. Throws as `loadKeyFile`.
 */
export async function prepareNextKeyFile(path: string): Promise<Buffer> {
  const { key } = await loadOrCreateKeyFile(nextPath(path));
  return key;
}

/** Puts `<path>.next` in the place of `path`, after the keyring was rotated. Resolves false when there is none. */
export async function adoptNextKeyFile(path: string): Promise<boolean> {
  try {
    await rename(nextPath(path), path);
  } catch (cause) {
    if (isErrno(cause, "ENOENT")) return false;
    throw new LogveilError("key-file-unreadable", { cause });
  }
  await systemFileSteps.syncFolder(dirname(path));
  return true;
}

function nextPath(path: string): string {
  return `${path}.next`;
}

async function createKeyFile(path: string): Promise<boolean> {
  if (await exists(path)) return false;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const key = generateMasterKey();
  const content = Buffer.from(`${key.toString("hex")}\n`);
  const created = await createFile(systemFileSteps, path, content);
  key.fill(0);
  content.fill(0);
  return created;
}

async function readKeyFile(path: string): Promise<Buffer> {
  await using handle = await open(path, "r");
  const { mode } = await handle.stat();
  // SECURITY: asked of the open file, not of the name, so that nobody swaps the file between the question and the reading.
  if ((mode & OTHERS) !== 0) throw new LogveilError("key-file-exposed");
  const content = Buffer.alloc(MAX_FILE_BYTES);
  const { bytesRead } = await handle.read(content, 0, MAX_FILE_BYTES, 0);
  const key = parseMasterKey(content.toString("latin1", 0, bytesRead));
  content.fill(0);
  return key;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
