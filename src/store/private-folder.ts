import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { LogveilError } from "../errors.ts";

// Folders and files of the store on the disk. Whatever the disk refuses is `store-unavailable`.

/** Makes the folder when it is missing, and takes it back from others when it is not. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await asUnavailable(async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  });
}

/** None when there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return (await unlessMissing(() => readdir(folder))) ?? [];
}

export async function exists(path: string): Promise<boolean> {
  return (await unlessMissing(() => stat(path))) !== undefined;
}

/** What is in the folder by name survives a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  await asUnavailable(async () => {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  });
}

/** Written and synced, with its name. */
export async function writePrivateFile(folder: string, name: string, text: string): Promise<void> {
  await asUnavailable(async () => {
    const file = await open(join(folder, name), "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  });
  await syncFolder(folder);
}

/** Nothing happens when there is no such folder. */
export async function renameFolder(from: string, to: string): Promise<void> {
  await unlessMissing(() => rename(from, to));
}

/**
 * Removes the folder with all in it, one file after the other: each takes a thread for a moment, and all at once would take every
 * thread from what is being served. Nothing happens when there is no such folder.
 */
export async function removeFolder(folder: string): Promise<void> {
  for (const name of await namesIn(folder))
    await asUnavailable(() => rm(join(folder, name), { recursive: true, force: true }));
  await asUnavailable(() => rm(folder, { recursive: true, force: true }));
}

export function codeIn(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

async function unlessMissing<Result>(step: () => Promise<Result>): Promise<Result | undefined> {
  return asUnavailable(() =>
    step().catch((error: unknown) => {
      if (codeIn(error) === "ENOENT") return undefined;
      throw error;
    }),
  );
}

async function asUnavailable<Result>(step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (cause) {
    throw new LogveilError("store-unavailable", { cause });
  }
}
