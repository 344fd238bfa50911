import { link, mkdir, open, rename, unlink } from "node:fs/promises";

/**
 * The changes a keyring makes to its folder, each one a step after which the machine may stop. They are a parameter of
 * the keyring for one reason: a test stops it between any two steps and opens what is left.
 */
export type FileSteps = {
  /** Creates folder `path` (0700) and those above it. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** Creates `path` (0600) with `content`, on disk when it resolves. Rejects EEXIST. */
  readonly create: (path: string, content: Uint8Array) => Promise<void>;
  /** Appends, creating `path` (0600) when it is missing. On disk when it resolves only if `sync`. */
  readonly append: (path: string, content: Uint8Array, sync: boolean) => Promise<void>;
  /** Writes over the first bytes of an existing file, in place, on disk when it resolves. */
  readonly overwrite: (path: string, content: Uint8Array) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Gives `from` a second name. Rejects EEXIST, in one step, also between processes. */
  readonly link: (from: string, to: string) => Promise<void>;
  readonly unlink: (path: string) => Promise<void>;
  /** Makes names that were added, replaced or removed in `folder` survive a power loss. */
  readonly syncFolder: (folder: string) => Promise<void>;
};

export const systemFileSteps: FileSteps = {
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  create: (path, content) => write(path, "wx", content, true),
  append: (path, content, sync) => write(path, "a", content, sync),
  overwrite: (path, content) => write(path, "r+", content, true),
  rename,
  link,
  unlink,
  syncFolder: async (folder) => {
    await using handle = await open(folder, "r");
    await handle.sync();
  },
};

async function write(
  path: string,
  flag: "wx" | "a" | "r+",
  content: Uint8Array,
  sync: boolean,
): Promise<void> {
  await using handle = await open(path, flag, 0o600);
  await handle.writeFile(content);
  if (sync) await handle.sync();
}
