// Files that are there whole or not at all, whenever the machine stops.

import { readFile, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FileSteps } from "./file-steps.ts";
import { randomBytes } from "./secure-random.ts";

const TEMPORARY = ".tmp";
// Another process that opens the same folder may take our temporary file for a leftover; once is bad luck, three times is not.
const ATTEMPTS = 3;

/** The content of `path`, or undefined when there is no such file. */
export async function findFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The length of `path` in bytes, or undefined when there is no such file. */
export async function findFileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Replaces or creates `path`. Readers see the old content or the new one; on disk when it resolves. */
export async function replaceFile(
  steps: FileSteps,
  path: string,
  content: Uint8Array,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await steps.create(temporary, content);
    await steps.rename(temporary, path);
  } catch (error) {
    await unlinkIfThere(steps, temporary);
    throw error;
  }
  await steps.syncFolder(dirname(path));
}

/** Creates `path` whole. Resolves false and changes nothing when it exists, also when another process was faster. */
export async function createFile(
  steps: FileSteps,
  path: string,
  content: Uint8Array,
): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const temporary = temporaryName(path);
    const outcome = await linkWhole(steps, temporary, path, content);
    if (outcome === "cleared") continue;
    await steps.syncFolder(dirname(path));
    return outcome === "created";
  }
  throw new Error("temporary files are cleared away faster than they are written");
}

/** Overwrites `path` with zeros, then removes it. Nothing happens when it is gone already. */
export async function destroyFile(steps: FileSteps, path: string): Promise<void> {
  const content = await findFile(path);
  if (content === undefined) return;
  // Defence in depth: file systems that write in place lose the bytes here, others when they reuse the blocks.
  await steps.overwrite(path, Buffer.alloc(content.length));
  await steps.unlink(path);
  await steps.syncFolder(dirname(path));
}

/**
 * Removes what a crash left of `replaceFile` and `createFile` in `folder`. The names only: the content may be that of the
 * real file (after link) or about to become it (another process is just creating it).
 */
export async function removeLeftovers(steps: FileSteps, folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.filter((name) => name.endsWith(TEMPORARY))) {
    await unlinkIfThere(steps, join(folder, name));
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}${TEMPORARY}`);
}

async function linkWhole(
  steps: FileSteps,
  temporary: string,
  path: string,
  content: Uint8Array,
): Promise<"created" | "exists" | "cleared"> {
  try {
    await steps.create(temporary, content);
    await steps.link(temporary, path);
    return "created";
  } catch (error) {
    if (isErrno(error, "EEXIST")) return "exists";
    if (isErrno(error, "ENOENT")) return "cleared";
    throw error;
  } finally {
    await unlinkIfThere(steps, temporary);
  }
}

async function unlinkIfThere(steps: FileSteps, path: string): Promise<void> {
  try {
    await steps.unlink(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
