import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { LogveilError } from "../errors.ts";
import { createFile, findFile } from "../keys/durable-file.ts";
import { systemFileSteps } from "../keys/file-steps.ts";

const OTHERS = 0o077;
// A token is 36 characters; a file beyond this is not one, and is not read to its end.
const MAX_FILE_BYTES = 1024;

export type TokenFile = { readonly text: string; readonly created: boolean };

/**
 * Reads a file that holds an access token, under the rules of key files: created (0600) with what `create` gives when it is
 * missing, refused when anybody but its owner may read or write it. Of two processes that create it at once one wins, and both
 * return its token. Rejects `token-file-exposed`, `token-file-unreadable`.
 */
export async function loadTokenFile(path: string, create: () => string): Promise<TokenFile> {
  try {
    const created = (await findFile(path)) === undefined && (await createTokenFile(path, create()));
    return { text: await readTokenFile(path), created };
  } catch (cause) {
    if (cause instanceof LogveilError) throw cause;
    throw new LogveilError("token-file-unreadable", { cause });
  }
}

async function createTokenFile(path: string, token: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return createFile(systemFileSteps, path, Buffer.from(`${token}\n`));
}

async function readTokenFile(path: string): Promise<string> {
  await using handle = await open(path, "r");
  const { mode } = await handle.stat();
  // SECURITY: asked of the open file, not of the name, so that nobody swaps the file between the question and the reading.
  if ((mode & OTHERS) !== 0) throw new LogveilError("token-file-exposed");
  const content = Buffer.alloc(MAX_FILE_BYTES);
  const { bytesRead } = await handle.read(content, 0, MAX_FILE_BYTES, 0);
  return content.toString("utf8", 0, bytesRead).trim();
}
